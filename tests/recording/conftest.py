"""Reference samples for the tests of readers, stored in all kinds of sources."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from selfseis.io.obspy_import import obspy
from selfseis.recording import recording_from_array, write_recording

RATE = 100.0
START = "2021-03-04T05:06:07.890000"
N_SAMPLES = 12_345
SEED_IDS = ["XX.AAA..HHE", "XX.AAA..HHN", "XX.AAA..HHZ", "XX.BBB.00.HHZ"]


@dataclass
class Case:
    """One source, its options, the expected samples, and the kind of issue for a gap."""

    source: Any
    truth: np.ndarray
    options: dict[str, Any] = field(default_factory=dict)
    start: str = START
    fibre: bool = False
    gap_is: str = "gap"


@pytest.fixture(scope="session")
def counts() -> np.ndarray:
    """Integer samples as float32, so that every format can hold them exactly."""
    rng = np.random.default_rng(7)
    return np.cumsum(rng.integers(-40, 41, (len(SEED_IDS), N_SAMPLES)), axis=1).astype(np.float32)


@pytest.fixture(scope="session")
def gappy(counts: np.ndarray) -> np.ndarray:
    """The same with a gap of 3,000 samples in one channel."""
    samples = counts.copy()
    samples[1, 4000:7000] = np.nan
    return samples


def stream_of(samples: np.ndarray, dtype: str = "int32", ids: list[str] = SEED_IDS) -> Any:
    """ObsPy Stream of a matrix, gaps as separate traces."""
    module = obspy()
    start = module.UTCDateTime(START)
    stream = module.Stream()
    for seed_id, row in zip(ids, samples, strict=False):
        edges = np.flatnonzero(np.diff(~np.isnan(row), prepend=False, append=False))
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            network, station, location, channel = seed_id.split(".")
            header = {"network": network, "station": station, "location": location, "channel": channel,
                      "sampling_rate": RATE, "starttime": start + first / RATE}  # fmt: skip
            stream.append(module.Trace(row[first:last].astype(dtype), header))
    return stream


def _miniseed(encoding: str, dtype: str) -> Callable[[Path, np.ndarray], Case]:
    def build(folder: Path, samples: np.ndarray) -> Case:
        path = folder / "a.mseed"
        stream_of(samples, dtype).write(str(path), format="MSEED", encoding=encoding, reclen=512)
        return Case(path, samples)

    return build


def _sac(folder: Path, samples: np.ndarray) -> Case:
    for number, trace in enumerate(stream_of(samples, "float32")):
        trace.write(str(folder / f"{number}.sac"), format="SAC")
    return Case(folder, samples)


def _gse2(folder: Path, samples: np.ndarray) -> Case:
    short = ["XX.AAA..HHE", "XX.AAA..HHN", "XX.AAA..HHZ", "XX.BBB..HHZ"]
    stream_of(samples, ids=short).write(str(folder / "a.gse2"), format="GSE2")
    return Case(folder / "a.gse2", samples)


def _segy(folder: Path, samples: np.ndarray) -> Case:
    import warnings

    stream = stream_of(samples, "float32")
    for trace in stream:
        trace.stats.starttime = obspy().UTCDateTime("2021-03-04T05:06:07")  # SEG-Y holds whole seconds
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stream.write(str(folder / "a.sgy"), format="SEGY", data_encoding=5)
    return Case(folder / "a.sgy", samples, start="2021-03-04T05:06:07")


def _stream(folder: Path, samples: np.ndarray) -> Case:
    return Case(stream_of(samples), samples)


def _merged_stream(folder: Path, samples: np.ndarray) -> Case:
    return Case(stream_of(samples).merge(), samples)


def _array(folder: Path, samples: np.ndarray) -> Case:
    return Case(samples, samples, {"sampling_rate": RATE}, start="1970-01-01", gap_is="known")


def _fibre_array(folder: Path, samples: np.ndarray) -> Case:
    return Case(
        samples,
        samples,
        {"sampling_rate": RATE, "channel_spacing": 2.0},
        "1970-01-01",
        fibre=True,
        gap_is="nan",
    )


def _own(suffix: str, fibre: bool) -> Callable[[Path, np.ndarray], Case]:
    def build(folder: Path, samples: np.ndarray) -> Case:
        channels: dict[str, Any] = (
            {"distance": np.arange(4) * 5.0, "gauge_length": 10.0} if fibre else {"seed_id": SEED_IDS}
        )
        write_recording(recording_from_array(samples, RATE, START, **channels), folder / f"a{suffix}")
        return Case(folder / f"a{suffix}", samples, fibre=fibre, gap_is="known")

    return build


def _data_array(folder: Path, samples: np.ndarray) -> Case:
    return Case(recording_from_array(samples, RATE, START, seed_id=SEED_IDS), samples, gap_is="known")


def patch_of(samples: np.ndarray, start: str = START) -> Any:
    """DASCore Patch of a matrix."""
    dascore = pytest.importorskip("dascore")
    times = np.datetime64(start, "ns") + np.arange(samples.shape[1]) * np.timedelta64(round(1e9 / RATE), "ns")
    coords = {"time": times, "distance": np.arange(len(samples)) * 5.0}
    return dascore.Patch(data=samples.T.copy(), coords=coords, dims=("time", "distance"))


def _patch(folder: Path, samples: np.ndarray) -> Case:
    return Case(patch_of(samples), samples, fibre=True, gap_is="nan")


def _spool(folder: Path, samples: np.ndarray) -> Case:
    dascore = pytest.importorskip("dascore")
    return Case(dascore.spool([patch_of(samples)]), samples, fibre=True, gap_is="nan")


def _dasdae(folder: Path, samples: np.ndarray) -> Case:
    """Three files of one fibre: they are joined."""
    step = np.timedelta64(round(1e9 / RATE), "ns")
    for number, first in enumerate(range(0, N_SAMPLES, 5000)):
        start = str(np.datetime64(START, "ns") + first * step)
        patch_of(samples[:, first : first + 5000], start).io.write(folder / f"{number}.h5", "dasdae")
    return Case(folder, samples, fibre=True, gap_is="nan")


def _matrix(folder: Path, samples: np.ndarray) -> Case:
    import h5py

    with h5py.File(folder / "a.mat", "w") as file:
        file["d1"] = samples.T
    return Case(
        folder / "a.mat",
        samples,
        {"sampling_rate": RATE, "channel_spacing": 1.0},
        "1970-01-01",
        fibre=True,
        gap_is="nan",
    )


READERS: dict[str, Callable[[Path, np.ndarray], Case]] = {
    "miniseed-steim1": _miniseed("STEIM1", "int32"),
    "miniseed-steim2": _miniseed("STEIM2", "int32"),
    "miniseed-int32": _miniseed("INT32", "int32"),
    "miniseed-float32": _miniseed("FLOAT32", "float32"),
    "miniseed-float64": _miniseed("FLOAT64", "float64"),
    "sac": _sac,
    "gse2": _gse2,
    "segy": _segy,
    "stream": _stream,
    "merged-stream": _merged_stream,
    "array": _array,
    "fibre-array": _fibre_array,
    "netcdf": _own(".nc", fibre=False),
    "netcdf-fibre": _own(".nc", fibre=True),
    "zarr": _own(".zarr", fibre=False),
    "zarr-fibre": _own(".zarr", fibre=True),
    "data-array": _data_array,
    "patch": _patch,
    "spool": _spool,
    "dasdae-files": _dasdae,
    "matlab-matrix": _matrix,
}


@pytest.fixture(params=list(READERS))
def case(request: pytest.FixtureRequest, tmp_path: Path, counts: np.ndarray, gappy: np.ndarray) -> Case:
    """The reference samples in one kind of source, with a gap if the kind allows it."""
    folder = tmp_path / "data"
    folder.mkdir()
    return READERS[request.param](folder, counts if request.param == "segy" else gappy)
