"""Stations whose picks contradict the other stations: wrong coordinates, and clocks that are late by little.

Wrong coordinates show in picks that are far from their predicted times for most events, and that fit well from another
position of the station. A small clock error shows in residuals of P and S that have the same median. The residuals of
rocks that are slower than the model grow from P to S instead. Larger clock errors are those of `clock_errors`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from selfseis.catalogue.records import PHASES, Location, Pick
from selfseis.locate.location import Locator
from selfseis.locate.options import StationFaultOptions
from selfseis.typing import FloatArray, IndexArray

_COMPASS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")
_ERROR_OF_MEDIAN = 1.2533 * 1.4826  # standard error of a median, in median absolute deviations times sqrt(n)


@dataclass(frozen=True)
class MisplacedStation:
    """A station whose picks fit another position than its coordinates.

    Attributes
    ----------
    station : str
        Name of the station.
    east_km, north_km : float
        From the coordinates to the position that fits.
    n_events, n_as_stated : int
        Events that have picks at the predicted times, from that position and from the coordinates.
    """

    station: str
    east_km: float
    north_km: float
    n_events: int
    n_as_stated: int

    def __str__(self) -> str:
        distance = np.hypot(self.east_km, self.north_km)
        azimuth = np.degrees(np.arctan2(self.east_km, self.north_km)) % 360
        direction = _COMPASS[round(azimuth / 45) % 8]
        return (
            f"the picks of {self.station} fit a position about {distance:.0f} km {direction} of "
            f"its coordinates in {self.n_events} events, and the coordinates in {self.n_as_stated}: check them; its "
            "picks are not used"
        )


@dataclass(frozen=True)
class LateStation:
    """A station whose P and S are early or late by the same little time.

    Attributes
    ----------
    station : str
        Name of the station.
    shift_s, error_s : float
        Median residual, observed minus predicted, and its standard error.
    n_events : int
        Number of events with residuals.
    """

    station: str
    shift_s: float
    error_s: float
    n_events: int

    def __str__(self) -> str:
        sign = "late" if self.shift_s > 0 else "early"
        return (
            f"P and S of {self.station} are both {abs(self.shift_s):.2f} ± {self.error_s:.2f} s {sign} in "
            f"{self.n_events} events: check its clock; its picks are used"
        )


def find_misplaced_stations(
    picks: Sequence[Pick],
    locations: Sequence[Location],
    locator: Locator,
    tolerance_s: float,
    options: StationFaultOptions,
) -> list[MisplacedStation]:
    """Find stations whose picks fit the events from another position.

    Parameters
    ----------
    picks : sequence of Pick
        All picks, associated or not.
    locations : sequence of Location
        Locations of events.
    locator : Locator
        The locator of these events.
    tolerance_s : float
        Largest error of a predicted time.
    options : StationFaultOptions
        Evidence for a wrong position.
    """
    volume = locator.search_volume
    reach = options.max_reach * volume.aperture_km
    step = np.clip(tolerance_s * float(np.median(volume.velocity.vs)), reach / options.max_steps, reach)
    axis = np.arange(-np.floor(reach / step), np.floor(reach / step) + 1) * step
    shifts = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    every = -(-len(locations) // options.max_events) if locations else 1
    found = []
    for row, station in enumerate(volume.stations.codes):
        own = [pick for pick in picks if pick.station == station]
        count = partial(_count_events, own, locations[::every], locator, row, tolerance_s=tolerance_s)
        as_stated, n_heard = count(shifts=np.zeros((1, 2)))
        stated = int(as_stated[0])
        if n_heard < options.min_events or stated > options.max_share_stated * n_heard:
            continue  # most stations: the search is slow
        counts, _ = count(shifts=shifts)
        best = int(counts.max())
        if (
            best < max(options.min_events, options.min_share * n_heard)
            or stated > options.max_share_stated * best
        ):
            continue
        east, north = shifts[counts == best].mean(axis=0)
        if np.hypot(east, north) > 2 * step:
            found.append(MisplacedStation(station, float(east), float(north), best, stated))
    return found


def _count_events(
    picks: Sequence[Pick],
    locations: Sequence[Location],
    locator: Locator,
    row: int,
    shifts: FloatArray,
    tolerance_s: float,
) -> tuple[IndexArray, int]:
    """Count the events with both phases at the predicted times by shift of a station, and those with any picks."""
    volume = locator.search_volume
    times = {
        phase: np.sort(np.array([pick.time for pick in picks if pick.phase == phase], "datetime64[ns]"))
        for phase in PHASES
    }
    counts, n_heard = np.zeros(len(shifts), np.intp), 0
    if not all(len(of_phase) for of_phase in times.values()):
        return counts, n_heard
    for location in locations:
        east, north = volume.plane.flat(location.latitude, location.longitude)
        distance = np.hypot(
            volume.east_km[row] + shifts[:, 0] - float(east),
            volume.north_km[row] + shifts[:, 1] - float(north),
        )
        hits = []
        for number, phase in enumerate(PHASES):
            seconds = (times[phase] - location.time) / np.timedelta64(1, "ns") * 1e-9
            travel = volume.times(row, number, distance, location.depth_km)[0]
            hits.append(_nearest(seconds, travel) <= tolerance_s)
            n_heard += phase == "P" and bool(np.any((seconds > 0) & (seconds < volume.s_crossing_s)))
        counts += np.all(hits, axis=0)
    return counts, n_heard


def _nearest(values: FloatArray, wanted: FloatArray) -> FloatArray:
    """Return the distance from each wanted value to the nearest one of sorted values."""
    after = np.clip(np.searchsorted(values, wanted), 1, max(len(values) - 1, 1))
    before = np.abs(values[after - 1] - wanted)
    return before if len(values) < 2 else np.minimum(before, np.abs(values[after] - wanted))


def find_late_stations(locations: Sequence[Location], options: StationFaultOptions) -> list[LateStation]:
    """Find stations whose P and S residuals have the same median, which is not zero.

    Parameters
    ----------
    locations : sequence of Location
        Locations of events, with their arrivals.
    options : StationFaultOptions
        Evidence for a clock error.
    """
    residuals: dict[str, dict[str, list[float]]] = {}
    for location in locations:
        for arrival in location.arrivals:
            of_station = residuals.setdefault(arrival.pick.station, {phase: [] for phase in PHASES})
            of_station[arrival.pick.phase].append(arrival.residual_s)
    medians = {
        station: [_median(np.array(of_phase[phase])) for phase in PHASES]
        for station, of_phase in residuals.items()
        if min(map(len, of_phase.values())) >= options.min_events
    }
    found = []
    for station, phases in medians.items():
        (p, p_error), (s, s_error) = phases
        others = [abs(value) for name, pair in medians.items() if name != station for value, _ in pair]
        error = max(float(np.hypot(p_error, s_error)) / 2, options.min_error)
        shift = (p + s) / 2
        stands_out = len(others) >= 4 and abs(shift) > options.min_ratio * max(
            float(np.median(others)), error
        )
        if stands_out and abs(p - s) < options.max_difference * abs(shift):
            found.append(LateStation(station, shift, error, min(map(len, residuals[station].values()))))
    return found


def _median(values: FloatArray) -> tuple[float, float]:
    middle = float(np.median(values))
    return middle, float(_ERROR_OF_MEDIAN * np.median(np.abs(values - middle)) / len(values) ** 0.5)
