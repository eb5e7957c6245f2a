"""The commands that learn a model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selfseis.cli.options import (
    Band,
    Data,
    Effort,
    End,
    FalseAlarms,
    Gauge,
    Inventory,
    Method,
    MethodOption,
    Model,
    Rate,
    Rounds,
    Seed,
    Select,
    SMinusP,
    Spacing,
    Start,
)
from selfseis.cli.running import (
    UNUSABLE_INPUT,
    console_of,
    exit_for_failed_units,
    guarded,
    open_data,
    opening_options,
    pick_settings_of,
    settings_of,
)

if TYPE_CHECKING:
    import xarray as xr

learn_app = typer.Typer(
    help="Learn a model from unlabelled recordings.", no_args_is_help=True, rich_markup_mode=None
)


@learn_app.command("denoiser")
def learn_denoiser(
    data: Data,
    model: Annotated[Path, typer.Option("--model", help="Folder to save the model in.")],
    start: Start = None,
    end: End = None,
    select: Select = None,
    inventory: Inventory = None,
    sampling_rate: Rate = None,
    channel_spacing: Spacing = None,
    gauge_length: Gauge = None,
    band: Band = None,
    method: MethodOption = Method.auto,
    seed: Seed = 0,
) -> None:
    """Learn to denoise, and judge it on hidden channels."""
    opening = opening_options(start, end, select, inventory, sampling_rate, channel_spacing, gauge_length)
    settings = settings_of(method, band, 1.0, seed)

    def job() -> xr.DataArray:
        from selfseis import workflow

        recording = open_data(data, opening)
        denoiser = workflow.learn_denoiser(recording, model, settings, console=console_of())
        print(denoiser.verdict_)
        print(f"model: {model}")
        return recording

    exit_for_failed_units(guarded(job))


@learn_app.command("picker")
def learn_picker(
    data: Data,
    model: Annotated[Path, typer.Option("--model", help="Folder to save the model in.")],
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
    effort: Effort = 1.0,
    seed: Seed = 0,
) -> None:
    """Learn to pick P and S, and judge it by what other stations confirm."""
    opening = opening_options(start, end, select, inventory, sampling_rate, channel_spacing, gauge_length)

    def job() -> xr.DataArray:
        from selfseis import workflow

        settings = pick_settings_of(false_alarms_per_day, s_minus_p, band, rounds, effort, seed)
        recording = open_data(data, opening)
        picker = workflow.learn_picker(recording, model, settings, console=console_of())
        print(picker.verdict_)
        print(f"model: {model}")
        return recording

    exit_for_failed_units(guarded(job))


@learn_app.command("explorer", hidden=True)
def learn_what_is_to_come(
    context: typer.Context, data: Annotated[list[str] | None, typer.Argument()] = None, model: Model = None
) -> None:
    """Say that this version cannot learn it."""
    print(
        f"selfseis: this version learns no {context.info_name} yet: "
        "it has 'selfseis learn denoiser' and 'selfseis learn picker'",
        file=sys.stderr,
    )
    raise typer.Exit(UNUSABLE_INPUT)
