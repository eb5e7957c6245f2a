"""A denoiser takes whatever `open_recording` takes, and gives the same result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from selfseis.denoise import Denoiser
from selfseis.errors import InputError
from selfseis.recording import open_recording, recording_from_array, write_recording
from selfseis.simulate import band_limited_noise

RATE, N_SAMPLES = 50.0, 4000


def waves(n_channels: int) -> np.ndarray:
    common = band_limited_noise(1, N_SAMPLES, RATE, (3, 15), 1)
    return (common + band_limited_noise(n_channels, N_SAMPLES, RATE, (3, 15), 2)).astype(np.float32)


@pytest.fixture(scope="module")
def stations() -> xr.DataArray:
    return recording_from_array(waves(4), RATE, seed_id=[f"XX.S{number}.00.HHZ" for number in range(4)])


def as_path(recording: xr.DataArray, folder: Path) -> Path:
    write_recording(recording, folder / "whole.nc")
    return folder / "whole.nc"


def as_paths(recording: xr.DataArray, folder: Path) -> list[Path]:
    parts = (slice(0, N_SAMPLES // 2), slice(N_SAMPLES // 2, None))
    paths = [folder / f"{number}.mseed" for number in range(2)]
    for part, path in zip(parts, paths, strict=True):
        write_recording(recording.isel(time=part), path)
    return paths


def as_stream(recording: xr.DataArray, folder: Path) -> Any:
    import obspy

    return obspy.Stream([obspy.read(path)[n] for path in as_paths(recording, folder) for n in range(4)])


def used(data: Any) -> tuple[Denoiser, np.ndarray]:
    """Call each method that takes a recording."""
    denoiser = Denoiser(max_lag=4).fit(data)
    assert denoiser.evaluate(data) == denoiser.verdict_
    clean = denoiser.transform(data, levels=denoiser.levels(data)).values
    assert np.isfinite(denoiser.uncertainty(data).values).any()
    np.testing.assert_array_equal(Denoiser(max_lag=4).fit_transform(data).values, clean)
    return denoiser.fine_tune(data), clean


@pytest.mark.parametrize("changed", [as_path, as_paths, as_stream])
def test_every_kind_of_input_gives_the_same_result(
    changed: Callable[..., Any], stations: xr.DataArray, tmp_path: Path
) -> None:
    denoiser, clean = used(changed(stations, tmp_path))
    expected, expected_clean = used(stations)
    assert denoiser.channels_ == expected.channels_
    np.testing.assert_allclose(clean, expected_clean, atol=1e-5 * np.std(expected_clean))
    assert denoiser.verdict_ == expected.verdict_


def test_a_patch_gives_the_same_result() -> None:
    dascore = pytest.importorskip("dascore")
    data, start = waves(12), np.datetime64("2024-05-01T06:00:00", "ns")
    times = start + np.arange(N_SAMPLES) * np.timedelta64(20, "ms")
    coords = {"time": times, "distance": 10.0 * np.arange(12)}
    patch = dascore.Patch(data=data.T.copy(), coords=coords, dims=("time", "distance"))
    clean = Denoiser().fit(patch).transform(patch).values
    recording = open_recording(patch)
    np.testing.assert_array_equal(clean, Denoiser().fit(recording).transform(recording).values)


def test_a_bare_array_is_refused() -> None:
    with pytest.raises(InputError, match="sampling rate"):
        Denoiser().fit(waves(4))  # type: ignore[arg-type]
