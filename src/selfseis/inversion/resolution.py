"""Resolution of a geometry: the resolution matrix, and the recovery of models drawn from the prior."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from selfseis.inversion.fit import fit_model
from selfseis.inversion.priors import GaussianPrior, Setting
from selfseis.inversion.problem import LinearProblem
from selfseis.inversion.solvers import solve_iteratively
from selfseis.inversion.whitened_system import System
from selfseis.typing import BoolArray, FloatArray


@dataclass(frozen=True)
class Oracle:
    """Recovery of models drawn from the prior.

    Attributes
    ----------
    correlations : ndarray, shape (n_draws,)
        Correlation of each draw with its recovered model; NaN if either is constant.
    coverages : ndarray, shape (n_draws,)
        Share of the model values inside their 68% interval.
    """

    correlations: FloatArray
    coverages: FloatArray

    @property
    def mean(self) -> float:
        """Mean correlation: the expected upper limit of any method if the prior is true."""
        return float(np.nanmean(self.correlations))

    @property
    def sd(self) -> float:
        """Standard deviation of the correlation from draw to draw."""
        return float(np.nanstd(self.correlations, ddof=1)) if len(self.correlations) > 1 else 0.0


def oracle_limit(
    problem: LinearProblem,
    prior: GaussianPrior,
    setting: Setting,
    *,
    n_draws: int = 10,
    n_samples: int | None = None,
    used: BoolArray | None = None,
    seed: int = 0,
) -> Oracle:
    """Draw models from the prior, simulate their data on this geometry, and fit with the true prior and noise.

    Parameters
    ----------
    problem : LinearProblem
        Its data are not used.
    prior : GaussianPrior
    setting : dict of str to float
    n_draws : int
    n_samples : int, optional
        Draws from each posterior, for the coverage; by default the `n_oracle_samples` of the problem's options.
    used : ndarray of bool, shape (n_model,), optional
        Model values to compare, such as cells with rays.
    seed : int

    Returns
    -------
    Oracle
    """
    if n_samples is None:
        n_samples = problem.options.evaluation.n_oracle_samples
    rng = np.random.default_rng(seed)
    known = dict.fromkeys(problem.noise.kinds, 1.0)
    used = np.ones(problem.n_model, bool) if used is None else used
    correlations, coverages = [], []
    for draw in range(n_draws):
        truth = prior.draw(setting, rng)
        simulated = problem.simulate(truth, rng)
        fitted = fit_model(simulated, prior, setting, scales=known, n_samples=n_samples, seed=seed + draw)
        correlations.append(_correlation(truth[used], fitted.model[used]))
        if n_samples > 1:
            coverages.append(np.mean(np.abs(truth - fitted.model)[used] <= fitted.sd[used]))
    return Oracle(np.array(correlations), np.array(coverages))


def _correlation(one: FloatArray, other: FloatArray) -> float:
    if not (one.std() and other.std()):
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])


def resolution_diagonal(
    problem: LinearProblem,
    prior: GaussianPrior,
    setting: Setting,
    *,
    scales: dict[str, float] | None = None,
    n_probes: int | None = None,
    seed: int = 0,
) -> FloatArray:
    """Return the diagonal of the resolution matrix: the share of each model value that the data determine.

    If the normal equations are too large, the diagonal is estimated from models of random signs
    (Bekas, Kokiopoulou and Saad, 2007, doi:10.1016/j.apnum.2007.01.003).

    Parameters
    ----------
    problem : LinearProblem
    prior : GaussianPrior
        Its bound, if any, is not applied: resolution is a property of the linear problem.
    setting : dict of str to float
    scales : dict of str to float, optional
        Noise scales.
    n_probes : int, optional
        Number of models of random signs; by default the `n_probes` of the problem's options.
    seed : int

    Returns
    -------
    ndarray, shape (n_model,)
        0 where the prior alone determines the value, 1 where the data alone do.
    """
    root = prior.root(setting)
    system = System(problem, np.ones(problem.n_data, bool), scales=scales)
    if problem.is_dense:
        matrix, _ = system.reduced
        return np.asarray(np.diag(linalg.solve(matrix + root.precision(), matrix, assume_a="pos")))
    n_probes = problem.options.evaluation.n_probes if n_probes is None else n_probes
    rng = np.random.default_rng(seed)
    total = np.zeros(problem.n_model)
    for _ in range(n_probes):
        signs = rng.choice([-1.0, 1.0], problem.n_model)
        probe = System(problem.with_data(np.asarray(problem.operator @ signs)), system.visible, scales=scales)
        total += signs * solve_iteratively(probe, root, rng, 0).mode[: problem.n_model]
    return np.clip(total / n_probes, 0, 1)
