"""Damaged containers: one clear line or masked samples, and never other numbers without a word."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from selfseis.errors import InputError
from selfseis.quality_log import quality_log_of
from selfseis.recording import open_recording, recording_from_array, write_recording

N_CHANNELS, N_SAMPLES = 5, 1200


def samples() -> np.ndarray:
    walk = np.random.default_rng(3).normal(size=(N_CHANNELS, N_SAMPLES))
    return np.cumsum(walk, axis=1).astype(np.float32)


def own(path: Path) -> None:
    channels = {"seed_id": [f"XX.ST{k}..HHZ" for k in range(N_CHANNELS)], "latitude": np.arange(5.0)}
    write_recording(recording_from_array(samples(), 50.0, "2024-05-01", units="m/s", **channels), path)


def fibre(path: Path) -> None:
    channels: dict[str, Any] = {"distance": 5.0 * np.arange(N_CHANNELS), "gauge_length": 10.0}
    write_recording(recording_from_array(samples(), 50.0, "2024-05-01", **channels), path)


def dasdae(path: Path) -> None:
    dascore = pytest.importorskip("dascore")
    times = np.datetime64("2024-05-01", "ns") + np.arange(N_SAMPLES) * np.timedelta64(20, "ms")
    coords = {"distance": 5.0 * np.arange(N_CHANNELS), "time": times}
    dascore.write(dascore.Patch(data=samples(), coords=coords, dims=("distance", "time")), path, "dasdae")


def netcdf_of_xarray(path: Path) -> None:
    times = np.datetime64("2024-05-01", "ns") + np.arange(N_SAMPLES) * np.timedelta64(20, "ms")
    coords = {"time": times, "distance": 5.0 * np.arange(N_CHANNELS)}
    array = xr.DataArray(samples(), dims=("distance", "time"), coords=coords, name="rate")
    array.to_netcdf(path, engine="h5netcdf")


WRITERS: dict[str, Callable[[Path], None]] = {
    "own.nc": own, "fibre.nc": fibre, "own.zarr": own, "das.h5": dasdae, "xarray.nc": netcdf_of_xarray,
}  # fmt: skip
CHECKED = [
    "own.nc",
    "fibre.nc",
    "own.zarr",
]  # the others have no checksums: a changed sample looks like any other


def mutated(content: bytes, rng: random.Random) -> bytes:
    raw, size = bytearray(content), rng.choice([1, 4, 40, 400])
    at = rng.randrange(len(raw) if rng.random() < 0.5 else min(len(raw), 8192))
    kind = rng.randrange(6)
    if kind < 2:
        raw[at] ^= 1 << rng.randrange(8)
    elif kind == 2:
        raw[at : at + size] = rng.randbytes(min(size, len(raw) - at))
    elif kind == 3:
        raw[at : at + size] = bytes(min(size, len(raw) - at))
    elif kind == 4:
        del raw[at : at + size]
    else:
        del raw[at:]
    return bytes(raw)


def same(one: xr.DataArray, other: xr.DataArray) -> bool:
    coords = [name for name in one.coords if name != "time"]
    return (
        one.shape == other.shape
        and one.attrs == other.attrs
        and set(one.coords) == set(other.coords)
        and all(np.array_equal(one[name].values, other[name].values) for name in coords)
        and np.array_equal(one["time"].values[[0, -1]], other["time"].values[[0, -1]])
        and np.array_equal(one.values, other.values)
    )


def check_mutations(folder: Path, name: str, seeds: range) -> None:
    path = folder / name
    WRITERS[name](path)
    whole = open_recording(path).load()
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    for seed in seeds:
        rng = random.Random(seed)
        file = rng.choice(files)
        content = file.read_bytes()
        file.write_bytes(mutated(content, rng))
        try:
            found = open_recording(path)
            _ = found.values
        except InputError as error:
            assert "\n" not in str(error), seed
        else:
            assert same(found, whole) or len(quality_log_of(found)) or name not in CHECKED, (name, seed)
        file.write_bytes(content)


@pytest.mark.parametrize("name", WRITERS)
def test_mutated_files_give_one_line_or_a_logged_change(name: str, tmp_path: Path) -> None:
    check_mutations(tmp_path, name, range(80))


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITERS)
def test_thousands_of_mutated_files_give_one_line_or_a_logged_change(name: str, tmp_path: Path) -> None:
    check_mutations(tmp_path, name, range(80, 3080))


def test_a_damaged_chunk_masks_its_samples_only(tmp_path: Path) -> None:
    long = np.random.default_rng(0).normal(size=(2, 2_000_000)).astype(np.float32)
    write_recording(recording_from_array(long, 100.0, distance=[0.0, 1.0]), tmp_path / "a.zarr")
    chunk = tmp_path / "a.zarr" / "waveforms" / "0.1"
    content = bytearray(chunk.read_bytes())
    content[1000] ^= 1
    chunk.write_bytes(bytes(content))
    recording = open_recording(tmp_path / "a.zarr")
    lost = np.isnan(recording.values)
    np.testing.assert_array_equal(recording.values[~lost], long[~lost])
    assert 500_000 <= lost[0].sum() < 520_000
    assert {issue.kind for issue in quality_log_of(recording).issues} == {"damaged"}
    assert quality_log_of(recording).failed_units == [str(tmp_path / "a.zarr")]


def test_a_lost_chunk_is_named(tmp_path: Path) -> None:
    own(tmp_path / "a.zarr")
    (tmp_path / "a.zarr" / "waveforms" / "0.0").unlink()
    with pytest.raises(InputError, match="holds 0 of 1 chunks"):
        open_recording(tmp_path / "a.zarr")


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_a_changed_coordinate_or_attribute_is_refused(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    own(path)
    if suffix == ".nc":
        import h5py

        with h5py.File(path, "r+") as file:
            file["latitude"][1] = 7.0
    else:
        attributes = path / ".zmetadata"
        attributes.write_text(attributes.read_text().replace('"m/s"', '"m"'))
    with pytest.raises(InputError, match="its checksum differs"):
        open_recording(path)


def test_files_without_checksums_are_still_read(tmp_path: Path) -> None:
    import h5py

    own(tmp_path / "a.nc")
    with h5py.File(tmp_path / "a.nc", "r+") as file:
        del file["waveforms"].attrs["checksum"]
    np.testing.assert_array_equal(open_recording(tmp_path / "a.nc").values, samples())


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_plain_xarray_opens_what_is_written(suffix: str, tmp_path: Path) -> None:
    own(tmp_path / f"a{suffix}")
    engine = {".nc": "h5netcdf", ".zarr": "zarr"}[suffix]
    with xr.open_dataset(tmp_path / f"a{suffix}", engine=engine) as plain:
        np.testing.assert_array_equal(plain["waveforms"].values, samples())
        assert plain["time"].values[1] == np.datetime64("2024-05-01T00:00:00.020")
