"""Samples in single precision, without an offset beside which single precision could not hold the signal."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from selfseis.quality_log import QualityLog
from selfseis.typing import Float32Array, FloatArray

N_SEEN = 4096
"""Number of samples from which an offset is measured."""
_MAX_ROUNDING = 0.01
"""Error of single precision, as a share of the spread of the samples, beyond which an offset is removed."""
_OFFSET_BITS = 10  # an offset is rounded to these, so that it does not depend on the first sample read


def is_exact(dtype: npt.DTypeLike) -> bool:
    """Whether single precision holds every number of a type: float32 and integers of at most 16 bits."""
    return np.can_cast(dtype, np.float32, "safe")


def removable_offsets(samples: npt.NDArray[Any]) -> FloatArray:
    """Return the offset of each channel that has to be removed; zero where single precision holds the signal.

    Parameters
    ----------
    samples : ndarray, shape (n_channels, n_samples)
        The first samples of each channel, in any number type; NaN where there is no data.

    Returns
    -------
    ndarray, shape (n_channels,)
        The rounded median of a channel if single precision changes its samples by more than 1% of their spread.

    Examples
    --------
    >>> import numpy as np
    >>> removable_offsets(np.array([[10, 12, 9, 11], [1_000_000_010, 1_000_000_012, 1_000_000_009, 1_000_000_011]]))
    array([0.e+00, 1.e+09])
    """
    values = np.atleast_2d(np.asarray(samples, dtype=np.float64))
    return np.array([_offset(row[np.isfinite(row)]) for row in values])


def in_single_precision(
    values: npt.NDArray[Any], offsets: FloatArray, label: str, quality_log: QualityLog
) -> Float32Array:
    """Return samples as float32 after the removal of offsets; what is then too large is masked and counted.

    Parameters
    ----------
    values : ndarray, shape (n_channels, n_samples)
        Samples in any number type.
    offsets : ndarray, shape (n_channels,)
        As `removable_offsets` returns them.
    label : str
        The channel, for the quality log.
    quality_log : QualityLog
        Receives the removal and the masked samples.
    """
    for offset in offsets[offsets != 0][:1]:
        detail = f"an offset of {offset:g} is subtracted: single precision cannot hold the signal beside it"
        quality_log.add("offset", label, detail)
    with np.errstate(over="ignore"):
        single = (values - offsets[:, None] if offsets.any() else values).astype(np.float32)
    beyond = np.isinf(single)
    if beyond.any():
        single[beyond] = np.nan
        count = int(beyond.sum())
        quality_log.add("nan", label, f"{count} samples are too large for single precision: masked", count)
    return single


def single_precision_of(values: npt.NDArray[Any], quality_log: QualityLog) -> Float32Array:
    """Return an array in memory as float32, each channel without an offset that single precision cannot hold.

    Parameters
    ----------
    values : ndarray, shape (n_channels, n_samples)
        Samples in any number type.
    quality_log : QualityLog
        Receives the removal and the masked samples.
    """
    if is_exact(values.dtype):
        return np.asarray(values, dtype=np.float32)
    return in_single_precision(values, removable_offsets(values[:, :N_SEEN]), "array", quality_log)


def _offset(samples: FloatArray) -> float:
    if samples.size == 0:
        return 0.0
    median = float(np.median(samples))
    with np.errstate(over="ignore"):
        rounding = np.abs(samples.astype(np.float32).astype(np.float64) - samples)
    spread = float(np.median(np.abs(samples - median)))
    if median == 0 or spread == 0 or float(rounding.max()) <= _MAX_ROUNDING * spread:
        return 0.0
    step = 2.0 ** (np.ceil(np.log2(abs(median))) - _OFFSET_BITS)
    return float(np.round(median / step) * step)
