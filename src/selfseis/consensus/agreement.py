"""Consensus of stations: common events, their null by shifted stations, and isolated onsets.

If the stations are shifted against each other along the recording, they have common events by coincidence only. The
excess of common events over this null measures the quality of picks without labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from selfseis.consensus.common_events import CommonEvent, PairedOnset, common_events, extent
from selfseis.consensus.options import ConsensusOptions
from selfseis.consensus.ps_pairs import Moveout, Pairs, pair_onsets
from selfseis.typing import BoolArray, FloatArray

__all__ = [
    "CommonEvent",
    "Consensus",
    "Moveout",
    "PairedOnset",
    "Pairs",
    "common_events",
    "consensus_above_null",
    "isolated_onsets",
    "pair_onsets",
    "time_with_data",
]


@dataclass(frozen=True)
class Consensus:
    """Common events of stations, and those of the null by shifted stations.

    Attributes
    ----------
    events : tuple of CommonEvent
        In descending order of score.
    null : tuple of ndarray, shape (n_events, 4)
        Score, misfit, confirmations and counted onsets of the events of each circular shift.
    n_stations : int
        Number of stations with pairs.
    counted : frozenset of int or None
        Stations whose onsets and confirmations count, such as held-out ones; None for all.
    """

    events: tuple[CommonEvent, ...]
    null: tuple[FloatArray, ...]
    n_stations: int
    counted: frozenset[int] | None = None

    @property
    def confirmations(self) -> int:
        """Return the number of confirmations of counted stations: n - 1 per event of n counted stations."""
        return sum(_confirmations(event, self.counted) for event in self.events)

    @property
    def null_mean(self) -> float:
        """Return the mean number of events under the null."""
        return float(np.mean([len(shifted) for shifted in self.null])) if self.null else 0.0

    @property
    def null_confirmations(self) -> float:
        """Return the mean number of confirmations under the null."""
        return float(np.mean(self._confirmations_by_shift())) if self.null else 0.0

    @property
    def null_sd(self) -> float:
        """Return the standard deviation of the number of confirmations under the null."""
        return float(np.std(self._confirmations_by_shift(), ddof=1)) if len(self.null) > 1 else 0.0

    @property
    def null_onsets(self) -> float:
        """Return the mean number of counted onsets in events under the null."""
        return float(np.mean([shifted[:, 3].sum() for shifted in self.null])) if self.null else 0.0

    @property
    def above_null(self) -> float:
        """Return the number of confirmations above the null, a measure of the quality of picks without labels.

        For two stations it is the number of events above the null. For more stations the number of events is not
        suitable: the null has many events of two stations, and real events are fewer but have many stations. Compare
        it only between equal numbers of picks.
        """
        return self.confirmations - self.null_confirmations

    @property
    def onsets(self) -> list[PairedOnset]:
        """Return the onsets of the counted stations."""
        return [onset for event in self.events for onset in _counted_onsets(event, self.counted)]

    @cached_property
    def null_share(self) -> FloatArray:
        """Return for each event the expected share of coincidences among the events with at least its score.

        It counts one null event more than all shifts had, so that it is not too low for few shifts. It never falls with
        a lower score.
        """
        if not self.null:
            return np.ones(len(self.events))
        null = np.sort(np.concatenate(self.null)[:, 0])
        scores = np.array([event.score for event in self.events])
        under_null = (len(null) - np.searchsorted(null, scores, side="left") + 1) / len(self.null)
        share = np.minimum(under_null / np.arange(1, len(scores) + 1), 1.0)
        return np.minimum.accumulate(share[::-1])[::-1]

    def kept(self, share: float) -> list[CommonEvent]:
        """Return the events of highest score with at most a given share of coincidences."""
        return list(self.events[: int(np.sum(self.null_share <= share))])

    def count_on_one_line(self, within: float) -> tuple[int, float]:
        """Count the events whose stations lie on one Wadati line, and those under the null.

        Parameters
        ----------
        within : float
            Largest |dS - vp_vs * dP| in s.

        Returns
        -------
        int, float
            Number of events, and its mean under the null.
        """
        found = sum(event.misfit <= within for event in self.events)
        null = [int(np.sum(shifted[:, 1] <= within)) for shifted in self.null]
        return found, float(np.mean(null)) if null else 0.0

    def __str__(self) -> str:
        if self.n_stations < 2:
            return "there are P-S pairs at one station alone: no other station confirms them"
        return (
            f"{self.n_stations} stations have {len(self.events)} common events and {self.confirmations} confirmations; "
            f"shifted stations have {self.null_confirmations:.1f} ± {self.null_sd:.1f} confirmations"
        )

    def _confirmations_by_shift(self) -> list[float]:
        return [float(shifted[:, 2].sum()) for shifted in self.null]


def consensus_above_null(
    onsets: Sequence[Pairs],
    moveout: Moveout,
    *,
    spans: FloatArray | None = None,
    shifts: int | None = None,
    seed: int = 0,
    counted: Iterable[int] | None = None,
    options: ConsensusOptions = ConsensusOptions(),
) -> Consensus:
    """Find the common events of stations, and those under the null by shifted stations.

    For the null, stations are shifted against each other, circularly along the times with data. Shifts are
    log-uniform, from about a minute at 100 Hz upwards. Short shifts preserve the common variation of the rate of onsets
    during a swarm.

    Parameters
    ----------
    onsets : sequence of Pairs
        P-S pairs of each station.
    moveout : Moveout
        Conditions for a common event.
    spans : ndarray, shape (n_spans, 2), optional
        First and last time with data in s after the start of the recording; by default one span, from 0 to the last
        onset.
    shifts : int, optional
        Number of shifts; by default that of the options.
    seed : int
        Seed of the shifts.
    counted : iterable of int, optional
        Numbers of the stations whose onsets and confirmations count; by default all.
    options : ConsensusOptions
        Number of shifts, and maximum numbers of pairs and couples that are compared.
    """
    counted = None if counted is None else frozenset(counted)
    spans = np.array([[0.0, max(extent(onsets), 1e-9)]]) if spans is None else np.asarray(spans, float)
    duration = float(np.diff(spans, axis=1).sum())
    n_stations = sum(len(pairs) > 0 for pairs in onsets)
    events = common_events(onsets, moveout, duration=duration, options=options)
    if n_stations < 2:
        return Consensus(tuple(events), (), n_stations, counted)
    random = np.random.default_rng(seed)
    max_s_minus_p = max(float(np.max(pairs.s_time - pairs.p_time)) for pairs in onsets if len(pairs))
    min_shift = 2 * max_s_minus_p * moveout.vp_vs / (moveout.vp_vs - 1) + moveout.origin_tolerance
    null = []
    for _ in range(options.n_shifts if shifts is None else shifts):
        by = _shifts(len(onsets), min_shift, duration, random)
        moved = [_roll(pairs, shift, spans) for pairs, shift in zip(onsets, by, strict=True)]
        found = common_events(moved, moveout, duration=duration, options=options)
        null.append(_summarise(found, counted))
    return Consensus(tuple(events), tuple(null), n_stations, counted)


def _summarise(events: list[CommonEvent], counted: frozenset[int] | None) -> FloatArray:
    rows = [(e.score, e.misfit, _confirmations(e, counted), len(_counted_onsets(e, counted))) for e in events]
    return np.array(rows, float).reshape(-1, 4)


def _counted_onsets(event: CommonEvent, counted: frozenset[int] | None) -> list[PairedOnset]:
    return [onset for onset in event.onsets if counted is None or onset.station in counted]


def _confirmations(event: CommonEvent, counted: frozenset[int] | None) -> int:
    return min(len(_counted_onsets(event, counted)), event.confirmations)


def time_with_data(times: FloatArray, spans: FloatArray) -> FloatArray:
    """Return the cumulative time with data up to given times.

    Parameters
    ----------
    times : ndarray, shape (n_times,)
        In s after the start of the recording. A time between spans counts as the end of the previous one.
    spans : ndarray, shape (n_spans, 2)
        First and last time with data of each span in s, in ascending order.
    """
    lengths = np.diff(spans, axis=1)[:, 0]
    before = np.concatenate([[0.0], np.cumsum(lengths)])
    span = np.clip(np.searchsorted(spans[:, 0], times, side="right") - 1, 0, len(spans) - 1)
    return before[span] + np.clip(times - spans[span, 0], 0, lengths[span])


def isolated_onsets(times: FloatArray, others: Sequence[FloatArray], within: FloatArray) -> BoolArray:
    """Return which onsets have no onset at another station close in time.

    Parameters
    ----------
    times : ndarray, shape (n_onsets,)
        Onset times at one station in s.
    others : sequence of ndarray
        Sorted onset times at each other station in s.
    within : ndarray, shape (n_others,)
        Largest time difference in s for each other station.

    Returns
    -------
    ndarray of bool, shape (n_onsets,)
        All True without other stations.
    """
    isolated = np.ones(len(times), bool)
    for other, reach in zip(others, within, strict=True):
        first = np.searchsorted(other, times - reach, side="left")
        isolated &= np.searchsorted(other, times + reach, side="right") == first
    return isolated


def _shifts(n_stations: int, min_shift: float, duration: float, random: np.random.Generator) -> FloatArray:
    """Return one shift per station: multiples of a step, so that any two differ by at least the step."""
    max_step = duration / n_stations
    step = max_step
    if max_step > min_shift:
        step = float(np.exp(random.uniform(np.log(min_shift), np.log(max_step))))
    return step * random.permutation(n_stations).astype(np.float64)


def _roll(pairs: Pairs, shift: float, spans: FloatArray) -> Pairs:
    """Shift pairs circularly along the times with data."""
    before = np.concatenate([[0.0], np.cumsum(np.diff(spans, axis=1)[:, 0])])
    place = time_with_data(pairs.p_time, spans)
    place = (place + shift) % before[-1]
    span = np.clip(np.searchsorted(before, place, side="right") - 1, 0, len(spans) - 1)
    p_time = spans[span, 0] + place - before[span]
    return Pairs(p_time, p_time + pairs.s_time - pairs.p_time, pairs.p_prob, pairs.s_prob)
