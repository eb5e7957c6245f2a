"""The command that calibrates a picker on recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selfseis.cli.helpers import command_line, conclude, console_of, guarded
from selfseis.cli.options import (
    Band,
    FalseDiscoveries,
    MinProbability,
    Model,
    OptionsFile,
    Out,
    PickAlarms,
    Seed,
    SMinusP,
)
from selfseis.cli.pick import Foreign, new_picker, trained_picker
from selfseis.cli.source import Source

if TYPE_CHECKING:
    from selfseis.workflow.calibrate import CalibrateResult


def calibrate(
    source: Source,
    out: Out,
    model: Model = None,
    foreign: Foreign = None,
    band: Band = None,
    s_minus_p: SMinusP = None,
    false_discovery_rate: FalseDiscoveries = None,
    false_alarms_per_day: PickAlarms = None,
    min_probability: MinProbability = None,
    seed: Seed = 0,
    options: OptionsFile = None,
) -> None:
    """Measure the thresholds and probabilities of a picker on your recordings, without labels.

    The result has the thresholds as arguments of SeisBench's classify, and the share of false picks at each height. A
    calibrated model for `selfseis pick --model` is saved too. Without --model and --picker, the starting network is
    calibrated.

    Example: selfseis calibrate archive --picker seisbench:PhaseNet/original --out calibration
    """

    def job() -> CalibrateResult:
        from selfseis.errors import InputError
        from selfseis.foreign_networks.picker_registry import network_of
        from selfseis.recording import sampling_rate
        from selfseis.workflow.calibrate import calibrate

        source.check_outside(out)
        if model is not None and foreign is not None:
            raise InputError("--model and --picker exclude each other: leave one out")
        picker = new_picker(
            false_discovery_rate, false_alarms_per_day, s_minus_p, band, 4, 1.0, seed, options
        )
        if model is not None:
            is_asked = false_discovery_rate is not None or false_alarms_per_day is not None
            picker = trained_picker(model, wanted=picker, is_rate_asked=is_asked)
        recording = source.open()
        return calibrate(
            recording,
            out,
            picker,
            net=None if foreign is None else network_of(foreign, sampling_rate(recording)),
            min_probability=min_probability,
            title=source.title,
            command_line=command_line(),
            console=console_of(),
        )

    conclude(guarded(job), page="numbers")
