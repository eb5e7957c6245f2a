"""Coincidence score of scattered stations: energy ratios that rise at several stations within their travel times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfseis.detect.scan import window_means
from selfseis.detect.sta_lta import energy_ratio
from selfseis.detect.station_scanner import StationScanner
from selfseis.typing import BoolArray, Float32Array, FloatArray


@dataclass(frozen=True)
class CoincidenceScanner(StationScanner):
    """Scores energy ratios that rise at several stations.

    Its statistics are means of the ratios of the i-th to the k-th highest station, for several i and k. A local event
    appears at a few stations, a regional one at all (k); bursts of i - 1 stations at once do not raise a mean. The
    highest ratio is always left out, because an event must also appear at others.
    """

    @property
    def name(self) -> str:
        """Short description of the scanner."""
        return "coincidence of energy ratios" if self.n_stations > 1 else "energy ratio of one station"

    @property
    def context(self) -> int:
        """Samples of conditioned data before and after a score on which it depends."""
        return (self.options.long_windows + self.reach + 4) * self.hop

    @property
    def halo(self) -> int:
        """Samples of context on each side of a tile, in whole hops."""
        return -(-(self.conditioner.halo + self.window) // self.hop) * self.hop

    def _per_hop(self, data: Float32Array, valid: BoolArray) -> NDArray:
        """Return the mean energy of each station; NaN where more than half of a window has no data."""
        members = self.members
        energy = members @ window_means(data.astype(np.float64) ** 2, self.hop)
        present = members @ window_means(valid, self.hop)
        full = present >= 0.5 * members.sum(axis=1, keepdims=True)
        return np.where(full, energy / np.maximum(present, 1e-9), np.nan)

    def _ratios(self, per_hop: NDArray) -> Float32Array:
        return energy_ratio(per_hop, self.options.long_windows)

    def _statistics(self, ranked: FloatArray) -> FloatArray:
        known = np.isfinite(ranked)
        total = np.cumsum(np.where(known, ranked, 0), axis=0)
        number = np.cumsum(known, axis=0)
        rows = []
        for first, last in _ranges(len(ranked)):
            n_known = number[last] - number[first - 1]
            mean = (total[last] - total[first - 1]) / np.maximum(n_known, 1)
            rows.append(np.where(n_known > 0, mean, np.nan))
        return np.stack(rows)


def _ranges(n_stations: int) -> list[tuple[int, int]]:
    """Return the first and last rank of each mean, from 0 of the highest ratio; the ranks are 1, 2, 3, 5, 8, 12, ..."""
    ranks = [1]
    while ranks[-1] < n_stations - 1:
        ranks.append(min(ranks[-1] + (ranks[-1] + 1) // 2, n_stations - 1))
    return [(first, last) for first in ranks for last in ranks if first <= last]
