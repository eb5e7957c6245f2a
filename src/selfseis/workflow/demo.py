"""The demo: the main job on three real recordings, with an index page of their reports."""

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
from selfseis.workflow.run import run
from selfseis.workflow.settings import Settings

EVENT_MARGIN = np.timedelta64(100, "ms")  # maximum distance of a pick from the interval of its event


@dataclass(frozen=True)
class Sample:
    """A recording of the demo.

    Attributes
    ----------
    name : str
        Name of its folder.
    title : str
        One-line description.
    open : callable
        Function that opens the recording.
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
        Folder of the results: one folder per recording, and the index page.
    console : Console, optional
        Terminal for progress bars and verdicts.

    Returns
    -------
    Path
        The index page.

    Raises
    ------
    InputError
        If a recording is not installed; the message includes the command that installs it.
    """
    for sample in SAMPLES:
        recording = sample.open()
        if console is not None:
            console.print(f"\n[bold]{sample.title}[/bold]")
        command = ["selfseis", "demo", "--out", str(out)]
        result = run(
            recording,
            out / sample.name,
            Settings(training_fraction=0.0),  # training the picker takes minutes more
            title=sample.title,
            command_line=command,
            console=console,
        )
        if console is not None:
            for line in (*result.verdicts, f"{result.summary}; report: {result.report}"):
                console.print(str(line), highlight=False, soft_wrap=True)
            if sample.name == "mine":
                console.print(compare_with_manual_picks(result.events, samples.mine_manual_picks()))
    return write_index(out, [out / sample.name for sample in SAMPLES], title="selfseis demo")


def compare_with_manual_picks(events: list[Event], picks: pd.DataFrame) -> str:
    """Count the manual events and P picks that lie within detected events.

    Parameters
    ----------
    events : list of Event
        Detected events.
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
        inside |= (times >= event.start - EVENT_MARGIN) & (times <= event.end + EVENT_MARGIN)
    n_detected = p_picks["event"][inside].nunique()
    return (
        f"Compared with manual picks: {n_detected} of {picks['event'].nunique()} events detected; {inside.sum()} of "
        f"{len(times)} manual P picks lie within them."
    )
