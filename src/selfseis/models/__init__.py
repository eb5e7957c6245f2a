"""Storage of fitted models: JSON and safetensors, never pickled."""

from __future__ import annotations

from selfseis.models.store import check_model_folder, reading_model

__all__ = ["check_model_folder", "reading_model"]
