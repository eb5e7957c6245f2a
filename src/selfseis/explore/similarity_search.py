"""Similarity search: windows similar to those of a given time or event, at any station and time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from selfseis.errors import InputError
from selfseis.explore.explored import Explored, nearest_windows
from selfseis.io.obspy_import import obspy
from selfseis.recording import sample_times
from selfseis.recording.time_axis import to_ns
from selfseis.typing import Float32Array, IntArray

AT = "@"  # separates time and station


@dataclass(frozen=True)
class Moment:
    """A time in ns since 1970 UTC, and part of a station name; all stations where it is empty."""

    time_ns: int
    site: str = ""


@dataclass(frozen=True)
class SimilarWindows:
    """Result of a similarity search.

    Attributes
    ----------
    rows : ndarray of int64, shape (n,)
        Windows, most similar first.
    distance : ndarray of float32, shape (n,)
        Distance to the nearest query window.
    query : ndarray of int64, shape (n,)
        The nearest query window.
    """

    rows: IntArray
    distance: Float32Array
    query: IntArray


def moments_of(text: str) -> list[Moment]:
    """Parse a query: ``TIME``, ``TIME@STATION``, or an event file that ObsPy reads.

    Each pick of an event is a moment at its station. An event without picks gives its origin time, at all stations.

    Parameters
    ----------
    text : str
        Such as "2010-09-01T03:33:10", "2010-09-01T03:33:10@CX.PB01" or "events.xml".

    Raises
    ------
    InputError
        If the text is neither a time nor a file of events with times.
    """
    if Path(text).is_file():
        return _of_events(Path(text))
    time, _, site = text.partition(AT)
    try:
        return [Moment(to_ns(time), site)]
    except InputError as error:
        raise InputError(
            f"{text!r} is neither a time (2010-09-01T03:33:10, or with {AT}STATION) nor a file of events"
        ) from error


def _of_events(path: Path) -> list[Moment]:
    try:
        events = obspy().read_events(str(path))
    except Exception as error:  # ObsPy's readers raise any error of their parsers
        raise InputError(f"{path} holds no events that ObsPy reads: give QuakeML or a time") from error
    moments = []
    for event in events:
        origin = event.preferred_origin() or next(iter(event.origins), None)
        picks = [Moment(pick.time.ns, _station(pick)) for pick in event.picks if pick.time is not None]
        moments += picks or (
            [Moment(origin.time.ns)] if origin is not None and origin.time is not None else []
        )
    if not moments:
        raise InputError(f"{path} holds events without picks and origin times: give a time")
    return moments


def _station(pick: object) -> str:
    where = getattr(pick, "waveform_id", None)
    return f"{where.network_code or ''}.{where.station_code}." if where and where.station_code else ""


def windows_at(recording: xr.DataArray, explored: Explored, moments: Iterable[Moment]) -> IntArray:
    """Return the rows of the windows that hold at least one of the moments.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    explored : Explored
        Its windows.
    moments : iterable of Moment
        Moments outside all windows are ignored.

    Raises
    ------
    InputError
        If all moments are outside all windows.
    """
    start, end = (
        sample_times(recording, first).astype("datetime64[ns]").astype(np.int64)
        for first in (explored.table.first, explored.table.first + explored.grid.length)
    )
    names = np.array([site.name for site in explored.sites])
    is_query = np.zeros(len(start), bool)
    for moment in moments:
        here = np.array([moment.site in name for name in names])
        is_query |= (start <= moment.time_ns) & (moment.time_ns < end) & here[explored.table.site]
    if not is_query.any():
        raise InputError(
            "no usable window holds the time to search for: give a time within the recording, outside of gaps, "
            f"at one of {', '.join(names[:5])}{' ...' if len(names) > 5 else ''}"
        )
    return np.flatnonzero(is_query)


def similar_windows(explored: Explored, rows: IntArray, n_windows: int) -> SimilarWindows:
    """Return the windows most similar to any query window, the queries themselves left out.

    Parameters
    ----------
    explored : Explored
        The windows to search.
    rows : ndarray of int64, shape (n_queries,)
        The query windows.
    n_windows : int
        Maximum number of windows to return.
    """
    found, distance = nearest_windows(explored.points[rows], explored.points, n_windows + len(rows))
    order = np.argsort(distance, axis=None, kind="stable")
    candidates, queries = found.ravel()[order], np.repeat(rows, found.shape[1])[order]
    _, first_seen = np.unique(candidates, return_index=True)
    kept = np.sort(first_seen[~np.isin(candidates[first_seen], rows)])[:n_windows]
    return SimilarWindows(candidates[kept].astype(np.int64), distance.ravel()[order][kept], queries[kept])
