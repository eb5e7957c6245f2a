"""Where the stations are: from StationXML, from tables, from the headers of the files."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from selfseis.recording.accounting import Accounting
from selfseis.recording.errors import UnusableInput
from selfseis.recording.obspy_import import obspy

_KILOMETRES_BELOW = 9.0


class Site(NamedTuple):
    """Position of a channel in degrees and metres, and its sensitivity where a response is known."""

    latitude: float
    longitude: float
    elevation: float
    sensitivity: float = np.nan


def channel_coordinates(
    seed_ids: Sequence[str], sites: Mapping[str, Site]
) -> dict[str, npt.NDArray[np.float64]]:
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


def read_inventory(source: Any) -> Any:
    """Read StationXML (a path) through ObsPy; an Inventory is passed through.

    Raises
    ------
    UnusableInput
        If the file cannot be read.
    """
    if not isinstance(source, str | Path):
        return source
    if not Path(source).exists():
        raise UnusableInput(f"{source} does not exist: check the path of the inventory")
    module = obspy()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return module.read_inventory(str(source))
    except Exception as error:  # ObsPy passes on what the format's reader raises
        raise UnusableInput(f"{source} is no station inventory that ObsPy reads: give StationXML") from error


def sites_from_table(path: Path, accounting: Accounting) -> dict[str, Site]:
    """Sites from a table with the columns station (or name), latitude, longitude and, if known, elevation.

    ``elevation_m`` is in metres and ``elevation_km`` in kilometres. A bare ``elevation`` is taken as
    kilometres when all values are below 9 and not all are whole numbers, which is noted as assumed.

    Returns
    -------
    dict
        Site by the name in the table; empty when the file is no such table.
    """
    rows = _table_rows(path)
    columns = set(rows[0]) if rows else set()
    if not {"latitude", "longitude"} <= columns or not {"station", "name"} & columns:
        return {}
    column = next((name for name in ("elevation_m", "elevation_km", "elevation") if name in rows[0]), None)
    sites: dict[str, Site] = {}
    try:
        heights = [float(row[column]) if column and row[column] else np.nan for row in rows]
        metres = _metres_per_unit(column, heights, path, accounting)
        for row, height in zip(rows, heights, strict=True):
            name = row.get("station") or row["name"]
            sites[name] = Site(float(row["latitude"]), float(row["longitude"]), height * metres)
    except (ValueError, TypeError):
        accounting.note("unreadable", str(path), "the station table holds something that is not a number")
        return {}
    return sites


def _metres_per_unit(column: str | None, heights: list[float], path: Path, accounting: Accounting) -> float:
    known = [height for height in heights if np.isfinite(height)]
    if column == "elevation_km":
        return 1000.0
    small = max(map(abs, known), default=np.inf) < _KILOMETRES_BELOW
    if column == "elevation" and small and any(height != round(height) for height in known):
        detail = "elevations are taken as kilometres: name the column elevation_m if they are metres"
        accounting.note("assumed", str(path), detail)
        return 1000.0
    return 1.0


def _table_rows(path: Path) -> list[dict[str, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return []
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if len(lines) < 2:
        return []
    names = [name.strip().lower() for name in lines[0].split(",")]
    reader = csv.DictReader(lines[1:], fieldnames=names, restkey="", restval="", skipinitialspace=True)
    return [{name: str(row[name]).strip() for name in names} for row in reader]


def _site_for(seed_id: str, sites: Mapping[str, Site]) -> Site | None:
    network, station = seed_id.split(".")[:2] if "." in seed_id else ("", seed_id)
    return sites.get(seed_id) or sites.get(f"{network}.{station}") or sites.get(station)
