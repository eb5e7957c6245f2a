"""The command that describes recordings without running anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from selfseis.cli.helpers import SOME_UNITS_FAILED, console_of, guarded
from selfseis.cli.source import Source

if TYPE_CHECKING:
    from selfseis.workflow.check import Check

HeadersOnly = Annotated[
    bool, typer.Option("--headers-only", help="Do not read the samples: damaged and dead ones are not found.")
]


def check(source: Source, headers_only: HeadersOnly = False) -> None:
    """Describe recordings without running anything.

    Prints spans, rate, units, how channels are grouped into sensors, coordinates, responses, assumptions and issues.
    The exit status is 1 if a file or channel is lost.

    Example: selfseis check archive
    """

    def job() -> Check:
        from selfseis.recording import open_recording
        from selfseis.workflow.check import check_recording

        recording = open_recording(*source.data, **source.opening)
        return check_recording(recording, headers_only=headers_only, console=console_of())

    result = guarded(job)
    print(*result.lines, sep="\n")
    if result.failed_units:  # the lines name them
        raise typer.Exit(SOME_UNITS_FAILED)
