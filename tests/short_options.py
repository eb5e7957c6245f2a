"""Options that shorten training to seconds: enough to test the workflow, too little for good models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from selfseis.denoise import Denoiser
from selfseis.pick.options import PickerOptions

SHORT_PICKER = PickerOptions.from_dict(
    {
        "examples": {"prior": {"n_wavelets": 150}},
        "noise": {"n_synthetic_windows": 32},
        "training": {"first_steps": 8, "round_steps": 4, "n_validation_windows": 8},
        "calibration": {"n_injections": 12, "n_reversed_windows": 6},
        "evaluation": {"n_untrained_windows": 6},
    }
)


def save_with_small_tiles(model: Path, folder: Path) -> Path:
    """Save a denoiser again, with tiles of 1024 samples on 48 channels; return the new folder."""
    denoiser = Denoiser.load(model)
    options = denoiser.model_.options.with_options(tiling={"max_values": 48 * 1024})
    denoiser.model_ = replace(denoiser.model_, options=options)
    denoiser.save(folder)
    return folder
