"""Travel times and rays in one-dimensional earth models, for location and tomography."""

from __future__ import annotations

__all__: list[str] = []
