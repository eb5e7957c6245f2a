"""Nested hold-out of large sparse problems in which hidden blocks bring terms of their own (`own_terms`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from selfseis.invert.choice import blocked_folds
from selfseis.invert.holdout import HeldOut, Progress
from selfseis.invert.own_terms import Explained, OwnTerms
from selfseis.invert.priors import Setting
from selfseis.invert.term_fit import SearchedPrior, TermFit, TermProblem, noise_sd, predicted, solve_terms

Vector = NDArray[np.float64]

SHARE_IN_ONE_SD = 0.683
LEAST_NOISE_SHARE = 0.1
"""Hidden data whose own terms fit more than 90% of any noise are not scored: they could not be missed."""
INNER_SAMPLES = 8
SETTLING_ROUNDS = 3
MOST_SWEEPS = 2
MOST_SEARCHED = 12_000
"""Of more visible data than this, settings are searched on some of their blocks, drawn at random."""
NO_TERMS = 1e-3
"""Factor on the prior sizes of searched terms that takes them away."""


def explain_hidden(terms: TermProblem, fit: TermFit, own: OwnTerms, *, with_model: bool) -> Explained:
    """Predict hidden data from a fit and fit their own terms to what is left."""
    problem = terms.at(fit.setting)
    residual = problem.data[own.rows] - predicted(problem, fit.draws.mode, own.rows, with_model=with_model)
    away = (fit.draws.samples - fit.draws.mode).T
    deviations = predicted(problem, away, own.rows, with_model=with_model) if away.shape[1] else None
    return own.explain(
        residual,
        noise_sd(problem, fit.scales)[own.rows],
        problem.nuisance_precision,
        deviations=deviations,
        student_dof=problem.noise.student_dof,
    )


def spread_of(explained: Explained, noise: Vector) -> Vector:
    """Predictive standard deviation of hidden residuals after their own terms, noise included."""
    variance = np.mean(explained.deviations**2, axis=1) if explained.deviations.shape[1] else 0.0
    return np.sqrt(variance + explained.noise_share * noise**2)


@dataclass(frozen=True)
class TermChoice:
    """The best setting on inner folds.

    Attributes
    ----------
    setting : dict
    loss : float
        Mean Student's t deviance of what the inner folds hid, the size of the noise included.
    tried : dict
        Loss by setting, as tuples of items.
    widening : dict of str to float
        Factor on predictive standard deviations, by type of data.
    fit : TermFit
        Of all visible data, settled, without draws.
    """

    setting: Setting
    loss: float
    tried: dict[tuple[tuple[str, float], ...], float]
    widening: dict[str, float]
    fit: TermFit


def choose_axis_by_axis(
    terms: TermProblem,
    prior: SearchedPrior | None,
    visible: NDArray[np.bool_],
    *,
    n_inner: int = 3,
    seed: int = 0,
) -> TermChoice:
    """Search the settings one axis after another on blocked folds inside the visible data.

    Parameters
    ----------
    terms : TermProblem
    prior : SearchedPrior or None
        None tunes the null: the sizes of its terms.
    visible : ndarray of bool, shape (n_data,)
    n_inner : int
    seed : int
    """
    axes: dict[str, Sequence[float]] = {"terms": terms.term_axis} | dict(prior.axes if prior else {})
    setting = {name: float(values[len(values) // 2]) for name, values in axes.items()}
    searched = _some_blocks(terms.problem.blocks, visible, seed)
    fit = solve_terms(terms, prior, setting, searched, settle=SETTLING_ROUNDS)
    folds = [
        (searched & ~hidden, OwnTerms(terms.problem, hidden, searched & ~hidden))
        for hidden in blocked_folds(terms.problem.blocks, n_inner, visible=searched, seed=seed)
    ]
    tried: dict[tuple[tuple[str, float], ...], float] = {}

    def loss_of(candidate: Setting) -> float:
        key = tuple(sorted(candidate.items()))
        if key not in tried:
            tried[key] = _inner_loss(terms, prior, candidate, folds, fit)
        return tried[key]

    for _ in range(MOST_SWEEPS):
        before = dict(setting)
        for name, values in axes.items():
            setting = _best_along(setting, name, values, loss_of)
        if setting == before:
            break
    fit = solve_terms(
        terms, prior, setting, visible, scales=fit.scales, weights=fit.weights, settle=2, start=fit.draws.mode
    )
    widening = _widening(terms, prior, setting, folds, fit, seed)
    return TermChoice(setting, loss_of(setting), tried, widening, fit)


def _some_blocks(blocks: NDArray[np.int64], visible: NDArray[np.bool_], seed: int) -> NDArray[np.bool_]:
    """Visible data of as many random blocks as the search can afford."""
    share = MOST_SEARCHED / max(int(visible.sum()), 1)
    if share >= 1:
        return visible
    names = np.unique(blocks[visible])
    drawn = np.random.default_rng(seed).random(names.size) < share
    return visible & np.isin(blocks, names[drawn])


def _best_along(
    setting: Setting, name: str, values: Sequence[float], loss_of: Callable[[Setting], float]
) -> Setting:
    """Walk along one axis as long as the loss falls."""
    here = list(values).index(setting[name])
    for step in (1, -1):
        while 0 <= here + step < len(values):
            if loss_of(setting | {name: float(values[here + step])}) >= loss_of(setting):
                break
            here += step
            setting = setting | {name: float(values[here])}
    return setting


def _inner_loss(
    terms: TermProblem,
    prior: SearchedPrior | None,
    setting: Setting,
    folds: Sequence[tuple[NDArray[np.bool_], OwnTerms]],
    known: TermFit,
) -> float:
    dof = terms.problem.noise.student_dof or 1e6
    deviances = []
    for visible, own in folds:
        fit = solve_terms(
            terms, prior, setting, visible, scales=known.scales, weights=known.weights, start=known.draws.mode
        )
        explained = explain_hidden(terms, fit, own, with_model=prior is not None)
        noise = noise_sd(terms.problem, known.scales)[own.rows]
        scored = explained.noise_share > LEAST_NOISE_SHARE
        squared = (explained.residual / noise)[scored] ** 2
        # Priors that leave more noise must not gain by it when they are compared.
        deviances.append((dof + 1) * np.log1p(squared / dof) + 2 * np.log(noise[scored]))
    return float(np.mean(np.concatenate(deviances)))


def _widening(
    terms: TermProblem,
    prior: SearchedPrior | None,
    setting: Setting,
    folds: Sequence[tuple[NDArray[np.bool_], OwnTerms]],
    known: TermFit,
    seed: int,
) -> dict[str, float]:
    ratios: dict[str, list[Vector]] = {}
    for visible, own in folds:
        fit = solve_terms(
            terms, prior, setting, visible, scales=known.scales, weights=known.weights,
            n_samples=INNER_SAMPLES, seed=seed, start=known.draws.mode,
        )  # fmt: skip
        explained = explain_hidden(terms, fit, own, with_model=prior is not None)
        sd = spread_of(explained, noise_sd(terms.problem, known.scales)[own.rows])
        scored = explained.noise_share > LEAST_NOISE_SHARE
        for kind in terms.kinds:
            rows = scored & (terms.problem.noise.kind[own.rows] == kind)
            ratios.setdefault(kind, []).append(np.abs(explained.residual[rows]) / sd[rows])
    return {
        kind: float(np.quantile(values, SHARE_IN_ONE_SD)) if (values := np.concatenate(parts)).size else 1.0
        for kind, parts in ratios.items()
    }


def hold_out_terms(
    terms: TermProblem,
    prior: SearchedPrior | None,
    *,
    name: str,
    n_folds: int = 5,
    n_inner: int = 3,
    n_samples: int = 16,
    seed: int = 0,
    settings: Sequence[Setting] | None = None,
    by_chance: bool = False,
    progress: Progress | None = None,
) -> HeldOut:
    """Hide each fold of blocks in turn; choose settings, noise and interval widths without it; predict it.

    Parameters
    ----------
    terms : TermProblem
    prior : SearchedPrior or None
        None for the null.
    name : str
        What tables call it.
    n_folds, n_inner, n_samples, seed : int
    settings : sequence of dict, optional
        Of each fold, where they were chosen before; nothing is searched then, and intervals are not widened.
    by_chance : bool
        Whether to fit `chance_data` in place of the visible data, which says what chance gives.
    progress : callable, optional

    Returns
    -------
    HeldOut
        ``observed - predicted`` is what is left after the own terms of the hidden blocks; data that these fit
        anyway are NaN.
    """
    problem = terms.problem
    result = HeldOut.empty(name, problem)
    folds = list(blocked_folds(problem.blocks, n_folds, seed=seed))
    for number, hidden in enumerate(folds):
        trained = terms
        if by_chance:
            trained = replace(terms, problem=problem.with_data(chance_data(terms, ~hidden, seed)))
        if settings is None:
            choice = choose_axis_by_axis(trained, prior, ~hidden, n_inner=n_inner, seed=seed)
            known, widening, loss = choice.fit, choice.widening, choice.loss
        else:
            known = solve_terms(trained, prior, settings[number], ~hidden, settle=SETTLING_ROUNDS)
            widening, loss = dict.fromkeys(terms.kinds, 1.0), np.nan
        fit = solve_terms(
            trained, prior, known.setting, ~hidden, scales=known.scales, weights=known.weights,
            n_samples=n_samples, seed=seed, start=known.draws.mode,
        )  # fmt: skip
        own = OwnTerms(problem, hidden, ~hidden)
        explained = explain_hidden(terms, fit, own, with_model=prior is not None)
        sd = spread_of(explained, noise_sd(problem, fit.scales)[own.rows])
        left = np.where(explained.noise_share > LEAST_NOISE_SHARE, explained.residual, np.nan)
        result.predicted[own.rows] = problem.data[own.rows] - left
        result.sd[own.rows] = sd * np.array(
            [widening[kind] for kind in problem.noise.kind[own.rows].tolist()]
        )
        # Own terms take a part of the noise along with what they explain.
        result.noise_sd[own.rows] = problem.noise.sd[own.rows] * np.sqrt(explained.noise_share)
        result.fold[own.rows] = number
        result.settings.append(known.setting)
        result.inner_losses.append(loss)
        if progress is not None:
            progress(number + 1, len(folds))
    return result


def chance_data(terms: TermProblem, visible: NDArray[np.bool_], seed: int = 0) -> Vector:
    """Return data whose residuals beyond unsearched terms (those of events) are exchanged among the visible ones.

    Whatever a fit to them predicts of real data is chance. Hidden data have no part in it.
    """
    problem = terms.problem
    bare = solve_terms(terms, None, {"terms": NO_TERMS}, visible, settle=SETTLING_ROUNDS)
    fitted = predicted(problem, bare.draws.mode, np.arange(problem.n_data), with_model=False)
    left, rng = np.where(visible, problem.data - fitted, 0.0), np.random.default_rng(seed)
    for kind in terms.kinds:
        rows = np.flatnonzero(visible & (problem.noise.kind == kind))
        left[rows] = left[rng.permutation(rows)]
    return fitted + left
