"""Multiplets: repeating earthquakes, found by waveform correlation of windows with similar coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.explore.explored import Explored, nearest_windows
from selfseis.explore.options import MultipletOptions
from selfseis.explore.windows import read_windows
from selfseis.typing import Float32Array, IntArray

PAIRS_TOGETHER = 128  # bounds the memory
READ_TOGETHER = 128  # windows, bounds the memory


@dataclass(frozen=True)
class Member:
    """A window of a multiplet: its row, and its correlation with and lag behind the template in samples."""

    multiplet: int
    row: int
    correlation: float
    lag: int
    is_template: bool


def find_multiplets(recording: xr.DataArray, explored: Explored) -> list[Member]:
    """Find multiplets of repeating earthquakes.

    Waveforms are whitened by the median spectrum of the windows of their station, so that persistent noise (ocean
    waves, machines) does not correlate them.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    explored : Explored
        Its windows.

    Returns
    -------
    list of Member
        The largest multiplet first; in each multiplet the template first.
    """
    members: list[list[tuple[int, float, int]]] = []
    for number in range(len(explored.sites)):
        members += _multiplets_at(recording, explored, number)
    members.sort(key=len, reverse=True)
    return [
        Member(multiplet, row, correlation, lag, place == 0)
        for multiplet, rows in enumerate(members)
        for place, (row, correlation, lag) in enumerate(rows)
    ]


def _multiplets_at(
    recording: xr.DataArray, explored: Explored, number: int
) -> list[list[tuple[int, float, int]]]:
    options = explored.options.multiplets
    rows = _candidates(explored, number, options)
    if len(rows) < 3:
        return []
    spectra = _whitened(recording, explored, number, rows)
    nearest, _ = nearest_windows(explored.points[rows], explored.points[rows], options.n_neighbours + 1)
    pairs = np.array(
        sorted({(min(a, b), max(a, b)) for a, near in enumerate(nearest) for b in near if a != b})
    )
    if not len(pairs):
        return []
    correlation, _ = _correlate(spectra, pairs)
    reversed_, _ = _correlate(spectra, pairs, time_reversed=True)
    null = float(np.percentile(reversed_, options.null_percentile))
    similar = pairs[correlation >= max(options.min_correlation, null)]
    return [_aligned(spectra, rows, group, options) for group in _connected(similar, len(rows))]


def _candidates(explored: Explored, number: int, options: MultipletOptions) -> IntArray:
    """Return the loudest windows of a site outside the most common class, in order of time."""
    rows = np.flatnonzero((explored.table.site == number) & (explored.labels != 0))
    n_candidates = options.max_candidates // len(explored.sites) + options.min_candidates_of_site
    loudest = np.argsort(-explored.level_db[rows], kind="stable")[:n_candidates]
    return np.sort(rows[loudest])


def _whitened(recording: xr.DataArray, explored: Explored, number: int, rows: IntArray) -> NDArray:
    """Return unit-energy spectra of the first live row of each window, whitened by their median."""
    first = explored.table.first[rows]
    parts = [first[start : start + READ_TOGETHER] for start in range(0, len(first), READ_TOGETHER)]
    spectra = np.concatenate([_spectra(recording, explored, number, part) for part in parts])
    median = np.median(np.abs(spectra), axis=0)
    spectra /= np.maximum(median, 1e-6 * median.max() + np.finfo(np.float32).tiny)
    weight = np.linalg.norm(spectra, axis=1, keepdims=True)
    return spectra / np.maximum(weight, np.finfo(np.float32).tiny)


def _spectra(recording: xr.DataArray, explored: Explored, number: int, first: IntArray) -> NDArray:
    """Return the spectra of windows, each of unit energy, so that loud windows do not dominate the median."""
    from scipy.fft import rfft

    site, windows = explored.sites[number], explored.options.windows
    batch = read_windows(recording, site, number, explored.grid, first, windows)
    traces = batch.samples[np.arange(len(first)), batch.live.argmax(axis=1)]
    traces = traces / np.maximum(np.linalg.norm(traces, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return rfft(traces * np.hanning(traces.shape[1]).astype(np.float32), 2 * traces.shape[1], axis=1)


def _correlate(
    spectra: NDArray, pairs: IntArray, *, time_reversed: bool = False
) -> tuple[Float32Array, IntArray]:
    """Return the highest correlation of pairs of rows within half a window, and its lag."""
    from scipy.fft import irfft

    n_samples = 2 * (spectra.shape[1] - 1)
    reach = n_samples // 8
    best, lags = [], []
    for start in range(0, len(pairs), PAIRS_TOGETHER):
        a, b = spectra[pairs[start : start + PAIRS_TOGETHER].T]
        correlation = irfft(a * (b if time_reversed else b.conj()), n_samples, axis=1) * (n_samples / 2)
        near = np.concatenate([correlation[:, -reach:], correlation[:, : reach + 1]], axis=1)
        place = near.argmax(axis=1)
        best.append(near[np.arange(len(near)), place])
        lags.append(place - reach)
    return np.concatenate(best), np.concatenate(lags)


def _connected(pairs: IntArray, n_rows: int) -> list[IntArray]:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not len(pairs):
        return []
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n_rows, n_rows))
    _, component = connected_components(graph, directed=False)
    return [np.flatnonzero(component == k) for k in np.flatnonzero(np.bincount(component) >= 2)]


def _aligned(
    spectra: NDArray, rows: IntArray, group: IntArray, options: MultipletOptions
) -> list[tuple[int, float, int]]:
    """Take the member with the highest mean correlation as template, and align the others with it."""
    some = group[: options.max_template_candidates]
    pairs = np.stack(np.meshgrid(some, some, indexing="ij"), axis=-1).reshape(-1, 2)
    matrix = _correlate(spectra, pairs)[0].reshape(len(some), len(some))
    template = int(some[matrix.sum(axis=1).argmax()])
    correlation, lag = _correlate(spectra, np.column_stack([group, np.full(len(group), template)]))
    others = [
        (int(rows[k]), float(c), int(shift))
        for k, c, shift in zip(group, correlation, lag, strict=True)
        if k != template
    ]
    return [(int(rows[template]), 1.0, 0), *sorted(others, key=lambda member: -member[1])]
