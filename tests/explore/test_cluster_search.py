"""Ranking of cluster solutions: most trusted classes first, a single class last."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from selfseis.explore.cluster_search import ClusterSolution
from selfseis.explore.clustering import Assigner, HdbscanGrouping
from selfseis.explore.options import ClusteringOptions, StabilityOptions
from selfseis.explore.stability import TwoViews
from selfseis.validation import Interval

N_BLOCKS, N = 24, 480
BLOCK = np.arange(N) * N_BLOCKS // N


def solution(labels: NDArray, other: NDArray, lows: list[float]) -> ClusterSolution:
    """Return a solution whose classes have these lower bounds of stability."""
    under_null = TwoViews(np.random.default_rng(0).integers(0, 2, N).astype(np.int16), BLOCK % 2, BLOCK)
    stability = {name: Interval(low + 0.1, low, low + 0.2) for name, low in enumerate(lows)}
    known = Assigner(np.zeros((1, 2), np.float32), np.zeros(1, np.int16), 1.0, 1)
    labels, other = labels.astype(np.int16), other.astype(np.int16)
    views = TwoViews(labels, other, BLOCK)
    grouping = HdbscanGrouping(0.01, ClusteringOptions())
    return ClusterSolution(grouping, known, labels, views, stability, under_null, 0.0, StabilityOptions())


def test_a_single_class_ranks_below_classes_that_halves_agree_on() -> None:
    rng = np.random.default_rng(1)
    two = (rng.uniform(size=N) < 0.2).astype(int)
    one = solution(np.zeros(N), np.zeros(N), [0.9])
    agreed = solution(two, np.where(rng.uniform(size=N) < 0.05, 1 - two, two), [0.8, 0.3])
    assert agreed.trusted == [0] == one.trusted
    assert agreed.ranking > one.ranking


def test_classes_that_halves_disagree_on_rank_zero() -> None:
    rng = np.random.default_rng(2)
    guessed = solution(rng.integers(0, 2, N), rng.integers(0, 2, N), [0.8, 0.3])
    assert guessed.ranking == (0.0, 0.0) == solution(np.zeros(N), np.zeros(N), [0.9]).ranking


def test_two_trusted_classes_rank_above_any_agreement() -> None:
    two = (np.arange(N) % 5 == 0).astype(int)
    assert solution(two, 1 - two, [0.8, 0.6]).ranking > solution(two, two, [0.8, 0.3]).ranking
