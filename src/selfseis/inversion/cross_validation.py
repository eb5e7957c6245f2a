"""Nested cross-validation: every prior predicts the same held-out blocks with settings chosen without them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from selfseis.inversion.block_terms import BlockTerms, Explained
from selfseis.inversion.fit import fit_model
from selfseis.inversion.hyperparameters import (
    SHARE_IN_ONE_SD,
    Training,
    blocked_folds,
    choose_setting,
    widening_of,
)
from selfseis.inversion.priors import Prior, Setting
from selfseis.inversion.problem import LinearProblem
from selfseis.inversion.term_fit import SearchedPrior, TermFit, TermProblem, noise_sd, predicted, solve_terms
from selfseis.typing import BoolArray, FloatArray, IntArray
from selfseis.validation import BlockScores

if TYPE_CHECKING:
    import pandas as pd


Progress = Callable[[float, float], None]


@dataclass
class HeldOut:
    """Held-out data and their prediction under one prior.

    Attributes
    ----------
    name : str
        Name of the prior.
    observed, predicted : ndarray, shape (n_data,)
        NaN where a datum was never held out.
    sd : ndarray, shape (n_data,)
        Predicted standard deviation with noise, widened as the inner folds require.
    noise_sd : ndarray, shape (n_data,)
        Stated standard deviation of the noise, by which residuals are normalised.
    kind : ndarray of str, shape (n_data,)
    blocks, fold : ndarray of int, shape (n_data,)
    settings : list of dict
        Setting that each fold chose.
    inner_losses : list of float
        Loss on the inner folds of each fold.
    """

    name: str
    observed: FloatArray
    predicted: FloatArray
    sd: FloatArray
    noise_sd: FloatArray
    kind: NDArray[np.str_]
    blocks: IntArray
    fold: IntArray
    settings: list[Setting] = field(default_factory=list)
    inner_losses: list[float] = field(default_factory=list)

    @classmethod
    def empty(cls, name: str, problem: LinearProblem) -> HeldOut:
        """Return a table without predictions, which the folds fill."""
        nothing = np.full(problem.n_data, np.nan)
        return cls(
            name, problem.data.copy(), nothing, nothing.copy(), nothing.copy(), problem.noise.kind,
            problem.blocks, np.full(problem.n_data, -1),
        )  # fmt: skip

    def rows(self, kind: str | None = None) -> BoolArray:
        """Return a mask of the held-out data, all or those whose type starts with `kind`; (n_data,)."""
        held_out = np.isfinite(self.predicted)
        return held_out if kind is None else held_out & np.char.startswith(self.kind.astype(str), kind)

    def residual(self, kind: str | None = None) -> FloatArray:
        """Return observed minus predicted for the held-out data."""
        rows = self.rows(kind)
        return self.observed[rows] - self.predicted[rows]

    def variance_reduction(self, kind: str | None = None) -> float:
        """Return one minus the ratio of squared residuals to squared data, over the held-out data."""
        return float(1 - np.sum(self.residual(kind) ** 2) / np.sum(self.observed[self.rows(kind)] ** 2))

    def rms(self, kind: str | None = None) -> float:
        """Return the root mean square of held-out residuals, in the units of the data."""
        return float(np.sqrt(np.mean(self.residual(kind) ** 2)))

    def normalised_rms(self, kind: str | None = None) -> float:
        """Return the root mean square of held-out residuals over the stated noise."""
        return float(np.sqrt(np.mean((self.residual(kind) / self.noise_sd[self.rows(kind)]) ** 2)))

    def standardised_rms(self, kind: str | None = None) -> float:
        """Return the root mean square of held-out residuals over their predicted sd; 1 if intervals are right."""
        return float(np.sqrt(np.mean((self.residual(kind) / self.sd[self.rows(kind)]) ** 2)))

    def coverage(self, level: float = SHARE_IN_ONE_SD, kind: str | None = None) -> float:
        """Return the share of held-out data that lie inside their predicted interval."""
        from scipy.stats import norm

        within = norm.ppf(0.5 + level / 2)
        return float(np.mean(np.abs(self.residual(kind)) <= within * self.sd[self.rows(kind)]))

    def block_scores(self) -> BlockScores:
        """Return squared residuals and squared data, over the noise, block by block.

        Every type of data has the same total weight, whatever its number of data.
        """
        rows = self.rows()
        weight = 1 / self.noise_sd[rows] ** 2
        for kind in np.unique(self.kind[rows]):
            same = self.kind[rows] == kind
            weight[same] /= np.sum(weight[same] * self.observed[rows][same] ** 2) or 1.0
        names, place = np.unique(self.blocks[rows], return_inverse=True)
        squares = (weight * self.residual() ** 2, weight * self.observed[rows] ** 2)
        loss, power = (np.bincount(place, values, len(names)).astype(float) for values in squares)
        return BlockScores(loss, power)

    def to_frame(self) -> pd.DataFrame:
        """Return the held-out data as a table, one row per datum."""
        import pandas as pd

        rows = self.rows()
        return pd.DataFrame(
            {
                "kind": self.kind[rows],
                "block": self.blocks[rows],
                "fold": self.fold[rows],
                "observed": self.observed[rows],
                "predicted": self.predicted[rows],
                "sd": self.sd[rows],
            },
            index=np.flatnonzero(rows),
        )


def nested_holdout(
    problem: LinearProblem,
    priors: Sequence[Prior],
    *,
    n_folds: int = 10,
    n_inner: int = 4,
    n_samples: int = 20,
    seed: int = 0,
    folds: Sequence[BoolArray] | None = None,
    progress: Progress | None = None,
) -> list[HeldOut]:
    """Hold out each fold of blocks in turn and predict it under every prior.

    In each fold, blocked folds inside the visible data choose the setting of a prior, its noise scales and the width
    of its intervals.

    Parameters
    ----------
    problem : LinearProblem
    priors : sequence of Prior
    n_folds, n_inner : int
        Number of outer and of inner folds.
    n_samples : int
        Number of posterior draws for each interval.
    seed : int
    folds : sequence of ndarray of bool, shape (n_data,), optional
        Data that each fold holds out; by default whole blocks, distributed over `n_folds` folds.
    progress : callable, optional
        Called with the amount of work done and the total amount.

    Returns
    -------
    list of HeldOut
        One per prior.
    """
    results = [HeldOut.empty(prior.name, problem) for prior in priors]
    if folds is None:
        folds = list(blocked_folds(problem.blocks, n_folds, seed=seed))
    for number, held_out in enumerate(folds):
        training = Training(problem.seen_through(~held_out), ~held_out, n_inner, seed)
        for place, (prior, result) in enumerate(zip(priors, results, strict=True)):
            _predict_fold(training, prior, result, held_out, number, n_samples, seed)
            if progress is not None:
                progress(number * len(priors) + place + 1, len(folds) * len(priors))
    return results


def joined(parts: Sequence[HeldOut]) -> HeldOut:
    """Join the predictions of one prior for parts of the data that were held out separately; one fold per part.

    Parameters
    ----------
    parts : sequence of HeldOut
        Each of a single fold, of the same data; no datum is held out twice.
    """
    first = parts[0]
    whole = replace(
        first, predicted=first.predicted.copy(), sd=first.sd.copy(), noise_sd=first.noise_sd.copy(),
        fold=np.full(len(first.fold), -1), settings=[], inner_losses=[],
    )  # fmt: skip
    for number, part in enumerate(parts):
        rows = part.rows()
        for name in ("predicted", "sd", "noise_sd"):
            getattr(whole, name)[rows] = getattr(part, name)[rows]
        whole.fold[rows] = number
        whole.settings += part.settings
        whole.inner_losses += part.inner_losses
    return whole


def _predict_fold(
    training: Training,
    prior: Prior,
    result: HeldOut,
    held_out: BoolArray,
    fold: int,
    n_samples: int,
    seed: int,
) -> None:
    problem = training.problem
    choice = choose_setting(training, prior, seed=seed)
    fitted = fit_model(
        problem,
        prior,
        choice.setting,
        system=training.whole,
        scales=choice.scales,
        n_samples=n_samples,
        seed=seed,
    )
    mean, spread = fitted.predict(problem, held_out)
    widening = problem.noise.of_kinds(choice.widening)[held_out]
    result.predicted[held_out] = mean
    result.sd[held_out] = np.hypot(spread, fitted.noise_sd(problem, held_out)) * widening
    result.noise_sd[held_out] = problem.noise.marginal_sd[held_out]
    result.fold[held_out] = fold
    result.settings.append(choice.setting)
    result.inner_losses.append(choice.loss)


NO_TERMS = 1e-3
"""Factor on the prior sizes of searched terms that removes them."""


def explain_held_out(terms: TermProblem, fit: TermFit, own: BlockTerms, *, with_model: bool) -> Explained:
    """Predict held-out data from a fit and fit their block terms to the residuals."""
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


def spread_of(explained: Explained, noise: FloatArray) -> FloatArray:
    """Return the predictive standard deviation, with noise, of held-out residuals after their block terms."""
    variance = np.mean(explained.deviations**2, axis=1) if explained.deviations.shape[1] else 0.0
    return np.sqrt(variance + explained.noise_share * noise**2)


@dataclass(frozen=True)
class TermChoice:
    """The best setting on inner folds.

    Attributes
    ----------
    setting : dict
    loss : float
        Mean Student's t deviance of the data that the inner folds held out, including the size of the noise.
    tried : dict
        Loss by setting, as tuples of items.
    widening : dict of str to float
        Factor on predictive standard deviations, by type of data.
    fit : TermFit
        Converged fit of all visible data, without draws.
    """

    setting: Setting
    loss: float
    tried: dict[tuple[tuple[str, float], ...], float]
    widening: dict[str, float]
    fit: TermFit


def choose_axis_by_axis(
    terms: TermProblem,
    prior: SearchedPrior | None,
    visible: BoolArray,
    *,
    n_inner: int = 3,
    seed: int = 0,
) -> TermChoice:
    """Search the settings one axis after another on blocked folds inside the visible data.

    Parameters
    ----------
    terms : TermProblem
    prior : SearchedPrior or None
        None tunes the sizes of the terms of the null.
    visible : ndarray of bool, shape (n_data,)
    n_inner : int
    seed : int
    """
    options = terms.problem.options.cross_validation
    axes: dict[str, Sequence[float]] = {"terms": options.term_factors} | dict(prior.axes if prior else {})
    setting = {name: float(values[len(values) // 2]) for name, values in axes.items()}
    searched = _some_blocks(terms.problem.blocks, visible, options.max_searched, seed)
    fit = solve_terms(terms, prior, setting, searched, reweightings=options.search_rounds)
    folds = [
        (searched & ~held_out, BlockTerms(terms.problem, held_out, searched & ~held_out))
        for held_out in blocked_folds(terms.problem.blocks, n_inner, visible=searched, seed=seed)
    ]
    tried: dict[tuple[tuple[str, float], ...], float] = {}

    def loss_of(candidate: Setting) -> float:
        key = tuple(sorted(candidate.items()))
        if key not in tried:
            tried[key] = _inner_loss(terms, prior, candidate, folds, fit)
        return tried[key]

    for _ in range(options.max_sweeps):
        before = dict(setting)
        for name, values in axes.items():
            setting = _best_along(setting, name, values, loss_of)
        if setting == before:
            break
    fit = solve_terms(
        terms,
        prior,
        setting,
        visible,
        scales=fit.scales,
        weights=fit.weights,
        reweightings=options.final_rounds,
        start=fit.draws.mode,
    )
    widening = _widening(terms, prior, setting, folds, fit, seed)
    return TermChoice(setting, loss_of(setting), tried, widening, fit)


def _some_blocks(blocks: IntArray, visible: BoolArray, max_data: int, seed: int) -> BoolArray:
    """Return the visible data of random blocks, at most about `max_data` of them."""
    share = max_data / max(int(visible.sum()), 1)
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
    folds: Sequence[tuple[BoolArray, BlockTerms]],
    known: TermFit,
) -> float:
    dof = terms.problem.noise.student_dof or 1e6
    min_noise_share = terms.problem.options.cross_validation.min_noise_share
    deviances = []
    for visible, own in folds:
        fit = solve_terms(
            terms, prior, setting, visible, scales=known.scales, weights=known.weights, start=known.draws.mode
        )
        explained = explain_held_out(terms, fit, own, with_model=prior is not None)
        noise = noise_sd(terms.problem, known.scales)[own.rows]
        scored = explained.noise_share > min_noise_share
        squared = (explained.residual / noise)[scored] ** 2
        # A prior must not gain in the comparison because it leaves more noise.
        deviances.append((dof + 1) * np.log1p(squared / dof) + 2 * np.log(noise[scored]))
    return float(np.mean(np.concatenate(deviances)))


def _widening(
    terms: TermProblem,
    prior: SearchedPrior | None,
    setting: Setting,
    folds: Sequence[tuple[BoolArray, BlockTerms]],
    known: TermFit,
    seed: int,
) -> dict[str, float]:
    options = terms.problem.options.cross_validation
    ratios: dict[str, list[FloatArray]] = {}
    for visible, own in folds:
        fit = solve_terms(
            terms, prior, setting, visible, scales=known.scales, weights=known.weights,
            n_samples=options.n_inner_samples, seed=seed, start=known.draws.mode,
        )  # fmt: skip
        explained = explain_held_out(terms, fit, own, with_model=prior is not None)
        sd = spread_of(explained, noise_sd(terms.problem, known.scales)[own.rows])
        scored = explained.noise_share > options.min_noise_share
        for kind in terms.kinds:
            rows = scored & (terms.problem.noise.kind[own.rows] == kind)
            ratios.setdefault(kind, []).append(np.abs(explained.residual[rows]) / sd[rows])
    return widening_of(ratios)


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
    under_null: bool = False,
    progress: Progress | None = None,
) -> HeldOut:
    """Hold out each fold of blocks in turn; choose settings, noise and interval widths without it; predict it.

    Parameters
    ----------
    terms : TermProblem
    prior : SearchedPrior or None
        None for the null.
    name : str
        Name in tables.
    n_folds, n_inner, n_samples, seed : int
    settings : sequence of dict, optional
        Settings of each fold, if they are known; then nothing is searched and intervals are not widened.
    under_null : bool
        Whether to fit `null_data` instead of the visible data, for the skill of the null.
    progress : callable, optional

    Returns
    -------
    HeldOut
        ``observed - predicted`` is the residual after the block terms of the held-out blocks; data that these
        terms fit anyway are NaN.
    """
    problem, options = terms.problem, terms.problem.options.cross_validation
    result = HeldOut.empty(name, problem)
    folds = list(blocked_folds(problem.blocks, n_folds, seed=seed))
    for number, held_out in enumerate(folds):
        trained = terms
        if under_null:
            trained = replace(terms, problem=problem.with_data(null_data(terms, ~held_out, seed)))
        if settings is None:
            choice = choose_axis_by_axis(trained, prior, ~held_out, n_inner=n_inner, seed=seed)
            known, widening, loss = choice.fit, choice.widening, choice.loss
        else:
            known = solve_terms(
                trained, prior, settings[number], ~held_out, reweightings=options.search_rounds
            )
            widening, loss = dict.fromkeys(terms.kinds, 1.0), np.nan
        fit = solve_terms(
            trained, prior, known.setting, ~held_out, scales=known.scales, weights=known.weights,
            n_samples=n_samples, seed=seed, start=known.draws.mode,
        )  # fmt: skip
        own = BlockTerms(problem, held_out, ~held_out)
        explained = explain_held_out(terms, fit, own, with_model=prior is not None)
        sd = spread_of(explained, noise_sd(problem, fit.scales)[own.rows])
        left = np.where(explained.noise_share > options.min_noise_share, explained.residual, np.nan)
        result.predicted[own.rows] = problem.data[own.rows] - left
        result.sd[own.rows] = sd * problem.noise.of_kinds(widening)[own.rows]
        # Block terms also remove a part of the noise.
        result.noise_sd[own.rows] = problem.noise.sd[own.rows] * np.sqrt(explained.noise_share)
        result.fold[own.rows] = number
        result.settings.append(known.setting)
        result.inner_losses.append(loss)
        if progress is not None:
            progress(number + 1, len(folds))
    return result


def null_data(terms: TermProblem, visible: BoolArray, seed: int = 0) -> FloatArray:
    """Return data whose residuals after unsearched terms (those of events) are shuffled among the visible data.

    A fit to them has no real structure, so its skill on real data is that of the null. Held-out data are not used.
    """
    problem = terms.problem
    rounds = problem.options.cross_validation.search_rounds
    bare = solve_terms(terms, None, {"terms": NO_TERMS}, visible, reweightings=rounds)
    fitted = predicted(problem, bare.draws.mode, np.arange(problem.n_data), with_model=False)
    left, rng = np.where(visible, problem.data - fitted, 0.0), np.random.default_rng(seed)
    for kind in terms.kinds:
        rows = np.flatnonzero(visible & (problem.noise.kind == kind))
        left[rows] = left[rng.permutation(rows)]
    return fitted + left
