"""The command that inverts arrival times for structure."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selfseis.cli.helpers import command_line, console_of, exit_for, guarded
from selfseis.cli.options import Out, Seed

if TYPE_CHECKING:
    from selfseis.workflow.slip import Inverted


class Scope(StrEnum):
    """What the cells cover."""

    auto = "auto"
    globe = "globe"
    region = "region"


class Hide(StrEnum):
    """What is hidden together."""

    event = "event"
    station = "station"
    region = "region"


def tomography(
    arrivals: Annotated[
        Path,
        typer.Option(
            "--arrivals",
            help="QuakeML, ISC or EHB bulletin, FMTOMO picks, a selfseis catalogue, or CSV. A file or a folder.",
        ),
    ],
    out: Out,
    stations: Annotated[
        Path | None,
        typer.Option(
            "--stations", help="StationXML, ISC list, FDSN text or CSV; not needed if the arrivals have them."
        ),
    ] = None,
    reference: Annotated[
        str, typer.Option("--reference", help="ak135, prem, iasp91, or a file of depth (km), vp, vs (km/s).")
    ] = "ak135",
    scope: Annotated[Scope, typer.Option("--scope", help="Cells of the globe or of a region.")] = Scope.auto,
    cell: Annotated[
        float | None,
        typer.Option("--cell", help="Side of a cell: degrees on the globe, km in a region.", min=0.1),
    ] = None,
    hide: Annotated[
        list[Hide] | None, typer.Option("--hold-out", help="What to hide; all three in turn by default.")
    ] = None,
    published: Annotated[
        Path | None, typer.Option("--published", help="NetCDF of a published model to compare with.")
    ] = None,
    folds: Annotated[int, typer.Option("--folds", help="Number of folds of hidden blocks.", min=2)] = 5,
    samples: Annotated[int, typer.Option("--samples", help="Draws from the posterior.", min=4)] = 32,
    ray_iterations: Annotated[
        int, typer.Option("--ray-iterations", help="In a region: how often rays are traced again.", min=0)
    ] = 1,
    seed: Seed = 0,
) -> None:
    """Invert arrival times for velocity structure, and say what hidden arrivals make of it."""

    def job() -> Inverted:
        from selfseis.tomography import TravelTimeTomography
        from selfseis.workflow.tomography import invert_arrivals

        method = TravelTimeTomography(
            reference, scope=scope.value, cell=cell, hidden=tuple(one.value for one in (hide or Hide)),
            n_folds=folds, n_samples=samples, ray_iterations=ray_iterations, published=published, seed=seed,
        )  # fmt: skip
        return invert_arrivals(
            arrivals, stations, out, method, command_line=command_line(), console=console_of()
        )

    outcome = guarded(job)
    for line in outcome.warnings:
        print(f"selfseis: {line}", file=sys.stderr)
    print(outcome.verdict)
    print("\n".join(outcome.side_by_side))
    print(f"{outcome.said}; report: {outcome.report}")
    exit_for(outcome.failed_units)
