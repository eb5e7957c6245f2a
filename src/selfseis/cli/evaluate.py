"""The command that evaluates a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selfseis.cli.helpers import exit_for_failed_units, guarded
from selfseis.cli.source import Source
from selfseis.io.atomic import to_json

if TYPE_CHECKING:
    import xarray as xr


def evaluate(
    model: Annotated[Path, typer.Argument(help="Folder of a model.", metavar="MODEL")],
    source: Source,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all numbers of the verdict as JSON.")
    ] = False,
) -> None:
    """Evaluate a model on recordings and print the verdict.

    Example: selfseis evaluate volcano-model archive --json
    """

    def job() -> xr.DataArray:
        from selfseis import workflow

        trained = workflow.load_model(model)
        recording = source.open()
        verdict = trained.evaluate(recording)
        print(to_json([verdict.to_dict()]) if as_json else verdict)
        return recording

    exit_for_failed_units(guarded(job))
