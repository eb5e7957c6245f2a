"""The structure of a set of windows: axes, groups, their number chosen on hidden halves, and what chance gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from selfseis.explore.clustering import UNASSIGNED, Assigner, Grouping, Labels, Method, settings_of
from selfseis.explore.stability import TwoViews, grouped, jaccard, time_blocks, two_views
from selfseis.typing import Float32Array, IntArray
from selfseis.validation import Interval
from selfseis.validation.scores import bootstrap_skill

MIN_TRUSTED = 2  # classes, below which there is no structure
SURELY = 0.025
TRUSTED_FROM = 0.5  # of a class's windows that must be found again, however little chance finds


@dataclass(frozen=True)
class Structure:
    """Groups of windows, and how far they can be trusted.

    Attributes
    ----------
    grouping : Grouping
        How they were made.
    assigner : Assigner
        Tells windows their class.
    labels : ndarray of int16, shape (n,)
        Classes, the most common one 0; -1 where unassigned.
    views : TwoViews
        The two labels of each window, from its own half of the time and from the other.
    stability : dict of int to Interval
        Of each class: its overlap with its counterpart found from hidden windows.
    null_views : TwoViews
        Of phase-randomised windows.
    stability_null : float
        Stability of the best class of phase-randomised windows, other than their most common one.
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
        """Number of classes, without the unassigned."""
        return len(self.stability)

    @property
    def trusted(self) -> list[int]:
        """The classes that hidden halves find again, more surely than chance finds any."""
        bar = max(self.stability_null, TRUSTED_FROM)
        return [name for name, found in self.stability.items() if found.low > bar]

    @property
    def worth(self) -> tuple[float, float]:
        """How many classes can be trusted, with the share of windows in them: what settings are chosen by.

        One class alone says nothing, however surely it is found again. Where no two can be trusted, the agreement of
        the hidden halves beyond that of chance decides, as far as it is sure.
        """
        if len(self.trusted) < MIN_TRUSTED:
            return 0.0, self._sure_agreement()
        stability = sum(self.stability[name].value for name in self.trusted)
        return stability + float(np.isin(self.labels, self.trusted).mean()), 0.0

    def _sure_agreement(self) -> float:
        """Return the lower end of the gain in kappa over phase-randomised windows; 0 if it may be none."""
        method = self.views.scores()
        null = self.null_views.null_scores(len(method.loss))
        draws = bootstrap_skill([method, null], np.random.default_rng(0))
        return max(0.0, float(np.quantile(draws[0] - draws[1], SURELY)))

    def to_dict(self) -> dict[str, Any]:
        """Return what was found, for JSON."""
        return {
            "setting": self.grouping.name,
            "n_classes": self.n_classes,
            "n_trusted": len(self.trusted),
            "unassigned": float((self.labels == UNASSIGNED).mean()),
            "kappa": self.views.scores().skill,
            "kappa_null": self.null_views.scores().skill,
            "stability_null": self.stability_null,
        }


def find_structures(
    points: Float32Array, first: IntArray, surrogate: Float32Array, method: Method, seed: int
) -> list[Structure]:
    """Group windows in several ways; the first is that of which hidden halves find most classes again.

    Parameters
    ----------
    points : ndarray, shape (n, n_axes)
        Windows.
    first : ndarray of int64, shape (n,)
        Their times, in samples.
    surrogate : ndarray, shape (n_surrogate, n_axes)
        Phase-randomised windows.
    method : {"hdbscan", "gmm", "ward"}
        How to group; its setting is chosen.
    seed : int
        Of everything random.
    """
    block, null_block = time_blocks(first), time_blocks(np.arange(len(surrogate)))
    found = []
    for grouping in settings_of(method, len(points) // 2):
        labels, assigner = _classes(grouping, points, seed)
        views = two_views(grouping, points, block, seed)
        null = two_views(grouping, surrogate, null_block, seed)
        under_null = jaccard(_classes(grouping, surrogate, seed)[0], null.other, null_block, seed)
        found.append(
            Structure(
                grouping,
                assigner,
                labels,
                views,
                jaccard(labels, views.other, block, seed),
                null,
                max((one.value for name, one in under_null.items() if name > 0), default=0.0),
            )
        )
    return sorted(found, key=lambda structure: structure.worth, reverse=True)


def _classes(grouping: Grouping, points: Float32Array, seed: int) -> tuple[Labels, Assigner]:
    """Group all windows and number their classes by how common they are."""
    assigner = grouped(grouping, points, seed)
    labels = assigner(points)
    names, counts = np.unique(labels[labels != UNASSIGNED], return_counts=True)
    number_of = {int(name): number for number, name in enumerate(names[np.argsort(-counts, kind="stable")])}

    def renamed(labels: Labels) -> Labels:
        return np.array([number_of.get(int(label), UNASSIGNED) for label in labels], np.int16)

    return renamed(labels), Assigner(assigner.points, renamed(assigner.labels), assigner.reach)
