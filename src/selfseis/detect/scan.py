"""A scan: the scores of a recording and of its surrogates through time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.detect.options import ThresholdOptions
from selfseis.typing import BoolArray, Float32Array, FloatArray, IntArray
from selfseis.validation.false_alarms import FalseAlarmRate

ProgressCallback = Callable[[int, int], None]


@dataclass(frozen=True)
class Scan:
    """Scores at regular times in each stretch of data, with one NaN between stretches.

    Attributes
    ----------
    first : ndarray of int, shape (n_times,)
        First sample, in the recording, of each time's hop.
    score : ndarray, shape (n_times,)
        The score; NaN where there are no data.
    null : ndarray, shape (n_surrogates, n_null_times)
        The score of surrogates of the same recording, in which channels or stations share no signal. It can be shorter
        than the recording, whose events are then cut out.
    n_channels : ndarray of int, shape (n_times,)
        Number of channels that record an event at each time.
    groups : list of str
        Names of the stations, or of the whole line.
    present : ndarray, shape (n_groups, n_times)
        Share of each group's samples that hold data.
    hop : int
        Samples between times; each score belongs to a window of two hops around its own.
    ratios : ndarray, shape (n_groups, n_times), or None
        Logarithm of the energy ratio of each station; None on a line.
    """

    first: IntArray
    score: Float32Array
    null: Float32Array
    n_channels: NDArray[np.int32]
    groups: list[str]
    present: Float32Array
    hop: int
    ratios: Float32Array | None = None


@dataclass(frozen=True, eq=False)
class Null:
    """What scores without events are like.

    Attributes
    ----------
    false_alarm_rate : FalseAlarmRate
        Rate at which a score is reached without an event.
    end : float
        Score down to which an event lasts; infinite without surrogates.
    low : float
        Low quantile of the scores; NaN where none is known.
    masked_share : float
        Share of the recording that holds events and was cut out of the surrogates.
    is_full_of_events : bool
        Whether so much of the recording holds events that what is left cannot stand for its noise.
    """

    false_alarm_rate: FalseAlarmRate
    end: float
    low: float
    masked_share: float
    is_full_of_events: bool = False

    @classmethod
    def of_surrogates(
        cls,
        scores: Float32Array,
        hop: int,
        rate: float,
        options: ThresholdOptions,
        masked: BoolArray | None = None,
    ) -> Null:
        """Return the null of the scores of surrogates.

        Parameters
        ----------
        scores : ndarray, shape (n_surrogates, n_times)
            The scores; NaN where there are no data.
        hop : int
            Samples between scores.
        rate : float
            Sampling rate in Hz.
        options : ThresholdOptions
            How scores become a threshold.
        masked : ndarray of bool, shape (n_times,), optional
            Times of the recording that were cut out of the surrogates.
        """
        level = FalseAlarmRate.measure(
            scores,
            apart=options.apart,
            hop=hop,
            rate=rate,
            min_tail=options.min_tail,
            max_tail=options.max_tail,
        )
        known = scores[np.isfinite(scores)]
        end, low = (
            np.quantile(known, [options.end_quantile, options.background_quantile])
            if known.size
            else (np.inf, np.nan)
        )
        return cls(level, float(end), float(low), 0.0 if masked is None else float(masked.mean()))


@dataclass(frozen=True)
class ScanPart:
    """The part of a scan that one tile gives.

    Attributes
    ----------
    first : int
        First sample of the tile's core, a multiple of the hop.
    values : ndarray, shape (n_rows, n_hops)
        The values at each time, such as scores.
    """

    first: int
    values: NDArray


def join_parts(parts: list[ScanPart], hop: int) -> tuple[IntArray, NDArray]:
    """Join parts in time, with one column of NaN wherever samples are missing between them.

    Returns
    -------
    first : ndarray of int, shape (n_times,)
        First sample of each hop.
    values : ndarray, shape (n_rows, n_times)
    """
    firsts: list[NDArray] = []
    values: list[NDArray] = []
    expected: int | None = None
    for part in parts:
        n_hops = part.values.shape[1]
        if expected is not None and part.first != expected:
            firsts.append(np.array([expected]))
            values.append(np.full((len(part.values), 1), np.nan))
        firsts.append(part.first + hop * np.arange(n_hops))
        values.append(part.values)
        expected = part.first + hop * n_hops
    if not parts:
        return np.zeros(0, np.int64), np.zeros((0, 0))
    return np.concatenate(firsts).astype(np.int64), np.concatenate(values, axis=1)


class Scanner(Protocol):
    """Interface of the scanners, which compute the scores of a recording."""

    @property
    def name(self) -> str:
        """Short description of the scanner."""
        ...

    @property
    def hop(self) -> int:
        """Samples between scores."""
        ...

    @property
    def context(self) -> int:
        """Samples of conditioned data before and after a score on which it depends."""
        ...

    def scan(
        self,
        recording: xr.DataArray,
        *,
        n_surrogates: int,
        seed: int,
        progress: ProgressCallback | None = None,
    ) -> Scan:
        """Score a recording and `n_surrogates` surrogates of it."""
        ...

    def fit_scan(
        self,
        recording: xr.DataArray,
        *,
        n_surrogates: int,
        seed: int,
        threshold: ThresholdOptions,
        progress: ProgressCallback | None = None,
    ) -> tuple[Self, Scan, Null]:
        """Score a recording and measure its null; return the scanner with the scale of its statistics as well."""
        ...

    def score_window(self, conditioned: Float32Array) -> Float32Array:
        """Score conditioned data, without surrogates; shape (n_samples // hop,)."""
        ...


@dataclass(frozen=True)
class Standardiser:
    """Standardises several statistics by their null distribution, and returns the maximum.

    Attributes
    ----------
    centre, spread : ndarray, shape (n_statistics,)
        Mean and standard deviation of each statistic under the null.
    """

    centre: FloatArray
    spread: FloatArray

    @classmethod
    def neutral(cls, n_statistics: int) -> Standardiser:
        """Return the standardiser with mean 0 and spread 1, which leaves values unchanged."""
        return cls(np.zeros(n_statistics), np.ones(n_statistics))

    @classmethod
    def measure(cls, null: NDArray) -> Standardiser:
        """Measure mean and spread of `null`, shape (n_statistics, ...); NaN is left out."""
        flat = null.reshape(len(null), -1)
        known = [row[np.isfinite(row)] for row in flat]
        centre = np.array([row.mean() if len(row) > 1 else 0.0 for row in known])
        spread = np.array([max(row.std(), 1e-9) if len(row) > 1 else 1.0 for row in known])
        return cls(centre, spread)

    @classmethod
    def of_tail(cls, null: NDArray, quantile: float) -> Standardiser:
        """Return a high quantile of each statistic and the mean excess over it, shape of `null` (n_statistics, n).

        Tails that differ in weight then become alike: each falls by a factor e where the scaled statistic grows by 1.
        """
        centre, spread = np.zeros(len(null)), np.ones(len(null))
        for row, values in enumerate(null):
            known = values[np.isfinite(values)]
            if len(known) > 1:
                centre[row] = np.quantile(known, quantile)
                excess = float((known[known >= centre[row]] - centre[row]).mean())
                spread[row] = max(
                    excess, 0.3 * float(known.std()), 1e-6
                )  # 0.34 for a normal distribution, at 99%
        return cls(centre, spread)

    def or_wider(self, other: Standardiser) -> Standardiser:
        """Return the larger centre and spread of each statistic: the more conservative scale."""
        return Standardiser(np.maximum(self.centre, other.centre), np.maximum(self.spread, other.spread))

    def __call__(self, statistics: NDArray) -> Float32Array:
        """Return the maximum of the standardised statistics that are not NaN, shape ``statistics.shape[1:]``."""
        shape = (-1,) + (1,) * (statistics.ndim - 1)
        scaled = (statistics - self.centre.reshape(shape)) / self.spread.reshape(shape)
        return np.fmax.reduce(scaled, axis=0).astype(np.float32)


def window_means(values: NDArray, hop: int) -> NDArray:
    """Average over windows of two hops centred on each hop; the first and last are half empty.

    Parameters
    ----------
    values : ndarray, shape (..., n_samples)
        The values; samples after the last whole hop are not used.
    hop : int
        Samples of a hop, even.

    Returns
    -------
    ndarray, shape (..., n_hops)
        Window ``i`` covers the samples from ``(i - 0.5) * hop`` to ``(i + 1.5) * hop``.
    """
    half = hop // 2
    values = values[..., : values.shape[-1] // hop * hop]
    halves = values.reshape(*values.shape[:-1], -1, half).sum(axis=-1)
    padded = np.pad(halves, [(0, 0)] * (halves.ndim - 1) + [(1, 1)])
    four = padded[..., :-3] + padded[..., 1:-2] + padded[..., 2:-1] + padded[..., 3:]
    return four[..., ::2] / (4 * half)
