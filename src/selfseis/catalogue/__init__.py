"""Catalogues: plain records of picks and events, their CSV tables, and one QuakeML writer."""

from __future__ import annotations

from selfseis.catalogue.quakeml import to_quakeml
from selfseis.catalogue.records import Amplitude, Arrival, Event, Location, Magnitude, Pick
from selfseis.catalogue.tables import read_picks, write_catalogue, write_picks

__all__ = [
    "Amplitude",
    "Arrival",
    "Event",
    "Location",
    "Magnitude",
    "Pick",
    "read_picks",
    "to_quakeml",
    "write_catalogue",
    "write_picks",
]
