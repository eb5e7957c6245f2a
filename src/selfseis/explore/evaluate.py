"""The verdict of exploration: whether classes are found again in hidden windows, and better than simple ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfseis.explore.cluster_search import MIN_TRUSTED, Structure
from selfseis.explore.clustering import UNASSIGNED, Labels
from selfseis.explore.stability import time_blocks, two_views
from selfseis.typing import Float32Array, IntArray
from selfseis.validation import Interval, Verdict, judge

TASK = "explore"
MEASURE = "agreement of the classes of hidden windows, beyond chance (Cohen's kappa)"
BASELINE = "band energies with k-means, as many classes"
NULL = "phase-randomised windows"


class ByMeans:
    """k-means with a stated number of groups: the baseline."""

    def __init__(self, n_groups: int) -> None:
        self.n_groups = n_groups

    @property
    def name(self) -> str:
        """What it is called, with its setting."""
        return f"k-means, {self.n_groups} groups"

    def labels(self, points: Float32Array, seed: int) -> Labels:
        """Return a label a point."""
        from sklearn.cluster import KMeans

        n_groups = min(self.n_groups, len(points))
        return KMeans(n_groups, n_init=3, random_state=seed).fit_predict(points).astype(np.int16)


def evaluate_structure(
    structure: Structure, energies: Float32Array, first: IntArray, seed: int, details: dict[str, Any]
) -> Verdict:
    """Compare classes with those of band energies and with what chance gives, on hidden halves of the time.

    Parameters
    ----------
    structure : Structure
        Of the windows.
    energies : ndarray, shape (n, n_bands)
        Logarithms of band energies, standardised: what the baseline sees.
    first : ndarray of int64, shape (n,)
        First samples of the windows.
    seed : int
        Of everything random.
    details : dict
        Further numbers to keep.
    """
    details = details | structure.to_dict() | {"trusted_classes": structure.trusted}
    known: dict[str, Any] = {
        "measure": MEASURE,
        "baseline_name": BASELINE,
        "null_name": NULL,
        "details": details,
    }
    if len(structure.trusted) < MIN_TRUSTED:
        return Verdict(
            TASK,
            "no_gain",
            "No structure: fewer than two classes are found again in hidden windows, more surely than in "
            "phase-randomised ones.",
            **known,
        )
    method = structure.views.scores()
    block = time_blocks(first)
    baseline = two_views(ByMeans(structure.n_classes), energies, block, seed).scores()
    return judge(
        TASK,
        method,
        baseline,
        structure.null_views.null_scores(len(method.loss)),
        measure=MEASURE,
        baseline_name=BASELINE,
        null_name=NULL,
        seed=seed,
        details=details,
    )


def station_consensus(
    labels: Labels, site: NDArray[np.int16], first: IntArray, codes: list[str], seed: int
) -> dict[int | None, tuple[Interval, float]]:
    """Return how far neighbouring sites give the same class at the same time, beyond chance, with 95% intervals.

    Parameters
    ----------
    labels : ndarray of int16, shape (n,)
        Classes.
    site : ndarray of int16, shape (n,)
        Site of each window.
    first : ndarray of int64, shape (n,)
        First sample of each window.
    codes : list of str
        What is one place: sensors of one place never confirm each other.
    seed : int
        Of the bootstrap.

    Returns
    -------
    dict
        For each class, and for all together under None: kappa, and the 95th percentile of kappa when one site is
        shifted in time. Empty where there are no pairs, or one class alone: there is nothing to agree on.
    """
    pairs = _pairs(site, first, codes)
    if len(np.unique(labels[pairs])) < 2:
        return {}
    rng = np.random.default_rng(seed)
    block = time_blocks(first[pairs[:, 0]])
    found: dict[int | None, tuple[Interval, float]] = {}
    for name in [None, *(int(k) for k in np.unique(labels) if k != UNASSIGNED)]:
        here, there = (labels[pairs[:, side]] for side in (0, 1))
        if name is not None:
            here, there = here == name, there == name
        under_null = [_kappa(here, np.roll(there, int(shift))) for shift in rng.integers(1, len(there), 40)]
        found[name] = _bootstrap(here, there, block, rng), float(np.percentile(under_null, 95))
    return found


def _pairs(site: NDArray[np.int16], first: IntArray, codes: list[str]) -> IntArray:
    """Return rows of windows at the same time at one site and the next of another place."""
    rows = {(int(s), int(f)): row for row, (s, f) in enumerate(zip(site, first, strict=True))}
    sites = [int(s) for s in np.unique(site)]
    following = {a: next((b for b in sites if b > a and codes[b] != codes[a]), None) for a in sites}
    pairs = [
        (row, rows[following[s], f])  # type: ignore[index]
        for (s, f), row in rows.items()
        if following[s] is not None and (following[s], f) in rows
    ]
    return np.array(pairs, np.int64).reshape(-1, 2)


def _kappa(here: NDArray, there: NDArray) -> float:
    expected = sum((here == k).mean() * (there == k).mean() for k in np.unique(here))
    return float(((here == there).mean() - expected) / (1 - expected)) if expected < 1 else 0.0


def _bootstrap(here: NDArray, there: NDArray, block: IntArray, rng: np.random.Generator) -> Interval:
    members = [np.flatnonzero(block == name) for name in np.unique(block)]
    draws = []
    for _ in range(200):
        rows = np.concatenate([members[k] for k in rng.integers(len(members), size=len(members))])
        draws.append(_kappa(here[rows], there[rows]))
    low, high = np.quantile(draws, [0.025, 0.975])
    return Interval(_kappa(here, there), float(low), float(high))
