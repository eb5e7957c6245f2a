"""The blind zone has the correlation length of the noise, and coherent waves do not widen it."""

from __future__ import annotations

import numpy as np
import pytest

from selfseis.simulate import band_limited_noise, common_mode
from selfseis.validation import channel_correlation, correlation_half_width

RATE = 100.0


def gauge_noise(gauge: int, seed: int, n_channels: int = 64) -> np.ndarray:
    return band_limited_noise(n_channels, 20_000, RATE, (2, 40), seed, correlation_length=gauge)


def measured(data: np.ndarray, max_offset: int = 32) -> int:
    return correlation_half_width(channel_correlation(data, 256, max_offset))


@pytest.mark.parametrize("seed", [1, 2])
def test_white_noise_needs_no_zone(seed) -> None:
    correlation = channel_correlation(gauge_noise(1, seed), 256, 32)
    assert correlation[0] == pytest.approx(1, abs=1e-5)
    assert np.abs(correlation[1:]).max() < 0.04
    assert correlation_half_width(correlation) == 0


@pytest.mark.parametrize("gauge", [2, 4, 8])
def test_gauge_noise_needs_a_zone_of_the_gauge(gauge) -> None:
    data = gauge_noise(gauge, seed=gauge)
    triangle = np.maximum(0, 1 - np.arange(33) / gauge)
    np.testing.assert_allclose(channel_correlation(data, 256, 32), triangle, atol=0.08)
    assert abs(measured(data) - (gauge - 1)) <= 1


def test_a_wave_that_all_channels_share_does_not_widen_the_zone() -> None:
    wave = common_mode(20_000, RATE, (2, 40), seed=3)
    assert abs(measured(gauge_noise(6, seed=5) + 0.7 * wave) - 5) <= 1
    assert measured(gauge_noise(1, seed=5) + 2.0 * wave) == 0


def test_a_loud_event_does_not_widen_the_zone() -> None:
    data = gauge_noise(4, seed=6)
    n = np.arange(2000)
    for channel, row in enumerate(data):
        row[8000 + channel : 10_000 + channel] += 20 * np.sin(2 * np.pi * 5 * n / RATE) * np.hanning(2000)
    assert abs(measured(data) - 3) <= 1
    everything = channel_correlation(data, 256, 32, noise_share=1.0)
    assert everything[1] >= channel_correlation(data, 256, 32)[1] - 0.02


def test_dead_channels_and_empty_windows_are_left_out() -> None:
    data = gauge_noise(4, seed=7)
    data[10] = 0
    data[:, :5000] = 0
    assert abs(measured(data) - 3) <= 1


def test_empty_data_need_no_zone() -> None:
    assert measured(np.zeros((16, 1000), np.float32), 8) == 0


@pytest.mark.parametrize(
    ("correlation", "width"),
    [
        ([1.0], 0),
        ([1.0, 0.02], 0),
        ([1.0, 0.9, 0.5, 0.3], 3),
        ([1.0, 0.5, 0.1, 0.0, 0.2, 0.0, 0.0, 0.0, 0.0], 4),
        ([1.0, 0.5, 0.1, 0.0, 0.0, 0.2, 0.0, 0.0, 0.0], 2),
        ([1.0, 0.6, 0.2, -0.01, -0.2, -0.1, 0.0, 0.0, 0.0, 0.0, 0.0], 5),
        ([1.0, 0.8, 0.3, 0.3, 0.3, 0.3, 0.3], 1),
        ([1.0, -0.4, 0.0, 0.0, 0.0, 0.0], 1),
    ],
)
def test_half_width_of_known_correlations(correlation, width) -> None:
    assert correlation_half_width(np.array(correlation)) == width


def test_more_offsets_than_channels_are_cut_down() -> None:
    assert channel_correlation(gauge_noise(1, 8, n_channels=5), 256, 32).shape == (5,)
