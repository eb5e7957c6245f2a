"""The command that picks P and S onsets."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selfseis.cli.helpers import command_line, conclude, console_of, guarded
from selfseis.cli.options import (
    Band,
    FalseDiscoveries,
    MinProbability,
    Model,
    OptionsFile,
    Out,
    PickAlarms,
    Rounds,
    Seed,
    SMinusP,
    TrainingFraction,
    read_options,
)
from selfseis.cli.source import Source
from selfseis.errors import InputError

if TYPE_CHECKING:
    from selfseis.pick import Picker
    from selfseis.workflow.pick import PickResult


Foreign = Annotated[
    str | None,
    typer.Option(
        "--picker",
        help="Another picker to calibrate instead: seisbench:PhaseNet/original, seisbench:PATH.pt, onnx:PATH.onnx, "
        "obspy:ar_pick, obspy:recursive_sta_lta or picks:TABLE.csv; ?as_if=1 passes samples on unresampled.",
    ),
]
Train = Annotated[
    bool, typer.Option("--train", help="Train on the recordings first; it takes minutes, and may find more.")
]


def pick(
    source: Source,
    out: Out,
    model: Model = None,
    band: Band = None,
    s_minus_p: SMinusP = None,
    false_discovery_rate: FalseDiscoveries = None,
    false_alarms_per_day: PickAlarms = None,
    min_probability: MinProbability = None,
    train: Train = False,
    foreign: Foreign = None,
    rounds: Rounds = 4,
    training_fraction: TrainingFraction = 1.0,
    seed: Seed = 0,
    options: OptionsFile = None,
) -> None:
    """Pick P and S onsets.

    Thresholds and probabilities are measured on the recordings, without labels. Without --model, the starting network
    picks: it was trained on generated noise and simulated onsets alone. --train trains it on the recordings first.
    With --model, the pass band and the S - P range are those of its training.

    Example: selfseis pick archive --out results
    """

    def job() -> PickResult:
        from selfseis import workflow
        from selfseis.foreign_networks.picker_registry import TABLE, PickerName, network_of
        from selfseis.recording import sampling_rate

        source.check_outside(out)
        if model is not None and train:
            raise InputError("--model and --train exclude each other: leave one out")
        if foreign is not None and (train or model is not None):
            raise InputError("--picker is not trained, and is no --model: leave the others out")
        picker = new_picker(
            false_discovery_rate,
            false_alarms_per_day,
            s_minus_p,
            band,
            rounds,
            training_fraction,
            seed,
            options,
        )
        if model is not None:
            is_asked = false_discovery_rate is not None or false_alarms_per_day is not None
            picker = trained_picker(model, wanted=picker, is_rate_asked=is_asked)
        named = None if foreign is None else PickerName.parse(foreign)
        recording = source.open()
        if named is not None and named.kind == TABLE:
            return workflow.pick_table(
                recording,
                out,
                Path(named.name),
                picker,
                min_probability=min_probability,
                title=source.title,
                command_line=command_line(),
                console=console_of(),
            )
        return workflow.pick(
            recording,
            out,
            picker,
            train=train,
            net=None if foreign is None else network_of(foreign, sampling_rate(recording)),
            min_probability=min_probability,
            title=source.title,
            command_line=command_line(),
            console=console_of(),
        )

    conclude(guarded(job))


def new_picker(
    false_discovery_rate: float | None,
    false_alarms_per_day: float | None,
    s_minus_p: tuple[float, float] | None,
    band: tuple[float, float] | None,
    rounds: int,
    training_fraction: float,
    seed: int,
    options: Path | None,
) -> Picker:
    """Return a picker that is not yet fitted."""
    from selfseis.pick import Picker, PickerOptions

    return Picker(
        false_discovery_rate=0.5 if false_discovery_rate is None else false_discovery_rate,
        false_alarms_per_day=false_alarms_per_day,
        s_minus_p=s_minus_p,
        band=band,
        rounds=rounds,
        training_fraction=training_fraction,
        seed=seed,
        options=read_options(options, PickerOptions),
    )


def trained_picker(model: Path, *, wanted: Picker, is_rate_asked: bool) -> Picker:
    """Return the picker of a folder, at the operating point of the wanted one if a rate was asked for."""
    from selfseis import workflow
    from selfseis.pick import Picker

    trained = Picker.load(model)
    if is_rate_asked:
        trained.set_params(**asdict(wanted.operating_point))
    workflow.check_model_settings(trained, wanted=wanted)
    return trained
