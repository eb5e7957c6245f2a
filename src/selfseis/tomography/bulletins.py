"""Readers of text bulletins: CSV of the ISC, event blocks of ISC and EHB, and plain tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from selfseis.io.tables import parse_table, split_cells
from selfseis.quality_log import QualityLog

Row = dict[str, Any]

_ALIASES = {
    "event_id": ("event_id", "eventid", "event", "evid", "orid", "ev_id", "id"),
    "event_time": ("event_time", "origin_time", "otime", "event_origin_time", "origin", "ot"),
    "event_date": ("event_date", "origin_date", "odate"),
    "event_latitude": (
        "event_latitude", "event_lat", "evla", "ev_lat", "evlat", "source_latitude", "latitude", "lat",
    ),
    "event_longitude": (
        "event_longitude", "event_lon", "evlo", "ev_lon", "evlon", "source_longitude", "longitude", "lon",
    ),
    "event_depth_km": (
        "event_depth_km", "event_depth", "evdp", "depth_km", "ev_depth", "evdep", "source_depth_km", "depth",
    ),
    "station": ("station", "sta", "station_code", "seed_id", "stn", "station_id"),
    "phase": ("phase", "phase_hint", "iscphase", "iphase", "phase_name", "phase_type", "pha"),
    "travel_time_s": ("travel_time_s", "travel_time", "tt", "ttime", "tt_s", "traveltime"),
    "arrival_time": ("arrival_time", "pick_time", "arrtime", "arr_time", "time"),
    "arrival_date": ("arrival_date", "pick_date", "arrdate", "arr_date", "date"),
    "sigma_s": ("sigma_s", "sigma", "sd_s", "uncertainty_s", "uncertainty", "deltim", "time_error"),
    "station_latitude": ("station_latitude", "station_lat", "stla", "sta_lat", "stlat", "st_lat"),
    "station_longitude": ("station_longitude", "station_lon", "stlo", "sta_lon", "stlon", "st_lon"),
    "station_elevation_m": ("station_elevation_m", "station_elevation", "stel", "elev", "stelev", "sta_elev"),
}  # fmt: skip


def is_isc_csv(text: str) -> bool:
    """Return whether a text is the CSV of associated arrivals of the ISC, with or without HTML around it."""
    return "ISCPHASE" in text and "EVENTID" in text


def read_isc_csv(text: str, quality_log: QualityLog, source: str) -> Iterator[Row]:
    """Yield rows of the CSV of the ISC; the reported phase replaces a missing phase of the ISC."""
    lines = text.splitlines()
    first = next(n for n, line in enumerate(lines) if line.lstrip().startswith("EVENTID"))
    names = _numbered(split_cells(lines[first], ","))
    for number, line in enumerate(lines[first + 1 :], start=first + 2):
        if not line.strip() or "STOP" in line:
            break
        cells = split_cells(line, ",")
        row = dict(zip(names, cells, strict=False))
        try:
            arrival = _moment(row["DATE"], row["TIME"])
            origin = _moment(row["DATE 2"], row["TIME 2"])
        except (KeyError, ValueError):
            quality_log.add("unusable_row", source, f"line {number} has no times of arrival and origin")
            continue
        yield {
            "event_id": row["EVENTID"],
            "event_time": origin,
            "event_latitude": row.get("LAT 2"),
            "event_longitude": row.get("LON 2"),
            "event_depth_km": row.get("DEPTH"),
            "station": row["STA"],
            "phase": row["ISCPHASE"] or row.get("REPPHASE"),
            "travel_time_s": (arrival - origin).total_seconds(),
            "station_latitude": row.get("LAT"),
            "station_longitude": row.get("LON"),
            "station_elevation_m": row.get("ELEV"),
        }


def _numbered(names: list[str]) -> list[str]:
    """Make column names unique: the second LAT is "LAT 2"."""
    return [name if (n := names[:i].count(name)) == 0 else f"{name} {n + 1}" for i, name in enumerate(names)]


def _moment(date: str, time: str) -> pd.Timestamp:
    return pd.Timestamp(f"{date} {time}")


def is_event_blocks(text: str) -> bool:
    """Return whether a text consists of event lines ``#AGENCY, year, ...`` with lines of arrivals below them."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return first.startswith("#") and first.count(",") >= 10 and first.split(",")[1].strip().isdigit()


