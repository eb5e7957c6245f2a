"""Readers of station coordinates: StationXML, CSV, ISC lists, FDSN text and FMTOMO files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from selfseis.errors import InputError
from selfseis.geo.station_rows import StationRow, read_station_rows, without_contradictions
from selfseis.io.obspy_import import read_inventory
from selfseis.quality_log import QualityLog
from selfseis.typing import NDArray

COLUMNS_NEEDED = (
    "a table of stations has the columns station, latitude, longitude, and if known network, elevation_m"
)


class Site(NamedTuple):
    """Position of a channel in degrees and metres, and where a response is known its sensitivity.

    The sensitivity is in counts per ``input_units``: m, m/s or m/s**2, or others that are no ground motion.
    """

    latitude: float
    longitude: float
    elevation: float
    sensitivity: float = np.nan
    input_units: str = ""


def channel_coordinates(
    seed_ids: Sequence[str], sites: Mapping[str, Site], quality_log: QualityLog | None = None
) -> dict[str, NDArray]:
    """Coordinates of channels, NaN where unknown; none at all when no channel is known.

    Parameters
    ----------
    seed_ids : sequence of str
        "NET.STA.LOC.CHA".
    sites : mapping
        Site by seed_id, by "NET.STA.LOC", by "NET.STA" or by bare station code; the most exact name wins.
    quality_log : QualityLog, optional
        Receives the stations without coordinates, and codes that fit only in another case.
    """
    quality_log = QualityLog() if quality_log is None else quality_log
    names = _matching_names(seed_ids, sites, quality_log)
    unknown = Site(np.nan, np.nan, np.nan)
    found = [sites[name] if name else unknown for name in names]
    if not any(names):
        return {}
    columns: dict[str, NDArray] = {
        name: np.array([getattr(site, name) for site in found], float) for name in Site._fields[:-1]
    }
    columns["input_units"] = np.array([site.input_units for site in found], str)
    if np.isnan(columns["sensitivity"]).all():
        del columns["input_units"]
    return {
        name: values
        for name, values in columns.items()
        if name == "input_units" or not np.isnan(values).all()
    }


def _matching_names(seed_ids: Sequence[str], sites: Mapping[str, Site], quality_log: QualityLog) -> list[str]:
    """Return the name among the sites that fits each channel best; empty where none does."""
    names = [_name_in(seed_id, sites) for seed_id in seed_ids]
    upper = {name.upper(): name for name in sites}
    for row, seed_id in enumerate(seed_ids):
        if not names[row] and (other := upper.get(_name_in(seed_id.upper(), upper))):
            names[row] = other
            quality_log.add(
                "assumed", seed_id, f"its coordinates are those of {other}, written in another case"
            )
    for bare in {name for name in names if name and "." not in name}:
        networks = {
            seed_id.split(".")[0] for seed_id, name in zip(seed_ids, names, strict=True) if name == bare
        }
        if len(networks) > 1:
            detail = (
                f"a station of this code is in the networks {', '.join(sorted(networks))}: name the network"
            )
            quality_log.add("assumed", bare, f"{detail} in the table of coordinates, all have the same now")
    missing = sorted(
        {".".join(i.split(".")[:2]) for i, name in zip(seed_ids, names, strict=True) if not name}
    )
    if sites and missing:
        listed = ", ".join(list(sites)[:3]) + (", ..." if len(sites) > 3 else "")
        detail = f"no coordinates in the station tables and StationXML, which hold {listed}"
        for station in missing:
            quality_log.add("no_coordinates", station, detail)
    return names


def _name_in(seed_id: str, sites: Mapping[str, Any]) -> str:
    parts = seed_id.split(".") if "." in seed_id else ["", seed_id]
    names = (seed_id, ".".join(parts[:3]), ".".join(parts[:2]), parts[1])
    return next((name for name in names if name in sites), "")


def sites_from_table(path: Path, quality_log: QualityLog) -> dict[str, Site]:
    """Read sites from a table with the columns station, latitude, longitude and, if known, network and elevation.

    `selfseis.geo.station_rows` describes the columns and the units of elevations.

    Returns
    -------
    dict
        Site by "NET.STA", or by "STA" if the table states no network; empty when the file is no such table.

    Raises
    ------
    InputError
        If coordinates are not degrees.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return {}
    rows = read_station_rows(path, text, quality_log)
    if not rows:
        quality_log.add("unreadable", str(path), f"no station in it: {COLUMNS_NEEDED}")
    return {
        row.name: Site(row.latitude, row.longitude, row.elevation_m)
        for row in without_contradictions(rows, path, quality_log)
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
                f"{place} is not a list of stations: give StationXML, an ISC list, FDSN text, or a CSV file; "
                f"{COLUMNS_NEEDED}"
            )
        if any(abs(epoch.latitude) > 90 for epoch in found):
            wrong = next(epoch for epoch in found if abs(epoch.latitude) > 90)
            raise InputError(
                f"the latitude of {wrong.code} in {place} is {wrong.latitude:g}: are latitude and longitude swapped?"
            )
        return cls(found)

    @cached_property
    def _by_code(self) -> dict[str, list[Epoch]]:
        """Epochs by the name of a station in this list."""
        found: dict[str, list[Epoch]] = {}
        for epoch in self.epochs:
            found.setdefault(epoch.code, []).append(epoch)
        return found

    @cached_property
    def _by_bare_code(self) -> dict[str, list[Epoch]]:
        """Epochs by the code of a station without its network, where one network alone has it."""
        names: dict[str, set[str]] = {}
        for code in self._by_code:
            names.setdefault(code.split(".")[1] if "." in code else code, set()).add(code)
        return {bare: self._by_code[min(codes)] for bare, codes in names.items() if len(codes) == 1}

    def find(self, station: str, when: pd.Timestamp) -> Epoch | None:
        """Return the epoch of a station at a time, or else its last one; None for unknown stations.

        Parameters
        ----------
        station : str
            "NET.STA", or "STA" where one network alone has this code. A station of another network is another station.
        when : pandas.Timestamp
            A time in UTC, or NaT.
        """
        parts = station.split(".")
        names = (station, ".".join(parts[:2]), parts[1] if len(parts) > 1 else station, station.upper())
        epochs = next((self._by_code[name] for name in names if name in self._by_code), None)
        if epochs is None and len(parts) == 1:
            epochs = self._by_bare_code.get(station, self._by_bare_code.get(station.upper()))
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
    elif rows := read_station_rows(place, text, quality_log):
        yield from _of_table(rows)
    else:
        yield from _of_lines(text)


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


def _of_table(rows: Sequence[StationRow]) -> Iterator[Epoch]:
    for row in rows:
        start, end = (pd.to_datetime(text, errors="coerce") for text in (row.start, row.end))
        span = (_FIRST if pd.isna(start) else start, _LAST if pd.isna(end) else end)
        yield Epoch(
            row.name, row.latitude, row.longitude, row.elevation_m, *(time.tz_localize(None) for time in span)
        )


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
