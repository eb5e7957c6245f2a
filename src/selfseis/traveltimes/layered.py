"""First arrivals in a one-dimensional velocity model.

In thin flat layers of slowness u the least time between two depths at the distance x is that of the direct ray,

    x(p) = sum h p / sqrt(u^2 - p^2),   t(p) = p x + tau(p),   tau(p) = sum h sqrt(u^2 - p^2),

summed over the layers of thickness h between the two, or that of a head wave: down to a layer that is faster than all
above, along its top with p = u, and up again,

    t = p x + tau(p),   from the distance x(p) on,

with the sums over all layers passed, those passed twice counted twice. Thin layers make head waves of gradients into
turning rays. Low-velocity layers need no care: a layer that is not the fastest so far has no head wave. A fast layer
above both is the same upside down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from selfseis.catalogue.records import PHASES
from selfseis.geo.earth_models import VelocityModel1D
from selfseis.typing import FloatArray, IndexArray

N_DISTANCES, N_DEPTHS, N_LAYERS, N_RAYS = 240, 90, 300, 200
STRETCH = 1.6  # distances are denser near the station, where times are bent most


def first_arrivals(
    velocity: VelocityModel1D, phase: str, station_km: float, depths: FloatArray, distances: FloatArray
) -> FloatArray:
    """Travel times of first arrivals.

    Parameters
    ----------
    velocity : VelocityModel1D
        The model.
    phase : {"P", "S"}
        Which velocity.
    station_km : float
        Depth of the station in km below sea level; negative above.
    depths : ndarray, shape (n_depths,)
        Depths of sources in km.
    distances : ndarray, shape (n_distances,)
        Horizontal distances in km, ascending.

    Returns
    -------
    ndarray, shape (n_distances, n_depths)
        In s.
    """
    edges = _edges(velocity, station_km, depths, float(distances[-1]))
    slowness = 1 / velocity.at((edges[1:] + edges[:-1]) / 2, phase)
    receiver = int(np.searchsorted(edges, station_km))
    sources = np.searchsorted(edges, depths)
    turned = edges[-1] - edges[::-1]
    last = len(edges) - 1
    downwards = _head_waves(np.diff(edges), slowness, receiver, sources, distances)
    upwards = _head_waves(np.diff(turned), slowness[::-1], last - receiver, last - sources, distances)
    direct = [_direct(np.diff(edges), slowness, receiver, int(source), distances) for source in sources]
    return np.minimum(np.minimum(downwards, upwards), np.array(direct)).T


def _edges(velocity: VelocityModel1D, station_km: float, depths: FloatArray, reach: float) -> FloatArray:
    """Tops of thin layers: about even steps, and the depths of the model, of the station and of the sources."""
    shallow = min(station_km, float(depths.min()))
    inside = velocity.depth_km[velocity.depth_km > shallow]
    deep = max(float(depths.max()), station_km, min(float(velocity.depth_km[-1]), shallow + max(reach, 1.0)))
    step = (deep - shallow) / N_LAYERS or 1.0
    even = np.linspace(shallow, deep, N_LAYERS)
    keep = np.concatenate([inside[inside <= deep], depths, [station_km]])
    far = even[np.min(np.abs(even[:, None] - keep[None, :]), axis=1) > step / 4]
    return np.unique(np.concatenate([keep, far, [deep + step]]))


def _head_waves(
    thickness: FloatArray, slowness: FloatArray, receiver: int, sources: IndexArray, distances: FloatArray
) -> FloatArray:
    """Earliest wave that runs along the top of a layer below source and receiver; inf where there is none."""
    times = np.full((len(sources), len(distances)), np.inf)
    layers = np.arange(len(slowness))
    for row, source in enumerate(sources):
        top, bottom = sorted((receiver, int(source)))
        fastest = np.minimum.accumulate(np.where(layers >= top, slowness, np.inf))
        before = np.concatenate([[np.inf], fastest[:-1]])
        tops = layers[(layers >= bottom) & (slowness < before)]
        if not len(tops):
            continue
        p = slowness[tops][:, None]
        passes = (layers >= top) * np.where(layers >= bottom, 2.0, 1.0) * (layers < tops[:, None])
        vertical = np.sqrt(np.where(passes > 0, slowness**2 - p**2, 1.0))
        intercept = (passes * thickness * vertical).sum(axis=1)
        critical = (passes * thickness * p / vertical).sum(axis=1)
        along = np.where(distances >= critical[:, None], p * distances + intercept[:, None], np.inf)
        times[row] = along.min(axis=0)
    return times


def _direct(
    thickness: FloatArray, slowness: FloatArray, receiver: int, source: int, distances: FloatArray
) -> FloatArray:
    """Time of the ray that goes straight from depth to depth."""
    top, bottom = sorted((receiver, source))
    if top == bottom:
        return distances * min(slowness[max(top - 1, 0)], slowness[min(top, len(slowness) - 1)])
    h, u = thickness[top:bottom, None], slowness[top:bottom, None]
    largest = float(u.min())
    tangent = np.sinh(np.linspace(0, np.arcsinh(30 * distances[-1] / float(h.sum()) + 30), N_RAYS))
    p = largest * tangent / np.sqrt(1 + tangent**2)
    # u**2 - p**2, written such that rounding leaves it above zero where a ray is almost level.
    vertical = np.sqrt((u - largest) * (u + largest) + largest**2 / (1 + tangent**2))
    x = (h * p / vertical).sum(axis=0)
    t = p * x + (h * vertical).sum(axis=0)
    return np.interp(distances, x, t) + largest * np.maximum(distances - x[-1], 0)


@dataclass(frozen=True)
class TravelTimes:
    """Tables of first arrivals at stations, and what lies between their nodes.

    Attributes
    ----------
    tables : ndarray, shape (n_levels, 2, n_distances, n_depths)
        Times in s of P and S, by level of the station.
    level : ndarray of int, shape (n_stations,)
        Which tables are those of a station.
    reach_km : float
        Largest distance; times beyond are continued linearly.
    top_km, bottom_km : float
        Range of depths.
    """

    tables: FloatArray
    level: IndexArray
    reach_km: float
    top_km: float
    bottom_km: float

    @classmethod
    def of(
        cls,
        velocity: VelocityModel1D,
        station_depths_km: Sequence[float] | FloatArray,
        reach_km: float,
        top_km: float,
        bottom_km: float,
    ) -> TravelTimes:
        """Compute the tables of stations; those within a thousandth of the depth range share one."""
        depths = np.linspace(top_km, bottom_km, N_DEPTHS)
        distances = reach_km * np.linspace(0, 1, N_DISTANCES) ** STRETCH
        grain = (bottom_km - top_km) / 1000
        steps, level = np.unique(np.round(np.asarray(station_depths_km) / grain), return_inverse=True)
        tables = np.array(
            [
                [first_arrivals(velocity, phase, step * grain, depths, distances) for phase in PHASES]
                for step in steps
            ]
        )
        return cls(tables, level.reshape(-1).astype(np.intp), reach_km, top_km, bottom_km)

    def __call__(
        self,
        station: npt.ArrayLike,
        phase: npt.ArrayLike,
        distance_km: npt.ArrayLike,
        depth_km: npt.ArrayLike,
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Interpolate times and their derivatives.

        Parameters
        ----------
        station, phase : array_like of int
            Row of the station; 0 for P and 1 for S.
        distance_km, depth_km : array_like
            Of the source; all four are broadcast together.

        Returns
        -------
        time, slope, depth_slope : ndarray
            In s and s/km: time, its derivative by distance and by depth.
        """
        n_x, n_z = self.tables.shape[2:]
        x = np.maximum(np.asarray(distance_km, float), 0)
        z = np.clip(np.asarray(depth_km, float), self.top_km, self.bottom_km)
        i = np.clip(((x / self.reach_km) ** (1 / STRETCH) * (n_x - 1)).astype(np.intp), 0, n_x - 2)
        step = (self.bottom_km - self.top_km) / (n_z - 1)
        b = (z - self.top_km) / step
        j = np.clip(b.astype(np.intp), 0, n_z - 2)
        left, right = (self.reach_km * ((i + k) / (n_x - 1)) ** STRETCH for k in (0, 1))
        a, b = (x - left) / (right - left), b - j
        level, phase = self.level[np.asarray(station)], np.asarray(phase)
        t00, t10, t01, t11 = (
            self.tables[level, phase, i + di, j + dj] for di, dj in ((0, 0), (1, 0), (0, 1), (1, 1))
        )
        time = (t00 * (1 - a) + t10 * a) * (1 - b) + (t01 * (1 - a) + t11 * a) * b
        slope = ((t10 - t00) * (1 - b) + (t11 - t01) * b) / (right - left)
        return time, slope, ((t01 - t00) * (1 - a) + (t11 - t10) * a) / step
