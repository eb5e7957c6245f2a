"""Detection: events as times that hold more than chance would bring, at a stated rate of false alarms."""

from __future__ import annotations

from selfseis.catalogue.quakeml import detections_to_quakeml
from selfseis.catalogue.records import Event
from selfseis.catalogue.tables import write_detections
from selfseis.detect.detector import Detector

__all__ = ["Detector", "Event", "detections_to_quakeml", "write_detections"]
