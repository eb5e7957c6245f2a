"""The commands of exploration."""

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
    from selfseis.workflow.explore import ExploreOutcome


class Grouping(StrEnum):
    """How windows are grouped."""

    hdbscan = "hdbscan"
    gmm = "gmm"
    ward = "ward"


class Representation(StrEnum):
    """What windows are compared by."""

    auto = "auto"
    scattering = "scattering"
    learned = "learned"


Window = Annotated[
    float | None,
    typer.Option("--window", help="Length of a window in s; by default some thousands of windows."),
]
GroupingOption = Annotated[
    Grouping, typer.Option("--grouping", help="hdbscan finds natural borders; gmm and ward cut everything.")
]
RepresentationOption = Annotated[
    Representation, typer.Option("--representation", help="auto tries an encoder and keeps what is better.")
]
Export = Annotated[
    list[int] | None,
    typer.Option(
        "--export", help="Class to write as QuakeML, miniSEED and SeisBench dataset; may be repeated."
    ),
]
SimilarTo = Annotated[
    list[str] | None,
    typer.Option(
        "--similar-to",
        help="Find more like this: a time, TIME@STATION, or a file of events; may be repeated. Written to similar.csv.",
    ),
]
SHOWN = 10  # of the windows that were found


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
    like: SimilarTo = None,
    seed: Seed = 0,
) -> None:
    """Group what is in recordings, rank what is rare, and show it in an atlas.

    With --model the windows and the classes are those of the model.
    """
    opening = opening_options(start, end, select, inventory, sampling_rate, channel_spacing, gauge_length)

    def job() -> ExploreOutcome:
        from selfseis import workflow
        from selfseis.explore import Explorer

        workflow.check_apart(out, data)
        settings = window, grouping, representation, seed
        explorer = new_explorer(*settings) if model is None else Explorer.load(model)
        return workflow.explore(
            open_data(data, opening),
            out,
            explorer,
            export=export or (),
            like=like or (),
            title=title_of(data),
            command_line=command_line(),
            console=console_of(),
        )

    outcome = guarded(job)
    print(outcome.verdict)
    print(f"{outcome.counts}; atlas: {outcome.page}")
    if outcome.like is not None:
        print("most alike what was asked for (all in similar.csv):")
        print(
            outcome.like.head(SHOWN)[["rank", "seed_id", "start", "class", "distance"]].to_string(index=False)
        )
    exit_for(outcome.failed_units)


def new_explorer(
    window: float | None, grouping: Grouping, representation: Representation, seed: int
) -> Explorer:
    """Return an explorer that is not yet fitted."""
    from selfseis.explore import Explorer

    return Explorer(window=window, grouping=grouping.value, representation=representation.value, seed=seed)


def train_explorer(
    data: Data,
    model: Annotated[Path, typer.Option("--model", help="Folder to save the model in.")],
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
    """Learn the classes of recordings, and judge them on hidden windows."""
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
