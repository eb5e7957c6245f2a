"""The one training loop: fit on what is visible, stop on what is hidden, checkpoint, resume."""

from __future__ import annotations

from selfseis.learn.fit import FitProgress, fit
from selfseis.learn.threads import one_thread

__all__ = ["FitProgress", "fit", "one_thread"]
