"""Verdict of exploration: stability of classes on held-out windows, compared with k-means and the null."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfseis.explore.cluster_search import ClusterSolution
from selfseis.explore.clustering import UNASSIGNED, KMeansGrouping, Labels
from selfseis.explore.options import EvaluationOptions, ExplorerOptions
from selfseis.explore.stability import time_blocks, two_views
from selfseis.typing import Float32Array, IntArray
from selfseis.validation import Interval, Verdict, judge

TASK = "explore"
MEASURE = "agreement of classes on held-out windows, corrected for chance (Cohen's kappa)"
BASELINE = "k-means classification of band energies, with the same number of classes"
NULL = "phase-randomised windows"


def evaluate_clusters(
    solution: ClusterSolution, energies: Float32Array, first: IntArray, seed: int, details: dict[str, Any]
) -> Verdict:
    """Compare classes with the baseline and with the null on held-out halves of the time.

    Parameters
    ----------
    solution : ClusterSolution
        Classes of the windows.
    energies : ndarray, shape (n, n_bands)
        Logarithms of band energies, standardised: the input of the baseline.
    first : ndarray of int64, shape (n,)
        First samples of the windows.
    seed : int
        Seed of everything random.
    details : dict
        Further numbers for the verdict.
    """
    details = details | solution.to_dict() | {"trusted_classes": solution.trusted}
    common: dict[str, Any] = {
        "measure": MEASURE,
        "baseline_name": BASELINE,
        "null_name": NULL,
        "details": details,
    }
    if not solution.has_structure:
        return Verdict(
            TASK,
            "no_gain",
            "No structure: fewer than two classes are found again in held-out windows more reliably than in "
            "phase-randomised ones.",
            **common,
        )
    block = time_blocks(first, solution.options.n_blocks)
    k_means = KMeansGrouping(solution.n_classes, solution.grouping.options)
    return judge(
        TASK,
        solution.views.scores(),
        two_views(k_means, energies, block, seed).scores(),
        solution.null_scores(),
        measure=MEASURE,
        baseline_name=BASELINE,
        null_name=NULL,
        seed=seed,
        details=details,
    )


def station_consensus(
    labels: Labels,
    site: NDArray[np.int16],
    first: IntArray,
    codes: list[str],
    seed: int,
    options: ExplorerOptions,
) -> dict[int | None, tuple[Interval, float]]:
    """Return the agreement of neighbouring sites on the class at the same time, with 95% intervals.

    Parameters
    ----------
    labels : ndarray of int16, shape (n,)
        Classes.
    site : ndarray of int16, shape (n,)
        Site of each window.
    first : ndarray of int64, shape (n,)
        First sample of each window.
    codes : list of str
        Station of each site: sensors of one station are not compared with each other.
    seed : int
        Seed of the bootstrap.
    options : ExplorerOptions
        Of the evaluation, and the number of blocks.

    Returns
    -------
    dict
        For each class, and for all classes together under None: kappa, and the 95th percentile of kappa when one
        site is shifted in time. Empty where there are no pairs, or only one class.
    """
    pairs = _pairs(site, first, codes)
    if len(np.unique(labels[pairs])) < 2:
        return {}
    rng = np.random.default_rng(seed)
    block = time_blocks(first[pairs[:, 0]], options.stability.n_blocks)
    evaluation = options.evaluation
    found: dict[int | None, tuple[Interval, float]] = {}
    for name in [None, *(int(k) for k in np.unique(labels) if k != UNASSIGNED)]:
        here, there = (labels[pairs[:, side]] for side in (0, 1))
        if name is not None:
            here, there = here == name, there == name
        shifts = rng.integers(1, len(there), evaluation.n_shifts)
        under_null = [_kappa(here, np.roll(there, int(shift))) for shift in shifts]
        null = float(np.percentile(under_null, evaluation.null_percentile))
        found[name] = _bootstrap(here, there, block, rng, evaluation), null
    return found


def _pairs(site: NDArray[np.int16], first: IntArray, codes: list[str]) -> IntArray:
    """Return rows of windows at the same time at one site and at the next site of another station."""
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


def _bootstrap(
    here: NDArray, there: NDArray, block: IntArray, rng: np.random.Generator, options: EvaluationOptions
) -> Interval:
    members = [np.flatnonzero(block == name) for name in np.unique(block)]
    draws = []
    for _ in range(options.n_bootstrap):
        rows = np.concatenate([members[k] for k in rng.integers(len(members), size=len(members))])
        draws.append(_kappa(here[rows], there[rows]))
    low, high = np.quantile(draws, [0.025, 0.975])
    return Interval(_kappa(here, there), float(low), float(high))
