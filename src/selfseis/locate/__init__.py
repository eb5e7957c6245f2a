"""From picks to a catalogue: association, velocity, location with its uncertainty, magnitudes, QuakeML.

`make_catalogue` does all of it. PyOcto associates picks, events are located in a one-dimensional velocity model that
the user gives or the picks suggest, and shifting stations against each other measures what chance would bring.
"""

from __future__ import annotations

from selfseis.catalogue.quakeml import located_to_quakeml
from selfseis.catalogue.records import LocatedEvent, Location
from selfseis.catalogue.tables import write_located_catalogue
from selfseis.consensus.wadati import Wadati, fit_wadati
from selfseis.geo.earth_models import VelocityModel1D
from selfseis.geo.stations import StationTable
from selfseis.locate.build_catalogue import make_catalogue
from selfseis.locate.located_catalogue import LocatedCatalogue
from selfseis.locate.location import Locator
from selfseis.locate.pyocto_association import AssociatedEvent, associate
from selfseis.locate.search_volume import SearchVolume
from selfseis.locate.velocity_estimation import estimate_velocity

__all__ = [
    "AssociatedEvent",
    "LocatedCatalogue",
    "LocatedEvent",
    "Location",
    "Locator",
    "SearchVolume",
    "StationTable",
    "VelocityModel1D",
    "Wadati",
    "associate",
    "estimate_velocity",
    "fit_wadati",
    "located_to_quakeml",
    "make_catalogue",
    "write_located_catalogue",
]
