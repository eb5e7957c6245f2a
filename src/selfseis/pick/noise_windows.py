"""Noise windows: parts of the recording with little signal, to which synthetic onsets are added.

If all records are triggered ones, there are too few such windows. Synthetic noise then takes their place: white noise
filtered by the quietest eighth of a window, all components together.
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
NOISE_SHARE = 0.35  # maximum share of the windows that are taken as noise
MAX_ENERGY_RATIO = 8.0  # of the most energetic piece over the median piece, in a noise window
MAX_WINDOWS = 2400
MIN_WINDOWS = 24  # below which noise windows are synthesised
PIECES = 8  # of a window; the quietest one shapes synthetic noise
N_SYNTHETIC_WINDOWS = 480
MIN_PRESENT_SHARE = 0.99  # of the samples of a window
HELD_OUT_EVERY = 5  # a fifth of the noise is held out


@dataclass(frozen=True, eq=False)
class NoiseBank:
    """Windows of noise.

    Attributes
    ----------
    windows : ndarray, shape (n_windows, 3, n_samples)
        East, north and vertical, high-passed.
    training, held_out : ndarray of int
        Numbers of the windows for training and of the held-out windows; their times do not overlap.
    is_noise : ndarray of bool, shape (n_windows, n_samples)
        False around onset candidates of the last network; at first true everywhere.
    """

    windows: Float32Array
    training: IndexArray
    held_out: IndexArray
    is_noise: BoolArray

    def ignoring(self, onsets: list[FloatArray], reach: int) -> NoiseBank:
        """Return the same noise with the samples around onset candidates ignored.

        Parameters
        ----------
        onsets : list of ndarray
            Positions in samples, for each window.
        reach : int
            Samples on either side of a candidate.
        """
        is_noise = np.ones_like(self.is_noise)
        for row, positions in zip(is_noise, onsets, strict=True):
            for at in positions:
                row[max(0, int(at) - reach) : int(at) + reach] = False
        return replace(self, is_noise=is_noise)


@dataclass(frozen=True)
class _Window:
    station: int
    first: int
    energy_ratio: float


def sampled_windows(
    recording: xr.DataArray,
    stations: list[Station],
    high_pass: CausalHighPass,
    n_samples: int,
    max_windows: int,
    seed: int,
) -> Iterator[Float32Array]:
    """Read windows of all times and stations, with signal or without, drawn at random if there are too many.

    Parameters
    ----------
    recording, stations, high_pass, n_samples
        As for `noise_bank`.
    max_windows : int
        Maximum number of windows.
    seed : int
        Seed of the random draw.

    Yields
    ------
    ndarray, shape (3, n_samples)
    """
    windows = _measured(recording, stations, high_pass, n_samples)
    if len(windows) > max_windows:
        rng = np.random.default_rng(seed)
        windows = [windows[i] for i in np.sort(rng.choice(len(windows), max_windows, replace=False))]
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
    """Collect the windows of a recording with the least energetic peaks.

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
        Seed of the random draw where there are too many windows.
    spans : list of (int, int), optional
        Times in samples that windows must lie in; by default all.

    Raises
    ------
    InputError
        If the recording has no complete window.
    """
    windows = _measured(recording, stations, high_pass, n_samples)
    windows = [w for w in windows if spans is None or _lies_in(w.first, w.first + n_samples, spans)]
    if not windows:
        raise InputError(
            f"no training data: no station has {n_samples / high_pass.rate:g} s without a gap or a dead channel; "
            "give a longer or more complete recording"
        )
    rng = np.random.default_rng(seed)
    chosen = [
        w for number in range(len(stations)) for w in _quietest([w for w in windows if w.station == number])
    ]
    if len(chosen) < MIN_WINDOWS:
        return _split(
            _synthetic_noise(recording, stations, high_pass, n_samples, windows, rng),
            np.arange(N_SYNTHETIC_WINDOWS),
        )
    if len(chosen) > MAX_WINDOWS:
        chosen = [chosen[i] for i in rng.choice(len(chosen), MAX_WINDOWS, replace=False)]
    chosen.sort(key=lambda window: window.first)
    collected = [
        read_window(recording, stations[w.station], high_pass, w.first, w.first + n_samples) for w in chosen
    ]
    return _split(np.stack(collected), np.array([w.first // n_samples for w in chosen]))


def _lies_in(first: int, last: int, spans: Spans) -> bool:
    return any(begin <= first and last <= end for begin, end in spans)


def _split(windows: Float32Array, times: IndexArray) -> NoiseBank:
    """Hold out every fifth time."""
    held_out = times % HELD_OUT_EVERY == HELD_OUT_EVERY - 1
    if held_out.all() or not held_out.any():
        held_out = np.arange(len(times)) % HELD_OUT_EVERY == HELD_OUT_EVERY - 1
    is_noise = np.ones((len(windows), windows.shape[2]), bool)
    return NoiseBank(windows, np.flatnonzero(~held_out), np.flatnonzero(held_out), is_noise)


def _synthetic_noise(
    recording: xr.DataArray,
    stations: list[Station],
    high_pass: CausalHighPass,
    n_samples: int,
    windows: list[_Window],
    rng: np.random.Generator,
) -> Float32Array:
    """Return white noise filtered by the quietest pieces of random windows."""
    from scipy.signal import oaconvolve

    synthetic = np.empty((N_SYNTHETIC_WINDOWS, 3, n_samples), np.float32)
    for number, choice in enumerate(rng.integers(len(windows), size=N_SYNTHETIC_WINDOWS)):
        chosen = windows[choice]
        window = read_window(
            recording, stations[chosen.station], high_pass, chosen.first, chosen.first + n_samples
        )
        length = n_samples // PIECES
        pieces = window[:, : PIECES * length].reshape(3, PIECES, length)
        energy = (pieces**2).sum(axis=(0, 2))
        piece = pieces[:, np.argmin(np.where(energy > 0, energy, np.inf))] * np.hanning(length)
        white = rng.normal(size=(1, n_samples + length - 1))
        synthetic[number] = oaconvolve(white, piece, mode="valid", axes=1) / np.sqrt(length)
    return synthetic


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
                if valid[rows, part].mean(axis=1).max() >= MIN_PRESENT_SHARE and data[rows, part].any():
                    windows.append(_Window(number, tile.first + first, _energy_ratio(data[rows, part])))
    return windows


def _energy_ratio(data: Float32Array) -> float:
    """Return the largest energy of a piece over the median."""
    n_pieces = data.shape[1] // PIECE
    energy = (data[:, : n_pieces * PIECE] ** 2).sum(axis=0).reshape(n_pieces, PIECE).mean(axis=1)
    return float(energy.max() / max(np.median(energy), 1e-30))


def _quietest(windows: list[_Window]) -> list[_Window]:
    if not windows:
        return []
    limit = min(float(np.quantile([w.energy_ratio for w in windows], NOISE_SHARE)), MAX_ENERGY_RATIO)
    return [w for w in windows if w.energy_ratio <= limit]


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
