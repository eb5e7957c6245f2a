"""Evaluation of a denoiser where noise is weakly correlated far along the line."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from selfseis.denoise import Denoiser, DenoiserOptions
from selfseis.denoise.evaluate import best_predicted, doubt_if_noise_is_predicted, scores_of
from selfseis.denoise.training_data import Span
from selfseis.recording import recording_from_array
from selfseis.validation import Verdict

N_PATCHES = DenoiserOptions().training_data.n_patches
N_CHANNELS, N_SAMPLES = 48, 40 * N_PATCHES
WORKS = Verdict("denoise", "works", "Better than the null.")


def span(seed: int, amplitude: np.ndarray) -> tuple[Span, np.ndarray]:
    """Return noise plus a signal with a given amplitude in each patch, and the signal."""
    rng = np.random.default_rng(seed)
    noise, signal = rng.standard_normal((2, N_CHANNELS, N_SAMPLES)).astype(np.float32)
    signal *= np.repeat(amplitude, N_SAMPLES // N_PATCHES).astype(np.float32)
    test = np.broadcast_to(np.arange(N_SAMPLES) // 40 % 3 == 0, noise.shape)
    return Span(noise + signal, ~test, np.zeros_like(test), test), signal


def test_equal_skill_at_all_times_is_in_doubt() -> None:
    here, signal = span(1, np.ones(N_PATCHES))
    verdict = doubt_if_noise_is_predicted(WORKS, [here], [0.5 * signal], 0)
    assert verdict.outcome == "cannot_tell"
    assert "blind zone" in verdict.reason
    assert verdict.details["skill_in_quiet"] == pytest.approx(0.375, abs=0.03)


def test_a_transient_wave_is_not_in_doubt() -> None:
    spans, signals = zip(*(span(seed, np.arange(N_PATCHES) % 6 == 0) for seed in (2, 3)), strict=True)
    verdict = doubt_if_noise_is_predicted(WORKS, list(spans), [0.5 * s for s in signals], 0)
    assert verdict.outcome == "works"
    assert verdict.details["skill_in_quiet"] == pytest.approx(0, abs=0.02)


def noise_shared_faintly() -> xr.DataArray:
    """Return noise whose correlation, below 0.05 with each of many channels, lies beyond the measured zone."""
    rng = np.random.default_rng(4)
    shared = rng.standard_normal((1, 30_000)) * np.resize([1.0, -1.0], 64)[:, None]
    noise = rng.standard_normal((64, 30_000)) + 0.2 * shared
    return recording_from_array(noise.astype(np.float32), 100.0, distance=10.0 * np.arange(64))


@pytest.mark.parametrize(("blind_zone", "word"), [(None, "cannot_tell"), (1, "works")])
def test_predicted_noise_with_weak_correlation_beyond_the_measured_zone(blind_zone, word) -> None:
    verdict = Denoiser(blind_zone=blind_zone, fusion=False).fit(noise_shared_faintly()).verdict_
    assert verdict.skill is not None
    assert verdict.skill.low > 0.01
    assert verdict.outcome == word


def test_weakly_correlated_noise_gives_no_gain() -> None:
    verdict = Denoiser().fit(noise_shared_faintly()).verdict_
    assert verdict.outcome == "no_gain"
    assert verdict.skill is not None and abs(verdict.skill.high) < 0.005


def test_short_events_in_a_long_recording_are_recognised() -> None:
    """The skill over all held-out data is negligible; in the blocks with the strongest prediction it is clear."""
    rng = np.random.default_rng(7)
    late, source = np.arange(48), rng.standard_normal(400)
    data = rng.standard_normal((48, 30_000))
    for begin in range(1000, 29_000, 3500):
        for channel in range(48):
            data[channel, begin + late[channel] :][:400] += source
    recording = recording_from_array(data.astype(np.float32), 100.0, distance=10.0 * np.arange(48))
    verdict = Denoiser(blind_zone=0).fit(recording).verdict_
    assert verdict.outcome == "works"
    assert verdict.skill is not None
    assert verdict.skill.low > 2 * verdict.details["skill_everywhere"]["value"] > 0


def test_the_selection_of_blocks_does_not_use_hidden_data() -> None:
    (here, signal), (elsewhere, _) = span(1, np.arange(N_PATCHES) % 6 == 0), span(8, np.zeros(N_PATCHES))
    blocks = best_predicted([here], [signal])
    assert np.array_equal(blocks, best_predicted([elsewhere], [signal]))
    loud = scores_of([here], [np.zeros_like(signal)]).part(blocks).power
    assert np.all(loud > 1.5 * 4 * 40)  # of noise and signal, as loud each, in 4 channels of 40 samples
