"""Pickers of other packages as networks: SeisBench, ONNX and ObsPy behind one interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selfseis.foreign_networks.picker_registry import network_of

__all__ = ["network_of"]


def __getattr__(name: str) -> object:
    # Imported on first use, so that the options do not load PyTorch.
    if name not in __all__:
        raise AttributeError(f"module 'selfseis.foreign_networks' has no attribute {name!r}")
    from selfseis.foreign_networks.picker_registry import network_of

    return network_of
