"""The own observation is used where others missed something, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from selfseis.denoise.common_mode import common_share, without_common_mode
from selfseis.denoise.posterior import Posterior, _Frames

N_CHANNELS, N_SAMPLES = 24, 8192


def case(heard: float, loudness: float = 3.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return signal in bursts, data with white noise of unit power, and a prediction of part of the signal."""
    rng = np.random.default_rng(seed)
    burst = np.zeros(N_SAMPLES)
    for first in range(500, N_SAMPLES - 1000, 2000):
        burst[first : first + 600] = np.hanning(600)
    carrier = np.cos(2 * np.pi * 0.1 * np.arange(N_SAMPLES) + rng.uniform(0, 6, (N_CHANNELS, 1)))
    signal = loudness * burst * carrier
    data = signal + rng.normal(size=signal.shape)
    prediction = heard * signal + 0.02 * rng.normal(size=signal.shape)
    return tuple(a.astype(np.float32) for a in (signal, data, prediction))  # type: ignore[return-value]


def error(found: np.ndarray, truth: np.ndarray) -> float:
    return float(((found - truth) ** 2).mean())


ALL = np.ones(N_CHANNELS, bool)


@pytest.mark.parametrize("window", [32, 64, 128])
@pytest.mark.parametrize("n_samples", [1000, 1024, 77])
def test_frames_add_up_to_the_signal(window, n_samples) -> None:
    values = np.random.default_rng(0).normal(size=(3, n_samples)).astype(np.float32)
    frames = _Frames(window)
    np.testing.assert_allclose(frames.joined(frames.of(values), n_samples).numpy(), values, atol=1e-5)


def test_what_the_others_missed_is_taken_from_the_channel_itself() -> None:
    signal, data, prediction = case(heard=0.5)
    posterior = Posterior.measure([(data, prediction)])
    fused = posterior(data, prediction, ALL)
    assert error(fused, signal) < 0.3 * min(error(prediction, signal), error(data, signal))


def test_a_complete_prediction_needs_no_own_observation() -> None:
    signal, data, prediction = case(heard=1.0)
    posterior = Posterior.measure([(data, prediction)])
    assert error(posterior(data, prediction, ALL), signal) < 1.5 * error(prediction, signal)


def test_where_nothing_is_predicted_nothing_is_returned() -> None:
    rng = np.random.default_rng(1)
    data = rng.normal(size=(N_CHANNELS, N_SAMPLES)).astype(np.float32)
    prediction = (0.1 * rng.normal(size=data.shape)).astype(np.float32)
    posterior = Posterior.measure([(data, prediction)])
    assert (posterior(data, prediction, ALL) ** 2).mean() < 0.003


def test_the_stated_deviation_is_that_of_the_error() -> None:
    signal, data, prediction = case(heard=0.5)
    posterior = Posterior.measure([(data, prediction)])
    fused, deviation = posterior(data, prediction, ALL), posterior.standard_deviation(prediction)
    loud = np.abs(signal).max(axis=0) > 1
    assert np.sqrt(error(fused[:, loud], signal[:, loud])) == pytest.approx(
        np.sqrt((deviation[:, loud] ** 2).mean()), rel=0.35
    )


def test_a_dead_channel_keeps_to_what_the_others_say() -> None:
    _, data, prediction = case(heard=0.5)
    posterior = Posterior.measure([(data, prediction)])
    live = ALL.copy()
    live[5] = False
    wild = data.copy()
    wild[5] = 1e3
    np.testing.assert_array_equal(posterior(wild, prediction, live)[5], posterior(data, prediction, live)[5])
    assert not np.array_equal(posterior(data, prediction, live)[5], posterior(data, prediction, ALL)[5])


def test_empty_data_pass() -> None:
    zeros = np.zeros((4, 600), np.float32)
    posterior = Posterior.measure([(zeros, zeros)])
    assert not posterior(zeros, zeros, np.ones(4, bool)).any()


def test_common_mode_is_taken_out_and_counted() -> None:
    rng = np.random.default_rng(2)
    own, laser = rng.normal(size=(64, 4000)), rng.normal(size=4000)
    data = (own + laser).astype(np.float32)
    data[:, 100:200] = 0
    clean = without_common_mode(data, np.ones(64, bool))
    assert np.abs(np.corrcoef(clean[:, 200:].mean(axis=0) + 0 * laser[200:], laser[200:])[0, 1]) < 0.5
    assert (clean[:, 200:] ** 2).mean() == pytest.approx(1, rel=0.1)
    assert not clean[:, 100:200].any()
    assert common_share(np.r_[1.0, np.full(32, 0.5)], 64) == pytest.approx(0.5)
    assert common_share(np.r_[1.0, np.full(32, 0.05)], 64) == 0
    assert common_share(np.r_[1.0, np.full(32, 0.5)], 16) == 0
