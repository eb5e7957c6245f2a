"""Stations whose clock is wrong: their picks are there, but all early or late by the same time.

Such picks fit no event, so that the station seems silent. What gives it away is the difference between the station's
picks, of P and S alike, and the times at which located events are expected there: for a good clock it is zero within
the error of the model, for a wrong one the same other value at event after event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from selfseis.catalogue.records import Location, Pick
from selfseis.locate.location import Locator
from selfseis.typing import FloatArray

MAX_SHIFT_S = 30.0
MIN_EVENTS, MIN_SHARE = 4, 0.6


@dataclass(frozen=True)
class ClockError:
    """A station that is early or late.

    Attributes
    ----------
    station : str
        Its name.
    shift_s : float
        How much later than expected its picks are.
    first, last : numpy.datetime64
        Times of the first and the last event that show it.
    n_events : int
        How many events show it.
    """

    station: str
    shift_s: float
    first: np.datetime64
    last: np.datetime64
    n_events: int

    def __str__(self) -> str:
        way = "late" if self.shift_s > 0 else "early"
        span = " to ".join(str(time.astype("datetime64[s]")) for time in (self.first, self.last))
        return (
            f"the clock of {self.station} seems to be {abs(self.shift_s):.2f} s {way} in {self.n_events} events "
            f"({span}): its picks there are not used"
        )


def clock_errors(
    picks: Sequence[Pick], locations: Sequence[Location], locator: Locator, tolerance_s: float
) -> list[ClockError]:
    """Find stations that are consistently early or late.

    Parameters
    ----------
    picks : sequence of Pick
        All picks, associated or not.
    locations : sequence of Location
        Of events, in the order of time.
    locator : Locator
        What located them.
    tolerance_s : float
        What a good clock may be off, for the error of the model.

    Returns
    -------
    list of ClockError
        At most one a station. Between its first and last event at least 60% show the shift and most have no pick in
        time; four events at least.
    """
    faults = []
    for station in locator.search_volume.stations.codes:
        own = [pick for pick in picks if pick.station == station]
        offsets = _offsets(own, locations, locator, station)
        if fault := _fault(station, offsets, locations, tolerance_s):
            faults.append(fault)
    return faults


def _offsets(
    picks: Sequence[Pick], locations: Sequence[Location], locator: Locator, station: str
) -> list[dict[str, FloatArray]]:
    """By event and phase: how much later than expected each pick in reach is, in s."""
    times = {
        phase: np.sort(np.array([pick.time for pick in picks if pick.phase == phase], "datetime64[ns]"))
        for phase in ("P", "S")
    }
    found = []
    for location in locations:
        by_phase = {}
        for phase, of_phase in times.items():
            expected = locator.predicted(location, station, phase)
            late = (of_phase - expected) / np.timedelta64(1, "ns") * 1e-9
            by_phase[phase] = late[np.abs(late) < MAX_SHIFT_S]
        found.append(by_phase)
    return found


def _fault(
    station: str, offsets: Sequence[dict[str, FloatArray]], locations: Sequence[Location], tolerance: float
) -> ClockError | None:
    everything = np.concatenate([np.empty(0), *(late for event in offsets for late in event.values())])
    candidates = np.sort(everything[np.abs(everything) > 3 * tolerance])
    if len(candidates) < MIN_EVENTS:
        return None
    within = np.searchsorted(candidates, candidates + tolerance) - np.arange(len(candidates))
    first = int(within.argmax())
    shift = float(np.median(candidates[first : first + within[first]]))
    shown = [row for row, event in enumerate(offsets) if _has(event, shift, tolerance)]
    if len(shown) < MIN_EVENTS:
        return None
    span = range(shown[0], shown[-1] + 1)
    in_time = sum(_has(offsets[row], 0.0, tolerance) for row in span)
    if len(shown) < MIN_SHARE * len(span) or in_time > 0.5 * len(shown):
        return None
    return ClockError(station, shift, locations[shown[0]].time, locations[shown[-1]].time, len(shown))


def _has(event: dict[str, FloatArray], shift: float, tolerance: float) -> bool:
    """Whether every phase that was picked in reach has a pick at the shift."""
    near = [bool(np.any(np.abs(late - shift) <= tolerance)) for late in event.values() if len(late)]
    return bool(near) and all(near)


def without(picks: Sequence[Pick], faults: Sequence[ClockError]) -> list[Pick]:
    """Leave out the picks of stations while their clocks are wrong."""
    margin = np.timedelta64(int(2 * MAX_SHIFT_S), "s")
    return [
        pick
        for pick in picks
        if not any(
            pick.station == fault.station and fault.first - margin <= pick.time <= fault.last + margin
            for fault in faults
        )
    ]
