"""The command line: one thin command a task."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from selfseis import __version__

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Console

    from selfseis.workflow.jobs import Outcome, Settings

Result = TypeVar("Result")

SOME_UNITS_FAILED = 1
UNUSABLE_INPUT = 2
INTERRUPTED = 130

app = typer.Typer(
    help="Self-supervised seismology that says whether it works.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
learn_app = typer.Typer(
    help="Learn a model from unlabelled recordings.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(learn_app, name="learn")


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


class Method(StrEnum):
    """How to denoise."""

    auto = "auto"
    ridge = "ridge"
    network = "network"


Data = Annotated[
    list[str], typer.Argument(help="Files, folders, globs, an SDS archive, or a URL.", metavar="DATA...")
]
Out = Annotated[Path, typer.Option("--out", help="Folder of the results.")]
Model = Annotated[Path | None, typer.Option("--model", help="Folder of a model that was learnt.")]
Start = Annotated[str | None, typer.Option("--start", help="First time to use, UTC.")]
End = Annotated[str | None, typer.Option("--end", help="Time up to which to use, UTC.")]
Select = Annotated[
    str | None, typer.Option("--select", help="Stations, such as CX.PB0?..HHZ; on a fibre FROM:TO in m.")
]
Inventory = Annotated[
    Path | None, typer.Option("--inventory", help="StationXML with coordinates and responses.")
]
Rate = Annotated[
    float | None, typer.Option("--sampling-rate", help="Hz: of a bare matrix, or the one to keep of several.")
]
Spacing = Annotated[
    float | None, typer.Option("--channel-spacing", help="m, for a fibre whose file does not say.")
]
Gauge = Annotated[
    float | None, typer.Option("--gauge-length", help="m, for a fibre whose file does not say.")
]
Band = Annotated[
    tuple[float, float] | None,
    typer.Option("--band", help="Pass band in Hz; by default 2% to 80% of Nyquist."),
]
FalseAlarms = Annotated[
    float, typer.Option("--false-alarms-per-day", help="Rate of false alarms that is accepted.")
]
MethodOption = Annotated[
    Method, typer.Option("--method", help="auto tries the network on a fibre and keeps what is better.")
]
Seed = Annotated[int, typer.Option("--seed", help="Seed of everything random.", min=0)]


@app.command()
def demo(out: Out = Path("selfseis-demo")) -> None:
    """Run the main job on three real recordings and show a report."""
    from selfseis.workflow import run_demo

    console = _console()
    page = _guarded(lambda: run_demo(out, console=console))
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
) -> None:
    """Learn, judge, find, show: the main job."""
    opening = _opening(start, end, select, inventory, sampling_rate, channel_spacing, gauge_length)
    settings = _settings(method, band, false_alarms_per_day, seed)

    def job() -> Outcome:
        from selfseis import workflow

        workflow.check_apart(out, data)
        begin = time.perf_counter()
        recording = _open(data, opening)
        seconds = time.perf_counter() - begin
        return workflow.run(
            recording, out, settings, title=_title(data), command_line=_command_line(), opening_seconds=seconds,
            console=_console(),
        )  # fmt: skip

    _conclude(_guarded(job))


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
    opening = _opening(start, end, select, inventory, sampling_rate, channel_spacing, gauge_length)
    settings = _settings(method, band, 1.0, seed)

    def job() -> xr.DataArray:
        from selfseis import workflow

        recording = _open(data, opening)
        denoiser = workflow.learn_denoiser(recording, model, settings, console=_console())
        print(denoiser.verdict_)
        print(f"model: {model}")
        return recording

    _exit_for_failed_units(_guarded(job))


@learn_app.command("picker", hidden=True)
@learn_app.command("explorer", hidden=True)
def learn_what_is_to_come(
    context: typer.Context, data: Annotated[list[str] | None, typer.Argument()] = None, model: Model = None
) -> None:
    """Say that this version cannot learn it."""
    print(
        f"selfseis: this version learns no {context.info_name} yet: it has 'selfseis learn denoiser'",
        file=sys.stderr,
    )
    raise typer.Exit(UNUSABLE_INPUT)


@app.command()
def denoise(
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="File to write: .nc, .zarr or .mseed.")],
    model: Model = None,
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
    """Clean recordings, with a model or with one learnt from them."""
    opening = _opening(start, end, select, inventory, sampling_rate, channel_spacing, gauge_length)
    settings = _settings(method, band, 1.0, seed)

    def job() -> xr.DataArray:
        from selfseis import workflow

        workflow.check_apart(out, data)
        recording = _open(data, opening)
        used = workflow.denoise(recording, out, _load(model), settings, console=_console())
        print(used.verdict_ if model is None else used.verdict(recording))
        print(out)
        return recording

    _exit_for_failed_units(_guarded(job))


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
    """Find events at a stated rate of false alarms."""
    opening = _opening(start, end, select, inventory, sampling_rate, channel_spacing, gauge_length)
    settings = _settings(Method.auto, band, false_alarms_per_day, seed)

    def job() -> Outcome:
        from selfseis import workflow

        workflow.check_apart(out, data)
        recording = _open(data, opening)
        return workflow.detect(
            recording,
            out,
            _load(model),
            settings,
            title=_title(data),
            command_line=_command_line(),
            console=_console(),
        )

    _conclude(_guarded(job))


@app.command()
def verdict(
    model: Annotated[Path, typer.Argument(help="Folder of a model.", metavar="MODEL")],
    data: Data,
    start: Start = None,
    end: End = None,
    select: Select = None,
    inventory: Inventory = None,
    sampling_rate: Rate = None,
    channel_spacing: Spacing = None,
    gauge_length: Gauge = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all numbers as JSON.")] = False,
) -> None:
    """Say whether a model works on these data."""
    opening = _opening(start, end, select, inventory, sampling_rate, channel_spacing, gauge_length)

    def job() -> xr.DataArray:
        from selfseis.denoise import Denoiser

        denoiser = Denoiser.load(model)
        recording = _open(data, opening)
        found = denoiser.verdict(recording)
        print(json.dumps([found.to_dict()], indent=2) if as_json else found)
        return recording

    _exit_for_failed_units(_guarded(job))


def main() -> None:
    """Run the command line."""
    app()


def _guarded(job: Callable[[], Result]) -> Result:
    from selfseis.recording.errors import UnusableInput, one_line

    try:
        return job()
    except UnusableInput as error:
        print(f"selfseis: {error}", file=sys.stderr)
        raise typer.Exit(UNUSABLE_INPUT) from None
    except OSError as error:
        print(f"selfseis: {one_line(error)}: check the disk and the permissions", file=sys.stderr)
        raise typer.Exit(UNUSABLE_INPUT) from None
    except KeyboardInterrupt:
        print("selfseis: interrupted; the same command goes on from here", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None


def _opening(
    start: str | None,
    end: str | None,
    select: str | None,
    inventory: Path | None,
    sampling_rate: float | None,
    channel_spacing: float | None,
    gauge_length: float | None,
) -> dict[str, Any]:
    return {
        "start": start,
        "end": end,
        "select": _selection(select),
        "inventory": inventory,
        "sampling_rate": sampling_rate,
        "channel_spacing": channel_spacing,
        "gauge_length": gauge_length,
    }


def _selection(select: str | None) -> str | tuple[float, float] | None:
    if select is None or ":" not in select:
        return select
    try:
        first, last = (float(part) for part in select.split(":"))
    except ValueError:
        raise typer.BadParameter("a stretch of fibre is FROM:TO in m, such as 0:1500") from None
    return first, last


def _open(data: list[str], opening: dict[str, Any]) -> xr.DataArray:
    from selfseis.recording import accounting_of, open_recording

    recording = open_recording(*data, **opening)
    for line in accounting_of(recording).summary():
        print(f"selfseis: {line}", file=sys.stderr)
    return recording


def _settings(
    method: Method, band: tuple[float, float] | None, false_alarms_per_day: float, seed: int
) -> Settings:
    from selfseis.workflow.jobs import Settings

    return _guarded(lambda: Settings(method.value, band, false_alarms_per_day, seed))


def _load(model: Path | None) -> Any:
    from selfseis.denoise import Denoiser

    return Denoiser.load(model) if model is not None else None


def _conclude(outcome: Outcome) -> None:
    from selfseis.workflow.demo import show

    show(outcome, _console(error=False))
    _exit_for(outcome.failed_units)


def _exit_for_failed_units(recording: xr.DataArray) -> None:
    from selfseis.recording import accounting_of

    _exit_for(accounting_of(recording).failed_units)


def _exit_for(failed: list[str]) -> None:
    for unit in failed:
        print(f"selfseis: could not be used: {unit}", file=sys.stderr)
    if failed:
        raise typer.Exit(SOME_UNITS_FAILED)


def _console(*, error: bool = True) -> Console:
    from rich.console import Console

    return Console(stderr=error)


def _title(data: list[str]) -> str:
    names = [Path(item).name or item for item in data]
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _command_line() -> list[str]:
    return ["selfseis", *sys.argv[1:]]


if __name__ == "__main__":
    main()
