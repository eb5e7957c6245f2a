"""Training loop of all networks, with early stopping and checkpoints, and the record of training data."""

from __future__ import annotations

from selfseis.training.loop import FitProgress, fit
from selfseis.training.provenance import TrainingRecord
from selfseis.training.threads import one_thread

__all__ = ["FitProgress", "TrainingRecord", "fit", "one_thread"]
