"""The baseline along a whole recording: STA/LTA and AIC, tile by tile."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.pick.annotate import Report
from selfseis.pick.conditioning import CausalHighPass
from selfseis.pick.found import FoundOnsets
from selfseis.pick.onset_aic import sta_lta_aic_picks
from selfseis.pick.stations import Station
from selfseis.recording.coverage import covered_tiles

CORE = 60_000
CONTEXT = 4_000  # samples: the long average before, an S and its search after


@dataclass(frozen=True)
class AicFinder:
    """Finds onsets by STA/LTA and AIC; the height of an onset is its ratio.

    Attributes
    ----------
    high_pass : CausalHighPass
        Filter.
    """

    high_pass: CausalHighPass

    def find(
        self, recording: xr.DataArray, stations: list[Station], report: Report | None = None
    ) -> list[FoundOnsets]:
        """Find the onsets of each station; positions in samples from the recording's start."""
        found: list[dict[str, list[tuple[float, float]]]] = [{"P": [], "S": []} for _ in stations]
        halo = CONTEXT + self.high_pass.halo
        for tile in covered_tiles(recording, CORE, halo):
            data, _ = self.high_pass(tile.data)
            data = data[:, self.high_pass.halo :]
            for station, of_station in zip(stations, found, strict=True):
                for at, phase, score in sta_lta_aic_picks(station.components(data)):
                    if CONTEXT <= at < CONTEXT + tile.n_core:
                        of_station[phase].append((tile.first + at - CONTEXT, score))
            if report is not None:
                report(tile.first + tile.n_core, recording.sizes["time"])
        return [FoundOnsets(_sorted(f["P"]), _sorted(f["S"])) for f in found]


def _sorted(onsets: list[tuple[float, float]]) -> NDArray[np.float64]:
    array = np.array(onsets, float).reshape(-1, 2)
    return array[np.argsort(array[:, 0], kind="stable")]
