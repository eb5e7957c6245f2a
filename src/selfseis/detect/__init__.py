"""Event detection: times at which the score exceeds the null, at a stated rate of false alarms."""

from __future__ import annotations

from selfseis.catalogue.records import Event
from selfseis.catalogue.tables import write_catalogue
from selfseis.detect.detector import Detector
from selfseis.detect.options import DetectorOptions

__all__ = ["Detector", "DetectorOptions", "Event", "write_catalogue"]
