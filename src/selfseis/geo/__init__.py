"""Positions and Earth models: stations, map projection, spherical geometry, velocity models, phase names."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selfseis.geo.earth_models import VelocityModel1D, read_reference
    from selfseis.geo.projection import FlatMap, LocalMap
    from selfseis.geo.station_files import Site, StationList
    from selfseis.geo.stations import StationTable

__all__ = [
    "FlatMap",
    "LocalMap",
    "Site",
    "StationList",
    "StationTable",
    "VelocityModel1D",
    "read_reference",
]

_MODULES = {
    "FlatMap": "projection",
    "LocalMap": "projection",
    "Site": "station_files",
    "StationList": "station_files",
    "StationTable": "stations",
    "VelocityModel1D": "earth_models",
    "read_reference": "earth_models",
}


def __getattr__(name: str) -> object:
    # Imported on first use, so that the options load neither NumPy nor xarray.
    if name not in _MODULES:
        raise AttributeError(f"module 'selfseis.geo' has no attribute {name!r}")
    return getattr(import_module(f"selfseis.geo.{_MODULES[name]}"), name)
