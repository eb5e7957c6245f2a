"""Novelty of windows, and its false-alarm rate."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

from selfseis.explore.features import WindowTable
from selfseis.explore.options import NoveltyOptions
from selfseis.typing import BoolArray, Float32Array, FloatArray

if TYPE_CHECKING:
    from sklearn.neighbors import NearestNeighbors


@dataclass(frozen=True)
class Novelty:
    """Novelty score from distances to the nearest known windows, with its null from phase-randomised windows.

    A small group of similar windows far from all others indicates an unusual source. A single window as far from all
    others is more often noise. The mean distance is therefore multiplied by the square root of the ratio of the
    distances to the last and to a near neighbour.

    Attributes
    ----------
    known : ndarray, shape (n, n_axes)
        Windows of the training data.
    null : ndarray, shape (n_null,)
        Scores of phase-randomised windows among each other, ascending.
    options : NoveltyOptions
        The neighbours that count.

    References
    ----------
    Ramaswamy, S., Rastogi, R. and Shim, K. (2000). Efficient algorithms for mining outliers from large data sets.
    doi:10.1145/342009.335437
    """

    known: Float32Array
    null: Float32Array
    options: NoveltyOptions

    @classmethod
    def measure(
        cls, points: Float32Array, surrogate: Float32Array, seed: int, options: NoveltyOptions
    ) -> Self:
        """Keep known windows, or a random sample of very many, and score the phase-randomised ones."""
        n_kept = options.max_references
        if len(points) > n_kept:
            points = points[np.random.default_rng(seed).choice(len(points), n_kept, replace=False)]
        among_surrogates = cls(surrogate, np.zeros(0, np.float32), options)
        return cls(points, np.sort(among_surrogates.score(surrogate)), options)

    @cached_property
    def _tree(self) -> NearestNeighbors:
        from sklearn.neighbors import NearestNeighbors

        return NearestNeighbors().fit(self.known)

    def score(self, points: Float32Array) -> Float32Array:
        """Return the novelty of each point among the known ones, itself left out.

        A point is known if the nearest known one lies within `NoveltyOptions.same_window`. The distance between equal
        points is not exactly 0: rounding differs between processors and between parts of a recording.
        """
        n_neighbours = min(self.options.n_neighbours + 1, len(self.known))
        distance, _ = self._tree.kneighbors(points, n_neighbours)
        itself = distance[:, 0] <= self.options.same_window * distance[:, -1]
        distances = np.where(itself[:, None], distance[:, 1:], distance[:, :-1])
        rank_of_near = min(self.options.near_neighbour, distances.shape[1])
        near, far = distances[:, rank_of_near - 1], distances[:, -1]
        floor = np.maximum(far / self.options.max_ratio, np.finfo(np.float32).tiny)
        return (distances.mean(axis=1) * np.sqrt(far / np.maximum(near, floor))).astype(np.float32)

    def p_values(self, score: Float32Array) -> FloatArray:
        """Return the probability that a phase-randomised window scores at least as high."""
        as_high = len(self.null) - np.searchsorted(self.null, score, side="left")
        return (1 + as_high) / (1 + len(self.null))


def false_alarm_rates(p_values: FloatArray) -> FloatArray:
    """Return, for each window, the expected share of false alarms among windows of at least its novelty.

    Parameters
    ----------
    p_values : ndarray, shape (n,)
        P-values of all windows.

    References
    ----------
    Benjamini, Y. and Hochberg, Y. (1995). Controlling the false discovery rate. Journal of the Royal Statistical
    Society B 57, 289. doi:10.1111/j.2517-6161.1995.tb02031.x
    """
    order = np.argsort(p_values, kind="stable")
    rates = p_values[order] * len(p_values) / np.arange(1, len(p_values) + 1)
    found = np.empty(len(p_values))
    found[order] = np.minimum(np.minimum.accumulate(rates[::-1])[::-1], 1.0)
    return found


def edge_windows(
    table: WindowTable, power_ratio: Float32Array, length: int, options: NoveltyOptions
) -> BoolArray:
    """Return which windows hold only the edge of an event in an adjacent window.

    The borders of windows cut events, and long wavelets reach half a window beyond them. The edges of events differ
    from all other windows and would dominate a list ranked by novelty.

    Parameters
    ----------
    table : WindowTable
        The windows, by site and time.
    power_ratio : ndarray, shape (n, n_bands)
        Power over the background.
    length : int
        Samples of a window.
    options : NoveltyOptions
        Outliers, and the share of their excess power.

    Returns
    -------
    ndarray of bool, shape (n,)
        Windows with a small share of the excess power of a neighbour in time that is an outlier at its site.
    """
    excess = np.maximum(power_ratio - 1, 0).sum(axis=1)
    is_outlier = np.zeros(len(excess), bool)
    for site in np.unique(table.site):
        mine = table.site == site
        lower, upper = np.percentile(excess[mine], [25, 75])
        is_outlier[mine] = excess[mine] > upper + options.fence * (upper - lower)
    is_adjacent = (np.diff(table.site) == 0) & (np.diff(table.first) == length)
    loud = options.edge_share * np.where(is_outlier, excess, 0)
    edge = np.zeros(len(excess), bool)
    edge[1:] |= is_adjacent & (excess[1:] < loud[:-1])
    edge[:-1] |= is_adjacent & (excess[:-1] < loud[1:])
    return edge
