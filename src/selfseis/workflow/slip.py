"""Inversions from files to a folder of results with its page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from selfseis.report import write_inversion_report
from selfseis.slip import SlipInversion, write_slip
from selfseis.validation import Verdict
from selfseis.workflow.progress import ProgressCallback, progress_bar
from selfseis.workflow.results import Results

Stage = Callable[[str], AbstractContextManager[ProgressCallback]]


@dataclass(frozen=True)
class Inverted:
    """What an inversion left behind.

    Attributes
    ----------
    verdict : Verdict
    said : str
        What was found, in a line.
    report : Path
        The page.
    failed_units : list of str
        Files of which nothing could be used.
    warnings : list of str
        What was masked, mended or assumed.
    side_by_side : list of str
        Lines of a table of what hidden data say: of slip for each type of data, of structure for each prior.
    """

    verdict: Verdict
    said: str
    report: Path
    failed_units: list[str]
    warnings: list[str]
    side_by_side: list[str]


def stages(results: Results, console: Console | None) -> Stage:
    """Return what makes the context of a stage: a progress bar whose time is kept with the results."""

    @contextmanager
    def stage(name: str) -> Iterator[ProgressCallback]:
        with results.stage(name), progress_bar(name, console) as progress:
            yield progress

    return stage


def invert_slip(
    gnss: Path | None,
    insar: list[Path],
    fault: Path,
    out: Path,
    inversion: SlipInversion,
    *,
    command_line: list[str] | None = None,
    console: Console | None = None,
) -> Inverted:
    """Invert displacements for slip and leave a folder of results.

    Parameters
    ----------
    gnss : Path or None
        Sites.
    insar : list of Path
        Scenes.
    fault : Path
        GeoJSON or ``.fsp``.
    out : Path
        Folder of the results.
    inversion : SlipInversion
        Not fitted yet.
    command_line : list of str, optional
        What the user typed.
    console : Console, optional
        Where progress is drawn.
    """
    files: dict[str, Any] = {
        "gnss": None if gnss is None else str(gnss),
        "insar": [str(scene) for scene in insar],
        "fault": str(fault),
    }
    title = f"Slip on {fault.stem}"
    results = Results(out, "slip", files | inversion.get_params(), command_line or [], title)
    inversion.fit(gnss, insar, fault, stage=stages(results, console))
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
    said = f"Mw {magnitude.value:.2f} ({magnitude.low:.2f} to {magnitude.high:.2f})"
    return Inverted(
        inversion.verdict_, said, write_inversion_report(out), failed, inversion.quality_log_.summary(),
        type_lines(inversion),
    )  # fmt: skip


def type_lines(inversion: SlipInversion) -> list[str]:
    """Return a table of the types of data that were hidden whole, line by line, and what it says."""
    rows = [("hidden whole", "variance reduction, 90% interval", "uniform slip")] + [
        (one.kind, str(one.skill), f"{one.uniform:.3f}") for one in inversion.types_
    ]
    return [*(lined_up(rows) if inversion.types_ else []), inversion.types_said_]


def lined_up(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines whose columns stand below each other."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return [line.rstrip() for line in lines]
