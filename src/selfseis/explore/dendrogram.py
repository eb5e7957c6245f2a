"""How classes are made of smaller groups and belong to larger ones: a tree whose cut gives back the classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from selfseis.explore.grouping import UNASSIGNED, Labels, Points

WINDOWS_OF_LEAF = 150
MOST_LEAVES = 8  # of a class
MOST_POINTS = 5000  # of a class, that its leaves are found from


@dataclass(frozen=True)
class Dendrogram:
    """A tree over small groups of windows.

    Attributes
    ----------
    leaf : ndarray of int16, shape (n,)
        Leaf of each window, -1 where it is unassigned.
    leaf_class : ndarray of int16, shape (n_leaves,)
        Class of each leaf.
    centres : ndarray, shape (n_leaves, n_axes)
        Their means.
    linkage : ndarray, shape (n_leaves - 1, 4)
        As SciPy writes it; the last column counts windows.
    cut : float
        Height at which the branches are the classes.
    """

    leaf: Labels
    leaf_class: Labels
    centres: Points
    linkage: NDArray[np.float64]
    cut: float

    @classmethod
    def grown(cls, points: Points, labels: Labels, seed: int) -> Self:
        """Split each class into a few leaves, and join leaves within classes first, then classes.

        Parameters
        ----------
        points : ndarray, shape (n, n_axes)
            Windows.
        labels : ndarray of int16, shape (n,)
            Their classes.
        seed : int
            Of the splitting.
        """
        leaf = np.full(len(labels), UNASSIGNED, np.int16)
        leaf_class: list[int] = []
        for name in np.unique(labels[labels != UNASSIGNED]):
            mine = np.flatnonzero(labels == name)
            parts = _split(points[mine], seed)
            leaf[mine] = parts + len(leaf_class)
            leaf_class += [int(name)] * (int(parts.max()) + 1)
        of_leaf = np.array(leaf_class, np.int16)
        centres = np.array([points[leaf == k].mean(axis=0) for k in range(len(of_leaf))], np.float32)
        sizes = np.bincount(leaf[leaf != UNASSIGNED], minlength=len(of_leaf))
        linkage, cut = _joined(centres.reshape(len(of_leaf), points.shape[1]), sizes, of_leaf)
        return cls(leaf, of_leaf, centres, linkage, cut)


def _split(points: Points, seed: int) -> Labels:
    """Split a class by k-means, and leave no part empty."""
    from sklearn.cluster import KMeans

    n_parts = int(np.clip(len(points) // WINDOWS_OF_LEAF, 1, MOST_LEAVES))
    some = points[:: max(1, len(points) // MOST_POINTS)]
    parts = KMeans(n_parts, n_init=1, random_state=seed).fit(some).predict(points)
    return np.unique(parts, return_inverse=True)[1].astype(np.int16)


def _joined(
    centres: Points, sizes: NDArray[np.int64], leaf_class: Labels
) -> tuple[NDArray[np.float64], float]:
    """Join leaves of a class below the cut, and classes above it."""
    from scipy.cluster.hierarchy import linkage

    n_leaves = len(centres)
    roots: list[int] = []
    counts = list(sizes)
    names = np.unique(leaf_class)
    class_centres = np.array(
        [np.average(centres[leaf_class == k], axis=0, weights=sizes[leaf_class == k]) for k in names]
    )
    between = linkage(class_centres, "average") if len(names) > 1 else np.zeros((0, 4))
    cut = 0.5 * float(between[0, 2]) if len(between) else 0.0
    rows: list[tuple[float, float, float, float]] = []
    within = {
        int(k): linkage(centres[leaf_class == k], "average") for k in names if (leaf_class == k).sum() > 1
    }
    highest = max((float(tree[-1, 2]) for tree in within.values()), default=0.0)
    if not cut:
        cut = 1.01 * highest
    scale = 0.95 * cut / highest if highest else 1.0
    for name in names:
        nodes = [int(k) for k in np.flatnonzero(leaf_class == name)]
        for a, b, height, _ in within.get(int(name), np.zeros((0, 4))):
            rows.append(
                (nodes[int(a)], nodes[int(b)], scale * height, counts[nodes[int(a)]] + counts[nodes[int(b)]])
            )
            counts.append(int(rows[-1][3]))
            nodes.append(n_leaves + len(rows) - 1)
        roots.append(nodes[-1])
    for a, b, height, _ in between:
        rows.append((roots[int(a)], roots[int(b)], height, counts[roots[int(a)]] + counts[roots[int(b)]]))
        counts.append(int(rows[-1][3]))
        roots.append(n_leaves + len(rows) - 1)
    return _rising(np.array(rows, float).reshape(-1, 4), n_leaves), cut


def _rising(rows: NDArray[np.float64], n_leaves: int) -> NDArray[np.float64]:
    """Sort joins by height, as SciPy wants them, and number the nodes anew."""
    order = np.argsort(rows[:, 2], kind="stable")
    number = np.concatenate([np.arange(n_leaves), n_leaves + np.argsort(order, kind="stable")])
    ordered = rows[order]
    ordered[:, :2] = np.sort(number[ordered[:, :2].astype(int)], axis=1)
    return ordered
