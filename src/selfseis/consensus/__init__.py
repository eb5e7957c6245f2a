"""Consensus across stations: P-S pairs, common events, their null by shifted stations, the Wadati diagram."""

from __future__ import annotations

__all__: list[str] = []
