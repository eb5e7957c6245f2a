"""Ray table: times and paths of rays in a spherical earth, tabulated once for all sources.

Each ray has a ray parameter p. Between two radii the velocity is v = A r^b (the law of Bullen, as in TauP). Angle and
time are then closed forms of eta = r / v:

    angle = [arccos(p / eta)] / (1 - b),   time = [sqrt(eta^2 - p^2)] / (1 - b),

A half ray, from the turning point up to the surface, is a cumulative sum over layers. All source depths use the same
half rays. A turning ray is part of one half ray down to the turning point, and a whole one up to the surface. An
upgoing ray is part of one half ray.

References
----------
Buland and Chapman (1983), doi:10.1785/BSSA0730051271; Crotwell, Owens and Ritsema (1999), doi:10.1785/gssrl.70.2.154
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from selfseis.geo.earth_models import VelocityModel1D
from selfseis.geo.phases import Wave
from selfseis.geo.sphere import EARTH_RADIUS_KM
from selfseis.traveltimes.options import RayTableOptions
from selfseis.typing import BoolArray, FloatArray


@dataclass(frozen=True)
class RayTable:
    """Half rays of one wave type in one reference model.

    Attributes
    ----------
    wave : {"P", "S"}
        The wave type.
    reference : VelocityModel1D
        The reference model.
    radius : ndarray, shape (n_nodes,)
        Radii in km from the core to the surface, ascending; a discontinuity has two nodes.
    eta : ndarray, shape (n_nodes,)
        Radius over velocity in s.
    p : ndarray, shape (n_rays,)
        Ray parameters in s per radian, ascending.
    angle, time : ndarray, shape (n_rays, n_nodes)
        Angle in radians and time in s from the lowest point of the ray up to each node; NaN below it.
    bottom : ndarray, shape (n_rays,)
        Radius of the lowest point in km.
    turns : ndarray of bool, shape (n_rays,)
        True if the lowest point is a turning point; otherwise the core or a discontinuity reflects the ray.
    options : RayTableOptions
        Accuracy of the table and of the rays found in it.
    """

    wave: Wave
    reference: VelocityModel1D
    radius: FloatArray
    eta: FloatArray
    p: FloatArray
    angle: FloatArray
    time: FloatArray
    bottom: FloatArray
    turns: BoolArray
    options: RayTableOptions

    @classmethod
    def of(
        cls, reference: VelocityModel1D, wave: Wave, options: RayTableOptions = RayTableOptions()
    ) -> RayTable:
        """Return the table of a model and wave type. Recent tables stay in memory."""
        return _table(
            reference.depth_km.tobytes(),
            reference.vp.tobytes(),
            reference.vs.tobytes(),
            reference.source,
            wave,
            options,
        )

    @cached_property
    def reflects_at_core(self) -> BoolArray:
        """Whether each ray is reflected at the core; shape (n_rays,)."""
        return ~self.turns & (self.bottom <= self.radius[0])

    def up_to(self, radius_km: float) -> tuple[FloatArray, FloatArray]:
        """Return angle and time of all half rays from their lowest point up to a radius; NaN if that is below it.

        Returns
        -------
        angle, time : ndarray, shape (n_rays,)
            In radians and s.
        """
        node = int(
            np.clip(np.searchsorted(self.radius, radius_km, side="right") - 1, 0, len(self.radius) - 2)
        )
        r_low, r_high = self.radius[node], self.radius[node + 1]
        eta_low, eta_high = self.eta[node], self.eta[node + 1]
        if r_high <= r_low:
            return self.angle[:, node], self.time[:, node]
        slope = np.log(eta_high / eta_low) / np.log(r_high / r_low)
        eta = eta_low * (radius_km / r_low) ** slope
        reaches = self.p <= eta
        turns_inside = (self.p > eta_low) & reaches & np.isfinite(self.angle[:, node + 1])
        base = np.where(turns_inside, self.p, np.maximum(eta_low, self.p))
        angle = _angle(self.p, eta) - np.where(turns_inside, 0.0, _angle(self.p, base))
        time = _slow(self.p, eta) - np.where(turns_inside, 0.0, _slow(self.p, base))
        below_angle = np.where(turns_inside, 0.0, self.angle[:, node])
        below_time = np.where(turns_inside, 0.0, self.time[:, node])
        known = reaches & np.isfinite(below_angle)
        return (
            np.where(known, below_angle + angle / slope, np.nan),
            np.where(known, below_time + time / slope, np.nan),
        )


@lru_cache(maxsize=8)
def _table(depth: bytes, vp: bytes, vs: bytes, source: str, wave: Wave, options: RayTableOptions) -> RayTable:
    """Return the table; bytes stand for arrays, which cannot be keys of a cache."""
    reference = VelocityModel1D(np.frombuffer(depth), np.frombuffer(vp), np.frombuffer(vs), source)
    radius, eta = _nodes(reference, wave, options)
    p = np.linspace(1.0, eta.max() * (1 - 1e-9), options.n_first_rays)
    # Below each discontinuity, rays with close lowest points have distant endpoints.
    p = np.unique(np.concatenate([p, eta[(eta > 1)] * (1 - 1e-9)]))
    for _ in range(options.max_rounds):
        table = RayTable(wave, reference, radius, eta, p, *_halves(radius, eta, p), options)
        reach = np.degrees(2 * table.angle[:, -1])
        gap = np.abs(np.diff(reach))
        same = (table.turns[1:] == table.turns[:-1]) & np.isfinite(gap)
        wide = same & (gap > options.max_spacing_deg) & (np.diff(p) > 1e-7 * p[1:])
        if not wide.any():
            break
        p = np.sort(np.concatenate([p, (p[1:][wide] + p[:-1][wide]) / 2]))
    return table


def _nodes(reference: VelocityModel1D, wave: Wave, options: RayTableOptions) -> tuple[FloatArray, FloatArray]:
    """Return radii from the core to the surface, finer near the surface, and eta at them."""
    depths: list[float] = []
    velocities: list[float] = []
    depth, speed = reference.depth_km, reference.velocity(wave)
    for k in range(len(depth) - 1):
        thickness = depth[k + 1] - depth[k]
        if thickness <= 0:
            continue
        step = options.shallow_step_km if depth[k] < options.shallow_km else options.deep_step_km
        inside = np.linspace(depth[k], depth[k + 1], max(2, int(np.ceil(thickness / step)) + 1))
        first = 1 if depths and depths[-1] == depth[k] and velocities[-1] == speed[k] else 0
        depths += inside[first:].tolist()
        velocities += np.interp(inside, [depth[k], depth[k + 1]], [speed[k], speed[k + 1]])[first:].tolist()
    radius = EARTH_RADIUS_KM - np.array(depths)[::-1]
    return radius, radius / np.array(velocities)[::-1]


def _halves(
    radius: FloatArray, eta: FloatArray, p: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """Return angle and time from the lowest point of each ray to each node, its radius, and whether it turns there."""
    shape = len(p), len(radius)
    angle, time = np.full(shape, np.nan), np.full(shape, np.nan)
    bottom, turns = np.full(len(p), radius[0]), np.zeros(len(p), bool)
    on = p <= eta[0]
    angle[on, 0] = time[on, 0] = 0.0
    for k in range(len(radius) - 1):
        low, high = eta[k], eta[k + 1]
        starts = np.isfinite(angle[:, k])
        if radius[k + 1] <= radius[k]:  # a discontinuity: rays continue, start by reflection, or stop
            passes = p <= high
            angle[:, k + 1] = np.where(passes, np.where(starts, angle[:, k], 0.0), np.nan)
            time[:, k + 1] = np.where(passes, np.where(starts, time[:, k], 0.0), np.nan)
            reflected = passes & ~starts
            bottom[reflected], turns[reflected] = radius[k], False
            continue
        slope = np.log(high / low) / np.log(radius[k + 1] / radius[k])
        passes = p <= high
        turning = passes & ~starts & (p > low)
        base = np.where(turning, p, np.maximum(low, p))
        gained = (_angle(p, high) - np.where(turning, 0, _angle(p, base))) / slope
        lasted = (_slow(p, high) - np.where(turning, 0, _slow(p, base))) / slope
        goes_on = passes & (starts | turning)
        angle[:, k + 1] = np.where(goes_on, np.where(turning, 0, angle[:, k]) + gained, np.nan)
        time[:, k + 1] = np.where(goes_on, np.where(turning, 0, time[:, k]) + lasted, np.nan)
        bottom[turning] = radius[k] * (p[turning] / low) ** (1 / slope)
        turns[turning] = True
    return angle, time, bottom, turns


def _angle(p: FloatArray, eta: FloatArray | float) -> FloatArray:
    return np.arccos(np.minimum(p / eta, 1.0))


def _slow(p: FloatArray, eta: FloatArray | float) -> FloatArray:
    return np.sqrt(np.maximum(np.square(eta) - p**2, 0.0))
