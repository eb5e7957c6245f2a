"""Small neural networks, each an ``nn.Module``."""

from __future__ import annotations

__all__: list[str] = []
