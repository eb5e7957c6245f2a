"""Novelty of windows with its false-alarm rate, and the search for nearest windows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from selfseis.explore.features import WindowTable
from selfseis.typing import BoolArray, Float32Array, FloatArray

if TYPE_CHECKING:
    from sklearn.neighbors import NearestNeighbors

NEIGHBOURS = 20  # a kind with fewer windows counts as novel
NEAR = 2  # the third nearest neighbour, which is close where a signal repeats
MAX_RATIO = 10.0  # of the distance to the last neighbour over that to the third
MAX_REFERENCES = 40_000
EDGE_SHARE = 0.25  # of the excess power of the neighbour, below which a window holds only its edge
FENCE = 1.5  # interquartile ranges above the upper quartile, above which a window is an outlier (Tukey)


@dataclass(frozen=True)
class Novelty:
    """Novelty score from distances to the nearest known windows, with its null from phase-randomised windows.

    A small group of similar windows far from all others indicates an unusual source. A single window as far from all
    others is more often noise. The mean distance is therefore multiplied by the square root of the ratio of the
    distances to the twentieth and to the third neighbour.

    Attributes
    ----------
    known : ndarray, shape (n, n_axes)
        Windows of the training data.
    null : ndarray, shape (n_null,)
        Scores of phase-randomised windows among each other, ascending.

    References
    ----------
    Ramaswamy, S., Rastogi, R. and Shim, K. (2000). Efficient algorithms for mining outliers from large data sets.
    doi:10.1145/342009.335437
    """

    known: Float32Array
    null: Float32Array

    @classmethod
    def measure(cls, points: Float32Array, surrogate: Float32Array, seed: int) -> Self:
        """Keep known windows, or a random sample of very many, and score the phase-randomised ones."""
        if len(points) > MAX_REFERENCES:
            points = points[np.random.default_rng(seed).choice(len(points), MAX_REFERENCES, replace=False)]
        return cls(points, np.sort(cls(surrogate, np.zeros(0, np.float32)).score(surrogate)))

    @cached_property
    def _tree(self) -> NearestNeighbors:
        from sklearn.neighbors import NearestNeighbors

        return NearestNeighbors().fit(self.known)

    def score(self, points: Float32Array) -> Float32Array:
        """Return the novelty of each point among the known ones, itself left out."""
        n_neighbours = min(NEIGHBOURS + 1, len(self.known))
        distance, _ = self._tree.kneighbors(points, n_neighbours)
        itself = distance[:, 0] == 0
        distances = np.where(itself[:, None], distance[:, 1:], distance[:, :-1])
        near, far = distances[:, min(NEAR, distances.shape[1] - 1)], distances[:, -1]
        floor = np.maximum(far / MAX_RATIO, np.finfo(np.float32).tiny)
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


def nearest_windows(
    points: Float32Array, among: Float32Array, n_neighbours: int
) -> tuple[NDArray[np.int32], Float32Array]:
    """Return the rows of the most similar windows and their distances, most similar first.

    Parameters
    ----------
    points : ndarray, shape (n, n_axes)
        Query windows.
    among : ndarray, shape (m, n_axes)
        Windows to search.
    n_neighbours : int
        Maximum number of windows to return.

    Returns
    -------
    rows : ndarray of int32, shape (n, n_neighbours)
    distance : ndarray of float32, shape (n, n_neighbours)
    """
    from sklearn.neighbors import NearestNeighbors

    n_neighbours = min(n_neighbours, len(among))
    distance, rows = NearestNeighbors(n_neighbors=n_neighbours).fit(among).kneighbors(points)
    return rows.astype(np.int32), distance.astype(np.float32)


def edge_windows(table: WindowTable, power_ratio: Float32Array, length: int) -> BoolArray:
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

    Returns
    -------
    ndarray of bool, shape (n,)
        Windows with less than a quarter of the excess power of a neighbour in time that is an outlier at its site.
    """
    excess = np.maximum(power_ratio - 1, 0).sum(axis=1)
    is_outlier = np.zeros(len(excess), bool)
    for site in np.unique(table.site):
        mine = table.site == site
        lower, upper = np.percentile(excess[mine], [25, 75])
        is_outlier[mine] = excess[mine] > upper + FENCE * (upper - lower)
    is_adjacent = (np.diff(table.site) == 0) & (np.diff(table.first) == length)
    loud = np.where(is_outlier, excess, 0)
    edge = np.zeros(len(excess), bool)
    edge[1:] |= is_adjacent & (excess[1:] < EDGE_SHARE * loud[:-1])
    edge[:-1] |= is_adjacent & (excess[:-1] < EDGE_SHARE * loud[1:])
    return edge
