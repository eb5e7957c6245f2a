"""The rate of false *works* verdicts on noise is the stated one, also for noise that channels share."""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
import pytest
from scipy.stats import binom

from selfseis.denoise.baselines import neighbour_mean
from selfseis.denoise.evaluate import best_predicted, null_scores, scores_of
from selfseis.denoise.line_filter import LineRidge
from selfseis.denoise.training_data import Span
from selfseis.simulate import band_limited_noise
from selfseis.validation import Verdict, hide_time_patches, judge

REPEATS = 200
ERROR_RATE = 0.05
GAUGE = 5


def split(data: np.ndarray, seed: int) -> Span:
    """Split a record in time into training, validation and test parts."""
    hidden, visible = hide_time_patches(data.shape[1], 100, 0.4, np.random.default_rng(seed), guard=10)
    chosen = np.arange(data.shape[1]) // 100 % 4 == 0
    train, validation, test = (
        np.broadcast_to(m, data.shape) for m in (visible, hidden & chosen, hidden & ~chosen)
    )
    return Span(data, train, validation, test)


def verdict_on_noise(seed: int, *, gauge: int, blind_zone: int) -> Verdict:
    """Fit the blind ridge filter to noise of unit variance, and evaluate it."""
    data = band_limited_noise(24, 1600, 50.0, None, seed, correlation_length=gauge)
    spans = [split(data, seed)]
    ridge = LineRidge.fit([(s.data, s.train, s.validation) for s in spans], blind_zone, reach=3, max_lag=2)
    live = np.ones(len(data), bool)

    def predict(span: Span) -> np.ndarray:
        return ridge.predict(span.data, live)

    predictions, mean = [predict(s) for s in spans], neighbour_mean(ridge.offsets, spans)
    loudest = best_predicted(spans, predictions)
    return judge(
        "denoise",
        scores_of(spans, predictions).part(loudest),
        scores_of(spans, [mean(s.data) for s in spans]).part(loudest),
        null_scores(spans, predict, seed),
        baseline_name="mean",
        null_name="shifts",
        error_rate=ERROR_RATE,
        seed=seed,
    )


@cache
def verdicts_on_noise(gauge: int, blind_zone: int) -> list[Verdict]:
    return [verdict_on_noise(seed, gauge=gauge, blind_zone=blind_zone) for seed in range(REPEATS)]


@pytest.mark.parametrize(("gauge", "blind_zone"), [(1, 0), (GAUGE, GAUGE - 1)], ids=["white", "gauge"])
def test_noise_gives_no_gain_at_the_stated_rate(gauge, blind_zone) -> None:
    outcomes = Counter(v.outcome for v in verdicts_on_noise(gauge, blind_zone))
    # 99.9% bounds of the number out of 200 whose rate is the stated one.
    assert outcomes["works"] <= binom.ppf(0.999, REPEATS, ERROR_RATE), outcomes
    assert outcomes["no_gain"] >= binom.ppf(0.001, REPEATS, 1 - ERROR_RATE), outcomes


def test_interval_of_skill_on_noise_contains_zero_at_the_stated_rate() -> None:
    """The lower end of the interval exceeds zero at most at the stated rate."""
    above = sum(v.skill.low > 0 for v in verdicts_on_noise(1, 0))
    assert above <= binom.ppf(0.999, REPEATS, ERROR_RATE)


def test_shared_noise_gives_skill_only_inside_the_blind_zone() -> None:
    """With a blind zone one channel too narrow, the verdict on shared noise is *works* for every seed."""
    for seed in range(5):
        assert verdict_on_noise(seed, gauge=GAUGE, blind_zone=0).skill.low > 0.5
        seen = verdict_on_noise(seed, gauge=GAUGE, blind_zone=GAUGE - 2)
        assert seen.outcome == "works" and seen.skill.low > 0.1
        unseen = verdict_on_noise(seed, gauge=GAUGE, blind_zone=GAUGE - 1)
        assert unseen.outcome == "no_gain" and abs(unseen.skill.value) < 0.01
