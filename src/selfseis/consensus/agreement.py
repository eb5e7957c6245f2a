"""What stations agree on, how much of it is chance, and which onsets no other station knows of.

Stations that are shifted against each other along the recording agree by chance only. The number of events above
that is a measure of how good picks are that needs no label.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from selfseis.consensus.common_events import CommonEvent, PairedOnset, common_events, extent
from selfseis.consensus.ps_pairs import Moveout, Pairs, paired
from selfseis.typing import BoolArray, FloatArray

__all__ = [
    "CommonEvent",
    "Consensus",
    "Moveout",
    "PairedOnset",
    "Pairs",
    "common_events",
    "consensus_above_null",
    "lonely",
    "paired",
    "time_with_data",
]


@dataclass(frozen=True)
class Consensus:
    """Events that stations agree on, beside what they agree on by chance.

    Attributes
    ----------
    events : tuple of CommonEvent
        The highest score first.
    null : tuple of ndarray, shape (n_events, 4)
        Score, misfit, confirmations and onsets that count of the events of each circular shift.
    n_stations : int
        Stations that had pairs at all.
    counted : frozenset of int or None
        Stations whose onsets and confirmations count, such as hidden ones; None for all.
    """

    events: tuple[CommonEvent, ...]
    null: tuple[FloatArray, ...]
    n_stations: int
    counted: frozenset[int] | None = None

    @property
    def confirmations(self) -> int:
        """Return how often a station that counts is confirmed: n - 1 times in an event of n stations that all count."""
        return sum(_confirmations(event, self.counted) for event in self.events)

    @property
    def null_mean(self) -> float:
        """Return how many events chance brings."""
        return float(np.mean([len(shifted) for shifted in self.null])) if self.null else 0.0

    @property
    def null_confirmations(self) -> float:
        """Return how many confirmations chance brings."""
        return float(np.mean(self._confirmations_by_shift())) if self.null else 0.0

    @property
    def null_sd(self) -> float:
        """Return by how much the number of chance confirmations differs between shifts."""
        return float(np.std(self._confirmations_by_shift(), ddof=1)) if len(self.null) > 1 else 0.0

    @property
    def null_onsets(self) -> float:
        """Return how many onsets of stations that count belong to events that chance brings."""
        return float(np.mean([shifted[:, 3].sum() for shifted in self.null])) if self.null else 0.0

    @property
    def above_null(self) -> float:
        """Return the confirmations less what chance brings: how good picks are, without a label.

        Of two stations it is the number of events. Of more, events would not do: chance brings many events of two
        stations where real ones are few of many. Compare it only between picks of equal number.
        """
        return self.confirmations - self.null_confirmations

    @property
    def onsets(self) -> list[PairedOnset]:
        """Return the onsets of stations that count."""
        return [onset for event in self.events for onset in _counting(event, self.counted)]

    @cached_property
    def null_share(self) -> FloatArray:
        """Return for each event the share of chance among the events that score at least as high.

        It counts one chance event more than was seen in all shifts, so that few shifts do not promise too much, and
        it never falls with a lower score.
        """
        if not self.null:
            return np.ones(len(self.events))
        null = np.sort(np.concatenate(self.null)[:, 0])
        scores = np.array([event.score for event in self.events])
        under_null = (len(null) - np.searchsorted(null, scores, side="left") + 1) / len(self.null)
        share = np.minimum(under_null / np.arange(1, len(scores) + 1), 1.0)
        return np.minimum.accumulate(share[::-1])[::-1]

    def kept(self, share: float) -> list[CommonEvent]:
        """Return the events of highest score among which at most a share is by chance."""
        return list(self.events[: int(np.sum(self.null_share <= share))])

    def on_one_line(self, within: float) -> tuple[int, float]:
        """Count the events whose stations lie on one Wadati line, and those that do so by chance.

        Parameters
        ----------
        within : float
            Largest |dS - vp_vs * dP| in s.

        Returns
        -------
        int, float
            Number of events, and what chance brings of it.
        """
        found = sum(event.misfit <= within for event in self.events)
        null = [int(np.sum(shifted[:, 1] <= within)) for shifted in self.null]
        return found, float(np.mean(null)) if null else 0.0

    def __str__(self) -> str:
        if self.n_stations < 2:
            return "one station alone has no other to agree with: its P-S pairs are not confirmed"
        return (
            f"{self.n_stations} stations agree on {len(self.events)} events and confirm each other "
            f"{self.confirmations} times; chance does so {self.null_confirmations:.1f} ± {self.null_sd:.1f} times"
        )

    def _confirmations_by_shift(self) -> list[float]:
        return [float(shifted[:, 2].sum()) for shifted in self.null]


def consensus_above_null(
    onsets: Sequence[Pairs],
    moveout: Moveout,
    *,
    spans: FloatArray | None = None,
    shifts: int = 20,
    seed: int = 0,
    counted: Iterable[int] | None = None,
) -> Consensus:
    """Find the events that stations agree on, and how many they agree on by chance.

    Chance is measured by shifting stations against each other along the times that hold data, and around their
    end. Short shifts, of about a minute at 100 Hz, are as frequent as long ones: they keep what the rate of onsets
    of all stations has in common in a swarm.

    Parameters
    ----------
    onsets : sequence of Pairs
        Of each station.
    moveout : Moveout
        What they must have in common.
    spans : ndarray, shape (n_spans, 2), optional
        First and last time with data in s after the recording's start; by default one span from 0 to the last onset.
    shifts : int
        How many shifts to try.
    seed : int
        Seed of the shifts.
    counted : iterable of int, optional
        Numbers of the stations whose onsets and confirmations count; by default all.
    """
    counted = None if counted is None else frozenset(counted)
    spans = np.array([[0.0, max(extent(onsets), 1e-9)]]) if spans is None else np.asarray(spans, float)
    duration = float(np.diff(spans, axis=1).sum())
    n_stations = sum(len(pairs) > 0 for pairs in onsets)
    events = common_events(onsets, moveout, duration=duration)
    if n_stations < 2:
        return Consensus(tuple(events), (), n_stations, counted)
    random = np.random.default_rng(seed)
    longest = max(float(np.max(pairs.s_time - pairs.p_time)) for pairs in onsets if len(pairs))
    least = 2 * longest * moveout.vp_vs / (moveout.vp_vs - 1) + moveout.origin_tolerance
    null = []
    for _ in range(shifts):
        by = _shifts(len(onsets), least, duration, random)
        moved = [_rolled(pairs, shift, spans) for pairs, shift in zip(onsets, by, strict=True)]
        found = common_events(moved, moveout, duration=duration)
        null.append(_described(found, counted))
    return Consensus(tuple(events), tuple(null), n_stations, counted)


def _described(events: list[CommonEvent], counted: frozenset[int] | None) -> FloatArray:
    rows = [(e.score, e.misfit, _confirmations(e, counted), len(_counting(e, counted))) for e in events]
    return np.array(rows, float).reshape(-1, 4)


def _counting(event: CommonEvent, counted: frozenset[int] | None) -> list[PairedOnset]:
    return [onset for onset in event.onsets if counted is None or onset.station in counted]


def _confirmations(event: CommonEvent, counted: frozenset[int] | None) -> int:
    return min(len(_counting(event, counted)), event.confirmations)


def time_with_data(times: FloatArray, spans: FloatArray) -> FloatArray:
    """Return how much time with data has passed at some times.

    Parameters
    ----------
    times : ndarray, shape (n_times,)
        In s after the recording's start; between spans the end of the last one counts.
    spans : ndarray, shape (n_spans, 2)
        First and last time with data of each span in s, in ascending order.
    """
    lengths = np.diff(spans, axis=1)[:, 0]
    before = np.concatenate([[0.0], np.cumsum(lengths)])
    span = np.clip(np.searchsorted(spans[:, 0], times, side="right") - 1, 0, len(spans) - 1)
    return before[span] + np.clip(times - spans[span, 0], 0, lengths[span])


def lonely(times: FloatArray, others: Sequence[FloatArray], within: FloatArray) -> BoolArray:
    """Say which onsets no other station has a like near.

    Parameters
    ----------
    times : ndarray, shape (n_onsets,)
        Onsets of a station in s.
    others : sequence of ndarray
        Onsets of each other station in s, sorted.
    within : ndarray, shape (n_others,)
        How near in s for each of them.

    Returns
    -------
    ndarray of bool, shape (n_onsets,)
        All True where there is no other station: ask whether there is one first.
    """
    alone = np.ones(len(times), bool)
    for other, reach in zip(others, within, strict=True):
        first = np.searchsorted(other, times - reach, side="left")
        alone &= np.searchsorted(other, times + reach, side="right") == first
    return alone


def _shifts(n_stations: int, least: float, duration: float, random: np.random.Generator) -> FloatArray:
    """Return one shift a station: multiples of a step, so that any two differ by a step or more around the clock."""
    longest = duration / n_stations
    step = longest if longest <= least else float(np.exp(random.uniform(np.log(least), np.log(longest))))
    return step * random.permutation(n_stations).astype(np.float64)


def _rolled(pairs: Pairs, shift: float, spans: FloatArray) -> Pairs:
    """Shift pairs along the times that hold data and around their end."""
    before = np.concatenate([[0.0], np.cumsum(np.diff(spans, axis=1)[:, 0])])
    place = time_with_data(pairs.p_time, spans)
    place = (place + shift) % before[-1]
    span = np.clip(np.searchsorted(before, place, side="right") - 1, 0, len(spans) - 1)
    p_time = spans[span, 0] + place - before[span]
    return Pairs(p_time, p_time + pairs.s_time - pairs.p_time, pairs.p_prob, pairs.s_prob)
