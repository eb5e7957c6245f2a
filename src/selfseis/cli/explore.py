"""The command that explores recordings."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selfseis.cli.helpers import command_line, conclude, console_of, guarded, refuse_options
from selfseis.cli.options import Model, OptionsFile, Out, Seed, read_options
from selfseis.cli.source import Source

if TYPE_CHECKING:
    from selfseis.explore import Explorer
    from selfseis.workflow.explore import ExploreResult


class Grouping(StrEnum):
    """Method that groups windows into classes."""

    hdbscan = "hdbscan"
    gmm = "gmm"
    ward = "ward"


class Representation(StrEnum):
    """Features that windows are compared by."""

    auto = "auto"
    scattering = "scattering"
    learned = "learned"


Window = Annotated[
    float | None,
    typer.Option(
        "--window", help="Length of a window in s; by default chosen to give some thousands of windows."
    ),
]
GroupingOption = Annotated[
    Grouping,
    typer.Option(
        "--grouping",
        help="Clustering method: hdbscan leaves outliers unassigned; gmm and ward assign every window.",
    ),
]
RepresentationOption = Annotated[
    Representation,
    typer.Option(
        "--representation",
        help="Features; auto trains an encoder and keeps it if it is better than scattering.",
    ),
]
Export = Annotated[
    list[int] | None,
    typer.Option(
        "--export",
        help="Number of a class to write as QuakeML, miniSEED and a SeisBench dataset; repeatable.",
    ),
]
SimilarTo = Annotated[
    list[str] | None,
    typer.Option(
        "--similar-to",
        help="Time, TIME@STATION or file of events to search similar windows for; repeatable. Written to similar.csv.",
    ),
]
MAX_PRINTED = 10  # similar windows


def explore(
    source: Source,
    out: Out,
    model: Model = None,
    window: Window = None,
    grouping: GroupingOption = Grouping.hdbscan,
    representation: RepresentationOption = Representation.auto,
    export: Export = None,
    similar_to: SimilarTo = None,
    seed: Seed = 0,
    options: OptionsFile = None,
) -> None:
    """Group windows into classes and rank them by novelty.

    The results include an atlas page. With --model, the window length and the classes are those of the model.

    Example: selfseis explore archive --similar-to 2014-05-01T06:00:00 --out results
    """

    def job() -> ExploreResult:
        from selfseis import workflow
        from selfseis.explore import Explorer

        source.check_outside(out)
        refuse_options(options, model)
        explorer = new_explorer(window, grouping, representation, seed, options)
        if model is not None:
            explorer = Explorer.load(model)
        return workflow.explore(
            source.open(),
            out,
            explorer,
            export=export or (),
            similar_to=similar_to or (),
            title=source.title,
            command_line=command_line(),
            console=console_of(),
        )

    result = guarded(job)
    below = []
    if result.similar is not None:
        shown = result.similar.head(MAX_PRINTED)[["rank", "seed_id", "start", "class", "distance"]]
        below = ["Most similar windows (full list in similar.csv):", shown.to_string(index=False)]
    conclude(result, page="atlas", below=below)


def new_explorer(
    window: float | None, grouping: Grouping, representation: Representation, seed: int, options: Path | None
) -> Explorer:
    """Return an explorer that is not yet fitted."""
    from selfseis.explore import Explorer
    from selfseis.explore.options import ExplorerOptions

    return Explorer(
        window=window,
        grouping=grouping.value,
        representation=representation.value,
        seed=seed,
        options=read_options(options, ExplorerOptions),
    )
