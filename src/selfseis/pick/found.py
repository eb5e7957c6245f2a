"""Onsets that a picker finds along a recording: times and heights of the peaks of its probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.pick.annotate import EDGE, Annotator, Report
from selfseis.pick.pairs import Pairs, paired
from selfseis.pick.picks import peaks_of
from selfseis.pick.stations import Station

Times = NDArray[np.float64]

APART = 100  # samples: nearer peaks of one phase are one onset
LOWEST = 0.02


@dataclass(frozen=True, eq=False)
class FoundOnsets:
    """Onsets at one station.

    Attributes
    ----------
    p, s : ndarray, shape (n_onsets, 2)
        Position in samples from the recording's start, in ascending order, and height.
    """

    p: Times
    s: Times

    def within(self, spans: list[tuple[int, int]]) -> FoundOnsets:
        """Return those that lie in spans of samples."""
        return FoundOnsets(_within(self.p, spans), _within(self.s, spans))

    def best(self, n_p: int, n_s: int) -> FoundOnsets:
        """Return the highest of each phase."""
        return FoundOnsets(_highest(self.p, n_p), _highest(self.s, n_s))

    def above(self, bar: float) -> FoundOnsets:
        """Return those of at least a height."""
        return FoundOnsets(self.p[self.p[:, 1] >= bar], self.s[self.s[:, 1] >= bar])

    def pairs(self, rate: float, s_minus_p: tuple[float, float]) -> Pairs:
        """Pair each P with the S that may belong to it; times in s."""
        return paired(self.p / (rate, 1.0), self.s / (rate, 1.0), s_minus_p)


class Finder(Protocol):
    """Anything that finds onsets along a recording."""

    def find(
        self, recording: xr.DataArray, stations: list[Station], report: Report | None = None
    ) -> list[FoundOnsets]:
        """Return the onsets of each station."""
        ...


@dataclass(frozen=True)
class NetFinder:
    """Finds the peaks of a network's probabilities.

    Attributes
    ----------
    annotator : Annotator
        Runs the network.
    lowest : float
        Least height of a peak.
    """

    annotator: Annotator
    lowest: float = LOWEST

    def find(
        self, recording: xr.DataArray, stations: list[Station], report: Report | None = None
    ) -> list[FoundOnsets]:
        """Find the onsets of each station; positions in samples from the recording's start."""
        parts: list[list[list[Times]]] = [[[np.zeros((0, 2))], [np.zeros((0, 2))]] for _ in stations]
        for span in self.annotator.along(recording, stations, report):
            for station, of_phases in zip(span.probability, parts, strict=True):
                for probability, of_phase in zip(station, of_phases, strict=True):
                    at, height = peaks_of(probability, self.lowest, APART)
                    inside = (at >= EDGE - 0.5) & (at < EDGE + span.n_core - 0.5)
                    of_phase.append(np.stack([span.first - EDGE + at[inside], height[inside]], axis=1))
        return [FoundOnsets(np.concatenate(p), np.concatenate(s)) for p, s in parts]


def _within(onsets: Times, spans: list[tuple[int, int]]) -> Times:
    inside = np.zeros(len(onsets), bool)
    for first, last in spans:
        inside |= (onsets[:, 0] >= first) & (onsets[:, 0] < last)
    return onsets[inside]


def _highest(onsets: Times, n: int) -> Times:
    kept = np.argsort(-onsets[:, 1], kind="stable")[:n]
    return onsets[np.sort(kept)]
