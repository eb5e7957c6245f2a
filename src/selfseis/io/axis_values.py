"""Regular stretches of a coordinate: from all its values, or from the tie points between which it is linear."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from selfseis.errors import InputError
from selfseis.typing import FloatArray, IntArray

_NS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 10**9,
    "min": 60 * 10**9,
    "h": 3600 * 10**9,
    "d": 86_400 * 10**9,
}
_UNIT = re.compile(r"(nano|micro|milli|)(second|minute|hour|day)s?$")
_SHORT = {name: name for name in _NS} | {"sec": "s", "secs": "s", "hr": "h"}
_EPOCHS = ((1e17, "ns"), (1e14, "us"), (1e11, "ms"), (1e8, "s"))
_MAX_JITTER = 0.5  # of a sampling interval: further away is the time of another sample


@dataclass(frozen=True)
class Stretch:
    """Samples ``first`` to ``last`` (included) with regular times.

    Attributes
    ----------
    first, last : int
        Numbers of the first and the last sample.
    start : float or int
        Value of the coordinate at the first sample.
    step : float
        Its change from sample to sample.
    """

    first: int
    last: int
    start: float
    step: float


def regular_stretches(indices: IntArray, values: npt.NDArray[Any]) -> list[Stretch]:
    """Cut a coordinate that is linear between tie points where it jumps.

    Parameters
    ----------
    indices : ndarray of int, shape (n,)
        Sample numbers of the tie points, ascending.
    values : ndarray, shape (n,)
        The coordinate there, ascending: integers (ns) or floats.

    Returns
    -------
    list of Stretch
        At least one; the step is (last - first) / (n - 1) of the stretch.

    Raises
    ------
    InputError
        If there are fewer than two samples, or the samples between jumps are not regular.
    """
    if len(indices) < 2 or (np.diff(indices) <= 0).any():
        raise InputError("its coordinate has fewer than two samples, or unordered tie points")
    counts = np.diff(indices)
    steps = np.diff(values).astype(np.float64) / counts
    nominal = float(np.median(np.repeat(steps, np.minimum(counts, 1000)) if counts.max() > 1 else steps))
    if not nominal > 0:
        raise InputError("its times do not ascend: sort its samples in time")
    jumps = np.flatnonzero((np.abs(steps - nominal) > _MAX_JITTER * nominal) & (counts == 1))
    if len(jumps) > max(10, len(indices) // 10):
        raise InputError("its times are not regular: resample it first")
    begins = np.concatenate([[0], jumps + 1])
    ends = np.concatenate([jumps, [len(indices) - 1]])
    return [
        _stretch(indices[a : b + 1], values[a : b + 1], nominal) for a, b in zip(begins, ends, strict=True)
    ]


def _stretch(indices: IntArray, values: npt.NDArray[Any], nominal: float) -> Stretch:
    first, last, start = int(indices[0]), int(indices[-1]), values[0]
    if first == last:
        return Stretch(first, last, start.item(), nominal)
    elapsed = (values - start).astype(np.float64)
    step = float(elapsed[-1]) / (last - first)
    if step <= 0 or np.abs(elapsed - step * (indices - first)).max() > _MAX_JITTER * abs(step):
        raise InputError("its times are not regular: resample it first")
    return Stretch(first, last, start.item(), step)


def times_in_ns(values: npt.NDArray[Any], units: str, notes: list[str]) -> tuple[IntArray, bool]:
    """Turn the numbers of a time coordinate into ns since 1970.

    Parameters
    ----------
    values : ndarray
        Numbers as stored.
    units : str
        As the file states them: ``seconds since 2024-05-01``, ``ms``, or nothing.
    notes : list of str
        Receives what had to be guessed.

    Returns
    -------
    times : ndarray of int64
    dated : bool
        Whether the times have a date; otherwise they count from 0.

    Raises
    ------
    InputError
        If the units are not understood, or the times are not finite numbers of this era.
    """
    numbers = values.astype(np.float64)
    if not np.isfinite(numbers).all():
        raise InputError("its times are not finite numbers")
    unit, _, since = units.strip().partition(" since ")
    name = _unit_name(unit)
    origin = _parsed_time(since) if since else 0
    if name is None and unit.strip():
        raise InputError(f"the units of its times are {units!r}: give seconds since a date")
    largest = float(np.abs(numbers).max(initial=0.0))
    if name is None:
        name = next((short for limit, short in _EPOCHS if largest >= limit), "s")
        notes.append(f"the times state no units: {name} assumed")
    dated = bool(since) or largest * _NS[name] > 1e17
    if largest * _NS[name] + abs(origin) > 9e18:
        raise InputError(f"its times lie outside of the years 1700 to 2200 ({values[0]} {units})")
    if values.dtype.kind in "iu":
        return origin + values.astype(np.int64) * _NS[name], dated
    whole = np.floor(numbers)
    rest = np.round((numbers - whole) * _NS[name]).astype(np.int64)
    return origin + whole.astype(np.int64) * _NS[name] + rest, dated


def parsed_start(value: Any) -> int | None:
    """Return the time that an attribute states, in ns since 1970; None if it states none."""
    text = value.decode(errors="replace") if isinstance(value, bytes) else value
    if isinstance(text, str):
        try:
            return _parsed_time(text)
        except InputError:
            return None
    try:
        number = np.asarray(text, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        return None
    if number.size != 1 or not 1e8 < abs(number[0]) < 9e18:
        return None
    return int(times_in_ns(np.asarray(text).reshape(-1), "", [])[0][0])


def _parsed_time(text: str) -> int:
    import pandas as pd

    try:
        stamp = pd.Timestamp(text.strip().removesuffix(" (UTC)"))
        stamp = stamp if stamp.tzinfo is None else stamp.tz_convert("UTC").tz_localize(None)
        return int(stamp.as_unit("ns").value)
    except (ValueError, TypeError, OverflowError, AttributeError) as error:
        raise InputError(f"{text!r} is not a date") from error


def _unit_name(text: str) -> str | None:
    text = text.strip().lower()
    if text in _SHORT:
        return _SHORT[text]
    match = _UNIT.match(text)
    if match is None or (match[1] and match[2] != "second"):
        return None
    small = {"nano": "ns", "micro": "us", "milli": "ms", "": ""}[match[1]]
    return small or {"second": "s", "minute": "min", "hour": "h", "day": "d"}[match[2]]


def regular_distances(values: FloatArray) -> dict[str, Any]:
    """Return distances as plain values: first, step and number where they are regular, otherwise all of them."""
    distances = np.asarray(values, dtype=np.float64)
    if distances.size > 1:
        step = float(distances[-1] - distances[0]) / (distances.size - 1)
        expected = distances[0] + step * np.arange(distances.size)
        if step > 0 and np.array_equal(expected, distances):
            return {"first": float(distances[0]), "step": step, "n": int(distances.size)}
    return {"values": distances.tolist()}
