"""Rows of station tables: any separator, the usual column names, names of stations as NET.STA, elevations in metres."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from selfseis.errors import InputError
from selfseis.io.tables import COMMENTS, Table, find_columns, find_separator, is_number, split_cells
from selfseis.quality_log import QualityLog

_SEPARATORS = ("|", ";", "\t", ",")
_MAX_HEADER_LINE = 20
_MAX_KILOMETRES = 9.0  # the highest mountain
_KILOMETRE_DECIMALS = 3  # elevations in km are given to the metre; metres are not given to the millimetre
_NO_DATA = frozenset(["", "-", "--", "n/a", "na", "nan", "none", "null", "-9999", "-99999", "-12345"])
_COLUMNS: dict[str, tuple[str, ...]] = {
    "station": ("sta", "code", "station_code", "station_id", "stationcode", "stn", "id", "trace_id", "name"),
    "network": ("net", "network_code", "networkcode"),
    "location": ("loc", "location_code"),
    "latitude": ("lat", "station_latitude", "station_lat", "stla", "slat", "latitude_deg", "lat_deg"),
    "longitude": ("lon", "long", "lng", "station_longitude", "station_lon", "stlo", "slon", "longitude_deg", "lon_deg"),
    "elevation_m": ("elev_m", "station_elevation_m", "height_m", "altitude_m", "stel"),
    "elevation_km": ("elev_km", "height_km", "altitude_km"),
    "elevation": ("elev", "station_elevation", "height", "altitude", "alt"),
    "start": ("starttime", "start_time", "start_date", "startdate", "on"),
    "end": ("endtime", "end_time", "end_date", "enddate", "off"),
}  # fmt: skip


class StationRow(NamedTuple):
    """One row of a station table.

    Attributes
    ----------
    name : str
        "NET.STA", with ".LOC" if a location is stated; "STA" if the table states no network.
    latitude, longitude, elevation_m : float
        In degrees and metres above sea level; an unknown elevation is NaN.
    start, end : str
        Span of time, as spelled; empty if not stated.
    """

    name: str
    latitude: float
    longitude: float
    elevation_m: float
    start: str = ""
    end: str = ""


def is_station_table(lines: Sequence[str]) -> bool:
    """Whether the first lines of a text contain a header with the columns station, latitude and longitude."""
    return _header(lines) is not None


def read_station_rows(place: Path, text: str, quality_log: QualityLog) -> list[StationRow]:
    """Read a table with the columns station, latitude, longitude and, if known, network, location and elevation.

    Columns may have other usual names, such as ``lat`` or ``code``, and units in brackets. ``elevation_m`` is in
    metres and ``elevation_km`` in kilometres. A bare ``elevation`` is in metres, except if all values are below 9 and
    written to three decimals or more, as kilometres are; the log notes this assumption.

    Parameters
    ----------
    place : Path
        The file, for messages.
    text : str
        Its content.
    quality_log : QualityLog
        Receives assumptions, and the rows that are left out.

    Returns
    -------
    list of StationRow
        Empty if the text is no such table.

    Raises
    ------
    InputError
        If coordinates are not degrees.
    """
    lines = text.splitlines()
    found = _header(lines)
    if found is None:
        return []
    first, separator, columns = found
    table = Table([], columns, [_cells(line, separator) for line in lines[first + 1 :] if _is_data(line)])
    records = list(table.records())
    is_fdsn_text = separator == "|"  # its elevations are metres
    metres = (
        1.0
        if is_fdsn_text
        else _metres_per_unit(place, columns, [row.get("elevation", "") for row in records], quality_log)
    )
    rows = [row for record in records if (row := _row(record, metres, place, quality_log)) is not None]
    _check_degrees(place, rows)
    return rows


def _header(lines: Sequence[str]) -> tuple[int, str | None, dict[str, int]] | None:
    """Return the number of the header line, its separator and its columns; None if there is no such line."""
    for number, line in enumerate(lines[:_MAX_HEADER_LINE]):
        bare = line.lstrip("\ufeff#%! ").strip()
        if not bare:
            continue
        separator = find_separator(bare, _SEPARATORS)
        cells = _cells(bare, separator)
        columns = find_columns(cells, _COLUMNS)
        if {"station", "latitude", "longitude"} <= set(columns) and not any(map(is_number, cells)):
            return number, separator, columns
        if _is_data(line):
            return None
    return None


def _is_data(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith(COMMENTS)


def _cells(line: str, separator: str | None) -> list[str]:
    cells = split_cells(line, separator)
    if separator in {";", "\t", "|"}:  # then a comma within a number is a decimal comma
        cells = [re.sub(r"^(-?\d+),(\d+)$", r"\1.\2", cell) for cell in cells]
    return cells


def _row(record: dict[str, str], metres: float, place: Path, quality_log: QualityLog) -> StationRow | None:
    name = _name(record)
    latitude, longitude = (_number(record[column]) for column in ("latitude", "longitude"))
    if not name or not np.isfinite([latitude, longitude]).all():
        shown = ", ".join(record[column] for column in ("station", "latitude", "longitude"))
        quality_log.add("unusable_row", str(place), f"the row {shown} is not a station: left out")
        return None
    heights = [(_number(record.get(column, "")), factor) for column, factor in
               (("elevation_m", 1.0), ("elevation_km", 1000.0), ("elevation", metres))]  # fmt: skip
    elevation = next((height * factor for height, factor in heights if np.isfinite(height)), np.nan)
    return StationRow(name, latitude, longitude, elevation, record.get("start", ""), record.get("end", ""))


def _name(record: dict[str, str]) -> str:
    """Return NET.STA, NET.STA.LOC or a whole seed_id from the columns, or from a station that is written so."""
    network, station, location = (
        record.get(column, "").strip() for column in ("network", "station", "location")
    )
    if "." in station:
        parts = station.split(".")
        return station if len(parts) > 3 else ".".join(parts).rstrip(".")
    return ".".join(filter(None, (network, station, location if network else ""))) if station else ""


def _number(text: str) -> float:
    if text.strip().lower() in _NO_DATA:
        return np.nan
    try:
        return float(text)
    except ValueError:
        return np.nan


def _metres_per_unit(
    place: Path, columns: dict[str, int], cells: list[str], quality_log: QualityLog
) -> float:
    """Return the metres in one unit of the bare elevations: 1000 if they can only be kilometres."""
    known = [cell for cell in cells if np.isfinite(_number(cell))]
    if not known or {"elevation_m", "elevation_km"} & set(columns):
        return 1.0
    if max(abs(_number(cell)) for cell in known) >= _MAX_KILOMETRES:
        return 1.0
    decimals = max(len(cell.partition(".")[2]) for cell in known)
    unit, other = ("kilometres", "m") if decimals >= _KILOMETRE_DECIMALS else ("metres", "km")
    if decimals:
        detail = f"elevations are taken as {unit}: name the column elevation_{other} if they are in {other}"
        quality_log.add("assumed", str(place), detail)
    return 1000.0 if unit == "kilometres" else 1.0


def _check_degrees(place: Path, rows: list[StationRow]) -> None:
    wrong = next((row for row in rows if abs(row.latitude) > 90 or abs(row.longitude) > 360), None)
    if wrong is None:
        return
    swapped = abs(wrong.longitude) <= 90 and abs(wrong.latitude) <= 360
    advice = "are latitude and longitude swapped?" if swapped else "coordinates must be degrees"
    raise InputError(
        f"{wrong.name} in {place} has the latitude {wrong.latitude:g} and the longitude {wrong.longitude:g}: {advice}"
    )


def without_contradictions(
    rows: list[StationRow], place: Path, quality_log: QualityLog
) -> Iterator[StationRow]:
    """Yield the rows of stations with one position; stations with several are left out, and the log names them.

    Parameters
    ----------
    rows : list of StationRow
        Rows of a table.
    place : Path
        The file, for messages.
    quality_log : QualityLog
        Receives the stations that are left out.
    """
    positions: dict[str, set[tuple[float, float]]] = {}
    for row in rows:
        positions.setdefault(row.name, set()).add((round(row.latitude, 4), round(row.longitude, 4)))
    for name, places in positions.items():
        if len(places) > 1:
            shown = " and ".join(f"{latitude:g} {longitude:g}" for latitude, longitude in sorted(places)[:2])
            detail = f"{name} has {len(places)} positions ({shown}): left out; keep the line that is right"
            quality_log.add("unusable_row", str(place), detail, len(places))
    yield from (row for row in rows if len(positions[row.name]) == 1)
