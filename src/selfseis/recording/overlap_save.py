"""Convolution of all channels with one short kernel, by overlap-save."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from selfseis.typing import Float32Array

MIN_ROWS, MIN_COLUMNS = 64, 512  # of a block
TIMES_KERNEL = 6  # minimum length of a block in kernel lengths: overlaps are computed twice


def convolve_same(data: Float32Array, kernel: Float32Array) -> Float32Array:
    """Convolve data with a kernel of odd size, zeros beyond the ends: *mode* "same" of SciPy.

    Overlap-save, block by block: `scipy.signal.oaconvolve` transforms all blocks at once and takes three times as long,
    because they do not fit into a processor's cache together.

    Parameters
    ----------
    data : ndarray, shape (n_channels, n_samples)
        Without NaN.
    kernel : ndarray, shape (n_rows, n_lags)
        Both odd.

    Returns
    -------
    ndarray, shape (n_channels, n_samples)
    """
    from scipy.fft import irfftn, rfftn

    reach = kernel.shape[0] // 2, kernel.shape[1] // 2
    size = (
        _block_length(data.shape[0], kernel.shape[0], MIN_ROWS),
        _block_length(data.shape[1], kernel.shape[1], MIN_COLUMNS),
    )
    axes = (0, 1) if reach[0] else (1,)
    lengths = [size[axis] for axis in axes]
    response = rfftn(kernel, lengths, axes)
    result = np.empty_like(data)
    for read_rows, rows, inner_rows in _blocks(data.shape[0], size[0], reach[0]):
        for read_columns, columns, inner_columns in _blocks(data.shape[1], size[1], reach[1]):
            spectrum = rfftn(data[read_rows, read_columns], lengths, axes)
            spectrum *= response
            result[rows, columns] = irfftn(spectrum, lengths, axes)[inner_rows, inner_columns]
    return result


def _block_length(n_values: int, n_kernel: int, min_length: int) -> int:
    from scipy.fft import next_fast_len

    return int(
        next_fast_len(min(n_values + n_kernel - 1, max(min_length, TIMES_KERNEL * n_kernel)), real=True)
    )


def _blocks(n_values: int, size: int, reach: int) -> Iterator[tuple[slice, slice, slice]]:
    """Yield the slices to read and to write, and the position of the latter in the circular convolution."""
    step = size - 2 * reach
    for start in range(0, n_values, step):
        first, end = max(start - reach, 0), min(start + step, n_values)
        inner = start - first + reach
        yield slice(first, end + reach), slice(start, end), slice(inner, inner + end - start)
