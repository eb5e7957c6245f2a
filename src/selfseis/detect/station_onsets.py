"""Onsets of a detected event at its stations, from the energy ratios around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.catalogue.records import Onset, Place
from selfseis.detect.scan import Scan
from selfseis.geo.sphere import EARTH_RADIUS_KM
from selfseis.recording.dataarray import channel_names, sample_times, station_codes
from selfseis.typing import Float32Array, IntArray

MIN_SPEED_KM_S = (
    2.0  # below that of body waves in the crust: bounds how far a source is from its first station
)


@dataclass(frozen=True)
class StationHops:
    """Hops between which each station records an event.

    Attributes
    ----------
    stations : ndarray of int, shape (n_raised,)
        Number of each station that records it, in the order of the scan's groups.
    first, last : ndarray of int, shape (n_raised,)
        First and last hop at which its ratio is at least half its highest one.
    """

    stations: IntArray
    first: IntArray
    last: IntArray

    @classmethod
    def between(cls, ratios: Float32Array, first: int, last: int, min_ratio: float) -> StationHops:
        """Find the stations whose ratio exceeds a minimum between two hops.

        Parameters
        ----------
        ratios : ndarray, shape (n_stations, n_hops)
            Logarithm of the energy ratio of each station.
        first, last : int
            The hops between which the score of the network is high.
        min_ratio : float
            Minimum of the highest ratio of a station that records the event.
        """
        part = np.nan_to_num(ratios[:, first : last + 1], nan=-np.inf)
        highest = part.max(axis=1)
        stations = np.flatnonzero(highest >= min_ratio)
        high = part[stations] >= highest[stations, None] / 2
        ends = part.shape[1] - 1 - np.argmax(high[:, ::-1], axis=1)
        return cls(stations, first + np.argmax(high, axis=1), first + ends)


def station_onsets(recording: xr.DataArray, scan: Scan, hops: StationHops) -> tuple[Onset, ...]:
    """Return the onset at each station that records an event, in order of time.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    scan : Scan
        Its scores.
    hops : StationHops
        Where the stations record the event.
    """
    names, codes = np.array(channel_names(recording)), scanned_groups(recording)
    sd_s = float(scan.hop * _seconds_per_sample(recording))
    found = []
    for station, hop in zip(hops.stations, hops.first, strict=True):
        channels = names[codes == scan.groups[station]]
        vertical = [name for name in channels if str(name).endswith("Z")]
        time = sample_times(recording, scan.first[hop])
        found.append(Onset(str(vertical[0] if vertical else channels[0]), time, sd_s))
    return tuple(sorted(found, key=lambda onset: (onset.time, onset.seed_id)))


def place_of(recording: xr.DataArray, onsets: tuple[Onset, ...]) -> Place | None:
    """Return the station with the first onset, and how far the source can be from it; None without coordinates.

    A wave that reaches other stations later by so many seconds comes from within that time's way of the first one, or
    from outside of the network: its extent is added.
    """
    if not onsets or not {"latitude", "longitude"} <= set(recording.coords):
        return None
    names = channel_names(recording)
    rows = [names.index(onset.seed_id) for onset in onsets]
    latitude, longitude = recording["latitude"].values[rows], recording["longitude"].values[rows]
    if not np.isfinite([latitude[0], longitude[0]]).all():
        return None
    delay_s = float((onsets[-1].time - onsets[0].time) / np.timedelta64(1, "ns")) * 1e-9
    extent = _extent_km(latitude, longitude)
    return Place(float(latitude[0]), float(longitude[0]), extent + MIN_SPEED_KM_S * delay_s)


def aperture_m(recording: xr.DataArray) -> float | None:
    """Return the largest extent of the stations in m, or None without coordinates of at least two of them."""
    if not {"latitude", "longitude"} <= set(recording.coords):
        return None
    latitude, longitude = recording["latitude"].values, recording["longitude"].values
    if (np.isfinite(latitude) & np.isfinite(longitude)).sum() < 2:
        return None
    return 1000 * _extent_km(latitude, longitude)


def _extent_km(latitude: NDArray, longitude: NDArray) -> float:
    """Return the diagonal of the rectangle around the positions that are known."""
    known = np.isfinite(latitude) & np.isfinite(longitude)
    north = np.deg2rad(latitude[known])
    east = np.deg2rad(longitude[known]) * np.cos(north.mean())
    return float(EARTH_RADIUS_KM * np.hypot(np.ptp(north), np.ptp(east)))


def scanned_groups(recording: xr.DataArray) -> NDArray[np.str_]:
    """Return "NET.STA" of each channel: two sensors of one station cannot confirm each other."""
    codes = station_codes(recording)
    return np.array([code.rpartition(".")[0] if code.count(".") == 2 else code for code in codes])


def _seconds_per_sample(recording: xr.DataArray) -> float:
    times = sample_times(recording, [0, 1])
    return float((times[1] - times[0]) / np.timedelta64(1, "ns")) * 1e-9
