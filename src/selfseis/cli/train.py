"""Commands that train a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selfseis.cli.explore import train_explorer
from selfseis.cli.helpers import (
    console_of,
    exit_for_failed_units,
    guarded,
    load_denoiser,
    open_data,
    opening_options,
    pick_settings_of,
    settings_of,
)
from selfseis.cli.options import (
    Band,
    BlindZone,
    Data,
    End,
    FalseAlarms,
    Gauge,
    Inventory,
    Method,
    MethodOption,
    Rate,
    Rounds,
    Seed,
    Select,
    SMinusP,
    Spacing,
    Start,
    TrainingFraction,
)

if TYPE_CHECKING:
    import xarray as xr

train_app = typer.Typer(
    help="Train a model on unlabelled recordings.", no_args_is_help=True, rich_markup_mode=None
)
train_app.command("explorer")(train_explorer)


@train_app.command("denoiser")
def train_denoiser(
    data: Data,
    model: Annotated[Path, typer.Option("--model", help="Folder of the trained model.")],
    start: Start = None,
    end: End = None,
    select: Select = None,
    inventory: Inventory = None,
    sampling_rate: Rate = None,
    channel_spacing: Spacing = None,
    gauge_length: Gauge = None,
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
) -> None:
    """Train a denoiser and evaluate it on held-out channels.

    Example: selfseis train denoiser archive --model volcano-model
    """
    opening = opening_options(start, end, select, inventory, sampling_rate, channel_spacing, gauge_length)
    settings = settings_of(method, band, 1.0, seed, blind_zone=blind_zone)

    def job() -> xr.DataArray:
        from selfseis import workflow

        initial = load_denoiser(init_from)
        recording = open_data(data, opening)
        denoiser = workflow.train_denoiser(recording, model, settings, start=initial, console=console_of())
        print(denoiser.verdict_)
        before = denoiser.verdict_.details.get("skill_before")
        if before is not None:
            print(f"Skill of the initial model on these data: {before:.3f}.")
        print(f"model: {model}")
        return recording

    exit_for_failed_units(guarded(job))


@train_app.command("picker")
def train_picker(
    data: Data,
    model: Annotated[Path, typer.Option("--model", help="Folder of the trained model.")],
    start: Start = None,
    end: End = None,
    select: Select = None,
    inventory: Inventory = None,
    sampling_rate: Rate = None,
    channel_spacing: Spacing = None,
    gauge_length: Gauge = None,
    band: Band = None,
    s_minus_p: SMinusP = None,
    false_alarms_per_day: FalseAlarms = 1.0,
    rounds: Rounds = 4,
    training_fraction: TrainingFraction = 1.0,
    seed: Seed = 0,
) -> None:
    """Train a picker of P and S onsets and evaluate it by the consensus across stations.

    Example: selfseis train picker archive --model picker-model
    """
    opening = opening_options(start, end, select, inventory, sampling_rate, channel_spacing, gauge_length)

    def job() -> xr.DataArray:
        from selfseis import workflow

        settings = pick_settings_of(false_alarms_per_day, s_minus_p, band, rounds, training_fraction, seed)
        recording = open_data(data, opening)
        picker = workflow.train_picker(recording, model, settings, console=console_of())
        print(picker.verdict_)
        print(f"model: {model}")
        return recording

    exit_for_failed_units(guarded(job))
