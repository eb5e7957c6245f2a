"""Scores of denoising against what they must be of known outputs, and plain filters on known data."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.common import Row
from benchmarks.denoise_filters import adaptive_fk, low_rank, median_fk
from benchmarks.denoise_scores import decibels, dominant_period, louder_than_noise, p_delays, slope
from benchmarks.denoise_stationary import best_weights, covariance, limit, make_synthetic
from benchmarks.denoise_tables import fibre_findings, fibre_tables, score_table

RNG = np.random.default_rng(0)
EVERYWHERE = np.ones((24, 1024), bool)


@pytest.fixture
def wave() -> np.ndarray:
    """Return a Ricker-like pulse of period 20 samples that moves along 24 channels, P at sample 400 on the first."""
    time = np.arange(1024) - 400.0 - 3 * np.arange(24)[:, None]
    phase = (np.pi * (time - 15) / 20) ** 2
    return ((1 - 2 * phase) * np.exp(-phase)).astype(np.float32)


def test_decibels_of_nothing_of_noise_and_of_the_truth(wave) -> None:
    noise = RNG.standard_normal(wave.shape).astype(np.float32)
    noise *= np.sqrt(np.mean(wave**2) / np.mean(noise**2) * 10)
    assert decibels(wave, np.zeros_like(wave), EVERYWHERE) == pytest.approx(0)
    assert decibels(wave, wave + noise, EVERYWHERE) == pytest.approx(-10, abs=1e-4)
    assert decibels(wave, wave, EVERYWHERE) > 100
    assert decibels(wave, -wave, EVERYWHERE) == pytest.approx(-10 * np.log10(4), abs=1e-6)


def test_the_slope_tells_lost_amplitude_from_noise(wave) -> None:
    noise = RNG.standard_normal(wave.shape).astype(np.float32)
    assert slope(wave, 0.7 * wave + 0.01 * noise, EVERYWHERE) == pytest.approx(0.7, abs=0.01)
    assert slope(wave, wave, np.zeros_like(EVERYWHERE)) is None


def test_where_a_signal_is_loud(wave) -> None:
    loud = louder_than_noise(wave, np.full_like(wave, 0.3), 5)
    assert loud[0, 415] and not loud[0, 100]


@pytest.mark.parametrize("late", [-4, 0, 3])
def test_a_delay_of_p_is_measured_in_periods(wave, late: int) -> None:
    onsets = 400.0 + 3 * np.arange(24)
    period = dominant_period(wave[:1, 390:460])
    found = p_delays(wave, 0.6 * np.roll(wave, late, axis=1), onsets)
    assert found["p_shift"] == pytest.approx(late / period, abs=0.03)
    assert found["p_channels"] == 1


def test_p_below_the_noise_is_not_timed(wave) -> None:
    onsets = 400.0 + 3 * np.arange(24)
    assert p_delays(wave, wave + 5 * RNG.standard_normal(wave.shape), onsets) == {"p_channels": 0.0}
    assert p_delays(wave, wave, np.full(24, np.nan)) == {}


def test_filters_that_change_nothing(wave) -> None:
    noisy = wave + RNG.standard_normal(wave.shape).astype(np.float32)
    np.testing.assert_allclose(adaptive_fk(noisy, 16, 0.0), noisy, atol=1e-5)
    np.testing.assert_allclose(median_fk(noisy, 0.0), noisy, atol=1e-5)
    np.testing.assert_allclose(low_rank(noisy, 24), noisy, atol=1e-5)


@pytest.mark.parametrize("clean", [lambda d: adaptive_fk(d, 16, 0.8), lambda d: median_fk(d, 2.0)])
def test_filters_take_off_noise(wave, clean) -> None:
    noisy = wave + 0.3 * RNG.standard_normal(wave.shape).astype(np.float32)
    made = clean(noisy)
    factor = np.sum(made * wave) / np.sum(made**2)
    assert decibels(wave, factor * made, EVERYWHERE) > decibels(wave, noisy, EVERYWHERE) + 3


def test_the_limit_is_what_the_best_linear_prediction_reaches() -> None:
    signal = covariance(48)
    assert limit(signal, None) > limit(signal, 0) > limit(signal, 2) > limit(signal, 20)
    truth = np.linalg.cholesky(signal + 1e-9 * np.eye(48)) @ RNG.standard_normal((48, 20_000))
    noisy = truth + RNG.permuted(truth, axis=0)  # each sample shuffled anew
    everything = np.ones(48, bool)
    made = np.stack([best_weights(signal, channel, everything)[0] @ noisy for channel in range(48)])
    reached = decibels(truth, made, np.ones_like(truth, bool))
    assert reached == pytest.approx(limit(signal, None), abs=0.1)


def test_the_synthetic_has_the_covariance_that_the_limit_is_of() -> None:
    truth, noisy = make_synthetic(0, 40, 60_000)
    measured = np.cov(truth)
    # Some 400 independent samples leave a standard deviation of 0.05.
    assert np.abs(measured - covariance(40)).mean() < 0.06
    np.testing.assert_allclose(sorted(noisy[:, 9] - truth[:, 9]), sorted(truth[:, 9]), atol=1e-6)


def scored(method: str, output: float) -> list[Row]:
    known = {"scenario": "a fibre", "seed": 0, "method": method, "on": "same", "kind": "a wave"}
    measured = {
        "overall_db": output,
        "amplitude": 1.0,
        "loud_amplitude": 1.0,
        "loud_expected": 1.0,
        "p_shift": -0.2,
        "p_scatter": 0.2,
    }
    return [known | measured | {"level": level, "output_db": output + level / 15} for level in (-15.0, 0.0)]


def test_tables_and_findings_say_what_misses_first() -> None:
    scores = (
        scored("network", 5.5)
        + scored("ridge, no fusion", 1.0)
        + scored("jDAS, 160 CPU s", 4.0)
        + scored("input", 9.0)
    )
    cost = {"quiet_share": 0.001, "fit_cpu_s": 50.0, "values_per_cpu_s": 5e6, "peak_gb": 1.0}
    facts = [
        {"scenario": "a fibre", "seed": 0, "method": method} | cost | {"values_per_cpu_s": rate}
        for method, rate in (("network", 5e6), ("jDAS, 160 CPU s", 2e5))
    ]
    row = next(row for row in score_table(scores, facts).rows if row["method"] == "network")
    assert (row["output dB"], row["least"], row["below 0"], row["P shift"]) == (5.0, 4.5, 0, 0.2)
    assert fibre_tables(scores, facts)[1].rows[0]["-15 dB"] == 4.5
    issues = fibre_findings(scores, facts)
    assert issues[0].startswith("MISSED") and issues[-1].startswith("reached")
    assert any("1.5 above jDAS, 160 CPU s (aim 3)" in text for text in issues)
    assert any("P shifted by 0.200" in text and text.startswith("MISSED") for text in issues)
    assert any("25.0 times the samples of jDAS" in text and text.startswith("reached") for text in issues)
