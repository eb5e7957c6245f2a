"""Fit of large sparse problems with nuisance terms of searched prior sizes and Student's t noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
from scipy import sparse

from selfseis.inversion.block_terms import student_weights
from selfseis.inversion.posterior import Draws
from selfseis.inversion.priors import Setting
from selfseis.inversion.problem import LinearProblem
from selfseis.inversion.solvers import solve_sparse
from selfseis.typing import BoolArray, FloatArray, IntArray

Axes = Mapping[str, Sequence[float]]


class SearchedPrior(Protocol):
    """A prior whose settings are searched axis by axis.

    Attributes
    ----------
    name : str
    axes : mapping of str to sequence of float
        Candidates for each hyperparameter, ascending.
    """

    name: str

    @property
    def axes(self) -> Axes:
        """Candidates for each hyperparameter."""
        ...

    def solve_rows(
        self,
        problem: LinearProblem,
        row_precision: FloatArray,
        setting: Setting,
        *,
        n_samples: int = 0,
        seed: int = 0,
        start: FloatArray | None = None,
    ) -> Draws:
        """Return the most plausible unknowns and draws from their posterior."""
        ...


@dataclass(frozen=True)
class TermProblem:
    """A sparse problem with nuisance terms whose prior sizes are also searched.

    Attributes
    ----------
    problem : LinearProblem
        With sparse operator and nuisance, and Student's t noise.
    searched : ndarray of bool, shape (n_nuisance,)
        Terms (of stations) whose prior standard deviation the setting ``terms`` multiplies.
    """

    problem: LinearProblem
    searched: BoolArray

    def at(self, setting: Setting) -> LinearProblem:
        """Return the problem with the prior sizes of a setting."""
        assert self.problem.nuisance_sd is not None
        factor = np.where(self.searched, setting.get("terms", 1.0), 1.0)
        return replace(self.problem, nuisance_sd=self.problem.nuisance_sd * factor)

    @cached_property
    def kinds(self) -> list[str]:
        """Types of data."""
        return self.problem.noise.kinds


@dataclass
class TermFit:
    """A fit with its noise scales and weights.

    Attributes
    ----------
    draws : Draws
    scales : dict of str to float
        Factor on the stated noise, by type of data.
    weights : ndarray, shape (n_data,)
        Weights of Student's t.
    setting : dict
    """

    draws: Draws
    scales: dict[str, float]
    weights: FloatArray
    setting: Setting


def noise_sd(problem: LinearProblem, scales: Mapping[str, float]) -> FloatArray:
    """Return the standard deviation of the noise of all data under `scales`; (n_data,)."""
    return problem.noise.sd * problem.noise.of_kinds(scales)


def solve_terms(
    terms: TermProblem,
    prior: SearchedPrior | None,
    setting: Setting,
    visible: BoolArray,
    *,
    scales: Mapping[str, float] | None = None,
    weights: FloatArray | None = None,
    reweightings: int = 0,
    n_samples: int = 0,
    seed: int = 0,
    start: FloatArray | None = None,
) -> TermFit:
    """Fit visible data; `reweightings` rounds estimate the noise scales and Student's weights first.

    Parameters
    ----------
    terms : TermProblem
    prior : SearchedPrior or None
        None fits nuisance terms alone, as the null.
    setting : dict
    visible : ndarray of bool, shape (n_data,)
    scales, weights : optional
        Values of an earlier fit.
    reweightings : int
        Number of rounds of reweighting.
    n_samples, seed : int
        Number of posterior draws, and their seed.
    start : ndarray, shape (n_unknowns,), optional
        Unknowns of an earlier fit, which start the iteration.
    """
    problem = terms.at(setting)
    scale = dict(scales or dict.fromkeys(terms.kinds, 1.0))
    weight = np.ones(problem.n_data) if weights is None else weights
    mode = start
    for _ in range(reweightings):
        mode = _solved(problem, prior, setting, _precision(problem, visible, weight, scale), start=mode).mode
        scale, weight = _reweighted(problem, visible, mode, scale, with_model=prior is not None)
    precision = _precision(problem, visible, weight, scale)
    draws = _solved(problem, prior, setting, precision, n_samples=n_samples, seed=seed, start=mode)
    return TermFit(draws, scale, weight, setting)


def _solved(
    problem: LinearProblem,
    prior: SearchedPrior | None,
    setting: Setting,
    precision: FloatArray,
    *,
    n_samples: int = 0,
    seed: int = 0,
    start: FloatArray | None = None,
) -> Draws:
    if prior is None:
        return solve_sparse(problem, precision, None, n_samples=n_samples, seed=seed, start=start)
    return prior.solve_rows(problem, precision, setting, n_samples=n_samples, seed=seed, start=start)


def _precision(
    problem: LinearProblem, visible: BoolArray, weights: FloatArray, scales: Mapping[str, float]
) -> FloatArray:
    return np.where(visible, weights / noise_sd(problem, scales) ** 2, 0.0)


def _reweighted(
    problem: LinearProblem,
    visible: BoolArray,
    mode: FloatArray,
    scales: dict[str, float],
    *,
    with_model: bool,
) -> tuple[dict[str, float], FloatArray]:
    """Return noise scales by the expectation-maximisation of Student's t, and their weights."""
    dof = problem.noise.student_dof
    residual = problem.data - predicted(problem, mode, np.arange(problem.n_data), with_model=with_model)
    new = dict(scales)
    for kind in problem.noise.kinds:
        rows = visible & (problem.noise.kind == kind)
        if not rows.any():
            continue
        of_kind = residual[rows] / problem.noise.sd[rows]
        weight = np.ones(of_kind.size) if dof is None else student_weights(of_kind / scales[kind], dof)
        free = max(problem.options.fit.min_free_share_of_terms, 1 - _terms_used(problem, rows) / of_kind.size)
        new[kind] = float(np.sqrt(max(np.mean(weight * of_kind**2) / free, 1e-6)))
    normalised = residual / noise_sd(problem, new)
    return new, np.ones(problem.n_data) if dof is None else student_weights(normalised, dof)


def _terms_used(problem: LinearProblem, rows: BoolArray) -> float:
    """Return the number of nuisance terms that data of one type determine, from their share of each term."""
    assert problem.nuisance is not None
    squared = sparse.csr_array(problem.nuisance).power(2)
    every = squared.T @ (1 / problem.noise.sd**2)
    part = squared[np.flatnonzero(rows)].T @ (1 / problem.noise.sd[rows] ** 2)
    return float(np.sum(part / (every + problem.nuisance_precision + 1e-12)))


def predicted(
    problem: LinearProblem, unknowns: FloatArray, rows: IntArray, *, with_model: bool = True
) -> FloatArray:
    """Predict some data from unknowns of shape (n_unknowns,) or (n_unknowns, n)."""
    assert problem.nuisance is not None
    n = problem.n_model
    found = problem.nuisance[rows] @ unknowns[n:]
    if with_model:
        found = found + problem.operator[rows] @ unknowns[:n].astype(problem.operator.dtype)
    return np.asarray(found, float)
