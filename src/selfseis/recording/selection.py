"""Selection of a span of time and of channels."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import xarray as xr

from selfseis.errors import InputError
from selfseis.recording.dataarray import is_fibre
from selfseis.recording.find_files import Wanted
from selfseis.recording.segments import Segment
from selfseis.recording.time_axis import TimeGrid, grid_of, to_datetime64


def matching_segments(segments: list[Segment], patterns: Sequence[str]) -> list[Segment]:
    """Return the segments whose seed_id matches a pattern; InputError if there are none."""
    kept = [
        segment
        for segment in segments
        if not patterns or any(fnmatchcase(segment.seed_id, item) for item in patterns)
    ]
    if not kept:
        available = ", ".join(sorted({segment.seed_id for segment in segments})[:6])
        raise InputError(f"no channel matches {' or '.join(patterns)}: there are {available}")
    return kept


def within_span(segments: list[Segment], wanted: Wanted) -> list[Segment]:
    """Return the segments that overlap the requested span; InputError if there are none."""
    first = -np.inf if wanted.start_ns is None else wanted.start_ns
    last = np.inf if wanted.end_ns is None else wanted.end_ns
    kept = [segment for segment in segments if segment.end_ns > first and segment.start_ns < last]
    if not kept:
        begin, end = (
            min(segment.start_ns for segment in segments),
            max(segment.end_ns for segment in segments),
        )
        raise InputError(f"no data in the requested span: they run from {_short(begin)} to {_short(end)}")
    return kept


def window_of(grid: TimeGrid, wanted: Wanted) -> tuple[int, int]:
    """Find the first and last + 1 sample of the requested span, within the grid."""
    first = 0 if wanted.start_ns is None else grid.first_from(wanted.start_ns)
    last = grid.size if wanted.end_ns is None else grid.first_from(wanted.end_ns)
    return first, last


def restricted(recording: xr.DataArray, span: Sequence[int | None], select: Any) -> xr.DataArray:
    """Return the part of a recording within a span of time and a choice of channels."""
    if select is not None:
        recording = recording.isel(channel=_chosen_channels(recording, select))
    if span[0] is not None or span[1] is not None:
        grid = grid_of(recording)
        first, last = window_of(grid, Wanted(span[0], span[1], ()))
        if first >= last:
            begin, end = grid.at([0, grid.size])
            raise InputError(f"no data in the requested span: they run from {_short(begin)} to {_short(end)}")
        recording = recording.isel(time=slice(first, last))
    return recording


def _chosen_channels(recording: xr.DataArray, select: Any) -> Any:
    if is_fibre(recording):
        distance = recording["distance"].values
        if isinstance(select, str) or len(select) != 2 or any(isinstance(item, str) for item in select):
            raise InputError("on a fibre, select is a pair of distances in m: (from, to)")
        within = np.flatnonzero((distance >= float(select[0])) & (distance <= float(select[1])))
        if within.size == 0:
            raise InputError(
                f"no channel in {select}: the fibre runs from {distance[0]:g} to {distance[-1]:g} m"
            )
        return slice(int(within[0]), int(within[-1]) + 1)
    patterns = (select,) if isinstance(select, str) else tuple(select)
    if not all(isinstance(pattern, str) for pattern in patterns):
        raise InputError("for stations, select is a pattern of seed_id such as CX.PB01..HH?")
    seed_ids = [str(seed_id) for seed_id in recording["seed_id"].values]
    chosen = [k for k, seed_id in enumerate(seed_ids) if any(fnmatchcase(seed_id, item) for item in patterns)]
    if not chosen:
        raise InputError(f"no channel matches {' or '.join(patterns)}: there are {', '.join(seed_ids[:6])}")
    return chosen


def _short(ns: int) -> str:
    return str(to_datetime64(ns).astype("datetime64[s]"))
