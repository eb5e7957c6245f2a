"""Iteration over a recording in tiles with a halo, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from selfseis.typing import Float32Array


@dataclass(frozen=True)
class Tile:
    """A span of time of a recording, with the halo that an operator needs.

    Attributes
    ----------
    data : numpy.ndarray
        float32 (channels, halo + n_core + halo); NaN where there is no data, so also beyond the ends.
    first : int
        Index in the recording of the first core sample.
    n_core : int
        Number of core samples.
    halo : int
        Samples before and after the core.
    """

    data: Float32Array
    first: int
    n_core: int
    halo: int

    @property
    def core(self) -> slice:
        """Core samples along the time axis of ``data``."""
        return slice(self.halo, self.halo + self.n_core)


def tiles(recording: xr.DataArray, core_samples: int, halo: int = 0) -> Iterator[Tile]:
    """Cut a recording into tiles whose cores cover every sample exactly once.

    Parameters
    ----------
    recording : xarray.DataArray
        Dims ("channel", "time"); read tile by tile.
    core_samples : int
        Core samples of a tile (the last one may have fewer).
    halo : int
        Samples of context on either side of the core; NaN beyond the ends of the recording.

    Yields
    ------
    Tile
        In order of time.

    Raises
    ------
    ValueError
        If ``core_samples`` is below 1 or ``halo`` below 0.
    """
    if core_samples < 1 or halo < 0:
        raise ValueError(f"core_samples must be >= 1 and halo >= 0, got {core_samples} and {halo}")
    n_samples = recording.sizes["time"]
    for first in range(0, n_samples, core_samples):
        n_core = min(core_samples, n_samples - first)
        yield Tile(_with_halo(recording, first - halo, first + n_core + halo), first, n_core, halo)


def _with_halo(recording: xr.DataArray, first: int, last: int) -> Float32Array:
    inside = slice(max(0, first), min(recording.sizes["time"], last))
    data = np.full((recording.sizes["channel"], last - first), np.nan, dtype=np.float32)
    samples = recording.variable.isel(time=inside).transpose("channel", "time").values
    data[:, inside.start - first : inside.stop - first] = samples
    return data
