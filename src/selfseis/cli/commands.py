"""The command line: one thin command per task."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selfseis import __version__
from selfseis.cli.explore import explore
from selfseis.cli.helpers import (
    command_line,
    conclude,
    console_of,
    exit_for,
    exit_for_failed_units,
    guarded,
    load_denoiser,
    open_data,
    opening_options,
    pick_settings_of,
    settings_of,
    title_of,
)
from selfseis.cli.options import (
    Band,
    BlindZone,
    Data,
    End,
    Explore,
    FalseAlarms,
    Gauge,
    Inventory,
    Jobs,
    Method,
    MethodOption,
    Model,
    Out,
    Picks,
    Rate,
    Rounds,
    Seed,
    Select,
    SMinusP,
    Spacing,
    Start,
    TrainingFraction,
    Velocity,
)
from selfseis.cli.slip import slip
from selfseis.cli.tomography import tomography
from selfseis.cli.train import train_app

if TYPE_CHECKING:
    import xarray as xr

    from selfseis.workflow.pick import PickResult
    from selfseis.workflow.run import JobResult

app = typer.Typer(
    name="selfseis",
    help="Self-supervised machine learning for seismology, with one verdict per task.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(train_app, name="train")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"selfseis {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


@app.command()
def demo(out: Out = Path("selfseis-demo")) -> None:
    """Run the main job on three real recordings.

    The job writes one report per recording, and an index page.

    Example: selfseis demo --out selfseis-demo
    """
    from selfseis.workflow import run_demo

    console = console_of()
    page = guarded(lambda: run_demo(out, console=console))
    print(page)


@app.command()
def run(
    data: Data,
    out: Out,
    start: Start = None,
    end: End = None,
    select: Select = None,
    inventory: Inventory = None,
    sampling_rate: Rate = None,
    channel_spacing: Spacing = None,
    gauge_length: Gauge = None,
    band: Band = None,
    false_alarms_per_day: FalseAlarms = 1.0,
    method: MethodOption = Method.auto,
    seed: Seed = 0,
    picks: Picks = True,
    training_fraction: TrainingFraction = 1.0,
    velocity: Velocity = None,
    atlas: Explore = True,
) -> None:
    """Train, evaluate, denoise, detect, pick and report: the main job.

    An interrupted run resumes when the same command is started again.

    Example: selfseis run archive --out results
    """
    opening = opening_options(start, end, select, inventory, sampling_rate, channel_spacing, gauge_length)
    settings = replace(
        settings_of(method, band, false_alarms_per_day, seed),
        picks=picks,
        training_fraction=training_fraction,
        velocity=velocity,
        explore=atlas,
    )

    def job() -> JobResult:
        from selfseis import workflow

        workflow.check_output_outside_data(out, data)
        begin = time.perf_counter()
        recording = open_data(data, opening)
        seconds = time.perf_counter() - begin
        return workflow.run(
            recording, out, settings, title=title_of(data), command_line=command_line(), opening_seconds=seconds,
            console=console_of(),
        )  # fmt: skip

    conclude(guarded(job))


@app.command()
def denoise(
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="Output file: .nc, .zarr or .mseed.")],
    model: Model = None,
    uncertainty: Annotated[
        Path | None,
        typer.Option("--uncertainty", help="File for the standard deviation of each denoised sample."),
    ] = None,
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
    jobs: Jobs = 1,
) -> None:
    """Denoise recordings.

    Without --model, a denoiser is first trained on the recordings. An interrupted job resumes when the same command
    is started again. With --model, an existing .nc or .zarr file of the same recording is extended: only the new
    data are denoised.

    Example: selfseis denoise archive --model volcano-model --out clean.mseed
    """
    opening = opening_options(start, end, select, inventory, sampling_rate, channel_spacing, gauge_length)
    settings = settings_of(method, band, 1.0, seed, blind_zone=blind_zone)

    def job() -> xr.DataArray:
        from selfseis import workflow

        for path in filter(None, (out, uncertainty)):
            workflow.check_output_outside_data(path, data)
        recording = open_data(data, opening)
        result = workflow.denoise(
            recording,
            out,
            load_denoiser(model),
            settings,
            deviation=uncertainty,
            jobs=jobs,
            console=console_of(),
        )
        used = result.denoiser
        print(used.verdict_ if model is None else used.evaluate(recording))
        for line in workflow.predicted_channels_summary(out, result.predicted):
            print(line)
        if result.kept:
            print(f"Already denoised: {result.kept:,} of {recording.sizes['time']:,} samples.")
        print(out)
        return recording

    exit_for_failed_units(guarded(job))


@app.command()
def detect(
    data: Data,
    out: Out,
    model: Model = None,
    start: Start = None,
    end: End = None,
    select: Select = None,
    inventory: Inventory = None,
    sampling_rate: Rate = None,
    channel_spacing: Spacing = None,
    gauge_length: Gauge = None,
    band: Band = None,
    false_alarms_per_day: FalseAlarms = 1.0,
    seed: Seed = 0,
) -> None:
    """Detect events at a given false-alarm rate.

    Example: selfseis detect archive --false-alarms-per-day 1 --out results
    """
    opening = opening_options(start, end, select, inventory, sampling_rate, channel_spacing, gauge_length)
    settings = settings_of(Method.auto, band, false_alarms_per_day, seed)

    def job() -> JobResult:
        from selfseis import workflow

        workflow.check_output_outside_data(out, data)
        recording = open_data(data, opening)
        return workflow.detect(
            recording,
            out,
            load_denoiser(model),
            settings,
            title=title_of(data),
            command_line=command_line(),
            console=console_of(),
        )

    conclude(guarded(job))


@app.command()
def pick(
    data: Data,
    out: Out,
    model: Model = None,
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
    """Pick P and S onsets.

    Without --model, a picker is first trained on the recordings. With --model, the pass band, the S - P range and
    the false-alarm rate are those of its training.

    Example: selfseis pick archive --model picker-model --out results
    """
    opening = opening_options(start, end, select, inventory, sampling_rate, channel_spacing, gauge_length)

    def job() -> PickResult:
        from selfseis import workflow
        from selfseis.pick.picker import Picker

        workflow.check_output_outside_data(out, data)
        settings = pick_settings_of(false_alarms_per_day, s_minus_p, band, rounds, training_fraction, seed)
        picker = Picker.load(model) if model is not None else None
        workflow.check_model_settings(picker, settings)
        return workflow.pick(
            open_data(data, opening),
            out,
            picker,
            settings,
            title=title_of(data),
            command_line=command_line(),
            console=console_of(),
        )

    outcome = guarded(job)
    print(outcome.verdict)
    print(f"{outcome.counts}; report: {outcome.report}")
    exit_for(outcome.failed_units)


@app.command()
def evaluate(
    model: Annotated[Path, typer.Argument(help="Folder of a model.", metavar="MODEL")],
    data: Data,
    start: Start = None,
    end: End = None,
    select: Select = None,
    inventory: Inventory = None,
    sampling_rate: Rate = None,
    channel_spacing: Spacing = None,
    gauge_length: Gauge = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all numbers of the verdict as JSON.")
    ] = False,
) -> None:
    """Evaluate a model on recordings and print the verdict.

    Example: selfseis evaluate volcano-model archive --json
    """
    opening = opening_options(start, end, select, inventory, sampling_rate, channel_spacing, gauge_length)

    def job() -> xr.DataArray:
        from selfseis import workflow

        trained = workflow.load_model(model)
        recording = open_data(data, opening)
        verdict = trained.evaluate(recording)
        print(json.dumps([verdict.to_dict()], indent=2) if as_json else verdict)
        return recording

    exit_for_failed_units(guarded(job))


app.command()(explore)
app.command()(slip)
app.command()(tomography)


def main() -> None:
    """Run the command line."""
    app()
