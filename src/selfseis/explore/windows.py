"""Windows of a recording: their grid, the sites, and the streamed samples with gaps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.errors import InputError
from selfseis.explore.options import EncoderOptions, WindowOptions
from selfseis.recording import bridge_gaps, is_fibre, sampling_rate
from selfseis.recording.components import stations_of
from selfseis.recording.coverage import covered_tiles, stretches
from selfseis.typing import BoolArray, Float32Array, FloatArray, IntArray

ProgressCallback = Callable[[float, float], None]


@dataclass(frozen=True)
class Site:
    """Channels that are analysed together: components of a station, or neighbouring channels of a fibre.

    Attributes
    ----------
    name : str
        "NET.STA.LOC.CH?", a full seed_id where there is one component, or "100m-116m" along a fibre.
    rows : tuple of int
        Channels of the recording: those of vertical, north and east that exist, or channels along the fibre.
    labels : tuple of str
        Component code of each row (Z, N, E; 1, 2; U, V, W), or its distance.
    roles : str
        Z, N or E for each row, as far as it is known; empty on a fibre.
    """

    name: str
    rows: tuple[int, ...]
    labels: tuple[str, ...]
    roles: str = ""


def sites_of(recording: xr.DataArray, options: WindowOptions) -> list[Site]:
    """List the stations of a network, or the groups of neighbouring channels of a fibre."""
    if is_fibre(recording):
        return _groups_along(np.asarray(recording["distance"].values, float), options.channels_per_site)
    sites = []
    for station in stations_of(recording):
        named = zip("ZNE", (station.vertical, station.north, station.east), strict=True)
        rows = {role: row for role, row in named if row is not None}
        seed_ids = [str(recording["seed_id"].values[row]) for row in rows.values()]
        name = seed_ids[0] if len(rows) == 1 else seed_ids[0][:-1] + "?"
        labels = tuple(seed_id[-1:] for seed_id in seed_ids)
        sites.append(Site(name, tuple(rows.values()), labels, "".join(rows)))
    return sites


def _groups_along(distance: FloatArray, n_channels: int) -> list[Site]:
    n_groups = max(1, round(len(distance) / n_channels))
    groups = np.array_split(np.argsort(distance, kind="stable"), n_groups)
    return [
        Site(
            f"{distance[rows[0]]:g}m-{distance[rows[-1]]:g}m",
            tuple(int(row) for row in rows),
            tuple(f"{distance[row]:g}m" for row in rows),
        )
        for rows in groups
    ]


@dataclass(frozen=True)
class Grid:
    """Contiguous windows over a recording, the same for all its sites.

    Attributes
    ----------
    rate : float
        Sampling rate in Hz.
    length : int
        Samples of a window, an even number.
    """

    rate: float
    length: int

    @classmethod
    def for_recording(cls, recording: xr.DataArray, seconds: float | None, options: WindowOptions) -> Self:
        """Choose the window length: the given one, or the power of two that gives some thousands of windows.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording.
        seconds : float or None
            Length of a window in s.
        options : WindowOptions
            Bounds of the length.

        Raises
        ------
        InputError
            If the recording or the windows are too short.
        """
        rate = sampling_rate(recording)
        covered = sum(last - first for first, last in stretches(recording))
        min_samples = options.min_windows * options.min_length
        if covered < min_samples:
            raise InputError(f"{covered} samples are too few to explore: give at least {min_samples}")
        if seconds is not None:
            return cls(rate, _checked_length(seconds, rate, covered, options))
        shortest, longest = options.length_range
        longest = min(longest, 2 ** int(math.log2(covered / options.min_windows)))
        length = 2 ** int(math.log2(max(covered / options.target_windows, shortest)))
        return cls(rate, min(length, longest))

    @property
    def halo(self) -> int:
        """Samples on either side of a window that wavelets reach."""
        return self.length // 2

    @property
    def seconds(self) -> float:
        """Length of a window in s."""
        return self.length / self.rate


def _checked_length(seconds: float, rate: float, covered: int, options: WindowOptions) -> int:
    length = 2 * round(seconds * rate / 2) if math.isfinite(seconds) else 0
    max_length = covered // options.min_windows
    if not options.min_length <= length <= max_length:
        raise InputError(
            f"windows of {seconds:g} s are {length} samples: give {options.min_length / rate:g} to "
            f"{max_length / rate:g} s"
        )
    return length


@dataclass(frozen=True)
class Batch:
    """Windows of one site with their samples.

    Attributes
    ----------
    site : int
        Number of the site.
    first : ndarray of int64, shape (n,)
        First sample of each window, counted from the start of the recording.
    samples : ndarray of float32, shape (n, n_rows, 2 * length)
        Samples with half a window on either side, gaps bridged, mean removed.
    present : ndarray of bool, shape (n, n_rows, 2 * length)
        True where there are data.
    usable : ndarray of bool, shape (n,)
        True where at least one row has enough samples in the window itself.
    live : ndarray of bool, shape (n, n_rows)
        True for the rows with enough samples.
    """

    site: int
    first: IntArray
    samples: Float32Array
    present: BoolArray
    usable: BoolArray
    live: BoolArray

    def of(self, chosen: NDArray[Any]) -> Batch:
        """Return some of the windows."""
        return Batch(
            self.site,
            self.first[chosen],
            self.samples[chosen],
            self.present[chosen],
            self.usable[chosen],
            self.live[chosen],
        )


def stream_windows(
    recording: xr.DataArray,
    sites: list[Site],
    grid: Grid,
    options: WindowOptions,
    *,
    progress: ProgressCallback | None = None,
) -> Iterator[Batch]:
    """Read all windows of a recording, span by span and site by site.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording, at the rate of the grid.
    sites : list of Site
        Stations, or groups of channels of a fibre.
    grid : Grid
        The windows.
    options : WindowOptions
        Size of the tiles, and the required share of samples.
    progress : callable, optional
        Called with the number of samples read and of all samples.

    Yields
    ------
    Batch
        Includes unusable windows, so that gaps are known.
    """
    n_samples = recording.sizes["time"]
    n_windows = max(1, options.max_tile_values // (recording.sizes["channel"] * grid.length * 2))
    for tile in covered_tiles(recording, n_windows * grid.length, grid.halo, align=grid.length):
        for number, site in enumerate(sites):
            batch = _cut(tile.data[list(site.rows)], tile.first, tile.n_core, number, grid, options)
            if len(batch.first):
                yield batch
        if progress is not None:
            progress(tile.first + tile.n_core, n_samples)


def training_windows(first: IntArray, options: EncoderOptions) -> BoolArray:
    """Return which windows train the encoder; the others validate it, for early stopping.

    Every fifth time is held out at all sites, so that stations that record the same event are on the same side. A
    recording with fewer times holds out every fifth window. All windows shape the background and the axes, and windows
    that follow each other share samples of their halos. A verdict therefore does not use these windows, but halves of
    the time, each grouped on its own (`stability.py`).

    Parameters
    ----------
    first : ndarray of int64, shape (n,)
        First sample of each window.
    options : EncoderOptions
        Its `validation_period` is the period of the held-out times.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    times, number = np.unique(first, return_inverse=True)
    if len(times) < options.validation_period:
        number = np.arange(len(first))
    return number % options.validation_period != options.validation_period - 1


