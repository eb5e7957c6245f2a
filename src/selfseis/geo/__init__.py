"""Positions and Earth models: stations, map projection, spherical geometry, velocity models, phase names."""

from __future__ import annotations

from selfseis.geo.earth_models import Reference, VelocityModel1D, read_reference
from selfseis.geo.projection import FlatMap, LocalMap
from selfseis.geo.station_files import Site, StationList
from selfseis.geo.stations import StationTable

__all__ = [
    "FlatMap",
    "LocalMap",
    "Reference",
    "Site",
    "StationList",
    "StationTable",
    "VelocityModel1D",
    "read_reference",
]
