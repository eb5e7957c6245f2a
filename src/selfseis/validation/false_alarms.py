"""False-alarm rates: how often surrogates reach a score, and the score that they reach at a stated rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfseis.typing import Float32Array, FloatArray, IndexArray


def peaks(score: Float32Array, apart: int) -> IndexArray:
    """Return the declustered peaks of a score: no higher peak lies within `apart` hops.

    Parameters
    ----------
    score : ndarray, shape (n_times,)
        The score; NaN where there are no data.
    apart : int
        Minimum distance in hops.
    """
    from scipy.signal import find_peaks

    padded = np.concatenate([[-np.inf], np.where(np.isfinite(score), score, -np.inf), [-np.inf]])
    floor = np.nanmin(score, initial=0.0) - 1
    padded = np.maximum(padded, floor)
    return find_peaks(padded, distance=max(1, apart), height=floor + 1e-6)[0] - 1


@dataclass(frozen=True)
class FalseAlarmRate:
    """The rate at which surrogates reach a score, counted where possible and extrapolated beyond.

    Attributes
    ----------
    heights : ndarray, shape (n_peaks,)
        Declustered peaks of all surrogates, the highest first.
    days : float
        Length of all surrogates together, gaps left out.
    min_tail : int
        With fewer exceedances, a rate is extrapolated and not counted.
    max_tail : int
        Maximum number of peaks from which the extrapolation follows.
    """

    heights: FloatArray
    days: float
    min_tail: int = 10
    max_tail: int = 200

    @classmethod
    def measure(
        cls,
        null: Float32Array,
        *,
        apart: int,
        hop: int,
        rate: float,
        min_tail: int = 10,
        max_tail: int = 200,
    ) -> FalseAlarmRate:
        """Collect the declustered peaks of surrogates.

        Parameters
        ----------
        null : ndarray, shape (n_surrogates, n_times)
            Scores of the surrogates; NaN where there are no data.
        apart : int
            Minimum distance of separate events in hops.
        hop : int
            Samples between scores.
        rate : float
            Sampling rate in Hz.
        min_tail, max_tail : int
            As for the attributes.
        """
        heights = [series[peaks(series, apart)] for series in null]
        collected = np.sort(np.concatenate([*heights, np.zeros(0)]).astype(np.float64))[::-1]
        days = float(np.isfinite(null).sum()) * hop / rate / 86400
        return cls(collected, days, min_tail, max_tail)

    def rate(self, score: float | NDArray) -> FloatArray:
        """Return the number of declustered surrogate peaks per day that reach a score."""
        values = np.asarray(score, np.float64)
        if not len(self.heights) or self.days <= 0:
            return np.full(values.shape, np.inf)
        counted = np.searchsorted(-self.heights, -values, side="right")
        base, count, scale = self._tail()
        # Beyond the base of the tail the rate falls exponentially: the slowest decay of light-tailed noise.
        extrapolated = count * np.exp(-np.maximum(values - base, 0) / scale)
        # The extrapolated number never exceeds the last counted one: a higher score is never more likely.
        min_counted = min(self.min_tail, count)
        number = np.where(counted >= min_counted, counted, np.minimum(extrapolated, min_counted))
        return number / self.days

    def threshold(self, per_day: float) -> float:
        """Return the score that surrogates reach at a rate per day."""
        if not len(self.heights) or self.days <= 0:
            return float("inf")
        wanted = per_day * self.days
        base, count, scale = self._tail()
        if wanted >= self.min_tail:
            return float(self.heights[min(round(wanted), len(self.heights)) - 1])
        lowest = float(self.heights[min(self.min_tail, count) - 1])
        return max(lowest, base + scale * float(np.log(count / wanted))) if wanted < count else lowest

    def p_value(self, score: float | NDArray) -> FloatArray:
        """Return the share of surrogate peaks that reach a score."""
        if not len(self.heights) or self.days <= 0:
            return np.ones(np.shape(score))
        return np.minimum(self.rate(score) * self.days / len(self.heights), 1.0)

    def is_extrapolated(self, per_day: float) -> bool:
        """Whether a rate is too low to be counted in the surrogates."""
        return per_day * self.days < self.min_tail

    def _tail(self) -> tuple[float, int, float]:
        """Return the base of the tail, the number of peaks above it, and its mean excess."""
        count = int(np.clip(len(self.heights) // 10, min(self.min_tail, len(self.heights)), self.max_tail))
        base = self.heights[count - 1]
        return float(base), count, float(max(np.mean(self.heights[:count] - base), 1e-6))
