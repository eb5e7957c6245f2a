"""Coverage of a recording: the spans with data, so that long empty spans are not read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import xarray as xr

from selfseis.recording.tiling import Tile, tiles
from selfseis.recording.time_axis import grid_of
from selfseis.typing import IntArray

COVERAGE, SEGMENTS = "coverage", "segments"


def set_coverage(recording: xr.DataArray, first_ns: npt.ArrayLike, last_ns: npt.ArrayLike) -> None:
    """Store the spans of time outside which a recording is empty.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording; its encoding keeps the spans, also after slicing.
    first_ns, last_ns : array_like of int
        Start and end of the segments of all channels, in ns since 1970; they may overlap.
    """
    first, last = np.asarray(first_ns, np.int64), np.asarray(last_ns, np.int64)
    order = np.argsort(first, kind="stable")
    first, reach = first[order], np.maximum.accumulate(last[order])
    begins = np.concatenate([[True], first[1:] > reach[:-1]])
    ends = np.concatenate([begins[1:], [True]])
    recording.encoding[COVERAGE] = np.stack([first[begins], reach[ends]], axis=1)
    recording.encoding[SEGMENTS] = np.stack([first, last[order]], axis=1)


def segments_until(recording: xr.DataArray, n_samples: int) -> IntArray:
    """Return start and end (ns since 1970) of the segments within the first samples of a recording, in order.

    If two openings of a folder give equal results, they contain the same segments up to that sample.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording. Without stored segments it counts as a single one.
    n_samples : int
        Number of samples.

    Returns
    -------
    ndarray of int, shape (n_segments, 2)
    """
    grid = grid_of(recording)
    begin, end = int(grid.at(0)), int(grid.at(n_samples))
    segments = recording.encoding.get(SEGMENTS)
    if segments is None:
        segments = np.array([[begin, end]])
    cut = np.clip(segments[(segments[:, 0] < end) & (segments[:, 1] > begin)], begin, end)
    return cut[np.lexsort((cut[:, 1], cut[:, 0]))]


def stretches(recording: xr.DataArray, *, join: int = 0) -> list[tuple[int, int]]:
    """List the spans of a recording that may hold data, as first sample and the one after the last.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording. Without stored coverage it counts as a single span.
    join : int
        Spans separated by at most this number of samples are joined.

    Returns
    -------
    list of (int, int)
    """
    n_samples = recording.sizes["time"]
    spans = recording.encoding.get(COVERAGE)
    if spans is None or n_samples == 0:
        return [(0, n_samples)] if n_samples else []
    grid = grid_of(recording)
    found: list[tuple[int, int]] = []
    for start, end in spans:
        first, last = max(0, int(grid.nearest(start))), min(n_samples, int(grid.nearest(end)) + 1)
        if first >= last:
            continue
        if found and first - found[-1][1] <= join:
            found[-1] = found[-1][0], max(last, found[-1][1])
        else:
            found.append((first, last))
    return found


def joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join spans, each as first sample and end, that overlap or follow each other; the result is in order."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1]:
            found[-1] = found[-1][0], max(last, found[-1][1])
        else:
            found.append((first, last))
    return found


def covered_tiles(
    recording: xr.DataArray, core_samples: int, halo: int = 0, *, align: int = 1
) -> Iterator[Tile]:
    """Cut the spans of a recording that hold data into tiles.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    core_samples : int
        Core samples of a tile, a multiple of `align`.
    halo : int
        Samples of context on either side of the core.
    align : int
        Cores begin on multiples of this many samples.

    Yields
    ------
    Tile
        In order of time; its `first` counts from the start of the recording.
    """
    for first, last in stretches(recording, join=core_samples):
        begin = first // align * align
        for start in range(begin, last, core_samples):
            end = min(start + core_samples, last)
            part = recording.isel(time=slice(max(0, start - halo), min(recording.sizes["time"], end + halo)))
            yield _tile(part, start, end - start, halo, max(0, halo - start))


def _tile(part: xr.DataArray, first: int, n_core: int, halo: int, before: int) -> Tile:
    (whole,) = tiles(part, max(part.sizes["time"], 1))
    data = np.full((len(whole.data), n_core + 2 * halo), np.nan, np.float32)
    data[:, before : before + whole.data.shape[1]] = whole.data
    return Tile(data, first, n_core, halo)
