"""Small neural networks, each an ``nn.Module``."""

from __future__ import annotations

from selfseis.networks.blind_slant_net import BlindSlantNet

__all__ = ["BlindSlantNet"]
