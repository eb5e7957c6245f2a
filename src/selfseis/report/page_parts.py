"""Contents of the template: one function per part of the page."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import quote

from selfseis.io.atomic import replacing
from selfseis.quality_log import CHANGED_NUMBERS
from selfseis.report import wording
from selfseis.report.results_folder import Event, finite, known

ESTIMATES = (("skill", "selfseis"), ("baseline", "baseline"), ("null", "null (surrogates)"))
FACTS = (("Parameters", "parameters"), ("Versions", "versions"), ("Machine", "machine"))
MAX_TICKS = 6


def verdict(entry: dict[str, Any]) -> dict[str, Any]:
    """Return one verdict: its words, and its estimates on a common axis."""
    outcome = str(entry.get("verdict"))
    if outcome not in wording.VERDICT_WORDS:
        outcome = "cannot_tell"
    estimates = [_estimate(label, entry.get(key) or {}) for key, label in ESTIMATES]
    shown = [estimate for estimate in estimates if estimate]
    return {
        "outcome": outcome,
        "word": wording.verdict_word(entry | {"verdict": outcome}),
        "task": wording.task_name(entry),
        "sentence": wording.verdict_sentence(entry | {"verdict": outcome}),
        "reason": entry.get("reason") or "No reason was written.",
        "measure": entry.get("measure") or "skill on held-out data (no unit)",
        "estimates": shown,
        "axis": _axis([estimate[end] for estimate in shown for end in ("low", "value", "high")]),
    }


def event_card(event: Event, has_snippet: bool) -> dict[str, Any]:
    """Return the contents of the card of an event."""
    length = None if event.start is None or event.end is None else event.end - event.start
    origin = [f"{name.replace('_km', ' (km)')} {value}" for name, value in event.origin.items()]
    return {
        "event_id": event.event_id,
        "time": wording.moment(event.start),
        "length": wording.duration(length),
        "p_value": wording.p_value(event.p_value),
        "score": wording.number(event.score),
        "n_picks": event.n_picks,
        "n_channels": event.n_channels,
        "origin": ", ".join(origin),
        "has_snippet": has_snippet,
    }


def event_data(event: Event, snippet: int | None) -> dict[str, Any]:
    """Return the data of an event for the scripts; `snippet` is the index of its waveforms on the page."""
    return {
        "id": event.event_id,
        "start": event.start,
        "end": event.end,
        "score": event.score,
        "pValue": event.p_value,
        "ofPicks": event.n_picks > 0,
        "snippet": snippet,
    }


def issues(quality_log: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the issues, one entry per kind: those that changed numbers first, then the most frequent."""
    kinds: dict[str, dict[str, Any]] = {}
    for finding in quality_log.get("findings") or []:
        name, unit = str(finding.get("kind", "")), str(finding.get("unit", ""))
        new = {
            "kind": name,
            "meaning": wording.MEANINGS.get(name, ""),
            "count": 0,
            "units": set(),
            "details": [],
        }
        kind = kinds.setdefault(name, new)
        kind["count"] += int(finite(finding.get("count")) or 1)
        kind["units"].add(unit)
        kind["details"].append(f"{unit}: {finding.get('detail', '')}")
    return sorted(kinds.values(), key=lambda kind: (kind["kind"] not in CHANGED_NUMBERS, -kind["count"]))


def timings(wall_seconds: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the stages of the run with their run times."""
    seconds = {str(stage): finite(value) or 0.0 for stage, value in wall_seconds.items() if stage != "total"}
    total = sum(seconds.values()) or 1.0
    return [
        {"stage": stage, "text": wording.duration(value), "share": 100 * value / total}
        for stage, value in seconds.items()
    ]


def facts(run: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the run, its parameters, versions and machine as tables of names and values."""
    general = {name: run[name] for name in ("selfseis", "seed", "started") if name in run}
    tables = [("Run", general)] + [(title, run.get(key) or {}) for title, key in FACTS]
    return [
        (title, [(str(name), _plain(value)) for name, value in table.items()])
        for title, table in tables
        if table
    ]


def command_line(run: dict[str, Any]) -> str:
    """Return the command line, or at least the name of the command."""
    written = run.get("command_line")
    if isinstance(written, list):
        return shlex.join(str(word) for word in written)
    return str(written or (f"selfseis {run['command']}" if run.get("command") else ""))


def downloads(folder: Path) -> list[tuple[str, str]]:
    """Return names and relative addresses of the files in the folder of the page."""
    names = [path.name + "/" * path.is_dir() for path in sorted(folder.iterdir())]
    shown = [name for name in names if name != "report.html" and not name.startswith((".", "_"))]
    return [(name, quote(name)) for name in shown if not name.endswith(".tmp")]


def _estimate(label: str, estimate: dict[str, Any]) -> dict[str, Any] | None:
    value, low, high = (finite(estimate.get(key)) for key in ("value", "low", "high"))
    if value is None:
        return None
    return {
        "label": label,
        "name": estimate.get("name") or "",
        "text": wording.measured(value, low, high),
        "value": value,
        "low": known(low, value),
        "high": known(high, value),
    }


def _axis(values: list[float]) -> dict[str, Any] | None:
    """Ticks and ends of an axis that holds the values and zero."""
    if not values:
        return None
    low, high = min(*values, 0.0), max(*values, 0.0)
    span = (high - low) or 1.0
    steps = (mantissa * 10.0**power for power in range(-300, 300) for mantissa in (1, 2, 2.5, 5))
    step = next(step for step in steps if span / step <= MAX_TICKS)
    first, last = int(low // step), int(-(-high // step))
    ticks = [tick * step for tick in range(first, max(last, first + 1) + 1)]
    labels = [wording.number(tick) for tick in ticks]
    return {"low": ticks[0], "span": ticks[-1] - ticks[0], "ticks": list(zip(ticks, labels, strict=True))}


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def render_template(name: str, contents: dict[str, Any]) -> str:
    """Fill a template; all text from files is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("selfseis.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    return environment.get_template(name).render(contents)


def write_page(path: Path, text: str) -> Path:
    """Write a page, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    return path
