"""The job of slip inversion: from files of displacements to a folder of results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from selfseis.report import write_inversion_report
from selfseis.slip import SlipInversion, write_slip
from selfseis.workflow.results import JobResult, Results, warning_lines


def invert_slip(
    gnss: Path | None,
    insar: list[Path],
    fault: Path,
    out: Path,
    inversion: SlipInversion,
    *,
    command_line: list[str] | None = None,
    console: Console | None = None,
) -> JobResult:
    """Invert displacements for slip and write a folder of results.

    Parameters
    ----------
    gnss : Path or None
        File of GNSS sites.
    insar : list of Path
        Files of InSAR scenes.
    fault : Path
        GeoJSON or ``.fsp``.
    out : Path
        Folder of the results.
    inversion : SlipInversion
        Not fitted yet.
    command_line : list of str, optional
        Command line of the user.
    console : Console, optional
        Terminal for progress bars.
    """
    files: dict[str, Any] = {
        "gnss": None if gnss is None else str(gnss),
        "insar": [str(scene) for scene in insar],
        "fault": str(fault),
    }
    title = f"Slip on {fault.stem}"
    results = Results(
        out, "slip", files | inversion.plain_params(), command_line or [], title, console=console
    )
    inversion.fit(gnss, insar, fault, stage=results.stage_with_bar)
    with results.stage("write"):
        write_slip(inversion, out)
    checks = inversion.prepared_.sign_checks
    results.notes += [f"Scene {check.scene}: {check.reason}" for check in checks if check.turned]
    observations = inversion.prepared_.observations
    failed = results.write_quality_log(
        inversion.quality_log_,
        inversion={
            "kind": "slip",
            "title": title,
            "n_data": len(observations),
            "n_patches": len(inversion.prepared_.fault),
        },
    )
    magnitude = inversion.magnitude_
    summary = f"Mw {magnitude.value:.2f} ({magnitude.low:.2f} to {magnitude.high:.2f})"
    return JobResult(
        report=write_inversion_report(out),
        verdicts=[inversion.verdict_],
        summary=summary,
        failed_units=failed,
        warnings=warning_lines(inversion.quality_log_),
        table=type_lines(inversion),
    )


def type_lines(inversion: SlipInversion) -> list[str]:
    """Return the lines of a table of held-out data types, and its summary."""
    rows = [("held-out type", "variance reduction, 90% interval", "uniform slip")] + [
        (one.kind, str(one.skill), f"{one.uniform:.3f}") for one in inversion.types_
    ]
    return [*(aligned_rows(rows) if inversion.types_ else []), inversion.types_summary_]


def aligned_rows(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines with aligned columns."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return [line.rstrip() for line in lines]
