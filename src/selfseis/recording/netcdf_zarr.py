"""Files of selfseis recordings: NetCDF 4 and Zarr, which plain xarray also opens, and miniSEED export.

All that is read has a checksum: samples chunk by chunk (Fletcher-32 of HDF5, CRC-32 in Zarr), attributes and channels
as a whole (SHA-256). Files are read in the process of `selfseis.io.library_process`, because the libraries can crash
on a damaged one.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from selfseis.errors import InputError, one_line
from selfseis.io.atomic import final_name, replacing
from selfseis.io.library_process import LIBRARIES
from selfseis.io.obspy_import import obspy
from selfseis.quality_log import QualityLog
from selfseis.recording.dataarray import build_recording
from selfseis.recording.lazy_array import LazyWaveforms
from selfseis.recording.time_axis import TimeGrid, grid_of
from selfseis.typing import BoolArray, Float32Array, IntArray

VARIABLE = "waveforms"
CHECKSUM, N_CHUNKS = "checksum", "n_chunks"
GROWTH_ATTRIBUTES = ("made_of", "settled_samples")
_CHECKED_ATTRIBUTES = ("sampling_rate", "units", "start_ns", "gauge_length", *GROWTH_ATTRIBUTES, N_CHUNKS)
_KNOWN_ATTRIBUTES = (*_CHECKED_ATTRIBUTES, CHECKSUM)
_READ_VALUES = 16_000_000  # values read at once: 64 MB
_MASKED_SAMPLES = 5000  # a damaged range is halved down to these before it is masked
_MAX_CHANNELS = 10_000_000
CHANNEL_COORDINATES = (
    "seed_id",
    "component",
    "distance",
    "latitude",
    "longitude",
    "elevation",
    "sensitivity",
    "input_units",
    "predicted",
)


class _ReadFromStore:
    """Reads ranges of time of some channels; it holds no open file, so that it can be pickled for workers."""

    def __init__(self, path: Path, quality_log: QualityLog) -> None:
        self.path = path
        self.quality_log = quality_log

    def __call__(self, channels: IntArray, first: int, last: int) -> Float32Array:
        low, high = int(channels.min()), int(channels.max()) + 1
        samples = np.empty((len(channels), last - first), np.float32)
        step = max(1, _READ_VALUES // (high - low))
        for begin in range(first, last, step):
            end = min(begin + step, last)
            samples[:, begin - first : end - first] = self._read(low, high, begin, end)[channels - low]
        return samples

    def _read(self, low: int, high: int, first: int, last: int) -> Float32Array:
        """Read a range; if it is damaged, its halves, so that only the damaged chunks are masked."""
        try:
            samples: Float32Array = LIBRARIES.call(
                f"{__name__}:read_store", str(self.path), low, high, first, last
            )
        except (InputError, OSError) as error:
            if last - first > _MASKED_SAMPLES:
                middle = (first + last) // 2
                halves = [self._read(low, high, *part) for part in ((first, middle), (middle, last))]
                return np.concatenate(halves, axis=1)
            detail = (
                f"samples {first} to {last} of channels {low} to {high - 1} cannot be read ({error}): masked"
            )
            self.quality_log.add("damaged", str(self.path), detail, lost_share=1.0)
            return np.full((high - low, last - first), np.nan, np.float32)
        return samples


def read_store(path: str, low: int, high: int, first: int, last: int) -> Float32Array:
    """Return samples ``first:last`` of the channels ``low:high`` of a selfseis file.

    Raises
    ------
    Exception
        Whatever the library of the format raises for damaged data.
    """
    with _opened(Path(path)) as store:
        return np.asarray(store[VARIABLE][low:high, first:last], dtype=np.float32)


def read_store_header(path: str) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]], tuple[int, int]]:
    """Return the attributes, channel coordinates and shape of a selfseis file after a check of their checksum.

    Raises
    ------
    Exception
        Whatever the library of the format raises; InputError if the checksum or the number of chunks differs.
    """
    with _opened(Path(path)) as store:
        variable = store[VARIABLE]
        attrs = {name: _plain(variable.attrs[name]) for name in _KNOWN_ATTRIBUTES if name in variable.attrs}
        shape = (int(variable.shape[0]), int(variable.shape[1]))
        declared = {name: int(np.prod(store[name].shape)) for name in CHANNEL_COORDINATES if name in store}
        if any(size != shape[0] for size in declared.values()) or shape[0] > _MAX_CHANNELS:
            raise ValueError(f"it declares {shape[0]} channels and coordinates of other lengths")
        channels = {name: _texts_or_numbers(store[name]) for name in declared}
    if CHECKSUM in attrs and attrs[CHECKSUM] != _checksum(attrs, channels, shape):
        raise InputError("its checksum differs")
    n_chunks = attrs.get(N_CHUNKS)
    if n_chunks is not None and n_chunks != _n_chunks(Path(path)):
        raise InputError(f"it holds {_n_chunks(Path(path))} of {n_chunks} chunks")
    return attrs, channels, shape


def _n_chunks(path: Path) -> int:
    return sum(1 for file in Path(path, VARIABLE).iterdir() if file.name[0].isdigit())


def open_own(path: Path) -> xr.DataArray:
    """Open a recording that selfseis wrote; its samples are read when they are indexed.

    Raises
    ------
    InputError
        If the file is not a recording of selfseis, or is damaged.
    """
    quality_log = QualityLog()
    try:
        attrs, channels, shape = LIBRARIES.call(f"{__name__}:read_store_header", str(path))
        grid = TimeGrid(int(attrs["start_ns"]), float(attrs["sampling_rate"]), shape[1])
        waveforms = LazyWaveforms(_ReadFromStore(path, quality_log), *shape)
        gauge_length = attrs.get("gauge_length")
        units = str(attrs.get("units", ""))
        return build_recording(waveforms, grid, channels, units, gauge_length, quality_log)
    except (KeyError, OSError, ValueError, TypeError, ArithmeticError) as error:
        raise InputError(
            f"not a whole recording of selfseis ({one_line(error)}): write {path} again"
        ) from error


def _checksum(attrs: dict[str, Any], channels: dict[str, npt.NDArray[Any]], shape: tuple[int, int]) -> str:
    """Return the SHA-256 of what describes the samples, the same for all formats."""
    stated = {name: attrs[name] for name in _CHECKED_ATTRIBUTES if name in attrs}
    digest = hashlib.sha256(json.dumps([stated, list(shape)], sort_keys=True).encode())
    for name in sorted(channels):
        values = channels[name]
        texts = values.dtype.kind in "UOT"
        content = values.astype(str).tolist() if texts else values.astype(np.float64).tolist()
        digest.update(json.dumps([name, content]).encode())
    return digest.hexdigest()


def growth_of(path: Path) -> dict[str, Any]:
    """Return the attributes of a selfseis file that control its continuation; empty if there are none."""
    try:
        attrs, _, _ = LIBRARIES.call(f"{__name__}:read_store_header", str(path))
    except (InputError, OSError):
        return {}
    return {name: attrs[name] for name in GROWTH_ATTRIBUTES if name in attrs}


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
        options = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "fletcher32": True}
        time = file.create_variable("time", ("time",), dtype=np.int64, chunks=chunks[1:], **options)
        time.attrs.update(_TIME_ATTRS)
        fill = np.float32(np.nan)
        waveforms = file.create_variable(
            VARIABLE, ("channel", "time"), dtype=np.float32, chunks=chunks, fillvalue=fill, **options
        )
        attributes = _attributes(like, grid)
        shape = (like.sizes["channel"], grid.size)
        attributes[CHECKSUM] = _checksum(attributes, _channel_coordinates(like), shape)
        waveforms.attrs.update(attributes)
        for first, block in _in_whole_chunks(samples, chunks[1]):
            waveforms[:, first : first + block.shape[1]] = block
        _write_times(time, grid)


def write_zarr(path: Path, like: xr.DataArray, samples: Iterator[Samples]) -> None:
    """Write a Zarr store (version 2, with consolidated metadata) that xarray opens."""
    import zarr

    grid, chunks = grid_of(like), _chunks(like)
    group = zarr.open_group(str(path), mode="w", zarr_format=2)
    for name, values in _channel_coordinates(like).items():
        plain: dict[str, Any] = {"shape": values.shape, "dtype": values.dtype, "fill_value": None}
        variable = group.create_array(name, compressors=None, filters=_codecs(values.dtype), **plain)
        variable[:] = values
        variable.attrs.update({"_ARRAY_DIMENSIONS": ["channel"], **_CHANNEL_ATTRS.get(name, {})})
    # xarray reads the fill value as missing data, but zero is a valid time and distance.
    options: dict[str, Any] = {
        "shape": (grid.size,),
        "chunks": chunks[1:],
        "dtype": np.int64,
        "fill_value": None,
    }
    time = group.create_array("time", compressors=None, filters=_codecs(np.dtype(np.int64)), **options)
    time.attrs.update({"_ARRAY_DIMENSIONS": ["time"], **_TIME_ATTRS})
    shape = (like.sizes["channel"], grid.size)
    options = {"shape": shape, "chunks": chunks, "dtype": np.float32, "fill_value": np.nan}
    array = group.create_array(VARIABLE, compressors=None, filters=_codecs(np.dtype(np.float32)), **options)
    for first, block in _in_whole_chunks(samples, chunks[1]):
        array[:, first : first + block.shape[1]] = block
    # An absent chunk means missing data, so a lost one would otherwise not be noticed.
    attributes = _attributes(like, grid) | {N_CHUNKS: _n_chunks(path)}
    attributes[CHECKSUM] = _checksum(attributes, _channel_coordinates(like), shape)
    array.attrs.update({"_ARRAY_DIMENSIONS": ["channel", "time"], **attributes})
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
    """Write the channel table next to the final file, which has a temporary name until it is complete."""
    with (
        replacing(path.with_name(f"{final_name(path)}.channels.csv")) as temporary,
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


def _codecs(dtype: np.dtype[Any]) -> list[Any]:
    """Return the codecs of a Zarr array; the checksum is the last, so that it is checked before decompression."""
    import numcodecs  # type: ignore[import-untyped]

    return [numcodecs.Shuffle(dtype.itemsize), numcodecs.Zstd(level=1), numcodecs.CRC32()]


def _text_dtype() -> Any:
    import h5py

    return h5py.string_dtype()
