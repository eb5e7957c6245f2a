"""Estimates of channels without observation do not depend on the amplitude of the filter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from selfseis.denoise import Denoiser
from selfseis.denoise.prediction import best_estimate
from selfseis.denoise.wiener import WienerWeights
from selfseis.recording import recording_from_array
from selfseis.simulate import band_limited_noise

RATE, N_CHANNELS, N_SAMPLES, DEAD = 50.0, 64, 2048, 11


@dataclass
class GivenFilter:
    """Filter that returns a given prediction times a factor."""

    prediction: np.ndarray
    factor: float

    def predict(self, data: np.ndarray, live: np.ndarray) -> np.ndarray:
        return np.float32(self.factor) * self.prediction


def estimate(factor: float, own_gain: float = 1.0) -> np.ndarray:
    """Return the estimate with a scaled filter whose gains compensate for the scale."""
    source = band_limited_noise(1, N_SAMPLES + N_CHANNELS, RATE, (3, 15), 1)[0]
    signal = np.array([source[N_CHANNELS - c : N_CHANNELS - c + N_SAMPLES] for c in range(N_CHANNELS)])
    signal *= np.repeat(np.arange(8) % 4 == 1, N_SAMPLES // 8)
    data = (2 * signal + band_limited_noise(N_CHANNELS, N_SAMPLES, RATE, (3, 15), 2)).astype(np.float32)
    prediction = (signal + 0.1 * band_limited_noise(N_CHANNELS, N_SAMPLES, RATE, (3, 15), 3)).astype(
        np.float32
    )
    live = np.arange(N_CHANNELS) != DEAD
    data[DEAD] = 0
    wiener = WienerWeights.measure([(data, prediction)])
    gain = np.full(N_CHANNELS, 1 / factor, np.float32)
    gain[DEAD] = 1  # its level compensates for the filter
    gain[40] *= own_gain
    ridge = GivenFilter(prediction, factor)
    found = best_estimate(
        data, ridge=ridge, net=None, wiener=wiener, live=live, gain=gain, reference_gain=1 / factor
    )
    found[DEAD] /= factor
    return found


@pytest.mark.parametrize("factor", [0.2, 3.0])
@pytest.mark.parametrize("own_gain", [1.0, 0.1])
def test_the_estimate_does_not_depend_on_the_amplitude_of_the_filter(factor: float, own_gain: float) -> None:
    np.testing.assert_allclose(estimate(factor, own_gain), estimate(1.0, own_gain), atol=1e-4)
    assert np.std(estimate(1.0, own_gain)[DEAD]) > 0.1


def test_noisier_channels_do_not_amplify_the_others() -> None:
    """With noise in most channels the reference gain is still that of the training data."""
    data = np.random.default_rng(1).standard_normal((48, 3000))
    data[:, 700:] += np.random.default_rng(2).standard_normal(2300)
    day = recording_from_array(data.astype(np.float32), RATE, distance=np.arange(48.0))
    denoiser = Denoiser(blind_zone=0, band=(1, 20)).fit(day)
    noisy = data * np.where(np.arange(48) < 40, 1e4, 1)[:, None]
    noisy_day = recording_from_array(noisy.astype(np.float32), RATE, distance=np.arange(48.0))
    verdict = denoiser.evaluate(noisy_day.assign_coords(time=day.time + np.timedelta64(1, "h")))
    assert verdict.skill is not None
    assert verdict.skill.value > -0.1
