"""Commands that train a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selfseis.cli.explore import (
    Grouping,
    GroupingOption,
    Representation,
    RepresentationOption,
    Window,
    new_explorer,
)
from selfseis.cli.helpers import console_of, exit_for_failed_units, guarded, load_denoiser, settings_of
from selfseis.cli.options import (
    Band,
    BlindZone,
    FalseDiscoveries,
    Method,
    MethodOption,
    OptionsFile,
    PickAlarms,
    Rounds,
    Seed,
    SMinusP,
    TrainedModel,
    TrainingFraction,
    read_options,
)
from selfseis.cli.pick import new_picker
from selfseis.cli.source import Source

if TYPE_CHECKING:
    import xarray as xr

Parent = Annotated[
    str | None,
    typer.Option(
        "--init-from",
        help="Picker to adapt: the folder of a trained one, or seisbench:PhaseNet/original, seisbench:PATH.pt.",
    ),
]
LabelsFile = Annotated[
    Path | None,
    typer.Option(
        "--labels",
        help="A few labelled onsets to adapt with: a table with station, phase and time, or QuakeML.",
    ),
]


def train_denoiser(
    source: Source,
    model: TrainedModel,
    band: Band = None,
    method: MethodOption = Method.auto,
    blind_zone: BlindZone = None,
    seed: Seed = 0,
    init_from: Annotated[
        Path | None,
        typer.Option(
            "--init-from", help="Folder of a trained model to start from; fine-tuning takes seconds."
        ),
    ] = None,
    options: OptionsFile = None,
) -> None:
    """Train a denoiser and evaluate it on held-out channels.

    Example: selfseis train denoiser archive --model volcano-model
    """

    def job() -> xr.DataArray:
        from selfseis import workflow
        from selfseis.denoise import DenoiserOptions
        from selfseis.workflow.options import RunOptions

        of_denoiser = read_options(options, DenoiserOptions)
        settings = settings_of(
            method, band, 1.0, seed, blind_zone=blind_zone, options=RunOptions(denoiser=of_denoiser)
        )
        initial = load_denoiser(init_from)
        recording = source.open()
        denoiser = workflow.train_denoiser(recording, model, settings, start=initial, console=console_of())
        print(denoiser.verdict_)
        before = denoiser.verdict_.details.get("skill_before")
        if before is not None:
            print(f"Skill of the initial model on these data: {before:.3f}.")
        print(f"model: {model}")
        return recording

    exit_for_failed_units(guarded(job))


def train_picker(
    source: Source,
    model: TrainedModel,
    band: Band = None,
    s_minus_p: SMinusP = None,
    false_discovery_rate: FalseDiscoveries = None,
    false_alarms_per_day: PickAlarms = None,
    rounds: Rounds = 4,
    training_fraction: TrainingFraction = 1.0,
    seed: Seed = 0,
    init_from: Parent = None,
    labels: LabelsFile = None,
    options: OptionsFile = None,
) -> None:
    """Train a picker of P and S onsets and evaluate it by the consensus across stations.

    With --init-from or --labels, a trained picker is adapted to the recordings. The change is kept only if held-out
    data prefer it; otherwise the picker stays as it was, calibrated on the recordings.

    Example: selfseis train picker archive --model picker-model

    Example: selfseis train picker archive --init-from seisbench:PhaseNet/original --model adapted
    """

    def job() -> xr.DataArray:
        from selfseis import workflow
        from selfseis.recording import sampling_rate
        from selfseis.workflow.adapt import parent_of

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
        recording = source.open()
        if init_from is None and labels is None:
            workflow.train_picker(recording, model, picker, console=console_of())
        else:
            parent = parent_of(init_from, sampling_rate(recording))
            workflow.adapt_picker(recording, model, picker, parent, labels=labels, console=console_of())
            print(picker.verdict_.details["adaptation"])
        print(picker.verdict_)
        print(f"model: {model}")
        return recording

    exit_for_failed_units(guarded(job))


def train_explorer(
    source: Source,
    model: TrainedModel,
    window: Window = None,
    grouping: GroupingOption = Grouping.hdbscan,
    representation: RepresentationOption = Representation.auto,
    seed: Seed = 0,
    options: OptionsFile = None,
) -> None:
    """Train an explorer on recordings and evaluate its classes on held-out windows.

    Example: selfseis train explorer archive --model explorer-model
    """

    def job() -> xr.DataArray:
        from selfseis import workflow

        explorer = new_explorer(window, grouping, representation, seed, options)
        recording = source.open()
        workflow.train_explorer(recording, model, explorer, console=console_of())
        print(explorer.verdict_)
        print(f"model: {model}")
        return recording

    exit_for_failed_units(guarded(job))
