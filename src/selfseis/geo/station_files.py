"""Readers of station coordinates: StationXML, CSV, ISC lists, FDSN text and FMTOMO files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from selfseis.errors import InputError
from selfseis.io.obspy_import import obspy, read_inventory
from selfseis.io.tables import Table, parse_table, split_cells
from selfseis.quality_log import QualityLog
from selfseis.typing import FloatArray

_KILOMETRES_BELOW = 9.0  # the highest mountain, in km
_ELEVATIONS = ("elevation_m", "elevation_km", "elevation")
_SITE_COLUMNS: dict[str, tuple[str, ...]] = {
    name: () for name in ("station", "name", "latitude", "longitude", *_ELEVATIONS)
}


class Site(NamedTuple):
    """Position of a channel in degrees and metres, and its sensitivity where a response is known."""

    latitude: float
    longitude: float
    elevation: float
    sensitivity: float = np.nan


def channel_coordinates(seed_ids: Sequence[str], sites: Mapping[str, Site]) -> dict[str, FloatArray]:
    """Coordinates of channels, NaN where unknown; none at all when no channel is known.

    Parameters
    ----------
    seed_ids : sequence of str
        "NET.STA.LOC.CHA".
    sites : mapping
        Site by seed_id, by "NET.STA" or by bare station code; the most exact name wins.
    """
    unknown = Site(np.nan, np.nan, np.nan)
    found = [_site_for(seed_id, sites) or unknown for seed_id in seed_ids]
    columns = {name: np.array([getattr(site, name) for site in found], dtype=float) for name in Site._fields}
    return {name: values for name, values in columns.items() if not np.isnan(values).all()}


def sites_from_inventory(inventory: Any, seed_ids: Iterable[str], time_ns: int) -> dict[str, Site]:
    """Sites of channels from an ObsPy Inventory at a time; channels that it does not hold are left out."""
    when = obspy().UTCDateTime(ns=time_ns)
    found = {seed_id: _site_in_inventory(inventory, seed_id, when) for seed_id in seed_ids}
    return {seed_id: site for seed_id, site in found.items() if site is not None}


def _site_in_inventory(inventory: Any, seed_id: str, when: Any) -> Site | None:
    """Site of a channel at a time, or else of the channel or its station at any time: they rarely move."""
    network, station, location, channel = seed_id.split(".")
    exact = {"network": network, "station": station, "location": location, "channel": channel}
    for wanted in ({**exact, "time": when}, exact):
        channels = [entry for net in inventory.select(**wanted) for sta in net for entry in sta]
        if channels:
            sensitivity = getattr(channels[-1].response, "instrument_sensitivity", None)
            return _site(channels[-1], getattr(sensitivity, "value", None) or np.nan)
    stations = [sta for net in inventory.select(network=network, station=station) for sta in net]
    return _site(stations[-1], np.nan) if stations else None


def _site(entry: Any, sensitivity: float) -> Site:
    return Site(float(entry.latitude), float(entry.longitude), float(entry.elevation), float(sensitivity))


def sites_from_table(path: Path, quality_log: QualityLog) -> dict[str, Site]:
    """Read sites from a table with the columns station (or name), latitude, longitude and, if known, elevation.

    ``elevation_m`` is in metres and ``elevation_km`` in kilometres. A bare ``elevation`` is taken as
    kilometres when all values are below 9 and not all are whole numbers; the log notes the assumption.

    Returns
    -------
    dict
        Site by the name in the table; empty when the file is no such table.
    """
    table = _site_table(path)
    columns = set(table.columns)
    if not table.rows or not {"latitude", "longitude"} <= columns or not {"station", "name"} & columns:
        return {}
    rows = list(table.records())
    column = next((name for name in _ELEVATIONS if name in columns), None)
    sites: dict[str, Site] = {}
    try:
        heights = [float(row[column]) if column and row[column] else np.nan for row in rows]
        metres = _metres_per_unit(column, heights, path, quality_log)
        for row, height in zip(rows, heights, strict=True):
            name = row.get("station") or row["name"]
            sites[name] = Site(float(row["latitude"]), float(row["longitude"]), height * metres)
    except (ValueError, TypeError):
        quality_log.add("unreadable", str(path), "a coordinate in the station table is not a number")
        return {}
    return sites


def _metres_per_unit(column: str | None, heights: list[float], path: Path, quality_log: QualityLog) -> float:
    known = [height for height in heights if np.isfinite(height)]
    if column == "elevation_km":
        return 1000.0
    small = max(map(abs, known), default=np.inf) < _KILOMETRES_BELOW
    if column == "elevation" and small and any(height != round(height) for height in known):
        detail = "elevations are taken as kilometres: name the column elevation_m if they are metres"
        quality_log.add("assumed", str(path), detail)
        return 1000.0
    return 1.0


def _site_table(path: Path) -> Table:
    """Read a comma-separated table of sites; the table is empty if the file cannot be read."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        lines = []
    rows = (split_cells(line, ",") for line in lines if line.strip() and not line.startswith("#"))
    return Table.from_cells(rows, _SITE_COLUMNS)


