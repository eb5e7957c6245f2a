"""Claim: in networks of few stations and short records, clear events are found and false ones are as rare as stated."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr

from benchmarks.common import Measured, Row, Table, progress
from selfseis.catalogue.records import Event
from selfseis.detect import Detector
from selfseis.io.obspy_import import obspy
from selfseis.recording import recording_from_array, sampling_rate, station_codes
from selfseis.simulate import SimulatedEvent, simulate_noise_recording, simulate_recording_with_events

RATE = 50.0  # Hz
RATIOS_DB = (-3.0, 18.0)  # range of the events' signal-to-noise ratio, all channels together
CLEAR = 3.0  # amplitude ratio, in one second, at two stations or more
MARGIN = np.timedelta64(2, "s")
TARGET_RECALL = 0.9
TRIGGER = 3.5, 1.0, 0.5, 10.0  # ObsPy's tutorial: on, off, short and long window in s

Noise = Literal["white", "bursty"]


@dataclass(frozen=True)
class Case:
    """A network in some noise.

    Attributes
    ----------
    stations, minutes, events : int
        Stations of three components, length, and number of events.
    with_coordinates : bool
        Whether the detector is given the coordinates.
    noise : {"white", "bursty"}
        Independent at each station.
    """

    stations: int
    minutes: int
    events: int
    with_coordinates: bool
    noise: Noise

    def recording(self, seed: int) -> tuple[xr.DataArray, list[SimulatedEvent], list[bool]]:
        """Simulate it; return the recording, its events, and which of them are clear."""
        noise = simulate_noise_recording(
            self.noise, "network", self.minutes / 60, RATE, 3 * self.stations, seed, components="ENZ"
        )
        ratios = np.random.default_rng(seed).uniform(*RATIOS_DB, self.events)
        recording, truth = simulate_recording_with_events(noise, ratios.tolist(), self.events, seed)
        data = np.asarray(recording.values)
        clear = [_is_clear(data, np.asarray(noise.values), event) for event in truth]
        known = ("latitude", "longitude", "elevation") if self.with_coordinates else ()
        coordinates: dict[str, Any] = {name: recording[name].values for name in known}
        codes = recording["seed_id"].values
        return recording_from_array(data, RATE, "2020-01-01", seed_id=codes, **coordinates), truth, clear


SHAPES = ((4, 10, 2), (4, 30, 11), (8, 60, 20), (12, 120, 12))
CASES = tuple(
    Case(*shape, with_coordinates, noise)
    for shape in SHAPES
    for with_coordinates in (True, False)
    for noise in ("white", "bursty")
)


def run(quick: bool) -> Iterator[Measured]:
    cases = [case for case in CASES if case.minutes <= (30 if quick else 120)]
    seeds = (1,)
    rows: list[Row] = []
    for case, seed in itertools.product(cases, seeds):
        rows.append(_measure(case, seed))
        progress(f"{case}: {rows[-1]}")
        yield _measured(rows, seeds)


def _measure(case: Case, seed: int) -> Row:
    recording, truth, clear = case.recording(seed)
    detector = Detector(seed=seed).fit(recording)
    ours = [(event.start, event.end) for event in detector.events_]
    row: Row = {
        "stations": case.stations,
        "minutes": case.minutes,
        "coordinates": case.with_coordinates,
        "noise": case.noise,
        "seed": seed,
        "events": len(truth),
        "clear": sum(clear),
        "verdict": detector.verdict_.outcome,
        "stated false": round(_stated_false(detector.events_), 2),
    }
    return (
        row | _scores("selfseis", ours, truth, clear) | _scores("ObsPy", _triggers(recording), truth, clear)
    )


def _stated_false(events: Sequence[Event]) -> float:
    """Return the number of false events that the catalogue itself states."""
    return float(np.nansum([event.false_discovery_rate for event in events]))


def _scores(
    name: str, found: Sequence[tuple[Any, Any]], truth: list[SimulatedEvent], clear: list[bool]
) -> Row:
    hits = [any(_overlap(span, event) for span in found) for event in truth]
    false = [span for span in found if not any(_overlap(span, event) for event in truth)]
    return {
        f"{name} found": len(found),
        f"{name} clear found": sum(h and c for h, c in zip(hits, clear, strict=True)),
        f"{name} true found": sum(hits),
        f"{name} false": len(false),
    }


def _overlap(span: tuple[Any, Any], event: SimulatedEvent) -> bool:
    return bool(span[0] <= event.end + MARGIN and span[1] >= event.start - MARGIN)


def _is_clear(data: np.ndarray, noise: np.ndarray, event: SimulatedEvent) -> bool:
    """Whether the signal in the best second is so many times the noise at two stations or more."""
    part = slice(event.first_sample, event.first_sample + event.n_samples)
    power = ((data[:, part] - noise[:, part]) ** 2).reshape(-1, 3, event.n_samples).sum(axis=1)
    second = np.apply_along_axis(np.convolve, 1, power, np.ones(int(RATE)) / RATE, "valid").max(axis=1)
    level = np.median(noise**2, axis=1).reshape(-1, 3).sum(axis=1) / 0.455
    return bool((np.sqrt(second / level) >= CLEAR).sum() >= 2)


def _triggers(recording: xr.DataArray) -> list[tuple[np.datetime64, np.datetime64]]:
    """Return the triggers of ObsPy's coincidence trigger on half of the stations, as its tutorial sets it."""
    stations = station_codes(recording)
    stream = obspy().Stream()
    rate = sampling_rate(recording)
    for code, row in zip(recording["seed_id"].values, recording.values, strict=True):
        header = dict(
            zip(("network", "station", "location", "channel"), str(code).split("."), strict=True),
            sampling_rate=rate,
            starttime=obspy().UTCDateTime(2020, 1, 1),
        )
        if str(code).endswith("Z"):
            stream.append(obspy().Trace(row.astype(np.float64), header))
    stream.filter("bandpass", freqmin=0.05 * rate, freqmax=0.4 * rate)
    from obspy.signal.trigger import coincidence_trigger

    on, off, short, long = TRIGGER
    n_stations = max(2, len(np.unique(stations)) // 2)
    found = coincidence_trigger("recstalta", on, off, stream, n_stations, sta=short, lta=long)
    spans = [(trigger["time"], trigger["time"] + trigger["duration"]) for trigger in found]
    return [(np.datetime64(first.ns, "ns"), np.datetime64(last.ns, "ns")) for first, last in spans]


def _measured(rows: list[Row], seeds: Sequence[int]) -> Measured:
    pooled = [_pooled(list(group)) for _, group in itertools.groupby(rows, _shape)]
    settings = {
        "sampling_rate_hz": RATE,
        "ratios_db": list(RATIOS_DB),
        "clear": f"amplitude {CLEAR:g} times the noise in the best second, at two stations or more",
        "false_alarms_per_day": 1.0,
        "seeds": list(seeds),
        "ObsPy": "coincidence_trigger of recursive STA/LTA on half of the vertical channels, as in its tutorial: "
        "on {:g}, off {:g}, short {:g} s, long {:g} s".format(*TRIGGER),
    }
    claim = (
        f"Of the events that are clear at two stations, at least {TARGET_RECALL:g} are found in networks of 4 to 12 "
        "stations and records of 10 minutes to 2 hours."
    )
    tables = [Table("By network", pooled), Table("Each run", rows)]
    return Measured(claim, settings, tables, _findings(pooled, rows))


def _shape(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("stations", "minutes", "coordinates", "noise"))


def _pooled(rows: list[Row]) -> Row:
    first = rows[0]
    total = {
        name: sum(row[name] for row in rows)
        for name in first
        if isinstance(first[name], int | float) and name not in ("stations", "minutes", "coordinates", "seed")
    }
    known = {name: first[name] for name in ("stations", "minutes", "coordinates", "noise")}
    return known | total | {"verdicts": ", ".join(row["verdict"] for row in rows)}


def _findings(pooled: list[Row], rows: list[Row]) -> list[str]:
    def share(of: list[Row], found: str, among: str) -> str:
        return f"{sum(row[found] for row in of)} of {sum(row[among] for row in of)}"

    missed = [
        f"MISSED: {row['stations']} stations, {row['minutes']} min, coordinates {row['coordinates']}, {row['noise']}: "
        f"{row['selfseis clear found']} of {row['clear']} clear events"
        for row in pooled
        if row["selfseis clear found"] < TARGET_RECALL * row["clear"]
    ]
    works = sum(row["verdict"] == "works" for row in rows)
    return [
        *missed,
        f"clear events found: selfseis {share(rows, 'selfseis clear found', 'clear')}, "
        f"ObsPy {share(rows, 'ObsPy clear found', 'clear')}",
        f"false among those found: selfseis {share(rows, 'selfseis false', 'selfseis found')} "
        f"({sum(row['stated false'] for row in rows):.1f} stated), "
        f"ObsPy {share(rows, 'ObsPy false', 'ObsPy found')}",
        f"verdict 'works' in {works} of {len(rows)} runs",
    ]
