"""Reading recordings that selfseis wrote: NetCDF 4 (so HDF5) and Zarr, both also open with plain xarray."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from selfseis.recording.errors import UnusableInput
from selfseis.recording.lazy_array import LazyWaveforms
from selfseis.recording.model import build_recording
from selfseis.recording.time_axis import TimeGrid

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
    """Reads ranges of time of some channels; opens the file for each read, so workers can be sent it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, channels: npt.NDArray[np.int64], first: int, last: int) -> npt.NDArray[np.float32]:
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
    UnusableInput
        If it is not such a file.
    """
    try:
        with _opened(path) as store:
            variable = store[VARIABLE]
            attrs = {name: _plain(value) for name, value in dict(variable.attrs).items()}
            n_channels, n_samples = variable.shape
            channels = {name: _texts_or_numbers(store[name]) for name in CHANNEL_COORDINATES if name in store}
        grid = TimeGrid(int(attrs["start_ns"]), float(attrs["sampling_rate"]), int(n_samples))
    except (KeyError, OSError, ValueError, TypeError) as error:
        raise UnusableInput(
            f"{path} is not a recording that selfseis wrote, or it is damaged: write it again"
        ) from error
    waveforms = LazyWaveforms(_ReadFromStore(path), int(n_channels), int(n_samples))
    gauge_length = attrs.get("gauge_length")
    return build_recording(waveforms, grid, channels, str(attrs.get("units", "")), gauge_length)


def growth_of(path: Path) -> dict[str, Any]:
    """Return what a file that selfseis wrote says of how it may be continued; nothing if it says nothing."""
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
