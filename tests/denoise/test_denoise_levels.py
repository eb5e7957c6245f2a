"""How loud a channel's signal is beside its neighbours', measured through noise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from selfseis.denoise.levels import measured_gains
from selfseis.denoise.study import Span


def spans_of(data: np.ndarray) -> list[Span]:
    everywhere = np.ones(data.shape, bool)
    return [Span(data.astype(np.float32), everywhere, ~everywhere, ~everywhere)]


def smooth_signal(n_channels: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a signal that all channels have, and noise of each, both so smooth that few samples are independent."""
    rng = np.random.default_rng(seed)
    white = rng.standard_normal((2, n_channels, 9600))
    white[0] = white[0, :1]
    signal, noise = gaussian_filter1d(white, 40, axis=2)
    return signal / signal.std(), noise / noise.std()


def test_gains_that_differ_by_their_errors_alone_are_taken_for_one() -> None:
    signal, noise = smooth_signal(40, 1)
    by_chance = ((signal + noise) * signal).mean(axis=1) / (signal**2).mean(axis=1)
    gains = measured_gains(spans_of(signal + noise), lambda data: signal.astype(np.float32))
    assert by_chance.std() > 0.08
    assert gains.std() < 0.03
    assert gains.mean() == pytest.approx(1, abs=0.05)


def test_gains_that_differ_are_found() -> None:
    signal, noise = smooth_signal(40, 2)
    true = np.resize([0.4, 1.0, 1.6], 40)
    data = true[:, None] * signal + 0.3 * noise
    gains = measured_gains(spans_of(data), lambda data: signal.astype(np.float32))
    np.testing.assert_allclose(gains, true, atol=0.15)


def test_gains_of_a_prediction_of_nothing_are_one() -> None:
    _, noise = smooth_signal(5, 3)
    assert (measured_gains(spans_of(noise), lambda data: np.zeros_like(data)) == 1).all()
