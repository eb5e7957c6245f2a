"""The page report.html of ``run``, ``detect`` and ``pick``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from selfseis.report import page_parts as sections
from selfseis.report import wording
from selfseis.report.location_map import located_section
from selfseis.report.pick import picks_section
from selfseis.report.results_folder import OVERVIEW, Event, Results, known, read_results, seconds_utc
from selfseis.report.waveform_payload import snippet_payload, timeline_payload

MAX_EVENTS = 1000
PIXELS_OF_OVERVIEW = 3 * 400 * 2000
PIXELS_OF_EVENT = 3 * 300 * 1000
PIXELS_OF_ALL_EVENTS = 6_000_000
SCRIPTS = (
    "format.js", "colours.js", "view.js", "waveforms.js", "figure.js", "timeline.js", "gallery.js", "picks.js",
    "main.js",
)  # fmt: skip


def write_report(folder: str | Path) -> Path:
    """Write the page that shows a run, from the files of its results folder alone.

    The page needs no network and no other file: data, style and scripts are inside it. Missing files leave
    out their section; files that cannot be read are named on the page.

    Parameters
    ----------
    folder : str or Path
        Results folder of ``selfseis run``, ``detect``, ``pick`` or ``denoise``.

    Returns
    -------
    Path
        ``folder/report.html``, replaced at once when complete.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.

    Examples
    --------
    >>> from pathlib import Path
    >>> from selfseis import write_report
    >>> Path("results").mkdir()  # the folder of a run; sections without a file are left out
    >>> write_report("results").name
    'report.html'
    """
    results = read_results(Path(folder))
    page = sections.render_template("report.html", _contents(results) | {"scripts": SCRIPTS})
    return sections.write_page(results.folder / "report.html", page)


def _contents(results: Results) -> dict[str, Any]:
    """Return all contents of the template, in the order of the page."""
    shown = _strongest(results.events or [])
    overview = _pack_snippet(results, results.snippets.get(OVERVIEW), PIXELS_OF_OVERVIEW)
    event_snippets = _event_snippets(results, shown)
    places = {event_id: place for place, event_id in enumerate(event_snippets)}
    timeline = _timeline(results, shown)
    picks = picks_section(results)
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
        "overview": overview,
        "events": [sections.event_card(event, event.event_id in places) for event in shown],
        "n_events": None if results.events is None else len(results.events),
        "n_of_picks": sum(event.n_picks > 0 for event in results.events or []),
        "event_snippets": list(event_snippets.values()),
        "timeline": timeline,
        "false_alarms": wording.number(rate) if (rate := (timeline or {}).get("falseAlarmsPerDay")) else "",
        "page_data": {
            "events": [sections.event_data(event, places.get(event.event_id)) for event in shown],
            "overviewEvents": [[event.start, event.end] for event in shown if event.start is not None],
            "nPickSnippets": len(picks["snippets"]) if picks else 0,
        },
        "picks": picks,
        "located": located_section(results),
        "findings": sections.issues(quality_log),
        "failed_units": quality_log.get("failed_units") or [],
        "has_quality_log": "quality_log" in results.run,
        "problems": results.problems,
        "timings": sections.timings(results.run.get("wall_seconds") or {}),
        "facts": sections.facts(results.run),
        "command_line": sections.command_line(results.run),
        "downloads": sections.downloads(results.folder),
    }


def _strongest(events: list[Event]) -> list[Event]:
    """Return the events in the order of time; of very many only those with the smallest p-values."""
    if len(events) > MAX_EVENTS:
        events = sorted(events, key=lambda event: (known(event.p_value, 1.0), -known(event.score, 0.0)))
    return sorted(events[:MAX_EVENTS], key=lambda event: known(event.start, math.inf))


def _pack_snippet(results: Results, path: Path | None, max_pixels: int) -> dict[str, Any] | None:
    snippet = results.dataset(path) if path else None
    if path is None or snippet is None:
        return None
    try:
        return snippet_payload(snippet, max_pixels) | {
            "window": [seconds_utc(snippet.attrs.get(name)) for name in ("event_start", "event_end")]
        }
    except (KeyError, ValueError) as error:
        results.problem(path, error)
        return None


def _event_snippets(results: Results, events: list[Event]) -> dict[str, dict[str, Any]]:
    """Packed snippets by event, together small enough for one page."""
    paths = {event.event_id: results.snippets.get(event.event_id) for event in events}
    n_stored = sum(path is not None for path in paths.values())
    share = min(PIXELS_OF_EVENT, PIXELS_OF_ALL_EVENTS // max(1, n_stored))
    packed = {name: _pack_snippet(results, path, share) for name, path in paths.items()}
    return {name: snippet for name, snippet in packed.items() if snippet is not None}


def _timeline(results: Results, events: list[Event]) -> dict[str, Any] | None:
    path = results.folder / "timeline.nc"
    dataset = results.dataset(path)
    if dataset is not None:
        try:
            payload = timeline_payload(dataset)
            if "score" in payload or "coverage" in payload:
                return payload
        except (KeyError, ValueError) as error:
            results.problem(path, error)
    return {} if any(event.start is not None for event in events) else None
