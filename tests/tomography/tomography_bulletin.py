"""A region whose structure is known: events under a network, with one fast block between them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from selfseis.geo.earth_models import read_reference
from selfseis.tomography.arrivals import screen, table_of
from selfseis.tomography.forward import trace
from selfseis.tomography.grid import CellGrid
from selfseis.tomography.options import TomographyOptions

N_EVENTS, N_STATIONS = 60, 14
FAST_PERCENT = 8.0
NOISE_S = 0.04
SMALL = TomographyOptions().with_options(inversion={"neural_field": {"n_frequencies": 6, "width": 10}})
"""Neural fields small enough for tests."""


def made_bulletin(seed: int = 0, *, structure: bool = True, phases: tuple[str, ...] = ("P",)) -> pd.DataFrame:
    """Return arrivals in a box of 120 km with a fast southern half."""
    rng = np.random.default_rng(seed)
    stations = rng.uniform(-0.5, 0.5, (N_STATIONS, 2))
    rows = []
    for event in range(N_EVENTS):
        latitude, longitude = rng.uniform(-0.5, 0.5, 2)
        depth = rng.uniform(5, 20)
        for station, (north, east) in enumerate(stations):
            for phase in phases:
                rows.append(
                    {
                        "event_id": f"event{event:02d}",
                        "event_time": "2020-01-01",
                        "event_latitude": -30 + latitude,
                        "event_longitude": 140 + longitude,
                        "event_depth_km": depth,
                        "station": f"ST{station:02d}",
                        "phase": phase,
                        "travel_time_s": 15.0,
                        "sigma_s": NOISE_S,
                        "station_latitude": -30 + north,
                        "station_longitude": 140 + east,
                        "station_elevation_m": 100.0,
                    }
                )
    table = screen(table_of(rows)).arrivals
    box = CellGrid.of_region((-31, -29), (139, 141), 8.0, np.linspace(0, 40, 9))
    traced = trace(table, read_reference("ak135"), box)
    south = np.tile(box.centres[0] < -30, box.n_layers) * (FAST_PERCENT if structure else 0.0)
    delay = traced.operator @ np.tile(south, len(traced.waves)).astype(np.float32)
    number = pd.factorize(traced.arrivals["event_id"])[0]
    late = 0.2 * rng.standard_normal(N_EVENTS)[number] + NOISE_S * rng.standard_normal(len(number))
    return traced.arrivals.assign(travel_time_s=traced.predicted + delay + late)
