"""Fibre files as other programs write them: axes, times, distances, units, links, and what is guessed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr

from selfseis.errors import InputError
from selfseis.quality_log import quality_log_of
from selfseis.recording import open_recording, sampling_rate, start_time

RATE, N_CHANNELS, N_SAMPLES, SPACING = 200.0, 7, 900, 8.16
START = np.datetime64("2024-05-01T00:00:00", "ns")
TIMES = START + np.arange(N_SAMPLES) * np.timedelta64(5_000_000, "ns")
DISTANCES = 100.0 + SPACING * np.arange(N_CHANNELS)


def samples(seed: int = 0, n_channels: int = N_CHANNELS, n_samples: int = N_SAMPLES) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n_channels, n_samples)).astype(np.float32)


def issues(recording: xr.DataArray, kind: str) -> list[str]:
    _ = recording.values
    return [issue.detail for issue in quality_log_of(recording).issues if issue.kind == kind]


def patch(data: np.ndarray, start: np.datetime64 = START, distance: Any = None, **attrs: Any) -> Any:
    dascore = pytest.importorskip("dascore")
    times = start + np.arange(data.shape[1]) * np.timedelta64(5_000_000, "ns")
    along = SPACING * np.arange(len(data)) if distance is None else distance
    return dascore.Patch(
        data=data, coords={"distance": along, "time": times}, dims=("distance", "time"), attrs=attrs
    )


def dasdae(path: Path, *patches: Any) -> Path:
    dascore = pytest.importorskip("dascore")
    dascore.write(dascore.spool(list(patches)), path, "dasdae")
    return path


def xarray_netcdf(path: Path, data: np.ndarray) -> None:
    coords = {"time": TIMES, "distance": DISTANCES}
    array = xr.DataArray(
        data.T, dims=("time", "distance"), coords=coords, name="rate", attrs={"units": "1/s"}
    )
    array.to_netcdf(path, engine="h5netcdf")


def tie_points(path: Path, data: np.ndarray) -> None:
    """Coordinates by tie points, as CF describes and xdas writes them."""
    with h5py.File(path, "w") as file:
        file["values"] = data
        for axis, name in enumerate(("distance", "time")):
            scale = file.create_dataset(name, shape=(data.shape[axis],), dtype="f4")
            scale.make_scale(f"This is a netCDF dimension but not a netCDF variable.{data.shape[axis]:10d}")
            file["values"].dims[axis].attach_scale(scale)
            file[f"{name}_indices"] = [0, data.shape[axis] - 1]
        file["distance_values"] = DISTANCES[[0, -1]]
        file["time_values"] = np.array([0, (N_SAMPLES - 1) * 5], dtype=np.int64)
        file["time_values"].attrs["units"] = "milliseconds since 2024-05-01 00:00:00"


def phasenet_das(path: Path, data: np.ndarray) -> None:
    with h5py.File(path, "w") as file:
        file["data"] = data
        stated = {"begin_time": "2024-05-01T02:00:00.000+02:00", "dt_s": 0.005, "dx_m": SPACING, "x0": 1}
        file["data"].attrs.update(stated)


def float_times(path: Path, data: np.ndarray) -> None:
    with h5py.File(path, "w") as file:
        file["group/strain"] = data.T
        file["group/timestamps"] = TIMES.astype(np.int64) / 1e9
        file["group/dist"] = DISTANCES / 1000
        file["group/dist"].attrs["units"] = "km"


STATED: dict[str, tuple[Callable[[Path, np.ndarray], None], np.ndarray]] = {
    "xarray": (xarray_netcdf, DISTANCES),
    "tie points": (tie_points, DISTANCES),
    "PhaseNet-DAS": (phasenet_das, DISTANCES - 100.0),
    "arrays beside the matrix": (float_times, DISTANCES),
}


@pytest.mark.parametrize("name", STATED)
@pytest.mark.parametrize("n_channels", [N_CHANNELS, 1000])
def test_stated_axes_times_and_distances_are_read(name: str, n_channels: int, tmp_path: Path) -> None:
    write, distances = STATED[name]
    if n_channels != N_CHANNELS and name != "PhaseNet-DAS":
        pytest.skip("the coordinates have the usual length")
    data = samples(n_channels=n_channels)
    write(tmp_path / "a.h5", data)
    recording = open_recording(tmp_path / "a.h5")
    assert recording.shape == data.shape
    assert sampling_rate(recording) == RATE
    assert abs(start_time(recording) - START) < np.timedelta64(1, "us")
    np.testing.assert_allclose(recording["distance"].values[:N_CHANNELS], distances)
    np.testing.assert_array_equal(recording.values, data)
    np.testing.assert_array_equal(recording.isel(time=slice(5, 9)).values, data[:, 5:9])


def test_a_jump_in_the_times_is_a_gap(tmp_path: Path) -> None:
    data = samples()
    times = TIMES.astype(np.int64) + np.where(np.arange(N_SAMPLES) >= 400, 10**9, 0)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.update({"data": data, "time": times, "distance": DISTANCES})
    recording = open_recording(tmp_path / "a.h5")
    assert recording.sizes["time"] == N_SAMPLES + 200
    np.testing.assert_array_equal(recording.values[:, :400], data[:, :400])
    np.testing.assert_array_equal(recording.values[:, 600:], data[:, 400:])
    assert np.isnan(recording.values[:, 400:600]).all()


def test_irregular_times_are_refused(tmp_path: Path) -> None:
    times = TIMES.astype(np.int64) + np.random.default_rng(0).integers(0, 4_000_000, N_SAMPLES)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.update({"data": samples(), "time": np.cumsum(np.diff(times, prepend=0)), "distance": DISTANCES})
        file["time"][::3] += 60_000_000
    with pytest.raises(InputError, match="times"):
        open_recording(tmp_path / "a.h5")


def test_guessed_axes_are_noted_and_can_be_overruled(tmp_path: Path) -> None:
    data = samples(n_channels=300, n_samples=200)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = data
    guessed = open_recording(tmp_path / "a.h5", sampling_rate=RATE, channel_spacing=2.0)
    assert guessed.shape == (200, 300)
    assert any("axes: channel time" in detail for detail in issues(guessed, "assumed"))
    hints = "axes: channel time\nstart: 2024-05-01T00:00:00  # from the field notes\nfirst_distance: 50\n"
    (tmp_path / "a.h5.yaml").write_text(hints + "channel_spacing: 3\nunits: strain/s\n")
    stated = open_recording(tmp_path / "a.h5", sampling_rate=RATE)
    np.testing.assert_array_equal(stated.values, data)
    assert start_time(stated) == START and stated.attrs["units"] == "strain/s"
    np.testing.assert_array_equal(stated["distance"].values[:2], [50.0, 53.0])
    assert issues(stated, "assumed") == []


@pytest.mark.parametrize("line", ["axis: time channel", "no key", "sampling_rate: -3", "start: soon"])
def test_a_wrong_hint_is_named(line: str, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = samples()
    (tmp_path / "fibre.yaml").write_text(f"{line}\n")
    with pytest.raises(InputError, match=r"fibre\.yaml"):
        open_recording(tmp_path / "a.h5")


def test_bare_matrices_follow_each_other_by_the_times_in_their_names(tmp_path: Path) -> None:
    for number in range(3):
        with h5py.File(tmp_path / f"das_20240501_0000{number * 2:02d}.h5", "w") as file:
            file["data"] = samples(number, n_samples=400)
    recording = open_recording(tmp_path, sampling_rate=RATE, channel_spacing=SPACING)
    whole = np.concatenate([samples(number, n_samples=400) for number in range(3)], axis=1)
    np.testing.assert_array_equal(recording.values, whole)
    assert any("name" in detail for detail in issues(recording, "assumed"))


def test_several_bare_matrices_without_times_are_refused(tmp_path: Path) -> None:
    for number in range(2):
        with h5py.File(tmp_path / f"{number}.h5", "w") as file:
            file["data"] = samples(number)
    with pytest.raises(InputError, match=r"2 files, such as .* state no time"):
        open_recording(tmp_path, sampling_rate=RATE, channel_spacing=SPACING)


def test_the_largest_matrix_is_taken_and_equals_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.update({"data": samples(), "gps": np.ones((60, 3))})
    recording = open_recording(tmp_path / "a.h5", sampling_rate=RATE, channel_spacing=SPACING)
    assert recording.shape == (N_CHANNELS, N_SAMPLES)
    assert any("the largest of 2 matrices" in detail for detail in issues(recording, "assumed"))
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["other"] = samples(1)
    with pytest.raises(InputError, match="dataset: /NAME"):
        open_recording(tmp_path / "a.h5")
    (tmp_path / "a.h5.yaml").write_text("dataset: /other\n")
    np.testing.assert_array_equal(open_recording(tmp_path / "a.h5").values, samples(1))


def test_links_are_followed_within_the_folder_only(tmp_path: Path) -> None:
    inside, outside = tmp_path / "here" / "sub", tmp_path / "elsewhere"
    inside.mkdir(parents=True)
    outside.mkdir()
    for folder in (inside, outside):
        with h5py.File(folder / "raw.bin", "w") as file:
            file["payload"] = samples()
    path = tmp_path / "here" / "a.h5"
    with h5py.File(path, "w") as file:
        file["data"] = h5py.ExternalLink("sub/raw.bin", "/payload")
    np.testing.assert_array_equal(open_recording(path, sampling_rate=RATE).values, samples())
    for name in ("data", "deep"):
        with h5py.File(path, "w") as file:
            file["far/link"] = h5py.ExternalLink("../elsewhere/raw.bin", "/payload")
            file[name] = h5py.SoftLink("/far/link")
        with pytest.raises(InputError, match="outside of its folder"):
            open_recording(path)
    with h5py.File(path, "w") as file:
        file.create_dataset("data", (2, 50), "u1", external=[(str(outside / "raw.bin"), 0, 100)])
    with pytest.raises(InputError, match="outside of its folder"):
        open_recording(path)


def test_a_declared_size_is_compared_with_the_file(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data", (10_000, 10**9), "f8", chunks=(100, 1000))
    with pytest.raises(InputError, match="declares 80,000,000,000,000 bytes"):
        open_recording(tmp_path / "a.h5")


def test_all_patches_of_a_file_are_read(tmp_path: Path) -> None:
    data = samples()
    parts = [patch(data[:, at : at + 300], TIMES[at], tag=str(at)) for at in (0, 300, 600)]
    other = patch(samples(5, 4, 300), distance=5000.0 + np.arange(4), tag="zone")
    recording = open_recording(dasdae(tmp_path / "a.h5", *parts, other))
    np.testing.assert_array_equal(recording.values, data)
    assert len(issues(recording, "wrong_geometry")) == 1
    assert quality_log_of(recording).failed_units


def test_units_are_converted_or_the_file_is_left_out(tmp_path: Path) -> None:
    data = samples()
    whole = np.concatenate([data, data, data], axis=1)
    for number, (units, factor) in enumerate([("nanostrain/s", 1.0), ("strain/s", 1e-9), ("m/s", 1.0)]):
        start = START + number * N_SAMPLES * np.timedelta64(5_000_000, "ns")
        dasdae(tmp_path / f"{number}.h5", patch(data.astype(np.float64) * factor, start, data_units=units))
    dasdae(tmp_path / "3.h5", patch(whole, START + np.timedelta64(60, "s"), data_units="nanostrain/s"))
    recording = open_recording(tmp_path)
    np.testing.assert_allclose(recording.values[:, : 2 * N_SAMPLES], whole[:, : 2 * N_SAMPLES], rtol=1e-6)
    assert quality_log_of(recording).failed_units == [str(tmp_path / "2.h5")]
    assert len(issues(recording, "converted")) == len(issues(recording, "wrong_units")) == 1


def test_a_wrapped_phase_is_unwrapped_across_files_and_in_any_part(tmp_path: Path) -> None:
    n_samples = 60_000
    slope = np.linspace(0.5, 3.0, N_CHANNELS)[:, None]
    phase = np.cumsum(0.2 * samples(1, N_CHANNELS, n_samples), axis=1) + slope * np.arange(n_samples) / 500
    wrapped = (phase + np.pi) % (2 * np.pi) - np.pi
    for number, part in enumerate(np.array_split(wrapped, 3, axis=1)):
        start = START + number * (n_samples // 3) * np.timedelta64(5_000_000, "ns")
        dasdae(tmp_path / f"{number}.h5", patch(part.astype(np.float32), start, data_units="radian"))
    recording = open_recording(tmp_path)
    unwrapped = recording.values
    difference = unwrapped - phase
    np.testing.assert_allclose(difference, difference[:, :1] + np.zeros(n_samples), atol=1e-3)
    assert issues(recording, "assumed") == [
        "the samples are a phase in rad wrapped to one cycle: unwrapped in time"
    ]
    late = open_recording(tmp_path).isel(time=slice(41_000, 41_500))
    np.testing.assert_array_equal(late.values, unwrapped[:, 41_000:41_500])


def test_a_phase_that_is_not_wrapped_stays_as_it_is(tmp_path: Path) -> None:
    phase = np.cumsum(samples(), axis=1)
    recording = open_recording(dasdae(tmp_path / "a.h5", patch(phase, data_units="radian")))
    np.testing.assert_array_equal(recording.values, phase)
    assert issues(recording, "assumed") == []


def test_channels_without_a_distance_are_left_out_and_loops_are_noted(tmp_path: Path) -> None:
    data = samples()
    along = np.array([0.0, 1.0, np.nan, 3.0, 3.0, 1.0, 0.0])
    recording = open_recording(dasdae(tmp_path / "a.h5", patch(data, distance=along)))
    np.testing.assert_array_equal(recording["distance"].values, [0, 0, 1, 1, 3, 3])
    np.testing.assert_array_equal(recording.values, data[[0, 6, 1, 5, 3, 4]])
    assert len(issues(recording, "wrong_geometry")) == 1
    assert "sorted by distance" in issues(recording, "assumed")[0]


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float16, np.float64])
def test_sample_types_keep_the_signal_beside_a_large_offset(dtype: type, tmp_path: Path) -> None:
    signal = np.round(30 * samples()).astype(np.float64)
    offset = {np.int16: 2000, np.int32: 1_900_000_000, np.float16: 0, np.float64: 1e9}[dtype]
    recording = open_recording(dasdae(tmp_path / "a.h5", patch((signal + offset).astype(dtype))))
    found = recording.values - np.median(recording.values, axis=1, keepdims=True)
    np.testing.assert_allclose(found, signal - np.median(signal, axis=1, keepdims=True), atol=0.6)


def test_a_file_that_is_still_being_written_is_left_out(tmp_path: Path) -> None:
    whole = dasdae(tmp_path / "a.h5", patch(samples()))
    (tmp_path / "b.h5.part").write_bytes(whole.read_bytes())
    recording = open_recording(tmp_path)
    np.testing.assert_array_equal(recording.values, samples())
    assert len(issues(recording, "not_waveforms")) == 1


def test_a_rate_that_no_whole_interval_holds_is_exact(tmp_path: Path) -> None:
    dascore = pytest.importorskip("dascore")
    times = START + np.arange(500) * np.timedelta64(33_333, "ns")
    coords = {"distance": np.arange(3.0), "time": times}
    data = samples(0, 3, 500)
    whole = dascore.Patch(data=data, coords=coords, dims=("distance", "time"))
    recording = open_recording(dasdae(tmp_path / "a.h5", whole))
    assert sampling_rate(recording) == 30_000.0
    np.testing.assert_array_equal(recording.values, data)
