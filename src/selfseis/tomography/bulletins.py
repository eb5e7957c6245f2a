"""Readers of text bulletins: CSV of the ISC, event blocks of ISC and EHB, and plain tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from selfseis.io.clocks import NS, parse_utc, read_clock, seconds_of_day
from selfseis.io.tables import is_number, number_of, parse_table, split_cells
from selfseis.quality_log import QualityLog

Row = dict[str, Any]
DAY_S = 86_400.0
MAX_AFTER_MIDNIGHT_S = (
    3600.0  # no wave takes longer, so that a longer negative time is not one of another day
)

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
    "event_depth_km": ("event_depth_km", "depth_km", "source_depth_km", "evdp_km"),
    "event_depth_m": ("event_depth_m", "depth_m", "source_depth_m", "evdp_m"),
    "event_depth": ("event_depth", "evdp", "ev_depth", "evdep", "source_depth", "depth"),
    "network": ("network", "net", "network_code", "station_network"),
    "station": ("station", "sta", "station_code", "seed_id", "stn", "station_id"),
    "phase": ("phase", "phase_hint", "iscphase", "iphase", "phase_name", "phase_type", "pha"),
    "travel_time_s": ("travel_time_s", "travel_time", "tt", "ttime", "tt_s", "traveltime"),
    "arrival_time": ("arrival_time", "pick_time", "arrtime", "arr_time", "time"),
    "arrival_date": ("arrival_date", "pick_date", "arrdate", "arr_date", "date"),
    "sigma_s": ("sigma_s", "sigma", "sd_s", "uncertainty_s", "uncertainty", "deltim", "time_error"),
    "station_latitude": ("station_latitude", "station_lat", "stla", "sta_lat", "stlat", "st_lat"),
    "station_longitude": ("station_longitude", "station_lon", "stlo", "sta_lon", "stlon", "st_lon"),
    "station_elevation_m": ("station_elevation_m", "station_elevation", "stel", "elev", "stelev", "sta_elev"),
    "distance_deg": ("distance_deg", "dist_deg", "delta_deg", "gcarc"),
}  # fmt: skip


def is_isc_csv(text: str) -> bool:
    """Return whether a text is the CSV of associated arrivals of the ISC, with or without HTML around it."""
    return any(_is_isc_header(line) for line in text.splitlines())


def _is_isc_header(line: str) -> bool:
    return line.lstrip().startswith("EVENTID") and "ISCPHASE" in line


def read_isc_csv(text: str, quality_log: QualityLog, source: str) -> Iterator[Row]:
    """Yield rows of the CSV of the ISC; the reported phase replaces a missing phase of the ISC."""
    lines = text.splitlines()
    first = next(n for n, line in enumerate(lines) if _is_isc_header(line))
    names = _numbered(split_cells(lines[first], ","))
    ended = False
    for number, line in enumerate(lines[first + 1 :], start=first + 2):
        if not line.strip() or "STOP" in line:
            ended = True
            break
        row = dict(zip(names, split_cells(line, ","), strict=False))
        try:
            arrival = parse_utc(row["DATE"], row["TIME"])
            origin = parse_utc(row["DATE 2"], row["TIME 2"])
        except (KeyError, ValueError):
            quality_log.add("unusable_row", source, f"line {number} has no times of arrival and origin")
            continue
        yield {
            "event_id": row.get("EVENTID", ""),
            "event_time": origin,
            "event_latitude": row.get("LAT 2"),
            "event_longitude": row.get("LON 2"),
            "event_depth_km": row.get("DEPTH"),
            "station": row.get("STA", ""),
            "phase": row.get("ISCPHASE") or row.get("REPPHASE"),
            "travel_time_s": _seconds(arrival - origin),
            "station_latitude": row.get("LAT"),
            "station_longitude": row.get("LON"),
            "station_elevation_m": row.get("ELEV"),
            "distance_deg": row.get("DIST"),
        }
    if not ended and "<" in text[:200]:
        quality_log.add("truncated", source, "the bulletin of the ISC ends without STOP: rows may be missing")


def _numbered(names: list[str]) -> list[str]:
    """Make column names unique: the second LAT is "LAT 2"."""
    return [name if (n := names[:i].count(name)) == 0 else f"{name} {n + 1}" for i, name in enumerate(names)]


def _seconds(span: np.timedelta64) -> float:
    return float(span / np.timedelta64(1, "ns")) / NS


def is_event_blocks(text: str) -> bool:
    """Return whether a text consists of event lines ``#AGENCY, year, ...`` with lines of arrivals below them."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return first.startswith("#") and first.count(",") >= 10 and first.split(",")[1].strip().isdigit()


def read_event_blocks(text: str, quality_log: QualityLog, source: str) -> Iterator[Row]:
    """Yield rows of ISC or EHB bulletins in blocks.

    An event is ``#AGENCY, y, m, d, h, min, s, longitude, latitude, depth km, n, magnitudes..., id, gap``, an arrival
    ``station, channel, , , longitude, latitude, elevation m, phase, y, m, d, h, min, s, distance``. Blocks whose
    number of arrivals is not the n of their event line are logged.
    """
    event: Row | None = None
    expected, found = 0, 0
    for number, line in enumerate(text.splitlines(), start=1):
        cells = split_cells(line, ",")
        try:
            if line.startswith("#"):
                _compare_counts(event, expected, found, quality_log, source)
                event, expected, found = None, 0, 0  # arrivals below an unreadable line are left out
                event, expected = _event_of(cells), int(cells[10])
            elif line.strip() and event is not None:
                found += 1
                yield event | _arrival_of(cells, event["event_time"])
            elif line.strip():
                quality_log.add("unusable_row", source, f"line {number} has no readable event line above it")
        except (ValueError, IndexError, OverflowError):
            kind = "event" if line.startswith("#") else "arrival"
            quality_log.add("unusable_row", source, f"line {number} is not a readable {kind}")
    _compare_counts(event, expected, found, quality_log, source)


