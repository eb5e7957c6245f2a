"""Fit of a model to visible data, with noise scales and outlier weights estimated in the same iteration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from selfseis.inversion.block_terms import student_weights
from selfseis.inversion.posterior import Draws
from selfseis.inversion.priors import Prior, Setting
from selfseis.inversion.problem import LinearProblem
from selfseis.inversion.whitened_system import System
from selfseis.typing import BoolArray, FloatArray


@dataclass(frozen=True)
class Fitted:
    """A model with its uncertainty.

    Attributes
    ----------
    model : ndarray, shape (n_model,)
        Most plausible model.
    samples : ndarray, shape (n_samples, n_model)
        Draws from the posterior.
    nuisance : ndarray, shape (n_nuisance,)
    nuisance_samples : ndarray, shape (n_samples, n_nuisance)
    scales : dict of str to float
        Factor on the stated noise, by type of data.
    weights : ndarray, shape (n_data,)
        Weight of each datum under Student's t; 1 for Gaussian noise.
    setting : dict of str to float
        Hyperparameters of the prior.
    """

    model: FloatArray
    samples: FloatArray
    nuisance: FloatArray
    nuisance_samples: FloatArray
    scales: dict[str, float]
    weights: FloatArray
    setting: Setting

    @property
    def sd(self) -> FloatArray:
        """Standard deviation of each model value over the draws; (n_model,)."""
        return np.asarray(self.samples.std(axis=0, ddof=1))

    def predict(self, problem: LinearProblem, rows: BoolArray) -> tuple[FloatArray, FloatArray]:
        """Predict data.

        Parameters
        ----------
        problem : LinearProblem
        rows : ndarray of bool, shape (n_data,)
            Data to predict.

        Returns
        -------
        mean, sd : ndarray, shape (n_rows,)
            Prediction without noise; sd is zero without samples.
        """
        operator = problem.operator[np.flatnonzero(rows)]
        mean, drawn = operator @ self.model, operator @ self.samples.T
        if problem.nuisance is not None:
            nuisance = problem.nuisance[np.flatnonzero(rows)]
            mean, drawn = mean + nuisance @ self.nuisance, drawn + nuisance @ self.nuisance_samples.T
        spread = np.sqrt(np.mean((drawn - mean[:, None]) ** 2, axis=1)) if len(self.samples) else 0 * mean
        return np.asarray(mean), np.asarray(spread)

    def noise_sd(self, problem: LinearProblem, rows: BoolArray) -> FloatArray:
        """Return the standard deviation of the noise of some data; (n_rows,)."""
        return (problem.noise.marginal_sd * problem.noise.of_kinds(self.scales))[rows]


def fit_model(
    problem: LinearProblem,
    prior: Prior,
    setting: Setting,
    *,
    visible: BoolArray | None = None,
    n_samples: int = 0,
    seed: int = 0,
    scales: dict[str, float] | None = None,
    system: System | None = None,
) -> Fitted:
    """Fit a model to the visible data.

    The noise scale of each type of data is its variance component: its squared residuals over its number of degrees
    of freedom (Förstner, 1979). If the noise is Student's t, outliers lose weight.

    Parameters
    ----------
    problem : LinearProblem
    prior : Prior
    setting : dict of str to float
        Hyperparameters, one of ``prior.settings()``.
    visible : ndarray of bool, shape (n_data,), optional
        Data to use; by default all of them.
    n_samples : int
        Number of draws from the posterior.
    seed : int
        Seed of the draws.
    scales : dict of str to float, optional
        Known noise scales; by default they are estimated.
    system : System, optional
        The visible data, if they are whitened already.

    Returns
    -------
    Fitted
    """
    rng = np.random.default_rng(seed)
    if system is None:
        system = System(problem, np.ones(problem.n_data, bool) if visible is None else visible)
    system = converged(system, prior, setting, scales)
    draws = prior.solve(system, setting, rng, n_samples)
    n = problem.n_model
    return Fitted(
        draws.mode[:n],
        draws.samples[:, :n],
        draws.mode[n:],
        draws.samples[:, n:],
        system.scales,
        system.weights,
        setting,
    )


def converged(system: System, prior: Prior, setting: Setting, scales: dict[str, float] | None) -> System:
    """Return the system with converged noise scales and weights."""
    noise, options = system.problem.noise, system.problem.options.fit
    dof = None if noise.measure_weights is not None else noise.student_dof
    if scales is not None:
        system = system.with_scales(scales)
        if dof is None:
            return system
    # Without a normal matrix, two draws measure the number of degrees of freedom that the model uses.
    n_probes = 0 if system.problem.is_dense else 2
    for _ in range(options.max_rounds):
        draws = prior.solve(system, setting, np.random.default_rng(0), n_probes)
        residual = _normalised(system, draws)
        new = _variance_components(system, draws, residual) if scales is None else scales
        change = max(abs(np.log(new[kind] / system.scales[kind])) for kind in new)
        if dof is not None:
            weights = student_weights(residual / noise.of_kinds(new), dof)
            system = System(system.problem, system.visible, weights, new)
        else:
            system = system.with_scales(system.scales | new)
        if change < options.min_change:
            break
    return system


def _normalised(system: System, draws: Draws) -> FloatArray:
    """Return the residuals of all data over their stated noise."""
    return (system.problem.data - system.forward(draws.mode)) / system.problem.noise.marginal_sd


def _variance_components(system: System, draws: Draws, residual: FloatArray) -> dict[str, float]:
    noise, found = system.problem.noise, {}
    min_free_share = system.problem.options.fit.min_free_share
    used = draws.used() if draws.used is not None else None
    for kind in noise.kinds:
        rows = system.visible & (noise.kind == kind)
        n_rows = int(rows.sum())
        if not n_rows:
            continue
        if kind in noise.covariance:
            misfit = system.normals[kind].misfit(draws.mode)
        else:
            misfit = float(np.sum(system.weights[rows] * residual[rows] ** 2))
        taken = used[kind] if used is not None else _probed(system, draws, rows)
        free = max(n_rows - taken, min_free_share * n_rows)
        found[kind] = float(np.sqrt(max(misfit / free, 1e-6)))
    return found


def _probed(system: System, draws: Draws, rows: BoolArray) -> float:
    """Estimate from draws how many unknowns some of the data determine."""
    if not len(draws.samples):
        return 0.0
    precision = system.row_precision[rows]
    away = [system.forward(sample - draws.mode)[rows] for sample in draws.samples]
    return float(np.mean([np.sum(precision * moved**2) for moved in away]))
