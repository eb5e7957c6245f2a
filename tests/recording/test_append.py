"""Continuation of a file whose recording has grown: the samples kept, and the cases with none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from selfseis.recording import RecordingWriter, open_recording, recording_from_array, write_recording
from selfseis.recording.coverage import segments_until, set_coverage

MARGIN = 50
SUFFIXES = pytest.mark.parametrize("suffix", [".nc", ".zarr"])
SAMPLES = np.random.default_rng(0).standard_normal((3, 1000)).astype(np.float32)


def recorded(
    n_samples: int, segments: list[tuple[int, int]] | None = None, start: str = "2020-01-01"
) -> xr.DataArray:
    """Return the first samples of a recording whose files hold the given segments."""
    recording = recording_from_array(SAMPLES[:, :n_samples], 100.0, start, distance=[0.0, 5.0, 10.0])
    first = recording["time"].values[0].astype("datetime64[ns]").astype(np.int64)
    spans = np.array(segments or [(n, min(n + 100, n_samples)) for n in range(0, n_samples, 100)])
    set_coverage(recording, first + spans[:, 0] * 10_000_000, first + (spans[:, 1] - 1) * 10_000_000)
    return recording


def smoothed(data: np.ndarray) -> np.ndarray:
    """Return values that depend on the next ten samples."""
    padded = np.pad(data, ((0, 0), (0, 10)))
    return np.stack([padded[:, k : k + data.shape[1]] for k in range(11)]).mean(axis=0)


def written(path: Path, recording: xr.DataArray, fingerprint: str = "model") -> int:
    """Write the smoothed recording, and return the number of samples kept from before."""
    values = smoothed(recording.values)
    with RecordingWriter(path, recording, fingerprint, margin=MARGIN) as writer:
        for first in range(writer.kept, recording.sizes["time"], 130):
            if not writer.finished(first):
                writer.write(first, values[:, first : first + 130])
        return writer.kept


@SUFFIXES
def test_only_new_samples_are_written_and_the_file_equals_a_complete_run(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    kept = [written(path, recorded(n)) for n in (400, 700, 1000, 1000)]
    assert kept == [0, 400 - MARGIN, 700 - MARGIN, 1000 - MARGIN]
    np.testing.assert_array_equal(open_recording(path).values, smoothed(SAMPLES))
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "other",
    [
        lambda path: written(path, recorded(1000), "another model"),
        lambda path: written(path, recorded(1000, start="2020-01-02")),
        lambda path: written(path, recorded(1000, [(0, 100), (250, 1000)])),
        lambda path: written(path, recorded(300)),
        lambda path: written(path, recorded(1000).assign_coords(predicted=("channel", [True, False, False]))),
        lambda path: written(path, recorded(1000).isel(channel=[0, 1])),
    ],
    ids=["model", "start", "a file that came late", "shorter", "a dead channel", "channels"],
)
def test_a_file_of_other_inputs_is_written_again(tmp_path: Path, other: Callable[[Path], int]) -> None:
    path = tmp_path / "a.nc"
    written(path, recorded(400))
    assert other(path) == 0


def test_an_interrupted_continuation_keeps_the_old_file_and_resumes(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    written(path, recorded(400))
    before = path.read_bytes()
    values = smoothed(SAMPLES)
    with (
        pytest.raises(KeyboardInterrupt),
        RecordingWriter(path, recorded(1000), "model", margin=MARGIN) as writer,
    ):
        writer.write(350, values[:, 350:480])
        raise KeyboardInterrupt
    assert path.read_bytes() == before
    with RecordingWriter(path, recorded(1000), "model", margin=MARGIN) as writer:
        assert writer.kept == 350 and writer.finished(350)
        writer.write(480, values[:, 480:])
    np.testing.assert_array_equal(open_recording(path).values, values)


@pytest.mark.parametrize(
    "damage", [lambda p: p.write_bytes(b"\x89HDF\r\n\x1a\n"), lambda p: p.write_bytes(b"")]
)
def test_a_damaged_file_is_written_again(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    path = tmp_path / "a.nc"
    written(path, recorded(400))
    damage(path)
    assert written(path, recorded(1000)) == 0
    np.testing.assert_array_equal(open_recording(path).values, smoothed(SAMPLES))


def test_a_file_that_a_user_changed_is_not_continued(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    written(path, recorded(400))
    write_recording(2 * open_recording(path).load(), path)
    assert written(path, recorded(1000)) == 0


def test_miniseed_cannot_be_continued(tmp_path: Path) -> None:
    assert [written(tmp_path / "a.mseed", recorded(n)) for n in (400, 1000)] == [0, 0]


def test_segments_are_cut_at_the_last_sample_and_ordered() -> None:
    recording = recorded(1000, [(600, 1000), (0, 300), (300, 601)])
    first = recording["time"].values[0].astype("datetime64[ns]").astype(np.int64)
    found = (segments_until(recording, 450) - first) // 10_000_000
    np.testing.assert_array_equal(found, [[0, 299], [300, 450]])


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_the_mark_of_predicted_channels_survives(tmp_path: Path, suffix: str) -> None:
    marked = recorded(200).assign_coords(predicted=("channel", [False, True, False]))
    write_recording(marked, tmp_path / f"a{suffix}")
    opened = open_recording(tmp_path / f"a{suffix}")
    assert opened["predicted"].dtype == bool and opened["predicted"].values.tolist() == [False, True, False]
    plain = xr.open_zarr if suffix == ".zarr" else xr.open_dataset
    with plain(tmp_path / f"a{suffix}") as dataset:
        assert dataset["predicted"].values.tolist() == [False, True, False]
        assert "predicted" in dataset["waveforms"].coords
        assert dataset["distance"].values.tolist() == [0.0, 5.0, 10.0]


def test_miniseed_leaves_predicted_channels_out(tmp_path: Path) -> None:
    write_recording(
        recorded(200).assign_coords(predicted=("channel", [False, True, False])), tmp_path / "a.mseed"
    )
    assert open_recording(tmp_path / "a.mseed")["seed_id"].values.tolist() == [
        "XX.00001..HSF",
        "XX.00003..HSF",
    ]
