"""Claim: trained on nine minutes of a swarm without a label, picks alone give the catalogue that QuakeMigrate gives.

The reference is QuakeMigrate's own catalogue of these triggered windows: automatic, and no truth.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from benchmarks.common import Measured, Row, Table, progress
from benchmarks.fibre_noise import data_folder
from benchmarks.picking_data import QUICK_FRACTION, fitted
from selfseis.catalogue.records import PHASES, Event, Pick
from selfseis.geo.earth_models import VelocityModel1D
from selfseis.geo.sphere import KM_PER_DEGREE
from selfseis.locate import locate_events
from selfseis.pick import Picker
from selfseis.pick.baselines import AicDetector
from selfseis.pick.high_pass import CausalHighPass
from selfseis.recording import open_recording, sample_times
from selfseis.recording.components import station_table, stations_of
from selfseis.workflow.options import RunOptions

MIN_PROBABILITY = RunOptions().min_event_pick_probability
SAME_EVENT = np.timedelta64(1500, "ms")  # between origin times
RATIO_OF_HALF = 6.0  # trigger ratio that counts as a probability of one half, for the baseline


def run(quick: bool) -> Iterator[Measured]:
    folder = data_folder() / "stations" / "iceland_vt"
    recording = open_recording(str(folder))
    velocity = VelocityModel1D.from_file(folder / "iceland_vmodel.txt")
    reference = _reference(sorted(folder.glob("*.event")))
    picker = fitted("iceland", recording, training_fraction=QUICK_FRACTION if quick else 1.0)
    rows: list[Row] = []
    for name, picks in (
        ("selfseis, in place", picker.pick(recording, min_probability=MIN_PROBABILITY)),
        ("STA/LTA + AIC", _simple_picks(recording, picker)),
    ):
        catalogue = locate_events(picks, station_table(recording), velocity, recording=recording, n_shifts=0)
        rows.append({"picks from": name, "picks": len(picks)} | _compared(catalogue.located, reference))
        progress(f"{name}: {rows[-1]}")
        yield _measured(rows, len(reference))


def _simple_picks(recording: xr.DataArray, picker: Picker) -> list[Pick]:
    """Return as many STA/LTA + AIC picks of each phase as the picker makes, the highest ratios first."""
    stations = stations_of(recording)
    found = AicDetector(CausalHighPass.measure(recording)).find(recording, stations)
    ours = picker.pick(recording, min_probability=MIN_PROBABILITY)
    names = recording["seed_id"].values
    picks = []
    for phase, side in zip(PHASES, ("p", "s"), strict=True):
        every = [
            (height, str(names[station.row_of(phase)]), at)
            for station, onsets in zip(stations, found, strict=True)
            for at, height in getattr(onsets, side)
        ]
        for height, seed_id, at in sorted(every, reverse=True)[: sum(pick.phase == phase for pick in ours)]:
            time = sample_times(recording, round(at)).astype("datetime64[ns]")
            picks.append(Pick(seed_id, phase, time, float(height / (height + RATIO_OF_HALF)), 0.1))
    return picks


def _reference(paths: list) -> list[tuple[np.datetime64, float, float, float]]:  # type: ignore[type-arg]
    """Return origin time, latitude, longitude and depth (km) of QuakeMigrate's events."""
    events = []
    for path in paths:
        with path.open(newline="") as file:
            (row,) = csv.DictReader(file)
        time = np.datetime64(row["DT"].removesuffix("Z"))
        events.append((time, float(row["Y"]), float(row["X"]), float(row["Z"])))
    return events


def _compared(events: list[Event], reference: list[tuple[np.datetime64, float, float, float]]) -> Row:
    apart, deeper, used = [], [], set()
    for time, latitude, longitude, depth in reference:
        near = [e for e in events if abs(e.peak - time) <= SAME_EVENT and e.event_id not in used]
        if not near:
            continue
        event = min(near, key=lambda e: abs(e.peak - time))
        used.add(event.event_id)
        assert event.location is not None
        north = (event.location.latitude - latitude) * KM_PER_DEGREE
        east = (event.location.longitude - longitude) * KM_PER_DEGREE * np.cos(np.radians(latitude))
        apart.append(float(np.hypot(north, east)))
        deeper.append(abs(event.location.depth_km - depth))
    return {
        "events": len(events),
        "of the reference's found": len(apart),
        "others": len(events) - len(apart),
        "median epicentre difference km": _quantile(apart, 0.5),
        "90% epicentre difference km": _quantile(apart, 0.9),
        "median depth difference km": _quantile(deeper, 0.5),
    }


def _quantile(values: list[float], share: float) -> float | str:
    numbers: NDArray[np.float64] = np.array(values)
    return round(float(np.quantile(numbers, share)), 2) if values else ""


def _measured(rows: list[Row], n_reference: int) -> Measured:
    claim = "Picks of a picker trained in place give the events of QuakeMigrate's catalogue, and few others."
    settings = {
        "reference": f"{n_reference} events of QuakeMigrate (automatic)",
        "least probability": MIN_PROBABILITY,
        "baseline": "as many picks of each phase by STA/LTA and AIC, through the same association",
    }
    first = rows[0]
    found, others = first["of the reference's found"], first["others"]
    finding = f"{found} of {n_reference} events found, {others} others"
    return Measured(claim, settings, [Table("Located events against QuakeMigrate's", rows)], [finding])
