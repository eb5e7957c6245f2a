"""Forward problem: travel times in the reference earth and their sensitivity to the structure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from selfseis.geo.earth_models import VelocityModel1D
from selfseis.geo.phases import Wave, wave_of
from selfseis.geo.sphere import EARTH_RADIUS_KM, towards
from selfseis.tomography.grid import CellGrid
from selfseis.tomography.options import RayOptions
from selfseis.tomography.sensitivity import Progress, sensitivities, table_points
from selfseis.traveltimes.ellipticity import ellipticity_s
from selfseis.traveltimes.first_arrivals import find_rays
from selfseis.traveltimes.ray_paths import Geometry, PathTable, elevation_s, source_slowness
from selfseis.traveltimes.ray_table import RayTable
from selfseis.typing import BoolArray, FloatArray, IntArray

PERCENT = 0.01  # models are in percent of velocity


@dataclass(frozen=True)
class Traced:
    """Arrivals with their rays.

    Attributes
    ----------
    arrivals : pandas.DataFrame
        Those that have a ray, numbered from 0.
    predicted : ndarray, shape (n,)
        Travel times in s in the reference, ellipticity and elevation included.
    operator : sparse array, shape (n, n_fields * n_cells)
        Seconds per percent of velocity; fields in the order of `waves`.
    waves : tuple of str
        "P", "S" or both.
    slowness : ndarray, shape (n, 2)
        Horizontal and downward at the source in s/km.
    azimuth : ndarray, shape (n,)
        From the source to the station in radians.
    distance_deg : ndarray, shape (n,)
    """

    arrivals: pd.DataFrame
    predicted: FloatArray
    operator: sparse.csr_array
    waves: tuple[Wave, ...]
    slowness: FloatArray
    azimuth: FloatArray
    distance_deg: FloatArray

    @property
    def residual(self) -> FloatArray:
        """Observed minus predicted, in s."""
        return self.arrivals["travel_time_s"].to_numpy(float) - self.predicted

    @property
    def is_s(self) -> BoolArray:
        """Mask of the S arrivals."""
        return self.arrivals["phase"].str.startswith("S").to_numpy(bool)

    def take(self, keep: BoolArray) -> Traced:
        """Return selected arrivals."""
        rows = np.flatnonzero(keep)
        return Traced(
            self.arrivals[keep].reset_index(drop=True), self.predicted[keep], self.operator[rows], self.waves,
            self.slowness[keep], self.azimuth[keep], self.distance_deg[keep],
        )  # fmt: skip

    def ray_count(self, wave: Wave) -> IntArray:
        """Return the number of rays of a wave through each cell."""
        n_cells = self.operator.shape[1] // len(self.waves)
        first = self.waves.index(wave) * n_cells
        counted = np.bincount(self.operator.indices, minlength=self.operator.shape[1])
        return counted[first : first + n_cells]


def time_step_s(
    grid: CellGrid, reference: VelocityModel1D, wave: Wave, options: RayOptions = RayOptions()
) -> float:
    """Return the maximum time step along a ray in s, such that rays skip no cell.

    Very thin layers do not shorten it: rays are steep there. Velocities may exceed the reference by a quarter.
    """
    side = np.radians(np.diff(grid.latitude_edges).min()) * EARTH_RADIUS_KM
    thin = float(np.diff(grid.depth_edges).min())
    fastest = float(reference.velocity(wave).max())
    return options.max_step * max(min(side, 2 * thin), 0.2 * side) / (0.8 * fastest)


def trace(
    arrivals: pd.DataFrame,
    reference: VelocityModel1D,
    grid: CellGrid,
    *,
    options: RayOptions = RayOptions(),
    progress: Progress | None = None,
) -> Traced:
    """Trace the rays of arrivals through the reference.

    Parameters
    ----------
    arrivals : pandas.DataFrame
        Screened.
    reference : VelocityModel1D
    grid : CellGrid
    options : RayOptions
        Segments of the rays.
    progress : callable, optional

    Returns
    -------
    Traced
        Arrivals whose phase has no ray at their distance are left out.
    """
    phases = arrivals["phase"].to_numpy(str)
    waves = tuple(sorted({wave_of(phase) for phase in phases}))
    geometry = Geometry.of(arrivals)
    n = len(arrivals)
    predicted, slowness = np.full(n, np.nan), np.zeros((n, 2))
    blocks: list[sparse.csr_array] = []
    rows_of: list[IntArray] = []
    for field, wave in enumerate(waves):
        rows = np.flatnonzero(np.array([wave_of(phase) == wave for phase in phases]))
        part = geometry.take(rows)
        table = RayTable.of(reference, wave, options.table)
        rays = find_rays(table, part.depth_km, part.distance, phases[rows])
        corrections = ellipticity_s(table, rays, part) + elevation_s(table, rays, part.elevation_km)
        predicted[rows] = rays.time + corrections
        slowness[rows] = np.stack(source_slowness(table, rays, part.depth_km), axis=1)
        step = time_step_s(grid, reference, wave, options)
        chunks = table_points(PathTable(table), rays, part, step)
        block = sensitivities(grid, chunks, rows.size, PERCENT, progress)
        blocks.append(shifted(block, field, len(waves)))
        rows_of.append(rows)
    operator = sparse.csr_array(sparse.vstack(blocks, format="csr"))
    back = np.argsort(np.concatenate(rows_of), kind="stable")
    operator = operator if len(waves) == 1 else operator[back]
    azimuth = azimuths(geometry)
    traced = Traced(arrivals, predicted, operator, waves, slowness, azimuth, np.degrees(geometry.distance))
    keep = np.isfinite(predicted)
    return traced if keep.all() else traced.take(keep)


def shifted(block: sparse.csr_array, field: int, n_fields: int) -> sparse.csr_array:
    """Shift the columns of one field to their position among all fields."""
    n_cells = block.shape[1]
    return sparse.csr_array(
        (block.data, block.indices + field * n_cells, block.indptr), (block.shape[0], n_fields * n_cells)
    )


def azimuths(geometry: Geometry) -> FloatArray:
    """Return azimuths from the sources to the stations in radians."""
    tangent = towards(geometry.source, geometry.receiver)
    north = np.array([0.0, 0.0, 1.0]) - geometry.source * geometry.source[:, 2:]
    east = np.cross(np.array([0.0, 0.0, 1.0]), geometry.source)
    return np.arctan2(np.sum(tangent * east, axis=1), np.sum(tangent * north, axis=1))
