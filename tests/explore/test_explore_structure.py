"""Which way of grouping is shown: the one with most trusted classes, and never one class for everything by default."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from selfseis.explore.cluster_search import Structure
from selfseis.explore.clustering import Assigner, ByDensity
from selfseis.explore.stability import TwoViews
from selfseis.validation import Interval

N_BLOCKS, N = 24, 480
BLOCK = np.arange(N) * N_BLOCKS // N


def structure(labels: NDArray, other: NDArray, lows: list[float]) -> Structure:
    """Make a grouping whose classes are found again with these lower ends of their intervals."""
    under_null = TwoViews(np.random.default_rng(0).integers(0, 2, N).astype(np.int16), BLOCK % 2, BLOCK)
    stability = {name: Interval(low + 0.1, low, low + 0.2) for name, low in enumerate(lows)}
    known = Assigner(np.zeros((1, 2), np.float32), np.zeros(1, np.int16), 1.0)
    labels, other = labels.astype(np.int16), other.astype(np.int16)
    return Structure(
        ByDensity(0.01), known, labels, TwoViews(labels, other, BLOCK), stability, under_null, 0.0
    )


def test_one_class_for_all_is_worth_less_than_classes_that_halves_agree_on() -> None:
    rng = np.random.default_rng(1)
    two = (rng.uniform(size=N) < 0.2).astype(int)
    one = structure(np.zeros(N), np.zeros(N), [0.9])
    agreed = structure(two, np.where(rng.uniform(size=N) < 0.05, 1 - two, two), [0.8, 0.3])
    assert agreed.trusted == [0] == one.trusted
    assert agreed.worth > one.worth


def test_classes_that_halves_do_not_agree_on_are_worth_nothing() -> None:
    rng = np.random.default_rng(2)
    guessed = structure(rng.integers(0, 2, N), rng.integers(0, 2, N), [0.8, 0.3])
    assert guessed.worth == (0.0, 0.0) == structure(np.zeros(N), np.zeros(N), [0.9]).worth


def test_two_trusted_classes_are_worth_more_than_any_agreement() -> None:
    two = (np.arange(N) % 5 == 0).astype(int)
    assert structure(two, 1 - two, [0.8, 0.6]).worth > structure(two, two, [0.8, 0.3]).worth
