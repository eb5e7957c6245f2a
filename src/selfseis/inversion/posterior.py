"""Draws from a posterior, and the root of a prior precision matrix that makes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.linalg import splu

from selfseis.typing import FloatArray


@dataclass(frozen=True)
class Draws:
    """Most plausible unknowns and draws from their posterior.

    Attributes
    ----------
    mode : ndarray, shape (n_unknowns,)
        Most plausible model values, then nuisance terms.
    samples : ndarray, shape (n_samples, n_unknowns)
        Draws from the posterior.
    used : callable, optional
        Number of unknowns that each type of data determines; None if not computed.
    """

    mode: FloatArray
    samples: FloatArray
    used: Callable[[], dict[str, float]] | None = None


class Root:
    """The root L of a precision matrix ``L.T @ L``; L turns a draw of the prior into white noise.

    Parameters
    ----------
    matrix : ndarray or sparse array, shape (n_model, n_model)
        Square and invertible.
    """

    def __init__(self, matrix: FloatArray | sparse.sparray) -> None:
        self.matrix = matrix
        self._solvers: tuple | None = None

    @property
    def _solve(self):  # type: ignore[no-untyped-def]
        if self._solvers is None:
            if sparse.issparse(self.matrix):
                sparse_factor = splu(sparse.csc_array(self.matrix))
                self._solvers = sparse_factor.solve, lambda w: sparse_factor.solve(w, trans="T")
            else:
                factor = linalg.lu_factor(self.matrix)
                self._solvers = (
                    lambda w: linalg.lu_solve(factor, w),
                    lambda w: linalg.lu_solve(factor, w, trans=1),
                )
        return self._solvers

    def solve(self, white: FloatArray) -> FloatArray:
        """Solve ``L @ model = white``; (n_model,) or (n_model, n)."""
        return np.asarray(self._solve[0](white))

    def solve_transposed(self, model: FloatArray) -> FloatArray:
        """Solve with the transpose of L."""
        return np.asarray(self._solve[1](model))

    def transposed_product(self, white: FloatArray) -> FloatArray:
        """Multiply by the transpose of L."""
        return np.asarray(self.matrix.T @ white)

    def precision(self) -> FloatArray:
        """Return ``L.T @ L`` as a dense matrix; (n_model, n_model)."""
        found = self.matrix.T @ self.matrix
        return found if isinstance(found, np.ndarray) else np.asarray(found.toarray())
