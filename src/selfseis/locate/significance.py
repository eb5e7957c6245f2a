"""Significance of an association: the null by shifted stations.

The picks of each station are shifted in time by a random amount, circularly within the record. This preserves the
number and the clustering of the picks of each station, and destroys what the stations have in common. The same
association then runs on the shifted picks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from selfseis.catalogue.records import Pick
from selfseis.locate.options import SignificanceOptions
from selfseis.locate.pyocto_association import AssociatedEvent
from selfseis.typing import FloatArray

Associate = Callable[[Sequence[Pick]], list[AssociatedEvent]]


def default_n_shifts(n_picks: int, options: SignificanceOptions = SignificanceOptions()) -> int:
    """Return the default number of shifted records: 20, fewer for many picks, but at least 5."""
    return int(np.clip(options.max_shifted_picks // max(n_picks, 1), *options.n_shifts_range))


def best_null_scores(picks: Sequence[Pick], associate: Associate, n_shifts: int, seed: int = 0) -> FloatArray:
    """Return the best score of an event in each of several shifted records; 0 without an event.

    Parameters
    ----------
    picks : sequence of Pick
        All picks.
    associate : callable
        Function that finds events in picks.
    n_shifts : int
        Number of shifted records.
    seed : int
        Seed of the shifts.
    """
    rng = np.random.default_rng(seed)
    best = []
    for _ in range(n_shifts):
        events = associate(shifted(picks, rng))
        best.append(max((event.score for event in events), default=0.0))
    return np.array(best)


def shifted(picks: Sequence[Pick], rng: np.random.Generator) -> list[Pick]:
    """Shift the picks of each station by a random time, circularly within the span of all picks."""
    if not picks:
        return []
    begin = min(pick.time for pick in picks)
    span = int((max(pick.time for pick in picks) - begin) / np.timedelta64(1, "ns")) + 1
    by = {station: int(rng.integers(span)) for station in sorted({pick.station for pick in picks})}
    moved = []
    for pick in picks:
        after = (int((pick.time - begin) / np.timedelta64(1, "ns")) + by[pick.station]) % span
        moved.append(replace(pick, time=begin + np.timedelta64(after, "ns")))
    return moved


def p_value(score: float, best_under_null: FloatArray) -> float:
    """Return the probability that the null reaches a score anywhere in the record.

    It is (1 + number of shifted records that reach the score) / (1 + number of shifted records), and NaN without
    shifted records.
    """
    if not len(best_under_null):
        return float("nan")
    return float((1 + np.sum(best_under_null >= score)) / (1 + len(best_under_null)))
