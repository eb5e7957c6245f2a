"""Stations of a recording: the east, north and vertical channels of one sensor.

`selfseis.recording.sensors` decides which channels belong together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from selfseis.geo.station_files import Site
from selfseis.geo.stations import StationTable
from selfseis.recording.dataarray import is_fibre, station_codes
from selfseis.recording.preprocessing import Conditioner
from selfseis.recording.sensors import Sensor, group_sensors
from selfseis.typing import Float32Array


@dataclass(frozen=True)
class Station:
    """A sensor with up to three components.

    Attributes
    ----------
    code : str
        Network, station and location; for a channel of a fibre its distance. Two sensors of one site may share it.
    east, north, vertical : int or None
        Rows of the recording; None for a missing component. A single component of any
        orientation counts as vertical. Components of unknown orientation replace missing ones, the vertical
        first, in their order.
    is_pressure : bool
        Whether it is a hydrophone or a barometer, which does not record ground motion.
    """

    code: str
    east: int | None
    north: int | None
    vertical: int | None
    is_pressure: bool = False

    @property
    def site(self) -> str:
        """Network and station: all sensors of a site record the same ground motion."""
        return ".".join(self.code.split(".")[:2]) if self.code.count(".") > 1 else self.code

    @property
    def rows(self) -> tuple[int | None, int | None, int | None]:
        """East, north and vertical."""
        return self.east, self.north, self.vertical

    def row_of(self, phase: str) -> int:
        """Return the row on which a phase is picked: the vertical for P, a horizontal for S, or another if missing."""
        order = (
            (self.vertical, self.north, self.east) if phase == "P" else (self.north, self.east, self.vertical)
        )
        return next(row for row in order if row is not None)

    def components(self, data: Float32Array) -> Float32Array:
        """Return east, north and vertical, shape (3, n_samples), of data of all channels; zero where missing."""
        return np.stack(
            [np.zeros(data.shape[1], np.float32) if row is None else data[row] for row in self.rows]
        )


def stations_of(recording: xr.DataArray) -> list[Station]:
    """List the stations of a recording, in the order of their first channels.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording. Each channel of a fibre is a station of one component.
    """
    if is_fibre(recording) or "seed_id" not in recording.coords:
        codes = np.asarray(station_codes(recording)).astype(str)
        return [Station(str(code), None, None, row) for row, code in enumerate(codes)]
    return [
        Station(sensor.code, *sensor.axes, is_pressure=sensor.is_pressure) for sensor in sensors_of(recording)
    ]


def sensors_of(recording: xr.DataArray) -> list[Sensor]:
    """List the sensors of a recording of stations, as `selfseis.recording.sensors.group_sensors` finds them."""
    return group_sensors([str(seed_id) for seed_id in recording["seed_id"].values])


def station_table(recording: xr.DataArray) -> StationTable:
    """Return the coordinates of a recording's stations; those without coordinates are left out.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording. The first channel of a station gives its coordinates.
    """
    columns = [
        recording[name].values if name in recording.coords else np.full(recording.sizes["channel"], np.nan)
        for name in ("latitude", "longitude", "elevation")
    ]
    sites: dict[str, Site] = {}
    for code, *values in zip(station_codes(recording), *columns, strict=True):
        if np.isfinite(values[:2]).all():
            latitude, longitude, elevation = map(float, values)
            sites.setdefault(str(code), Site(latitude, longitude, elevation))
    return StationTable.from_sites(sites)


def held_out_stations(stations: list[Station], every: int = 4) -> list[int]:
    """Return the indices of the stations held out from training: those of every fourth site.

    Parameters
    ----------
    stations : list of Station
        The stations of a recording; sensors of one site are held out together.
    every : int
        One of this number of sites is held out.
    """
    sites = list(dict.fromkeys(station.site for station in stations))
    held_out = set(sites[every - 1 :: every])
    return [number for number, station in enumerate(stations) if station.site in held_out]


def channel_name(recording: xr.DataArray, row: int) -> str:
    """Return the name of a channel in picks: its seed_id, or its distance along the fibre."""
    if "seed_id" in recording.coords:
        return str(recording["seed_id"].values[row])
    return f"{float(recording['distance'].values[row]):g}m"


def training_part(recording: xr.DataArray, n_channels: int = 24) -> xr.DataArray:
    """Return the training channels: all channels of stations, or live channels spread evenly along a fibre.

    Neighbouring channels of a fibre record nearly the same waves and noise. More of them add little
    information at the full cost per channel.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    n_channels : int
        Maximum number of channels of a fibre.
    """
    if not is_fibre(recording) or recording.sizes["channel"] <= n_channels:
        return recording
    live = np.flatnonzero(np.isfinite(Conditioner.measure(recording).scale))
    along = live[np.argsort(recording["distance"].values[live], kind="stable")]
    if len(along) > n_channels:
        along = along[np.linspace(0, len(along) - 1, n_channels).round().astype(int)]
    return recording.isel(channel=along) if len(along) else recording
