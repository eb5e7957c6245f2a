"""Least squares with some non-negative unknowns, from the normal equations."""

from __future__ import annotations

import numpy as np
from scipy import linalg

from selfseis.inversion.options import SolverOptions
from selfseis.typing import BoolArray, FloatArray


def solve_nonnegative(
    matrix: FloatArray,
    right: FloatArray,
    bounded: BoolArray,
    start: BoolArray | None = None,
    *,
    options: SolverOptions = SolverOptions(),
) -> FloatArray:
    """Minimise ``x @ matrix @ x / 2 - right @ x`` with ``x[bounded] >= 0``, by block principal pivoting.

    Parameters
    ----------
    matrix : ndarray, shape (n, n)
        Symmetric and positive definite.
    right : ndarray, shape (n,)
    bounded : ndarray of bool, shape (n,)
        Unknowns that must not be negative.
    start : ndarray of bool, shape (n,), optional
        First guess of the unknowns above zero; a good guess saves time and does not change the result.
    options : SolverOptions

    Returns
    -------
    ndarray, shape (n,)

    References
    ----------
    Kim, J. and Park, H. (2011). Fast nonnegative matrix factorization: an active-set-like method and comparisons.
    SIAM J. Sci. Comput. 33. doi:10.1137/110821172
    """
    free = ~bounded | (np.ones_like(bounded) if start is None else start)
    min_wrong, patience = len(right) + 1, options.swap_patience
    scale = 1e-10 * np.abs(right).max(initial=1e-300)
    for _ in range(options.max_swaps):
        values = np.zeros(len(right))
        values[free] = _solve_free(matrix, right, free)
        gradient = matrix @ values - right
        wrong = bounded & np.where(free, values < 0, gradient < -scale)
        n_wrong = int(wrong.sum())
        if n_wrong == 0:
            break
        if n_wrong < min_wrong:
            min_wrong, patience = n_wrong, options.swap_patience
        elif patience > 0:
            patience -= 1
        else:  # swapping all at once can cycle; swapping only the last one cannot
            wrong = np.arange(len(right)) == np.flatnonzero(wrong)[-1]
        free = free ^ wrong
    return np.where(bounded, np.maximum(values, 0), values)


def _solve_free(matrix: FloatArray, right: FloatArray, free: BoolArray) -> FloatArray:
    places = np.flatnonzero(free)
    if not places.size:
        return np.zeros(0)
    part = matrix if places.size == len(right) else matrix[np.ix_(places, places)]
    factor = linalg.cho_factor(part, lower=True, check_finite=False)
    return np.asarray(linalg.cho_solve(factor, right[places], check_finite=False))
