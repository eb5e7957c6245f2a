"""The jobs of exploration: learn an explorer, explore a recording, and write what the atlas shows of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from rich.console import Console

from selfseis import report as pages
from selfseis.explore import Explored, Explorer
from selfseis.explore.families import find_families
from selfseis.explore.likeness import moments_of
from selfseis.explore.segments import classes, families, rarest, segments
from selfseis.heldout import Verdict
from selfseis.recording import UnusableInput, accounting_of
from selfseis.recording.atomic import replacing, write_json
from selfseis.recording.model_folder import check_place
from selfseis.workflow.atlas import atlas_arrays
from selfseis.workflow.class_names import kept_names, read_names
from selfseis.workflow.explored_files import export_class, summary_of, write_likes, write_parquet, write_table
from selfseis.workflow.progress import progress_bar
from selfseis.workflow.results import Results


@dataclass
class ExploreOutcome:
    """What exploration found.

    Attributes
    ----------
    page : Path
        The atlas.
    verdict : Verdict
        On this recording.
    n_classes, n_trusted : int
        Classes, and those that hidden windows confirm.
    failed_units : list of str
        Files and channels that could not be used.
    like : DataFrame or None
        The windows most like what was asked for, if anything was.
    """

    page: Path
    verdict: Verdict
    n_classes: int
    n_trusted: int
    failed_units: list[str]
    like: pd.DataFrame | None = None

    @property
    def counts(self) -> str:
        """Return the number of classes in words."""
        classes = "1 class" if self.n_classes == 1 else f"{self.n_classes} classes"
        return f"{classes}, {self.n_trusted} of them found again in hidden windows"


def learn_explorer(
    recording: xr.DataArray, model: Path, explorer: Explorer | None = None, *, console: Console | None = None
) -> Explorer:
    """Learn an explorer from a recording and save it.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    model : Path
        Folder of the model.
    explorer : Explorer, optional
        Not yet fitted, with the settings that are wanted.
    console : Console, optional
        Where progress is shown.

    Returns
    -------
    Explorer
        Fitted.
    """
    check_place(model)
    explorer = explorer or Explorer()
    with progress_bar("looking at windows", console) as report:
        explorer.fit(recording, report=report)
    explorer.save(model)
    return explorer


def explore(
    recording: xr.DataArray,
    out: Path,
    explorer: Explorer | None = None,
    *,
    export: Sequence[int] = (),
    like: Sequence[str] = (),
    title: str = "",
    command_line: list[str] | None = None,
    console: Console | None = None,
) -> ExploreOutcome:
    """Explore a recording and write segments, classes, the rarest windows, families, the verdict and the atlas.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    out : Path
        Folder of the results.
    explorer : Explorer, optional
        A fitted one, or one with settings that is learnt on the recording itself and kept in ``out/model``.
    export : sequence of int
        Classes whose windows are written as QuakeML, miniSEED and a SeisBench dataset, in ``out/class_N``.
    like : sequence of str
        Times, times with stations or files of events whose likes are searched for: `explore.likeness.moments_of`.
    title : str
        What the recording is called on the page.
    command_line : list of str, optional
        What the user typed.
    console : Console, optional
        Where progress is shown.

    Returns
    -------
    ExploreOutcome
    """
    read_names(out)  # refuses a damaged file before anything is learnt
    moments = [moment for text in like for moment in moments_of(text)]
    explorer = explorer or Explorer()
    results = Results(out, "explore", explorer.get_params(), command_line or [], title)
    explored, verdict = explore_into(results, recording, explorer, console=console)
    with results.stage("export"):
        for name in export:
            export_class(recording, explored, name, out)
    found, missed = write_likes(results, recording, explored, moments)
    results.write_verdicts([verdict])
    n_windows = len(explored.labels) + len(explored.gaps.first)
    failed = results.write_run(recording, len(explored.labels) / n_windows)
    page = pages.write_atlas(out)
    n_trusted = len(verdict.details.get("trusted_classes", []))
    return ExploreOutcome(page, verdict, len(explorer.class_stability_), n_trusted, failed + missed, found)


def add_atlas(
    results: Results, recording: xr.DataArray, seed: int, *, console: Console | None = None
) -> list[Verdict]:
    """Explore a recording into the folder ``explore`` of a run's results; return the verdict, if it could be explored.

    Parameters
    ----------
    results : Results
        Of the run.
    recording : xarray.DataArray
        The recording.
    seed : int
        Of everything random.
    console : Console, optional
        Where progress is shown.
    """
    explorer = Explorer(representation="scattering", seed=seed)
    try:
        with results.stage("explore"):
            outcome = explore(
                recording, results.folder / "explore", explorer, title=results.title, console=console
            )
    except UnusableInput as error:
        results.notes.append(f"No atlas was made: {error}")
        return []
    results.notes.append(f"An atlas ({outcome.counts}) is in explore/{outcome.page.name}.")
    return [outcome.verdict]


def explore_into(
    results: Results, recording: xr.DataArray, explorer: Explorer, *, console: Console | None = None
) -> tuple[Explored, Verdict]:
    """Explore a recording and write everything but the verdict, the run and the page into a folder of results."""
    learnt_here = not hasattr(explorer, "grid_")
    if learnt_here:
        with results.stage("learn"):
            learn_explorer(recording, results.folder / "model", explorer, console=console)
        verdict, explored = explorer.verdict_, explorer.explored_
    else:
        with results.stage("look"), progress_bar("looking at windows", console) as report:
            explored = explorer.embed(recording, report=report)
        with results.stage("judge"):
            verdict = explorer.verdict(recording)
    assert explored is not None
    note_gaps(recording, explored)
    with results.stage("families"):
        members = find_families(recording, explored)
    with results.stage("write"):
        table = segments(recording, explored, explorer.class_stability_)
        names = kept_names(results.folder, table)
        structure = explorer.represented_.structures[0] if learnt_here else None
        agreement = explorer.agreement(recording, explored)
        of_classes = classes(recording, explored, structure, agreement, explorer.class_stability_, names)
        write_table(results.folder / "segments.csv", table)
        write_parquet(results, table)
        write_table(results.folder / "classes.csv", of_classes)
        write_table(results.folder / "novelty.csv", rarest(recording, explored))
        write_table(results.folder / "families.csv", families(recording, explored, members))
        write_json(
            results.folder / "explore.json", summary_of(recording, explorer, explored, agreement, verdict)
        )
    with results.stage("pictures"), replacing(results.folder / "atlas.npz") as path, path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **atlas_arrays(recording, explored, explorer.seed))
    return explored, verdict


def note_gaps(recording: xr.DataArray, explored: Explored) -> None:
    """Count the windows that gaps made useless, station by station."""
    accounting = accounting_of(recording)
    for number, site in enumerate(explored.sites):
        lost = int((explored.gaps.site == number).sum())
        if lost:
            accounting.note(
                "gap_windows", site.name, f"{lost} windows left out: more than a tenth is missing", lost
            )