def read_event_blocks(text: str, quality_log: QualityLog, source: str) -> Iterator[Row]:
    """Yield rows of ISC or EHB bulletins in blocks.

    An event is ``#AGENCY, y, m, d, h, min, s, longitude, latitude, depth km, n, magnitudes..., id, gap``, an arrival
    ``station, channel, , , longitude, latitude, elevation m, phase, y, m, d, h, min, s, distance``.
    """
    event: Row | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        cells = split_cells(line, ",")
        try:
            if line.startswith("#"):
                event = None  # arrivals below an unreadable line are left out
                event = _event_of(cells)
            elif line.strip() and event is not None:
                yield event | _arrival_of(cells, event["event_time"])
            elif line.strip():
                quality_log.add("unusable_row", source, f"line {number} has no readable event line above it")
        except (ValueError, IndexError):
            kind = "event" if line.startswith("#") else "arrival"
            quality_log.add("unusable_row", source, f"line {number} is not a readable {kind}")


def _event_of(cells: list[str]) -> Row:
    longitude, latitude, depth = (float(cell) for cell in cells[7:10])
    agency, number = cells[0].lstrip("#"), cells[-2]
    return {
        "event_id": f"{agency}:{number}:{'-'.join(cells[1:7])}",
        "event_time": _time_of(cells[1:7]),
        "event_latitude": latitude,
        "event_longitude": longitude,
        "event_depth_km": depth,
    }


def _arrival_of(cells: list[str], origin: pd.Timestamp) -> Row:
    return {
        "station": cells[0],
        "phase": cells[7],
        "travel_time_s": (_time_of(cells[8:14]) - origin).total_seconds(),
        "station_longitude": cells[4] or np.nan,
        "station_latitude": cells[5] or np.nan,
        "station_elevation_m": cells[6] or np.nan,
    }


def _time_of(cells: list[str]) -> pd.Timestamp:
    """Return the time of year, month, day, hour, minute, second; a second of 60 is the next minute."""
    *whole, second = cells
    year, month, day, hour, minute = (int(float(cell)) for cell in whole)
    return pd.Timestamp(year, month, day, hour, minute) + pd.Timedelta(seconds=float(second))


def is_table(text: str) -> bool:
    """Return whether the first line names columns that include station and phase."""
    return {"station", "phase"} <= set(parse_table(_table_lines(text)[:1], _ALIASES).columns)


def read_table(text: str, quality_log: QualityLog, source: str) -> Iterator[Row]:
    """Yield rows of a table with known column names; arrival times are accepted instead of travel times.

    Cells are separated by commas, semicolons, tabs or spaces; dates may be in separate columns.
    """
    table = parse_table(_table_lines(text), _ALIASES)
    n_cells = len(table.header)
    for number, (cells, record) in enumerate(zip(table.rows, table.records(), strict=True), start=2):
        if len(cells) < n_cells:
            quality_log.add(
                "unusable_row", source, f"row {number} has {len(cells)} cells instead of {n_cells}"
            )
            continue
        row: Row = dict(record)
        for moment in ("event", "arrival"):
            _join_date(row, moment)
        arrival = row.pop("arrival_time", "")
        try:
            if not row.get("travel_time_s") and arrival and row.get("event_time"):
                since = pd.Timestamp(arrival) - pd.Timestamp(row["event_time"])
                row["travel_time_s"] = since.total_seconds()
        except (ValueError, TypeError):
            quality_log.add("unusable_row", source, f"row {number} holds an invalid time")
            continue
        yield row


def _table_lines(text: str) -> list[str]:
    """Return the lines of a table; its header may be a comment."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    bare = [line for line in lines if not line.startswith("#")]
    header = next((line for line in lines[:20] if line.startswith("#") and _is_header(line)), None)
    return bare if header is None else [header.lstrip("# "), *bare]


def _is_header(line: str) -> bool:
    return {"station", "phase"} <= set(parse_table([line], _ALIASES).columns)


def _join_date(row: Row, moment: str) -> None:
    """Join a date in a separate column with the time of day."""
    date, time = row.pop(f"{moment}_date", ""), row.get(f"{moment}_time", "")
    if date and time and "-" not in time and "/" not in time:
        row[f"{moment}_time"] = f"{date.replace('/', '-')} {time}"
