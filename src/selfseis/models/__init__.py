"""Storage of fitted models: JSON and safetensors, never pickled."""

from __future__ import annotations

from selfseis.models.store import (
    ModelFormat,
    StoredEstimator,
    StoredModel,
    check_model_folder,
    fingerprint,
    kind_of,
    weights,
)

__all__ = [
    "ModelFormat",
    "StoredEstimator",
    "StoredModel",
    "check_model_folder",
    "fingerprint",
    "kind_of",
    "weights",
]
