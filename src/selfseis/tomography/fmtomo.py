"""Reader of FMTOMO picks, whose files call stations sources and events receivers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selfseis.geo.station_files import of_fmtomo
from selfseis.quality_log import QualityLog

STATION_FILE = "sourceslocal.in"
_NAME = re.compile(r"^pick\.(?P<code>[^.]+)\.(?P<phase>[A-Za-z0-9*]+)$")


def find_fmtomo(path: Path) -> list[Path]:
    """Return the station files of FMTOMO at or below a path, one per set of picks; empty if there is none."""
    if path.is_file():
        return [path] if path.name == STATION_FILE else []
    return sorted([*path.glob(STATION_FILE), *path.glob(f"*/{STATION_FILE}")])


def read_fmtomo(station_file: Path, quality_log: QualityLog) -> Iterator[dict[str, Any]]:
    """Yield rows of the pick files that belong to a station file.

    ``picks/pick.STATION.PHASE`` holds a count, then event latitude, longitude, depth (km), travel time (s) and its
    standard deviation (s). Events have no names and no times: positions equal to 10 m are one event.
    """
    stations = {epoch.code: epoch for epoch in of_fmtomo(station_file, quality_log)}
    folder = station_file.with_name("picks")
    for file in sorted(folder.iterdir() if folder.is_dir() else []):
        name = _NAME.match(file.name)
        if name is None:
            quality_log.add("not_picks", str(file), "not named pick.STATION.PHASE: ignored")
            continue
        station = stations.get(name["code"])
        for number, line in enumerate(_lines(file), start=2):
            try:
                latitude, longitude, depth, seconds, sigma = (float(cell) for cell in line.split())
            except ValueError:
                quality_log.add("unusable_row", str(file), f"line {number} is not five numbers")
                continue
            yield {
                "event_id": f"{latitude:.4f}_{longitude:.4f}_{depth:.2f}",
                "event_latitude": latitude,
                "event_longitude": longitude,
                "event_depth_km": depth,
                "station": name["code"],
                "phase": name["phase"].upper(),
                "travel_time_s": seconds,
                "sigma_s": sigma,
                "station_latitude": None if station is None else station.latitude,
                "station_longitude": None if station is None else station.longitude,
                "station_elevation_m": None if station is None else station.elevation_m,
            }


def _lines(file: Path) -> list[str]:
    """Return the lines below the count."""
    return [
        line for line in file.read_text(encoding="utf-8", errors="replace").splitlines()[1:] if line.strip()
    ]
