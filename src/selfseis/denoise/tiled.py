"""A computation on conditioned data carried over a recording of any length, tile by tile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.recording.conditioning import Conditioner
from selfseis.recording.model import is_fibre

Samples = NDArray[np.float32]
Mask = NDArray[np.bool_]

TILE_VALUES = 4_000_000  # values of a tile that is computed at once
ALIGNMENT = 128  # tiles start on multiples of this many samples, as the frames of network and posterior do


def read_computed(
    channels: NDArray[np.intp],
    first: int,
    last: int,
    *,
    recording: xr.DataArray,
    conditioner: Conditioner,
    compute: Callable[[Samples, Mask], Samples],
    halo: int,
) -> Samples:
    """Read part of a recording and compute on it tile by tile, as if on the whole.

    Parameters
    ----------
    channels : ndarray of int
        Channels to return.
    first, last : int
        Samples to return.
    recording, conditioner
        What is read, and what makes it fit for prediction.
    compute : callable
        Maps conditioned data and a mask of live channels to values of the same shape.
    halo : int
        Samples of conditioned context on each side that it needs.

    Returns
    -------
    ndarray, shape (len(channels), last - first)
        In the units of the recording, NaN where there are no data.
    """
    margin = -(-(halo + conditioner.halo) // ALIGNMENT) * ALIGNMENT
    # Of many channels a tile is short, and would be little but margin.
    step = max(2 * margin, TILE_VALUES // recording.sizes["channel"] // ALIGNMENT * ALIGNMENT)
    live = np.isfinite(conditioner.scale)
    parts = []
    for start in range(first // ALIGNMENT * ALIGNMENT, last, step):
        end = min(start + step, last)
        raw = _read_padded(recording, start - margin, end + margin)
        data, valid = conditioner(raw)
        clean = np.where(valid, conditioner.restore(compute(data, live)), np.nan)
        parts.append(clean[channels, margin + max(first - start, 0) : margin + end - start])
    return np.concatenate(parts, axis=1).astype(np.float32, copy=False)


def _read_padded(recording: xr.DataArray, first: int, last: int) -> Samples:
    n_channels, n_samples = recording.shape
    data = np.full((n_channels, last - first), np.nan, np.float32)
    inside = slice(max(first, 0), min(last, n_samples))
    data[:, inside.start - first : inside.stop - first] = recording.variable.isel(time=inside).values
    return data


def channel_names(recording: xr.DataArray) -> list[str]:
    """Return what tells the channels of a recording apart."""
    if is_fibre(recording):
        return [f"{metres:.3f}" for metres in recording["distance"].values]
    return [str(code) for code in recording["seed_id"].values]


def coordinates_of(recording: xr.DataArray) -> dict[str, Any]:
    """Return what a recording knows beside its samples, as `lazy_recording` takes it."""
    names = ("seed_id", "distance", "latitude", "longitude", "elevation")
    known: dict[str, Any] = {name: recording[name].values for name in names if name in recording.coords}
    known["units"] = recording.attrs.get("units", "")
    known["gauge_length"] = recording.attrs.get("gauge_length")
    known["accounting"] = recording.encoding.get("accounting")
    return known
