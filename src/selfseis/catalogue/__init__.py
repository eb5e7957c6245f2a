"""Picks and events: plain records, their CSV tables and one QuakeML writer."""

from __future__ import annotations

from selfseis.catalogue.records import Amplitude, Arrival, Event, LocatedEvent, Location, Magnitude, Pick
from selfseis.catalogue.tables import read_picks, write_picks

__all__ = [
    "Amplitude",
    "Arrival",
    "Event",
    "LocatedEvent",
    "Location",
    "Magnitude",
    "Pick",
    "read_picks",
    "write_picks",
]
