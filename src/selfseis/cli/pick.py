"""The command that picks P and S onsets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from selfseis.cli.helpers import command_line, conclude, console_of, guarded
from selfseis.cli.options import (
    Band,
    FalseAlarms,
    Model,
    OptionsFile,
    Out,
    Rounds,
    Seed,
    SMinusP,
    TrainingFraction,
    read_options,
)
from selfseis.cli.source import Source

if TYPE_CHECKING:
    from selfseis.pick import Picker
    from selfseis.workflow.pick import PickResult


def pick(
    source: Source,
    out: Out,
    model: Model = None,
    band: Band = None,
    s_minus_p: SMinusP = None,
    false_alarms_per_day: FalseAlarms = 1.0,
    rounds: Rounds = 4,
    training_fraction: TrainingFraction = 1.0,
    seed: Seed = 0,
    options: OptionsFile = None,
) -> None:
    """Pick P and S onsets.

    Without --model, a picker is first trained on the recordings. With --model, the pass band, the S - P range and
    the false-alarm rate are those of its training.

    Example: selfseis pick archive --model picker-model --out results
    """

    def job() -> PickResult:
        from selfseis import workflow
        from selfseis.pick import Picker

        source.check_outside(out)
        picker = new_picker(false_alarms_per_day, s_minus_p, band, rounds, training_fraction, seed, options)
        if model is not None:
            trained = Picker.load(model)
            workflow.check_model_settings(trained, wanted=picker)
            picker = trained
        return workflow.pick(
            source.open(),
            out,
            picker,
            title=source.title,
            command_line=command_line(),
            console=console_of(),
        )

    conclude(guarded(job))


def new_picker(
    false_alarms_per_day: float,
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
        false_alarms_per_day=false_alarms_per_day,
        s_minus_p=s_minus_p,
        band=band,
        rounds=rounds,
        training_fraction=training_fraction,
        seed=seed,
        options=read_options(options, PickerOptions),
    )
