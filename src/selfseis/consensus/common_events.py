"""Events that several stations saw, found among their P-S pairs without a single label.

A pair is worth the more the rarer pairs as good as it are at its station: its gain is minus the logarithm of the
chance to meet one by accident. So what is compared between stations, networks and rounds of learning does not depend
on the scale of a network's output.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from selfseis.consensus.ps_pairs import Moveout, Pairs, expanded
from selfseis.typing import BoolArray, FloatArray, IndexArray

MAX_PAIRS = 2_000_000
MAX_COUPLES = 300_000  # of pairs that are compared; beyond it only each station's best pairs are
COUPLES_AT_A_TIME = 250_000


@dataclass(frozen=True)
class PairedOnset:
    """P and S of an event at one station; times in s after the recording's start."""

    station: int
    p_time: float
    s_time: float
    p_prob: float
    s_prob: float


@dataclass(frozen=True)
class CommonEvent:
    """An event that at least two stations saw.

    Attributes
    ----------
    onsets : tuple of PairedOnset
        One a station, in the order of stations.
    score : float
        Sum of the stations' gains less the misfit of their origin times; the higher the less by chance.
    misfit : float
        Largest |dS - vp_vs * dP| between two of the stations in s: how far from one Wadati line they are.
    origin : float
        When the waves set out, in s after the recording's start.
    """

    onsets: tuple[PairedOnset, ...]
    score: float
    misfit: float
    origin: float

    @property
    def confirmations(self) -> int:
        """Return how many stations confirm a first one."""
        return len(self.onsets) - 1


def common_events(
    onsets: Sequence[Pairs], moveout: Moveout, *, duration: float | None = None
) -> list[CommonEvent]:
    """Find the events that at least two stations agree on.

    Couples of pairs that fit are taken in the order of their score. Two groups become one event only where each
    pair fits each other one, and an onset belongs to one event only.

    Parameters
    ----------
    onsets : sequence of Pairs
        Of each station.
    moveout : Moveout
        What they must have in common.
    duration : float, optional
        Length of the recording in s, gaps left out; by default from the first onset to the last.

    Returns
    -------
    list of CommonEvent
        The highest score first; empty for one station.
    """
    return _grown(_pooled(onsets, moveout, duration or extent(onsets)), moveout)


@dataclass(frozen=True)
class _Pool:
    """Pairs of all stations in the order of origin time."""

    origin: FloatArray
    station: IndexArray
    pairs: Pairs
    gain: FloatArray

    def taken(self, which: IndexArray | BoolArray) -> _Pool:
        pairs = Pairs(*(getattr(self.pairs, field.name)[which] for field in fields(Pairs)))
        return _Pool(self.origin[which], self.station[which], pairs, self.gain[which])


def extent(onsets: Sequence[Pairs]) -> float:
    """Return the last time of any onset in s."""
    return max((float(pairs.s_time.max()) for pairs in onsets if len(pairs)), default=0.0)


def _pooled(onsets: Sequence[Pairs], moveout: Moveout, duration: float) -> _Pool:
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
    share = min(1.0, MAX_PAIRS / max(len(origin), 1))
    while True:
        best = np.flatnonzero(rank <= share)
        best = best[np.argsort(origin[best], kind="stable")]
        taken = pool.taken(best)
        n_couples = int(np.sum(_reach(taken, moveout) - np.arange(1, len(best) + 1)))
        if n_couples <= MAX_COUPLES:
            return taken
        share *= 0.98 * np.sqrt(MAX_COUPLES / n_couples)


def _reach(pool: _Pool, moveout: Moveout) -> IndexArray:
    """Return behind each pair the end of those whose origin time fits."""
    return np.searchsorted(pool.origin, pool.origin + moveout.origin_tolerance, side="right")


def _couples(pool: _Pool, moveout: Moveout) -> tuple[IndexArray, IndexArray]:
    """Return the couples of pairs of two stations that fit, the best first."""
    end = _reach(pool, moveout)
    begin = np.arange(1, len(end) + 1)
    splits = np.searchsorted(
        np.cumsum(end - begin), np.arange(COUPLES_AT_A_TIME, np.sum(end - begin), COUPLES_AT_A_TIME)
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
    """Pairs of a station that use the same onset as another one."""

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
        """Return the pairs that cannot be true if this one is, itself among them."""
        rivals: list[int] = []
        for name in ("p_time", "s_time"):
            own, times = self.sorted[int(self.pool.station[pair]), name]
            time = getattr(self.pool.pairs, name)[pair]
            first, end = np.searchsorted(times, [time - self.apart, time + self.apart])
            rivals += own[first:end].tolist()
        return rivals


def _grown(pool: _Pool, moveout: Moveout) -> list[CommonEvent]:
    """Join couples to events, the best first."""
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
        if not _all_fit(pool, moveout, ours, theirs):
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


def _all_fit(pool: _Pool, moveout: Moveout, ours: list[int], theirs: list[int]) -> bool:
    if len(ours) == len(theirs) == 1:
        return True  # a couple was found because it fits
    station, p_time, origin = pool.station, pool.pairs.p_time, pool.origin
    limit = moveout.travel_limit[np.ix_(station[ours], station[theirs])]
    same = station[ours][:, None] == station[theirs]
    far = np.abs(p_time[ours][:, None] - p_time[theirs]) > limit
    early_or_late = np.abs(origin[ours][:, None] - origin[theirs]) > moveout.origin_tolerance
    return not (same | far | early_or_late).any()


def _event(pool: _Pool, moveout: Moveout, members: list[int]) -> CommonEvent:
    which = np.array(sorted(members, key=lambda pair: int(pool.station[pair])))
    origin = pool.origin[which]
    off = (origin - origin.mean()) / (moveout.origin_tolerance / 2)
    columns = [getattr(pool.pairs, field.name) for field in fields(Pairs)]
    onsets = tuple(
        PairedOnset(int(pool.station[pair]), *(float(column[pair]) for column in columns)) for pair in which
    )
    # For two stations this is their couple's score: each station has half of the variance of a difference.
    score = float(pool.gain[which].sum() - np.sum(off**2))
    return CommonEvent(onsets, score, float(np.ptp(origin)) * (moveout.vp_vs - 1), float(origin.mean()))