def _site_for(seed_id: str, sites: Mapping[str, Site]) -> Site | None:
    network, station = seed_id.split(".")[:2] if "." in seed_id else ("", seed_id)
    return sites.get(seed_id) or sites.get(f"{network}.{station}") or sites.get(station)


_COLUMNS = {
    "station": ("station", "sta", "code", "name", "station_code"),
    "network": ("network", "net"),
    "latitude": ("latitude", "lat", "station_latitude"),
    "longitude": ("longitude", "lon", "long", "station_longitude"),
    "elevation_m": ("elevation_m", "elevation", "elev", "elev_m", "station_elevation_m"),
    "elevation_km": ("elevation_km", "elev_km"),
}
_ISC_LINE = re.compile(
    r"^(?P<code>\S{1,8})\s+(?P<lat>-?\d+\.\d+)\s+(?P<lon>-?\d+\.\d+)\s+(?P<up>-?\d+(?:\.\d*)?)"
    r"(?:\s+(?P<start>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d))?(?:\s+(?P<end>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d))?\s*$"
)
_PICK_FILE = re.compile(r"pick\.(?P<code>[^.\s]+)", re.IGNORECASE)
_FIRST, _LAST = pd.Timestamp("1800-01-01"), pd.Timestamp("2200-01-01")


class Epoch(NamedTuple):
    """Position of a station during a span of time, in degrees and metres above sea level."""

    code: str
    latitude: float
    longitude: float
    elevation_m: float
    start: pd.Timestamp = _FIRST
    end: pd.Timestamp = _LAST


@dataclass(frozen=True)
class StationList:
    """Stations and their positions over time; a station that moved has several epochs.

    Attributes
    ----------
    epochs : tuple of Epoch
        Codes are "STA" or "NET.STA".
    """

    epochs: tuple[Epoch, ...]

    @classmethod
    def from_file(cls, path: Path | str, quality_log: QualityLog | None = None) -> StationList:
        """Read a station list of any supported format.

        Parameters
        ----------
        path : Path or str
            ISC ``.stn`` list, StationXML, FDSN text, CSV, a table of "STA lat lon elevation", or FMTOMO's
            ``sourceslocal.in``.
        quality_log : QualityLog, optional
            Receives the assumptions.

        Raises
        ------
        InputError
            If the file contains no station.
        """
        place = Path(path)
        quality_log = QualityLog() if quality_log is None else quality_log
        if not place.is_file():
            raise InputError(f"{place} is not a file: check the path given as --stations")
        text = place.read_text(encoding="utf-8-sig", errors="replace")
        found = tuple(_epochs(place, text, quality_log))
        if not found:
            raise InputError(
                f"{place} is not a list of stations: give StationXML, an ISC list, FDSN text, or a CSV file "
                "with the columns station, latitude, longitude, elevation_m"
            )
        if any(abs(epoch.latitude) > 90 for epoch in found):
            wrong = next(epoch for epoch in found if abs(epoch.latitude) > 90)
            raise InputError(
                f"the latitude of {wrong.code} in {place} is {wrong.latitude:g}: are latitude and longitude swapped?"
            )
        return cls(found)

    @cached_property
    def _by_code(self) -> dict[str, list[Epoch]]:
        """Epochs by all names of a station in bulletins, the full name first."""
        found: dict[str, list[Epoch]] = {}
        for epoch in self.epochs:
            for name in dict.fromkeys((epoch.code, epoch.code.split(".")[-1])):
                found.setdefault(name, []).append(epoch)
        return found

    def find(self, station: str, when: pd.Timestamp) -> Epoch | None:
        """Return the epoch of a station at a time, or else its last one; None for unknown stations."""
        parts = station.split(".")
        names = (station, ".".join(parts[:2]), parts[1] if len(parts) > 1 else station, station.upper())
        epochs = next((self._by_code[name] for name in names if name in self._by_code), None)
        if epochs is None:
            return None
        running = [epoch for epoch in epochs if pd.isna(when) or epoch.start <= when <= epoch.end]
        return (running or epochs)[-1]

    def place(self, arrivals: pd.DataFrame) -> pd.DataFrame:
        """Return arrivals with the positions of this list; stations missing from it keep those of the bulletin."""
        known: dict[tuple[str, pd.Timestamp], Epoch | None] = {}
        days = arrivals["event_time"].dt.floor("D")
        places = np.full((len(arrivals), 3), np.nan)
        for row, key in enumerate(zip(arrivals["station"], days, strict=True)):
            if key not in known:
                known[key] = self.find(*key)
            epoch = known[key]
            if epoch is not None:
                places[row] = epoch.latitude, epoch.longitude, epoch.elevation_m
        columns = ["station_latitude", "station_longitude", "station_elevation_m"]
        listed = pd.DataFrame(places, arrivals.index, columns)
        return arrivals.assign(**{name: listed[name].fillna(arrivals[name]) for name in columns})


