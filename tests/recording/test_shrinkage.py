"""Shrinkage: channel values that differ only by errors become equal; real differences stay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfseis.recording.shrinkage import outer_quarters, shrink_to_median

ERROR = 0.2  # of the mean of two halves


def measured(true: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    halves = true + np.sqrt(2) * ERROR * np.random.default_rng(seed).standard_normal((2, len(true)))
    return halves.mean(axis=0), halves


def test_equal_channels_become_equal() -> None:
    values, halves = measured(np.full(200, 5.0))
    shrunk = shrink_to_median(values, halves)
    assert values.std() > 0.18
    assert shrunk.std() < 0.06
    assert np.median(shrunk) == pytest.approx(5.0, abs=0.05)


def test_channels_that_differ_by_factors_keep_their_levels() -> None:
    true = np.log(3.0) * (np.arange(60) % 3)
    values, halves = measured(true)
    np.testing.assert_allclose(shrink_to_median(values, halves), values, atol=0.05)


def test_an_outlier_among_equal_channels_keeps_its_value() -> None:
    true = np.zeros(100)
    true[40] = np.log(5.0)
    values, halves = measured(true)
    shrunk = shrink_to_median(values, halves)
    assert shrunk[40] == values[40]
    assert np.delete(shrunk, 40).std() < 0.08


def test_the_error_is_below_that_of_the_measured_values_for_any_spread() -> None:
    for spread in (0.0, 0.1, 0.2, 0.4, 0.8):
        true = spread * np.random.default_rng(1).standard_normal(400)
        values, halves = measured(true, 2)
        after = np.sqrt(np.mean((shrink_to_median(values, halves) - true) ** 2))
        assert after < 1.02 * np.sqrt(np.mean((values - true) ** 2))


def test_unknown_values_and_too_few_values_do_not_change() -> None:
    values, halves = measured(np.zeros(20))
    values[3], halves[0, 5], halves[1, 6] = np.nan, np.nan, -np.inf
    shrunk = shrink_to_median(values, halves)
    np.testing.assert_array_equal(shrunk[[3, 5, 6]], values[[3, 5, 6]])
    assert (np.abs(np.delete(shrunk, [3, 5, 6])) <= np.abs(np.delete(values, [3, 5, 6])) + 0.1).all()
    np.testing.assert_array_equal(shrink_to_median(values[7:14], halves[:, 7:14]), values[7:14])


def test_equal_halves_give_no_shrinkage() -> None:
    values = np.random.default_rng(3).standard_normal(30)
    np.testing.assert_array_equal(shrink_to_median(values, np.stack([values, values])), values)


@given(st.integers(0, 1000), st.integers(8, 60), st.floats(0, 2), st.floats(-10, 10))
def test_values_move_towards_the_median_and_never_beyond(
    seed: int, n: int, spread: float, shift: float
) -> None:
    values, halves = measured(spread * np.random.default_rng(seed).standard_normal(n), seed)
    shrunk = shrink_to_median(values, halves)
    before, after = values - np.median(values), shrunk - np.median(values)
    assert (np.abs(after) <= np.abs(before) + 1e-12).all() and (after * before >= -1e-12).all()
    np.testing.assert_allclose(shrink_to_median(values + shift, halves + shift), shrunk + shift, atol=1e-9)


@pytest.mark.parametrize("n_samples", [0, 1, 4, 7, 100, 1001])
def test_halves_have_equal_size_and_equal_drift(n_samples: int) -> None:
    outer = outer_quarters(n_samples)
    assert len(outer) == n_samples
    if n_samples >= 100:
        time = np.arange(n_samples)
        assert outer.mean() == pytest.approx(0.5, abs=0.01)
        assert time[outer].mean() == pytest.approx(time[~outer].mean(), abs=1)
