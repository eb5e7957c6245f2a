"""The demo: three real recordings, end to end, and one page that leads to their reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from rich.console import Console

from selfseis import samples
from selfseis.catalogue.records import Event
from selfseis.report import write_index
from selfseis.workflow.run import Outcome, Settings, run

AROUND_EVENT = np.timedelta64(100, "ms")  # by which a pick may lie outside an event's interval


@dataclass(frozen=True)
class Sample:
    """A recording of the demo.

    Attributes
    ----------
    name : str
        Name of its folder.
    title : str
        What it is, in a line.
    open : callable
        Opens it.
    """

    name: str
    title: str
    open: Callable[[], xr.DataArray]


SAMPLES = (
    Sample("porotomo", "An earthquake on the PoroTomo fibre", samples.porotomo_earthquake),
    Sample("piton", "A day on Piton de la Fournaise, three stations", samples.piton_day),
    Sample("mine", "Geophones over a longwall coal mine", samples.mine_recording),
)


def run_demo(out: Path, *, console: Console | None = None) -> Path:
    """Run the main job on three real recordings.

    Parameters
    ----------
    out : Path
        Folder of the results: one folder a recording, and the page that leads to them.
    console : Console, optional
        Where progress and verdicts are shown.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    InputError
        If a recording is not installed; the line says which command installs it.
    """
    for sample in SAMPLES:
        recording = sample.open()
        if console is not None:
            console.print(f"\n[bold]{sample.title}[/bold]")
        command = ["selfseis", "demo", "--out", str(out)]
        outcome = run(
            recording,
            out / sample.name,
            Settings(picks=False),  # learning to pick takes ten minutes more
            title=sample.title,
            command_line=command,
            console=console,
        )
        if console is not None:
            show(outcome, console)
            if sample.name == "mine":
                console.print(against_manual_picks(outcome.events, samples.mine_manual_picks()))
    return write_index(out, [out / sample.name for sample in SAMPLES], title="selfseis demo")


def show(outcome: Outcome, console: Console) -> None:
    """Print verdicts and the number of events."""
    for verdict in outcome.verdicts:
        console.print(str(verdict), highlight=False, soft_wrap=True)
    console.print(f"{len(outcome.events)} events; report: {outcome.report}", highlight=False, soft_wrap=True)


def against_manual_picks(events: list[Event], picks: pd.DataFrame) -> str:
    """Say how many of an analyst's events and P picks lie within detected events.

    Parameters
    ----------
    events : list of Event
        What was detected.
    picks : pandas.DataFrame
        As `selfseis.samples.mine_manual_picks` returns it.

    Returns
    -------
    str
        A sentence.
    """
    p_picks = picks[picks["phase"] == "P"]
    times = p_picks["time"].to_numpy("datetime64[ns]")
    inside = np.zeros(len(times), bool)
    for event in events:
        inside |= (times >= event.start - AROUND_EVENT) & (times <= event.end + AROUND_EVENT)
    n_found = p_picks["event"][inside].nunique()
    return (
        f"Against the analyst: {n_found} of {picks['event'].nunique()} events found; {inside.sum()} of {len(times)} "
        "manual P picks lie within them."
    )
