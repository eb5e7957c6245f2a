"""The recording: an xarray.DataArray of float32 with channel coordinates and a lazy time axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from selfseis.errors import InputError
from selfseis.quality_log import QualityLog
from selfseis.recording.lazy_array import LazyWaveforms, ReadSamples, lazily
from selfseis.recording.sensors import parse_channel, station_names
from selfseis.recording.single_precision import single_precision_of
from selfseis.recording.time_axis import TimeGrid, grid_of, time_coordinates, to_datetime64, to_ns
from selfseis.typing import Float32Array

__all__ = [
    "build_recording",
    "channel_names",
    "is_fibre",
    "lazy_recording",
    "recording_from_array",
    "sample_times",
    "sampling_rate",
    "start_time",
    "station_codes",
]
_DTYPES: Mapping[str, npt.DTypeLike] = {
    "seed_id": str,
    "component": str,
    "input_units": str,
    "predicted": bool,
}


def recording_from_array(
    data: npt.ArrayLike,
    sampling_rate: float,
    start: Any = "1970-01-01T00:00:00",
    *,
    seed_id: Sequence[str] | None = None,
    distance: npt.ArrayLike | None = None,
    latitude: npt.ArrayLike | None = None,
    longitude: npt.ArrayLike | None = None,
    elevation: npt.ArrayLike | None = None,
    units: str = "",
    gauge_length: float | None = None,
    quality_log: QualityLog | None = None,
) -> xr.DataArray:
    """Make a recording from samples in memory.

    Parameters
    ----------
    data : array_like
        (channels, samples) or (samples,); NaN where there is no data.
    sampling_rate : float
        In Hz.
    start : str, numpy.datetime64, datetime or UTCDateTime
        Time of the first sample, UTC.
    seed_id : sequence of str, optional
        "NET.STA.LOC.CHA" of each channel. Without it and without ``distance``, channels are numbered
        XX.00001.. and so on.
    distance : array_like, optional
        Distance along the fibre in m, for DAS.
    latitude, longitude, elevation : array_like, optional
        Of each channel, in degrees and m.
    units : str
        Units of the samples, such as "m/s", "counts" or "strain/s".
    gauge_length : float, optional
        In m, for DAS.
    quality_log : QualityLog, optional
        Faults of the data that are already known.

    Returns
    -------
    xarray.DataArray
        A recording, its channels sorted by distance or seed_id.

    Raises
    ------
    InputError
        If shapes, rate or start are invalid.
    """
    values = np.atleast_2d(np.asarray(data))
    if values.ndim != 2 or values.dtype.kind not in "biuf":
        raise InputError(
            f"samples must be numbers (channels, samples), got {values.dtype} of shape {np.shape(data)}"
        )
    quality_log = QualityLog() if quality_log is None else quality_log
    samples = single_precision_of(values, quality_log)
    channels = {
        "seed_id": seed_id,
        "distance": distance,
        "latitude": latitude,
        "longitude": longitude,
        "elevation": elevation,
    }
    grid = TimeGrid(to_ns(start), _checked_rate(sampling_rate), samples.shape[1])
    return build_recording(samples, grid, channels, units, gauge_length, quality_log)


def lazy_recording(
    read: ReadSamples,
    n_channels: int,
    n_samples: int,
    sampling_rate: float,
    start: Any = "1970-01-01T00:00:00",
    *,
    seed_id: Sequence[str] | None = None,
    distance: npt.ArrayLike | None = None,
    latitude: npt.ArrayLike | None = None,
    longitude: npt.ArrayLike | None = None,
    elevation: npt.ArrayLike | None = None,
    units: str = "",
    gauge_length: float | None = None,
    quality_log: QualityLog | None = None,
) -> xr.DataArray:
    """Make a recording whose samples are read (or computed) only when they are indexed.

    Parameters
    ----------
    read : callable
        ``read(channels, first, last)`` returns float32 (len(channels), last - first), NaN where there is no
        data; ``channels`` is an array of int.
    n_channels, n_samples : int
        Size of the recording.
    sampling_rate, start, seed_id, distance, latitude, longitude, elevation, units, gauge_length, quality_log
        As in `recording_from_array`.

    Returns
    -------
    xarray.DataArray
        A recording, its channels sorted by distance or seed_id.

    Raises
    ------
    InputError
        If sizes, rate or start are invalid.
    """
    channels = {
        "seed_id": seed_id,
        "distance": distance,
        "latitude": latitude,
        "longitude": longitude,
        "elevation": elevation,
    }
    grid = TimeGrid(to_ns(start), _checked_rate(sampling_rate), int(n_samples))
    waveforms = LazyWaveforms(read, int(n_channels), int(n_samples))
    return build_recording(waveforms, grid, channels, units, gauge_length, quality_log)


def build_recording(
    samples: Float32Array | LazyWaveforms,
    grid: TimeGrid,
    channels: Mapping[str, Any],
    units: str = "",
    gauge_length: float | None = None,
    quality_log: QualityLog | None = None,
) -> xr.DataArray:
    """Put samples, times and channel coordinates together; coordinates that are None are left out."""
    n_channels = samples.shape[0]
    given = {name: values for name, values in channels.items() if values is not None}
    if "distance" not in given:
        given.setdefault("seed_id", [f"XX.{number:05d}.." for number in range(1, n_channels + 1)])
    coordinates = {name: _channel_values(name, values, n_channels) for name, values in given.items()}
    if "seed_id" in coordinates and "component" not in coordinates:
        coordinates["component"] = np.array(
            [parse_channel(str(seed_id).rpartition(".")[2]).component for seed_id in coordinates["seed_id"]],
            dtype=str,
        )
    key = "distance" if "distance" in coordinates else "seed_id"
    order = np.argsort(coordinates[key], kind="stable")
    if not np.array_equal(order, np.arange(n_channels)):
        samples = samples.reordered(order) if isinstance(samples, LazyWaveforms) else samples[order]
        coordinates = {name: values[order] for name, values in coordinates.items()}
    attrs: dict[str, Any] = {"sampling_rate": grid.sampling_rate, "units": units}
    if gauge_length is not None:
        attrs["gauge_length"] = float(gauge_length)
    recording = xr.DataArray(
        lazily(samples) if isinstance(samples, LazyWaveforms) else samples,
        dims=("channel", "time"),
        coords=time_coordinates(grid),
        attrs=attrs,
        name="waveforms",
    ).assign_coords({name: ("channel", values) for name, values in coordinates.items()})
    recording = recording.set_xindex(key)
    recording.encoding["quality_log"] = quality_log if quality_log is not None else QualityLog()
    return recording


def sampling_rate(recording: xr.DataArray) -> float:
    """Return the sampling rate of a recording in Hz; a part that skips samples has a lower rate."""
    return grid_of(recording).sampling_rate


def start_time(recording: xr.DataArray) -> np.datetime64:
    """Time of the first sample, UTC."""
    return sample_times(recording, 0)


def sample_times(recording: xr.DataArray, indices: npt.ArrayLike) -> Any:
    """Return times of samples as ``datetime64[ns]``, shaped as ``indices``; extrapolated beyond the ends."""
    return to_datetime64(grid_of(recording).at(indices))


def is_fibre(recording: xr.DataArray) -> bool:
    """Whether the channels lie along a fibre (they have a ``distance``)."""
    return "distance" in recording.coords


def channel_names(recording: xr.DataArray) -> list[str]:
    """Return the distances or seed_ids that identify the channels of a recording."""
    if is_fibre(recording):
        return [f"{metres:.3f}" for metres in recording["distance"].values]
    return [str(code) for code in recording["seed_id"].values]


def station_codes(recording: xr.DataArray) -> npt.NDArray[np.str_]:
    """Station "NET.STA.LOC" of each channel, the same for all of its sensor; on a fibre each channel is a station."""
    if is_fibre(recording):
        return np.array([f"{metres:.3f}" for metres in recording["distance"].values], dtype=str)
    return np.array(station_names([str(seed_id) for seed_id in recording["seed_id"].values]), dtype=str)


def _channel_values(name: str, values: Any, n_channels: int) -> npt.NDArray[Any]:
    array = np.asarray(values, dtype=_DTYPES.get(name, np.float64))
    if array.shape != (n_channels,):
        raise InputError(
            f"{name} must have one value for each of the {n_channels} channels, got {array.shape}"
        )
    return array


def _checked_rate(rate: float) -> float:
    if not np.isfinite(rate) or rate <= 0:
        raise InputError(f"the sampling rate must be a positive number of Hz, got {rate}")
    return float(rate)
