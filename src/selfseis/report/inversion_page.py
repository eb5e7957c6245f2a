"""The page report.html of an inversion: verdict, priors, figures, quality log and provenance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selfseis.report import page_parts as sections
from selfseis.report import wording
from selfseis.report.results_folder import finite, read_results
from selfseis.report.slip import slip_sections
from selfseis.report.tomography import structure_sections


def write_inversion_report(folder: str | Path) -> Path:
    """Write the page of an inversion, from the files of its results folder alone.

    Parameters
    ----------
    folder : str or Path
        Results folder of ``selfseis slip`` or ``selfseis tomography``.

    Returns
    -------
    Path
        ``folder/report.html``, replaced at once when complete.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    """
    results = read_results(Path(folder))
    about = results.run.get("inversion") or {}
    quality_log = results.run.get("quality_log") or {}
    shown = structure_sections(results) or slip_sections(results)
    page = sections.render_template(
        "inversion.html",
        {
            "title": about.get("title") or results.folder.resolve().name,
            "verdicts": [sections.verdict(verdict) for verdict in results.verdicts],
            "notes": results.run.get("notes") or [],
            "priors": [table for verdict in results.verdicts if (table := _priors(verdict))],
            "sections": shown,
            "findings": sections.issues(quality_log),
            "failed_units": quality_log.get("failed_units") or [],
            "problems": results.problems,
            "timings": sections.timings(results.run.get("wall_seconds") or {}),
            "facts": sections.facts(results.run),
            "command_line": sections.command_line(results.run),
            "downloads": sections.downloads(results.folder),
        },
    )
    return sections.write_page(results.folder / "report.html", page)


def _priors(verdict: dict[str, Any]) -> dict[str, Any] | None:
    """Return the table of all priors on the same held-out data; one row per prior, two columns per data type."""
    rows = (verdict.get("details") or {}).get("priors") or []
    if not rows:
        return None
    kinds = sorted({kind for row in rows for kind in row.get("kinds") or {}})
    columns = ["Prior"]
    for kind in kinds:
        columns += [f"{kind}: variance reduction", "rms"]
    columns += ["rms over predicted sd", "in 68% interval"]
    return {"columns": columns, "rows": [_prior_row(row, kinds) for row in rows]}


def _prior_row(row: dict[str, Any], kinds: list[str]) -> list[str]:
    cells = [str(row.get("name"))]
    for kind in kinds:
        found = (row.get("kinds") or {}).get(kind) or {}
        cells += [wording.number(finite(found.get(name))) for name in ("variance_reduction", "rms")]
    coverage = finite(row.get("coverage_68"))
    cells.append(wording.number(finite(row.get("standardised_rms"))))
    cells.append(wording.ABSENT if coverage is None else wording.percent(coverage))
    return cells
