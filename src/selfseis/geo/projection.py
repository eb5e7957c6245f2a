"""Map projections to kilometres, and the correction of exchanged coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from selfseis.errors import InputError
from selfseis.geo.options import PositionOptions
from selfseis.geo.stations import StationTable
from selfseis.quality_log import QualityLog
from selfseis.typing import BoolArray, FloatArray


@dataclass(frozen=True)
class FlatMap:
    """Kilometres east and north of a point: the azimuthal equidistant projection of WGS84 (PROJ's ``aeqd``)."""

    latitude: float
    longitude: float

    @classmethod
    def about(cls, stations: StationTable) -> FlatMap:
        """Put the origin where most stations are: the medians of their coordinates, also across 180 degrees."""
        first = stations.longitude[0]
        turned = (stations.longitude - first + 180) % 360 - 180
        return cls(float(np.median(stations.latitude)), float(first + np.median(turned)))

    def flat(self, latitude: npt.ArrayLike, longitude: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return kilometres east and north of points in degrees."""
        east, north = self._projection(np.asarray(longitude, float), np.asarray(latitude, float))
        return np.asarray(east), np.asarray(north)

    def round(self, east_km: npt.ArrayLike, north_km: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return latitude and longitude of points in km."""
        east, north = np.asarray(east_km, float), np.asarray(north_km, float)
        longitude, latitude = self._projection(east, north, inverse=True)
        return np.asarray(latitude), np.asarray(longitude)

    @cached_property
    def _projection(self) -> Any:
        from pyproj import Proj

        return Proj(proj="aeqd", lat_0=self.latitude, lon_0=self.longitude, ellps="WGS84", units="km")


@dataclass(frozen=True)
class LocalMap:
    """Transverse Mercator map about a point, in kilometres.

    Attributes
    ----------
    longitude, latitude : float
        Of its origin, in degrees.
    """

    longitude: float
    latitude: float

    def to_km(self, longitude: FloatArray, latitude: FloatArray) -> FloatArray:
        """Return east and north in km; shape (n, 2)."""
        east, north = self._projection()(np.asarray(longitude, float), np.asarray(latitude, float))
        return np.stack([east, north], axis=-1) / 1000

    def to_degrees(self, places: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return longitude and latitude of places in km; places have shape (n, 2)."""
        longitude, latitude = self._projection()(1000 * places[..., 0], 1000 * places[..., 1], inverse=True)
        return np.asarray(longitude), np.asarray(latitude)

    def _projection(self):  # type: ignore[no-untyped-def]
        return _projection_about(self.longitude, self.latitude)


@lru_cache(maxsize=16)
def _projection_about(longitude: float, latitude: float):  # type: ignore[no-untyped-def]
    from pyproj import Proj

    return Proj(proj="tmerc", lon_0=longitude, lat_0=latitude, ellps="WGS84")


def wrapped(longitude: FloatArray, about: float) -> FloatArray:
    """Return longitudes within 180 degrees of a given one, so that 359 and -1 are the same point."""
    return about + (np.asarray(longitude, float) - about + 180) % 360 - 180


def distance_km(longitude: FloatArray, latitude: FloatArray, about: tuple[float, float]) -> FloatArray:
    """Return the distance of places from a point in km along the ellipsoid; shape (n,)."""
    from pyproj import Geod

    here_east, here_north = (np.full(len(longitude), value) for value in about)
    return np.asarray(Geod(ellps="WGS84").inv(here_east, here_north, longitude, latitude)[2]) / 1000


def corrected_positions(
    longitude: FloatArray,
    latitude: FloatArray,
    about: tuple[float, float],
    size_km: float,
    unit: str,
    quality_log: QualityLog,
    options: PositionOptions = PositionOptions(),
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Swap exchanged longitudes and latitudes, and find the points that are too far from the fault to be used.

    Parameters
    ----------
    longitude, latitude : ndarray, shape (n,)
    about : (float, float)
        Longitude and latitude of the fault.
    size_km : float
        Largest extent of the fault.
    unit : str
        The file, for the quality log.
    quality_log : QualityLog
    options : PositionOptions

    Returns
    -------
    longitude, latitude : ndarray, shape (n,)
    near : ndarray of bool, shape (n,)
        Points near enough to be used.

    Raises
    ------
    InputError
        If no point is near the fault, in either order of the coordinates.
    """
    as_given = wrapped(longitude, about[0]), np.asarray(latitude, float)
    exchanged = wrapped(latitude, about[0]), np.asarray(longitude, float)
    given, other = (float(np.median(_distances(*places, about))) for places in (as_given, exchanged))
    is_far = given > max(options.min_exchanged_in_sizes * size_km, options.min_exchanged_km)
    is_exchanged = is_far and other < given / options.exchange_gain
    if is_exchanged:
        quality_log.add("assumed", unit, "longitude and latitude are exchanged: swapped back", len(longitude))
    longitude, latitude = exchanged if is_exchanged else as_given
    reach = max(options.max_distance_km, options.max_distance_in_sizes * size_km)
    distance = _distances(longitude, latitude, about)
    near = distance <= reach
    max_nearest = max(options.max_nearest_km, options.max_nearest_in_sizes * size_km)
    if not near.any() or distance.min() > max_nearest:
        raise InputError(
            f"{unit}: nothing lies within {max_nearest:,.0f} km of the fault at {about[1]:.2f} N {about[0]:.2f} E"
            f"{_sign_hint(longitude, latitude, about, max_nearest)}: check that data and fault belong to the same "
            "earthquake"
        )
    if not near.all():
        quality_log.add(
            "too_far", unit, f"more than {reach:,.0f} km from the fault: left out", int((~near).sum())
        )
    return longitude, latitude, near


def check_order(
    longitude: FloatArray,
    latitude: FloatArray,
    about: tuple[float, float],
    size_km: float,
    unit: str,
    options: PositionOptions = PositionOptions(),
) -> None:
    """Refuse coordinates without names that lie near the fault in either order.

    Raises
    ------
    InputError
        If the median distance is small both as given and exchanged.
    """
    orders = ((longitude, latitude), (latitude, longitude))
    middle = [float(np.median(_distances(wrapped(east, about[0]), north, about))) for east, north in orders]
    if max(middle) < max(options.min_exchanged_in_sizes * size_km, options.min_exchanged_km):
        raise InputError(
            f"{unit}: without a header, its first two columns may be longitude and latitude or the reverse, and "
            "both lie near the fault: add a header with lon and lat"
        )


def _sign_hint(longitude: FloatArray, latitude: FloatArray, about: tuple[float, float], max_km: float) -> str:
    """Return a hint if the data lie near with the opposite sign of a coordinate; empty otherwise."""
    turned = {"longitude": (-longitude, latitude), "latitude": (longitude, -latitude)}
    for name, (east, north) in turned.items():
        distance = float(np.min(_distances(wrapped(east, about[0]), north, about)))
        if distance < max_km:
            return f" ({distance:,.0f} km with the opposite sign of the {name})"
    return ""


def _distances(longitude: FloatArray, latitude: FloatArray, about: tuple[float, float]) -> FloatArray:
    """Distance from a point in km, infinite for impossible latitudes."""
    possible = np.abs(latitude) <= 90
    found = np.full(len(latitude), np.inf)
    found[possible] = distance_km(longitude[possible], latitude[possible], about)
    return found
