"""Real continuous recordings for the benchmark with known truth, and which of their hours hold no event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from benchmarks.continuous_events import ROOM, Source, Spans
from benchmarks.fibre_noise import data_folder
from benchmarks.picking_data import (
    SCORED_HOURS,
    archive,
    archive_picker,
    fitted,
    hours_of,
)
from benchmarks.picking_methods import Method, Onsets
from selfseis import samples
from selfseis.catalogue.records import PHASES
from selfseis.pick.picker import Picker
from selfseis.recording import open_recording

S_MINUS_P_LABELLED = (
    0.3,
    13.0,
)  # s: what is stated where the default, which goes by samples, does not hold it
SURE, FAINT = 0.3, 0.1  # heights of an onset that one network is sure of, and another one sees at all
# Hours of Piton, enough to count one false alarm a station-day, and of FUR. With three peers, of which
# EQTransformer takes two thirds of the time, the benchmark then takes some 20 minutes of one core, learning included.
SCORED_PITON, SCORED_FUR = (12.0, 22.5), (12.0, 16.0)
SHARED_WITHIN = 0.5  # s
REAL_BEFORE, REAL_AFTER = 5.0, 40.0  # s about a real event that take no part
PLACES_PB = {"CX.PB01.": (0.0, 0.0), "CX.PB02.": (-42.4, -30.7)}  # km east and north of PB01


@dataclass(frozen=True)
class Noise:
    """A recording into which events are put.

    Attributes
    ----------
    name : str
        Its name in the tables.
    trained, scored : xarray.DataArray
        The training part, and the part that takes the events.
    picker : callable
        Learns or loads the picker.
    source : Source
        Where events come from.
    rows : tuple of (int, int)
        Which component of a labelled event goes to which of the stations': east 0, north 1, vertical 2.
    coincide_s : float
        Largest difference of P times between stations; 0 for one station.
    """

    name: str
    trained: xr.DataArray
    scored: xr.DataArray
    picker: Callable[[], Picker]
    source: Source
    rows: tuple[tuple[int, int], ...]
    coincide_s: float


def all_noise(quick: bool) -> list[Noise]:
    """List the recordings; a quick run has one."""
    return [_pb(quick)] if quick else [_pb(quick), _piton(), _fur()]


def _pb(quick: bool) -> Noise:
    trained = hours_of(archive(), (0.0, 1.0) if quick else (0.0, 6.0))
    scored = hours_of(archive(), (6.0, 7.5) if quick else SCORED_HOURS)
    source = Source(PLACES_PB, 10.0, (5.0, 15.0))
    return Noise(
        "PB01, PB02", trained, scored, lambda: archive_picker(quick), source, ((0, 0), (1, 1), (2, 2)), 10.0
    )


def _piton() -> Noise:
    day = samples.piton_day()
    trained, scored = hours_of(day, (0.0, 12.0)), hours_of(day, SCORED_PITON)
    codes = [str(name).rpartition(".")[0] for name in day["seed_id"].values]
    latitude, longitude = np.asarray(day["latitude"].values), np.asarray(day["longitude"].values)
    east = (longitude - longitude[0]) * 111.2 * np.cos(np.radians(latitude[0]))
    north = (latitude - latitude[0]) * 111.2
    places = {code: (float(x), float(y)) for code, x, y in zip(codes, east, north, strict=True)}
    return Noise(
        "Piton de la Fournaise, vertical only",
        trained,
        scored,
        lambda: fitted("piton", trained),
        Source(places, 6.0, (0.5, 8.0)),
        ((2, 2),),
        2.5,
    )


def _fur() -> Noise:
    """One horizontal component at 20 Hz, which counts as a vertical: S - P is stated, as a user would."""
    day = open_recording(str(data_folder() / "stations" / "GR.FUR..BHN.D.2015.361"))
    trained, scored = hours_of(day, (0.0, 12.0)), hours_of(day, SCORED_FUR)
    return Noise(
        "GR.FUR, one component, 20 Hz",
        trained,
        scored,
        lambda: fitted("fur", trained, s_minus_p=S_MINUS_P_LABELLED),
        Source({"GR.FUR.": (0.0, 0.0)}, 40.0, (2.0, 15.0)),
        ((1, 2),),
        0.0,
    )


def event_free(methods: list[Method], found: dict[str, dict[str, Onsets]], duration: float) -> Spans:
    """List the spans of seconds, long enough for an event, in which networks of different origin share no onset.

    Two that were made independently seldom err at the same half second, so what one is sure of and the other sees
    at all is taken for real. What one alone picks counts as a false alarm: real events that only it sees are held
    against it.

    Parameters
    ----------
    methods : list of Method
        All of them.
    found : dict of str to dict
        Onsets in the record as it is: method, station, phase.
    duration : float
        Length of the record in s.
    """
    real: list[float] = []
    family_of = {
        method.name: method.name.split("_")[0] for method in methods if method.kind in ("ours", "peer")
    }
    for code in next(iter(found.values())):
        picked = sorted(
            (time, height, family_of[method.name])
            for method in methods
            if method.name in family_of
            for phase in PHASES
            for time, height in found[method.name][code][phase]
            if height >= FAINT
        )
        times = np.array([time for time, _, _ in picked])
        ends = np.searchsorted(times, times + SHARED_WITHIN)
        for index, (time, height, family) in enumerate(picked):
            others = [(h, f) for _, h, f in picked[index + 1 : ends[index]] if f != family]
            if any(max(height, other_height) >= SURE for other_height, _ in others):
                real.append(time)
    spans, free_from = [], 0.0
    for time in [*sorted(real), np.inf]:
        end = min(time - REAL_BEFORE, duration)
        if end - free_from >= ROOM:
            spans.append((free_from, end))
        free_from = max(free_from, time + REAL_AFTER)
    return spans
