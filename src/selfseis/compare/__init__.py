"""Pickers side by side on the user's own recordings, without labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selfseis.compare.comparison import compare_pickers

__all__ = ["compare_pickers"]


def __getattr__(name: str) -> object:
    # Imported on first use, so that the options load neither PyTorch nor xarray.
    if name not in __all__:
        raise AttributeError(f"module 'selfseis.compare' has no attribute {name!r}")
    from selfseis.compare.comparison import compare_pickers

    return compare_pickers
