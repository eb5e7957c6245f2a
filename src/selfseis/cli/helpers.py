"""Shared steps of the commands: opening data, showing progress and results, and exit statuses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Console

    from selfseis.cli.options import Method
    from selfseis.workflow.pick import PickSettings
    from selfseis.workflow.run import JobResult, Settings


Result = TypeVar("Result")
SOME_UNITS_FAILED = 1
INPUT_ERROR = 2
INTERRUPTED = 130


def guarded(job: Callable[[], Result]) -> Result:
    """Run a job; an error that the user can correct prints one line and exits with status 2."""
    from selfseis.errors import InputError, one_line

    try:
        return job()
    except InputError as error:
        print(f"selfseis: {error}", file=sys.stderr)
        raise typer.Exit(INPUT_ERROR) from None
    except OSError as error:
        print(f"selfseis: {one_line(error)}: check the disk and the permissions", file=sys.stderr)
        raise typer.Exit(INPUT_ERROR) from None
    except KeyboardInterrupt:
        print("selfseis: interrupted; run the same command again to resume", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None


def opening_options(
    start: str | None,
    end: str | None,
    select: str | None,
    inventory: Path | None,
    sampling_rate: float | None,
    channel_spacing: float | None,
    gauge_length: float | None,
) -> dict[str, Any]:
    """Return the keywords that recordings are opened with."""
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
        raise typer.BadParameter(
            f"a section of fibre must be FROM:TO in m, such as 0:1500, got {select}"
        ) from None
    return first, last


def open_data(data: list[str], opening: dict[str, Any]) -> xr.DataArray:
    """Open recordings and print the issues of their quality log."""
    from selfseis.quality_log import quality_log_of
    from selfseis.recording import open_recording

    recording = open_recording(*data, **opening)
    for line in quality_log_of(recording).summary():
        print(f"selfseis: {line}", file=sys.stderr)
    return recording


def settings_of(
    method: Method,
    band: tuple[float, float] | None,
    false_alarms_per_day: float,
    seed: int,
    *,
    blind_zone: int | None = None,
) -> Settings:
    """Return the settings of a job."""
    from selfseis.workflow.run import Settings

    return guarded(lambda: Settings(method.value, band, false_alarms_per_day, seed, blind_zone=blind_zone))


def pick_settings_of(
    false_alarms_per_day: float,
    s_minus_p: tuple[float, float] | None,
    band: tuple[float, float] | None,
    rounds: int,
    training_fraction: float,
    seed: int,
) -> PickSettings:
    """Return the settings of picking."""
    from selfseis.workflow.pick import PickSettings

    return PickSettings(false_alarms_per_day, s_minus_p, band, rounds, training_fraction, seed)


def load_denoiser(model: Path | None) -> Any:
    """Load a denoiser, if there is one."""
    from selfseis.denoise import Denoiser

    return Denoiser.load(model) if model is not None else None


def conclude(result: JobResult) -> None:
    """Print the result of a job, and exit with 1 if units failed."""
    from selfseis.workflow.demo import print_result

    print_result(result, console_of(error=False))
    exit_for(result.failed_units)


def exit_for_failed_units(recording: xr.DataArray) -> None:
    """Exit with 1 if units of a recording could not be used, and name them."""
    from selfseis.quality_log import quality_log_of

    exit_for(quality_log_of(recording).failed_units)


def exit_for(failed: list[str]) -> None:
    """Exit with 1 if units could not be used, and name them."""
    for unit in failed:
        print(f"selfseis: could not be used: {unit}", file=sys.stderr)
    if failed:
        raise typer.Exit(SOME_UNITS_FAILED)


def console_of(*, error: bool = True) -> Console:
    """Return the terminal for progress and errors, or for results."""
    from rich.console import Console

    return Console(stderr=error)


def title_of(data: list[str]) -> str:
    """Return the title of recordings on a page."""
    names = [Path(item).name or item for item in data]
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def command_line() -> list[str]:
    """Return the command line of the user."""
    return ["selfseis", *sys.argv[1:]]
