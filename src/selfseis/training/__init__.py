"""Training loop of all networks, with early stopping and checkpoints, and the record of training data."""

from __future__ import annotations

from selfseis.training.loop import FitProgress, fit, one_thread
from selfseis.training.provenance import TrainingRecord

__all__ = ["FitProgress", "TrainingRecord", "fit", "one_thread"]
