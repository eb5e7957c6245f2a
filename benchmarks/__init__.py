"""Benchmarks: one file a claim, each beside a baseline and what chance gives; results are kept in ``results``."""

from __future__ import annotations

PICKING = (
    "picking_archive",
    "picking_windows",
    "picking_mine",
    "picking_speed",
    "picking_rates",
    "locating_swarm",
    "continuous",
)
NAMES = ("false_alarms", "verdicts", "samples", "detection_fibre", "memory", *PICKING)

__all__ = ["NAMES"]
