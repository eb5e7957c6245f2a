"""Consensus across stations: P-S pairs, common events, the null by shifted stations, and Wadati diagrams."""

from __future__ import annotations

__all__: list[str] = []
