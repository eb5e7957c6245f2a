"""Writers: resumable, atomic, with an error for missing samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from selfseis.errors import InputError
from selfseis.recording import RecordingWriter, open_recording, recording_from_array, tiles, write_recording


@pytest.fixture
def recording() -> xr.DataArray:
    samples = np.random.default_rng(0).standard_normal((3, 1000)).astype(np.float32)
    samples[1, 300:320] = np.nan
    return recording_from_array(samples, 50.0, "2020-01-01", seed_id=["XX.A..HHE", "XX.A..HHN", "XX.A..HHZ"])


SUFFIXES = pytest.mark.parametrize("suffix", [".nc", ".zarr", ".mseed"])


def interrupted(path: Path, recording: xr.DataArray, fingerprint: str, after: int) -> None:
    with pytest.raises(KeyboardInterrupt), RecordingWriter(path, recording, fingerprint) as writer:
        for tile in tiles(recording, 100):
            if tile.first >= after:
                raise KeyboardInterrupt
            writer.write(tile.first, tile.data)


@SUFFIXES
def test_an_interrupted_run_resumes(recording: xr.DataArray, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    interrupted(path, recording, "model 1", after=400)
    assert not path.exists()
    written = []
    with RecordingWriter(path, recording, "model 1") as writer:
        for tile in tiles(recording, 100):
            if not writer.finished(tile.first):
                written.append(tile.first)
                writer.write(tile.first, tile.data)
    assert written == [400, 500, 600, 700, 800, 900]
    np.testing.assert_array_equal(open_recording(path).values, recording.values)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_tiles_of_another_model_are_deleted(recording: xr.DataArray, tmp_path: Path) -> None:
    interrupted(tmp_path / "a.nc", recording, "model 1", after=400)
    with RecordingWriter(tmp_path / "a.nc", recording, "model 2") as writer:
        assert not writer.finished(0)
        writer.write(0, recording.values)


@SUFFIXES
def test_an_existing_file_is_replaced(recording: xr.DataArray, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    write_recording(recording, path)
    write_recording(recording * 2, path)
    np.testing.assert_array_equal(open_recording(path).values, 2 * recording.values)


def test_missing_samples_are_an_error_and_no_file_appears(recording: xr.DataArray, tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="900 samples were never written"),
        RecordingWriter(tmp_path / "a.nc", recording) as writer,
    ):
        writer.write(100, recording.values[:, 100:200])
    assert not (tmp_path / "a.nc").exists()


def test_tiles_may_come_in_any_order_and_overlap(recording: xr.DataArray, tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "a.nc", recording) as writer:
        for first, last in ((600, 1000), (0, 400), (350, 700)):
            writer.write(first, recording.values[:, first:last])
    np.testing.assert_array_equal(open_recording(tmp_path / "a.nc").values, recording.values)


@pytest.mark.parametrize(("first", "shape"), [(0, (2, 10)), (995, (3, 10)), (-1, (3, 10))])
def test_samples_that_do_not_fit_are_refused(
    recording: xr.DataArray, tmp_path: Path, first: int, shape: tuple[int, int]
) -> None:
    with (
        pytest.raises(ValueError, match="do not fit"),
        RecordingWriter(tmp_path / "a.nc", recording) as writer,
    ):
        writer.write(first, np.zeros(shape))


def test_names_that_cannot_be_written_are_refused(recording: xr.DataArray, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must end in"):
        write_recording(recording, tmp_path / "a.xyz")
    with pytest.raises(InputError, match="make it first"):
        write_recording(recording, tmp_path / "nowhere" / "a.nc")


def test_plain_xarray_opens_what_was_written(recording: xr.DataArray, tmp_path: Path) -> None:
    write_recording(recording, tmp_path / "a.nc")
    write_recording(recording, tmp_path / "a.zarr")
    for dataset in (xr.open_dataset(tmp_path / "a.nc"), xr.open_zarr(tmp_path / "a.zarr")):
        with dataset:
            np.testing.assert_array_equal(dataset["waveforms"].values, recording.values)
            np.testing.assert_array_equal(dataset["time"].values, recording["time"].values)
            assert list(dataset["seed_id"].values) == list(recording["seed_id"].values)


def test_channels_of_a_fibre_are_numbered_in_miniseed(tmp_path: Path) -> None:
    fibre = recording_from_array(
        np.random.default_rng(0).standard_normal((2, 100)), 100.0, distance=[10.0, 15.0]
    )
    write_recording(fibre, tmp_path / "a.mseed")
    assert list(open_recording(tmp_path / "a.mseed")["seed_id"].values) == ["XX.00001..HSF", "XX.00002..HSF"]
    table = (tmp_path / "a.mseed.channels.csv").read_text().splitlines()
    assert table == ["seed_id,distance_m", "XX.00001..HSF,10.0", "XX.00002..HSF,15.0"]
