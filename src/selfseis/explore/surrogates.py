"""Surrogate windows for the null: the mean spectrum of the recording with random phases."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.explore.background import Background
from selfseis.explore.features import WindowTable, features_of
from selfseis.explore.options import ExplorerOptions, SurrogateOptions
from selfseis.explore.scattering import Scattering
from selfseis.explore.windows import Batch, Grid, Site
from selfseis.recording import is_fibre
from selfseis.recording.preprocessing import sample_spans
from selfseis.typing import Float32Array, FloatArray
from selfseis.validation import phase_randomised


def surrogate_features(
    recording: xr.DataArray,
    sites: list[Site],
    grid: Grid,
    background: Background,
    n_windows: int,
    seed: int,
    options: ExplorerOptions,
) -> Float32Array:
    """Return the features of phase-randomised windows above their own background.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    sites : list of Site
        Stations, or groups of channels of a fibre.
    grid : Grid
        The windows.
    background : Background
        Of the recording; its bands are used.
    n_windows : int
        Number of windows of the recording; no more surrogates are made.
    seed : int
        Seed of the phases.
    options : ExplorerOptions
        Of surrogates and scattering.
    """
    n_windows = min(n_windows, options.surrogates.max_windows)
    table = surrogate_windows(recording, sites, grid, n_windows, seed, options)
    names = [site.name for site in sites]
    return background.measured_on(table, names).excess(table, names)


def surrogate_windows(
    recording: xr.DataArray,
    sites: list[Site],
    grid: Grid,
    n_windows: int,
    seed: int,
    options: ExplorerOptions,
) -> WindowTable:
    """Return the table of phase-randomised windows: stationary and Gaussian, with the spectra of the recording.

    The phases of different channels are independent.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    sites : list of Site
        Stations, or groups of channels of a fibre.
    grid : Grid
        The windows.
    n_windows : int
        Minimum number of windows of all sites together.
    seed : int
        Seed of the phases.
    options : ExplorerOptions
        Of surrogates and scattering.
    """
    rng = np.random.default_rng(seed)
    scattering = Scattering(grid.length, options.scattering)
    n_components = 1 if is_fibre(recording) else max(len(site.rows) for site in sites)
    amplitudes = _amplitudes(recording, grid, options.surrogates)
    per_site = -(-n_windows // len(sites))
    tables = []
    for number, site in enumerate(sites):
        made = 0
        while made < per_site:
            n_here = min(per_site - made, options.surrogates.windows_per_span)
            batch = _span(amplitudes[list(site.rows)], number, made, n_here, grid, rng)
            tables.append(features_of(batch, scattering, n_components, fibre=is_fibre(recording)))
            made += len(batch.first)
    return WindowTable.joined(tables)


def _amplitudes(recording: xr.DataArray, grid: Grid, options: SurrogateOptions) -> FloatArray:
    """Return the mean amplitude spectrum of each channel, shape (n_channels, length + 1)."""
    size = 2 * grid.length
    power = np.zeros((recording.sizes["channel"], grid.length + 1))
    taper = np.hanning(size)
    n_counted = np.zeros(len(power))
    length = options.windows_per_span * grid.length
    for span in sample_spans(recording, n_spans=options.n_spans, length=length):
        for start in range(0, span.data.shape[1] - size + 1, grid.length):
            piece = span.data[:, start : start + size]
            whole = np.isfinite(piece).all(axis=1)
            centred = piece[whole] - piece[whole].mean(axis=1, keepdims=True)
            power[whole] += np.abs(np.fft.rfft(centred * taper, axis=1)) ** 2
            n_counted += whole
    return np.sqrt(power / np.maximum(n_counted, 1)[:, None])


def _span(
    amplitudes: NDArray, number: int, made: int, n_windows: int, grid: Grid, rng: np.random.Generator
) -> Batch:
    """Make contiguous windows with independent phases for each row."""
    n_samples = (n_windows + 1) * grid.length
    coarse, fine = np.fft.rfftfreq(2 * grid.length), np.fft.rfftfreq(n_samples)
    spectrum = np.stack([np.interp(fine, coarse, row) for row in amplitudes])
    rows = phase_randomised(np.fft.irfft(spectrum, n_samples, axis=1), rng).astype(np.float32)
    pieces = np.lib.stride_tricks.sliding_window_view(rows, 2 * grid.length, axis=1)[:, :: grid.length]
    samples = np.ascontiguousarray(pieces.transpose(1, 0, 2))
    live = np.ones(samples.shape[:2], bool) & (np.abs(samples).max(axis=2) > 0)
    first = grid.length * (made + np.arange(len(samples), dtype=np.int64))
    return Batch(number, first, samples, np.ones(samples.shape, bool), live.any(axis=1), live)
