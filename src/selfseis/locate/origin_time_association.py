"""Events that cannot be located: two stations, one, or stations without coordinates.

P and S of a station give its distance, d = (t_S - t_P) / (1/vs - 1/vp), and the time of the event,
t_0 = t_P - (t_S - t_P) / (vp/vs - 1). Stations that saw the same event agree on its time; that is asked of them, and a
place is not claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from selfseis.catalogue.records import Pick
from selfseis.geo.earth_models import VelocityModel1D
from selfseis.locate.pyocto_association import AssociatedEvent

MIN_S_MINUS_P, MAX_S_MINUS_P = 0.02, 40.0
AGREEMENT_S, AGREEMENT_SHARE, AGREEMENT_SDS = 0.1, 0.1, 3.0


@dataclass(frozen=True)
class _Onset:
    """A P-S pair of one station and the origin time that it asks for."""

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
    s_minus_p: tuple[float, float] = (MIN_S_MINUS_P, MAX_S_MINUS_P),
    min_stations: int | None = None,
) -> list[AssociatedEvent]:
    """Find events on which stations agree in origin time, without coordinates.

    Parameters
    ----------
    picks : sequence of Pick
        In any order.
    vp_vs : float
        Ratio of the velocities.
    s_minus_p : tuple of float
        Shortest and longest S - P time in s.
    min_stations : int, optional
        Stations that must agree; by default two, or one where there is only one.

    Returns
    -------
    list of AssociatedEvent
        In the order of time. Origin times agree within 0.1 s, 10% of the S - P time (its vp / vs may be another) and
        three standard deviations.
    """
    stations = dict.fromkeys(pick.station for pick in picks)
    needed = min(2, len(stations)) if min_stations is None else min_stations
    onsets = [
        onset
        for station in stations
        for onset in _pairs([pick for pick in picks if pick.station == station], vp_vs, s_minus_p)
    ]
    onsets.sort(key=lambda onset: onset.origin)
    events, taken = [], set[int]()
    for seed in sorted(range(len(onsets)), key=lambda row: -onsets[row].probability):
        if seed in taken:
            continue
        group = _agreeing(seed, onsets, taken)
        if len(group) >= needed:
            taken.update(group)
            members = [onsets[row] for row in group]
            origin = np.sort(np.array([onset.origin for onset in members]))[len(members) // 2]
            both = sorted(
                (pick for onset in members for pick in (onset.p, onset.s)), key=lambda pick: pick.time
            )
            events.append(AssociatedEvent(tuple(both), origin))
    return sorted(events, key=lambda event: event.time)


def distances_km(picks: Sequence[Pick], velocity: VelocityModel1D) -> dict[str, float]:
    """Distance of each station with P and S from the source in km, at the model's velocities near the surface."""
    vp, vs = (float(np.median(velocity.at(np.linspace(0, 10, 11), phase))) for phase in ("P", "S"))
    first = {(pick.station, pick.phase): pick.time for pick in reversed(picks)}
    return {
        station: float((s - first[station, "P"]) / np.timedelta64(1, "ns")) * 1e-9 / (1 / vs - 1 / vp)
        for (station, phase), s in first.items()
        if phase == "S" and (station, "P") in first and s > first[station, "P"]
    }


def _pairs(picks: Sequence[Pick], vp_vs: float, s_minus_p: tuple[float, float]) -> list[_Onset]:
    """P-S pairs of one station, each pick once: the most probable first, of equals the shortest."""
    p_picks, s_picks = (
        sorted((pick for pick in picks if pick.phase == phase), key=lambda pick: pick.time) for phase in "PS"
    )
    s_times = np.array([pick.time for pick in s_picks], dtype="datetime64[ns]")
    shortest, longest = (np.timedelta64(int(limit * 1e9), "ns") for limit in s_minus_p)
    candidates = [
        _onset(p, s_picks[row], vp_vs)
        for p in p_picks
        for row in range(*np.searchsorted(s_times, [p.time + shortest, p.time + longest]))
    ]
    used: set[Pick] = set()
    chosen = []
    for onset in sorted(candidates, key=lambda o: (-round(o.probability, 2), o.s.time - o.p.time)):
        if onset.p not in used and onset.s not in used:
            used |= {onset.p, onset.s}
            chosen.append(onset)
    return chosen


def _onset(p: Pick, s: Pick, vp_vs: float) -> _Onset:
    share = 1 / (vp_vs - 1)
    delay = (s.time - p.time).astype("timedelta64[ns]")
    seconds = float(delay / np.timedelta64(1, "ns")) * 1e-9
    sd = float(np.hypot((1 + share) * p.sd_s, share * s.sd_s))
    tolerance = AGREEMENT_S * min(1.0, seconds) + AGREEMENT_SHARE * seconds + AGREEMENT_SDS * sd
    return _Onset(p, s, p.time - np.timedelta64(int(seconds * share * 1e9), "ns"), tolerance)


def _agreeing(seed: int, onsets: Sequence[_Onset], taken: set[int]) -> list[int]:
    """Rows of the nearest onset of each station that agrees with one onset in origin time."""
    best = {onsets[seed].p.station: (0.0, seed)}
    for step in (-1, 1):
        row = seed + step
        while 0 <= row < len(onsets):
            away = abs(float((onsets[row].origin - onsets[seed].origin) / np.timedelta64(1, "ns"))) * 1e-9
            if away > 10 + onsets[seed].tolerance_s:
                break
            station = onsets[row].p.station
            near = away <= float(np.hypot(onsets[row].tolerance_s, onsets[seed].tolerance_s))
            if near and row not in taken and away < best.get(station, (np.inf, 0))[0]:
                best[station] = (away, row)
            row += step
    return [row for _, row in best.values()]
