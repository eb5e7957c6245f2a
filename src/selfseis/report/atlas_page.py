"""The page atlas.html of an exploration: classes, times of occurrence, places and novelty."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfseis.report import page_parts as sections
from selfseis.report import wording
from selfseis.report.atlas_payload import atlas_payload
from selfseis.report.results_folder import Results, finite, read_json, read_results, read_rows, seconds_utc

MAX_NOVEL = 200
MAX_MEMBERS = 12  # of a multiplet that are listed
PLACES = {
    "network": ("station", "stations"),
    "fibre": ("channels", "channels"),
}  # of a fibre: neighbouring ones
SCRIPTS = (
    "format.js", "atlas_data.js", "atlas_canvas.js", "atlas_classes.js", "atlas_time.js", "atlas_examples.js",
    "atlas_search.js", "atlas_main.js",
)  # fmt: skip


def write_atlas(folder: str | Path) -> Path:
    """Write the atlas of an exploration, from the files of its results folder alone.

    The page needs no network and no other file: data, style and scripts are inside it. Missing files leave
    out their section; files that cannot be read are named on the page.

    Parameters
    ----------
    folder : str or Path
        Results folder of ``selfseis explore``.

    Returns
    -------
    Path
        ``folder/atlas.html``, replaced at once when complete.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    """
    results = read_results(Path(folder))
    return sections.write_page(
        results.folder / "atlas.html", sections.render_template("atlas.html", _contents(results))
    )


def _contents(results: Results) -> dict[str, Any]:
    """Return all contents of the template, in the order of the page."""
    about = read_json(results, "explore.json")
    about = about if isinstance(about, dict) else {}
    place, places = PLACES.get(str(about.get("geometry")), PLACES["network"])
    payload = _payload(results)
    classes = read_rows(results, "classes.csv") or []
    novelty = read_rows(results, "novelty.csv") or []
    recording = results.run.get("recording") or {}
    quality_log = results.run.get("quality_log") or {}
    return {
        "title": recording.get("title") or results.folder.resolve().name,
        "recording_line": wording.recording_line(recording),
        "span": [
            wording.moment(seconds_utc(recording[end])) for end in ("start", "end") if recording.get(end)
        ],
        "verdicts": [sections.verdict(verdict) for verdict in results.verdicts],
        "notes": results.run.get("notes") or [],
        "reading": _reading(about, classes),
        "choices": [_choice(choice) for choice in about.get("choices") or [] if isinstance(choice, dict)],
        "representations": [_representation(entry) for entry in about.get("representations") or []],
        "agreement": _agreement(about.get("station_consensus"), places),
        "place": place,
        "places": places,
        "units": about.get("units") or "raw units",
        "novelty": [_novel_window(row) for row in novelty[:MAX_NOVEL]],
        "n_novelty": len(novelty),
        "similar": [_similar_window(row) for row in read_rows(results, "similar.csv") or []],
        "multiplets": _multiplets(results),
        "payload": payload
        and payload
        | {
            "windowSeconds": finite(about.get("window_s")) or payload["exampleSeconds"],
            "units": about.get("units") or "raw units",
            "folder": results.folder.resolve().name,
            "started": str(results.run.get("started") or ""),
            "names": _names(results, classes),
            "classes": [_class(row) for row in classes],
        },
        "findings": sections.issues(quality_log),
        "failed_units": quality_log.get("failed_units") or [],
        "problems": results.problems,
        "timings": sections.timings(results.run.get("wall_seconds") or {}),
        "facts": sections.facts(results.run),
        "command_line": sections.command_line(results.run),
        "downloads": [pair for pair in sections.downloads(results.folder) if pair[0] != "atlas.html"],
        "scripts": SCRIPTS,
    }


def _payload(results: Results) -> dict[str, Any] | None:
    path = results.folder / "atlas.npz"
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays: dict[str, NDArray[Any]] = {name: stored[name] for name in stored.files}
        return atlas_payload(arrays)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        results.problem(path, error)
        return None


def _names(results: Results, classes: list[dict[str, str]]) -> dict[str, str]:
    """Return the class names of the user."""
    given = read_json(results, "class_names.json")
    names = {row.get("class", ""): row.get("name", "") for row in classes if row.get("name")}
    return names | ({str(key): str(name) for key, name in given.items()} if isinstance(given, dict) else {})


def _reading(about: dict[str, Any], classes: list[dict[str, str]]) -> str:
    """Describe the number of windows and classes in words."""
    n_windows, n_gaps = about.get("n_windows"), about.get("n_gap_windows")
    if not n_windows:
        return ""
    real = [row for row in classes if row.get("class") != "-1"]
    n_trusted = sum(row.get("trusted") == "true" for row in real)
    text = f"{n_windows:,} windows of {wording.duration(finite(about.get('window_s')))} were compared"
    text += f"; {n_gaps:,} more have gaps and are left out. " if n_gaps else ". "
    text += f"They make {len(real)} class{'' if len(real) == 1 else 'es'}, "
    text += f"of which {n_trusted} {'was' if n_trusted == 1 else 'were'} found again in held-out windows"
    unassigned = sum(finite(row.get("share")) or 0.0 for row in classes if row.get("class") == "-1")
    return f"{text}; {wording.percent(unassigned)} of the windows are in no class."


def _class(row: dict[str, str]) -> dict[str, Any]:
    """Return the table row of a class at the cut of the run."""
    numbers = ("stability", "stability_low", "stability_high", "stability_null", "agreement")
    return {
        "class": int(finite(row.get("class")) or 0),
        "trusted": row.get("trusted") == "true",
        "peak": finite(row.get("peak_hz")),
    } | {name: finite(row.get(name)) for name in numbers}


def _choice(choice: dict[str, Any]) -> list[str]:
    unassigned = finite(choice.get("unassigned"))
    return [
        str(choice.get("setting") or ""),
        str(choice.get("n_classes", wording.ABSENT)),
        str(choice.get("n_trusted", wording.ABSENT)),
        wording.ABSENT if unassigned is None else wording.percent(unassigned),
        *(_kappa(finite(choice.get(name))) for name in ("kappa", "kappa_null")),
    ]


def _kappa(value: float | None) -> str:
    """Write kappa with two decimals; a value that rounds to zero is written as zero."""
    return wording.ABSENT if value is None else wording.number(round(value, 2))


def _representation(entry: dict[str, Any]) -> str:
    skill = wording.measured(*(finite(entry.get(key)) for key in ("hidden_skill", "low", "high")))
    return f"{entry.get('name')}: {skill} on held-out windows{', kept' if entry.get('kept') else ''}"


def _agreement(found: Any, places: str) -> str:
    """Describe the agreement of neighbouring places."""
    if not isinstance(found, dict) or finite(found.get("value")) is None:
        return ""
    value = wording.measured(*(finite(found.get(key)) for key in ("value", "low", "high")))
    return (
        f"Neighbouring {places} are classified independently. Their classes at the same time agree with "
        f"kappa {value}, where 0 is random and 1 is perfect."
    )


def _novel_window(row: dict[str, str]) -> dict[str, Any]:
    rate = finite(row.get("false_alarm_rate"))
    return {
        "rank": row.get("rank", ""),
        "window": int(finite(row.get("window")) or 0),
        "place": row.get("seed_id", ""),
        "time": wording.moment(seconds_utc(row.get("start"))),
        "class": "none" if row.get("class") == "-1" else row.get("class", ""),
        "novelty": wording.number(finite(row.get("novelty"))),
        "p_value": wording.p_value(finite(row.get("p_value"))),
        "false": wording.ABSENT if rate is None else wording.percent(rate),
    }


def _similar_window(row: dict[str, str]) -> dict[str, Any]:
    return {
        "rank": row.get("rank", "") if row.get("rank") != "0" else "query",
        "window": int(finite(row.get("window")) or 0),
        "place": row.get("seed_id", ""),
        "time": wording.moment(seconds_utc(row.get("start"))),
        "class": "none" if row.get("class") == "-1" else row.get("class", ""),
        "distance": wording.number(finite(row.get("distance"))),
    }


def _multiplets(results: Results) -> list[dict[str, Any]] | None:
    """Return one row per multiplet of repeating earthquakes; None without a search for multiplets."""
    if not (results.folder / "multiplets.csv").is_file():
        return None
    multiplets: dict[str, list[dict[str, str]]] = {}
    for row in read_rows(results, "multiplets.csv") or []:
        multiplets.setdefault(row.get("multiplet", ""), []).append(row)
    return [_multiplet(name, members) for name, members in multiplets.items()]


def _multiplet(name: str, members: list[dict[str, str]]) -> dict[str, Any]:
    others = [finite(row.get("correlation")) or 0.0 for row in members if row.get("template") != "true"]
    times = sorted(row.get("start", "") for row in members)
    return {
        "multiplet": name,
        "n": len(members),
        "places": ", ".join(sorted({row.get("seed_id", "") for row in members})),
        "first": wording.moment(seconds_utc(times[0])),
        "last": wording.moment(seconds_utc(times[-1])),
        "correlation": wording.number(float(np.median(others)), 2) if others else wording.ABSENT,
        "members": [
            {
                "window": int(finite(row.get("window")) or 0),
                "time": wording.moment(seconds_utc(row.get("start"))),
            }
            for row in members[:MAX_MEMBERS]
        ],
    }
