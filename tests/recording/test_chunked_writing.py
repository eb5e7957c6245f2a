"""Blocks of any length are written in whole chunks, each sample once."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from selfseis.recording.netcdf_zarr import _in_whole_chunks


@given(
    lengths=st.lists(st.tuples(st.integers(0, 20), st.integers(1, 30)), min_size=1, max_size=12),
    length=st.integers(1, 16),
)
def test_each_sample_comes_once_and_chunks_are_not_cut(lengths, length) -> None:
    blocks, end = [], 0
    for gap, size in lengths:
        first = end + gap
        blocks.append((first, np.arange(first, first + size, dtype=np.float32)[None]))
        end = first + size
    written = list(_in_whole_chunks(iter(blocks), length))
    np.testing.assert_array_equal(
        np.concatenate([block[0] for _, block in written]), np.concatenate([block[0] for _, block in blocks])
    )
    for first, block in written:
        assert block[0, 0] == first
        np.testing.assert_array_equal(np.diff(block[0]), 1)
    touched = [
        chunk
        for first, b in written
        for chunk in range(first // length, (first + b.shape[1] - 1) // length + 1)
    ]
    gaps = sum(gap > 0 for gap, _ in lengths[1:])
    assert len(touched) - len(set(touched)) <= gaps
