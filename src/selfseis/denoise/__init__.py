"""Denoising by prediction of each channel from the channels that do not share its noise."""

from __future__ import annotations

from selfseis.denoise.denoiser import Denoiser

__all__ = ["Denoiser"]
