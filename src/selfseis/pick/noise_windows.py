"""The user's own noise: windows in which nothing much happens, into which onsets are put.

Where every record is a triggered one, no window is quiet. Its quietest eighth then lends its spectrum to noise of
full length: white noise filtered by the piece, components together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from selfseis.errors import InputError
from selfseis.pick.high_pass import CausalHighPass
from selfseis.pick.time_split import Spans
from selfseis.recording.components import Station
from selfseis.recording.coverage import covered_tiles
from selfseis.typing import BoolArray, Float32Array, FloatArray, IndexArray

PIECE = 100  # samples of the pieces whose energies are compared
QUIET_SHARE = 0.35  # of all windows
LOUDEST = 8.0  # energy of the loudest second over the median, from which a window holds more than noise
MOST = 2400  # windows that are kept
FEWEST = 24  # quiet windows, below which noise is grown from quiet pieces
PIECES = 8  # of a window, of which the quietest is grown
GROWN = 480  # windows of noise that are grown
FULL = 0.99  # of the samples of a window that must be there
HIDDEN_EVERY = 5  # a fifth of the noise is hidden from training


@dataclass(frozen=True, eq=False)
class NoiseBank:
    """Windows of noise.

    Attributes
    ----------
    windows : ndarray, shape (n_windows, 3, n_samples)
        East, north and vertical, high-passed.
    visible, hidden : ndarray of int
        Windows to learn from, and windows to judge on; no time is in both.
    surely_noise : ndarray of bool, shape (n_windows, n_samples)
        Where nothing was found by the last network that looked; at first everywhere.
    """

    windows: Float32Array
    visible: IndexArray
    hidden: IndexArray
    surely_noise: BoolArray

    def doubted(self, onsets: list[FloatArray], reach: int) -> NoiseBank:
        """Return the same noise, of which nothing is said about onsets that were found in it.

        Parameters
        ----------
        onsets : list of ndarray
            Positions in samples, for each window.
        reach : int
            Samples to either side of an onset.
        """
        surely = np.ones_like(self.surely_noise)
        for row, positions in zip(surely, onsets, strict=True):
            for at in positions:
                row[max(0, int(at) - reach) : int(at) + reach] = False
        return replace(self, surely_noise=surely)


@dataclass(frozen=True)
class _Window:
    station: int
    first: int
    loudness: float


def sampled_windows(
    recording: xr.DataArray,
    stations: list[Station],
    high_pass: CausalHighPass,
    n_samples: int,
    most: int,
    seed: int,
) -> Iterator[Float32Array]:
    """Read windows of all times and stations, quiet or not: at most so many, drawn at random.

    Parameters
    ----------
    recording, stations, high_pass, n_samples
        As for `noise_bank`.
    most : int
        Number of windows.
    seed : int
        Seed of the draw.

    Yields
    ------
    ndarray, shape (3, n_samples)
    """
    windows = _measured(recording, stations, high_pass, n_samples)
    if len(windows) > most:
        rng = np.random.default_rng(seed)
        windows = [windows[i] for i in np.sort(rng.choice(len(windows), most, replace=False))]
    for window in windows:
        yield read_window(
            recording, stations[window.station], high_pass, window.first, window.first + n_samples
        )


def noise_bank(
    recording: xr.DataArray,
    stations: list[Station],
    high_pass: CausalHighPass,
    n_samples: int,
    seed: int,
    spans: Spans | None = None,
) -> NoiseBank:
    """Collect the windows of a recording whose loudest second stands out the least.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    stations : list of Station
        Its stations.
    high_pass : CausalHighPass
        Filter.
    n_samples : int
        Length of a window.
    seed : int
        Seed of the choice where there are too many.
    spans : list of (int, int), optional
        Times in samples to which windows are confined; by default all.

    Raises
    ------
    InputError
        If the recording holds no full window.
    """
    windows = _measured(recording, stations, high_pass, n_samples)
    windows = [w for w in windows if spans is None or _lies_in(w.first, w.first + n_samples, spans)]
    if not windows:
        raise InputError(
            f"nothing to learn from: no station has {n_samples / high_pass.rate:g} s without a gap or a dead channel"
        )
    rng = np.random.default_rng(seed)
    quiet = [
        w for number in range(len(stations)) for w in _quietest([w for w in windows if w.station == number])
    ]
    if len(quiet) < FEWEST:
        return _split(_grown(recording, stations, high_pass, n_samples, windows, rng), np.arange(GROWN))
    if len(quiet) > MOST:
        quiet = [quiet[i] for i in rng.choice(len(quiet), MOST, replace=False)]
    quiet.sort(key=lambda window: window.first)
    collected = [
        read_window(recording, stations[w.station], high_pass, w.first, w.first + n_samples) for w in quiet
    ]
    return _split(np.stack(collected), np.array([w.first // n_samples for w in quiet]))


def _lies_in(first: int, last: int, spans: Spans) -> bool:
    return any(begin <= first and last <= end for begin, end in spans)


def _split(windows: Float32Array, times: IndexArray) -> NoiseBank:
    """Hide every fifth time."""
    hidden = times % HIDDEN_EVERY == HIDDEN_EVERY - 1
    if hidden.all() or not hidden.any():
        hidden = np.arange(len(times)) % HIDDEN_EVERY == HIDDEN_EVERY - 1
    surely = np.ones((len(windows), windows.shape[2]), bool)
    return NoiseBank(windows, np.flatnonzero(~hidden), np.flatnonzero(hidden), surely)


def _grown(
    recording: xr.DataArray,
    stations: list[Station],
    high_pass: CausalHighPass,
    n_samples: int,
    windows: list[_Window],
    rng: np.random.Generator,
) -> Float32Array:
    """Filter white noise by the quietest pieces of windows."""
    from scipy.signal import oaconvolve

    grown = np.empty((GROWN, 3, n_samples), np.float32)
    for number, choice in enumerate(rng.integers(len(windows), size=GROWN)):
        chosen = windows[choice]
        window = read_window(
            recording, stations[chosen.station], high_pass, chosen.first, chosen.first + n_samples
        )
        length = n_samples // PIECES
        pieces = window[:, : PIECES * length].reshape(3, PIECES, length)
        energy = (pieces**2).sum(axis=(0, 2))
        piece = pieces[:, np.argmin(np.where(energy > 0, energy, np.inf))] * np.hanning(length)
        white = rng.normal(size=(1, n_samples + length - 1))
        grown[number] = oaconvolve(white, piece, mode="valid", axes=1) / np.sqrt(length)
    return grown


def _measured(
    recording: xr.DataArray, stations: list[Station], high_pass: CausalHighPass, n_samples: int
) -> list[_Window]:
    core = max(1, 4_000_000 // (recording.sizes["channel"] * n_samples)) * n_samples
    windows = []
    for tile in covered_tiles(recording, core, high_pass.halo, align=n_samples):
        data, valid = high_pass(tile.data)
        for first in range(0, tile.n_core - n_samples + 1, n_samples):
            part = slice(tile.halo + first, tile.halo + first + n_samples)
            for number, station in enumerate(stations):
                rows = [row for row in station.rows if row is not None]
                if valid[rows, part].mean(axis=1).max() >= FULL and data[rows, part].any():
                    windows.append(_Window(number, tile.first + first, _loudness(data[rows, part])))
    return windows


def _loudness(data: Float32Array) -> float:
    """Return the largest energy of a second over the median."""
    n_pieces = data.shape[1] // PIECE
    energy = (data[:, : n_pieces * PIECE] ** 2).sum(axis=0).reshape(n_pieces, PIECE).mean(axis=1)
    return float(energy.max() / max(np.median(energy), 1e-30))


def _quietest(windows: list[_Window]) -> list[_Window]:
    if not windows:
        return []
    bar = min(float(np.quantile([w.loudness for w in windows], QUIET_SHARE)), LOUDEST)
    return [w for w in windows if w.loudness <= bar]


def read_window(
    recording: xr.DataArray, station: Station, high_pass: CausalHighPass, first: int, last: int
) -> Float32Array:
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
