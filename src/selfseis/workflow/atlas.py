"""Arrays of the atlas: windows, tree, spectra, examples and gaps."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.explore import Explored
from selfseis.explore.clustering import UNASSIGNED, Dendrogram
from selfseis.explore.explored import nearest_windows
from selfseis.explore.windows import Grid, read_windows
from selfseis.recording import sample_times
from selfseis.typing import Float32Array, IntArray

Arrays = dict[str, NDArray[Any]]

NEAREST, RANDOM, FARTHEST, NOVEL = range(4)
# What the page shows, and its size.
N_PER_KIND = 6  # examples per class
N_MOST_NOVEL = 40
MAX_EXAMPLES = 400
MAX_SAMPLES = 1024
MAX_ROWS = 8
MAX_CELLS = 64  # frequencies and times of a spectrogram
PERCENTILES = (10, 50, 90)
MANY_WINDOWS = 60_000
N_SIMILAR, N_SIMILAR_OF_MANY = 8, 4


def atlas_arrays(recording: xr.DataArray, explored: Explored, seed: int) -> Arrays:
    """Return all arrays that the atlas page shows.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    explored : Explored
        The explored windows of the recording.
    seed : int
        Seed of the random examples.
    """
    tree = Dendrogram.build(explored.points, explored.labels, seed, explored.options.tree)
    density = explored.density_db()
    return {
        **_window_arrays(recording, explored, tree),
        "linkage": tree.linkage,
        "leaf_size": np.bincount(tree.leaf[tree.leaf >= 0], minlength=len(tree.leaf_class)).astype(np.int32),
        "leaf_class": tree.leaf_class,
        "cut": np.array(tree.cut, np.float64),
        "frequency_hz": explored.frequency_hz,
        "leaf_spectrum_db": _percentiles(density, tree.leaf, len(tree.leaf_class)),
        "background_db": _backgrounds(density, explored.table.site, len(explored.sites)),
        **_examples(recording, explored, tree, seed),
        **_gaps(recording, explored),
    }


def _percentiles(density_db: Float32Array, group: NDArray, n_groups: int) -> Float32Array:
    """Return percentiles over the windows of each group, shape (n_groups, 3, n_bands)."""
    return np.array(
        [np.percentile(density_db[group == k], PERCENTILES, axis=0) for k in range(n_groups)], np.float32
    ).reshape(n_groups, len(PERCENTILES), density_db.shape[1])


def _backgrounds(density_db: Float32Array, site: NDArray[np.int16], n_sites: int) -> Float32Array:
    """Return the median density of each site; NaN where it has no window."""
    empty = np.full(density_db.shape[1], np.nan, np.float32)
    return np.array(
        [np.median(density_db[site == k], axis=0) if (site == k).any() else empty for k in range(n_sites)],
        np.float32,
    )


def _window_arrays(recording: xr.DataArray, explored: Explored, tree: Dendrogram) -> Arrays:
    many = len(explored.labels) > MANY_WINDOWS
    rows, distance = _neighbours(explored, N_SIMILAR_OF_MANY if many else N_SIMILAR)
    return {
        "station_names": np.array([site.name for site in explored.sites]),
        "station": explored.table.site,
        "start_ns": sample_times(recording, explored.table.first).astype("datetime64[ns]").astype(np.int64),
        "class": explored.labels,
        "leaf": tree.leaf,
        "novelty": explored.novelty,
        "map": explored.points[:, :2],
        "level_db": explored.level_db,
        "neighbours": rows,
        "neighbour_distance": distance,
    }


def _neighbours(explored: Explored, n_neighbours: int) -> tuple[NDArray[np.int32], Float32Array]:
    """Return the most similar windows of each window, itself excluded; -1 if there are fewer."""
    n = len(explored.labels)
    found, distance = nearest_windows(explored.points, explored.points, n_neighbours + 1)
    itself = found == np.arange(n)[:, None]
    itself[~itself.any(axis=1), -1] = True
    rows = np.full((n, n_neighbours), -1, np.int32)
    apart = np.full((n, n_neighbours), np.nan, np.float32)
    rows[:, : found.shape[1] - 1] = found[~itself].reshape(n, -1)
    apart[:, : found.shape[1] - 1] = distance[~itself].reshape(n, -1)
    return rows, apart


def _choose_examples(explored: Explored, tree: Dendrogram, seed: int) -> tuple[IntArray, NDArray[np.int8]]:
    """Choose examples: rows and kinds."""
    rng = np.random.default_rng(seed)
    chosen: list[tuple[int, int]] = []
    for name in np.unique(explored.labels):
        mine = np.flatnonzero(explored.labels == name)
        centre = np.median(explored.points[mine], axis=0)
        by_distance = mine[np.argsort(np.linalg.norm(explored.points[mine] - centre, axis=1), kind="stable")]
        if name != UNASSIGNED:
            chosen += [(row, NEAREST) for row in by_distance[:N_PER_KIND]]
            chosen += [(row, FARTHEST) for row in by_distance[::-1][:N_PER_KIND]]
        chosen += [(row, RANDOM) for row in rng.choice(mine, min(N_PER_KIND, len(mine)), replace=False)]
    for leaf, centre in enumerate(tree.centres):
        mine = np.flatnonzero(tree.leaf == leaf)
        nearest = mine[np.linalg.norm(explored.points[mine] - centre, axis=1).argmin()]
        chosen += [(nearest, NEAREST), (rng.choice(mine), RANDOM)]
    chosen += [(row, NOVEL) for row in np.argsort(-explored.novelty, kind="stable")[:N_MOST_NOVEL]]
    unique = list(dict.fromkeys((int(row), kind) for row, kind in chosen))
    if len(unique) > MAX_EXAMPLES:
        unique = [unique[k] for k in np.linspace(0, len(unique) - 1, MAX_EXAMPLES).round().astype(int)]
    rows, kinds = zip(*unique, strict=True)
    return np.array(rows, np.int64), np.array(kinds, np.int8)


def _examples(recording: xr.DataArray, explored: Explored, tree: Dendrogram, seed: int) -> Arrays:
    rows, kinds = _choose_examples(explored, tree, seed)
    grid = explored.grid
    n_rows = min(MAX_ROWS, max(len(site.rows) for site in explored.sites))
    n_shown = min(MAX_SAMPLES, grid.length)
    waveforms = np.full((len(rows), n_rows, n_shown), np.nan, np.float32)
    components = np.full((len(rows), n_rows), "", dtype="<U16")
    frequency, times = _spectrogram_axes(grid)
    spectrograms = np.full((len(rows), len(frequency), len(times)), np.nan, np.float32)
    for place, row in enumerate(rows):
        number = int(explored.table.site[row])
        site = explored.sites[number]
        first = explored.table.first[[row]]
        batch = read_windows(recording, site, number, grid, first, explored.options.windows)
        core = np.where(batch.present, batch.samples, np.nan)[0, :, grid.halo : grid.halo + grid.length]
        shown = np.unique(np.linspace(0, len(site.rows) - 1, min(n_rows, len(site.rows))).round().astype(int))
        waveforms[place, : len(shown)] = _decimate(core[shown], n_shown)
        components[place, : len(shown)] = np.array(site.labels)[shown]
        spectrograms[place] = _spectrogram(
            batch.samples[0, int(batch.live[0].argmax())], grid, len(frequency), len(times)
        )
    return {
        "example_window": rows.astype(np.int32),
        "example_class": explored.labels[rows],
        "example_leaf": tree.leaf[rows],
        "example_kind": kinds,
        "example_waveform": waveforms,
        "example_component": components,
        "example_seconds": np.array(grid.seconds, np.float32),
        "spectrogram_hz": frequency,
        "spectrogram_s": times,
        "example_spectrogram": spectrograms,
    }


def _decimate(data: NDArray, n_shown: int) -> Float32Array:
    """Keep the minimum and the maximum of consecutive bins in turn, so that peaks remain."""
    n_samples = data.shape[1]
    if n_samples <= n_shown:
        return data.astype(np.float32)
    edges = np.linspace(0, n_samples, n_shown + 1).astype(int)[:-1]
    filled = np.nan_to_num(data)
    minimum, maximum = (extreme.reduceat(filled, edges, axis=1) for extreme in (np.minimum, np.maximum))
    shown = np.where(np.arange(n_shown) % 2, minimum, maximum)
    return np.where(np.isnan(data[:, edges]), np.nan, shown).astype(np.float32)


def _spectrogram_axes(grid: Grid) -> tuple[Float32Array, Float32Array]:
    n_cells = min(MAX_CELLS, max(4, grid.length // 8))
    frequency = (np.arange(n_cells) + 0.5) * grid.rate / 2 / n_cells
    times = (np.arange(n_cells) + 0.5) * grid.seconds / n_cells
    return frequency.astype(np.float32), times.astype(np.float32)


def _spectrogram(trace: NDArray, grid: Grid, n_frequencies: int, n_times: int) -> Float32Array:
    """Return the power spectral density around each time, dB re (units)^2/Hz, shape (n_frequencies, n_times)."""
    width = 2 * n_frequencies
    centres = grid.halo + ((np.arange(n_times) + 0.5) * grid.length / n_times).astype(int)
    first = np.clip(centres - width // 2, 0, len(trace) - width)
    taper = np.hanning(width)
    pieces = trace[first[:, None] + np.arange(width)] * taper
    power = np.abs(np.fft.rfft(pieces, axis=1)[:, 1:]) ** 2 * 2 / (grid.rate * np.sum(taper**2))
    return (10 * np.log10(np.maximum(power.T, np.finfo(np.float32).tiny))).astype(np.float32)


def _gaps(recording: xr.DataArray, explored: Explored) -> Arrays:
    """Merge consecutive windows without data."""
    order = np.lexsort((explored.gaps.first, explored.gaps.site))
    site, first = explored.gaps.site[order], explored.gaps.first[order]
    begins = np.ones(len(first), bool)
    begins[1:] = (site[1:] != site[:-1]) | (first[1:] != first[:-1] + explored.grid.length)
    ends = np.append(begins[1:], True)[: len(first)]
    start = sample_times(recording, first[begins]).astype("datetime64[ns]").astype(np.int64)
    end = (
        sample_times(recording, first[ends] + explored.grid.length).astype("datetime64[ns]").astype(np.int64)
    )
    return {"gap_station": site[begins], "gap_start_ns": start, "gap_end_ns": end}
