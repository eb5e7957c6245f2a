"""Noise levels and prediction gains of channels, measured on few independent samples."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy.ndimage import gaussian_filter1d

from selfseis.denoise.channel_levels import measured_gains, measured_levels
from selfseis.denoise.training_data import Span
from selfseis.recording import recording_from_array
from selfseis.recording.preprocessing import Conditioner

N_CHANNELS = 60
BAND = (0.1, 45.0)


def smooth_noise(seed: int, n_samples: int = 8000) -> np.ndarray:
    """Return noise of equal channels, so smooth that few samples are independent."""
    white = np.random.default_rng(seed).standard_normal((N_CHANNELS, n_samples + 800))
    smooth = gaussian_filter1d(white, 40, axis=1)[:, 400:-400]
    return smooth / smooth.std()


def fibre(data: np.ndarray) -> xr.DataArray:
    return recording_from_array(data.astype(np.float32), 100.0, distance=10.0 * np.arange(len(data)))


def spread(levels: np.ndarray) -> float:
    return float(np.log(levels).std())


def test_equal_channels_of_a_line_have_nearly_one_level() -> None:
    recording = fibre(smooth_noise(1))
    assert spread(Conditioner.measure(recording, BAND).scale) > 0.1
    assert spread(measured_levels(recording, BAND).scale) < 0.06


def test_channels_that_differ_keep_their_levels() -> None:
    factors = np.resize([1.0, 3.0, 9.0], N_CHANNELS)
    recording = fibre(factors[:, None] * smooth_noise(1))
    own = Conditioner.measure(recording, BAND).scale
    np.testing.assert_allclose(measured_levels(recording, BAND).scale, own, rtol=0.1)


def test_a_noisy_channel_keeps_its_level_and_a_dead_one_has_none() -> None:
    data = smooth_noise(1)
    data[20] *= 5
    data[30] = 7.0
    recording = fibre(data)
    levels = measured_levels(recording, BAND).scale
    assert levels[20] == pytest.approx(Conditioner.measure(recording, BAND).scale[20], rel=1e-5)
    assert np.flatnonzero(np.isnan(levels)).tolist() == [30]
    assert spread(np.delete(levels, [20, 30])) < 0.06


def test_stations_keep_their_own_levels() -> None:
    codes = [f"XX.S{i:02d}.00.HHZ" for i in range(N_CHANNELS)]
    recording = recording_from_array(smooth_noise(1).astype(np.float32), 100.0, seed_id=codes)
    np.testing.assert_array_equal(
        measured_levels(recording, BAND).scale, Conditioner.measure(recording, BAND).scale
    )


def spans_of(data: np.ndarray) -> list[Span]:
    everywhere = np.ones(data.shape, bool)
    return [Span(data.astype(np.float32), everywhere, ~everywhere, ~everywhere)]


def test_gains_that_differ_only_by_their_errors_become_one() -> None:
    signal = np.repeat(smooth_noise(2)[:1], N_CHANNELS, axis=0)
    data = signal + smooth_noise(3)
    under_null = (data * signal).mean(axis=1) / (signal**2).mean(axis=1)
    gains = measured_gains(spans_of(data), lambda data: signal.astype(np.float32))
    assert under_null.std() > 0.1
    assert gains.std() < under_null.std() / 2
    assert gains.mean() == pytest.approx(1, abs=0.1)


def test_gains_that_differ_are_found() -> None:
    signal = np.repeat(smooth_noise(2)[:1], N_CHANNELS, axis=0)
    true = np.resize([0.4, 1.0, 1.6], N_CHANNELS)
    data = true[:, None] * signal + 0.3 * smooth_noise(3)
    gains = measured_gains(spans_of(data), lambda data: signal.astype(np.float32))
    np.testing.assert_allclose(gains, true, atol=0.15)


def test_gains_of_a_zero_prediction_are_one() -> None:
    assert (measured_gains(spans_of(smooth_noise(4)), np.zeros_like) == 1).all()


def test_a_record_of_two_samples_has_no_level() -> None:
    assert np.isnan(measured_levels(fibre(np.ones((N_CHANNELS, 2))), BAND).scale).all()
