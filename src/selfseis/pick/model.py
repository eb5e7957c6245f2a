"""The fitted state of a picker, and its storage in a folder: JSON and safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from selfseis.catalogue.records import PHASES, Phase
from selfseis.errors import InputError
from selfseis.models.store import ModelFormat, StoredModel, fingerprint, weights
from selfseis.pick.adaptation import Adaptation
from selfseis.pick.calibration import Calibration, ReliabilityBin, threshold_for
from selfseis.pick.false_discovery import FalseDiscovery
from selfseis.pick.options import PickerOptions
from selfseis.pick.self_training import Round
from selfseis.pick.stored_network import OWN_NETWORK, describe_network, network_from
from selfseis.training import TrainingRecord
from selfseis.validation import Verdict

if TYPE_CHECKING:
    from torch import nn

    from selfseis.pick.noise_windows import NoiseBank


@dataclass(frozen=True)
class OperatingPoint:
    """What the thresholds of picks are chosen for.

    Attributes
    ----------
    false_discovery_rate : float
        Accepted share of false picks, between 0 and 1.
    false_alarms_per_day : float or None
        Accepted false alarms of each phase per station and day; if given, it decides alone.

    Raises
    ------
    InputError
        If the share is not between 0 and 1, or the rate not above 0.
    """

    false_discovery_rate: float
    false_alarms_per_day: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.false_discovery_rate < 1:
            raise InputError(
                f"false_discovery_rate must lie between 0 and 1, such as 0.2, got {self.false_discovery_rate:g}"
            )
        if self.false_alarms_per_day is not None and not 0 < self.false_alarms_per_day < float("inf"):
            raise InputError(
                f"false_alarms_per_day must be a number above 0, got {self.false_alarms_per_day:g}"
            )


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
    false_discovery : FalseDiscovery
        Heights of picks of the recording and of the reversed recording, from which thresholds follow.
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
    adaptation : Adaptation or None
        How the network was adapted from a parent, or why not; None if it was not asked for.
    """

    net: nn.Module
    rate: float
    window: int
    calibration: Calibration
    false_discovery: FalseDiscovery
    rounds: list[Round]
    reliability: dict[Phase, list[ReliabilityBin]]
    training_record: TrainingRecord
    training_sites: list[str]
    verdict: Verdict
    adaptation: Adaptation | None = None

    def thresholds(self, operating_point: OperatingPoint) -> dict[Phase, float]:
        """Return the minimum height of a pick, for P and S; infinite where no height reaches the asked rate."""
        per_day = operating_point.false_alarms_per_day
        known = self.false_discovery
        if per_day is None:
            return {
                phase: known.phases[phase].threshold(operating_point.false_discovery_rate) for phase in PHASES
            }
        return {
            phase: threshold_for(
                per_day,
                known.phases[phase].decoys,
                known.days,
                lowest=known.phases[phase].min_height,
                options=known.phases[phase].options,
            )
            for phase in PHASES
        }


def fingerprint_of(parameters: Mapping[str, Any], noise: NoiseBank) -> str:
    """Return a short hash of the settings and the noise windows; it names the checkpoint of a training."""
    return fingerprint(dict(parameters), noise.windows.shape, noise.windows[:16])


def _pack(model: PickerModel, parameters: dict[str, Any]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the state and the arrays of a model."""
    checksums, record = model.training_record.as_table()
    state: dict[str, Any] = {
        "network": describe_network(model.net),
        "adaptation": None if model.adaptation is None else model.adaptation.to_dict(),
        "sampling_rate": model.rate,
        "window": model.window,
        "calibration": model.calibration.to_dict(),
        "false_discovery": model.false_discovery.to_dict(),
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
    options = PickerOptions.from_dict(stored.parameters.get("options", {}))
    net = network_from(state.get("network", OWN_NETWORK), stored.group("net"))
    record = stored.tensor("training_record", None, 4)
    return PickerModel(
        net=net,
        rate=float(state["sampling_rate"]),
        window=int(state["window"]),
        calibration=Calibration.from_dict(state["calibration"]),
        false_discovery=FalseDiscovery.from_dict(state["false_discovery"], options.calibration),
        rounds=[Round(**round_) for round_ in state["rounds"]],
        reliability={
            phase: [ReliabilityBin(**bin_) for bin_ in bins] for phase, bins in state["reliability"].items()
        },
        training_record=TrainingRecord.from_table(state["checksums"], record),
        training_sites=state["training_sites"],
        verdict=Verdict.from_dict(state["verdict"]),
        adaptation=Adaptation.from_dict(adapted) if (adapted := state.get("adaptation")) else None,
    )


STORAGE = ModelFormat("picker", 6, "selfseis train picker", _pack, _unpack)
