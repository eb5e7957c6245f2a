"""Tables of station coordinates, and the detection of outlying stations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from selfseis.errors import InputError
from selfseis.geo.channel_epochs import ChannelEpoch, epoch_at, epoch_of
from selfseis.geo.options import ArrayOptions
from selfseis.geo.station_files import COLUMNS_NEEDED, Site, sites_from_table
from selfseis.io.obspy_import import read_inventory
from selfseis.quality_log import QualityLog
from selfseis.typing import BoolArray, FloatArray


@dataclass(frozen=True)
class StationTable:
    """Coordinates of stations.

    Attributes
    ----------
    codes : tuple of str
        "NET.STA.LOC", "NET.STA" or "STA", as in the source; picks are matched by the most exact name.
    latitude, longitude, elevation_m : ndarray, shape (n_stations,)
        In degrees and metres above sea level.
    notes : tuple of str
        Assumptions, in words.
    """

    codes: tuple[str, ...]
    latitude: FloatArray
    longitude: FloatArray
    elevation_m: FloatArray
    notes: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def from_sites(cls, sites: Mapping[str, Site], notes: Iterable[str] = ()) -> StationTable:
        """Take the sites that have coordinates; an unknown elevation is taken as sea level and noted."""
        known = {
            name: site for name, site in sites.items() if np.isfinite([site.latitude, site.longitude]).all()
        }
        latitude, longitude, elevation = (
            np.array([site[column] for site in known.values()], float) for column in range(3)
        )
        wrong = [
            name
            for name, site in known.items()
            if abs(site.latitude) > 90 or abs(site.longitude) > 360 or abs(site.elevation) > 12_000
        ]
        if wrong:
            raise InputError(
                f"the coordinates of {wrong[0]} are not degrees and metres: give latitude, longitude, elevation_m"
            )
        assumptions = list(notes)
        if flat := [name for name, up in zip(known, elevation, strict=True) if np.isnan(up)]:
            assumptions.append(f"no elevation of {_some(flat)}: taken as sea level")
        return cls(tuple(known), latitude, longitude, np.nan_to_num(elevation), tuple(assumptions))

    @classmethod
    def from_file(cls, path: Path | str, time: Any = None) -> StationTable:
        """Read StationXML, or a table with the columns station, latitude, longitude, elevation_m.

        `selfseis.geo.station_rows` describes the names of columns and the units of elevations.

        Parameters
        ----------
        path : Path or str
            The file.
        time : str or numpy.datetime64, optional
            Time in UTC at which the positions in StationXML hold; by default those of the last epoch.

        Raises
        ------
        InputError
            If the file is neither.
        """
        place = Path(path)
        quality_log = QualityLog()
        sites = sites_from_table(place, quality_log)
        if not sites and place.exists() and place.suffix.lower() not in {".csv", ".txt"}:
            return cls.from_inventory(place, time)
        if not sites:
            raise InputError(
                f"{place} is not a table of stations: give StationXML, or a CSV file; {COLUMNS_NEEDED}"
            )
        return cls.from_sites(sites, [detail for _, _, detail, _ in quality_log.issues])

    @classmethod
    def from_inventory(cls, inventory: Any, time: Any = None) -> StationTable:
        """Take the stations of an ObsPy Inventory or a StationXML file, with the channels' coordinates where given.

        Parameters
        ----------
        inventory : obspy.Inventory, Path or str
            The stations.
        time : str or numpy.datetime64, optional
            Time in UTC at which the positions hold; by default those of the last epoch, and a note names the stations
            that moved.
        """
        found: dict[str, list[ChannelEpoch]] = {}
        for network in read_inventory(inventory):
            for station in network:
                for entry in (*station, station):
                    location = getattr(entry, "location_code", None)
                    code = f"{network.code}.{station.code}" + ("" if location is None else f".{location}")
                    found.setdefault(code, []).append(epoch_of(entry))
        ns = None if time is None else int(np.datetime64(time, "ns").astype(np.int64))
        sites = {code: epoch_at(epochs, ns).site for code, epochs in found.items()}
        moved = [code for code, epochs in found.items() if ns is None and _moves(epochs)]
        notes = [f"{_some(moved)} moved: positions are those of the last epoch; give a time"] if moved else []
        return cls.from_sites(sites, notes)

    def __len__(self) -> int:
        return len(self.codes)

    def row_of(self, station: str) -> int | None:
        """Return the row of a station by "NET.STA.LOC", "NET.STA" or its bare code; None if it is absent."""
        parts = station.split(".")
        names = (station, ".".join(parts[:2]), parts[1] if len(parts) > 1 else station)
        return next((self._rows[name] for name in names if name in self._rows), None)

    def only(self, stations: Iterable[str]) -> StationTable:
        """Return the table of the stations named, under these names; those without coordinates are left out."""
        rows = {name: row for name in dict.fromkeys(stations) if (row := self.row_of(name)) is not None}
        at = np.array(list(rows.values()), dtype=np.intp)
        return StationTable(
            tuple(rows), self.latitude[at], self.longitude[at], self.elevation_m[at], self.notes
        )

    def take(self, keep: BoolArray) -> StationTable:
        """Return the stations where ``keep`` is true."""
        codes = tuple(code for code, kept in zip(self.codes, keep, strict=True) if kept)
        return StationTable(
            codes, self.latitude[keep], self.longitude[keep], self.elevation_m[keep], self.notes
        )

    @property
    def depth_km(self) -> FloatArray:
        """Depth below sea level in km."""
        return -self.elevation_m / 1000

    @cached_property
    def _rows(self) -> dict[str, int]:
        rows: dict[str, int] = {}
        for row, code in enumerate(self.codes):
            rows.setdefault(code, row)
        for row, code in enumerate(self.codes):  # "NET.STA" also finds rows of "NET.STA.LOC"
            rows.setdefault(".".join(code.split(".")[:2]), row)
        return rows


def far_outside(
    east_km: FloatArray, north_km: FloatArray, options: ArrayOptions = ArrayOptions()
) -> BoolArray:
    """Return the stations that are much farther from the centre than the median of all stations.

    Parameters
    ----------
    east_km, north_km : ndarray, shape (n_stations,)
        Positions on a flat map.
    options : ArrayOptions
    """
    distance = np.hypot(east_km - np.median(east_km), north_km - np.median(north_km))
    if len(distance) < 4:  # three stations have no outlier
        return np.zeros(len(distance), bool)
    return distance > options.max_distance * max(float(np.median(distance)), 1e-3)


def _moves(epochs: list[ChannelEpoch]) -> bool:
    return len({(round(epoch.site.latitude, 4), round(epoch.site.longitude, 4)) for epoch in epochs}) > 1


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
