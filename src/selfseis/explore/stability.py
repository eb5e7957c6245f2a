"""Stability of classes on held-out halves of the time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from selfseis.explore.clustering import UNASSIGNED, Assigner, Grouping, Labels
from selfseis.typing import Float32Array, IntArray
from selfseis.validation import BlockScores, Interval


@dataclass(frozen=True)
class TwoViews:
    """Two labels of each window: from its own half of the time, and from the other half, where it was held out.

    Attributes
    ----------
    own, other : ndarray of int16, shape (n,)
        Labels; those of `other` have the numbers of their counterparts in `own`, or new numbers without one.
    block : ndarray of int64, shape (n,)
        Block of time of each window.
    """

    own: Labels
    other: Labels
    block: IntArray

    def scores(self) -> BlockScores:
        """Return the disagreement in each block and its expectation at random; kappa is 1 minus their ratio.

        References
        ----------
        Cohen, J. (1960). A coefficient of agreement for nominal scales. doi:10.1177/001316446002000104
        """
        names = np.unique(self.block)
        loss = np.array([(self.own != self.other)[self.block == name].sum() for name in names], float)
        expected = np.array([(self.block == name).sum() * self._expected(name % 2) for name in names], float)
        return BlockScores(loss, expected)

    def null_scores(self, n_blocks: int, min_disagreement: float) -> BlockScores:
        """Return the scores of surrogates for a number of blocks; blocks are repeated or left out to match it.

        Where nearly all windows are in one class, so that less than `min_disagreement` is expected, agreement is
        meaningless and the scores are random.
        """
        scores = self.scores()
        places = np.arange(n_blocks) % len(scores.loss)
        if scores.power.sum() < min_disagreement * len(self.own):
            return BlockScores(np.ones(n_blocks), np.ones(n_blocks))
        return BlockScores(scores.loss[places], scores.power[places])

    def _expected(self, half: int) -> float:
        """Return the expected share of disagreement between independent labels of the same frequencies."""
        own, other = (labels[self.block % 2 == half] for labels in (self.own, self.other))
        return float(1 - sum((own == k).mean() * (other == k).mean() for k in np.unique(own)))


def time_blocks(first: IntArray, max_blocks: int) -> IntArray:
    """Return the block of each window; blocks hold equal numbers of window times."""
    moments = np.unique(first)
    n_blocks = max(2, min(max_blocks, len(moments) // 4))
    return np.minimum(np.searchsorted(moments, first) * n_blocks // len(moments), n_blocks - 1)


def two_views(grouping: Grouping, points: Float32Array, block: IntArray, seed: int) -> TwoViews:
    """Cluster each half of the time separately, and label the windows of both halves by each.

    Parameters
    ----------
    grouping : Grouping
        Clustering method with its setting.
    points : ndarray, shape (n, n_axes)
        Windows.
    block : ndarray of int64, shape (n,)
        Block of time of each window; even blocks are one half, odd blocks the other.
    seed : int
        Seed of the choice of points and of the clustering.
    """
    halves = [block % 2 == 0, block % 2 == 1]
    assigners = [grouped(grouping, points[half], seed) for half in halves]
    own, other = np.empty(len(points), np.int16), np.empty(len(points), np.int16)
    for number, half in enumerate(halves):
        mine, theirs = assigners[number](points[half]), assigners[1 - number](points[half])
        own[half], other[half] = mine, renumbered(theirs, mine)
    return TwoViews(own, other, block)


def grouped(grouping: Grouping, points: Float32Array, seed: int) -> Assigner:
    """Cluster points, or a random sample of very many; return the assigner of all others."""
    max_points = grouping.options.max_points
    if len(points) > max_points:
        points = points[np.sort(np.random.default_rng(seed).choice(len(points), max_points, replace=False))]
    return Assigner.of(points, grouping.labels(points, seed), grouping.options)


def renumbered(labels: Labels, like: Labels) -> Labels:
    """Renumber labels after their one-to-one counterparts in other labels of the same windows."""
    from scipy.optimize import linear_sum_assignment

    found, known = (np.unique(some[some != UNASSIGNED]) for some in (labels, like))
    overlap = np.array([[((labels == a) & (like == b)).sum() for b in known] for a in found]).reshape(
        len(found), len(known)
    )
    rows, columns = linear_sum_assignment(-overlap)
    counterpart = dict(zip(found[rows], known[columns], strict=True))
    free = 10_000  # a group without a counterpart agrees with none
    named = {label: counterpart.get(label, free + label) for label in found} | {UNASSIGNED: UNASSIGNED}
    return np.array([named[label] for label in labels], np.int16)


def jaccard(
    final: Labels, other: Labels, block: IntArray, seed: int, n_bootstrap: int
) -> dict[int, Interval]:
    """Return the Jaccard overlap of each class with its counterpart from held-out windows, with a 95% interval.

    Parameters
    ----------
    final : ndarray of int16, shape (n,)
        Classes.
    other : ndarray of int16, shape (n,)
        Labels of the same windows, from clusterings without them.
    block : ndarray of int64, shape (n,)
        Block of time of each window, the unit of the bootstrap.
    seed : int
        Seed of the bootstrap.
    n_bootstrap : int
        Number of draws of the bootstrap.

    References
    ----------
    Hennig, C. (2007). Cluster-wise assessment of cluster stability. doi:10.1016/j.csda.2006.11.025
    """
    n_blocks = int(block.max()) + 1
    equal = np.full(n_blocks, 1 / n_blocks)
    weights = np.random.default_rng(seed).multinomial(n_blocks, equal, n_bootstrap)
    found = {}
    for name in np.unique(final[final != UNASSIGNED]):
        mine = final == name
        both, either = np.zeros(n_blocks), np.bincount(block[mine], minlength=n_blocks).astype(float)
        for half in (0, 1):
            here = block % 2 == half
            theirs = other[here & mine]
            theirs = theirs[theirs != UNASSIGNED]
            if not len(theirs):
                continue
            match = here & (other == np.bincount(theirs).argmax())
            both += np.bincount(block[match & mine], minlength=n_blocks)
            either += np.bincount(block[match & ~mine], minlength=n_blocks)
        draws = (weights @ both) / np.maximum(weights @ either, 1)
        low, high = np.quantile(draws, [0.025, 0.975])
        found[int(name)] = Interval(float(both.sum() / max(either.sum(), 1)), float(low), float(high))
    return found
