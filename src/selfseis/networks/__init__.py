"""The small networks, each an ``nn.Module`` that says which part of its input it cannot see."""

from __future__ import annotations

from selfseis.networks.blind_slant_net import BlindSlantNet

__all__ = ["BlindSlantNet"]
