"""The fitted state of a picker, and its storage in a folder: JSON and safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from selfseis.catalogue.records import PHASES, Phase
from selfseis.models.store import ModelFormat, StoredModel, fingerprint, weights
from selfseis.networks.picking_unet import OnsetNet
from selfseis.pick.calibration import Calibration, FalsePicks, ReliabilityBin
from selfseis.pick.options import PickerOptions
from selfseis.pick.self_training import Round
from selfseis.training import TrainingRecord
from selfseis.validation import Verdict

if TYPE_CHECKING:
    from torch import nn

    from selfseis.pick.noise_windows import NoiseBank


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

    def thresholds(self, false_alarms_per_day: float, options: PickerOptions) -> dict[Phase, float]:
        """Return the minimum height of a pick, for P and S, at a rate of false alarms per station and day."""
        lowest, calibration = options.inference.min_height, options.calibration
        return {
            phase: self.false_picks.threshold(phase, false_alarms_per_day, lowest, calibration)
            for phase in PHASES
        }


def fingerprint_of(parameters: Mapping[str, Any], noise: NoiseBank) -> str:
    """Return a short hash of the settings and the noise windows; it names the checkpoint of a training."""
    return fingerprint(dict(parameters), noise.windows.shape, noise.windows[:16])


def _pack(model: PickerModel, parameters: dict[str, Any]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the state and the arrays of a model."""
    checksums, record = model.training_record.as_table()
    options = PickerOptions.from_dict(parameters["options"])
    state: dict[str, Any] = {
        "sampling_rate": model.rate,
        "window": model.window,
        "calibration": model.calibration.to_dict(),
        "threshold": model.thresholds(parameters["false_alarms_per_day"], options),
        "false_picks": model.false_picks.to_dict(),
        "rounds": [round_.to_dict() for round_ in model.rounds],
        "reliability": {phase: [asdict(bin_) for bin_ in bins] for phase, bins in model.reliability.items()},
        "checksums": checksums,
        "training_sites": model.training_sites,
        "verdict": model.verdict.to_dict(),
    }
    return state, weights(model.net, "net") | {"training_record": record}


def _unpack(stored: StoredModel) -> PickerModel:
    """Return the model of a stored one."""
    state = stored.state
    net = OnsetNet()
    stored.load_weights(net, "net")
    record = stored.tensor("training_record", None, 4)
    return PickerModel(
        net=net,
        rate=float(state["sampling_rate"]),
        window=int(state["window"]),
        calibration=Calibration.from_dict(state["calibration"]),
        false_picks=FalsePicks.from_dict(state["false_picks"]),
        rounds=[Round(**round_) for round_ in state["rounds"]],
        reliability={
            phase: [ReliabilityBin(**bin_) for bin_ in bins] for phase, bins in state["reliability"].items()
        },
        training_record=TrainingRecord.from_table(state["checksums"], record),
        training_sites=state["training_sites"],
        verdict=Verdict.from_dict(state["verdict"]),
    )


STORAGE = ModelFormat("picker", 4, "selfseis train picker", _pack, _unpack)