def read_windows(
    recording: xr.DataArray, site: Site, number: int, grid: Grid, first: IntArray, options: WindowOptions
) -> Batch:
    """Read the windows of one site that begin at given samples.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    site : Site
        The site.
    number : int
        Number of the site.
    grid : Grid
        Length and sampling rate.
    first : ndarray of int64, shape (n,)
        First samples, on or off the grid.
    options : WindowOptions
        The required share of samples.
    """
    n_samples = recording.sizes["time"]
    data = np.full((len(site.rows), 2 * grid.length * len(first)), np.nan, np.float32)
    rows = recording.variable[list(site.rows)]
    for place, begin in enumerate(first):
        low, high = max(0, begin - grid.halo), min(n_samples, begin + grid.length + grid.halo)
        into = place * 2 * grid.length + low - (begin - grid.halo)
        data[:, into : into + high - low] = rows.isel(time=slice(int(low), int(high))).values
    pieces = data.reshape(len(site.rows), len(first), 2 * grid.length).transpose(1, 0, 2)
    return _batch(pieces, first, number, grid, options)


def _cut(
    data: Float32Array, first: int, n_core: int, number: int, grid: Grid, options: WindowOptions
) -> Batch:
    n_windows = n_core // grid.length
    pieces = np.lib.stride_tricks.sliding_window_view(data, 2 * grid.length, axis=1)[:, :: grid.length]
    pieces = pieces[:, :n_windows].transpose(1, 0, 2)
    begins = first + grid.length * np.arange(n_windows, dtype=np.int64)
    return _batch(pieces, begins, number, grid, options)


def _batch(pieces: Float32Array, first: IntArray, number: int, grid: Grid, options: WindowOptions) -> Batch:
    core = slice(grid.halo, grid.halo + grid.length)
    present = np.isfinite(pieces)
    live = present[:, :, core].mean(axis=2) >= options.min_present
    with np.errstate(invalid="ignore"):
        mean = np.where(present, pieces, 0).sum(axis=2) / np.maximum(present.sum(axis=2), 1)
    filled, _ = bridge_gaps(pieces - mean[:, :, None].astype(np.float32), grid.halo)
    has_signal = np.square(filled[:, :, core]).sum(axis=2) > 0
    live &= has_signal
    return Batch(number, first, filled, present, live.any(axis=1), live)
