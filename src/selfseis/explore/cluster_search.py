"""Search for the cluster solution that held-out halves of the time reproduce best, compared with the null."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from selfseis.explore.clustering import UNASSIGNED, Assigner, Grouping, Labels, Method, settings_of
from selfseis.explore.options import ExplorerOptions, StabilityOptions
from selfseis.explore.stability import TwoViews, grouped, jaccard, time_blocks, two_views
from selfseis.typing import Float32Array, IntArray
from selfseis.validation import BlockScores, Interval
from selfseis.validation.scores import bootstrap_skill

LOWER_QUANTILE = 0.025  # of a 95% interval


@dataclass(frozen=True)
class ClusterSolution:
    """Classes of windows with their stability, from one setting of a clustering method.

    Attributes
    ----------
    grouping : Grouping
        Method and setting.
    assigner : Assigner
        Assigns windows to classes.
    labels : ndarray of int16, shape (n,)
        Classes, 0 for the most common one; -1 where unassigned.
    views : TwoViews
        Two labels of each window: from its own half of the time and from the other half.
    stability : dict of int to Interval
        Of each class: its overlap with its counterpart from held-out windows.
    null_views : TwoViews
        Of phase-randomised windows.
    stability_null : float
        Highest stability of a class of phase-randomised windows, their most common class left out.
    options : StabilityOptions
        When a class is trusted.
    """

    grouping: Grouping
    assigner: Assigner
    labels: Labels
    views: TwoViews
    stability: dict[int, Interval]
    null_views: TwoViews
    stability_null: float
    options: StabilityOptions

    @property
    def n_classes(self) -> int:
        """Number of classes; unassigned windows are not one."""
        return len(self.stability)

    @property
    def trusted(self) -> list[int]:
        """Classes that held-out halves reproduce better than any class of the null."""
        threshold = max(self.stability_null, self.options.min_stability)
        return [name for name, overlap in self.stability.items() if overlap.low > threshold]

    @property
    def has_structure(self) -> bool:
        """Whether enough classes are trusted."""
        return len(self.trusted) >= self.options.min_trusted

    @property
    def ranking(self) -> tuple[float, float]:
        """Criterion by which settings are chosen: the trusted classes and the share of windows in them.

        The first value sums the stability of the trusted classes and that share. A single class is not a structure,
        even if it is stable: with too few trusted classes the first value is 0. The second value then
        decides: the lower bound of the agreement between held-out halves beyond the null.
        """
        if not self.has_structure:
            return 0.0, self._min_agreement_gain()
        stability = sum(self.stability[name].value for name in self.trusted)
        return stability + float(np.isin(self.labels, self.trusted).mean()), 0.0

    def _min_agreement_gain(self) -> float:
        """Return the lower bound of the gain in kappa over phase-randomised windows, at least 0."""
        draws = bootstrap_skill([self.views.scores(), self.null_scores()], np.random.default_rng(0))
        return max(0.0, float(np.quantile(draws[0] - draws[1], LOWER_QUANTILE)))

    def null_scores(self) -> BlockScores:
        """Return the scores of phase-randomised windows, for as many blocks as the windows have."""
        n_blocks = len(np.unique(self.views.block))
        return self.null_views.null_scores(n_blocks, self.options.min_disagreement)

    def to_dict(self) -> dict[str, Any]:
        """Return a summary for JSON."""
        return {
            "setting": self.grouping.name,
            "n_classes": self.n_classes,
            "n_trusted": len(self.trusted),
            "unassigned": float((self.labels == UNASSIGNED).mean()),
            "kappa": self.views.scores().skill,
            "kappa_null": self.null_views.scores().skill,
            "stability_null": self.stability_null,
        }


def search_clusters(
    points: Float32Array,
    first: IntArray,
    surrogate: Float32Array,
    method: Method,
    seed: int,
    options: ExplorerOptions,
) -> list[ClusterSolution]:
    """Group windows with several settings; the best solution by held-out stability comes first.

    Parameters
    ----------
    points : ndarray, shape (n, n_axes)
        Windows.
    first : ndarray of int64, shape (n,)
        Their times, in samples.
    surrogate : ndarray, shape (n_surrogate, n_axes)
        Phase-randomised windows.
    method : {"hdbscan", "gmm", "ward"}
        Clustering method.
    seed : int
        Seed of everything random.
    options : ExplorerOptions
        Of clustering and stability.
    """
    settings = settings_of(method, len(points) // 2, options.clustering)
    solutions = [
        _solution(setting, points, first, surrogate, seed, options.stability) for setting in settings
    ]
    return sorted(solutions, key=lambda solution: solution.ranking, reverse=True)


def _solution(
    grouping: Grouping,
    points: Float32Array,
    first: IntArray,
    surrogate: Float32Array,
    seed: int,
    options: StabilityOptions,
) -> ClusterSolution:
    """Group windows with one setting, and measure how well held-out halves reproduce the classes."""
    block = time_blocks(first, options.n_blocks)
    null_block = time_blocks(np.arange(len(surrogate)), options.n_blocks)
    labels, assigner = _classes(grouping, points, seed)
    views = two_views(grouping, points, block, seed)
    null = two_views(grouping, surrogate, null_block, seed)
    null_labels, _ = _classes(grouping, surrogate, seed)
    under_null = jaccard(null_labels, null.other, null_block, seed, options.n_bootstrap)
    return ClusterSolution(
        grouping,
        assigner,
        labels,
        views,
        jaccard(labels, views.other, block, seed, options.n_bootstrap),
        null,
        max((one.value for name, one in under_null.items() if name > 0), default=0.0),
        options,
    )


def _classes(grouping: Grouping, points: Float32Array, seed: int) -> tuple[Labels, Assigner]:
    """Group all windows and number their classes from the most to the least common."""
    assigner = grouped(grouping, points, seed)
    labels = assigner(points)
    names, counts = np.unique(labels[labels != UNASSIGNED], return_counts=True)
    number_of = {int(name): number for number, name in enumerate(names[np.argsort(-counts, kind="stable")])}

    def renamed(labels: Labels) -> Labels:
        return np.array([number_of.get(int(label), UNASSIGNED) for label in labels], np.int16)

    return renamed(labels), replace(assigner, labels=renamed(assigner.labels))
