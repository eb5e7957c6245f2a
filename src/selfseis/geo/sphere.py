"""Spherical geometry, geocentric latitude, and the size of the Earth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from selfseis.typing import FloatArray

EARTH_RADIUS_KM = 6371.0
"""Mean radius of the Earth."""
KM_PER_DEGREE = 111.195
"""Length of one degree on the sphere of `EARTH_RADIUS_KM`, rounded to metres."""


def azimuthal_gap(azimuths: npt.ArrayLike) -> float:
    """Largest angle between neighbouring azimuths, in degrees; 360 for a single one."""
    ordered = np.sort(np.asarray(azimuths, float) % 360)
    return float(np.diff(np.append(ordered, ordered[0] + 360)).max()) if len(ordered) else 360.0


_FLATTENING = 1 / 298.257223563
_POLAR_SQUARED = (1 - _FLATTENING) ** 2


def geocentric(latitude: ArrayLike) -> FloatArray:
    """Geocentric latitude (degrees) of geographic latitudes on WGS84."""
    radians = np.radians(np.asarray(latitude, float))
    return np.degrees(np.arctan2(_POLAR_SQUARED * np.sin(radians), np.cos(radians)))


def geographic(latitude: ArrayLike) -> FloatArray:
    """Geographic latitude (degrees) of geocentric latitudes on WGS84."""
    radians = np.radians(np.asarray(latitude, float))
    return np.degrees(np.arctan2(np.sin(radians), _POLAR_SQUARED * np.cos(radians)))


def unit_vectors(latitude: ArrayLike, longitude: ArrayLike) -> FloatArray:
    """Return unit vectors of points given by geographic latitude and longitude in degrees; shape (n, 3)."""
    up, east = np.radians(geocentric(latitude)), np.radians(np.asarray(longitude, float))
    return np.stack([np.cos(up) * np.cos(east), np.cos(up) * np.sin(east), np.sin(up)], axis=-1)


def coordinates(vectors: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Geographic latitude and longitude (degrees, -180 to 180) of unit vectors of shape (..., 3)."""
    latitude = geographic(np.degrees(np.arcsin(np.clip(vectors[..., 2], -1, 1))))
    return latitude, np.degrees(np.arctan2(vectors[..., 1], vectors[..., 0]))


def distances_km(latitude: ArrayLike, longitude: ArrayLike) -> FloatArray:
    """Return the great-circle distances in km between all points on a sphere (haversine formula); shape (n, n)."""
    phi, lam = np.radians(np.asarray(latitude, float)), np.radians(np.asarray(longitude, float))
    dphi, dlam = phi[:, None] - phi, lam[:, None] - lam
    haversine = np.sin(dphi / 2) ** 2 + np.cos(phi)[:, None] * np.cos(phi) * np.sin(dlam / 2) ** 2
    return 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(haversine, 0, 1)))


def angles_between(first: FloatArray, second: FloatArray) -> FloatArray:
    """Angles in radians between unit vectors of shape (n, 3); exact for small ones too."""
    across = np.linalg.norm(np.cross(first, second), axis=-1)
    return np.arctan2(across, np.sum(first * second, axis=-1))


def towards(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return unit tangents at the first points along the great circles to the second; shape (n, 3)."""
    tangent = second - first * np.sum(first * second, axis=-1, keepdims=True)
    size = np.linalg.norm(tangent, axis=-1, keepdims=True)
    anything = np.cross(first, np.array([0.3, -0.5, 0.8]))  # at distance zero any direction is valid
    anything /= np.linalg.norm(anything, axis=-1, keepdims=True)
    return np.where(size > 1e-9, tangent / np.where(size > 0, size, 1), anything)
