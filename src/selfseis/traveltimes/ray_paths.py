"""Ray paths as points, and slownesses at the ends of rays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfseis.geo.sphere import EARTH_RADIUS_KM, angles_between, coordinates, towards, unit_vectors
from selfseis.traveltimes.first_arrivals import Rays
from selfseis.traveltimes.ray_table import RayTable
from selfseis.typing import FloatArray, IntArray


@dataclass(frozen=True)
class Geometry:
    """Sources and receivers of arrivals.

    Attributes
    ----------
    source, receiver : ndarray, shape (n, 3)
        Geocentric unit vectors.
    depth_km, elevation_km : ndarray, shape (n,)
        Depths of the sources and elevations of the receivers in km.
    """

    source: FloatArray
    receiver: FloatArray
    depth_km: FloatArray
    elevation_km: FloatArray

    @classmethod
    def of(cls, arrivals) -> Geometry:  # type: ignore[no-untyped-def]
        """Return the geometry of a table of arrivals."""
        return cls(
            unit_vectors(arrivals["event_latitude"], arrivals["event_longitude"]),
            unit_vectors(arrivals["station_latitude"], arrivals["station_longitude"]),
            arrivals["event_depth_km"].to_numpy(float),
            arrivals["station_elevation_m"].to_numpy(float) / 1000,
        )

    @property
    def distance(self) -> FloatArray:
        """Return the epicentral distances in radians."""
        return angles_between(self.source, self.receiver)

    def take(self, rows: IntArray) -> Geometry:
        """Return the geometry of some of the arrivals."""
        return Geometry(self.source[rows], self.receiver[rows], self.depth_km[rows], self.elevation_km[rows])


@dataclass(frozen=True)
class Points:
    """Segments of rays, each represented by its midpoint.

    Attributes
    ----------
    row : ndarray of int, shape (n_points,)
        Number of the arrival.
    latitude, longitude, depth_km : ndarray, shape (n_points,)
        Midpoints, in degrees and km.
    seconds : ndarray, shape (n_points,)
        Travel time within the segment in s.
    """

    row: IntArray
    latitude: FloatArray
    longitude: FloatArray
    depth_km: FloatArray
    seconds: FloatArray


class PathTable:
    """Half rays as curves evenly spaced in time. Any ray consists of parts of them.

    Parameters
    ----------
    table : RayTable
        The table of rays.
    """

    def __init__(self, table: RayTable) -> None:
        self.table = table
        n_rays, n_points = len(table.p), table.options.n_curve_points
        self.seconds = table.time[:, -1] / (n_points - 1)
        self.angle = np.zeros((n_rays, n_points), np.float32)
        self.radius = np.zeros((n_rays, n_points), np.float32)
        for ray in np.flatnonzero(np.isfinite(self.seconds)):
            known = np.isfinite(table.time[ray])
            times = np.concatenate([[0.0], table.time[ray][known]])
            at = np.linspace(0.0, times[-1], n_points)
            self.angle[ray] = np.interp(at, times, np.concatenate([[0.0], table.angle[ray][known]]))
            self.radius[ray] = np.interp(
                at, times, np.concatenate([[table.bottom[ray]], table.radius[known]])
            )

    def points(self, rays: Rays, geometry: Geometry, step_s: float) -> Points:
        """Divide rays into segments of about equal time.

        Parameters
        ----------
        rays : Rays
            Arrivals without a ray have no points.
        geometry : Geometry
            Sources and receivers of the arrivals.
        step_s : float
            Largest travel time of a segment in s.
        """
        rows = np.flatnonzero(rays.number >= 0)
        number, upwards = rays.number[rows], rays.leaves_upwards[rows]
        source_angle, source_time = self._at_source(number, geometry.depth_km[rows])
        end_angle = self.table.angle[number, -1]
        end_time = self.table.time[number, -1]
        ray_distance = np.where(upwards, end_angle - source_angle, end_angle + source_angle)
        stretch = np.divide(
            geometry.distance[rows], ray_distance, out=np.ones(rows.size), where=ray_distance > 1e-6
        ).clip(0.5, 2.0)
        # The ray of the table ends near the station, not at it; the time is that at the station.
        ray_time = np.where(upwards, end_time - source_time, end_time + source_time)
        pace = np.divide(rays.time[rows], ray_time, out=np.ones(rows.size), where=ray_time > 1e-6)
        # Segments from the source to the lowest point, with decreasing angles, then those up to the surface.
        legs = [
            (rows[~upwards], ~upwards, np.zeros(rows.size), source_time, -1.0),
            (rows, np.ones(rows.size, bool), np.where(upwards, source_time, 0.0), end_time, 1.0),
        ]
        found: list[tuple[NDArray, ...]] = []
        for _, has, begin, end, sign in legs:
            use = np.flatnonzero(has & (end - begin > 1e-6))
            count = np.ceil((end[use] - begin[use]) / step_s).astype(int).clip(min=1)
            piece = np.repeat(use, count)
            order = np.arange(piece.size) - np.repeat(np.cumsum(count) - count, count)
            seconds = np.repeat((end[use] - begin[use]) / count, count)
            angle, radius = self._on_curve(number[piece], begin[piece] + (order + 0.5) * seconds)
            start = np.where(upwards[piece], -source_angle[piece], source_angle[piece])
            found.append((piece, (start + sign * angle) * stretch[piece], EARTH_RADIUS_KM - radius, seconds))
        piece, along, depth, seconds = (np.concatenate(parts) for parts in zip(*found, strict=True))
        source = geometry.source[rows][piece]
        tangent = towards(geometry.source[rows], geometry.receiver[rows])[piece]
        latitude, longitude = coordinates(source * np.cos(along)[:, None] + tangent * np.sin(along)[:, None])
        return Points(rows[piece], latitude, longitude, depth, seconds * pace[piece])

    def _on_curve(self, number: NDArray, time: FloatArray) -> tuple[FloatArray, FloatArray]:
        place = (time / self.seconds[number]).clip(0, self.angle.shape[1] - 1.001)
        below = place.astype(int)
        share = place - below
        return (
            self.angle[number, below] * (1 - share) + self.angle[number, below + 1] * share,
            self.radius[number, below] * (1 - share) + self.radius[number, below + 1] * share,
        )

    def _at_source(self, number: NDArray, depth_km: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return angle and time of half rays at the depths of their sources."""
        angle, time = np.zeros(number.size), np.zeros(number.size)
        depths, group = np.unique(np.round(depth_km.clip(min=0.0), 1), return_inverse=True)
        order = np.argsort(group, kind="stable")
        starts = np.searchsorted(group[order], np.arange(len(depths) + 1))
        for g, depth in enumerate(depths):
            some = order[starts[g] : starts[g + 1]]
            angles, times = self.table.up_to(EARTH_RADIUS_KM - depth)
            # The ray of the rounded depth may turn a few metres above the source. It then leaves horizontally.
            angle[some], time[some] = np.nan_to_num(angles[number[some]]), np.nan_to_num(times[number[some]])
        return angle, time


