"""The one training loop: fit on what is visible, stop on what is hidden, checkpoint, resume; what was learnt from."""

from __future__ import annotations

from selfseis.learn.fit import FitProgress, fit
from selfseis.learn.taught import Taught
from selfseis.learn.threads import one_thread

__all__ = ["FitProgress", "Taught", "fit", "one_thread"]
