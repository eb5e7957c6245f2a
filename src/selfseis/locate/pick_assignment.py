"""Select events from candidates, and assign each pick to one event at most.

If events follow each other within seconds, a pick fits several candidates. Each candidate is located, collects the
picks within three standard deviations of their predicted times, and is located again. The standard deviation is that of
the pick, the velocity model and the origin time together. The best candidate is accepted with its picks. The others
lose these picks, and the selection is repeated until none has enough picks.

This needs locations. Where picks come from fewer than three places with coordinates, `locate_events` does not use this
module: events and their picks are then those of `origin_time_association.py`.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence

import numpy as np

from selfseis.catalogue.records import PHASES, Location, Pick
from selfseis.locate.location import MIN_STATIONS, Locator
from selfseis.locate.options import AssociationOptions
from selfseis.locate.pyocto_association import AssociatedEvent, default_min_picks

COARSE_ERROR_S = 1.0  # stands for the errors of pick and origin time in the first, coarse limit

_Placed = tuple[AssociatedEvent, Location]


class PickAssignment:
    """Assignment of each pick to one event at most.

    Parameters
    ----------
    picks : sequence of Pick
        The available picks.
    locator : Locator
        Locator of the candidates.
    apart_s : float
        Candidates whose origin times differ by less than this are the same event.
    min_picks : int, optional
        Minimum number of picks per event; by default a quarter of all possible ones, within 5 to 8.
    options : AssociationOptions
        Range of standard deviations, and default of ``min_picks``.
    """

    def __init__(
        self,
        picks: Sequence[Pick],
        locator: Locator,
        apart_s: float,
        min_picks: int | None = None,
        options: AssociationOptions = AssociationOptions(),
    ) -> None:
        codes = locator.search_volume.stations.codes
        self._locator = locator
        self._apart = np.timedelta64(int(apart_s * 1e9), "ns")
        self._within_sds = options.assignment_in_sds
        self._needed = default_min_picks(len(codes), options) if min_picks is None else max(min_picks, 1)
        self._taken: set[Pick] = set()
        self._picks: dict[tuple[str, str], list[Pick]] = {(c, phase): [] for c in codes for phase in PHASES}
        for pick in sorted(picks, key=lambda pick: pick.time):
            if (pick.station, pick.phase) in self._picks:
                self._picks[pick.station, pick.phase].append(pick)
        self._times = {
            key: np.array([pick.time for pick in of_key], dtype="datetime64[ns]")
            for key, of_key in self._picks.items()
        }

    def assign_picks(self, candidates: Iterable[AssociatedEvent]) -> list[_Placed]:
        """Select events from candidates, and assign the picks to them.

        Parameters
        ----------
        candidates : iterable of AssociatedEvent
            Candidate events; several may represent the same event.

        Returns
        -------
        list of (AssociatedEvent, Location)
            In order of time; each pick belongs to one event at most.
        """
        waiting: list[tuple[float, int, _Placed]] = []
        for number, candidate in enumerate(candidates):
            self._locate_and_queue(waiting, number, candidate.picks)
        accepted: list[_Placed] = []
        while waiting:
            _, number, (event, place) = heapq.heappop(waiting)
            if any(abs(place.time - other.time) < self._apart for _, other in accepted):
                continue
            if self._taken.isdisjoint(event.picks):
                self._taken.update(event.picks)
                accepted.append((event, place))
            else:
                free = [pick for pick in event.picks if pick not in self._taken]
                self._locate_and_queue(waiting, number, free)
        return sorted(accepted, key=lambda found: found[1].time)

    def _locate_and_queue(
        self, waiting: list[tuple[float, int, _Placed]], number: int, picks: Sequence[Pick]
    ) -> None:
        """Locate a candidate, match its picks, locate it again, and queue it if it has enough picks."""
        place = self._locator.locate(picks)
        for _ in range(2):
            if place is None:
                return
            picks = self._matching(place)
            place = self._locator.locate(picks, near=place)
        if place is None or len(picks) < self._needed or len({p.station for p in picks}) < MIN_STATIONS:
            return
        fit = sum(
            a.pick.probability * max(0.0, 1 - (a.residual_s / self._reach(a.pick, place, a.distance_km)) ** 2)
            for a in place.arrivals
        )
        event = AssociatedEvent(tuple(sorted(picks, key=lambda p: (p.time, p.seed_id, p.phase))), place.time)
        heapq.heappush(waiting, (-fit, number, (event, place)))

    def _matching(self, place: Location) -> list[Pick]:
        """Return the nearest free pick per station and phase within its `_limit` of the predicted time.

        A coarse limit comes first, because it is the same for all picks of a station and phase: three times the sum of
        the model error and 1 s. It is narrower than `_limit` only where the error of a pick is above some 0.7 s, or
        the model error above some 2 s.
        """
        search_volume = self._locator.search_volume
        east, north = search_volume.plane.flat(place.latitude, place.longitude)
        distance = np.hypot(search_volume.east_km - east, search_volume.north_km - north)
        rows = np.arange(len(distance))
        found = []
        for phase, name in enumerate(PHASES):
            travel = search_volume.times(rows, phase, distance, place.depth_km)[0]
            for row, code in enumerate(search_volume.stations.codes):
                own, times = self._picks[code, name], self._times[code, name]
                expected = place.time + np.timedelta64(int(travel[row] * 1e9), "ns")
                late = np.abs((times - expected) / np.timedelta64(1, "ns")) * 1e-9
                coarse = self._within_sds * (self._locator.model_error * travel[row] + COARSE_ERROR_S)
                near = [
                    i
                    for i in np.flatnonzero(late < coarse)
                    if own[i] not in self._taken
                    and late[i] < self._limit(own[i], float(travel[row]), place.time_error_s)
                ]
                if near:
                    found.append(own[min(near, key=lambda i: late[i])])
        return found

    def _limit(self, pick: Pick, travel_s: float, origin_error_s: float) -> float:
        """Return the maximum residual of a pick in s: three standard deviations of pick, model and origin time.

        The origin time counts with no more than pick and model together, so the limit is at most sqrt(2) times that of
        a known origin time. An event with an uncertain origin time therefore does not collect picks of others.
        """
        sd = float(np.hypot(pick.sd_s, self._locator.model_error * travel_s))
        return self._within_sds * float(np.hypot(sd, min(origin_error_s, sd)))

    def _reach(self, pick: Pick, place: Location, distance_km: float) -> float:
        search_volume = self._locator.search_volume
        row = search_volume.stations.codes.index(pick.station)
        travel = float(search_volume.times(row, PHASES.index(pick.phase), distance_km, place.depth_km)[0])
        return self._limit(pick, travel, place.time_error_s)
