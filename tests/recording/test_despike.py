"""Removal of isolated spikes; other samples do not change."""

from __future__ import annotations

import numpy as np
import pytest

from selfseis.recording.despike import bridge_spikes
from selfseis.recording.options import SpikeOptions
from selfseis.simulate import band_limited_noise


@pytest.fixture
def noise() -> np.ndarray:
    return band_limited_noise(3, 2000, 100.0, (2, 30), 1)


@pytest.mark.parametrize("height", [30.0, -1e6])
def test_spikes_are_found_and_bridged(noise: np.ndarray, height: float) -> None:
    spiky = noise.copy()
    where = ([0, 1, 1, 2], [500, 40, 700, 1900])
    spiky[where] += height
    bridged, n_spikes = bridge_spikes(spiky)
    assert n_spikes == 4
    others = np.ones(noise.shape, bool)
    others[where] = False
    np.testing.assert_array_equal(bridged[others], noise[others])
    assert np.abs(bridged - noise).max() < 3


def test_spikes_of_a_wide_fibre_are_bridged_where_they_are() -> None:
    wide = band_limited_noise(200, 300, 100.0, (2, 30), 1)
    spiky = wide.copy()
    spiky[[3, 70, 199], [50, 100, 250]] += 30
    bridged, n_spikes = bridge_spikes(spiky)
    assert n_spikes == 3 and np.abs(bridged - wide).max() < 3
    assert bridge_spikes(spiky[70:71])[0] == pytest.approx(bridged[70:71])


def test_noise_is_left_alone(noise: np.ndarray) -> None:
    bridged, n_spikes = bridge_spikes(noise)
    assert n_spikes == 0 and bridged is noise


def test_an_onset_is_not_a_spike(noise: np.ndarray) -> None:
    wave = noise.copy()
    wave[:, 1000:] += 1e4 * band_limited_noise(3, 1000, 100.0, (2, 40), 2)
    assert bridge_spikes(wave)[1] == 0


def test_gaps_and_steps_are_not_spikes(noise: np.ndarray) -> None:
    data = noise.copy()
    data[:, 300:320] = np.nan
    data[:, 800:] += 50
    data[2] = 7.0
    assert bridge_spikes(data)[1] == 0


def test_a_tile_has_the_same_spikes_as_the_whole(noise: np.ndarray) -> None:
    spiky = noise.copy()
    spiky[1, 5::37] += 60
    whole = bridge_spikes(spiky)[0]
    context = SpikeOptions().reach + 1
    part = bridge_spikes(spiky[:, 600 - context : 900 + context])[0][:, context:-context]
    np.testing.assert_array_equal(part, whole[:, 600:900])


def test_too_short_a_tile_is_left_alone() -> None:
    data = np.zeros((2, 20), np.float32)
    assert bridge_spikes(data)[0] is data
