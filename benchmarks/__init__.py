"""Benchmarks: one file a claim, each beside a baseline and what chance gives; results are kept in ``results``."""

from __future__ import annotations

NAMES = ("false_alarms", "verdicts", "samples", "detection_fibre", "memory")

__all__ = ["NAMES"]