def elevation_s(table: RayTable, rays: Rays, elevation_km: FloatArray) -> FloatArray:
    """Return the time in s from sea level up to the stations along the rays; 0 without a ray."""
    return elevation_slowness(table, rays) * elevation_km


def elevation_slowness(table: RayTable, rays: Rays) -> FloatArray:
    """Return the vertical slowness at the surface in s/km; 0 without a ray."""
    p = np.where(rays.number >= 0, table.p[rays.number], np.inf)
    squared = (table.eta[-1] ** 2 - p**2).clip(min=0.0)
    return np.sqrt(squared) / EARTH_RADIUS_KM


def source_slowness(table: RayTable, rays: Rays, depth_km: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the horizontal and downward slowness at the source in s/km, the time derivatives by source position.

    Returns
    -------
    horizontal, downward : ndarray, shape (n,)
        For a source nearer by 1 km the time is `horizontal` smaller. For a source deeper by 1 km it is `downward`
        larger.
    """
    radius = EARTH_RADIUS_KM - depth_km.clip(min=0.0)
    velocity = table.reference.at(depth_km.clip(min=0.0), table.wave)
    p = np.where(rays.number >= 0, table.p[rays.number], 0.0) / radius
    vertical = np.sqrt((velocity**-2.0 - p**2).clip(min=0.0))
    return p, np.where(rays.leaves_upwards, vertical, -vertical) * (rays.number >= 0)
