"""TODO."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from selfseis.io.atomic import replacing
from selfseis.models.store import reading_model
from selfseis.pick.calibration import Calibration, FalsePicks, ReliabilityBin
from selfseis.training import TrainingRecord
from selfseis.validation import Verdict

if TYPE_CHECKING:
    from selfseis.pick.noise_windows import NoiseBank
    from selfseis.pick.picker import Picker


FORMAT = 2
TRAINING = "taught"  # among the weights


def save(picker: Picker, folder: Path) -> None:
    """Write a picker to a folder, all or nothing."""
    import torch
    from safetensors.torch import save_file

    checksums, training = picker.training_record_.as_table()
    description: dict[str, Any] = {
        "format": FORMAT,
        "kind": "picker",
        "parameters": picker.get_params(),
        "sampling_rate": picker.rate_,
        "window": picker.window_,
        "calibration": picker.calibration_.to_dict(),
        "threshold": picker.threshold_,
        "false_picks": picker.false_picks_.to_dict(),
        "rounds": [round_.to_dict() for round_ in picker.rounds_],
        "reliability": {
            phase: [asdict(bin_) for bin_ in bins] for phase, bins in picker.reliability_.items()
        },
        "witnesses": checksums,
        "training_sites": picker.training_sites_,
        "verdict": picker.verdict_.to_dict(),
    }
    with replacing(folder) as temporary:
        temporary.mkdir()
        weights = picker.net_.state_dict() | {TRAINING: torch.from_numpy(training)}
        save_file(weights, temporary / "model.safetensors")
        (temporary / "model.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def fingerprint(picker: Picker, noise: NoiseBank) -> str:
    """Return a short text that differs for trainings with other settings or on other data."""
    digest = hashlib.sha256(json.dumps(picker.get_params(), default=str).encode())
    digest.update(str(noise.windows.shape).encode())
    digest.update(np.ascontiguousarray(noise.windows[:16]).tobytes())
    return digest.hexdigest()[:16]


def load(cls: type[Picker], folder: Path) -> Any:
    """Read a picker from a folder.

    Raises
    ------
    InputError
        If the folder holds no picker, or a damaged one.
    """
    from safetensors.torch import load_file

    with reading_model(folder, "selfseis train picker"):
        description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        return _rebuilt(cls, description, load_file(folder / "model.safetensors"))


def _rebuilt(cls: type[Picker], description: dict[str, Any], weights: dict[str, Any]) -> Picker:
    from selfseis.networks.picking_unet import OnsetNet
    from selfseis.pick.self_training import Round

    if description["kind"] != "picker" or description["format"] != FORMAT:
        raise ValueError(f"kind {description['kind']}, format {description['format']}")
    parameters = description["parameters"]
    for name in ("band", "s_minus_p"):
        parameters[name] = tuple(parameters[name]) if parameters[name] else None
    picker = cls(**parameters)
    picker.rate_, picker.window_ = float(description["sampling_rate"]), int(description["window"])
    picker.calibration_ = Calibration.from_dict(description["calibration"])
    picker.false_picks_ = FalsePicks.from_dict(description["false_picks"])
    picker.rounds_ = [Round(**round_) for round_ in description["rounds"]]
    picker.reliability_ = {
        phase: [ReliabilityBin(**bin_) for bin_ in bins] for phase, bins in description["reliability"].items()
    }
    picker.verdict_ = Verdict.from_dict(description["verdict"])
    picker.training_record_ = TrainingRecord.from_table(
        description["witnesses"], weights.pop(TRAINING).numpy()
    )
    picker.training_sites_ = description["training_sites"]
    picker.net_ = OnsetNet()
    picker.net_.load_state_dict(weights)
    return picker
