"""Detection: events as times that hold more than chance would bring, at a stated rate of false alarms."""

from __future__ import annotations

from selfseis.detect.catalogue import Event, to_quakeml, write_catalogue
from selfseis.detect.detector import Detector

__all__ = ["Detector", "Event", "to_quakeml", "write_catalogue"]
