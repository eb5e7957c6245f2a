"""Ellipticity corrections of travel times."""

from __future__ import annotations

import numpy as np

from selfseis.geo.earth_models import CORE_KM
from selfseis.geo.sphere import EARTH_RADIUS_KM, towards
from selfseis.traveltimes.first_arrivals import Rays
from selfseis.traveltimes.ray_paths import Geometry
from selfseis.traveltimes.ray_table import RayTable
from selfseis.typing import FloatArray, IntArray

_AT_SURFACE, _AT_CORE = 1 / 298.25, 1 / 392.7
_CHUNK = 4000


def ellipticity_s(table: RayTable, rays: Rays, geometry: Geometry) -> FloatArray:
    """Return the corrections in s to be added to times in the spherical earth.

    Each surface of equal velocity is raised by -2/3 e(r) r P2(cos(colatitude)). To first order, each surface that the
    ray crosses adds this height times the jump of vertical slowness to the time. The ends of the ray add the height
    times the slowness.

    References
    ----------
    Dziewonski and Gilbert (1976), doi:10.1111/j.1365-246X.1976.tb01258.x
    """
    correction = np.zeros(rays.number.size)
    rows = np.flatnonzero(rays.number >= 0)
    for part in np.array_split(rows, max(1, -(-rows.size // _CHUNK))):
        correction[part] = _corrections(table, rays, geometry, part)
    return correction


def _corrections(table: RayTable, rays: Rays, geometry: Geometry, rows: IntArray) -> FloatArray:
    number, upwards = rays.number[rows], rays.leaves_upwards[rows]
    p, radius = table.p[number][:, None], table.radius
    speed = (
        2 * radius[1:] / (table.eta[1:] + table.eta[:-1])
    )  # velocity of the layer above each node except the last
    below = _vertical(p, radius[1:], speed)
    above = np.where(np.diff(radius) > 0, _vertical(p, radius[:-1], speed), 0.0)
    jump = np.zeros((len(rows), len(radius)))
    jump[:, 1:] += np.where(np.diff(radius) > 0, below, 0.0)
    jump[:, :-1] -= above
    angle = table.angle[number]
    jump = np.where(np.isfinite(angle), jump, 0.0)

    source_radius = EARTH_RADIUS_KM - geometry.depth_km[rows].clip(min=0.0)
    at_source = np.array(
        [np.interp(r, radius, a) for r, a in zip(source_radius, np.nan_to_num(angle), strict=True)]
    )
    # From a source at a discontinuity, rays go down into the layer below and up into the layer above.
    sides = [np.searchsorted(radius, source_radius, side=side) - 1 for side in ("left", "right")]
    layer = np.where(upwards, sides[1], sides[0]).clip(0, len(speed) - 1)
    at_end = _vertical(p[:, 0], source_radius, speed[layer])

    start = np.where(upwards, -at_source, at_source)
    up_leg = jump * ((radius > source_radius[:, None]) | ~upwards[:, None])
    down_leg = jump * ((radius < source_radius[:, None]) & ~upwards[:, None])
    angle = np.nan_to_num(angle)
    gained = [
        np.sum(leg * _height(geometry, rows, start[:, None] + sign * angle, radius), axis=1)
        for sign, leg in ((1.0, up_leg), (-1.0, down_leg))
    ]
    raised = _height(geometry, rows, np.zeros((len(rows), 1)), source_radius[:, None])[:, 0]
    return np.asarray(gained[0] + gained[1] + np.where(upwards, -1.0, 1.0) * at_end * raised)


def _vertical(p: FloatArray, radius: FloatArray, speed: FloatArray) -> FloatArray:
    """Vertical slowness in s/km."""
    return np.asarray(np.sqrt((speed**-2.0 - (p / radius) ** 2).clip(min=0.0)))


def _height(geometry: Geometry, rows: IntArray, along: FloatArray, radius: FloatArray) -> FloatArray:
    """Heights in km of the ellipsoidal surfaces above their spheres, at points along the rays."""
    source = geometry.source[rows]
    tangent = towards(source, geometry.receiver[rows])
    sine = source[:, 2:] * np.cos(along) + tangent[:, 2:] * np.sin(along)
    share = (radius - CORE_KM) / (EARTH_RADIUS_KM - CORE_KM)
    ellipticity = _AT_CORE + share * (_AT_SURFACE - _AT_CORE)
    return np.asarray(-2 / 3 * ellipticity * radius * (1.5 * sine**2 - 0.5))
