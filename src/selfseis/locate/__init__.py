"""From picks to a catalogue: association, velocity, location with its uncertainty, magnitudes, QuakeML.

`make_catalogue` does all of it. PyOcto associates picks, events are located in a one-dimensional velocity model that
the user gives or the picks suggest, and shifting stations against each other measures what chance would bring.
"""

from __future__ import annotations

from selfseis.locate.association import AssociatedEvent, associate
from selfseis.locate.catalogue import LocatedCatalogue, LocatedEvent, write_catalogue
from selfseis.locate.estimate import estimate_velocity
from selfseis.locate.frame import Frame
from selfseis.locate.location import Location, Locator
from selfseis.locate.making import make_catalogue
from selfseis.locate.quakeml import to_quakeml
from selfseis.locate.stations import StationTable
from selfseis.locate.velocity import VelocityModel1D
from selfseis.locate.wadati import Wadati, fit_wadati

__all__ = [
    "AssociatedEvent",
    "Frame",
    "LocatedCatalogue",
    "LocatedEvent",
    "Location",
    "Locator",
    "StationTable",
    "VelocityModel1D",
    "Wadati",
    "associate",
    "estimate_velocity",
    "fit_wadati",
    "make_catalogue",
    "to_quakeml",
    "write_catalogue",
]
