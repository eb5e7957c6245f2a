"""Travel times and rays in one-dimensional Earth models, for location and for tomography."""

from __future__ import annotations

__all__: list[str] = []
