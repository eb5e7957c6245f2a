"""Search for the cluster solution that held-out halves of the time reproduce best, compared with the null."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from selfseis.explore.clustering import UNASSIGNED, Assigner, Grouping, Labels, Method, settings_of
from selfseis.explore.stability import TwoViews, grouped, jaccard, time_blocks, two_views
from selfseis.typing import Float32Array, IntArray
from selfseis.validation import Interval
from selfseis.validation.scores import bootstrap_skill

MIN_TRUSTED = 2  # classes, below which a solution shows no structure
LOWER_QUANTILE = 0.025  # of a 95% interval
MIN_STABILITY = 0.5  # of a trusted class, even where the null is lower


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
    """

    grouping: Grouping
    assigner: Assigner
    labels: Labels
    views: TwoViews
    stability: dict[int, Interval]
    null_views: TwoViews
    stability_null: float

    @property
    def n_classes(self) -> int:
        """Number of classes; unassigned windows are not one."""
        return len(self.stability)

    @property
    def trusted(self) -> list[int]:
        """Classes that held-out halves reproduce better than any class of the null."""
        threshold = max(self.stability_null, MIN_STABILITY)
        return [name for name, overlap in self.stability.items() if overlap.low > threshold]

    @property
    def ranking(self) -> tuple[float, float]:
        """Criterion by which settings are chosen: the trusted classes and the share of windows in them.

        The first value sums the stability of the trusted classes and that share. A single class is not a structure,
        even if it is stable: with fewer than two trusted classes the first value is 0. The second value then
        decides: the lower bound of the agreement between held-out halves beyond the null.
        """
        if len(self.trusted) < MIN_TRUSTED:
            return 0.0, self._min_agreement_gain()
        stability = sum(self.stability[name].value for name in self.trusted)
        return stability + float(np.isin(self.labels, self.trusted).mean()), 0.0

    def _min_agreement_gain(self) -> float:
        """Return the lower bound of the gain in kappa over phase-randomised windows, at least 0."""
        method = self.views.scores()
        null = self.null_views.null_scores(len(method.loss))
        draws = bootstrap_skill([method, null], np.random.default_rng(0))
        return max(0.0, float(np.quantile(draws[0] - draws[1], LOWER_QUANTILE)))

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
    points: Float32Array, first: IntArray, surrogate: Float32Array, method: Method, seed: int
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
    """
    block, null_block = time_blocks(first), time_blocks(np.arange(len(surrogate)))
    solutions = []
    for grouping in settings_of(method, len(points) // 2):
        labels, assigner = _classes(grouping, points, seed)
        views = two_views(grouping, points, block, seed)
        null = two_views(grouping, surrogate, null_block, seed)
        under_null = jaccard(_classes(grouping, surrogate, seed)[0], null.other, null_block, seed)
        solutions.append(
            ClusterSolution(
                grouping,
                assigner,
                labels,
                views,
                jaccard(labels, views.other, block, seed),
                null,
                max((one.value for name, one in under_null.items() if name > 0), default=0.0),
            )
        )
    return sorted(solutions, key=lambda solution: solution.ranking, reverse=True)


def _classes(grouping: Grouping, points: Float32Array, seed: int) -> tuple[Labels, Assigner]:
    """Group all windows and number their classes from the most to the least common."""
    assigner = grouped(grouping, points, seed)
    labels = assigner(points)
    names, counts = np.unique(labels[labels != UNASSIGNED], return_counts=True)
    number_of = {int(name): number for number, name in enumerate(names[np.argsort(-counts, kind="stable")])}

    def renamed(labels: Labels) -> Labels:
        return np.array([number_of.get(int(label), UNASSIGNED) for label in labels], np.int16)

    return renamed(labels), Assigner(assigner.points, renamed(assigner.labels), assigner.reach)
