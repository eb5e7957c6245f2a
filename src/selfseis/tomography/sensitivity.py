"""Sparse sensitivity of travel times to cells, hypocentres, origin times and station delays."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from selfseis.tomography.grid import CellGrid
from selfseis.traveltimes.first_arrivals import Rays
from selfseis.traveltimes.ray_paths import Geometry, PathTable, Points
from selfseis.typing import FloatArray, IntArray

Progress = Callable[[float, float], None]
CHUNK = 20_000  # arrivals at a time, so that their points fit into memory


def sensitivities(
    grid: CellGrid, chunks: Iterator[Points], n_rows: int, scale: float, progress: Progress | None = None
) -> sparse.csr_array:
    """Sum the travel times of rays in each cell.

    Parameters
    ----------
    grid : CellGrid
    chunks : iterator of Points
        Rows ascending from chunk to chunk.
    n_rows : int
        Number of arrivals.
    scale : float
        Share of the velocity per unit of the model; 0.01 for models in percent.
    progress : callable, optional

    Returns
    -------
    sparse array of float32, shape (n_rows, n_cells)
        Change of the travel time in s per unit of the model; negative, because a fast cell makes a wave early.
    """
    parts, done = [], 0
    for points in chunks:
        cell = grid.find(points.latitude, points.longitude, points.depth_km)
        inside = cell >= 0
        row, cell, seconds = points.row[inside], cell[inside], points.seconds[inside]
        end = int(points.row.max()) + 1 if points.row.size else done
        first = np.flatnonzero(np.append(True, (np.diff(row) != 0) | (np.diff(cell) != 0)))[: row.size]
        spent = np.add.reduceat(seconds, first) if row.size else seconds
        places = (row[first] - done, cell[first])
        part = sparse.coo_array((-scale * spent, places), (end - done, grid.n_cells), dtype=np.float32)
        parts.append(sparse.csr_array(part))
        done = end
        if progress is not None:
            progress(float(done), float(n_rows))
    parts.append(sparse.csr_array((n_rows - done, grid.n_cells), dtype=np.float32))
    return sparse.csr_array(sparse.vstack(parts, format="csr"))


def table_points(paths: PathTable, rays: Rays, geometry: Geometry, step_s: float) -> Iterator[Points]:
    """Yield the points of rays of a table, a few thousand arrivals at a time."""
    n = rays.number.size
    for start in range(0, n, CHUNK):
        rows = np.arange(start, min(start + CHUNK, n))
        some = Rays(rays.number[rows], rays.leaves_upwards[rows], rays.time[rows])
        points = paths.points(some, geometry.take(rows), step_s)
        yield Points(points.row + start, points.latitude, points.longitude, points.depth_km, points.seconds)


def event_terms(event: IntArray, slowness: FloatArray, azimuth: FloatArray) -> sparse.csr_array:
    """Return the columns of origin time and hypocentre of each event.

    Parameters
    ----------
    event : ndarray of int, shape (n_rows,)
        Number of the event.
    slowness : ndarray, shape (n_rows, 2)
        Horizontal and downward slowness at the source in s/km.
    azimuth : ndarray, shape (n_rows,)
        From the source to the station in radians.

    Returns
    -------
    sparse array, shape (n_rows, 4 * n_events)
        For each event: origin time (s later), then the source moved east, north and down (km).
    """
    n_rows, n_events = event.size, int(event.max()) + 1
    values = np.stack(
        [
            np.ones(n_rows),
            -slowness[:, 0] * np.sin(azimuth),
            -slowness[:, 0] * np.cos(azimuth),
            slowness[:, 1],
        ],
        axis=1,
    )
    columns = 4 * event[:, None] + np.arange(4)
    rows = np.repeat(np.arange(n_rows), 4)
    return sparse.csr_array((values.ravel(), (rows, columns.ravel())), (n_rows, 4 * n_events))


def station_terms(station: IntArray, n_stations: int) -> sparse.csr_array:
    """Return the columns of the delay of each station; shape (n_rows, n_stations)."""
    n_rows = station.size
    return sparse.csr_array((np.ones(n_rows), (np.arange(n_rows), station)), (n_rows, n_stations))


def numbered(names: pd.Series) -> tuple[IntArray, NDArray[np.str_]]:
    """Return the index of each name among the sorted unique names, and these names."""
    unique, number = np.unique(names.to_numpy(str), return_inverse=True)
    return number.astype(np.int64), unique
