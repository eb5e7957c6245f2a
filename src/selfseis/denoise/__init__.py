"""Denoising by prediction of each channel from the channels that do not share its noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selfseis.denoise.options import DenoiserOptions

if TYPE_CHECKING:
    from selfseis.denoise.denoiser import Denoiser

__all__ = ["Denoiser", "DenoiserOptions"]


def __getattr__(name: str) -> object:
    # Imported on first use, so that the options load neither PyTorch nor xarray.
    if name != "Denoiser":
        raise AttributeError(f"module 'selfseis.denoise' has no attribute {name!r}")
    from selfseis.denoise.denoiser import Denoiser

    return Denoiser
