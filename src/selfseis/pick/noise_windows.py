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
from selfseis.pick.options import NoiseOptions
from selfseis.pick.time_split import Spans
from selfseis.recording.components import Station
from selfseis.recording.coverage import covered_tiles, stretches
from selfseis.typing import BoolArray, Float32Array, FloatArray, IndexArray

TILE_VALUES = 4_000_000  # memory per tile; the windows do not depend on it


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
    options: NoiseOptions,
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
    options : NoiseOptions
        How complete a window must be.

    Yields
    ------
    ndarray, shape (3, n_samples)
    """
    windows = _measured(recording, stations, high_pass, n_samples, options)
    if len(windows) > max_windows:
        rng = np.random.default_rng(seed)
        windows = [windows[i] for i in np.sort(rng.choice(len(windows), max_windows, replace=False))]
    for window in windows:
        yield read_window(
            recording, stations[window.station], high_pass, window.first, window.first + n_samples
        )


def covering_pieces(
    recording: xr.DataArray,
    stations: list[Station],
    high_pass: CausalHighPass,
    n_samples: int,
    max_pieces: int,
    seed: int,
) -> Iterator[Float32Array]:
    """Read pieces that together cover all data, so that no event of a short record is missed.

    The pieces of a stretch of data overlap where it is no multiple of their length; a stretch shorter than a piece
    is read as a whole. Pieces of a station that are mostly gaps are left out.

    Parameters
    ----------
    recording, stations, high_pass
        As for `noise_bank`.
    n_samples : int
        Length of a piece.
    max_pieces : int
        Maximum number of pieces; of more, some are drawn at random.
    seed : int
        Seed of the random draw.

    Yields
    ------
    ndarray, shape (3, n_samples or less)
    """
    places: list[tuple[int, int, int]] = []
    for first, last in stretches(recording):
        length = min(n_samples, last - first)
        starts = np.linspace(first, last - length, -(-(last - first) // n_samples)).round().astype(int)
        places += [(number, start, start + length) for start in starts for number in range(len(stations))]
    if len(places) > max_pieces:
        chosen = np.random.default_rng(seed).choice(len(places), max_pieces, replace=False)
        places = [places[number] for number in np.sort(chosen)]
    for number, first, last in places:
        piece = read_window(recording, stations[number], high_pass, first, last)
        if np.any(piece != 0, axis=0).mean() > 0.5:
            yield piece


def noise_bank(
    recording: xr.DataArray,
    stations: list[Station],
    high_pass: CausalHighPass,
    n_samples: int,
    seed: int,
    spans: Spans | None,
    options: NoiseOptions,
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
    spans : list of (int, int) or None
        Times in samples that windows must lie in; None for all times.
    options : NoiseOptions
        Which windows serve as noise.

    Raises
    ------
    InputError
        If the recording has no complete window.
    """
    windows = _measured(recording, stations, high_pass, n_samples, options)
    windows = [w for w in windows if spans is None or _lies_in(w.first, w.first + n_samples, spans)]
    if not windows:
        raise InputError(
            f"no training data: no station has {n_samples / high_pass.rate:g} s without a gap or a dead channel; "
            "give a longer or more complete recording"
        )
    rng = np.random.default_rng(seed)
    chosen = [
        w
        for number in range(len(stations))
        for w in _quietest([w for w in windows if w.station == number], options)
    ]
    if len(chosen) < options.min_windows:
        synthetic = _synthetic_noise(recording, stations, high_pass, n_samples, windows, rng, options)
        return _split(synthetic, np.arange(options.n_synthetic_windows), options.held_out_every)
    if len(chosen) > options.max_windows:
        chosen = [chosen[i] for i in rng.choice(len(chosen), options.max_windows, replace=False)]
    chosen.sort(key=lambda window: window.first)
    collected = [
        read_window(recording, stations[w.station], high_pass, w.first, w.first + n_samples) for w in chosen
    ]
    times = np.array([w.first // n_samples for w in chosen])
    return _split(np.stack(collected), times, options.held_out_every)


def _lies_in(first: int, last: int, spans: Spans) -> bool:
    return any(begin <= first and last <= end for begin, end in spans)


def _split(windows: Float32Array, times: IndexArray, every: int) -> NoiseBank:
    """Hold out every fifth time."""
    held_out = times % every == every - 1
    if held_out.all() or not held_out.any():
        held_out = np.arange(len(times)) % every == every - 1
    is_noise = np.ones((len(windows), windows.shape[2]), bool)
    return NoiseBank(windows, np.flatnonzero(~held_out), np.flatnonzero(held_out), is_noise)


def _synthetic_noise(
    recording: xr.DataArray,
    stations: list[Station],
    high_pass: CausalHighPass,
    n_samples: int,
    windows: list[_Window],
    rng: np.random.Generator,
    options: NoiseOptions,
) -> Float32Array:
    """Return white noise filtered by the quietest pieces of random windows."""
    from scipy.signal import oaconvolve

    synthetic = np.empty((options.n_synthetic_windows, 3, n_samples), np.float32)
    for number, choice in enumerate(rng.integers(len(windows), size=options.n_synthetic_windows)):
        chosen = windows[choice]
        window = read_window(
            recording, stations[chosen.station], high_pass, chosen.first, chosen.first + n_samples
        )
        length = n_samples // options.n_pieces
        pieces = window[:, : options.n_pieces * length].reshape(3, options.n_pieces, length)
        energy = (pieces**2).sum(axis=(0, 2))
        piece = pieces[:, np.argmin(np.where(energy > 0, energy, np.inf))] * np.hanning(length)
        white = rng.normal(size=(1, n_samples + length - 1))
        synthetic[number] = oaconvolve(white, piece, mode="valid", axes=1) / np.sqrt(length)
    return synthetic


def _measured(
    recording: xr.DataArray,
    stations: list[Station],
    high_pass: CausalHighPass,
    n_samples: int,
    options: NoiseOptions,
) -> list[_Window]:
    core = max(1, TILE_VALUES // (recording.sizes["channel"] * n_samples)) * n_samples
    windows = []
    for tile in covered_tiles(recording, core, high_pass.halo, align=n_samples):
        data, valid = high_pass(tile.data)
        for first in range(0, tile.n_core - n_samples + 1, n_samples):
            part = slice(tile.halo + first, tile.halo + first + n_samples)
            for number, station in enumerate(stations):
                rows = [row for row in station.rows if row is not None]
                present_share = valid[rows, part].mean(axis=1).max()
                if present_share >= options.min_present_share and data[rows, part].any():
                    energy_ratio = peak_energy_ratio(data[rows, part], options.piece)
                    windows.append(_Window(number, tile.first + first, energy_ratio))
    return windows


def peak_energy_ratio(data: Float32Array, piece: int) -> float:
    """Return the largest energy of a piece over the median."""
    n_pieces = data.shape[1] // piece
    energy = (data[:, : n_pieces * piece] ** 2).sum(axis=0).reshape(n_pieces, piece).mean(axis=1)
    return float(energy.max() / max(np.median(energy), 1e-30))


def _quietest(windows: list[_Window], options: NoiseOptions) -> list[_Window]:
    if not windows:
        return []
    quantile = float(np.quantile([w.energy_ratio for w in windows], options.max_share))
    limit = min(quantile, options.max_energy_ratio)
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
