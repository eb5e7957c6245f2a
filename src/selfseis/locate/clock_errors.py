"""Clock errors: stations whose picks are all early or late by the same time.

Such picks belong to no event, so the station seems to have none. A clock error shows in the residuals of the P and S
picks of the station with respect to located events. With a correct clock they are zero within the error of the
velocity model. With a wrong clock they have the same other value for event after event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from selfseis.catalogue.records import Location, Pick
from selfseis.locate.location import Locator
from selfseis.locate.options import ClockErrorOptions
from selfseis.typing import FloatArray


@dataclass(frozen=True)
class ClockError:
    """The clock error of one station.

    Attributes
    ----------
    station : str
        Name of the station.
    shift_s : float
        Observed minus predicted time of its picks in s.
    first, last : numpy.datetime64
        Times of the first and the last event with this shift.
    n_events : int
        Number of events with this shift.
    """

    station: str
    shift_s: float
    first: np.datetime64
    last: np.datetime64
    n_events: int

    def __str__(self) -> str:
        sign = "late" if self.shift_s > 0 else "early"
        span = " to ".join(str(time.astype("datetime64[s]")) for time in (self.first, self.last))
        return (
            f"the clock of {self.station} seems to be {abs(self.shift_s):.2f} s {sign} in {self.n_events} events "
            f"({span}): its picks in this time are not used"
        )


def find_clock_errors(
    picks: Sequence[Pick],
    locations: Sequence[Location],
    locator: Locator,
    tolerance_s: float,
    options: ClockErrorOptions = ClockErrorOptions(),
) -> list[ClockError]:
    """Find stations whose picks are consistently early or late.

    Parameters
    ----------
    picks : sequence of Pick
        All picks, associated or not.
    locations : sequence of Location
        Locations of events, in order of time.
    locator : Locator
        The locator of these events.
    tolerance_s : float
        Largest apparent shift of a correct clock, from the error of the velocity model.
    options : ClockErrorOptions
        Evidence for a clock error.

    Returns
    -------
    list of ClockError
        At most one per station. It needs four events or more. Between the first and the last of them, at least 60% of
        the events have the shift, and at most half as many have picks at the predicted time.
    """
    faults = []
    for station in locator.search_volume.stations.codes:
        own = [pick for pick in picks if pick.station == station]
        offsets = _offsets(own, locations, locator, station, options.max_shift)
        if fault := _fault(station, offsets, locations, tolerance_s, options):
            faults.append(fault)
    return faults


def _offsets(
    picks: Sequence[Pick], locations: Sequence[Location], locator: Locator, station: str, max_shift_s: float
) -> list[dict[str, FloatArray]]:
    """Residuals in s of the picks within reach, by event and phase."""
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
            by_phase[phase] = late[np.abs(late) < max_shift_s]
        found.append(by_phase)
    return found


def _fault(
    station: str,
    offsets: Sequence[dict[str, FloatArray]],
    locations: Sequence[Location],
    tolerance: float,
    options: ClockErrorOptions,
) -> ClockError | None:
    everything = np.concatenate([np.empty(0), *(late for event in offsets for late in event.values())])
    candidates = np.sort(everything[np.abs(everything) > options.min_shift * tolerance])
    if len(candidates) < options.min_events:
        return None
    within = np.searchsorted(candidates, candidates + tolerance) - np.arange(len(candidates))
    first = int(within.argmax())
    shift = float(np.median(candidates[first : first + within[first]]))
    with_shift = [row for row, event in enumerate(offsets) if _has(event, shift, tolerance)]
    if len(with_shift) < options.min_events:
        return None
    span = range(with_shift[0], with_shift[-1] + 1)
    n_without_shift = sum(_has(offsets[row], 0.0, tolerance) for row in span)
    if len(with_shift) < options.min_share * len(span):
        return None
    if n_without_shift > options.max_share_on_time * len(with_shift):
        return None
    return ClockError(
        station, shift, locations[with_shift[0]].time, locations[with_shift[-1]].time, len(with_shift)
    )


def _has(event: dict[str, FloatArray], shift: float, tolerance: float) -> bool:
    """Whether each phase with picks within reach has a pick at the shift."""
    near = [bool(np.any(np.abs(late - shift) <= tolerance)) for late in event.values() if len(late)]
    return bool(near) and all(near)


def remove_faulty_picks(
    picks: Sequence[Pick], faults: Sequence[ClockError], options: ClockErrorOptions = ClockErrorOptions()
) -> list[Pick]:
    """Return the picks without those of stations during their clock errors."""
    margin = np.timedelta64(int(2 * options.max_shift), "s")
    return [
        pick
        for pick in picks
        if not any(
            pick.station == fault.station and fault.first - margin <= pick.time <= fault.last + margin
            for fault in faults
        )
    ]
