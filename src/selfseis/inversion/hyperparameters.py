"""Choice of hyperparameters on blocked folds inside the visible data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from selfseis.inversion.fit import converged, fit_model
from selfseis.inversion.priors import Prior, Setting
from selfseis.inversion.problem import LinearProblem
from selfseis.inversion.whitened_system import System
from selfseis.typing import BoolArray, FloatArray, IntArray

SHARE_IN_ONE_SD = 0.683  # of a normal distribution


@dataclass(frozen=True)
class Choice:
    """Setting, noise scales and interval widths that the inner folds chose for one prior.

    Attributes
    ----------
    setting : dict of str to float
        The best of the settings of the prior.
    losses : list of float
        Loss of each setting, in the order of ``prior.settings()``: the logarithm of the mean squared residual of the
        data that the inner folds held out, averaged over the types of data. Where outliers are expected, the mean
        absolute residual replaces the mean square. A gain of a tenth counts the same in every type.
    scales : dict of str to float
        Noise scales at the best setting.
    widening : dict of str to float
        Factor on predicted standard deviations, by type of data, such that an interval of one standard deviation
        contains 68% of the data that the inner folds held out.
    """

    setting: Setting
    losses: list[float]
    scales: dict[str, float]
    widening: dict[str, float]

    @property
    def loss(self) -> float:
        """Loss of the best setting."""
        return min(self.losses)


def blocked_folds(
    blocks: IntArray, n_folds: int, *, visible: BoolArray | None = None, seed: int = 0
) -> Iterator[BoolArray]:
    """Distribute whole blocks over folds of about equal size.

    Parameters
    ----------
    blocks : ndarray of int, shape (n_data,)
    n_folds : int
        Number of folds; at most one per block.
    visible : ndarray of bool, shape (n_data,), optional
        Data to distribute; by default all.
    seed : int

    Yields
    ------
    ndarray of bool, shape (n_data,)
        The data that a fold holds out.
    """
    included = np.ones(len(blocks), bool) if visible is None else visible
    names, sizes = np.unique(blocks[included], return_counts=True)
    if len(names) < 2:
        raise ValueError(
            f"cross-validation needs at least two blocks of data, got {len(names)}: give more data"
        )
    n_folds = min(n_folds, len(names))
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(-sizes[order], kind="stable")]
    load, fold_of = np.zeros(n_folds), {}
    for place in order:
        fold = int(np.argmin(load))
        fold_of[names[place]] = fold
        load[fold] += sizes[place]
    fold_of_row = np.array([fold_of.get(block, -1) for block in blocks.tolist()])
    for fold in range(n_folds):
        yield included & (fold_of_row == fold)


class Training:
    """Visible data with the inner folds that choose settings, whitened once for all priors.

    Parameters
    ----------
    problem : LinearProblem
    visible : ndarray of bool, shape (n_data,)
    n_inner : int
        Number of inner folds.
    seed : int
    """

    def __init__(self, problem: LinearProblem, visible: BoolArray, n_inner: int, seed: int = 0) -> None:
        self.problem = problem
        self.whole = System(problem, visible)
        self.inner = [
            (System(problem, visible & ~held_out), held_out)
            for held_out in blocked_folds(problem.blocks, n_inner, visible=visible, seed=seed)
        ]


def choose_setting(training: Training, prior: Prior, *, seed: int = 0) -> Choice:
    """Choose the setting that best predicts the data held out by the inner folds.

    Parameters
    ----------
    training : Training
    prior : Prior
    seed : int
        Seed of the draws that measure the widening.

    Returns
    -------
    Choice
    """
    settings = prior.settings()
    tried = [_tried(training, prior, setting) for setting in settings]
    losses = [loss for loss, _ in tried]
    best = int(np.argmin(losses))
    setting, scales = settings[best], tried[best][1]
    return Choice(setting, losses, scales, _widening(training, prior, setting, scales, seed))


def _tried(training: Training, prior: Prior, setting: Setting) -> tuple[float, dict[str, float]]:
    problem = training.problem
    system = converged(training.whole, prior, setting, None)
    misses: dict[str, list[FloatArray]] = {}
    for inner, held_out in training.inner:
        fitted = fit_model(problem, prior, setting, system=inner, scales=system.scales)
        residual = problem.data[held_out] - fitted.predict(problem, held_out)[0]
        normalised = residual / problem.noise.marginal_sd[held_out]
        for kind in set(problem.noise.kind[held_out].tolist()):
            misses.setdefault(kind, []).append(normalised[problem.noise.kind[held_out] == kind])
    # Where outliers are expected, held-out outliers must not decide.
    power = 2 if problem.noise.student_dof is None else 1
    means = [np.mean(np.abs(np.concatenate(parts)) ** power) for parts in misses.values()]
    return float(np.mean(np.log(np.maximum(means, 1e-12)))), system.scales


def _widening(
    training: Training, prior: Prior, setting: Setting, scales: dict[str, float], seed: int
) -> dict[str, float]:
    problem = training.problem
    n_samples = problem.options.cross_validation.n_inner_samples
    ratios: dict[str, list[FloatArray]] = {}
    for inner, held_out in training.inner:
        fitted = fit_model(
            problem, prior, setting, system=inner, scales=scales, n_samples=n_samples, seed=seed
        )
        mean, spread = fitted.predict(problem, held_out)
        ratio = np.abs(problem.data[held_out] - mean) / np.hypot(spread, fitted.noise_sd(problem, held_out))
        for kind in set(problem.noise.kind[held_out].tolist()):
            ratios.setdefault(kind, []).append(ratio[problem.noise.kind[held_out] == kind])
    return widening_of(ratios)


def widening_of(ratios: Mapping[str, Sequence[FloatArray]]) -> dict[str, float]:
    """Return the factors on predicted standard deviations that put 68% of held-out data into one of them.

    Parameters
    ----------
    ratios : mapping of str to sequence of ndarray
        Absolute residuals over predicted standard deviations, by type of data and fold; 1 for a type without any.
    """
    return {
        kind: float(np.quantile(values, SHARE_IN_ONE_SD)) if (values := np.concatenate(parts)).size else 1.0
        for kind, parts in ratios.items()
    }
