"""The one training loop: fit on what is visible, stop on what is hidden, checkpoint, resume; what was learnt from."""

from __future__ import annotations

from selfseis.training.loop import FitProgress, fit
from selfseis.training.provenance import TrainingRecord
from selfseis.training.threads import one_thread

__all__ = ["FitProgress", "TrainingRecord", "fit", "one_thread"]
