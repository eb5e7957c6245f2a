"""The jobs of exploration: learn an explorer, explore a recording, and write what the atlas shows of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from rich.console import Console

from selfseis import report as pages
from selfseis.errors import InputError
from selfseis.explore import Explored, Explorer
from selfseis.explore.export import write_cutouts, write_quakeml, write_seisbench
from selfseis.explore.multiplets import find_multiplets
from selfseis.explore.similarity_search import Moment, moments_of, similar_windows, windows_at
from selfseis.explore.spectra import band_frequencies
from selfseis.explore.tables import alike, classes, multiplets, rarest, segments
from selfseis.io.atomic import replacing, write_json
from selfseis.models.store import check_place
from selfseis.quality_log import quality_log_of
from selfseis.recording import is_fibre
from selfseis.validation import Verdict
from selfseis.workflow.atlas import atlas_arrays
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


def train_explorer(
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
    with progress_bar("looking at windows", console) as progress:
        explorer.fit(recording, progress=progress)
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
    """Explore a recording and write segments, classes, the rarest windows, multiplets, the verdict and the atlas.

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
    found, missed = write_similar(results, recording, explored, moments)
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
    except InputError as error:
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
            train_explorer(recording, results.folder / "model", explorer, console=console)
        verdict, explored = explorer.verdict_, explorer.explored_
    else:
        with results.stage("look"), progress_bar("looking at windows", console) as progress:
            explored = explorer.embed(recording, progress=progress)
        with results.stage("judge"):
            verdict = explorer.evaluate(recording)
    assert explored is not None
    log_gaps(recording, explored)
    with results.stage("multiplets"):
        members = find_multiplets(recording, explored)
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
        write_table(results.folder / "multiplets.csv", multiplets(recording, explored, members))
        write_json(
            results.folder / "explore.json", summary_of(recording, explorer, explored, agreement, verdict)
        )
    with results.stage("pictures"), replacing(results.folder / "atlas.npz") as path, path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **atlas_arrays(recording, explored, explorer.seed))
    return explored, verdict


def log_gaps(recording: xr.DataArray, explored: Explored) -> None:
    """Count the windows that gaps made useless, station by station."""
    quality_log = quality_log_of(recording)
    for number, site in enumerate(explored.sites):
        lost = int((explored.gaps.site == number).sum())
        if lost:
            quality_log.add(
                "gap_windows", site.name, f"{lost} windows left out: more than a tenth is missing", lost
            )


NAMES = "class_names.json"


def kept_names(folder: Path, table: pd.DataFrame) -> dict[str, str]:
    """Read the names that the user gave to classes, carried over where an earlier run numbered them otherwise."""
    names, path = read_names(folder), folder / NAMES
    if not names or not (folder / "segments.csv").is_file():
        return names
    before = pd.read_csv(folder / "segments.csv", usecols=["seed_id", "start", "class"])
    both = table[["seed_id", "start", "class"]].merge(
        before, on=["seed_id", "start"], suffixes=("", "_before")
    )
    carried = {}
    for key, name in names.items():
        now = both.loc[(both["class_before"] == int(key)) & (both["class"] >= 0), "class"]
        if len(now):
            carried[str(int(now.mode().iloc[0]))] = name
    if carried and carried != names:
        write_json(folder / "class_names.before.json", names)
        write_json(path, carried)
        return carried
    return names


def read_names(folder: Path) -> dict[str, str]:
    """Read the names that the user gave to classes; none where there is no file.

    Raises
    ------
    InputError
        If the file holds something else.
    """
    path = folder / NAMES
    if not path.is_file():
        return {}
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        return {str(int(key)): str(value) for key, value in given.items()}
    except (ValueError, AttributeError) as error:
        raise InputError(f"{path} does not hold names of classes: mend it or remove it") from error


SIMILAR = "similar.csv"
MAX_SIMILAR = 100


def export_class(recording: xr.DataArray, explored: Explored, name: int, out: Path) -> None:
    """Write the windows of a class to ``out/class_N``: ``events.xml``, and of stations ``mseed`` and ``seisbench``."""
    folder = out / f"class_{name}"
    label = read_names(out).get(str(name), "")
    write_quakeml(recording, explored, name, folder / "events.xml", label=label)
    if not is_fibre(recording):
        write_cutouts(recording, explored, name, folder / "mseed")
        write_seisbench(recording, explored, name, folder / "seisbench")


def write_similar(
    results: Results, recording: xr.DataArray, explored: Explored, moments: list[Moment]
) -> tuple[pd.DataFrame | None, list[str]]:
    """Write the windows that are most like those of some moments; return them, and what could not be looked for."""
    (results.folder / SIMILAR).unlink(missing_ok=True)  # of an earlier run, that numbered windows otherwise
    if not moments:
        return None, []
    try:
        asked = windows_at(recording, explored, moments)
    except InputError as error:  # the classes are there all the same
        results.notes.append(f"Nothing was searched for: {error}.")
        return None, [f"--like: {error}"]
    table = alike(recording, explored, similar_windows(explored, asked, MAX_SIMILAR))
    write_table(results.folder / SIMILAR, table)
    return table, []


def summary_of(
    recording: xr.DataArray,
    explorer: Explorer,
    explored: Explored,
    agreement: dict[int | None, Any],
    verdict: Verdict,
) -> dict[str, Any]:
    """Return what the page says of the exploration as a whole."""
    frequency = band_frequencies(explored.grid)
    together = agreement.get(None)
    return {
        "window_s": explored.grid.seconds,
        "hop_s": explored.grid.seconds,
        "sampling_rate": explored.grid.rate,
        "n_windows": len(explored.labels),
        "n_gap_windows": len(explored.gaps.first),
        "n_components": max(len(site.rows) for site in explored.sites),
        "geometry": "fibre" if is_fibre(recording) else "network",
        "units": recording.attrs.get("units", ""),
        "octaves": [float(frequency[0]), float(frequency[-1])],
        "representation": explorer.represented_.name,
        "representations": _rivals(explorer),
        "grouping": {"method": explorer.grouping, "n_classes": len(explorer.class_stability_)},
        "choices": [structure.to_dict() for structure in explorer.represented_.structures],
        "station_consensus": together[0].to_dict() | {"null": together[1]} if together else None,
        "reading": str(verdict),
    }


def _rivals(explorer: Explorer) -> list[dict[str, Any]]:
    """Return what hidden windows say of the representations that were tried."""
    rivalry = explorer.represented_.rivalry
    if rivalry is None:
        return []
    sides = {"learned": rivalry.skill, "scattering": rivalry.baseline}
    return [
        {
            "name": name,
            "hidden_skill": skill.value if skill else None,
            "low": skill.low if skill else None,
            "high": skill.high if skill else None,
            "kept": name == explorer.represented_.name,
        }
        for name, skill in sides.items()
    ]


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV, whole or not at all."""
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False)


def write_parquet(results: Results, table: pd.DataFrame) -> None:
    """Write segments as Parquet where a library for it is installed."""
    try:
        with replacing(results.folder / "segments.parquet") as temporary:
            table.to_parquet(temporary, index=False)
    except ImportError:
        results.notes.append(
            "segments.parquet was left out: pip install 'selfseis[parquet]' brings what writes it."
        )
