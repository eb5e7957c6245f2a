"""Bulletins as text: the ISC's CSV of associated arrivals, event-and-arrival CSV of ISC and EHB, plain tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from selfseis.recording import Accounting

Row = dict[str, Any]

_ALIASES = {
    "event_id": ("event_id", "eventid", "event", "evid", "orid"),
    "event_time": ("event_time", "origin_time", "otime", "event_origin_time"),
    "event_latitude": ("event_latitude", "event_lat", "evla", "ev_lat", "source_latitude"),
    "event_longitude": ("event_longitude", "event_lon", "evlo", "ev_lon", "source_longitude"),
    "event_depth_km": ("event_depth_km", "event_depth", "evdp", "depth_km", "ev_depth", "source_depth_km"),
    "station": ("station", "sta", "station_code", "seed_id"),
    "phase": ("phase", "phase_hint", "iscphase", "iphase"),
    "travel_time_s": ("travel_time_s", "travel_time", "tt", "ttime", "tt_s"),
    "arrival_time": ("arrival_time", "pick_time", "time"),
    "sigma_s": ("sigma_s", "sigma", "sd_s", "uncertainty_s", "uncertainty", "deltim"),
    "station_latitude": ("station_latitude", "station_lat", "stla", "sta_lat"),
    "station_longitude": ("station_longitude", "station_lon", "stlo", "sta_lon"),
    "station_elevation_m": ("station_elevation_m", "station_elevation", "stel", "elev"),
}


def is_isc_csv(text: str) -> bool:
    """Whether a text is what the ISC's web form returns for associated arrivals as CSV, HTML about it or not."""
    return "ISCPHASE" in text and "EVENTID" in text


def read_isc_csv(text: str, accounting: Accounting, source: str) -> Iterator[Row]:
    """Rows of the ISC's CSV; the reported phase stands in where the ISC identified none."""
    lines = text.splitlines()
    first = next(n for n, line in enumerate(lines) if line.lstrip().startswith("EVENTID"))
    names = _numbered([name.strip() for name in lines[first].split(",")])
    for number, line in enumerate(lines[first + 1 :], start=first + 2):
        if not line.strip() or "STOP" in line:
            break
        cells = [cell.strip() for cell in line.split(",")]
        row = dict(zip(names, cells, strict=False))
        try:
            arrival = _moment(row["DATE"], row["TIME"])
            origin = _moment(row["DATE 2"], row["TIME 2"])
        except (KeyError, ValueError):
            accounting.note("unusable_row", source, f"line {number} has no times of arrival and origin")
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
    """Tell columns of the same name apart: the second LAT is "LAT 2"."""
    return [name if (n := names[:i].count(name)) == 0 else f"{name} {n + 1}" for i, name in enumerate(names)]


def _moment(date: str, time: str) -> pd.Timestamp:
    return pd.Timestamp(f"{date} {time}")


def is_event_blocks(text: str) -> bool:
    """Whether a text is made of event lines ``#AGENCY, year, ...`` with lines of arrivals below them."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return first.startswith("#") and first.count(",") >= 10 and first.split(",")[1].strip().isdigit()


def read_event_blocks(text: str, accounting: Accounting, source: str) -> Iterator[Row]:
    """Rows of ISC or EHB bulletins in blocks.

    An event is ``#AGENCY, y, m, d, h, min, s, longitude, latitude, depth km, n, magnitudes..., id, gap``, an arrival
    ``station, channel, , , longitude, latitude, elevation m, phase, y, m, d, h, min, s, distance``.
    """
    event: Row | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        cells = [cell.strip() for cell in line.split(",")]
        try:
            if line.startswith("#"):
                event = None  # arrivals below a line that cannot be read belong to no event
                event = _event_of(cells)
            elif line.strip() and event is not None:
                yield event | _arrival_of(cells, event["event_time"])
            elif line.strip():
                accounting.note(
                    "unusable_row", source, f"line {number} belongs to no event that could be read"
                )
        except (ValueError, IndexError):
            what = "event" if line.startswith("#") else "arrival"
            accounting.note("unusable_row", source, f"line {number} is no {what}")


def _event_of(cells: list[str]) -> Row:
    longitude, latitude, depth = (float(cell) for cell in cells[7:10])
    agency, number = cells[0].lstrip("#"), cells[-2]
    return {
        "event_id": f"{agency}:{number}:{'-'.join(cells[1:7])}",
        "event_time": _clock(cells[1:7]),
        "event_latitude": latitude,
        "event_longitude": longitude,
        "event_depth_km": depth,
    }


def _arrival_of(cells: list[str], origin: pd.Timestamp) -> Row:
    return {
        "station": cells[0],
        "phase": cells[7],
        "travel_time_s": (_clock(cells[8:14]) - origin).total_seconds(),
        "station_longitude": cells[4] or np.nan,
        "station_latitude": cells[5] or np.nan,
        "station_elevation_m": cells[6] or np.nan,
    }


def _clock(cells: list[str]) -> pd.Timestamp:
    """Time from year, month, day, hour, minute, second; a second of 60 is the next minute."""
    *whole, second = cells
    year, month, day, hour, minute = (int(float(cell)) for cell in whole)
    return pd.Timestamp(year, month, day, hour, minute) + pd.Timedelta(seconds=float(second))


def is_table(text: str) -> bool:
    """Whether the first line names columns among which are the station and the phase."""
    names = {name.strip().lower() for name in _header(text).split(",")}
    return all(names & set(_ALIASES[column]) for column in ("station", "phase"))


def _header(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")


def read_table(text: str, accounting: Accounting, source: str) -> Iterator[Row]:
    """Rows of a CSV table with the contract's columns or usual names for them; arrival times serve as well."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    reader = csv.DictReader(io.StringIO("\n".join(lines)), skipinitialspace=True)
    reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or []]
    names = {
        column: next((alias for alias in aliases if alias in reader.fieldnames), None)
        for column, aliases in _ALIASES.items()
    }
    for number, line in enumerate(reader, start=2):
        row = {column: (line.get(name) or "").strip() for column, name in names.items() if name}
        arrival = row.pop("arrival_time", "")
        try:
            if not row.get("travel_time_s") and arrival and row.get("event_time"):
                since = pd.Timestamp(arrival) - pd.Timestamp(row["event_time"])
                row["travel_time_s"] = since.total_seconds()
        except (ValueError, TypeError):
            accounting.note("unusable_row", source, f"row {number} holds something that is no time")
            continue
        yield row
