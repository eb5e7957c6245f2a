"""Location: a catalogue of events from picks, with association, velocity estimation, uncertainties and magnitudes.

`locate_events` runs all steps. PyOcto and origin-time association propose events, and pick assignment gives each pick
to one event. Events are located in a one-dimensional velocity model, which is given or estimated from the picks. A
null by shifted stations gives the significance of each event.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from selfseis.locate.options import LocateOptions

if TYPE_CHECKING:
    from selfseis.catalogue.records import Event, Location
    from selfseis.consensus.wadati import Wadati, fit_wadati
    from selfseis.geo.earth_models import VelocityModel1D
    from selfseis.geo.stations import StationTable
    from selfseis.locate.build_catalogue import locate_events
    from selfseis.locate.located_catalogue import LocatedCatalogue
    from selfseis.locate.location import Locator
    from selfseis.locate.pyocto_association import AssociatedEvent, associate
    from selfseis.locate.search_volume import SearchVolume
    from selfseis.locate.velocity_estimation import estimate_velocity

__all__ = [
    "AssociatedEvent",
    "Event",
    "LocateOptions",
    "LocatedCatalogue",
    "Location",
    "Locator",
    "SearchVolume",
    "StationTable",
    "VelocityModel1D",
    "Wadati",
    "associate",
    "estimate_velocity",
    "fit_wadati",
    "locate_events",
]

_MODULES = {
    "AssociatedEvent": "selfseis.locate.pyocto_association",
    "Event": "selfseis.catalogue.records",
    "LocatedCatalogue": "selfseis.locate.located_catalogue",
    "Location": "selfseis.catalogue.records",
    "Locator": "selfseis.locate.location",
    "SearchVolume": "selfseis.locate.search_volume",
    "StationTable": "selfseis.geo.stations",
    "VelocityModel1D": "selfseis.geo.earth_models",
    "Wadati": "selfseis.consensus.wadati",
    "associate": "selfseis.locate.pyocto_association",
    "estimate_velocity": "selfseis.locate.velocity_estimation",
    "fit_wadati": "selfseis.consensus.wadati",
    "locate_events": "selfseis.locate.build_catalogue",
}


def __getattr__(name: str) -> object:
    # Imported on first use, so that the options load neither NumPy nor xarray.
    if name not in _MODULES:
        raise AttributeError(f"module 'selfseis.locate' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
