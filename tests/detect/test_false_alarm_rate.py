"""False-alarm rates: windows, peaks, counted and extrapolated rates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from selfseis.detect.scan import Scan, ScanPart, Standardiser, join_parts, window_means
from selfseis.validation.false_alarms import FalseAlarmRate, peaks

SCORES = st.integers(1, 120).flatmap(
    lambda n: arrays(np.float32, n, elements=st.one_of(st.floats(-100, 100, width=32), st.just(np.nan)))
)


@given(st.integers(1, 5), st.integers(0, 60), st.integers(0, 2**31))
def test_window_means_average_two_hops_around_each_hop(half, n_samples, seed) -> None:
    hop = 2 * half
    values = np.random.default_rng(seed).standard_normal((2, n_samples))
    found = window_means(values, hop)
    n_hops = n_samples // hop
    assert found.shape == (2, n_hops)
    padded = np.pad(values[:, : n_hops * hop], [(0, 0), (half, half)])
    for i in range(n_hops):
        expected = padded[:, i * hop : (i + 2) * hop].sum(axis=1) / (2 * hop)
        np.testing.assert_allclose(found[:, i], expected, atol=1e-12)


@settings(max_examples=200, deadline=None)
@given(SCORES, st.integers(1, 30))
def test_peaks_are_separate_and_complete(score, apart) -> None:
    found = peaks(score, apart)
    assert (np.diff(found) >= apart).all()
    assert np.isfinite(score[found]).all()
    if not np.isfinite(score).any():
        assert len(found) == 0
        return
    assert len(found) and score[found].max() == np.nanmax(score)
    known = np.where(np.isfinite(score), score, -np.inf)
    for i in range(len(score)):
        before, after = known[i - 1] if i else -np.inf, known[i + 1] if i + 1 < len(score) else -np.inf
        if known[i] > max(before, after) and i not in found:
            near = found[np.abs(found - i) < apart]
            assert (known[near] >= known[i]).any()


def test_peaks_at_the_ends_count() -> None:
    assert peaks(np.array([5.0, 1.0, 1.0, 1.0, 7.0], np.float32), 3).tolist() == [0, 4]
    assert peaks(np.zeros(0, np.float32), 3).tolist() == []


def measured(null: np.ndarray, apart: int = 1, rate: float = 100.0, hop: int = 50) -> FalseAlarmRate:
    n = null.shape[1]
    scan = Scan(
        first=hop * np.arange(n), score=np.zeros(n, np.float32), null=null.astype(np.float32),
        n_channels=np.zeros(n, np.int32), groups=["line"], present=np.ones((1, n), np.float32), hop=hop,
    )  # fmt: skip
    return FalseAlarmRate.measure(scan.null, apart=apart, hop=scan.hop, rate=rate)


def test_days_are_those_of_all_surrogates_without_gaps() -> None:
    null = np.zeros((4, 1000))
    null[:, :200] = np.nan
    assert measured(null).days == pytest.approx(4 * 800 * 0.5 / 86400)


def test_rates_are_counted_with_enough_peaks() -> None:
    heights = np.arange(1, 101) / 10
    level = FalseAlarmRate(np.sort(heights)[::-1], days=2.0)
    for score in (0.05, 0.1, 3.25, 7.0, 9.05):
        assert level.rate(score) == pytest.approx((heights >= score - 1e-9).sum() / 2)
    assert level.threshold(25.0) == pytest.approx(heights[-50])
    assert level.p_value(0.0) == 1 and level.p_value(5.05) == pytest.approx(51 / 101)
    assert level.p_value(1e6) == pytest.approx(1 / 101)  # no smaller value can be counted


@pytest.mark.parametrize("distribution", ["exponential", "normal"])
def test_thresholds_give_the_nominal_rates(distribution) -> None:
    """Compare with the true rate of peaks from a known distribution, also ten times beyond the counted range."""
    from scipy import stats

    law = {"exponential": stats.expon(scale=2.0), "normal": stats.norm(5.0, 1.0)}[distribution]
    ratios = []
    for seed in range(30):
        heights = law.rvs(4000, random_state=seed)
        level = FalseAlarmRate(np.sort(heights)[::-1], days=100.0)
        for per_day in (4.0, 0.4, 0.05, 0.01):
            ratios.append(law.sf(level.threshold(per_day)) * 40 / per_day)
    ratios = np.reshape(ratios, (30, 4))
    np.testing.assert_allclose(np.median(ratios[:, :2], axis=0), 1, atol=0.15)
    if distribution == "exponential":
        np.testing.assert_allclose(np.median(ratios[:, 2:], axis=0), 1, atol=0.3)
    else:  # lighter tail than exponential: at most the nominal number of false alarms
        assert (np.median(ratios[:, 2:], axis=0) < 1.1).all()


def drawn(tail: str, n_peaks: int, days: float, seed: int) -> FalseAlarmRate:
    rng = np.random.default_rng(seed)
    draw = {
        "normal": rng.standard_normal,
        "exponential": rng.standard_exponential,
        "heavy": rng.standard_cauchy,
    }[tail]
    return FalseAlarmRate(np.sort(draw(n_peaks))[::-1], days)


LEVELS = st.builds(
    drawn,
    st.sampled_from(["normal", "exponential", "heavy"]),
    st.integers(1, 5000),
    st.floats(0.01, 100),
    st.integers(0, 2**31),
)


@settings(max_examples=200)
@given(LEVELS, st.lists(st.floats(-3, 30), min_size=2, max_size=60))
def test_a_higher_score_is_never_more_likely(level, scores) -> None:
    ordered = np.sort([*scores, *level.heights[:50]])
    assert (np.diff(level.rate(ordered)) <= 1e-9).all()
    assert (np.diff(level.p_value(ordered)) <= 1e-12).all()
    assert ((level.p_value(ordered) >= 0) & (level.p_value(ordered) <= 1)).all()


@settings(max_examples=200)
@given(LEVELS, st.lists(st.floats(1e-4, 1e4), min_size=2, max_size=60))
def test_fewer_false_alarms_need_a_higher_threshold(level, per_day) -> None:
    thresholds = [
        level.threshold(rate) for rate in np.sort([*per_day, *np.array([9.4, 9.9, 10.1, 11]) / level.days])
    ]
    assert (np.diff(thresholds) <= 1e-9).all()


@given(LEVELS, st.floats(0, 1))
def test_the_threshold_of_a_scores_rate_is_the_score(level, share) -> None:
    counted = level.heights[level.min_tail - 1 :]
    if len(counted):
        score = counted[int(share * (len(counted) - 1))]
        assert level.threshold(float(level.rate(score)) * (1 + 1e-12)) == pytest.approx(score)
    beyond = level.heights[0] + (0.1 + share) * np.ptp(level.heights)
    number = float(level.rate(beyond)) * level.days
    if 1e-200 < number < min(level.min_tail, len(level.heights)) * 0.999:
        assert level.threshold(number / level.days) == pytest.approx(beyond, rel=1e-6, abs=1e-6)


def test_threshold_and_rate_are_infinite_without_surrogates() -> None:
    level = measured(np.zeros((0, 10)))
    assert level.threshold(1.0) == np.inf and level.rate(3.0) == np.inf and level.p_value(3.0) == 1


def test_rates_below_the_counted_range_are_extrapolated() -> None:
    level = FalseAlarmRate(np.arange(100.0)[::-1], days=5.0)
    assert level.is_extrapolated(1.0) and not level.is_extrapolated(2.0)


def test_statistics_are_standardised_by_the_null() -> None:
    rng = np.random.default_rng(0)
    null = np.stack([3 + 2 * rng.standard_normal(20_000), -1 + 0.1 * rng.standard_normal(20_000)])
    null[0, 5] = np.nan
    standardiser = Standardiser.measure(null)
    np.testing.assert_allclose(standardiser.centre, [3, -1], atol=0.05)
    np.testing.assert_allclose(standardiser.spread, [2, 0.1], rtol=0.03)
    np.testing.assert_allclose(standardiser(np.array([[5.0, 3.0], [-1.0, -0.5]])), [1, 5], atol=0.2)
    nothing = Standardiser.measure(np.full((2, 4), np.nan))
    assert nothing(np.array([[1.0], [2.0]])) == 2


def test_parts_are_join_parts_with_one_empty_column_where_samples_are_missing() -> None:
    parts = [
        ScanPart(0, np.array([[1.0, 2.0]])),
        ScanPart(8, np.array([[3.0]])),
        ScanPart(40, np.array([[4.0]])),
    ]
    first, values = join_parts(parts, 4)
    assert first.tolist() == [0, 4, 8, 12, 40]
    np.testing.assert_array_equal(values, [[1, 2, 3, np.nan, 4]])
    assert join_parts([], 4)[1].size == 0


def test_false_discovery_rates_are_the_share_of_false_peaks() -> None:
    rng = np.random.default_rng(3)
    null = FalseAlarmRate(np.sort(rng.exponential(size=50_000))[::-1], days=100.0)
    false, true = rng.exponential(size=500), 4 + rng.exponential(size=200)
    rates = null.false_discovery_rates(np.concatenate([false, true]), days=1.0)
    for low, high in ((0.0, 2.0), (3.0, 5.0), (5.0, 12.0)):
        here = [(scores > low) & (scores <= high) for scores in (false, true)]
        expected = here[0].sum() / (here[0].sum() + here[1].sum())
        stated = np.concatenate([rates[:500][here[0]], rates[500:][here[1]]]).mean()
        assert stated == pytest.approx(expected, abs=0.12)
    assert null.false_discovery_rates(np.zeros(0), 1.0).size == 0
    assert (measured(np.zeros((0, 10))).false_discovery_rates(np.ones(3), 1.0) == 1).all()


@pytest.mark.parametrize("n_events", [0, 20])
def test_the_null_of_quiet_peaks_does_not_depend_on_a_few_events(n_events) -> None:
    rng = np.random.default_rng(4)
    score = rng.gumbel(1.0, 0.3, 4000)
    score[rng.choice(4000, n_events, replace=False)] = 50.0
    level = FalseAlarmRate.of_quiet_peaks(score.astype(np.float32), apart=1, hop=50, rate=50.0)
    assert level.days == pytest.approx(4000 / 86400)
    peaks_a_day = len(level.heights) / level.days
    # Peaks are local maxima of independent values: the maximum of about three of them.
    expected = 1.0 + 0.3 * np.log(3) + 0.3 * np.log(peaks_a_day / 10.0)
    assert level.threshold(10.0) == pytest.approx(expected, abs=0.35)
