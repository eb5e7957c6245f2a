"""Tomography from files of arrivals to a folder of results with its page."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from selfseis.report import write_inversion_report
from selfseis.tomography import TravelTimeTomography
from selfseis.tomography.cross_validation import PLURAL
from selfseis.tomography.write import write_tomography
from selfseis.workflow.results import Results, check_apart
from selfseis.workflow.slip import Inverted, lined_up, stages


def invert_arrivals(
    arrivals: Path,
    stations: Path | None,
    out: Path,
    tomography: TravelTimeTomography,
    *,
    command_line: list[str] | None = None,
    console: Console | None = None,
) -> Inverted:
    """Invert arrival times for structure and leave a folder of results.

    Parameters
    ----------
    arrivals : Path
        File or folder of arrivals.
    stations : Path or None
        List of stations, where the arrivals do not say where they are.
    out : Path
        Folder of the results.
    tomography : TravelTimeTomography
        Not fitted yet.
    command_line : list of str, optional
        What the user typed.
    console : Console, optional
        Where progress is drawn.
    """
    check_apart(out, [str(arrivals)])
    files = {"arrivals": str(arrivals), "stations": None if stations is None else str(stations)}
    title = f"Structure from the arrivals of {arrivals.name}"
    published = None if tomography.published is None else str(tomography.published)
    parameters = files | tomography.get_params() | {"published": published}
    results = Results(out, "tomography", parameters, command_line or [], title)
    tomography.fit(arrivals, stations, stage=stages(results, console))
    with results.stage("write"):
        write_tomography(tomography, out)
    summary = tomography.summary_
    about = {name: summary[name] for name in ("scope", "n_arrivals", "n_events", "n_stations", "waves")}
    failed = results.write_quality_log(
        tomography.quality_log_, inversion={"kind": "tomography", "title": title, **about}
    )
    said = f"{summary['n_arrivals']:,} arrivals of {summary['n_events']:,} events at {summary['n_stations']:,} stations"
    return Inverted(
        tomography.verdict_, said, write_inversion_report(out), failed, tomography.quality_log_.summary(),
        prior_lines(tomography),
    )  # fmt: skip


def prior_lines(tomography: TravelTimeTomography) -> list[str]:
    """Return a table of the priors and of both nulls on the same hidden data, line by line."""
    first = tomography.validations_[0]
    chosen = first.chosen_in_folds()
    rows = [(f"hidden {PLURAL[first.hidden]}", "rms over stated noise", "in 68% interval", "chosen in folds")]
    for row in first.verdict.details["priors"]:
        scores = (f"{row['normalised_rms']:.3f}", f"{100 * row['coverage_68']:.0f}%")
        rows.append((row["name"], *scores, str(chosen.get(row["name"], ""))))
    return lined_up(rows)
