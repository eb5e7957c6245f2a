"""The recordings of a command: what the user names, and how they are opened."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Source:
    """Recordings as the user names them.

    Attributes
    ----------
    data : list of str
        Files, folders, globs, archives or URLs.
    opening : dict
        Keywords that recordings are opened with.
    """

    data: list[str]
    opening: dict[str, Any]

    @property
    def title(self) -> str:
        """Return the title of the recordings on a page."""
        names = [Path(item).name or item for item in self.data]
        return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"

    def check_outside(self, *outputs: Path | None) -> None:
        """Refuse outputs among the recordings.

        Raises
        ------
        InputError
            If an output would lie in one of the folders, or replace one of the files.
        """
        from selfseis.workflow import check_output_outside_data

        for output in outputs:
            if output is not None:
                check_output_outside_data(output, self.data)

    def open(self) -> xr.DataArray:
        """Open the recordings and print the issues of their quality log."""
        from selfseis.quality_log import quality_log_of
        from selfseis.recording import open_recording
        from selfseis.workflow.results import warning_lines

        recording = open_recording(*self.data, **self.opening)
        for line in warning_lines(quality_log_of(recording)):
            print(f"selfseis: {line}", file=sys.stderr)
        return recording


def with_source(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command DATA and the options that recordings are opened with, in place of its argument ``source``.

    Typer reads the options of a command from its signature; so all commands share one list of these options.
    """
    shared = inspect.signature(_source_of, eval_str=True).parameters
    data, *opening = shared.values()

    @wraps(command)
    def with_options(**arguments: Any) -> None:
        source = _source_of(**{name: arguments.pop(name) for name in shared})
        command(source=source, **arguments)

    own = inspect.signature(command, eval_str=True).parameters.values()
    shown = [data if parameter.name == "source" else parameter for parameter in own] + opening
    keywords = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in shown]
    with_options.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]
    return with_options


def _source_of(
    data: Annotated[
        list[str], typer.Argument(help="Files, folders, globs, an SDS archive or a URL.", metavar="DATA...")
    ],
    start: Annotated[
        str | None, typer.Option("--start", help="Start time, UTC, such as 2014-05-01T06:00:00.")
    ] = None,
    end: Annotated[str | None, typer.Option("--end", help="End time, UTC.")] = None,
    select: Annotated[
        str | None,
        typer.Option("--select", help="Stations, such as CX.PB0?..HHZ; on a fibre, a section FROM:TO in m."),
    ] = None,
    inventory: Annotated[
        Path | None, typer.Option("--inventory", help="StationXML file with coordinates and responses.")
    ] = None,
    sampling_rate: Annotated[
        float | None,
        typer.Option(
            "--sampling-rate",
            help="Sampling rate in Hz: of a bare matrix, or the one to keep if there are several.",
        ),
    ] = None,
    channel_spacing: Annotated[
        float | None,
        typer.Option("--channel-spacing", help="Channel spacing in m of a fibre whose file lacks it."),
    ] = None,
    gauge_length: Annotated[
        float | None,
        typer.Option("--gauge-length", help="Gauge length in m of a fibre whose file lacks it."),
    ] = None,
) -> Source:
    """Return the recordings of a command; the parameters are its options."""
    return Source(
        data,
        {
            "start": start,
            "end": end,
            "select": _selection(select),
            "inventory": inventory,
            "sampling_rate": sampling_rate,
            "channel_spacing": channel_spacing,
            "gauge_length": gauge_length,
        },
    )


def _selection(select: str | None) -> str | tuple[float, float] | None:
    """Return a pattern of stations, or a section of a fibre in m."""
    if select is None or ":" not in select:
        return select
    try:
        first, last = (float(part) for part in select.split(":"))
    except ValueError:
        raise typer.BadParameter(
            f"a section of fibre must be FROM:TO in m, such as 0:1500, got {select}"
        ) from None
    return first, last
