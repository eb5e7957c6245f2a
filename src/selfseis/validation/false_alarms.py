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

    @classmethod
    def of_quiet_peaks(
        cls,
        score: Float32Array,
        *,
        apart: int,
        hop: int,
        rate: float,
    ) -> FalseAlarmRate:
        """Fit a Gumbel distribution to the lower three quarters of the peaks of a recording that may hold events.

        Maxima of light-tailed noise follow it, and its quartiles hardly change with events in a few of the peaks.

        Parameters
        ----------
        score : ndarray, shape (n_times,)
            Score of the recording; NaN where there are no data.
        apart, hop, rate
            As for `measure`.

        References
        ----------
        Gumbel, E. J. (1958). Statistics of Extremes. Columbia University Press.
        """
        heights = score[peaks(score, apart)].astype(np.float64)
        days = float(np.isfinite(score).sum()) * hop / rate / 86400
        if not len(heights):
            return cls(heights, days)
        lower, median, upper = np.quantile(heights, [0.25, 0.5, 0.75])
        scale = (upper - lower) / (np.log(np.log(4)) - np.log(np.log(4 / 3)))
        shares = (np.arange(len(heights), 0, -1) - 0.5) / len(heights)
        return cls(median + scale * (np.log(np.log(2)) - np.log(-np.log(shares))), days)

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
        """Return the share of surrogate peaks that reach a score, the score itself counted as one of them.

        No value is below ``1 / (n_peaks + 1)``: surrogates cannot tell how much rarer a score is that none of them
        reached (Phipson & Smyth, 2010, doi:10.2202/1544-6115.1585).
        """
        as_high = np.searchsorted(-self.heights, -np.asarray(score, np.float64), side="right")
        return np.asarray((as_high + 1) / (len(self.heights) + 1))

    def false_discovery_rates(self, scores: NDArray, days: float) -> FloatArray:
        """Return the probability that each of the peaks of a recording is false (local false-discovery rate).

        It is the increase of the expected number of false peaks from one peak to the next lower one, made to grow
        towards lower scores by isotonic regression. The expected numbers are counted and not extrapolated: above the
        highest surrogate peak one more is assumed.

        Parameters
        ----------
        scores : ndarray, shape (n_peaks,)
            The declustered peaks of the recording, in any order.
        days : float
            Length of the recording, gaps left out.

        Returns
        -------
        ndarray, shape (n_peaks,)

        References
        ----------
        Efron, B. et al. (2001). Empirical Bayes analysis of a microarray experiment. JASA 96, 1151.
        doi:10.1198/016214501753382129
        """
        from sklearn.isotonic import IsotonicRegression

        if not len(scores) or not len(self.heights):
            return np.ones(len(scores))
        order = np.argsort(-np.asarray(scores, np.float64), kind="stable")
        expected = self.p_value(np.asarray(scores)[order]) * (len(self.heights) + 1) * days / self.days
        increase = np.diff(expected, prepend=0.0)
        found = np.empty(len(scores))
        found[order] = IsotonicRegression(y_min=0.0, y_max=1.0).fit_transform(
            np.arange(len(scores)), increase
        )
        return found

    def is_extrapolated(self, per_day: float) -> bool:
        """Whether a rate is too low to be counted in the surrogates."""
        return per_day * self.days < self.min_tail

    def _tail(self) -> tuple[float, int, float]:
        """Return the base of the tail, the number of peaks above it, and its mean excess."""
        count = int(np.clip(len(self.heights) // 10, min(self.min_tail, len(self.heights)), self.max_tail))
        base = self.heights[count - 1]
        return float(base), count, float(max(np.mean(self.heights[:count] - base), 1e-6))
