"""Overlap-save: blocks give the same as one convolution, for all sizes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import convolve

from selfseis.recording.overlap_save import convolve_same


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(st.integers(1, 150), st.integers(1, 1500)),
    st.tuples(st.integers(0, 20), st.integers(0, 60)),
    st.integers(0, 2**31),
)
def test_blocks_equal_the_whole(shape, reach, seed) -> None:
    rng = np.random.default_rng(seed)
    data = rng.standard_normal(shape).astype(np.float32)
    kernel = rng.standard_normal((2 * reach[0] + 1, 2 * reach[1] + 1)).astype(np.float32)
    full = convolve(data.astype(np.float64), kernel.astype(np.float64), "full", "fft")
    expected = full[reach[0] : reach[0] + shape[0], reach[1] : reach[1] + shape[1]]
    found = convolve_same(data, kernel)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=2e-6 * np.sqrt(kernel.size) * 10)


@pytest.mark.parametrize("kernel_shape", [(1, 31), (9, 1), (9, 31)])
def test_a_sample_reaches_no_farther_than_the_kernel(kernel_shape) -> None:
    data = np.zeros((90, 1300), np.float32)
    data[45, 600] = 1
    response = np.abs(convolve_same(data, np.ones(kernel_shape, np.float32))) > 1e-6
    rows, columns = np.flatnonzero(response.any(axis=1)), np.flatnonzero(response.any(axis=0))
    assert (len(rows), len(columns)) == kernel_shape
    assert rows.mean() == 45 and columns.mean() == 600


def test_the_input_does_not_change() -> None:
    data = np.arange(12, dtype=np.float32).reshape(3, 4)
    before = data.copy()
    np.testing.assert_allclose(convolve_same(data, np.array([[2]], np.float32)), 2 * data, atol=1e-5)
    np.testing.assert_array_equal(data, before)
