"""Large sparse problems: conjugate gradients on the model itself, mode and posterior draws side by side.

`solve` whitens the unknowns, which needs a factor of the prior; in a volume of tens of thousands of cells that
factor fills up. Here only products with sparse matrices are needed, and the products of all draws share one pass
through the operator. Memory is that of the operator and of a few vectors a draw; a million rays fit into a few GB.
Beyond one machine, the rows of the operator are what to deal out (a Dask array of sparse blocks): each product is a
sum over rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from selfseis.invert.problem import LinearProblem, Matrix
from selfseis.invert.solve import Draws

Vector = NDArray[np.float64]

TOLERANCE = 1e-3
MOST_STEPS = 250


def solve_sparse(
    problem: LinearProblem,
    row_precision: Vector,
    root: sparse.csr_array | None,
    *,
    n_samples: int = 0,
    seed: int = 0,
    start: Vector | None = None,
) -> Draws:
    """Return the most plausible unknowns and draws from their posterior (perturb data and prior, and solve).

    Parameters
    ----------
    problem : LinearProblem
        With sparse nuisance terms and uncorrelated noise; the operator may be sparse or not.
    row_precision : ndarray, shape (n_data,)
        One over the noise variance; 0 for data that are hidden.
    root : sparse array, shape (n_model, n_model), optional
        Root L of the prior precision ``L.T @ L``; without it the model is zero and only nuisance terms are solved.
    n_samples : int
    seed : int
        Seed of the perturbations.
    start : ndarray, shape (n_unknowns,), optional
        Where to begin, such as the solution of a similar problem.

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

    def product(unknowns: NDArray[np.float64]) -> NDArray[np.float64]:
        found = columns.adjoint(row_precision[:, None] * columns.forward(unknowns))
        if root is not None:
            found[:n_model] += root.T @ (root @ unknowns[:n_model])
            found[n_model:] += precision[:, None] * unknowns[n_model:]
        else:
            found += precision[:, None] * unknowns
        return found

    diagonal = columns.squared_adjoint(row_precision)
    diagonal += np.concatenate([np.zeros(0) if root is None else root.power(2).sum(axis=0), precision])
    diagonal[diagonal <= 0] = 1.0  # a term that no visible datum knows and no prior bounds stays zero
    begin = np.zeros_like(right) if start is None else np.repeat(start[used, None], right.shape[1], axis=1)
    solved = np.zeros((problem.n_model + problem.n_nuisance, right.shape[1]))
    solved[used] = conjugate_gradients(product, right, 1 / diagonal, begin)
    return Draws(solved[:, 0], solved[:, 1:].T)


def conjugate_gradients(
    product: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    right: NDArray[np.float64],
    preconditioner: Vector,
    start: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Solve for several right sides at once; each column has its own step lengths and stops by itself.

    Parameters
    ----------
    product : callable
        Multiplies a matrix of shape (n, k) by the symmetric positive matrix.
    right, start : ndarray, shape (n, k)
    preconditioner : ndarray, shape (n,)
        One over the diagonal.

    Returns
    -------
    ndarray, shape (n, k)
    """
    solution = start.copy()
    residual = right - product(solution) if np.any(solution) else right.copy()
    scaled = preconditioner[:, None] * residual
    direction = scaled.copy()
    energy = np.sum(residual * scaled, axis=0)
    target = TOLERANCE**2 * np.maximum(np.sum(right * (preconditioner[:, None] * right), axis=0), 1e-300)
    active = np.arange(right.shape[1])
    for _ in range(MOST_STEPS):
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
    """What the model and the nuisance terms do to the data, side by side."""

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

    def forward(self, unknowns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Predict the data of unknowns of shape (n_unknowns, k)."""
        ends = np.cumsum([part.shape[1] for part in self.parts])[:-1]
        shares = np.split(unknowns, ends)
        products = (part @ some.astype(part.dtype) for part, some in zip(self.parts, shares, strict=True))
        return np.asarray(sum(products), float)

    def adjoint(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Apply the transposed columns to rows of shape (n_data, k)."""
        return np.concatenate([np.asarray(part.T @ rows.astype(part.dtype), float) for part in self.parts])

    def squared_adjoint(self, rows: Vector) -> Vector:
        """Apply the transpose of the squared columns; (n_unknowns,)."""
        squares = (part**2 if isinstance(part, np.ndarray) else part.power(2) for part in self.parts)
        return np.concatenate([np.asarray(part.T @ rows.astype(part.dtype), float) for part in squares])


def _rights(
    problem: LinearProblem,
    columns: _Columns,
    row_precision: Vector,
    root: sparse.csr_array | None,
    n_samples: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Right sides: that of the data, and those of data and priors perturbed by what they are uncertain by."""
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
