"""Clustering methods with one interface: HDBSCAN, Gaussian mixtures and Ward's method.

Each method leaves points that belong to no group unassigned. `Assigner` assigns new points to the groups.

References
----------
Campello, R., Moulavi, D. and Sander, J. (2013). Density-based clustering based on hierarchical density estimates.
PAKDD, Lecture Notes in Computer Science 7819. doi:10.1007/978-3-642-37456-2_14
Ward, J. H. (1963). Hierarchical grouping to optimize an objective function. doi:10.1080/01621459.1963.10500845
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, Self, get_args

import numpy as np
from numpy.typing import NDArray

from selfseis.errors import InputError
from selfseis.explore.options import ClusteringOptions, TreeOptions
from selfseis.typing import BoolArray, Float32Array, FloatArray, IntArray

Labels = NDArray[np.int16]
Method = Literal["hdbscan", "gmm", "ward"]
UNASSIGNED = -1


class Grouping(Protocol):
    """A clustering method with a setting, not yet fitted."""

    @property
    def options(self) -> ClusteringOptions:
        """Options of the clustering and of the assignment of other points."""

    @property
    def name(self) -> str:
        """Name of the method with its setting."""

    def labels(self, points: Float32Array, seed: int) -> Labels:
        """Return the label of each point, -1 where unassigned."""


@dataclass(frozen=True)
class HdbscanGrouping:
    """HDBSCAN: groups are dense regions separated by sparse ones.

    Attributes
    ----------
    min_share : float
        Size of the smallest group, as a share of the points.
    options : ClusteringOptions
        Options of the clustering.
    """

    min_share: float
    options: ClusteringOptions

    @property
    def name(self) -> str:
        """Name of the method with its setting."""
        return f"hdbscan, groups of at least {100 * self.min_share:g}%"

    def labels(self, points: Float32Array, seed: int) -> Labels:
        """Return the label of each point, -1 where unassigned."""
        from sklearn.cluster import HDBSCAN

        n_neighbours = self.options.density_neighbours
        min_size = max(n_neighbours, round(self.min_share * len(points)))
        method = HDBSCAN(min_cluster_size=min_size, min_samples=n_neighbours, copy=True)
        labels = method.fit_predict(points).astype(np.int16)
        return labels if labels.max() >= 0 else _one_group(points, self.options)


@dataclass(frozen=True)
class GaussianMixtureGrouping:
    """Gaussian mixture; points that are unlikely under all components stay unassigned."""

    n_groups: int
    options: ClusteringOptions

    @property
    def name(self) -> str:
        """Name of the method with its setting."""
        return f"gmm, {self.n_groups} groups"

    def labels(self, points: Float32Array, seed: int) -> Labels:
        """Return the label of each point, -1 where unassigned."""
        from sklearn.mixture import GaussianMixture

        ridge = self.options.mixture_ridge * float(points.var(axis=0).max())
        n_starts = self.options.mixture_starts
        mixture = GaussianMixture(self.n_groups, reg_covar=ridge, n_init=n_starts, random_state=seed).fit(
            points
        )
        unlikely = _far_below(mixture.score_samples(points), self.options)
        return np.where(unlikely, UNASSIGNED, mixture.predict(points)).astype(np.int16)


@dataclass(frozen=True)
class WardGrouping:
    """Ward's method on a few hundred small groups of points; points far from all groups stay unassigned."""

    n_groups: int
    options: ClusteringOptions

    @property
    def name(self) -> str:
        """Name of the method with its setting."""
        return f"ward, {self.n_groups} groups"

    def labels(self, points: Float32Array, seed: int) -> Labels:
        """Return the label of each point, -1 where unassigned."""
        from scipy.cluster.hierarchy import fcluster, linkage
        from sklearn.cluster import MiniBatchKMeans

        n_small = min(self.options.max_ward_groups, len(points) // 2)
        small_groups = MiniBatchKMeans(n_small, n_init=1, random_state=seed).fit(points)
        merged = fcluster(linkage(small_groups.cluster_centers_, "ward"), self.n_groups, "maxclust") - 1
        away = np.linalg.norm(points - small_groups.cluster_centers_[small_groups.labels_], axis=1)
        too_far = _far_below(-away, self.options)
        return np.where(too_far, UNASSIGNED, merged[small_groups.labels_]).astype(np.int16)


@dataclass(frozen=True)
class KMeansGrouping:
    """Baseline: k-means with a given number of groups; no point stays unassigned."""

    n_groups: int
    options: ClusteringOptions

    @property
    def name(self) -> str:
        """Name of the method with its setting."""
        return f"k-means, {self.n_groups} groups"

    def labels(self, points: Float32Array, seed: int) -> Labels:
        """Return the label of each point."""
        from sklearn.cluster import KMeans

        n_groups, n_starts = min(self.n_groups, len(points)), self.options.kmeans_starts
        return KMeans(n_groups, n_init=n_starts, random_state=seed).fit_predict(points).astype(np.int16)


def _one_group(points: Float32Array, options: ClusteringOptions) -> Labels:
    """Return a single group: all points but those far from their neighbours."""
    from sklearn.neighbors import NearestNeighbors

    n_neighbours = min(options.density_neighbours + 1, len(points))
    distance, _ = NearestNeighbors(n_neighbors=n_neighbours).fit(points).kneighbors(points)
    closeness = -np.log(distance[:, -1] + np.finfo(np.float32).tiny)
    return np.where(_far_below(closeness, options), UNASSIGNED, 0).astype(np.int16)


def _far_below(score: NDArray, options: ClusteringOptions) -> BoolArray:
    """Return which values lie below Tukey's outer fence: few of normally distributed ones do."""
    low, high = np.percentile(score, [25, 75])
    return np.asarray(score < float(low - options.outer_fence * (high - low)))


def check_method(method: str) -> None:
    """Check the name of a clustering method.

    Raises
    ------
    InputError
        If the method is unknown.
    """
    if method not in get_args(Method):
        raise InputError(f"grouping must be one of {', '.join(get_args(Method))}, got {method!r}")


def settings_of(method: Method, n_points: int, options: ClusteringOptions) -> list[Grouping]:
    """List the settings of a method, from which held-out windows select one.

    Raises
    ------
    InputError
        If the method is unknown.
    """
    check_method(method)
    if method == "hdbscan":
        smallest = options.density_neighbours
        shares = [share for share in options.min_group_shares if share * n_points >= smallest]
        return [HdbscanGrouping(share, options) for share in shares or [smallest / n_points]]
    kind = GaussianMixtureGrouping if method == "gmm" else WardGrouping
    return [kind(n_groups, options) for n_groups in options.group_counts]


@dataclass(frozen=True)
class Assigner:
    """Assigns new points to groups by the nearest points of known group.

    Attributes
    ----------
    points : ndarray, shape (n, n_axes)
        Known points.
    labels : ndarray of int16, shape (n,)
        Their groups.
    reach : float
        Distance to the nearest known point beyond which a point stays unassigned.
    n_neighbours : int
        Number of known points that decide.
    """

    points: Float32Array
    labels: Labels
    reach: float
    n_neighbours: int

    @classmethod
    def of(cls, points: Float32Array, labels: Labels, options: ClusteringOptions) -> Self:
        """Build an assigner; its reach follows from the distances between known points."""
        from sklearn.neighbors import NearestNeighbors

        n_neighbours = options.assignment_neighbours
        # The nearest other point may be the same moment at another station.
        n_nearest = min(n_neighbours + 1, len(points))
        distance, _ = NearestNeighbors(n_neighbors=n_nearest).fit(points).kneighbors(points)
        reach = float(np.percentile(distance[:, -1], options.reach_percentile))
        return cls(points, labels, reach, n_neighbours)

    def __call__(self, points: Float32Array) -> Labels:
        """Return the majority group of the nearest known points, -1 where it is unassigned or out of reach."""
        from sklearn.neighbors import NearestNeighbors

        n_neighbours = min(self.n_neighbours, len(self.points))
        distance, nearest = NearestNeighbors(n_neighbors=n_neighbours).fit(self.points).kneighbors(points)
        n_labels = int(self.labels.max(initial=0)) + 2
        votes = np.zeros((len(points), n_labels), np.int16)
        for column in nearest.T:
            votes[np.arange(len(points)), self.labels[column] + 1] += 1
        return np.where(distance[:, 0] > self.reach, UNASSIGNED, votes.argmax(axis=1) - 1).astype(np.int16)


@dataclass(frozen=True)
class Dendrogram:
    """Hierarchical tree over small groups of windows, its leaves.

    Attributes
    ----------
    leaf : ndarray of int16, shape (n,)
        Leaf of each window, -1 where it is unassigned.
    leaf_class : ndarray of int16, shape (n_leaves,)
        Class of each leaf.
    centres : ndarray, shape (n_leaves, n_axes)
        Mean point of each leaf.
    linkage : ndarray, shape (n_leaves - 1, 4)
        Linkage matrix of SciPy; the last column counts windows.
    cut : float
        Height at which the tree splits into the classes.
    """

    leaf: Labels
    leaf_class: Labels
    centres: Float32Array
    linkage: FloatArray
    cut: float

    @classmethod
    def build(cls, points: Float32Array, labels: Labels, seed: int, options: TreeOptions) -> Self:
        """Split each class into a few leaves; join leaves within classes first, then classes.

        Parameters
        ----------
        points : ndarray, shape (n, n_axes)
            Windows.
        labels : ndarray of int16, shape (n,)
            Their classes.
        seed : int
            Seed of the splitting.
        options : TreeOptions
            Number of leaves.
        """
        leaf = np.full(len(labels), UNASSIGNED, np.int16)
        leaf_class: list[int] = []
        for name in np.unique(labels[labels != UNASSIGNED]):
            mine = np.flatnonzero(labels == name)
            parts = _split(points[mine], seed, options)
            leaf[mine] = parts + len(leaf_class)
            leaf_class += [int(name)] * (int(parts.max()) + 1)
        of_leaf = np.array(leaf_class, np.int16)
        centres = np.array([points[leaf == k].mean(axis=0) for k in range(len(of_leaf))], np.float32)
        sizes = np.bincount(leaf[leaf != UNASSIGNED], minlength=len(of_leaf))
        linkage, cut = _joined(centres.reshape(len(of_leaf), points.shape[1]), sizes, of_leaf)
        return cls(leaf, of_leaf, centres, linkage, cut)


def _split(points: Float32Array, seed: int, options: TreeOptions) -> Labels:
    """Split a class by k-means into non-empty parts."""
    from sklearn.cluster import KMeans

    n_parts = int(np.clip(len(points) // options.windows_per_leaf, 1, options.max_leaves))
    some = points[:: max(1, len(points) // options.max_points)]
    parts = KMeans(n_parts, n_init=1, random_state=seed).fit(some).predict(points)
    return np.unique(parts, return_inverse=True)[1].astype(np.int16)


def _joined(centres: Float32Array, sizes: IntArray, leaf_class: Labels) -> tuple[FloatArray, float]:
    """Join the leaves of a class below the cut, and the classes above it."""
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
    return _sorted_by_height(np.array(rows, float).reshape(-1, 4), n_leaves), cut


def _sorted_by_height(rows: FloatArray, n_leaves: int) -> FloatArray:
    """Sort joins by height, as SciPy requires, and renumber the nodes."""
    order = np.argsort(rows[:, 2], kind="stable")
    number = np.concatenate([np.arange(n_leaves), n_leaves + np.argsort(order, kind="stable")])
    ordered = rows[order]
    ordered[:, :2] = np.sort(number[ordered[:, :2].astype(int)], axis=1)
    return ordered
