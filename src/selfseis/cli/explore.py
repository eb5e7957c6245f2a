"""Commands that explore recordings and train explorers."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selfseis.cli.helpers import (
    command_line,
    console_of,
    exit_for,
    exit_for_failed_units,
    guarded,
    open_data,
    opening_options,
    title_of,
)
from selfseis.cli.options import Data, End, Gauge, Inventory, Model, Out, Rate, Seed, Select, Spacing, Start

if TYPE_CHECKING:
    import xarray as xr

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
    window: Window = None,
    grouping: GroupingOption = Grouping.hdbscan,
    representation: RepresentationOption = Representation.auto,
    export: Export = None,
    similar_to: SimilarTo = None,
    seed: Seed = 0,
) -> None:
    """Group windows into classes and rank them by novelty.

    The results include an atlas page. With --model, the window length and the classes are those of the model.

    Example: selfseis explore archive --similar-to 2014-05-01T06:00:00 --out results
    """
    opening = opening_options(start, end, select, inventory, sampling_rate, channel_spacing, gauge_length)

    def job() -> ExploreResult:
        from selfseis import workflow
        from selfseis.explore import Explorer

        workflow.check_output_outside_data(out, data)
        settings = window, grouping, representation, seed
        explorer = new_explorer(*settings) if model is None else Explorer.load(model)
        return workflow.explore(
            open_data(data, opening),
            out,
            explorer,
            export=export or (),
            similar_to=similar_to or (),
            title=title_of(data),
            command_line=command_line(),
            console=console_of(),
        )

    result = guarded(job)
    print(result.verdict)
    print(f"{result.counts}; atlas: {result.page}")
    if result.similar is not None:
        print("Most similar windows (full list in similar.csv):")
        print(
            result.similar.head(MAX_PRINTED)[["rank", "seed_id", "start", "class", "distance"]].to_string(
                index=False
            )
        )
    exit_for(result.failed_units)


def new_explorer(
    window: float | None, grouping: Grouping, representation: Representation, seed: int
) -> Explorer:
    """Return an explorer that is not yet fitted."""
    from selfseis.explore import Explorer

    return Explorer(window=window, grouping=grouping.value, representation=representation.value, seed=seed)


def train_explorer(
    data: Data,
    model: Annotated[Path, typer.Option("--model", help="Folder of the trained model.")],
    start: Start = None,
    end: End = None,
    select: Select = None,
    inventory: Inventory = None,
    sampling_rate: Rate = None,
    channel_spacing: Spacing = None,
    gauge_length: Gauge = None,
    window: Window = None,
    grouping: GroupingOption = Grouping.hdbscan,
    representation: RepresentationOption = Representation.auto,
    seed: Seed = 0,
) -> None:
    """Train an explorer on recordings and evaluate its classes on held-out windows.

    Example: selfseis train explorer archive --model explorer-model
    """
    opening = opening_options(start, end, select, inventory, sampling_rate, channel_spacing, gauge_length)

    def job() -> xr.DataArray:
        from selfseis import workflow

        recording = open_data(data, opening)
        explorer = new_explorer(window, grouping, representation, seed)
        workflow.train_explorer(recording, model, explorer, console=console_of())
        print(explorer.verdict_)
        print(f"model: {model}")
        return recording

    exit_for_failed_units(guarded(job))
