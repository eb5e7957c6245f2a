"""The most plausible unknowns and their posterior: Cholesky for few unknowns, conjugate gradients for many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from scipy.sparse.linalg import LinearOperator, cg

from selfseis.invert.nonnegative import solve_nonnegative
from selfseis.invert.system import System, Vector

if TYPE_CHECKING:
    from selfseis.invert.priors import Root

TOLERANCE = 1e-7
MOST_STEPS = 500


@dataclass(frozen=True)
class Draws:
    """The outcome of a fit.

    Attributes
    ----------
    mode : ndarray, shape (n_unknowns,)
        Most plausible model values, then nuisance terms.
    samples : ndarray, shape (n_samples, n_unknowns)
        Draws from the posterior.
    used : callable, optional
        Number of unknowns that each type of data has fixed; empty where this was not computed.
    """

    mode: Vector
    samples: NDArray[np.float64]
    used: Callable[[], dict[str, float]] | None = None


def solve_dense(
    system: System, root: Root, rng: np.random.Generator, n_samples: int, *, nonnegative: bool
) -> Draws:
    """Solve by Cholesky factors of the normal matrix, with a bound if one is asked for.

    Parameters
    ----------
    system : System
    root : Root
        Of the prior precision of the model.
    rng : numpy.random.Generator
    n_samples : int
    nonnegative : bool
        Whether model values must not be negative.
    """
    n_model = system.problem.n_model
    matrix = system.matrix()
    matrix[:n_model, :n_model] += root.precision()
    bounded = np.arange(system.n_unknowns) < n_model if nonnegative else np.zeros(system.n_unknowns, bool)
    factor = None if nonnegative else linalg.cho_factor(matrix, lower=True, check_finite=False)

    def solved(right: Vector, start: NDArray[np.bool_] | None) -> Vector:
        if factor is None:
            return solve_nonnegative(matrix, right, bounded, start)
        return np.asarray(linalg.cho_solve(factor, right, check_finite=False))

    mode = solved(system.right(), None)
    above = mode > 0
    samples = np.empty((n_samples, system.n_unknowns))
    for sample in samples:
        right = system.noisy_right(rng)
        right[:n_model] += root.transposed_product(rng.standard_normal(n_model))
        sample[:] = solved(right, above)
    return Draws(mode, samples, lambda: _used(system, matrix, ~bounded | above))


def _used(system: System, matrix: NDArray[np.float64], free: NDArray[np.bool_]) -> dict[str, float]:
    """Trace of each data type's share in the posterior precision, over the unknowns that are off their bound."""
    places = np.flatnonzero(free)
    factor = linalg.cho_factor(matrix[np.ix_(places, places)], lower=True, check_finite=False)
    inverse = linalg.cho_solve(factor, np.eye(places.size), check_finite=False)
    return {
        kind: float(np.sum(inverse * normal.matrix[np.ix_(places, places)]) / system.scales[kind] ** 2)
        for kind, normal in system.normals.items()
    }


def solve_iteratively(system: System, root: Root, rng: np.random.Generator, n_samples: int) -> Draws:
    """Solve by conjugate gradients on whitened unknowns, in which the prior is the unit matrix.

    Neither the normal matrix nor a covariance is formed: memory is that of the operator and of a few vectors.

    Parameters
    ----------
    system : System
    root : Root
        Of the prior precision of the model.
    rng : numpy.random.Generator
    n_samples : int
        Each costs one more solution.
    """
    n_model = system.problem.n_model
    nuisance_size = _nuisance_size(system)

    def unknowns(white: Vector) -> Vector:
        return np.concatenate([root.solve(white[:n_model]), white[n_model:] * nuisance_size])

    def whitened(gradient: Vector) -> Vector:
        return np.concatenate([root.solve_transposed(gradient[:n_model]), gradient[n_model:] * nuisance_size])

    def product(white: Vector) -> Vector:
        found = whitened(system.normal_product(unknowns(white)))
        found[:n_model] += white[:n_model]
        return found

    n = system.n_unknowns
    operator = LinearOperator((n, n), matvec=product, dtype=float)

    def solved(right: Vector, perturbation: Vector | float = 0.0, start: Vector | None = None) -> Vector:
        target = whitened(right)
        target[:n_model] += perturbation
        return np.asarray(cg(operator, target, x0=start, rtol=TOLERANCE, maxiter=MOST_STEPS)[0])

    best = solved(system.right())
    samples = [
        unknowns(solved(system.noisy_right(rng), rng.standard_normal(n_model), best))
        for _ in range(n_samples)
    ]
    return Draws(unknowns(best), np.array(samples).reshape(n_samples, n))


def _nuisance_size(system: System) -> Vector:
    """Return the size that makes each nuisance term weigh about one in its own normal equation."""
    problem = system.problem
    if problem.nuisance is None:
        return np.zeros(0)
    squared = problem.nuisance**2 if isinstance(problem.nuisance, np.ndarray) else problem.nuisance.power(2)
    weight = squared.T @ system.row_precision + problem.nuisance_precision
    return 1 / np.sqrt(np.where(weight > 0, weight, 1.0))
