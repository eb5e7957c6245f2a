"""The index of a folder: the same recording, changed files read again, damage and missing rights without effect."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from selfseis.recording import open_recording
from selfseis.recording.file_index import FileIndex

N_FILES, N_SAMPLES = 24, 200


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SELFSEIS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    for number in range(N_FILES):
        write(tmp_path / "data" / f"{number:02d}.h5", number)
    return tmp_path / "data"


def write(path: Path, number: int, seed: int = 0) -> None:
    times = 1_714_521_600.0 + 2.0 * number + np.arange(N_SAMPLES) / 100.0
    with h5py.File(path, "w") as file:
        file.update({"data": samples(number + seed), "time": times, "distance": 4.0 * np.arange(3)})


def samples(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(3, N_SAMPLES)).astype(np.float32)


def counting(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of the files whose headers are read from now on."""
    read: list[str] = []
    content = FileIndex.content

    def watched(index: FileIndex, path: Path, hints: dict[str, Any]) -> dict[str, Any]:
        reader = index._read
        index._read = lambda name, given: (read.append(Path(name).name), reader(name, given))[1]
        try:
            return content(index, path, hints)
        finally:
            index._read = reader

    monkeypatch.setattr(FileIndex, "content", watched)
    return read


def whole() -> np.ndarray:
    return np.concatenate([samples(number) for number in range(N_FILES)], axis=1)


def test_a_folder_is_read_once(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = counting(monkeypatch)
    first = open_recording(folder)
    assert len(read) == N_FILES and len(list(cache.iterdir())) == 1
    again = open_recording(folder)
    assert len(read) == N_FILES
    for recording in (first, again):
        np.testing.assert_array_equal(recording.values, whole())
        assert str(recording["time"].values[0]) == "2024-05-01T00:00:00.000000000"


def test_changed_new_and_lost_files_are_noticed(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_recording(folder)
    read = counting(monkeypatch)
    write(folder / "03.h5", 3, seed=100)
    write(folder / "99.h5", N_FILES)
    (folder / "23.h5").unlink()
    recording = open_recording(folder)
    assert sorted(read) == ["03.h5", "99.h5"]
    np.testing.assert_array_equal(recording.values[:, 600:800], samples(103))
    np.testing.assert_array_equal(recording.values[:, -N_SAMPLES:], samples(N_FILES))
    assert np.isnan(recording.values[:, 4600:4800]).all()


def test_a_hint_changes_what_the_index_holds(folder: Path, cache: Path) -> None:
    open_recording(folder)
    (folder / "fibre.yaml").write_text("units: strain/s\nchannel_spacing: 7\n")
    recording = open_recording(folder)
    assert recording.attrs["units"] == "strain/s"
    np.testing.assert_array_equal(recording["distance"].values, [0, 7, 14])


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"0" * 64 + b"\n{}"])
def test_a_damaged_index_is_written_again(folder: Path, cache: Path, damage: bytes) -> None:
    open_recording(folder)
    (index,) = cache.iterdir()
    stored = index.read_bytes()
    index.write_bytes(damage or stored.replace(b'"n_samples": 200', b'"n_samples": 201', 1))
    np.testing.assert_array_equal(open_recording(folder).values, whole())
    assert index.read_bytes() == stored


def test_a_cache_that_cannot_be_written_does_no_harm(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder")
    for place in (str(tmp_path / "file" / "cache"), ""):
        monkeypatch.setenv("SELFSEIS_CACHE", place)
        np.testing.assert_array_equal(open_recording(folder).values, whole())


def test_few_files_leave_no_index(folder: Path, cache: Path) -> None:
    for number in range(5, N_FILES):
        os.remove(folder / f"{number:02d}.h5")
    open_recording(folder)
    assert not cache.exists()
