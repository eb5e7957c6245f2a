"""Solvers for the most plausible unknowns and posterior draws: Cholesky factors or conjugate gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.linalg import LinearOperator, cg

from selfseis.inversion.nonnegative import solve_nonnegative
from selfseis.inversion.options import SolverOptions
from selfseis.inversion.posterior import Draws, Root
from selfseis.inversion.problem import LinearProblem, Matrix
from selfseis.inversion.whitened_system import System
from selfseis.typing import BoolArray, FloatArray


def solve_dense(
    system: System, root: Root, rng: np.random.Generator, n_samples: int, *, nonnegative: bool
) -> Draws:
    """Solve by Cholesky factors of the normal matrix, with an optional bound.

    Parameters
    ----------
    system : System
    root : Root
        Root of the prior precision of the model.
    rng : numpy.random.Generator
    n_samples : int
    nonnegative : bool
        Whether model values must not be negative.
    """
    n_model = system.problem.n_model
    options = system.problem.options.solvers
    matrix = system.matrix()
    matrix[:n_model, :n_model] += root.precision()
    bounded = np.arange(system.n_unknowns) < n_model if nonnegative else np.zeros(system.n_unknowns, bool)
    factor = None if nonnegative else linalg.cho_factor(matrix, lower=True, check_finite=False)

    def solved(right: FloatArray, start: BoolArray | None) -> FloatArray:
        if factor is None:
            return solve_nonnegative(matrix, right, bounded, start, options=options)
        return np.asarray(linalg.cho_solve(factor, right, check_finite=False))

    mode = solved(system.right(), None)
    above = mode > 0
    samples = np.empty((n_samples, system.n_unknowns))
    for sample in samples:
        right = system.noisy_right(rng)
        right[:n_model] += root.transposed_product(rng.standard_normal(n_model))
        sample[:] = solved(right, above)
    return Draws(mode, samples, lambda: _used(system, matrix, ~bounded | above))


def _used(system: System, matrix: FloatArray, free: BoolArray) -> dict[str, float]:
    """Return the trace of the share of each type of data in the posterior precision, over the free unknowns."""
    places = np.flatnonzero(free)
    factor = linalg.cho_factor(matrix[np.ix_(places, places)], lower=True, check_finite=False)
    inverse = linalg.cho_solve(factor, np.eye(places.size), check_finite=False)
    return {
        kind: float(np.sum(inverse * normal.matrix[np.ix_(places, places)]) / system.scales[kind] ** 2)
        for kind, normal in system.normals.items()
    }


def solve_iteratively(system: System, root: Root, rng: np.random.Generator, n_samples: int) -> Draws:
    """Solve by conjugate gradients on whitened unknowns, for which the prior precision is the unit matrix.

    Neither the normal matrix nor a covariance is formed: memory is that of the operator and of a few vectors.

    Parameters
    ----------
    system : System
    root : Root
        Root of the prior precision of the model.
    rng : numpy.random.Generator
    n_samples : int
        Number of draws; each needs one more solution.
    """
    n_model = system.problem.n_model
    options = system.problem.options.solvers
    nuisance_size = _nuisance_size(system)

    def unknowns(white: FloatArray) -> FloatArray:
        return np.concatenate([root.solve(white[:n_model]), white[n_model:] * nuisance_size])

    def whitened(gradient: FloatArray) -> FloatArray:
        return np.concatenate([root.solve_transposed(gradient[:n_model]), gradient[n_model:] * nuisance_size])

    def product(white: FloatArray) -> FloatArray:
        found = whitened(system.normal_product(unknowns(white)))
        found[:n_model] += white[:n_model]
        return found

    n = system.n_unknowns
    operator = LinearOperator((n, n), matvec=product, dtype=float)

    def solved(
        right: FloatArray, perturbation: FloatArray | float = 0.0, start: FloatArray | None = None
    ) -> FloatArray:
        target = whitened(right)
        target[:n_model] += perturbation
        solution, _ = cg(operator, target, x0=start, rtol=options.cg_tolerance, maxiter=options.max_cg_steps)
        return np.asarray(solution)

    best = solved(system.right())
    samples = [
        unknowns(solved(system.noisy_right(rng), rng.standard_normal(n_model), best))
        for _ in range(n_samples)
    ]
    return Draws(unknowns(best), np.array(samples).reshape(n_samples, n))


def _nuisance_size(system: System) -> FloatArray:
    """Return the scale that gives each nuisance term a diagonal of about one in the normal equations."""
    problem = system.problem
    if problem.nuisance is None:
        return np.zeros(0)
    squared = problem.nuisance**2 if isinstance(problem.nuisance, np.ndarray) else problem.nuisance.power(2)
    weight = squared.T @ system.row_precision + problem.nuisance_precision
    return 1 / np.sqrt(np.where(weight > 0, weight, 1.0))


def solve_sparse(
    problem: LinearProblem,
    row_precision: FloatArray,
    root: sparse.csr_array | None,
    *,
    n_samples: int = 0,
    seed: int = 0,
    start: FloatArray | None = None,
) -> Draws:
    """Return the most plausible unknowns and draws from their posterior (perturb data and prior, and solve).

    Parameters
    ----------
    problem : LinearProblem
        With sparse nuisance terms and uncorrelated noise; the operator may be sparse or not.
    row_precision : ndarray, shape (n_data,)
        One over the noise variance; 0 for held-out data.
    root : sparse array, shape (n_model, n_model), optional
        Root L of the prior precision ``L.T @ L``; without it the model is zero and only nuisance terms are solved.
    n_samples : int
    seed : int
        Seed of the perturbations.
    start : ndarray, shape (n_unknowns,), optional
        Start of the iteration, such as the solution of a similar problem.

    Returns
    -------
    Draws

    References
    ----------
    Papandreou and Yuille (2010), Gaussian sampling by local perturbations, NeurIPS 23.
    """
    n_model = problem.n_model
    columns = _Columns.of(problem, with_model=root is not None)
    precision = problem.nuisance_precision
    rng = np.random.default_rng(seed)
    used = slice(0 if root is not None else n_model, None)
    right = _rights(problem, columns, row_precision, root, n_samples, rng)

    def product(unknowns: FloatArray) -> FloatArray:
        found = columns.adjoint(row_precision[:, None] * columns.forward(unknowns))
        if root is not None:
            found[:n_model] += root.T @ (root @ unknowns[:n_model])
            found[n_model:] += precision[:, None] * unknowns[n_model:]
        else:
            found += precision[:, None] * unknowns
        return found

    diagonal = columns.squared_adjoint(row_precision)
    diagonal += np.concatenate([np.zeros(0) if root is None else root.power(2).sum(axis=0), precision])
    diagonal[diagonal <= 0] = 1.0  # a term without visible data and without a prior stays zero
    begin = np.zeros_like(right) if start is None else np.repeat(start[used, None], right.shape[1], axis=1)
    solved = np.zeros((problem.n_model + problem.n_nuisance, right.shape[1]))
    solved[used] = conjugate_gradients(product, right, 1 / diagonal, begin, options=problem.options.solvers)
    return Draws(solved[:, 0], solved[:, 1:].T)


def conjugate_gradients(
    product: Callable[[FloatArray], FloatArray],
    right: FloatArray,
    preconditioner: FloatArray,
    start: FloatArray,
    *,
    options: SolverOptions = SolverOptions(),
) -> FloatArray:
    """Solve for several right sides at once; each column has its own step lengths and stopping time.

    Parameters
    ----------
    product : callable
        Multiplies a matrix of shape (n, k) by the symmetric positive matrix.
    right, start : ndarray, shape (n, k)
    preconditioner : ndarray, shape (n,)
        One over the diagonal.
    options : SolverOptions
        Tolerance and maximum number of steps.

    Returns
    -------
    ndarray, shape (n, k)
    """
    solution = start.copy()
    residual = right - product(solution) if np.any(solution) else right.copy()
    scaled = preconditioner[:, None] * residual
    direction = scaled.copy()
    energy = np.sum(residual * scaled, axis=0)
    target = options.sparse_tolerance**2 * np.maximum(
        np.sum(right * (preconditioner[:, None] * right), axis=0), 1e-300
    )
    active = np.arange(right.shape[1])
    for _ in range(options.max_sparse_steps):
        moved = product(direction)
        length = energy / np.sum(direction * moved, axis=0)
        solution[:, active] += length * direction
        residual -= length * moved
        scaled = preconditioner[:, None] * residual
        new = np.sum(residual * scaled, axis=0)
        direction = scaled + new / energy * direction
        energy = new
        on = energy > target
        if not on.all():
            active, energy, target = active[on], energy[on], target[on]
            direction, residual = direction[:, on], residual[:, on]
            if not active.size:
                break
    return solution


@dataclass(frozen=True)
class _Columns:
    """The columns of the model and of the nuisance terms."""

    parts: tuple[Matrix, ...]

    @classmethod
    def of(cls, problem: LinearProblem, *, with_model: bool) -> _Columns:
        # Mixed precision would make SciPy copy a whole operator in every product.
        kind = np.dtype(problem.operator.dtype)
        nuisance = sparse.csr_array(problem.nuisance, dtype=kind)
        if not with_model:
            return cls((nuisance,))
        if isinstance(problem.operator, np.ndarray):
            return cls((problem.operator, nuisance))
        return cls((sparse.csr_array(sparse.hstack([problem.operator, nuisance], format="csr", dtype=kind)),))

    def forward(self, unknowns: FloatArray) -> FloatArray:
        """Predict the data of unknowns of shape (n_unknowns, k)."""
        ends = np.cumsum([part.shape[1] for part in self.parts])[:-1]
        shares = np.split(unknowns, ends)
        products = (part @ some.astype(part.dtype) for part, some in zip(self.parts, shares, strict=True))
        return np.asarray(sum(products), float)

    def adjoint(self, rows: FloatArray) -> FloatArray:
        """Apply the transposed columns to rows of shape (n_data, k)."""
        return np.concatenate([np.asarray(part.T @ rows.astype(part.dtype), float) for part in self.parts])

    def squared_adjoint(self, rows: FloatArray) -> FloatArray:
        """Apply the transpose of the squared columns; (n_unknowns,)."""
        squares = (part**2 if isinstance(part, np.ndarray) else part.power(2) for part in self.parts)
        return np.concatenate([np.asarray(part.T @ rows.astype(part.dtype), float) for part in squares])


def _rights(
    problem: LinearProblem,
    columns: _Columns,
    row_precision: FloatArray,
    root: sparse.csr_array | None,
    n_samples: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Return the right sides of the data, and of data and priors perturbed by their uncertainty."""
    rows = np.repeat((row_precision * problem.data)[:, None], 1 + n_samples, axis=1)
    rows[:, 1:] += np.sqrt(row_precision)[:, None] * rng.standard_normal((problem.n_data, n_samples))
    right = columns.adjoint(rows)
    n_model = 0
    if root is not None:
        n_model = problem.n_model
        right[:n_model, 1:] += root.T @ rng.standard_normal((n_model, n_samples))
    precision = problem.nuisance_precision
    right[n_model:, 1:] += np.sqrt(precision)[:, None] * rng.standard_normal((precision.size, n_samples))
    return right
