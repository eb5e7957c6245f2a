"""Jobs of exploration: training an explorer, exploring a recording, and writing the files of the atlas."""

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
from selfseis.explore.tables import classes, multiplets, novelty_list, segments, similar_list
from selfseis.io.atomic import replacing, write_json
from selfseis.io.tables import read_table
from selfseis.models.store import check_model_folder
from selfseis.quality_log import quality_log_of
from selfseis.recording import is_fibre
from selfseis.validation import Verdict
from selfseis.workflow.atlas import atlas_arrays
from selfseis.workflow.results import JobResult, Results, is_fitted, progress_bar

NAMES = "class_names.json"
SIMILAR = "similar.csv"


@dataclass(frozen=True, kw_only=True)
class ExploreResult(JobResult):
    """Result of exploration.

    Attributes
    ----------
    similar : DataFrame or None
        Windows most similar to those of `similar_to`; None without them.
    """

    similar: pd.DataFrame | None = None


def train_explorer(
    recording: xr.DataArray, model: Path, explorer: Explorer | None = None, *, console: Console | None = None
) -> Explorer:
    """Train an explorer on a recording and save it.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    model : Path
        Folder of the model.
    explorer : Explorer, optional
        An explorer that is not yet fitted.
    console : Console, optional
        Terminal for progress bars.

    Returns
    -------
    Explorer
        Fitted.
    """
    check_model_folder(model)
    explorer = explorer or Explorer()
    with progress_bar("reading windows", console) as progress:
        explorer.fit(recording, progress=progress)
    explorer.save(model)
    return explorer


def explore(
    recording: xr.DataArray,
    out: Path,
    explorer: Explorer | None = None,
    *,
    export: Sequence[int] = (),
    similar_to: Sequence[str] = (),
    title: str = "",
    command_line: list[str] | None = None,
    console: Console | None = None,
) -> ExploreResult:
    """Explore a recording and write segments, classes, novelty, multiplets, the verdict and the atlas.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    out : Path
        Folder of the results.
    explorer : Explorer, optional
        A fitted explorer, or one to train on the recording itself and to save in ``out/model``.
    export : sequence of int
        Classes whose windows are written as QuakeML, miniSEED and a SeisBench dataset, in ``out/class_N``.
    similar_to : sequence of str
        Times, times with stations or files of events whose similar windows are searched for, as
        `explore.similarity_search.moments_of` reads them.
    title : str
        Title of the recording on the page.
    command_line : list of str, optional
        Command line of the user.
    console : Console, optional
        Terminal for progress bars.

    Returns
    -------
    ExploreResult
    """
    read_names(out)  # refuses a damaged file before the training
    moments = [moment for text in similar_to for moment in moments_of(text)]
    explorer = explorer or Explorer()
    results = Results(out, "explore", explorer.plain_params(), command_line or [], title, console=console)
    explored, verdict = explore_into(results, recording, explorer)
    with results.stage("export"):
        for name in export:
            export_class(recording, explored, name, out)
    similar, missed = write_similar(results, recording, explored, moments)
    n_windows = len(explored.labels) + len(explored.gaps.first)
    failed = results.write_run(recording, [verdict], len(explored.labels) / n_windows)
    n_classes = len(explorer.class_stability_)
    n_trusted = len(verdict.details.get("trusted_classes", []))
    classes = "1 class" if n_classes == 1 else f"{n_classes} classes"
    return ExploreResult(
        report=pages.write_atlas(out),
        verdicts=[verdict],
        summary=f"{classes}, {n_trusted} of them found again in held-out windows",
        failed_units=failed + missed,
        similar=similar,
    )


def add_atlas(results: Results, recording: xr.DataArray, explorer: Explorer) -> list[Verdict]:
    """Explore a recording into the folder ``explore`` of the results of a run; return the verdict, if any.

    Parameters
    ----------
    results : Results
        Results of the run.
    recording : xarray.DataArray
        The recording.
    explorer : Explorer
        An explorer that is not yet fitted.
    """
    try:
        with results.stage("explore"):
            result = explore(
                recording, results.folder / "explore", explorer, title=results.title, console=results.console
            )
    except InputError as error:
        results.notes.append(f"No atlas was written: {error}")
        return []
    results.notes.append(f"An atlas ({result.summary}) is in explore/{result.report.name}.")
    return result.verdicts


