"""More of the same: the windows that are most like those of a moment or of an event, at any station and time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from selfseis.errors import InputError
from selfseis.explore.explorer import Explored
from selfseis.explore.novelty import nearest_windows
from selfseis.io.obspy_import import obspy
from selfseis.recording import sample_times
from selfseis.recording.time_axis import to_ns
from selfseis.typing import Float32Array, IntArray

AT = "@"  # between a time and a station


@dataclass(frozen=True)
class Moment:
    """A time in ns since 1970, UTC, and the station where it was; any part of its name, all stations where empty."""

    time_ns: int
    site: str = ""


@dataclass(frozen=True)
class SimilarWindows:
    """Windows that are like some others.

    Attributes
    ----------
    rows : ndarray of int64, shape (n,)
        Windows, most alike first.
    distance : ndarray of float32, shape (n,)
        To the most alike of those that were asked for.
    model : ndarray of int64, shape (n,)
        Which one that is.
    """

    rows: IntArray
    distance: Float32Array
    model: IntArray


def moments_of(text: str) -> list[Moment]:
    """Read what the user wants more of: ``TIME``, ``TIME@STATION``, or a file of events that ObsPy reads.

    Of an event each pick is a moment, at its station; without picks its origin time, at all stations.

    Parameters
    ----------
    text : str
        Such as "2010-09-01T03:33:10", "2010-09-01T03:33:10@CX.PB01" or "events.xml".

    Raises
    ------
    InputError
        If it is neither a time nor a file of events with times.
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
    except Exception as error:  # ObsPy's readers raise whatever their parsers do
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
    """Return the rows of the windows that hold any of some moments.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    explored : Explored
        Its windows.
    moments : iterable of Moment
        Those that no window holds are passed over.

    Raises
    ------
    InputError
        If no window holds any.
    """
    start, end = (
        sample_times(recording, first).astype("datetime64[ns]").astype(np.int64)
        for first in (explored.table.first, explored.table.first + explored.grid.length)
    )
    names = np.array([site.name for site in explored.sites])
    asked = np.zeros(len(start), bool)
    for moment in moments:
        here = np.array([moment.site in name for name in names])
        asked |= (start <= moment.time_ns) & (moment.time_ns < end) & here[explored.table.site]
    if not asked.any():
        raise InputError(
            "what to look for is in no usable window: it lies in a gap, beyond the recording, or at none of "
            f"{', '.join(names[:5])}{' ...' if len(names) > 5 else ''}"
        )
    return np.flatnonzero(asked)


def similar_windows(explored: Explored, rows: IntArray, n_windows: int) -> SimilarWindows:
    """Return the windows that are most like any of some, those themselves left out.

    Parameters
    ----------
    explored : Explored
        Where to look: all stations and times.
    rows : ndarray of int64, shape (n_asked,)
        The windows that are asked for.
    n_windows : int
        How many to return; fewer where there are fewer.
    """
    found, distance = nearest_windows(explored.points[rows], explored.points, n_windows + len(rows))
    order = np.argsort(distance, axis=None, kind="stable")
    candidates, models = found.ravel()[order], np.repeat(rows, found.shape[1])[order]
    _, first_seen = np.unique(candidates, return_index=True)
    kept = np.sort(first_seen[~np.isin(candidates[first_seen], rows)])[:n_windows]
    return SimilarWindows(candidates[kept].astype(np.int64), distance.ravel()[order][kept], models[kept])
