"""Storage of fitted models: JSON and safetensors, never pickled."""

from __future__ import annotations

__all__: list[str] = []
