"""The baseline of stations: ObsPy's recursive STA/LTA and its coincidence trigger, as a score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfseis.detect.scan import window_means
from selfseis.detect.station_scanner import StationScanner
from selfseis.io.obspy_import import obspy
from selfseis.typing import BoolArray, Float32Array, FloatArray


@dataclass(frozen=True)
class TriggerScanner(StationScanner):
    """Scores the coincidence of recursive STA/LTA (`obspy.signal.trigger.recursive_sta_lta`).

    The score is the height that half of the stations reach within the reach: `obspy.signal.trigger.coincidence_trigger`
    with ``thr_coincidence_sum`` of half of the stations, at least two, fires at any threshold that it reaches. All
    components of a station enter the same STA/LTA, the root of their mean square.

    References
    ----------
    Withers, M. et al. (1998). A comparison of select trigger algorithms for automated global seismic phase and event
    detection. BSSA 88, 95.
    """

    @property
    def name(self) -> str:
        """Short description of the scanner."""
        return "coincidence trigger of ObsPy's recursive STA/LTA"

    @property
    def n_coincident(self) -> int:
        """Stations that must trigger together."""
        return max(2, self.n_stations // 2)

    @property
    def context(self) -> int:
        """Samples of conditioned data before and after a score on which it depends."""
        # The recursive average forgets exponentially: e^-8 of what lies farther back than eight long windows.
        return (8 * self.options.long_windows + self.reach + 4) * self.hop

    @property
    def halo(self) -> int:
        """Samples of context on each side of a tile, in whole hops."""
        return -(-(self.conditioner.halo + self.context) // self.hop) * self.hop

    def _per_hop(self, data: Float32Array, valid: BoolArray) -> NDArray:
        """Return the highest STA/LTA of each station in each hop; NaN where more than half of a window has no data."""
        obspy()
        from obspy.signal.trigger import recursive_sta_lta

        rows = []
        for channels in self.members:
            number = valid[channels].sum(axis=0)
            power = np.where(number > 0, (data[channels] ** 2).sum(axis=0) / np.maximum(number, 1), 1.0)
            trace = np.sqrt(power.astype(np.float64))
            long = self.options.long_windows * self.hop
            ratio = recursive_sta_lta(trace, self.window, long) if len(trace) > long else np.zeros(len(trace))
            highest = ratio[: len(trace) // self.hop * self.hop].reshape(-1, self.hop).max(axis=1)
            full = window_means(valid[channels].mean(axis=0), self.hop) >= 0.5
            rows.append(np.where(full & (highest > 0), highest, np.nan))
        return np.stack(rows)

    def _ratios(self, per_hop: NDArray) -> Float32Array:
        return np.log(per_hop).astype(np.float32)

    def _statistics(self, ranked: FloatArray) -> FloatArray:
        needed = ranked[min(self.n_coincident, len(ranked)) - 1]
        return np.where(np.isfinite(needed), needed, np.nan)[None]
