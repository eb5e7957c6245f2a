"""The fitted state of a picker, and its storage in a folder: JSON and safetensors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from selfseis.catalogue.records import PHASES, Phase
from selfseis.io.atomic import replacing
from selfseis.models.store import reading_model
from selfseis.networks.picking_unet import OnsetNet
from selfseis.pick.calibration import Calibration, FalsePicks, ReliabilityBin
from selfseis.pick.self_training import Round
from selfseis.training import TrainingRecord
from selfseis.validation import Verdict

if TYPE_CHECKING:
    from torch import nn

    from selfseis.pick.noise_windows import NoiseBank


FORMAT = 3
TRAINING_RECORD = "training_record"  # name of its table among the weights


@dataclass(frozen=True, eq=False)
class PickerModel:
    """Everything that fitting a picker determines.

    Attributes
    ----------
    net : nn.Module
        The network.
    rate : float
        Sampling rate in Hz.
    window : int
        Samples of the network's window.
    calibration : Calibration
        Maps from the height of a pick to its probability and time uncertainty.
    false_picks : FalsePicks
        Picks in time-reversed data, from which thresholds follow.
    rounds : list of Round
        Results of each round of self-training.
    reliability : dict of str to list of ReliabilityBin
        Stated probability and observed share of true onsets, for each phase.
    training_record : TrainingRecord
        Times that were used for training or validation.
    training_sites : list of str
        Sites of the training stations.
    verdict : Verdict
        Evaluation at the test times.
    """

    net: nn.Module
    rate: float
    window: int
    calibration: Calibration
    false_picks: FalsePicks
    rounds: list[Round]
    reliability: dict[Phase, list[ReliabilityBin]]
    training_record: TrainingRecord
    training_sites: list[str]
    verdict: Verdict

    def thresholds(self, false_alarms_per_day: float) -> dict[Phase, float]:
        """Return the minimum height of a pick, for P and S, at a rate of false alarms per station and day."""
        return {phase: self.false_picks.threshold(phase, false_alarms_per_day) for phase in PHASES}


def save(folder: Path, parameters: Mapping[str, Any], model: PickerModel) -> None:
    """Write a picker to a folder atomically.

    Parameters
    ----------
    folder : Path
        Folder of the model.
    parameters : dict of str to Any
        Parameters of the `Picker`.
    model : PickerModel
        Its fitted state.
    """
    import torch
    from safetensors.torch import save_file

    checksums, record = model.training_record.as_table()
    description: dict[str, Any] = {
        "format": FORMAT,
        "kind": "picker",
        "parameters": dict(parameters),
        "sampling_rate": model.rate,
        "window": model.window,
        "calibration": model.calibration.to_dict(),
        "threshold": model.thresholds(parameters["false_alarms_per_day"]),
        "false_picks": model.false_picks.to_dict(),
        "rounds": [round_.to_dict() for round_ in model.rounds],
        "reliability": {phase: [asdict(bin_) for bin_ in bins] for phase, bins in model.reliability.items()},
        "checksums": checksums,
        "training_sites": model.training_sites,
        "verdict": model.verdict.to_dict(),
    }
    with replacing(folder) as temporary:
        temporary.mkdir()
        weights = model.net.state_dict() | {TRAINING_RECORD: torch.from_numpy(record)}
        save_file(weights, temporary / "model.safetensors")
        (temporary / "model.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def fingerprint(parameters: Mapping[str, Any], noise: NoiseBank) -> str:
    """Return a short hash of the settings and the noise windows; it names the checkpoint of a training."""
    digest = hashlib.sha256(json.dumps(parameters, default=str).encode())
    digest.update(str(noise.windows.shape).encode())
    digest.update(np.ascontiguousarray(noise.windows[:16]).tobytes())
    return digest.hexdigest()[:16]


def load(folder: Path) -> tuple[dict[str, Any], PickerModel]:
    """Read the parameters and the fitted state of a picker from a folder.

    Raises
    ------
    InputError
        If the folder holds no picker, a damaged one, or one of another format.
    """
    from safetensors.torch import load_file

    with reading_model(folder, "selfseis train picker"):
        description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        if description["kind"] != "picker" or description["format"] != FORMAT:
            raise ValueError(
                f"kind {description['kind']}, format {description['format']} instead of picker, {FORMAT}"
            )
        weights = load_file(folder / "model.safetensors")
        return _parameters(description["parameters"]), _model(description, weights)


def _parameters(stored: dict[str, Any]) -> dict[str, Any]:
    pairs = {name: tuple(stored[name]) if stored[name] else None for name in ("band", "s_minus_p")}
    return stored | pairs


def _model(description: dict[str, Any], weights: dict[str, Any]) -> PickerModel:
    record = weights.pop(TRAINING_RECORD).numpy()
    net = OnsetNet()
    net.load_state_dict(weights)
    return PickerModel(
        net=net,
        rate=float(description["sampling_rate"]),
        window=int(description["window"]),
        calibration=Calibration.from_dict(description["calibration"]),
        false_picks=FalsePicks.from_dict(description["false_picks"]),
        rounds=[Round(**round_) for round_ in description["rounds"]],
        reliability={
            phase: [ReliabilityBin(**bin_) for bin_ in bins]
            for phase, bins in description["reliability"].items()
        },
        training_record=TrainingRecord.from_table(description["checksums"], record),
        training_sites=description["training_sites"],
        verdict=Verdict.from_dict(description["verdict"]),
    )
