"""How far values of channels differ at all: what two halves of the time disagree about is error."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfseis.typing import BoolArray, FloatArray

MIN_CHANNELS = 8  # of fewer nobody can say how much they differ
DRAWN, KEPT = 3.0, 6.0  # errors from the median, up to which a value is drawn, and from which it is not


def outer_quarters(n_samples: int) -> BoolArray:
    """Return which samples make one of two halves, its outer quarters: what drifts, drifts through both alike.

    Quarters, not shorter pieces in turn: neighbouring pieces of smooth data agree by what they share.
    """
    quarter = 4 * np.arange(n_samples) // max(n_samples, 1)
    return (quarter == 0) | (quarter == 3)


def drawn_together(values: NDArray[Any], halves: NDArray[Any]) -> FloatArray:
    """Draw one value of each channel towards the median of all, by the share of their spread that is error.

    Values of the two halves differ by twice the error of the whole; what is then left of the spread is real, the
    reliability of Spearman and Brown. The move is limited: a channel that is plainly unlike the others keeps its own.

    Parameters
    ----------
    values : ndarray, shape (n_channels,)
        Measured on all of the time; logarithms of what differs by factors. Not finite where unknown.
    halves : ndarray, shape (2, n_channels)
        The same, measured on each half.

    Returns
    -------
    ndarray, shape (n_channels,)
        The values as they are where they or their halves are not known, or fewer than eight are.

    References
    ----------
    Brown, W. (1910). Some experimental results in the correlation of mental abilities. Br. J. Psychol. 3, 296-322.
    doi:10.1111/j.2044-8295.1910.tb00207.x

    Efron, B., Morris, C. (1972). Limiting the risk of Bayes and empirical Bayes estimators, part II. J. Am. Stat.
    Assoc. 67, 130-139. doi:10.1080/01621459.1972.10481215
    """
    drawn = np.array(values, np.float64)
    known = np.isfinite(drawn) & np.isfinite(halves).all(axis=0)
    if np.count_nonzero(known) < MIN_CHANNELS:
        return drawn
    error = _spread(halves[0, known] - halves[1, known]) / 2
    deviation = drawn[known] - np.median(drawn[known])
    spread = _spread(deviation)
    if error > 0 and spread > 0:
        alike = np.clip((KEPT - np.abs(deviation) / error) / (KEPT - DRAWN), 0, 1)
        drawn[known] -= min(1.0, (error / spread) ** 2) * alike * deviation
    return drawn


def _spread(values: NDArray[Any]) -> float:
    return float(1.4826 * np.median(np.abs(values - np.median(values))))