def explore_into(results: Results, recording: xr.DataArray, explorer: Explorer) -> tuple[Explored, Verdict]:
    """Explore a recording and write all results except the verdict, the run and the page."""
    is_new = not is_fitted(explorer)
    if is_new:
        with results.stage("train"):
            train_explorer(recording, results.folder / "model", explorer, console=results.console)
        verdict, explored = explorer.verdict_, explorer.explored_
    else:
        with results.stage("embed", "reading windows") as progress:
            explored = explorer.embed(recording, progress=progress)
        with results.stage("evaluate"):
            verdict = explorer.evaluate(recording)
    assert explored is not None
    log_gaps(recording, explored)
    with results.stage("multiplets"):
        members = find_multiplets(recording, explored)
    with results.stage("write"):
        table = segments(recording, explored, explorer.class_stability_)
        names = kept_names(results.folder, table)
        structure = explorer.representation_.solutions[0] if is_new else None
        agreement = explorer.station_consensus(recording, explored)
        of_classes = classes(recording, explored, structure, agreement, explorer.class_stability_, names)
        write_table(results.folder / "segments.csv", table)
        write_parquet(results, table)
        write_table(results.folder / "classes.csv", of_classes)
        write_table(results.folder / "novelty.csv", novelty_list(recording, explored))
        write_table(results.folder / "multiplets.csv", multiplets(recording, explored, members))
        write_json(
            results.folder / "explore.json", summary_of(recording, explorer, explored, agreement, verdict)
        )
    with results.stage("pictures"), replacing(results.folder / "atlas.npz") as path, path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **atlas_arrays(recording, explored, explorer.seed))
    return explored, verdict


def log_gaps(recording: xr.DataArray, explored: Explored) -> None:
    """Log the windows that were left out because of gaps, per station."""
    quality_log = quality_log_of(recording)
    max_missing = 1 - explored.options.windows.min_present
    for number, site in enumerate(explored.sites):
        lost = int((explored.gaps.site == number).sum())
        if lost:
            detail = f"{lost} windows left out: more than {max_missing:.0%} is missing"
            quality_log.add("gap_windows", site.name, detail, lost)


def kept_names(folder: Path, table: pd.DataFrame) -> dict[str, str]:
    """Read the class names of the user, transferred if an earlier run numbered the classes differently."""
    names, path = read_names(folder), folder / NAMES
    if not names or not (folder / "segments.csv").is_file():
        return names
    rows = read_table(folder / "segments.csv").records()
    before = pd.DataFrame(rows, columns=["seed_id", "start", "class"]).astype({"class": int})
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
    """Read the class names of the user; empty without a file.

    Raises
    ------
    InputError
        If the file does not hold class names.
    """
    path = folder / NAMES
    if not path.is_file():
        return {}
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        return {str(int(key)): str(value) for key, value in given.items()}
    except (ValueError, AttributeError) as error:
        raise InputError(f"{path} does not hold names of classes: correct or remove it") from error


def export_class(recording: xr.DataArray, explored: Explored, name: int, out: Path) -> None:
    """Write the windows of a class to ``out/class_N``: ``events.xml``; of stations also ``mseed``, ``seisbench``."""
    folder = out / f"class_{name}"
    label = read_names(out).get(str(name), "")
    write_quakeml(recording, explored, name, folder / "events.xml", label=label)
    if not is_fibre(recording):
        write_seisbench(recording, explored, name, folder / "seisbench")
        write_cutouts(recording, explored, name, folder / "mseed")


def write_similar(
    results: Results, recording: xr.DataArray, explored: Explored, moments: list[Moment]
) -> tuple[pd.DataFrame | None, list[str]]:
    """Write the windows most similar to those at given times; return them, and failed searches."""
    (results.folder / SIMILAR).unlink(missing_ok=True)  # an earlier run may have numbered windows differently
    if not moments:
        return None, []
    try:
        queries = windows_at(recording, explored, moments)
    except InputError as error:  # the classes remain valid
        results.notes.append(f"No similarity search was run: {error}.")
        return None, [f"--similar-to: {error}"]
    found = similar_windows(explored, queries, explored.options.similarity_search.max_windows)
    table = similar_list(recording, explored, found)
    write_table(results.folder / SIMILAR, table)
    return table, []


def summary_of(
    recording: xr.DataArray,
    explorer: Explorer,
    explored: Explored,
    agreement: dict[int | None, Any],
    verdict: Verdict,
) -> dict[str, Any]:
    """Return the summary of the exploration for the page."""
    frequency = explored.frequency_hz
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
        "representation": explorer.representation_.name,
        "representations": _representations(explorer),
        "grouping": {"method": explorer.grouping, "n_classes": len(explorer.class_stability_)},
        "choices": [structure.to_dict() for structure in explorer.representation_.solutions],
        "station_consensus": together[0].to_dict() | {"null": together[1]} if together else None,
        "reading": str(verdict),
    }


def _representations(explorer: Explorer) -> list[dict[str, Any]]:
    """Return the scores of the compared representations on held-out windows."""
    comparison = explorer.representation_.comparison
    if comparison is None:
        return []
    sides = {"learned": comparison.skill, "scattering": comparison.baseline}
    return [
        {
            "name": name,
            "hidden_skill": skill.value if skill else None,
            "low": skill.low if skill else None,
            "high": skill.high if skill else None,
            "kept": name == explorer.representation_.name,
        }
        for name, skill in sides.items()
    ]


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV in one atomic step."""
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False)


def write_parquet(results: Results, table: pd.DataFrame) -> None:
    """Write segments as Parquet if a library for it is installed."""
    try:
        with replacing(results.folder / "segments.parquet") as temporary:
            table.to_parquet(temporary, index=False)
    except ImportError:
        results.notes.append(
            "segments.parquet was not written: install it with pip install 'selfseis[parquet]'."
        )
