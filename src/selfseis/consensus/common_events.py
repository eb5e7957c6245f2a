"""Common events: events at two or more stations, found among P-S pairs without labels.

The gain of a pair is minus the logarithm of the probability of an equally good pair at its station by coincidence. It
depends on the ranks of the pairs only. So scores can be compared between stations, networks and rounds of
self-training, whatever the scale of the output of a network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from selfseis.consensus.options import ConsensusOptions
from selfseis.consensus.ps_pairs import Moveout, Pairs, expanded
from selfseis.typing import BoolArray, FloatArray, IndexArray

COUPLES_PER_CHUNK = 250_000  # memory; the events do not depend on it


@dataclass(frozen=True)
class PairedOnset:
    """P and S onset of an event at one station, with times in s after the start of the recording."""

    station: int
    p_time: float
    s_time: float
    p_prob: float
    s_prob: float


@dataclass(frozen=True)
class CommonEvent:
    """An event at two or more stations.

    Attributes
    ----------
    onsets : tuple of PairedOnset
        One per station, in the order of stations.
    score : float
        Sum of the gains of the stations minus the misfit of their origin times.
    misfit : float
        Largest |dS - vp_vs * dP| between two of the stations in s, the deviation from one Wadati line.
    origin : float
        Origin time in s after the start of the recording.
    """

    onsets: tuple[PairedOnset, ...]
    score: float
    misfit: float
    origin: float

    @property
    def confirmations(self) -> int:
        """Return the number of stations that confirm the first one."""
        return len(self.onsets) - 1


def common_events(
    onsets: Sequence[Pairs],
    moveout: Moveout,
    *,
    duration: float | None = None,
    options: ConsensusOptions = ConsensusOptions(),
) -> list[CommonEvent]:
    """Find the events with consistent P-S pairs at two or more stations.

    Couples of consistent pairs are joined in order of their score. Two groups become one event only if each pair of one
    is consistent with each pair of the other. An onset belongs to one event only.

    Parameters
    ----------
    onsets : sequence of Pairs
        P-S pairs of each station.
    moveout : Moveout
        Conditions for a common event.
    duration : float, optional
        Length of the recording without gaps in s; by default the time of the last onset.
    options : ConsensusOptions
        Maximum numbers of pairs and couples that are compared.

    Returns
    -------
    list of CommonEvent
        In descending order of score; empty for one station.
    """
    return _join_couples(_pool(onsets, moveout, duration or extent(onsets), options), moveout)


@dataclass(frozen=True)
class _Pool:
    """Pairs of all stations in order of origin time."""

    origin: FloatArray
    station: IndexArray
    pairs: Pairs
    gain: FloatArray

    def select(self, rows: IndexArray | BoolArray) -> _Pool:
        pairs = Pairs(*(getattr(self.pairs, field.name)[rows] for field in fields(Pairs)))
        return _Pool(self.origin[rows], self.station[rows], pairs, self.gain[rows])


def extent(onsets: Sequence[Pairs]) -> float:
    """Return the time of the last onset in s."""
    return max((float(pairs.s_time.max()) for pairs in onsets if len(pairs)), default=0.0)


def _pool(onsets: Sequence[Pairs], moveout: Moveout, duration: float, options: ConsensusOptions) -> _Pool:
    window = 2 * moveout.origin_tolerance / max(duration, 2 * moveout.origin_tolerance)
    gains, ranks = [], []
    for pairs in onsets:
        n_as_good = len(pairs) - np.searchsorted(np.sort(pairs.worth), pairs.worth, side="left")
        gains.append(-np.log(-np.expm1(-n_as_good * window)))
        ranks.append((np.argsort(np.argsort(-pairs.worth, kind="stable")) + 1) / max(len(pairs), 1))
    gain, rank = np.concatenate(gains), np.concatenate(ranks)
    station = np.repeat(np.arange(len(onsets)), [len(pairs) for pairs in onsets])
    every = Pairs(
        *(np.concatenate([getattr(pairs, field.name) for pairs in onsets]) for field in fields(Pairs))
    )
    origin = every.origin(moveout.vp_vs)
    pool = _Pool(origin, station, every, gain)
    share = min(1.0, options.max_pairs / max(len(origin), 1))
    while True:
        best = np.flatnonzero(rank <= share)
        best = best[np.argsort(origin[best], kind="stable")]
        taken = pool.select(best)
        n_couples = int(np.sum(_reach(taken, moveout) - np.arange(1, len(best) + 1)))
        if n_couples <= options.max_couples:
            return taken
        share *= 0.98 * np.sqrt(options.max_couples / n_couples)


def _reach(pool: _Pool, moveout: Moveout) -> IndexArray:
    """Return for each pair the end of the range of pairs with a consistent origin time."""
    return np.searchsorted(pool.origin, pool.origin + moveout.origin_tolerance, side="right")


def _couples(pool: _Pool, moveout: Moveout) -> tuple[IndexArray, IndexArray]:
    """Return the consistent couples of pairs at two stations, in descending order of score."""
    end = _reach(pool, moveout)
    begin = np.arange(1, len(end) + 1)
    splits = np.searchsorted(
        np.cumsum(end - begin), np.arange(COUPLES_PER_CHUNK, np.sum(end - begin), COUPLES_PER_CHUNK)
    )
    found = []
    for rows in np.split(np.arange(len(end)), splits):
        row, right = expanded(begin[rows], end[rows])
        left = rows[row]
        apart = np.abs(pool.pairs.p_time[left] - pool.pairs.p_time[right])
        limit = moveout.travel_limit[pool.station[left], pool.station[right]]
        fits = (pool.station[left] != pool.station[right]) & (apart <= limit)
        left, right = left[fits], right[fits]
        misfit = (pool.origin[right] - pool.origin[left]) / (moveout.origin_tolerance / 2)
        score = pool.gain[left] + pool.gain[right] - 0.5 * misfit**2
        found.append((left[score > 0], right[score > 0], score[score > 0]))
    left, right, score = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.argsort(-score, kind="stable")
    return left[order], right[order]


class _Rivals:
    """Pairs of a station that share an onset with another pair."""

    def __init__(self, pool: _Pool, apart: float) -> None:
        self.pool, self.apart = pool, apart
        self.sorted: dict[tuple[int, str], tuple[IndexArray, FloatArray]] = {}
        for station in np.unique(pool.station):
            own = np.flatnonzero(pool.station == station)
            for name in ("p_time", "s_time"):
                times = getattr(pool.pairs, name)[own]
                order = np.argsort(times, kind="stable")
                self.sorted[int(station), name] = own[order], times[order]

    def of(self, pair: int) -> list[int]:
        """Return the pairs that exclude a pair because they share an onset with it, including itself."""
        rivals: list[int] = []
        for name in ("p_time", "s_time"):
            own, times = self.sorted[int(self.pool.station[pair]), name]
            time = getattr(self.pool.pairs, name)[pair]
            first, end = np.searchsorted(times, [time - self.apart, time + self.apart])
            rivals += own[first:end].tolist()
        return rivals


def _join_couples(pool: _Pool, moveout: Moveout) -> list[CommonEvent]:
    """Join couples to events, in descending order of score."""
    if len(np.unique(pool.station)) < 2:
        return []
    left, right = _couples(pool, moveout)
    rivals = _Rivals(pool, moveout.apart)
    members: dict[int, list[int]] = {}
    event_of = [-1] * len(pool.origin)
    refused = bytearray(len(pool.origin))
    for a, b in zip(left.tolist(), right.tolist(), strict=True):
        if refused[a] or refused[b] or (event_of[a] == event_of[b] >= 0):
            continue
        ours, theirs = members.get(event_of[a], [a]), members.get(event_of[b], [b])
        if not _are_consistent(pool, moveout, ours, theirs):
            continue
        for pair in {a, b}:
            if event_of[pair] < 0:
                for rival in rivals.of(pair):
                    refused[rival] = rival != pair
        joined = ours + theirs
        members.pop(event_of[b], None)
        name = event_of[a] if event_of[a] >= 0 else a
        members[name] = joined
        for pair in joined:
            event_of[pair] = name
    events = [_event(pool, moveout, pairs) for pairs in members.values()]
    return sorted(events, key=lambda event: (-event.score, event.origin))


def _are_consistent(pool: _Pool, moveout: Moveout, ours: list[int], theirs: list[int]) -> bool:
    if len(ours) == len(theirs) == 1:
        return True  # each couple is consistent
    station, p_time, origin = pool.station, pool.pairs.p_time, pool.origin
    limit = moveout.travel_limit[np.ix_(station[ours], station[theirs])]
    same = station[ours][:, None] == station[theirs]
    far = np.abs(p_time[ours][:, None] - p_time[theirs]) > limit
    early_or_late = np.abs(origin[ours][:, None] - origin[theirs]) > moveout.origin_tolerance
    return not (same | far | early_or_late).any()


def _event(pool: _Pool, moveout: Moveout, members: list[int]) -> CommonEvent:
    rows = np.array(sorted(members, key=lambda pair: int(pool.station[pair])))
    origin = pool.origin[rows]
    off = (origin - origin.mean()) / (moveout.origin_tolerance / 2)
    columns = [getattr(pool.pairs, field.name) for field in fields(Pairs)]
    onsets = tuple(
        PairedOnset(int(pool.station[pair]), *(float(column[pair]) for column in columns)) for pair in rows
    )
    # For two stations this is the score of their couple: each station has half of the variance of a difference.
    score = float(pool.gain[rows].sum() - np.sum(off**2))
    return CommonEvent(onsets, score, float(np.ptp(origin)) * (moveout.vp_vs - 1), float(origin.mean()))
