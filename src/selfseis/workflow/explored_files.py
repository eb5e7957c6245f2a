"""The files that an exploration leaves beside its model and its page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from selfseis.explore import Explored, Explorer
from selfseis.explore.exporting import write_cutouts, write_quakeml, write_seisbench
from selfseis.explore.likeness import Moment, windows_at, windows_like
from selfseis.explore.segments import alike
from selfseis.explore.spectra import band_frequencies
from selfseis.heldout import Verdict
from selfseis.recording import UnusableInput, is_fibre
from selfseis.recording.atomic import replacing
from selfseis.workflow.class_names import read_names
from selfseis.workflow.results import Results

LIKE = "like.csv"
MOST_LIKE = 100


def export_class(recording: xr.DataArray, explored: Explored, name: int, out: Path) -> None:
    """Write the windows of a class to ``out/class_N``: ``events.xml``, and of stations ``mseed`` and ``seisbench``."""
    folder = out / f"class_{name}"
    label = read_names(out).get(str(name), "")
    write_quakeml(recording, explored, name, folder / "events.xml", label=label)
    if not is_fibre(recording):
        write_cutouts(recording, explored, name, folder / "mseed")
        write_seisbench(recording, explored, name, folder / "seisbench")


def write_likes(
    results: Results, recording: xr.DataArray, explored: Explored, moments: list[Moment]
) -> tuple[pd.DataFrame | None, list[str]]:
    """Write the windows that are most like those of some moments; return them, and what could not be looked for."""
    (results.folder / LIKE).unlink(missing_ok=True)  # of an earlier run, that numbered windows otherwise
    if not moments:
        return None, []
    try:
        asked = windows_at(recording, explored, moments)
    except UnusableInput as error:  # the classes are there all the same
        results.notes.append(f"Nothing was searched for: {error}.")
        return None, [f"--like: {error}"]
    table = alike(recording, explored, windows_like(explored, asked, MOST_LIKE))
    write_table(results.folder / LIKE, table)
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
        "station_agreement": together[0].to_dict() | {"null": together[1]} if together else None,
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
