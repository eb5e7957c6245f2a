"""The command that inverts arrival times for velocity structure."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selfseis.cli.helpers import command_line, conclude, console_of, guarded
from selfseis.cli.options import OptionsFile, Out, Seed, read_options

if TYPE_CHECKING:
    from selfseis.workflow.results import JobResult


class Scope(StrEnum):
    """Extent of the model."""

    auto = "auto"
    globe = "globe"
    region = "region"


class HoldOut(StrEnum):
    """Kind of block that is held out together."""

    event = "event"
    station = "station"
    region = "region"


def tomography(
    arrivals: Annotated[
        Path,
        typer.Option(
            "--arrivals",
            help="File or folder of arrivals: QuakeML, ISC or EHB bulletin, FMTOMO picks, selfseis catalogue, or CSV.",
        ),
    ],
    out: Out,
    stations: Annotated[
        Path | None,
        typer.Option(
            "--stations",
            help="Station list: StationXML, ISC list, FDSN text or CSV; not needed if the arrivals include positions.",
        ),
    ] = None,
    reference: Annotated[
        str,
        typer.Option(
            "--reference",
            help="Reference model: ak135, prem, iasp91, or a file of depth (km), vp, vs (km/s).",
        ),
    ] = "ak135",
    scope: Annotated[
        Scope,
        typer.Option(
            "--scope", help="Extent of the model: the globe or a region; auto chooses from the arrivals."
        ),
    ] = Scope.auto,
    cell: Annotated[
        float | None,
        typer.Option("--cell", help="Cell size: degrees on the globe, km in a region.", min=0.1),
    ] = None,
    hold_out: Annotated[
        list[HoldOut] | None,
        typer.Option("--hold-out", help="Blocks to hold out; repeatable; by default all three in turn."),
    ] = None,
    published: Annotated[
        Path | None, typer.Option("--published", help="NetCDF file of a published model to compare with.")
    ] = None,
    folds: Annotated[
        int, typer.Option("--folds", help="Number of cross-validation folds of held-out blocks.", min=2)
    ] = 5,
    samples: Annotated[int, typer.Option("--samples", help="Number of posterior samples.", min=4)] = 32,
    ray_iterations: Annotated[
        int,
        typer.Option(
            "--ray-iterations", help="Number of times that rays are traced again (region only).", min=0
        ),
    ] = 1,
    seed: Seed = 0,
    options: OptionsFile = None,
) -> None:
    """Invert arrival times for velocity structure.

    The verdict compares predictions with held-out arrivals.

    Example: selfseis tomography --arrivals arrivals.xml --out results
    """

    def job() -> JobResult:
        from selfseis.tomography import TravelTimeTomography
        from selfseis.tomography.options import TomographyOptions
        from selfseis.workflow.tomography import invert_arrivals

        method = TravelTimeTomography(
            reference, scope=scope.value, cell=cell, hold_out=tuple(one.value for one in (hold_out or HoldOut)),
            n_folds=folds, n_samples=samples, ray_iterations=ray_iterations, published=published, seed=seed,
            options=read_options(options, TomographyOptions),
        )  # fmt: skip
        return invert_arrivals(
            arrivals, stations, out, method, command_line=command_line(), console=console_of()
        )

    conclude(guarded(job))
