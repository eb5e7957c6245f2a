"""Shared steps of the commands: settings, progress, results and exit statuses."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Console

    from selfseis.cli.options import Method
    from selfseis.workflow.results import JobResult
    from selfseis.workflow.settings import Settings

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


def settings_of(
    method: Method,
    band: tuple[float, float] | None,
    false_alarms_per_day: float,
    seed: int,
    **others: Any,
) -> Settings:
    """Return the settings of a job; `others` are further fields of them."""
    from selfseis.workflow.settings import Settings

    return Settings(method.value, band, false_alarms_per_day, seed, **others)


def refuse_options(options: Path | None, model: Path | None) -> None:
    """Refuse a file of options together with a model, which keeps those of its training.

    Raises
    ------
    InputError
        If both are given.
    """
    from selfseis.errors import InputError

    if options is not None and model is not None:
        raise InputError(f"the model in {model} keeps the options of its training: leave out --options")


def load_denoiser(model: Path | None) -> Any:
    """Load a denoiser, if there is one."""
    from selfseis.denoise import Denoiser

    return Denoiser.load(model) if model is not None else None


def conclude(result: JobResult, *, page: str = "report", below: Iterable[str] = ()) -> None:
    """Print the result of a job, and exit with 1 if units failed.

    Parameters
    ----------
    result : JobResult
        The result.
    page : str
        Name of the page.
    below : iterable of str
        Lines to print below the result.
    """
    for line in result.warnings:
        print(f"selfseis: {line}", file=sys.stderr)
    print(*result.verdicts, *result.table, f"{result.summary}; {page}: {result.report}", *below, sep="\n")
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


def console_of() -> Console:
    """Return the terminal for progress and errors."""
    from rich.console import Console

    return Console(stderr=True)


def command_line() -> list[str]:
    """Return the command line of the user."""
    return ["selfseis", *sys.argv[1:]]
