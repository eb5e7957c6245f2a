"""What is estimated of a channel that is not heard does not depend on how timid the filter is."""

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
class Told:
    """Predicts what it was told, times a factor."""

    prediction: np.ndarray
    factor: float

    def predict(self, data: np.ndarray, live: np.ndarray) -> np.ndarray:
        return np.float32(self.factor) * self.prediction


def estimate(factor: float, quiet: float = 1.0) -> np.ndarray:
    """Return the estimate where the filter predicts so much, and gains make up for it."""
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
    gain[DEAD] = 1  # its level makes up for the filter
    gain[40] *= quiet
    ridge = Told(prediction, factor)
    found = best_estimate(
        data, ridge=ridge, net=None, wiener=wiener, live=live, gain=gain, reference_gain=1 / factor
    )
    found[DEAD] /= factor
    return found


@pytest.mark.parametrize("factor", [0.2, 3.0])
@pytest.mark.parametrize("quiet", [1.0, 0.1])
def test_a_timid_filter_estimates_what_any_other_does(factor: float, quiet: float) -> None:
    np.testing.assert_allclose(estimate(factor, quiet), estimate(1.0, quiet), atol=1e-4)
    assert np.std(estimate(1.0, quiet)[DEAD]) > 0.1


def test_channels_that_are_noisier_today_do_not_make_the_others_louder() -> None:
    """On a day of noise in most channels the usual gain is still the one that was learnt."""
    data = np.random.default_rng(1).standard_normal((48, 3000))
    data[:, 700:] += np.random.default_rng(2).standard_normal(2300)
    day = recording_from_array(data.astype(np.float32), RATE, distance=np.arange(48.0))
    denoiser = Denoiser(blind_zone=0, band=(1, 20)).fit(day)
    noisy = data * np.where(np.arange(48) < 40, 1e4, 1)[:, None]
    noisy_day = recording_from_array(noisy.astype(np.float32), RATE, distance=np.arange(48.0))
    verdict = denoiser.evaluate(noisy_day.assign_coords(time=day.time + np.timedelta64(1, "h")))
    assert verdict.skill is not None
    assert verdict.skill.value > -0.1
