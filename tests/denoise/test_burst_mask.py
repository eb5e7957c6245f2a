"""Bursts of single channels are masked; waves are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfseis.denoise import Denoiser
from selfseis.denoise.burst_mask import BLOCK, burst_mask, without_bursts
from selfseis.recording import recording_from_array

N_CHANNELS, N_SAMPLES = 48, 40 * BLOCK


def noise(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((N_CHANNELS, N_SAMPLES)).astype(np.float32)


def wave_in_noise() -> np.ndarray:
    return noise(3) + np.array([np.roll(noise(4)[0], channel) for channel in range(N_CHANNELS)])


@given(st.integers(0, N_CHANNELS - 1), st.integers(0, 38), st.sampled_from([1e3, 1e6]))
def test_only_the_channel_with_a_burst_is_masked(channel: int, block: int, factor: float) -> None:
    data = noise()
    data[channel, block * BLOCK : (block + 2) * BLOCK] *= factor
    expected = np.zeros(data.shape, bool)
    expected[channel, block * BLOCK : (block + 2) * BLOCK] = True
    assert np.array_equal(burst_mask(data), expected)
    assert np.array_equal(without_bursts(data), np.where(expected, 0, data))


@given(st.integers(-25, 25), st.sampled_from([1e2, 1e6]), st.sampled_from([20, 400]), st.integers(0, 5))
def test_a_wave_is_not_a_burst_at_any_slowness_amplitude_and_duration(
    slowness: int, amplitude: float, length: int, dead: int
) -> None:
    data = noise()
    wave = amplitude * np.random.default_rng(2).standard_normal(length)
    for channel in range(N_CHANNELS):
        first = 1500 + slowness * (channel - N_CHANNELS // 2)
        data[channel, first : first + length] += wave
    data[np.random.default_rng(dead).permutation(N_CHANNELS)[: 3 * dead]] = 0
    assert without_bursts(data) is data


def test_a_burst_leaves_the_estimates_of_neighbours_intact() -> None:
    data = wave_in_noise()
    with_burst = data.copy()
    with_burst[20] *= np.where(np.arange(N_SAMPLES) < 4000, 1, 1e6)
    recordings = [
        recording_from_array(one, 100.0, distance=10.0 * np.arange(N_CHANNELS)) for one in (data, with_burst)
    ]
    denoiser = Denoiser(blind_zone=0).fit(recordings[0])
    expected, found = (denoiser.transform(one).values for one in recordings)
    changed = np.sqrt(np.mean((expected - found) ** 2, axis=1) / np.mean(expected**2, axis=1))
    assert np.max(np.delete(changed, 20)) < 0.5
    assert 0.1 < np.std(found[20]) / np.std(expected[20]) < 10


def test_bursts_do_not_affect_the_fit_and_their_share_is_reported() -> None:
    data = wave_in_noise()
    data[20, 3 * N_SAMPLES // 4 :] *= 1e6
    verdict = (
        Denoiser(blind_zone=0)
        .fit(recording_from_array(data, 100.0, distance=10.0 * np.arange(N_CHANNELS)))
        .verdict_
    )
    assert verdict.skill is not None and verdict.skill.low > 0.3
    assert verdict.details["burst_share"] == pytest.approx(0.25 / N_CHANNELS, rel=0.25)


def test_tiles_equal_the_whole() -> None:
    data = wave_in_noise()
    data[20, 2000:2300] *= 1e3
    recording = recording_from_array(data, 100.0, distance=10.0 * np.arange(N_CHANNELS))
    clean = Denoiser(blind_zone=0).fit(recording).transform(recording)
    parts = [clean.isel(time=slice(a, a + 700)).values for a in range(0, N_SAMPLES, 700)]
    np.testing.assert_allclose(np.concatenate(parts, axis=1), clean.values, rtol=1e-4, atol=1e-4)
