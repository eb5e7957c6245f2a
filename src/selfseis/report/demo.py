"""Index page of the reports of several recordings, with their verdicts."""

from __future__ import annotations

import os
from pathlib import Path

from selfseis.report import page_parts as sections
from selfseis.report import wording
from selfseis.report.results_folder import read_results


def write_index(folder: str | Path, reports: list[Path], *, title: str) -> Path:
    """Write an index page of several reports.

    Parameters
    ----------
    folder : str or Path
        Folder of the page.
    reports : list of Path
        Results folders, each with a report.
    title : str
        Title of the page.

    Returns
    -------
    Path
        ``folder/report.html``.
    """
    folder = Path(folder)
    cards = []
    for place in reports:
        results = read_results(Path(place))
        recording = results.run.get("recording") or {}
        cards.append(
            {
                "title": recording.get("title") or Path(place).name,
                "recording_line": wording.recording_line(recording),
                "verdicts": [sections.verdict(verdict) for verdict in results.verdicts],
                "n_events": len(results.events or []),
                "notes": results.run.get("notes") or [],
                "link": Path(os.path.relpath(Path(place) / "report.html", folder)).as_posix(),
            }
        )
    page = sections.render_template("index.html", {"title": title, "cards": cards})
    return sections.write_page(folder / "report.html", page)
