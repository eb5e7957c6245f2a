"""How good an event chance would bring: the same association of picks whose stations are shifted against each other.

Each station's picks are shifted in time by an amount of its own, around the end of the record and in again at its
beginning. That keeps how many picks a station has and how they cluster, and destroys what stations have in common.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from selfseis.catalogue.records import Pick
from selfseis.locate.pyocto_association import AssociatedEvent
from selfseis.typing import FloatArray

PICKS_IN_ALL, MIN_SHIFTS, MAX_SHIFTS = 5000, 5, 20
Associate = Callable[[Sequence[Pick]], list[AssociatedEvent]]


def number_of_shifts(n_picks: int) -> int:
    """Return how many shifted records to make by default: 20, fewer where there are many picks, 5 at least."""
    return int(np.clip(PICKS_IN_ALL // max(n_picks, 1), MIN_SHIFTS, MAX_SHIFTS))


def best_null_scores(picks: Sequence[Pick], associate: Associate, n_shifts: int, seed: int = 0) -> FloatArray:
    """Best score of an event in each of several shifted records; 0 where none is found.

    Parameters
    ----------
    picks : sequence of Pick
        All picks.
    associate : callable
        What finds events in picks.
    n_shifts : int
        How many shifted records.
    seed : int
        Of the shifts.
    """
    rng = np.random.default_rng(seed)
    best = []
    for _ in range(n_shifts):
        events = associate(shifted(picks, rng))
        best.append(max((event.score for event in events), default=0.0))
    return np.array(best)


def shifted(picks: Sequence[Pick], rng: np.random.Generator) -> list[Pick]:
    """Shift each station's picks by a time of its own, within the span of all picks."""
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
    """Probability that chance brings such a score anywhere in the record: (1 + how often it did) / (1 + shifts).

    Not a number where no shifted record was made.
    """
    if not len(best_under_null):
        return float("nan")
    return float((1 + np.sum(best_under_null >= score)) / (1 + len(best_under_null)))
