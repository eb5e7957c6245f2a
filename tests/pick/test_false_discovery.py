"""False-discovery rates from targets and decoys: against known truth, with few picks, and on files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from selfseis.pick.false_discovery import FalseDiscovery, TargetsAndDecoys
from selfseis.pick.options import CalibrationOptions

LOWEST = 0.02
ALL = CalibrationOptions(min_probability=0.0)


def falling(values: np.ndarray) -> np.ndarray:
    return np.sort(values)[::-1]


def drawn(n_true: int, n_false: int, seed: int) -> tuple[TargetsAndDecoys, np.ndarray, np.ndarray]:
    """Draw picks of known truth, and decoys with the distribution of the false ones."""
    rng = np.random.default_rng(seed)
    true, false = rng.beta(5, 2, n_true), LOWEST + (1 - LOWEST) * rng.beta(0.6, 6, n_false)
    decoys = LOWEST + (1 - LOWEST) * rng.beta(0.6, 6, n_false)
    return TargetsAndDecoys(falling(np.concatenate([true, false])), falling(decoys), LOWEST, ALL), true, false


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5])
def test_the_stated_rate_is_the_achieved_one(rate: float) -> None:
    achieved = []
    for seed in range(20):
        known, true, false = drawn(300, 600, seed)
        threshold = known.threshold(rate)
        kept_true, kept_false = (true >= threshold).sum(), (false >= threshold).sum()
        achieved.append(kept_false / (kept_true + kept_false))
    assert np.mean(achieved) == pytest.approx(rate, rel=0.2)


def test_the_probability_is_the_share_of_true_picks() -> None:
    stated, is_true = [], []
    for seed in range(20):
        known, true, false = drawn(300, 600, seed)
        heights = np.concatenate([true, false])
        stated.append(np.interp(heights, *known.probability_knots()))
        is_true.append(np.repeat([True, False], [len(true), len(false)]))
    probability, truth = np.concatenate(stated), np.concatenate(is_true)
    for low, high in [(0.0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 1.0)]:
        inside = (probability >= low) & (probability <= high)
        assert truth[inside].mean() == pytest.approx(probability[inside].mean(), abs=0.1)


def test_a_higher_pick_is_more_probable() -> None:
    known, _, _ = drawn(100, 400, 1)
    heights, probability = known.probability_knots()
    assert (np.diff(heights) > 0).all() and (np.diff(probability) > 0).all()
    assert probability[0] == 0 and probability[-1] < 1


def test_noise_alone_gives_few_picks() -> None:
    """Without onsets, targets and decoys are alike: what is kept at 0.1 does not grow with the record."""
    kept = []
    for seed in range(40):
        known, _, _ = drawn(0, 2000, seed)
        kept.append((known.targets >= known.threshold(0.1)).sum())
    assert np.mean(kept) < 1


def test_one_clear_earthquake_is_kept() -> None:
    decoys = falling(np.random.default_rng(0).uniform(0.02, 0.2, 30))
    known = TargetsAndDecoys(falling(np.append(decoys * 0.98, 0.95)), decoys, LOWEST)
    assert known.threshold(0.1) == pytest.approx(0.95)
    heights, probability = known.probability_knots()
    assert np.interp(0.95, heights, probability) > 0.9


def test_few_windows_without_a_decoy_do_not_make_every_pick_true() -> None:
    known = TargetsAndDecoys(np.array([0.9, 0.05, 0.03]), np.zeros(0), LOWEST)
    assert known.threshold(0.1) == pytest.approx(0.9)


@pytest.mark.parametrize("n_decoys", [1, 3, 30])
def test_a_decoy_above_the_only_pick_makes_it_doubtful(n_decoys: int) -> None:
    decoys = np.append(0.6, np.full(n_decoys - 1, 0.1))
    known = TargetsAndDecoys(np.array([0.5]), falling(decoys), LOWEST)
    assert known.false_discovery_rate(0.5) == 1
    assert known.threshold(0.5) == np.inf


def test_no_pick_gives_no_threshold() -> None:
    known = TargetsAndDecoys(np.zeros(0), np.array([0.5]), LOWEST)
    assert known.threshold(0.5) == np.inf
    assert (known.probability_knots()[1] == 0).all()


def test_picks_that_are_surely_false_are_left_out() -> None:
    known, _, _ = drawn(300, 600, 2)
    strict = replace(known, options=CalibrationOptions(min_probability=0.3))
    threshold = strict.threshold(0.9)
    assert threshold > known.threshold(0.9)
    assert np.interp(threshold, *known.probability_knots()) >= 0.3


def test_a_lower_rate_asks_for_higher_picks() -> None:
    known, _, _ = drawn(300, 600, 3)
    thresholds = [known.threshold(rate) for rate in (0.5, 0.3, 0.1, 0.01)]
    assert thresholds == sorted(thresholds)


def test_storage_keeps_the_thresholds() -> None:
    known, _, _ = drawn(100, 200, 4)
    both = FalseDiscovery({"P": known, "S": known}, 0.5)
    again = FalseDiscovery.from_dict(both.to_dict(), ALL)
    assert again.phases["S"].threshold(0.2) == known.threshold(0.2)
    damaged = both.to_dict()
    damaged["phases"]["P"]["decoys"] = [0.1, float("nan"), 0.3]
    with pytest.raises(ValueError, match="heights"):
        FalseDiscovery.from_dict(damaged)
