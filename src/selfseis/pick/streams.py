"""Probabilities as an ObsPy stream, the form that SeisBench's ``annotate`` has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.pick.picks import PHASES
from selfseis.pick.stations import Station
from selfseis.recording import sample_times, sampling_rate
from selfseis.recording.obspy_import import obspy

if TYPE_CHECKING:
    from obspy import Stream


def probability_stream(
    recording: xr.DataArray, stations: list[Station], spans: list[tuple[int, NDArray[np.float32]]]
) -> Stream:
    """Join spans of probabilities.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording that was annotated.
    stations : list of Station
        Its stations.
    spans : list of (int, ndarray)
        First sample, and probabilities of shape (n_stations, 2, n_samples).
    """
    obspy()
    from obspy import Stream, Trace, UTCDateTime

    rate = sampling_rate(recording)
    stream = Stream()
    for first, probability in spans:
        start = int(sample_times(recording, first).astype("datetime64[ns]").astype(np.int64))
        for station, of_station in zip(stations, probability, strict=True):
            network, name, location = [*station.code.split("."), "", ""][:3]
            for phase, series in zip(PHASES, of_station, strict=True):
                header = {
                    "network": network,
                    "station": name,
                    "location": location,
                    "channel": f"Picker_{phase}",
                    "sampling_rate": rate,
                    "starttime": UTCDateTime(ns=start),
                }
                stream.append(Trace(np.ascontiguousarray(series), header))
    return stream.merge(-1)
