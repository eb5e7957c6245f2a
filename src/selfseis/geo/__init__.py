"""Positions and Earth models: stations, map projection, spherical geometry, velocity models, phase names."""

from __future__ import annotations

__all__: list[str] = []
