"""Simulated picks of known events in a layered model, with noise of a given size, and false picks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from selfseis.catalogue.records import Pick
from selfseis.geo.earth_models import VelocityModel1D
from selfseis.geo.station_files import Site
from selfseis.geo.stations import StationTable
from selfseis.locate import SearchVolume

BEGIN = np.datetime64("2024-05-06T00:00:00", "ns")
LAYERED = VelocityModel1D(
    np.array([0.0, 3.0, 3.0, 15.0, 15.0, 30.0]),
    np.array([4.0, 5.0, 5.8, 6.2, 6.8, 7.0]),
    np.array([4.0, 5.0, 5.8, 6.2, 6.8, 7.0]) / 1.75,
)


@dataclass(frozen=True)
class TrueEvent:
    east_km: float
    north_km: float
    depth_km: float
    second: float

    @property
    def time(self) -> np.datetime64:
        return BEGIN + np.timedelta64(int(self.second * 1e9), "ns")


def array_of_stations(n: int = 10, radius_km: float = 20.0, seed: int = 0) -> StationTable:
    """Stations at elevations of up to one kilometre, in a spiral around the centre."""
    rng = np.random.default_rng(seed)
    angle = 2.4 * np.arange(n)
    distance = radius_km * np.sqrt((np.arange(n) + rng.uniform(0, 0.5, n)) / n)
    sites = {
        f"XX.S{row:02d}.": Site(
            46.0 + distance[row] * np.cos(angle[row]) / 111.15,
            8.0 + distance[row] * np.sin(angle[row]) / 111.32 / np.cos(np.radians(46.0)),
            float(rng.uniform(0, 1000)),
        )
        for row in range(n)
    }
    return StationTable.from_sites(sites)


def events_below(
    search_volume: SearchVolume, n: int, apart_s: float, seed: int = 1, reach: float = 0.35
) -> list[TrueEvent]:
    rng = np.random.default_rng(seed)
    spread = reach * search_volume.aperture_km
    return [
        TrueEvent(
            float(rng.uniform(-spread, spread)), float(rng.uniform(-spread, spread)),
            float(rng.uniform(2, 15)), 30 + apart_s * k,
        )
        for k in range(n)
    ]  # fmt: skip


def picks_of(
    event: TrueEvent, search_volume: SearchVolume, rng: np.random.Generator, sd_s: float = 0.05, missing: float = 0.0,
    phases: str = "PS",
) -> list[Pick]:  # fmt: skip
    distance = np.hypot(search_volume.east_km - event.east_km, search_volume.north_km - event.north_km)
    picks = []
    for row, code in enumerate(search_volume.stations.codes):
        for phase in phases:
            if rng.random() < missing:
                continue
            travel = float(search_volume.times(row, "PS".index(phase), distance[row], event.depth_km)[0])
            time = event.time + np.timedelta64(int((travel + rng.normal(0, sd_s)) * 1e9), "ns")
            picks.append(Pick(code + (".HHZ" if phase == "P" else ".HHN"), phase, time, 0.9, sd_s))
    return picks


def false_picks(stations: StationTable, n: int, seconds: float, rng: np.random.Generator) -> list[Pick]:
    return [
        Pick(
            f"{stations.codes[int(rng.integers(len(stations)))]}.HHZ", "PS"[int(rng.integers(2))],
            BEGIN + np.timedelta64(int(rng.uniform(0, seconds) * 1e9), "ns"), 0.5, 0.05,
        )
        for _ in range(n)
    ]  # fmt: skip
