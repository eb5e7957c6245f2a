"""The whitened visible data of a problem, with the same methods for dense and matrix-free problems."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.linalg import splu

from selfseis.inversion.problem import LinearProblem
from selfseis.typing import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Normal:
    """Normal equations of the visible data of one type, at noise scale one.

    Attributes
    ----------
    matrix : ndarray, shape (n_unknowns, n_unknowns)
    right : ndarray, shape (n_unknowns,)
    power : float
        Squared norm of the whitened data.
    whitened : ndarray, shape (n_rows, n_unknowns)
    """

    matrix: FloatArray
    right: FloatArray
    power: float
    whitened: FloatArray

    @property
    def n_rows(self) -> int:
        """Number of data."""
        return len(self.whitened)

    def misfit(self, unknowns: FloatArray) -> float:
        """Squared norm of the whitened residual."""
        return max(float(unknowns @ (self.matrix @ unknowns) - 2 * self.right @ unknowns + self.power), 0.0)


class System:
    """Visible rows of a problem, whitened by the noise; the unknowns are the model, then the nuisance terms.

    Parameters
    ----------
    problem : LinearProblem
    visible : ndarray of bool, shape (n_data,)
    weights : ndarray, shape (n_data,), optional
        Further weights on squared residuals, as of Student's t. By default `Noise.measure_weights` measures
        them, if it is given.
    scales : dict of str to float, optional
        Noise scale of each type of data; 1 by default.
    """

    def __init__(
        self,
        problem: LinearProblem,
        visible: BoolArray,
        weights: FloatArray | None = None,
        scales: dict[str, float] | None = None,
    ) -> None:
        self.problem = problem
        self.visible = visible
        if weights is None and problem.noise.measure_weights is not None:
            weights = problem.noise.measure_weights(problem, visible)
        self.weights = np.ones(problem.n_data) if weights is None else weights
        self.scales = dict.fromkeys(problem.noise.kinds, 1.0) | (scales or {})

    @property
    def n_unknowns(self) -> int:
        """Number of model values and nuisance terms."""
        return self.problem.n_model + self.problem.n_nuisance

    def with_scales(self, scales: dict[str, float]) -> System:
        """Return the same rows with other noise scales; computed normal equations are kept."""
        other = System(self.problem, self.visible, self.weights, scales)
        if self.problem.is_dense:
            other.__dict__["normals"] = self.normals
        return other

    @cached_property
    def normals(self) -> dict[str, Normal]:
        """Normal equations of each type of data that has visible rows."""
        return {kind: self._normal(rows) for kind, rows in self._visible_rows().items()}

    def _visible_rows(self) -> dict[str, IntArray]:
        kind = self.problem.noise.kind
        rows = {name: np.flatnonzero(self.visible & (kind == name)) for name in self.problem.noise.kinds}
        return {name: found for name, found in rows.items() if found.size}

    def _normal(self, rows: IntArray) -> Normal:
        problem = self.problem
        columns = [problem.operator[rows]] + ([] if problem.nuisance is None else [problem.nuisance[rows]])
        plain = np.hstack([part if isinstance(part, np.ndarray) else part.toarray() for part in columns])
        whitened = self._whiten(rows, np.column_stack([plain, problem.data[rows]]))
        columns_, data = whitened[:, :-1], whitened[:, -1]
        return Normal(columns_.T @ columns_, columns_.T @ data, float(data @ data), columns_)

    def _whiten(self, rows: IntArray, values: FloatArray) -> FloatArray:
        noise = self.problem.noise
        kind = str(noise.kind[rows[0]])
        root_weight = np.sqrt(self.weights[rows])
        if kind not in noise.covariance:
            return values * (root_weight / noise.sd[rows])[:, None]
        of_kind = np.searchsorted(np.flatnonzero(noise.kind == kind), rows)
        covariance = noise.covariance[kind][np.ix_(of_kind, of_kind)]
        factor = linalg.cholesky(
            covariance / np.outer(root_weight, root_weight), lower=True, check_finite=False
        )
        return np.asarray(linalg.solve_triangular(factor, values, lower=True, check_finite=False))

    # --- dense ---------------------------------------------------------------------------------------------

    def matrix(self) -> FloatArray:
        """Return the normal matrix with the precision of the nuisance terms; (n_unknowns, n_unknowns)."""
        total = np.zeros((self.n_unknowns, self.n_unknowns))
        for kind, normal in self.normals.items():
            total += normal.matrix / self.scales[kind] ** 2
        diagonal = np.arange(self.problem.n_model, self.n_unknowns)
        total[diagonal, diagonal] += self.problem.nuisance_precision
        return total

    def right(self) -> FloatArray:
        """Return the right side of the normal equations; (n_unknowns,)."""
        if not self.problem.is_dense:
            return self.adjoint(self.row_precision * self.problem.data)
        parts = (normal.right / self.scales[kind] ** 2 for kind, normal in self.normals.items())
        return np.sum([np.zeros(self.n_unknowns), *parts], axis=0)

    def noisy_right(self, rng: np.random.Generator) -> FloatArray:
        """Return the right side for data with added noise and for drawn nuisance priors.

        Solutions of such perturbed problems are draws from the posterior (perturb and solve; Papandreou and
        Yuille, 2010).
        """
        if self.problem.is_dense:
            right = self.right()
            for kind, normal in self.normals.items():
                right = right + normal.whitened.T @ rng.standard_normal(normal.n_rows) / self.scales[kind]
        else:
            noise = np.sqrt(self.row_precision) * rng.standard_normal(self.problem.n_data)
            right = self.adjoint(self.row_precision * self.problem.data + noise)
        precision = self.problem.nuisance_precision
        right[self.problem.n_model :] += np.sqrt(precision) * rng.standard_normal(precision.size)
        return right

    # --- matrix-free (uncorrelated noise) ------------------------------------------------------------------

    @cached_property
    def row_precision(self) -> FloatArray:
        """One over the noise variance of each row, zero for held-out rows; (n_data,)."""
        noise = self.problem.noise
        if noise.covariance:
            raise ValueError(f"too many unknowns for correlated noise ({self.n_unknowns}): use fewer cells")
        sd = noise.sd * noise.of_kinds(self.scales)
        return np.where(self.visible, self.weights / sd**2, 0.0)

    def forward(self, unknowns: FloatArray) -> FloatArray:
        """Predict all data, including held-out data; (n_data,)."""
        problem = self.problem
        predicted = problem.operator @ unknowns[: problem.n_model]
        if problem.nuisance is not None:
            predicted = predicted + problem.nuisance @ unknowns[problem.n_model :]
        return np.asarray(predicted)

    def adjoint(self, rows: FloatArray) -> FloatArray:
        """Apply the transposed operator; (n_unknowns,)."""
        problem = self.problem
        parts = [problem.operator.T @ rows] + (
            [] if problem.nuisance is None else [problem.nuisance.T @ rows]
        )
        return np.concatenate(parts)

    def normal_product(self, unknowns: FloatArray) -> FloatArray:
        """Multiply by the normal matrix, the precision of the nuisance terms included."""
        product = self.adjoint(self.row_precision * self.forward(unknowns))
        product[self.problem.n_model :] += self.problem.nuisance_precision * unknowns[self.problem.n_model :]
        return product

    # --- the model alone, nuisance terms eliminated ------------------------------------------------------

    def best_nuisance(self, model: FloatArray, right: FloatArray) -> FloatArray:
        """Return the best nuisance terms for a given model; (n_nuisance,)."""
        if not self.problem.n_nuisance:
            return np.zeros(0)
        n = self.problem.n_model
        from_model = self._product(np.concatenate([model, np.zeros(self.problem.n_nuisance)]))[n:]
        return np.asarray(self._solve_nuisance(right[n:] - from_model))

    def _product(self, unknowns: FloatArray) -> FloatArray:
        return self._formed @ unknowns if self.problem.is_dense else self.normal_product(unknowns)

    @cached_property
    def _formed(self) -> FloatArray:
        return self.matrix()

    @cached_property
    def reduced(self) -> tuple[FloatArray, FloatArray]:
        """Normal matrix of the model without the nuisance terms, and the matrix that eliminates their right side."""
        n = self.problem.n_model
        matrix = self._formed
        if not self.problem.n_nuisance:
            return matrix, np.zeros((n, 0))
        share = self._solve_nuisance(matrix[n:, :n]).T
        return matrix[:n, :n] - share @ matrix[n:, :n], share

    @cached_property
    def _solve_nuisance(self) -> Callable[[FloatArray], FloatArray]:
        n, problem = self.problem.n_model, self.problem
        if problem.is_dense:
            factor = linalg.cho_factor(self._formed[n:, n:])
            return lambda right: linalg.cho_solve(factor, right)
        columns = sparse.csr_array(problem.nuisance)
        weighted = sparse.diags_array(self.row_precision) @ columns
        matrix = columns.T @ weighted + sparse.diags_array(problem.nuisance_precision)
        return splu(sparse.csc_array(matrix)).solve