def _epochs(place: Path, text: str, quality_log: QualityLog) -> Iterator[Epoch]:
    head = text.lstrip()[:300]
    if head.startswith("<?xml") or "FDSNStationXML" in head:
        yield from _of_inventory(place)
    elif _PICK_FILE.search(text):
        yield from of_fmtomo(place, quality_log)
    elif "," in _first_line(text) or "|" in _first_line(text):
        yield from _of_table(place, text, quality_log)
    else:
        yield from _of_lines(text)


def _first_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip()), "")


def _of_inventory(place: Path) -> Iterator[Epoch]:
    for network in read_inventory(place):
        for station in network:
            span = [
                fallback if date is None else pd.Timestamp(date.datetime)
                for date, fallback in ((station.start_date, _FIRST), (station.end_date, _LAST))
            ]
            code = f"{network.code}.{station.code}"
            yield Epoch(code, station.latitude, station.longitude, float(station.elevation), *span)


def _of_lines(text: str) -> Iterator[Epoch]:
    """Lines "STA lat lon elevation [start [end]]"; others (the channels of ISC lists) are skipped."""
    for line in text.splitlines():
        if found := _ISC_LINE.match(line):
            start, end = (found[name] for name in ("start", "end"))
            yield Epoch(
                found["code"],
                float(found["lat"]),
                float(found["lon"]),
                float(found["up"]),
                pd.Timestamp(start) if start else _FIRST,
                pd.Timestamp(end) if end else _LAST,
            )


def _of_table(place: Path, text: str, quality_log: QualityLog) -> Iterator[Epoch]:
    sites = sites_from_table(place, quality_log)
    if sites:
        for code, site in sites.items():
            yield Epoch(code, site.latitude, site.longitude, site.elevation)
        return
    table = parse_table(text.splitlines(), _COLUMNS, separators=("|", ","))
    if not {"station", "latitude", "longitude"} <= set(table.columns):
        return
    for number, value in enumerate(table.records(), start=2):
        try:
            if not value["station"]:
                raise ValueError("no station")
            metres = float(value.get("elevation_m") or "nan")
            if value.get("elevation_km"):
                metres = 1000 * float(value["elevation_km"])
            code = ".".join(filter(None, (value.get("network"), value["station"])))
            yield Epoch(code, float(value["latitude"]), float(value["longitude"]), metres)
        except ValueError:
            quality_log.add("unusable_row", str(place), f"line {number} is not a station")


def of_fmtomo(place: Path, quality_log: QualityLog) -> Iterator[Epoch]:
    """Read the stations of FMTOMO's ``sourceslocal.in``, which lists them as sources, two lines above the pick file.

    The format defines the third number as a depth. If no value is negative, the values are taken as elevations.
    """
    lines = place.read_text(encoding="utf-8", errors="replace").splitlines()
    found: list[tuple[str, float, float, float]] = []
    for number, line in enumerate(lines[2:], start=2):
        if (code := _PICK_FILE.search(line)) and len(cells := lines[number - 2].split()) >= 3:
            latitude, longitude, depth = (float(cell) for cell in cells[:3])
            found.append((code["code"], latitude, longitude, depth))
    depths = [place[3] for place in found]
    upwards = -1.0
    if depths and min(depths) >= 0 and max(depths) > 0:
        upwards = 1.0
        quality_log.add(
            "assumed", str(place), "the depths of stations are taken as elevations: none is negative"
        )
    for name, latitude, longitude, depth in found:
        yield Epoch(name, latitude, longitude, 1000 * upwards * depth)
