"""Lazy time coordinate: regular, in UTC, computed on request, of constant size in memory."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from xarray.core.indexing import IndexSelResult
from xarray.indexes import CoordinateTransform, CoordinateTransformIndex, Index, PandasIndex

from selfseis.errors import InputError
from selfseis.typing import IntArray

NANOSECONDS = 1_000_000_000
_FINEST_PERIOD = 1_000_000
"""Largest denominator of a period in ns: exact for usual rates, and no overflow over centuries of samples."""


def to_ns(instant: Any) -> int:
    """Turn a time into integer nanoseconds since 1970 UTC.

    Parameters
    ----------
    instant : str, numpy.datetime64, datetime, pandas.Timestamp or ObsPy UTCDateTime
        Times without a zone are UTC.

    Raises
    ------
    InputError
        If it is not a time.
    """
    if hasattr(instant, "_ns") and hasattr(instant, "isoformat"):  # ObsPy's UTCDateTime, without importing it
        return int(instant._ns)
    try:
        stamp = pd.Timestamp(instant)
        if stamp is pd.NaT:
            raise ValueError("not a time")
        stamp = stamp if stamp.tzinfo is None else stamp.tz_convert("UTC").tz_localize(None)
        return int(stamp.as_unit("ns").value)
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(f"{instant!r} is not a time: give it as 2014-05-01T06:00:00 (UTC)") from error


def leap_instant(midnight_ns: int) -> bool:
    """Whether a leap second can end at a midnight, given in ns since 1970: they end in June or December.

    Examples
    --------
    >>> leap_instant(to_ns("2017-01-01")), leap_instant(to_ns("2017-03-01"))
    (True, False)
    """
    day = as_utc_datetime(midnight_ns)
    return (day.month, day.day) in {(1, 1), (7, 1)}


def to_datetime64(ns: npt.ArrayLike) -> Any:
    """Turn integer nanoseconds since 1970 into ``datetime64[ns]``."""
    return np.asarray(ns, dtype=np.int64).astype("datetime64[ns]")[()]


@dataclass(frozen=True)
class TimeGrid:
    """Sample times ``start + (first + step * i) / rate`` in exact integer nanoseconds.

    A part of a grid keeps the start of the whole, so a sample has the same time in all parts.
    """

    start_ns: int
    rate: float
    size: int
    first: int = 0
    step: int = 1

    @cached_property
    def period(self) -> Fraction:
        """Sampling interval of the whole grid in nanoseconds."""
        return (NANOSECONDS / Fraction(self.rate)).limit_denominator(_FINEST_PERIOD)

    @property
    def sampling_rate(self) -> float:
        """Rate of this part in Hz: that of the whole unless the part skips samples."""
        return self.rate / abs(self.step)

    def at(self, indices: npt.ArrayLike) -> IntArray:
        """Return times of samples, in ns since 1970; indices outside of the grid are extrapolated."""
        period = self.period
        position = self.first + self.step * np.asarray(indices, dtype=np.int64)
        whole, remainder = divmod(period.numerator, period.denominator)
        fraction = (2 * position * remainder + period.denominator) // (2 * period.denominator)
        return np.asarray(self.start_ns + position * whole + fraction, dtype=np.int64)

    def position(self, ns: int) -> Fraction:
        """Index at which a time lies, as an exact fraction."""
        return ((ns - self.start_ns) / self.period - self.first) / self.step

    def nearest(self, ns: int) -> int:
        """Index of the sample nearest to a time; may lie outside of the grid."""
        return round(self.position(ns))

    def first_from(self, ns: int) -> int:
        """Index of the first sample at or after a time, between 0 and the size."""
        index = math.ceil(self.position(ns))
        if (
            self.at(index - 1) >= ns
        ):  # times are rounded to a nanosecond: a time of the grid finds its own sample
            index -= 1
        return min(max(index, 0), self.size)

    def part(self, key: slice) -> TimeGrid:
        """Return the grid of the samples in a slice."""
        chosen = range(self.size)[key]
        return replace(
            self, first=self.first + self.step * chosen.start, step=self.step * chosen.step, size=len(chosen)
        )


class _TimeTransform(CoordinateTransform):
    def __init__(self, grid: TimeGrid, name: Hashable = "time", dim: str = "time") -> None:
        super().__init__([name], {dim: grid.size}, dtype=np.dtype("datetime64[ns]"))
        self.grid = grid

    def forward(self, dim_positions: dict[str, Any]) -> dict[Hashable, Any]:
        return {self.coord_names[0]: to_datetime64(self.grid.at(dim_positions[self.dims[0]]))}

    def reverse(self, coord_labels: dict[Hashable, Any]) -> dict[str, Any]:
        labels = np.asarray(coord_labels[self.coord_names[0]]).astype("datetime64[ns]").astype(np.int64)
        positions = [self.grid.nearest(int(ns)) for ns in labels.ravel()]
        return {self.dims[0]: np.reshape(np.array(positions, dtype=np.int64), labels.shape)}

    def equals(self, other: CoordinateTransform, **_: Any) -> bool:
        if not isinstance(other, _TimeTransform) or other.grid.size != self.grid.size:
            return False
        ends = [0, max(0, self.grid.size - 1)]
        return bool(np.array_equal(self.grid.at(ends), other.grid.at(ends)))


class TimeIndex(CoordinateTransformIndex):
    """xarray index of a lazily computed regular time axis; slicing keeps it lazy."""

    transform: _TimeTransform

    @classmethod
    def of_grid(cls, grid: TimeGrid) -> TimeIndex:
        """Index along dimension ``time`` for a grid."""
        return cls(_TimeTransform(grid))

    @property
    def grid(self) -> TimeGrid:
        """The grid of sample times."""
        return self.transform.grid

    def isel(self, indexers: Mapping[Any, Any]) -> Index | None:  # noqa: D102
        dim, name = self.transform.dims[0], self.transform.coord_names[0]
        key = indexers[dim]
        if isinstance(key, slice):
            return type(self)(_TimeTransform(self.grid.part(key), name, dim))
        if isinstance(key, xr.Variable):
            if key.ndim != 1:
                return None
            return PandasIndex(self._labels(key.values), key.dims[0])
        return None if np.ndim(key) != 1 else PandasIndex(self._labels(np.asarray(key)), dim)

    def sel(self, labels: dict[Any, Any], method: str | None = None, tolerance: Any = None) -> IndexSelResult:  # noqa: D102
        dim = self.transform.dims[0]
        label = labels[self.transform.coord_names[0]]
        if isinstance(label, slice):
            return IndexSelResult({dim: self._slice(label)})
        if isinstance(label, xr.DataArray | xr.Variable):
            label = label.values
        wanted = np.asarray([to_ns(item) for item in np.atleast_1d(np.asarray(label, dtype=object))])
        nearest = np.array([self.grid.nearest(int(ns)) for ns in wanted], dtype=np.int64)
        if method is None and not np.array_equal(self.grid.at(nearest), wanted):
            raise KeyError(f"no sample at exactly {label!r}: use method='nearest'")
        if tolerance is not None and np.any(
            np.abs(self.grid.at(nearest) - wanted) > pd.Timedelta(tolerance).value
        ):
            raise KeyError(f"no sample within {tolerance} of {label!r}")
        if method is None and (nearest.min(initial=0) < 0 or nearest.max(initial=0) >= self.grid.size):
            raise KeyError(f"{label!r} lies outside of the recording")
        nearest = np.clip(nearest, 0, self.grid.size - 1)
        return IndexSelResult({dim: int(nearest[0]) if np.ndim(label) == 0 else nearest})

    def to_pandas_index(self) -> pd.Index:  # noqa: D102
        return self._labels(np.arange(self.grid.size))

    @classmethod
    def concat(cls, indexes: Sequence[Any], dim: Hashable, positions: Any = None) -> Any:  # noqa: D102
        return PandasIndex.concat(
            [PandasIndex(index.to_pandas_index(), dim) for index in indexes], dim, positions
        )

    def _labels(self, positions: npt.NDArray[Any]) -> pd.DatetimeIndex:
        positions = np.arange(self.grid.size)[positions] if positions.dtype == bool else positions
        within = np.where(positions < 0, positions + self.grid.size, positions)
        return pd.DatetimeIndex(to_datetime64(self.grid.at(within)), name=self.transform.coord_names[0])

    def _slice(self, label: slice) -> slice:
        """Find the samples within [start, stop], both ends included, as label slices are in xarray."""
        first = 0 if label.start is None else self.grid.first_from(to_ns(label.start))
        stop = self.grid.size if label.stop is None else self.grid.first_from(to_ns(label.stop) + 1)
        return slice(first, stop, label.step)


def time_coordinates(grid: TimeGrid) -> xr.Coordinates:
    """Lazy ``time`` coordinate of a recording."""
    return xr.Coordinates.from_xindex(TimeIndex.of_grid(grid))


def grid_of(recording: xr.DataArray) -> TimeGrid:
    """Return the sample times of a recording, also for a time coordinate that selfseis did not make.

    Raises
    ------
    InputError
        If the recording has no regular time axis.
    """
    index = recording.xindexes.get("time")
    if isinstance(index, TimeIndex):
        return index.grid
    if "time" not in recording.coords:
        raise InputError("the recording has no coordinate 'time': make it with recording_from_array")
    times = np.atleast_1d(recording["time"].values).astype("datetime64[ns]").astype(np.int64)
    rate = recording.attrs.get("sampling_rate") or _rate_of(times)
    return TimeGrid(int(times[0]) if times.size else 0, float(rate), times.size)


def _rate_of(times_ns: IntArray) -> float:
    if times_ns.size < 2:
        raise InputError("the recording has no 'sampling_rate' and fewer than two samples: set its attribute")
    steps = np.diff(times_ns)
    if steps.min() <= 0 or steps.max() - steps.min() > 0.01 * np.median(steps):
        raise InputError(
            "the times of the recording are not regular: give a regular array with NaN in the gaps"
        )
    return float(NANOSECONDS * (times_ns.size - 1) / (times_ns[-1] - times_ns[0]))


def as_utc_datetime(ns: int) -> dt.datetime:
    """Nanoseconds since 1970 as a timezone-aware datetime, to the microsecond."""
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=ns // 1000)
