"""First arrivals in a one-dimensional velocity model of flat layers.

In thin layers of slowness u, the first arrival between two depths at the distance x is either the direct ray,

    x(p) = sum h p / sqrt(u^2 - p^2),   t(p) = p x + tau(p),   tau(p) = sum h sqrt(u^2 - p^2),

summed over the layers of thickness h between the two depths, or a head wave. A head wave goes down to a layer that is
faster than all layers above, along its top with p = u, and up again,

    t = p x + tau(p),   from the distance x(p) on.

Its sums include all layers on the path, and count layers with two passages twice. In thin layers, the head waves of a
velocity gradient approximate its turning rays. Low-velocity layers need no special treatment, because a layer that is
not faster than all layers above has no head wave. A fast layer above both depths is the same case upside down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from selfseis.catalogue.records import PHASES
from selfseis.geo.earth_models import VelocityModel1D
from selfseis.traveltimes.options import LayeredOptions
from selfseis.typing import FloatArray, IndexArray


def first_arrivals(
    velocity: VelocityModel1D,
    phase: str,
    station_km: float,
    depths: FloatArray,
    distances: FloatArray,
    options: LayeredOptions = LayeredOptions(),
) -> FloatArray:
    """Compute the travel times of first arrivals.

    Parameters
    ----------
    velocity : VelocityModel1D
        The velocity model.
    phase : {"P", "S"}
        The phase, which selects the velocity.
    station_km : float
        Depth of the station in km below sea level; negative above.
    depths : ndarray, shape (n_depths,)
        Depths of sources in km.
    distances : ndarray, shape (n_distances,)
        Horizontal distances in km, ascending.
    options : LayeredOptions
        Number of thin layers and of rays.

    Returns
    -------
    ndarray, shape (n_distances, n_depths)
        In s.
    """
    edges = _edges(velocity, station_km, depths, float(distances[-1]), options.n_layers)
    slowness = 1 / velocity.at((edges[1:] + edges[:-1]) / 2, phase)
    receiver = int(np.searchsorted(edges, station_km))
    sources = np.searchsorted(edges, depths)
    turned = edges[-1] - edges[::-1]
    last = len(edges) - 1
    downwards = _head_waves(np.diff(edges), slowness, receiver, sources, distances)
    upwards = _head_waves(np.diff(turned), slowness[::-1], last - receiver, last - sources, distances)
    direct = [
        _direct(np.diff(edges), slowness, receiver, int(source), distances, options.n_rays)
        for source in sources
    ]
    return np.minimum(np.minimum(downwards, upwards), np.array(direct)).T


def _edges(
    velocity: VelocityModel1D, station_km: float, depths: FloatArray, reach: float, n_layers: int
) -> FloatArray:
    """Return the tops of thin layers: about even steps, with the depths of the model, the station and the sources."""
    shallow = min(station_km, float(depths.min()))
    inside = velocity.depth_km[velocity.depth_km > shallow]
    deep = max(float(depths.max()), station_km, min(float(velocity.depth_km[-1]), shallow + max(reach, 1.0)))
    step = (deep - shallow) / n_layers or 1.0
    even = np.linspace(shallow, deep, n_layers)
    keep = np.concatenate([inside[inside <= deep], depths, [station_km]])
    far = even[np.min(np.abs(even[:, None] - keep[None, :]), axis=1) > step / 4]
    return np.unique(np.concatenate([keep, far, [deep + step]]))


def _head_waves(
    thickness: FloatArray, slowness: FloatArray, receiver: int, sources: IndexArray, distances: FloatArray
) -> FloatArray:
    """Return times of the first head wave from layers below source and receiver; inf without a head wave."""
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
    thickness: FloatArray,
    slowness: FloatArray,
    receiver: int,
    source: int,
    distances: FloatArray,
    n_rays: int,
) -> FloatArray:
    """Return times of the direct ray."""
    top, bottom = sorted((receiver, source))
    if top == bottom:
        return distances * min(slowness[max(top - 1, 0)], slowness[min(top, len(slowness) - 1)])
    h, u = thickness[top:bottom, None], slowness[top:bottom, None]
    max_p = float(u.min())
    tangent = np.sinh(np.linspace(0, np.arcsinh(30 * distances[-1] / float(h.sum()) + 30), n_rays))
    p = max_p * tangent / np.sqrt(1 + tangent**2)
    # u**2 - p**2 in a form that stays positive after rounding if a ray is almost horizontal.
    vertical = np.sqrt((u - max_p) * (u + max_p) + max_p**2 / (1 + tangent**2))
    x = (h * p / vertical).sum(axis=0)
    t = p * x + (h * vertical).sum(axis=0)
    return np.interp(distances, x, t) + max_p * np.maximum(distances - x[-1], 0)


@dataclass(frozen=True)
class TravelTimes:
    """Tables of first arrivals at stations, with interpolation.

    Attributes
    ----------
    tables : ndarray, shape (n_levels, 2, n_distances, n_depths)
        Times in s of P and S, by elevation level of the station.
    level : ndarray of int, shape (n_stations,)
        Row of the tables for each station.
    reach_km : float
        Largest distance of the tables. Beyond it, times are extrapolated linearly.
    top_km, bottom_km : float
        Depth range of the tables.
    distance_power : float
        Distances of the tables are proportional to this power of their number.
    """

    tables: FloatArray
    level: IndexArray
    reach_km: float
    top_km: float
    bottom_km: float
    distance_power: float

    @classmethod
    def of(
        cls,
        velocity: VelocityModel1D,
        station_depths_km: Sequence[float] | FloatArray,
        reach_km: float,
        top_km: float,
        bottom_km: float,
        options: LayeredOptions = LayeredOptions(),
    ) -> TravelTimes:
        """Compute the tables. Stations with equal depths, rounded to 1/1000 of the depth range, share one."""
        depths = np.linspace(top_km, bottom_km, options.n_depths)
        distances = reach_km * np.linspace(0, 1, options.n_distances) ** options.distance_power
        grain = (bottom_km - top_km) / 1000
        steps, level = np.unique(np.round(np.asarray(station_depths_km) / grain), return_inverse=True)
        tables = np.array(
            [
                [
                    first_arrivals(velocity, phase, step * grain, depths, distances, options)
                    for phase in PHASES
                ]
                for step in steps
            ]
        )
        levels = level.reshape(-1).astype(np.intp)
        return cls(tables, levels, reach_km, top_km, bottom_km, options.distance_power)

    def __call__(
        self,
        station: npt.ArrayLike,
        phase: npt.ArrayLike,
        distance_km: npt.ArrayLike,
        depth_km: npt.ArrayLike,
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Interpolate travel times and their derivatives.

        Parameters
        ----------
        station, phase : array_like of int
            Row of the station; 0 for P and 1 for S.
        distance_km, depth_km : array_like
            Distance and depth of the source. All four arguments are broadcast together.

        Returns
        -------
        time, slope, depth_slope : ndarray
            Time in s, and its derivatives with respect to distance and depth in s/km.
        """
        n_x, n_z = self.tables.shape[2:]
        x = np.maximum(np.asarray(distance_km, float), 0)
        z = np.clip(np.asarray(depth_km, float), self.top_km, self.bottom_km)
        i = np.clip(
            ((x / self.reach_km) ** (1 / self.distance_power) * (n_x - 1)).astype(np.intp), 0, n_x - 2
        )
        step = (self.bottom_km - self.top_km) / (n_z - 1)
        b = (z - self.top_km) / step
        j = np.clip(b.astype(np.intp), 0, n_z - 2)
        left, right = (self.reach_km * ((i + k) / (n_x - 1)) ** self.distance_power for k in (0, 1))
        a, b = (x - left) / (right - left), b - j
        level, phase = self.level[np.asarray(station)], np.asarray(phase)
        t00, t10, t01, t11 = (
            self.tables[level, phase, i + di, j + dj] for di, dj in ((0, 0), (1, 0), (0, 1), (1, 1))
        )
        time = (t00 * (1 - a) + t10 * a) * (1 - b) + (t01 * (1 - a) + t11 * a) * b
        slope = ((t10 - t00) * (1 - b) + (t11 - t01) * b) / (right - left)
        return time, slope, ((t01 - t00) * (1 - a) + (t11 - t10) * a) / step
