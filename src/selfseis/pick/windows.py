"""Reading windows of single stations."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.pick.conditioning import CausalHighPass
from selfseis.pick.stations import Station

Samples = NDArray[np.float32]


def read_window(
    recording: xr.DataArray, station: Station, high_pass: CausalHighPass, first: int, last: int
) -> Samples:
    """Read the filtered components of a station.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    station : Station
        One of its stations.
    high_pass : CausalHighPass
        Filter for all channels of the recording.
    first, last : int
        Samples of the recording; they may lie beyond its ends.

    Returns
    -------
    ndarray, shape (3, last - first)
        East, north and vertical; zero where there are no data.
    """
    rows = [row for row in station.rows if row is not None]
    begin, end = max(0, first - high_pass.halo), min(recording.sizes["time"], last)
    components = np.zeros((3, last - first), np.float32)
    if begin >= end:
        return components
    raw = np.asarray(recording.variable.isel(channel=rows, time=slice(begin, end)).values, np.float32)
    filtered, _ = high_pass.for_channels(np.array(rows))(raw)
    inside = slice(max(first, 0) - first, end - first)
    for component, row in enumerate(station.rows):
        if row is not None:
            components[component, inside] = filtered[rows.index(row), max(first, 0) - begin :]
    return components
