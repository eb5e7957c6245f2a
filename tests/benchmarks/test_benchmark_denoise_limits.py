"""What a filter reaches that is told the truth: more knowledge, less error; no noise, none at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from benchmarks.denoise_data import SCENARIOS, Records
from benchmarks.denoise_limits import GAINS, weighed_as_told
from benchmarks.denoise_scores import decibels


@pytest.fixture(scope="module")
def records() -> Records:
    """Return a wave that crosses two records of 128 channels, in white noise of its mean power."""
    channel, time = np.arange(128)[:, None], np.arange(512)
    wave = np.exp(-(((time - 200 - channel) / 30.0) ** 2)) * np.cos(0.5 * (time - channel))
    truth = np.stack([wave, wave[::-1]]).astype(np.float32)
    noise = np.random.default_rng(0).standard_normal(truth.shape).astype(np.float32) * truth.std()
    onsets = np.full(truth.shape[:2], np.nan)
    return Records(SCENARIOS[0], truth, noise, np.ones(truth.shape, bool), onsets, np.zeros(2), ["a", "b"])


def test_who_is_told_more_errs_less(records) -> None:
    everywhere = np.ones(records.truth.shape, bool)
    reached = [decibels(records.truth, weighed_as_told(records, gain), everywhere) for gain in GAINS.values()]
    assert reached == sorted(reached)
    assert 3 < reached[0] < reached[-1] < 40


@pytest.mark.parametrize("name", GAINS)
def test_without_noise_the_truth_comes_back(records, name: str) -> None:
    still = replace(records, noise=np.float32(1e-4) * records.noise)
    np.testing.assert_allclose(weighed_as_told(still, GAINS[name]), records.truth, atol=1e-3)
