"""Files of selfseis recordings: NetCDF 4 and Zarr, which plain xarray also opens, and miniSEED export."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from selfseis.errors import InputError
from selfseis.io.atomic import replacing
from selfseis.io.obspy_import import obspy
from selfseis.recording.dataarray import build_recording
from selfseis.recording.lazy_array import LazyWaveforms
from selfseis.recording.time_axis import TimeGrid, grid_of
from selfseis.typing import BoolArray, Float32Array, IntArray

VARIABLE = "waveforms"
GROWTH_ATTRIBUTES = ("made_of", "settled_samples")
CHANNEL_COORDINATES = (
    "seed_id",
    "component",
    "distance",
    "latitude",
    "longitude",
    "elevation",
    "sensitivity",
    "predicted",
)


class _ReadFromStore:
    """Reads ranges of time of some channels; opens the file for each read, so that it can be pickled for workers."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, channels: IntArray, first: int, last: int) -> Float32Array:
        with _opened(self.path) as store:
            low, high = int(channels.min()), int(channels.max()) + 1
            return np.asarray(store[VARIABLE][low:high, first:last], dtype=np.float32)[channels - low]


def holds_recording(path: Path) -> bool:
    """Whether an HDF5 file is a recording that selfseis wrote."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return (
                VARIABLE in file
                and "sampling_rate" in file[VARIABLE].attrs
                and "start_ns" in file[VARIABLE].attrs
            )
    except OSError:
        return False


def open_own(path: Path) -> xr.DataArray:
    """Open a recording that selfseis wrote; its samples are read when they are indexed.

    Raises
    ------
    InputError
        If the file is not a recording of selfseis, or is damaged.
    """
    try:
        with _opened(path) as store:
            variable = store[VARIABLE]
            attrs = {name: _plain(value) for name, value in dict(variable.attrs).items()}
            n_channels, n_samples = variable.shape
            channels = {name: _texts_or_numbers(store[name]) for name in CHANNEL_COORDINATES if name in store}
        grid = TimeGrid(int(attrs["start_ns"]), float(attrs["sampling_rate"]), int(n_samples))
    except (KeyError, OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{path} is not a recording that selfseis wrote, or it is damaged: write it again"
        ) from error
    waveforms = LazyWaveforms(_ReadFromStore(path), int(n_channels), int(n_samples))
    gauge_length = attrs.get("gauge_length")
    return build_recording(waveforms, grid, channels, str(attrs.get("units", "")), gauge_length)


def growth_of(path: Path) -> dict[str, Any]:
    """Return the attributes of a selfseis file that control its continuation; empty if there are none."""
    try:
        with _opened(path) as store:
            attrs = dict(store[VARIABLE].attrs)
    except (KeyError, OSError, ValueError, TypeError):
        return {}
    return {name: _plain(attrs[name]) for name in GROWTH_ATTRIBUTES if name in attrs}


def _opened(path: Path) -> Any:
    if path.is_dir():
        return _ZarrStore(path)
    import h5py

    return h5py.File(path, "r")


class _ZarrStore:
    """A Zarr group that closes like a file."""

    def __init__(self, path: Path) -> None:
        import zarr

        self._group = zarr.open_group(str(path), mode="r")

    def __enter__(self) -> Any:
        return self._group

    def __exit__(self, *_: object) -> None:
        self._group.store.close()


def _texts_or_numbers(variable: Any) -> npt.NDArray[Any]:
    values = np.asarray(variable[:])
    if values.dtype.kind in "OST":
        return np.array(
            [item.decode() if isinstance(item, bytes) else str(item) for item in values], dtype=str
        )
    return values


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    array = np.asarray(value)
    return array.item() if array.size == 1 else value


Samples = tuple[int, Float32Array]
"""Index of the first sample, and samples (channels, n)."""
_CHUNK_VALUES = 1_000_000  # 4 MB: a chunk is read as a whole
_TIME_ATTRS = {
    "units": "nanoseconds since 1970-01-01",
    "calendar": "proleptic_gregorian",
    "standard_name": "time",
}
_CHANNEL_ATTRS: dict[str, dict[str, Any]] = {
    "predicted": {
        "dtype": "bool",  # xarray's encoding of a type that NetCDF lacks
        "long_name": "the channel recorded nothing: its samples are predictions from its neighbours",
    }
}


def write_netcdf(path: Path, like: xr.DataArray, samples: Iterator[Samples]) -> None:
    """Write NetCDF 4 that xarray and every NetCDF tool opens."""
    import h5netcdf

    grid, chunks = grid_of(like), _chunks(like)
    with h5netcdf.File(path, "w") as file:
        file.dimensions = {"channel": like.sizes["channel"], "time": grid.size}
        for name, values in _channel_coordinates(like).items():
            texts = values.dtype.kind == "U"
            dtype = _text_dtype() if texts else values.dtype
            variable = file.create_variable(
                name, ("channel",), dtype=dtype, data=values.astype(object) if texts else values
            )
            variable.attrs.update(_CHANNEL_ATTRS.get(name, {}))
        options = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
        time = file.create_variable("time", ("time",), dtype=np.int64, chunks=chunks[1:], **options)
        time.attrs.update(_TIME_ATTRS)
        fill = np.float32(np.nan)
        waveforms = file.create_variable(
            VARIABLE, ("channel", "time"), dtype=np.float32, chunks=chunks, fillvalue=fill, **options
        )
        waveforms.attrs.update(_attributes(like, grid))
        for first, block in _in_whole_chunks(samples, chunks[1]):
            waveforms[:, first : first + block.shape[1]] = block
        _write_times(time, grid)


def write_zarr(path: Path, like: xr.DataArray, samples: Iterator[Samples]) -> None:
    """Write a Zarr store (version 2, with consolidated metadata) that xarray opens."""
    import zarr

    grid, chunks = grid_of(like), _chunks(like)
    group = zarr.open_group(str(path), mode="w", zarr_format=2)
    for name, values in _channel_coordinates(like).items():
        variable = group.create_array(name, shape=values.shape, dtype=values.dtype, fill_value=None)
        variable[:] = values
        variable.attrs.update({"_ARRAY_DIMENSIONS": ["channel"], **_CHANNEL_ATTRS.get(name, {})})
    # xarray reads the fill value as missing data, but zero is a valid time and distance.
    time = group.create_array("time", shape=(grid.size,), chunks=chunks[1:], dtype=np.int64, fill_value=None)
    time.attrs.update({"_ARRAY_DIMENSIONS": ["time"], **_TIME_ATTRS})
    shape = (like.sizes["channel"], grid.size)
    array = group.create_array(VARIABLE, shape=shape, chunks=chunks, dtype=np.float32, fill_value=np.nan)
    array.attrs.update({"_ARRAY_DIMENSIONS": ["channel", "time"], **_attributes(like, grid)})
    for first, block in _in_whole_chunks(samples, chunks[1]):
        array[:, first : first + block.shape[1]] = block
    _write_times(time, grid)
    zarr.consolidate_metadata(group.store)


def write_miniseed(path: Path, like: xr.DataArray, samples: Iterator[Samples]) -> None:
    """Write miniSEED (float32), NaN as gaps; channels of a fibre are numbered and listed in a table.

    Predicted channels are left out: miniSEED cannot mark them as predictions.
    """
    grid = grid_of(like)
    codes = _miniseed_codes(like)
    observed = ~like.coords["predicted"].values if "predicted" in like.coords else np.ones(len(codes), bool)
    with path.open("wb") as file:
        for first, block in samples:
            for channel in np.flatnonzero(observed):
                row = block[channel]
                for begin, end in _stretches(~np.isnan(row)):
                    file.write(_records(codes[channel], row[begin:end], grid, first + begin))
    if "distance" in like.coords:
        _write_channel_table(path, like, codes)


FORMATS: dict[str, Callable[[Path, xr.DataArray, Iterator[Samples]], None]] = {
    ".nc": write_netcdf,
    ".zarr": write_zarr,
    ".mseed": write_miniseed,
}


def _write_times(variable: Any, grid: TimeGrid) -> None:
    for first in range(0, grid.size, _CHUNK_VALUES):
        last = min(first + _CHUNK_VALUES, grid.size)
        variable[first:last] = grid.at(np.arange(first, last))


def _records(seed_id: str, samples: Float32Array, grid: TimeGrid, first: int) -> bytes:
    module = obspy()
    network, station, location, channel = seed_id.split(".")
    header = {
        "network": network,
        "station": station,
        "location": location,
        "channel": channel,
        "sampling_rate": grid.sampling_rate,
        "starttime": module.UTCDateTime(ns=int(grid.at(first))),
    }
    buffer = io.BytesIO()
    trace = module.Trace(np.ascontiguousarray(samples), header)
    trace.write(buffer, format="MSEED", encoding="FLOAT32", reclen=4096)
    return buffer.getvalue()


def _miniseed_codes(like: xr.DataArray) -> list[str]:
    if "seed_id" in like.coords:
        return [str(seed_id) for seed_id in like["seed_id"].values]
    return [f"XX.{number:05d}..HSF" for number in range(1, like.sizes["channel"] + 1)]


def _write_channel_table(path: Path, like: xr.DataArray, codes: list[str]) -> None:
    """Write the channel table next to the final file, whose temporary name is ``.NAME.pid.tmp``."""
    final = path.name.removeprefix(".").rsplit(".", 2)[0]
    with (
        replacing(path.with_name(f"{final}.channels.csv")) as temporary,
        temporary.open("w", newline="") as file,
    ):
        table = csv.writer(file)
        table.writerow(["seed_id", "distance_m"])
        table.writerows(zip(codes, like["distance"].values.tolist(), strict=True))


def _stretches(there: BoolArray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(there.astype(np.int8), prepend=0, append=0))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _channel_coordinates(like: xr.DataArray) -> dict[str, npt.NDArray[Any]]:
    there = {name: like.coords[name].values for name in CHANNEL_COORDINATES if name in like.coords}
    return {name: _storable(values) for name, values in there.items()}


def _storable(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if values.dtype.kind in "UOT":
        return values.astype(str)
    return values.astype(np.int8) if values.dtype == bool else values


def _attributes(like: xr.DataArray, grid: TimeGrid) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "sampling_rate": grid.sampling_rate,
        "units": str(like.attrs.get("units", "")),
        "start_ns": int(grid.at(0)),
        "coordinates": " ".join(_channel_coordinates(like)),
    }
    if like.attrs.get("gauge_length") is not None:
        attributes["gauge_length"] = float(like.attrs["gauge_length"])
    return attributes | {name: like.attrs[name] for name in GROWTH_ATTRIBUTES if name in like.attrs}


def _chunks(like: xr.DataArray) -> tuple[int, int]:
    n_channels, n_samples = max(1, like.sizes["channel"]), max(1, like.sizes["time"])
    channels = min(n_channels, 256)
    return channels, max(1, min(n_samples, _CHUNK_VALUES // channels))


def _in_whole_chunks(samples: Iterator[Samples], length: int) -> Iterator[Samples]:
    """Join and cut blocks at the ends of chunks, because each partial write compresses a chunk again."""
    start, held = 0, np.empty((0, 0), np.float32)
    for first, block in samples:
        if held.shape[1] and first != start + held.shape[1]:
            yield start, held
            held = held[:, :0]
        start, held = (start, np.concatenate([held, block], axis=1)) if held.shape[1] else (first, block)
        whole = max(0, (start + held.shape[1]) // length * length - start)
        if whole:
            yield start, held[:, :whole]
            start, held = start + whole, held[:, whole:].copy()
    if held.shape[1]:
        yield start, held


def _text_dtype() -> Any:
    import h5py

    return h5py.string_dtype()
