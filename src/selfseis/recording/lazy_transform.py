"""Tile-by-tile computation on conditioned data of a recording of any length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from selfseis.recording.preprocessing import Conditioner
from selfseis.typing import BoolArray, Float32Array, IndexArray

ALIGNMENT = 128  # tiles start on multiples of this, as for the network, the Wiener weights and the burst mask


def read_computed(
    channels: IndexArray,
    first: int,
    last: int,
    *,
    recording: xr.DataArray,
    conditioner: Conditioner,
    compute: Callable[[Float32Array, BoolArray], Float32Array],
    halo: int,
    tile: int,
) -> Float32Array:
    """Read part of a recording and compute on it tile by tile, with the same result as on the whole.

    Parameters
    ----------
    channels : ndarray of int
        Channels to return.
    first, last : int
        Samples to return.
    recording, conditioner
        The recording, and its band-pass and scaling.
    compute : callable
        Maps conditioned data and a mask of live channels to values of the same shape.
    halo : int
        Samples of conditioned context that it needs on each side.
    tile : int
        Samples computed at once, as `tile_samples` returns them; the result does not depend on it.

    Returns
    -------
    ndarray, shape (len(channels), last - first)
        In the units of the recording, NaN where there are no data.
    """
    margin = _aligned(halo)
    result = np.empty((len(channels), last - first), np.float32)
    for start in range(first // ALIGNMENT * ALIGNMENT, last, tile):
        begin, end = max(start, first), min(start + tile, last)
        # Predictions fade beyond the ends of a recording; a cut would leak into all frequencies.
        before = max(start - margin, -ALIGNMENT)
        after = min(_aligned(end) + margin, recording.sizes["time"] + ALIGNMENT)
        inner = slice(begin - before, end - before)
        clean = _computed_tile(recording, conditioner, compute, (before, after), inner)
        result[:, begin - first : end - first] = clean[channels]
        del clean  # before the next tile is read: arrays of a wide fibre are large
    return result


def _computed_tile(
    recording: xr.DataArray,
    conditioner: Conditioner,
    compute: Callable[[Float32Array, BoolArray], Float32Array],
    span: tuple[int, int],
    inner: slice,
) -> Float32Array:
    data, valid = _read_conditioned(recording, conditioner, *span)
    clean = conditioner.restore(compute(data, np.isfinite(conditioner.scale))[:, inner])
    clean[~valid[:, inner]] = np.nan
    return clean


def tile_samples(n_channels: int, halo: int, *, max_values: int, min_margins: int) -> int:
    """Return the efficient number of samples per tile, given that the context is recomputed for each tile.

    Parameters
    ----------
    n_channels : int
        Channels of the recording.
    halo : int
        Samples of context on each side.
    max_values : int
        Values of a tile; more where the tile would otherwise be shorter than its minimum.
    min_margins : int
        Minimum length of a tile relative to its context on one side.

    Returns
    -------
    int
        A multiple of `ALIGNMENT`.
    """
    return max(min_margins * _aligned(halo), max_values // n_channels // ALIGNMENT * ALIGNMENT)


def _aligned(samples: int) -> int:
    return -(-samples // ALIGNMENT) * ALIGNMENT


def _read_conditioned(
    recording: xr.DataArray, conditioner: Conditioner, first: int, last: int
) -> tuple[Float32Array, BoolArray]:
    data, valid = conditioner(_read_padded(recording, first - conditioner.halo, last + conditioner.halo))
    inner = slice(conditioner.halo, -conditioner.halo)
    return np.ascontiguousarray(data[:, inner]), valid[:, inner]


def _read_padded(recording: xr.DataArray, first: int, last: int) -> Float32Array:
    n_channels, n_samples = recording.shape
    data = np.full((n_channels, last - first), np.nan, np.float32)
    inside = slice(max(first, 0), min(last, n_samples))
    data[:, inside.start - first : inside.stop - first] = recording.variable.isel(time=inside).values
    return data


def coordinates_of(recording: xr.DataArray) -> dict[str, Any]:
    """Return the coordinates and metadata of a recording as arguments of `lazy_recording`."""
    names = ("seed_id", "distance", "latitude", "longitude", "elevation")
    known: dict[str, Any] = {name: recording[name].values for name in names if name in recording.coords}
    known["units"] = recording.attrs.get("units", "")
    known["gauge_length"] = recording.attrs.get("gauge_length")
    known["quality_log"] = recording.encoding.get("quality_log")
    return known