def _compare_counts(
    event: Row | None, expected: int, found: int, quality_log: QualityLog, source: str
) -> None:
    if event is not None and expected != found:
        detail = f"event {event['event_id']} announces {expected} arrivals and has {found}"
        quality_log.add("header_mismatch", source, detail)


def _event_of(cells: list[str]) -> Row:
    longitude, latitude, depth = (number_of(cell) for cell in cells[7:10])
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
        "distance_deg": cells[14] if len(cells) > 14 and cells[14] else np.nan,
    }


def _time_of(cells: list[str]) -> pd.Timestamp:
    """Return the time of year, month, day, hour, minute, second; hour 24 and second 60 are carried over."""
    year, month, day, hour, minute = (int(number_of(cell)) for cell in cells[:5])
    second = number_of(cells[5])
    if not (0 <= hour <= 24 and 0 <= minute <= 60 and 0 <= second < 100):
        raise ValueError(f"{cells} is not a time")
    return pd.Timestamp(parse_utc(f"{year:04d}-{month:02d}-{day:02d}")) + pd.Timedelta(
        seconds=3600 * hour + 60 * minute + second
    )


def is_table(text: str) -> bool:
    """Return whether the first line names columns that include station and phase."""
    return {"station", "phase"} <= set(parse_table(_table_lines(text)[:1], _ALIASES).columns)


def read_table(text: str, quality_log: QualityLog, source: str) -> Iterator[Row]:
    """Yield rows of a table with known column names; arrival times are accepted instead of travel times.

    Cells are separated by commas, semicolons, tabs or spaces; dates may be in separate columns. A network in a column
    of its own becomes a part of the station's name. A depth whose column states no unit is decided later. A row with
    more or fewer cells than the header is left out. Times of arrival without a date, or after midnight with the date
    of the event, belong to the day that gives a travel time between 0 and an hour.
    """
    table = parse_table(_table_lines(text), _ALIASES)
    n_cells = len(table.header)
    tally: Counter[str] = Counter()
    for number, (cells, record) in enumerate(zip(table.rows, table.records(), strict=True), start=2):
        while len(cells) > n_cells and not cells[-1]:
            cells = cells[:-1]
        if len(cells) != n_cells:
            quality_log.add(
                "unusable_row", source, f"row {number} has {len(cells)} cells instead of {n_cells}"
            )
            continue
        row: Row = dict(record)
        try:
            _read_times(row, tally)
        except ValueError:
            quality_log.add("unusable_row", source, f"row {number} holds an invalid time")
            continue
        row["station"] = _full_name(row["station"], row.pop("network", ""))
        if in_metres := row.pop("event_depth_m", ""):
            row["event_depth_km"] = number_of(in_metres) / 1000 if is_number(in_metres) else None
        yield row
    for detail, count in tally.items():
        if count:
            quality_log.add("assumed", source, detail, count)


def _full_name(station: str, network: str) -> str:
    """Return NET.STA where the network is stated; location and channel are left out."""
    if station.count(".") >= 2:
        return ".".join(station.split(".")[:2]).lstrip(".")
    return f"{network}.{station}" if network.strip("-? ") and station and "." not in station else station


def _read_times(row: Row, tally: Counter[str]) -> None:
    """Replace the texts of times in a row by the moment of the event and the travel time."""
    event = _joined(row.pop("event_date", ""), row.pop("event_time", ""))
    arrival = _joined(row.pop("arrival_date", ""), row.pop("arrival_time", ""))
    origin = None
    try:
        origin, carried = read_clock(event) if event else (None, False)
        tally["times of events with hour 24 or second 60: carried over"] += carried
    except ValueError:
        if not row.get("travel_time_s"):
            raise
        tally["times of events that cannot be read: left out, as travel times are given"] += 1
    row["event_time"] = origin
    if row.get("travel_time_s") or not arrival or origin is None:
        return
    if _has_date(arrival):
        moment, carried = read_clock(arrival)
        seconds = _seconds(moment - origin)
        tally["times of arrivals with hour 24 or second 60: carried over"] += carried
        if -DAY_S <= seconds < MAX_AFTER_MIDNIGHT_S - DAY_S:
            tally["arrivals after midnight with the date of their event: moved to the next day"] += 1
            seconds += DAY_S
    else:
        since_midnight = _seconds(origin - origin.astype("datetime64[D]"))
        seconds = (seconds_of_day(arrival) - since_midnight + DAY_S / 2) % DAY_S - DAY_S / 2
        tally[
            "times of arrival without a date: on the day of their event, or after the midnight that follows"
        ] += 1
    row["travel_time_s"] = seconds


def _joined(date: str, time: str) -> str:
    """Join a date in a separate column with the time of day, unless that has a date itself."""
    return time if not date or _has_date(time) else f"{date} {time}".strip()


def _has_date(text: str) -> bool:
    return bool(text) and (len(text) >= 8 and text[:4].isdigit() and ":" not in text[:5])


def _table_lines(text: str) -> list[str]:
    """Return the lines of a table; its header may be a comment."""
    lines = [line.strip(" ") for line in text.splitlines() if line.strip()]
    bare = [line for line in lines if not line.startswith("#")]
    header = next((line for line in lines[:20] if line.startswith("#") and _is_header(line)), None)
    return bare if header is None else [header.lstrip("# "), *bare]


def _is_header(line: str) -> bool:
    return {"station", "phase"} <= set(parse_table([line], _ALIASES).columns)
