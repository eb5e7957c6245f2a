"""Search volume for events: stations on a flat map, the volume around them, and its travel times."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from selfseis.geo.earth_models import VelocityModel1D
from selfseis.geo.projection import FlatMap
from selfseis.geo.stations import StationTable, far_outside
from selfseis.locate.options import SearchVolumeOptions
from selfseis.traveltimes.layered import TravelTimes
from selfseis.typing import BoolArray, FloatArray


@dataclass(frozen=True)
class SearchVolume:
    """Stations, volume and travel times for association and location.

    Attributes
    ----------
    stations : StationTable
        The stations used for locations.
    plane : FlatMap
        Projection of the map.
    east_km, north_km : ndarray, shape (n_stations,)
        Coordinates of the stations on the map.
    outside : ndarray of bool, shape (n_stations,)
        True for stations far outside the array. They are used, but do not widen the volume.
    aperture_km : float
        Largest distance between two stations of the array.
    east_limits, north_limits, depth_limits : tuple of float
        The volume in km. It extends one aperture beyond the array on each side, and by default from the highest
        station to one aperture below it.
    velocity : VelocityModel1D
        The velocity model.
    times : TravelTimes
        Tables of travel times in this model.
    """

    stations: StationTable
    plane: FlatMap
    east_km: FloatArray
    north_km: FloatArray
    outside: BoolArray
    aperture_km: float
    east_limits: tuple[float, float]
    north_limits: tuple[float, float]
    depth_limits: tuple[float, float]
    velocity: VelocityModel1D
    times: TravelTimes

    @classmethod
    def around(
        cls,
        stations: StationTable,
        velocity: VelocityModel1D,
        max_depth_km: float | None = None,
        options: SearchVolumeOptions = SearchVolumeOptions(),
    ) -> SearchVolume:
        """Return the search volume around two or more stations at different places.

        Parameters
        ----------
        stations : StationTable
            Stations under the names used in the picks.
        velocity : VelocityModel1D
            The velocity model.
        max_depth_km : float, optional
            Depth of the deepest source below sea level; by default one aperture below the highest station, within
            1 to 250 km.
        options : SearchVolumeOptions
            Stations far outside, default depth of the volume, and accuracy of the travel times.
        """
        plane = FlatMap.about(stations)
        east, north = plane.flat(stations.latitude, stations.longitude)
        outside = far_outside(east, north, options.array)
        core_east, core_north = east[~outside], north[~outside]
        aperture = float(
            np.hypot(core_east[:, None] - core_east, core_north[:, None] - core_north).max(initial=0.0)
        )
        aperture = max(aperture, 1e-3)
        top = float(stations.depth_km.min())
        depth = float(np.clip(options.depth_per_aperture * aperture, options.min_depth, options.max_depth))
        bottom = top + depth if max_depth_km is None else max(max_depth_km, top + 0.01 * aperture)
        limits = [
            (float(axis.min() - aperture), float(axis.max() + aperture)) for axis in (core_east, core_north)
        ]
        corners = [(x, y) for x in limits[0] for y in limits[1]]
        reach = 1.01 * max(float(np.hypot(east - x, north - y).max()) for x, y in corners)
        times = TravelTimes.of(velocity, stations.depth_km, reach, top, bottom, options.travel_times)
        return cls(
            stations,
            plane,
            east,
            north,
            outside,
            aperture,
            limits[0],
            limits[1],
            (top, bottom),
            velocity,
            times,
        )

    def scaled(self, factor: float, velocity: VelocityModel1D) -> SearchVolume:
        """Return the volume for a model with all velocities multiplied by a factor."""
        return replace(self, velocity=velocity, times=replace(self.times, tables=self.times.tables / factor))

    @property
    def s_crossing_s(self) -> float:
        """Return the travel time of S across the aperture in s."""
        across = self.times(np.zeros(1, np.intp), 1, self.aperture_km, self.stations.depth_km[:1])[0]
        return float(across[0])
