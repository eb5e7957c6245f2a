"""ASDF and EQTransformer's HDF5: samples, times, codes; what states no time or more samples than it stores."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from selfseis.errors import InputError
from selfseis.io.obspy_import import obspy
from selfseis.quality_log import quality_log_of
from selfseis.recording import open_recording, start_time

h5py = pytest.importorskip("h5py")
START_NS = 1_614_909_600_250_000_000


@pytest.fixture
def samples() -> np.ndarray:
    return np.cumsum(np.random.default_rng(11).integers(-40, 41, (3, 4000)), axis=1)


def asdf(path: Path, rows: np.ndarray, tag: str = "raw_recording", xml: bytes = b"") -> None:
    with h5py.File(path, "a") as file:
        file.attrs["file_format"] = "ASDF"
        for component, row in zip("ENZ", rows, strict=True):
            name = f"Waveforms/XX.ST1/XX.ST1..HH{component}__2021-03-05T02:00:00__2021-03-05T02:00:40__{tag}"
            data = file.create_dataset(name, data=row.astype(np.int32))
            data.attrs["sampling_rate"], data.attrs["starttime"] = 100.0, START_NS
        if xml:
            file["Waveforms/XX.ST1/StationXML"] = np.frombuffer(xml, np.int8)


def test_asdf_with_its_station(tmp_path: Path, samples: np.ndarray) -> None:
    obspy()  # without the warnings of its import
    from obspy.core.inventory import Inventory, Network, Station

    buffer = io.BytesIO()
    station = Station("ST1", 42.0, 13.0, 700.0)
    Inventory([Network("XX", [station])], source="test").write(buffer, format="STATIONXML")
    asdf(tmp_path / "net.h5", samples, xml=buffer.getvalue())
    recording = open_recording(tmp_path)
    assert recording["seed_id"].values.tolist() == ["XX.ST1..HHE", "XX.ST1..HHN", "XX.ST1..HHZ"]
    np.testing.assert_array_equal(recording.values, samples)
    assert int(start_time(recording).astype(np.int64)) == START_NS
    assert recording["latitude"].values.tolist() == [42.0] * 3


def test_of_several_tags_the_raw_one_is_read(tmp_path: Path, samples: np.ndarray) -> None:
    asdf(tmp_path / "net.h5", samples * 2, tag="filtered")
    asdf(tmp_path / "net.h5", samples)
    recording = open_recording(tmp_path)
    np.testing.assert_array_equal(recording.values, samples)
    assert any("tagged raw_recording" in issue.detail for issue in quality_log_of(recording).issues)


def test_more_samples_than_stored_are_refused(tmp_path: Path, samples: np.ndarray) -> None:
    asdf(tmp_path / "net.h5", samples)
    with h5py.File(tmp_path / "net.h5", "a") as file:
        data = file.create_dataset(
            "Waveforms/XX.ST2/XX.ST2..HHZ__a__b__raw_recording", (10**11,), "i4", chunks=(1000,)
        )
        data.attrs["sampling_rate"], data.attrs["starttime"] = 100.0, START_NS
    recording = open_recording(tmp_path)
    assert recording.sizes == {"channel": 3, "time": 4000}
    assert quality_log_of(recording).failed_units == [str(tmp_path / "net.h5")]


@pytest.mark.parametrize("named", [True, False])
def test_eqtransformer(tmp_path: Path, samples: np.ndarray, named: bool) -> None:
    with h5py.File(tmp_path / "eqt.hdf5", "w") as file:
        data = file.create_dataset(
            "data/" + ("ST1_XX_HH_2021-03-05T02:00:00.25Z" if named else "trace1"), data=samples.T
        )
        if not named:
            attributes = {"receiver_code": "ST1", "network_code": "XX", "receiver_type": "HH",
                          "trace_start_time": "2021-03-05 02:00:00.25"}  # fmt: skip
            data.attrs.update(attributes)
    recording = open_recording(tmp_path)
    assert recording["seed_id"].values.tolist() == ["XX.ST1..HHE", "XX.ST1..HHN", "XX.ST1..HHZ"]
    np.testing.assert_array_equal(recording.values, samples)
    assert int(start_time(recording).astype(np.int64)) == START_NS
    assert "100 Hz assumed" in " ".join(quality_log_of(recording).summary())


def test_traces_without_a_time_are_refused(tmp_path: Path, samples: np.ndarray) -> None:
    with h5py.File(tmp_path / "eqt.hdf5", "w") as file:
        file["data/something"] = samples.T
    with pytest.raises(InputError, match="cannot be used"):
        open_recording(tmp_path)
