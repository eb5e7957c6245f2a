"""Origin-time association: events from P-S pairs whose origin times agree across stations.

P and S at one station give its distance, d = (t_S - t_P) / (1/vs - 1/vp), and the origin time of the event,
t_0 = t_P - (t_S - t_P) / (vp/vs - 1). Stations that recorded the same event have the same origin time. The method needs
no coordinates and gives no location, so it also serves networks of one or two stations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from selfseis.catalogue.records import Pick
from selfseis.geo.earth_models import VelocityModel1D
from selfseis.locate.options import AssociationOptions
from selfseis.locate.pyocto_association import AssociatedEvent


@dataclass(frozen=True)
class _PsPair:
    """A P-S pair of one station with its origin time."""

    p: Pick
    s: Pick
    origin: np.datetime64
    tolerance_s: float

    @property
    def probability(self) -> float:
        return self.p.probability * self.s.probability


def associate_by_origin_time(
    picks: Sequence[Pick],
    vp_vs: float,
    *,
    s_minus_p: tuple[float, float] | None = None,
    min_stations: int | None = None,
    options: AssociationOptions = AssociationOptions(),
) -> list[AssociatedEvent]:
    """Find events whose origin times agree across stations, without coordinates.

    Parameters
    ----------
    picks : sequence of Pick
        In any order.
    vp_vs : float
        Ratio of the P and S velocities.
    s_minus_p : tuple of float, optional
        Minimum and maximum S - P time in s; by default those of the options.
    min_stations : int, optional
        Minimum number of stations per event; by default two, or one if there is only one.
    options : AssociationOptions
        Tolerance of origin times, and default of ``s_minus_p``.

    Returns
    -------
    list of AssociatedEvent
        In order of time. The tolerance of the origin time of a pair is the sum of 0.1 s (0.1 times S - P below 1 s),
        10% of S - P (for a different vp/vs) and three standard deviations.
    """
    stations = dict.fromkeys(pick.station for pick in picks)
    needed = min(2, len(stations)) if min_stations is None else min_stations
    limits = (options.min_s_minus_p, options.max_s_minus_p) if s_minus_p is None else s_minus_p
    pairs = [
        pair
        for station in stations
        for pair in _pairs([pick for pick in picks if pick.station == station], vp_vs, limits, options)
    ]
    pairs.sort(key=lambda pair: pair.origin)
    events, taken = [], set[int]()
    for seed in sorted(range(len(pairs)), key=lambda row: -pairs[row].probability):
        if seed in taken:
            continue
        group = _consistent(seed, pairs, taken)
        if len(group) >= needed:
            taken.update(group)
            members = [pairs[row] for row in group]
            origin = np.sort(np.array([pair.origin for pair in members]))[len(members) // 2]
            both = sorted((pick for pair in members for pick in (pair.p, pair.s)), key=lambda pick: pick.time)
            events.append(AssociatedEvent(tuple(both), origin))
    return sorted(events, key=lambda event: event.time)


def distances_km(picks: Sequence[Pick], velocity: VelocityModel1D) -> dict[str, float]:
    """Return the distance in km of each station with P and S, with the velocities of the upper 10 km."""
    vp, vs = (float(np.median(velocity.at(np.linspace(0, 10, 11), phase))) for phase in ("P", "S"))
    first = {(pick.station, pick.phase): pick.time for pick in reversed(picks)}
    return {
        station: float((s - first[station, "P"]) / np.timedelta64(1, "ns")) * 1e-9 / (1 / vs - 1 / vp)
        for (station, phase), s in first.items()
        if phase == "S" and (station, "P") in first and s > first[station, "P"]
    }


def _pairs(
    picks: Sequence[Pick], vp_vs: float, s_minus_p: tuple[float, float], options: AssociationOptions
) -> list[_PsPair]:
    """Pair P and S of one station, each pick once: the most probable first, then the smallest S - P time."""
    p_picks, s_picks = (
        sorted((pick for pick in picks if pick.phase == phase), key=lambda pick: pick.time) for phase in "PS"
    )
    s_times = np.array([pick.time for pick in s_picks], dtype="datetime64[ns]")
    min_delay, max_delay = (np.timedelta64(int(limit * 1e9), "ns") for limit in s_minus_p)
    candidates = [
        _ps_pair(p, s_picks[row], vp_vs, options)
        for p in p_picks
        for row in range(*np.searchsorted(s_times, [p.time + min_delay, p.time + max_delay]))
    ]
    used: set[Pick] = set()
    chosen = []
    for pair in sorted(candidates, key=lambda c: (-round(c.probability, 2), c.s.time - c.p.time)):
        if pair.p not in used and pair.s not in used:
            used |= {pair.p, pair.s}
            chosen.append(pair)
    return chosen


def _ps_pair(p: Pick, s: Pick, vp_vs: float, options: AssociationOptions) -> _PsPair:
    share = 1 / (vp_vs - 1)
    delay = (s.time - p.time).astype("timedelta64[ns]")
    seconds = float(delay / np.timedelta64(1, "ns")) * 1e-9
    sd = float(np.hypot((1 + share) * p.sd_s, share * s.sd_s))
    tolerance = (
        options.origin_tolerance * min(1.0, seconds)
        + options.origin_tolerance_share * seconds
        + options.origin_tolerance_in_sds * sd
    )
    return _PsPair(p, s, p.time - np.timedelta64(int(seconds * share * 1e9), "ns"), tolerance)


def _consistent(seed: int, pairs: Sequence[_PsPair], taken: set[int]) -> list[int]:
    """Return the rows of the nearest pair per station whose origin time agrees with that of one pair."""
    best = {pairs[seed].p.station: (0.0, seed)}
    for step in (-1, 1):
        row = seed + step
        while 0 <= row < len(pairs):
            away = abs(float((pairs[row].origin - pairs[seed].origin) / np.timedelta64(1, "ns"))) * 1e-9
            if away > 10 + pairs[seed].tolerance_s:
                break
            station = pairs[row].p.station
            near = away <= float(np.hypot(pairs[row].tolerance_s, pairs[seed].tolerance_s))
            if near and row not in taken and away < best.get(station, (np.inf, 0))[0]:
                best[station] = (away, row)
            row += step
    return [row for _, row in best.values()]
