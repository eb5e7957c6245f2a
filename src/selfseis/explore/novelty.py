"""How unlike all others a window is, how often chance would bring the like, and what is most alike."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from selfseis.typing import Float32Array, FloatArray

if TYPE_CHECKING:
    from sklearn.neighbors import NearestNeighbors

NEIGHBOURS = 20  # a kind of so few windows is rare
NEAR = 2  # the third nearest: what repeats itself has it close by
MAX_APART = 10.0  # times that it counts nearer than the last
MAX_REFERENCES = 40_000


@dataclass(frozen=True)
class Novelty:
    """Mean distance to the nearest known windows, more where a few are close by, against phase-randomised windows.

    A small group of like windows far from all others is what a rare kind of source looks like. A lone window that is
    as far from all others is as often an accident of the noise: the distance is multiplied by the root of how much
    farther the twentieth neighbour is than the third.

    Attributes
    ----------
    known : ndarray, shape (n, n_axes)
        Windows that were looked at.
    null : ndarray, shape (n_null,)
        Scores of phase-randomised windows among their own kind, rising.

    References
    ----------
    Ramaswamy, S., Rastogi, R. and Shim, K. (2000). Efficient algorithms for mining outliers from large data sets.
    doi:10.1145/342009.335437
    """

    known: Float32Array
    null: Float32Array

    @classmethod
    def measure(cls, points: Float32Array, surrogate: Float32Array, seed: int) -> Self:
        """Keep known windows, of very many a part drawn at random, and score the phase-randomised ones."""
        if len(points) > MAX_REFERENCES:
            points = points[np.random.default_rng(seed).choice(len(points), MAX_REFERENCES, replace=False)]
        return cls(points, np.sort(cls(surrogate, np.zeros(0, np.float32)).score(surrogate)))

    @cached_property
    def _tree(self) -> NearestNeighbors:
        from sklearn.neighbors import NearestNeighbors

        return NearestNeighbors().fit(self.known)

    def score(self, points: Float32Array) -> Float32Array:
        """Return how rare each point is among known ones, itself left out."""
        n_neighbours = min(NEIGHBOURS + 1, len(self.known))
        distance, _ = self._tree.kneighbors(points, n_neighbours)
        itself = distance[:, 0] == 0
        apart = np.where(itself[:, None], distance[:, 1:], distance[:, :-1])
        near, far = apart[:, min(NEAR, apart.shape[1] - 1)], apart[:, -1]
        floor = np.maximum(far / MAX_APART, np.finfo(np.float32).tiny)
        return (apart.mean(axis=1) * np.sqrt(far / np.maximum(near, floor))).astype(np.float32)

    def p_values(self, score: Float32Array) -> FloatArray:
        """Return the chance that a phase-randomised window scores as high."""
        as_high = len(self.null) - np.searchsorted(self.null, score, side="left")
        return (1 + as_high) / (1 + len(self.null))


def false_alarm_rates(p_values: FloatArray) -> FloatArray:
    """Return, for each window, the expected share of false ones among those that are as rare.

    Parameters
    ----------
    p_values : ndarray, shape (n,)
        Of all windows.

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
    """Return the rows of the most alike windows and their distances, most alike first.

    Parameters
    ----------
    points : ndarray, shape (n, n_axes)
        What is searched for.
    among : ndarray, shape (m, n_axes)
        Where.
    n_neighbours : int
        How many; fewer where there are fewer.

    Returns
    -------
    rows : ndarray of int32, shape (n, n_neighbours)
    distance : ndarray of float32, shape (n, n_neighbours)
    """
    from sklearn.neighbors import NearestNeighbors

    n_neighbours = min(n_neighbours, len(among))
    distance, rows = NearestNeighbors(n_neighbors=n_neighbours).fit(among).kneighbors(points)
    return rows.astype(np.int32), distance.astype(np.float32)
