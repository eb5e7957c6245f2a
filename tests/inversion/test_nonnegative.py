"""Least squares with a bound: the optimality conditions hold, whatever the problem."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from selfseis.inversion.nonnegative import solve_nonnegative


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 25), st.integers(0, 10**6), st.floats(0, 1))
def test_no_other_model_is_better(n: int, seed: int, share_bounded: float) -> None:
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((n + 3, n))
    matrix, right = root.T @ root + 1e-3 * np.eye(n), rng.standard_normal(n)
    bounded = rng.random(n) < share_bounded
    found = solve_nonnegative(matrix, right, bounded, start=rng.random(n) < 0.5)
    gradient = matrix @ found - right
    assert (found[bounded] >= 0).all()
    assert np.abs(gradient[~bounded | (found > 0)]).max(initial=0) < 1e-7
    assert (gradient[bounded & (found == 0)] > -1e-7).all()


def test_agrees_with_scipy() -> None:
    rng = np.random.default_rng(1)
    columns, data = rng.standard_normal((60, 40)), rng.standard_normal(60)
    found = solve_nonnegative(columns.T @ columns, columns.T @ data, np.ones(40, bool))
    np.testing.assert_allclose(found, nnls(columns, data)[0], atol=1e-8)
