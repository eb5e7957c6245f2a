"""The one training loop: fit on what is visible, stop on what is hidden, checkpoint, resume."""

from __future__ import annotations

from selfseis.learn.fit import FitProgress, fit

__all__ = ["FitProgress", "fit"]
