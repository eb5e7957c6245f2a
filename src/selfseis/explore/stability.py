"""Whether groups are found again in windows that were hidden from them: hidden halves, and neighbouring stations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from selfseis.explore.clustering import UNASSIGNED, Assigner, Grouping, Labels
from selfseis.typing import Float32Array, IntArray
from selfseis.validation import BlockScores, Interval

BLOCKS = 24  # of time, every other one hidden
REPEATS = 500  # of the bootstrap
MIN_APART = 0.02  # of pairs of labels that must differ by chance, for agreement to mean something
MAX_POINTS = 12_000  # that are grouped; the rest is assigned


@dataclass(frozen=True)
class TwoViews:
    """Two labels of each window: from its own half of the time, and from the half to which it was hidden.

    Attributes
    ----------
    own, other : ndarray of int16, shape (n,)
        Labels; those of `other` carry the numbers of their counterparts in `own`, new ones where they have none.
    block : ndarray of int64, shape (n,)
        Block of time.
    """

    own: Labels
    other: Labels
    block: IntArray

    def scores(self) -> BlockScores:
        """Return disagreement in each block, and what chance alone would give: one less their ratio is kappa.

        References
        ----------
        Cohen, J. (1960). A coefficient of agreement for nominal scales. doi:10.1177/001316446002000104
        """
        names = np.unique(self.block)
        loss = np.array([(self.own != self.other)[self.block == name].sum() for name in names], float)
        expected = np.array(
            [(self.block == name).sum() * self._under_null(name % 2) for name in names], float
        )
        return BlockScores(loss, expected)

    def null_scores(self, n_blocks: int) -> BlockScores:
        """Return scores of so many blocks, some repeated or left out, of windows that have no place in time.

        Where nearly all windows are of one class there is nothing to agree on: the agreement is that of chance.
        """
        scores = self.scores()
        places = np.arange(n_blocks) % len(scores.loss)
        if scores.power.sum() < MIN_APART * len(self.own):
            return BlockScores(np.ones(n_blocks), np.ones(n_blocks))
        return BlockScores(scores.loss[places], scores.power[places])

    def _under_null(self, half: int) -> float:
        """Return the share of disagreement that labels of these frequencies have by chance."""
        own, other = (labels[self.block % 2 == half] for labels in (self.own, self.other))
        return float(1 - sum((own == k).mean() * (other == k).mean() for k in np.unique(own)))


def time_blocks(first: IntArray) -> IntArray:
    """Return the block of each window: as many blocks as there is time for, of as many windows each."""
    moments = np.unique(first)
    n_blocks = max(2, min(BLOCKS, len(moments) // 4))
    return np.minimum(np.searchsorted(moments, first) * n_blocks // len(moments), n_blocks - 1)


def two_views(grouping: Grouping, points: Float32Array, block: IntArray, seed: int) -> TwoViews:
    """Group each half of the time on its own, and let each tell the groups of the other.

    Parameters
    ----------
    grouping : Grouping
        How.
    points : ndarray, shape (n, n_axes)
        Windows.
    block : ndarray of int64, shape (n,)
        Block of time of each; even ones are one half, odd ones the other.
    seed : int
        Of the choice of points and of the grouping.
    """
    halves = [block % 2 == 0, block % 2 == 1]
    assigners = [grouped(grouping, points[half], seed) for half in halves]
    own, other = np.empty(len(points), np.int16), np.empty(len(points), np.int16)
    for number, half in enumerate(halves):
        mine, theirs = assigners[number](points[half]), assigners[1 - number](points[half])
        own[half], other[half] = mine, renumbered(theirs, mine)
    return TwoViews(own, other, block)


def grouped(grouping: Grouping, points: Float32Array, seed: int) -> Assigner:
    """Group points, of very many a part that is drawn at random; the result assigns any others."""
    if len(points) > MAX_POINTS:
        points = points[np.sort(np.random.default_rng(seed).choice(len(points), MAX_POINTS, replace=False))]
    return Assigner.of(points, grouping.labels(points, seed))


def renumbered(labels: Labels, like: Labels) -> Labels:
    """Give labels the numbers of their counterparts in other labels of the same windows, one to one."""
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


def jaccard(final: Labels, other: Labels, block: IntArray, seed: int) -> dict[int, Interval]:
    """Return how well each class is found again by those to whom it was hidden, with a 95% interval.

    Parameters
    ----------
    final : ndarray of int16, shape (n,)
        Classes.
    other : ndarray of int16, shape (n,)
        Labels of the same windows by groupings that did not see them.
    block : ndarray of int64, shape (n,)
        Block of time, which the bootstrap draws.
    seed : int
        Of the bootstrap.

    References
    ----------
    Hennig, C. (2007). Cluster-wise assessment of cluster stability. doi:10.1016/j.csda.2006.11.025
    """
    n_blocks = int(block.max()) + 1
    weights = np.random.default_rng(seed).multinomial(n_blocks, np.full(n_blocks, 1 / n_blocks), REPEATS)
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
