"""Shrinkage of channel values towards their median; the error is the difference of two halves of the time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfseis.typing import BoolArray, FloatArray


def outer_quarters(n_samples: int) -> BoolArray:
    """Return the outer quarters of the samples, one of two halves with equal mean time, so that drift affects both.

    Shorter alternating pieces would not be independent: neighbouring pieces of smooth data are correlated.
    """
    quarter = 4 * np.arange(n_samples) // max(n_samples, 1)
    return (quarter == 0) | (quarter == 3)


def shrink_to_median(
    values: NDArray[Any],
    halves: NDArray[Any],
    *,
    min_channels: int = 8,
    full_below: float = 3.0,
    none_above: float = 6.0,
) -> FloatArray:
    """Shrink one value per channel towards the median of all, by the share of their spread that is error.

    The difference between the halves is twice the error of the whole; the rest of the spread is real, the
    reliability of Spearman and Brown. The shrinkage is limited: clear outliers keep their values.

    Parameters
    ----------
    values : ndarray, shape (n_channels,)
        Measured on the whole time; logarithms of quantities that differ by factors. Not finite where unknown.
    halves : ndarray, shape (2, n_channels)
        The same, measured on each half.
    min_channels : int
        Number of channels below which their spread is unknown, and nothing is shrunk.
    full_below, none_above : float
        Distances from the median in errors: full shrinkage below the first, none above the second.

    Returns
    -------
    ndarray, shape (n_channels,)
        The original values where they or their halves are unknown, or too few are known.

    References
    ----------
    Brown, W. (1910). Some experimental results in the correlation of mental abilities. Br. J. Psychol. 3, 296-322.
    doi:10.1111/j.2044-8295.1910.tb00207.x

    Efron, B., Morris, C. (1972). Limiting the risk of Bayes and empirical Bayes estimators, part II. J. Am. Stat.
    Assoc. 67, 130-139. doi:10.1080/01621459.1972.10481215
    """
    shrunk = np.array(values, np.float64)
    known = np.isfinite(shrunk) & np.isfinite(halves).all(axis=0)
    if np.count_nonzero(known) < min_channels:
        return shrunk
    error = _spread(halves[0, known] - halves[1, known]) / 2
    deviation = shrunk[known] - np.median(shrunk[known])
    spread = _spread(deviation)
    if error > 0 and spread > 0:
        weight = np.clip((none_above - np.abs(deviation) / error) / (none_above - full_below), 0, 1)
        shrunk[known] -= min(1.0, (error / spread) ** 2) * weight * deviation
    return shrunk


def _spread(values: NDArray[Any]) -> float:
    return float(1.4826 * np.median(np.abs(values - np.median(values))))
