"""The job of travel-time tomography: from files of arrivals to a folder of results."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from selfseis.report import write_inversion_report
from selfseis.tomography import TravelTimeTomography
from selfseis.tomography.cross_validation import PLURAL
from selfseis.tomography.write import write_tomography
from selfseis.workflow.results import JobResult, Results, check_output_outside_data, warning_lines
from selfseis.workflow.slip import aligned_rows


def invert_arrivals(
    arrivals: Path,
    stations: Path | None,
    out: Path,
    tomography: TravelTimeTomography,
    *,
    command_line: list[str] | None = None,
    console: Console | None = None,
) -> JobResult:
    """Invert arrival times for velocity structure and write a folder of results.

    Parameters
    ----------
    arrivals : Path
        File or folder of arrivals.
    stations : Path or None
        Station list, if the arrivals hold no station positions.
    out : Path
        Folder of the results.
    tomography : TravelTimeTomography
        Not fitted yet.
    command_line : list of str, optional
        Command line of the user.
    console : Console, optional
        Terminal for progress bars.
    """
    check_output_outside_data(out, [str(arrivals)])
    files = {"arrivals": str(arrivals), "stations": None if stations is None else str(stations)}
    title = f"Structure from the arrivals of {arrivals.name}"
    published = None if tomography.published is None else str(tomography.published)
    parameters = files | tomography.plain_params() | {"published": published}
    results = Results(out, "tomography", parameters, command_line or [], title, console=console)
    tomography.fit(arrivals, stations, stage=results.stage_with_bar)
    with results.stage("write"):
        write_tomography(tomography, out)
    summary = tomography.summary_
    about = {name: summary[name] for name in ("scope", "n_arrivals", "n_events", "n_stations", "waves")}
    failed = results.write_quality_log(
        tomography.quality_log_, inversion={"kind": "tomography", "title": title, **about}
    )
    line = f"{summary['n_arrivals']:,} arrivals of {summary['n_events']:,} events at {summary['n_stations']:,} stations"
    return JobResult(
        report=write_inversion_report(out),
        verdicts=[tomography.verdict_],
        summary=line,
        failed_units=failed,
        warnings=warning_lines(tomography.quality_log_),
        table=prior_lines(tomography),
    )


def prior_lines(tomography: TravelTimeTomography) -> list[str]:
    """Return the lines of a table that compares the priors and both nulls on the same held-out data."""
    first = tomography.validations_[0]
    chosen = first.chosen_in_folds()
    rows = [
        (f"held-out {PLURAL[first.held_out]}", "rms over stated noise", "in 68% interval", "chosen in folds")
    ]
    for row in first.verdict.details["priors"]:
        scores = (f"{row['normalised_rms']:.3f}", f"{100 * row['coverage_68']:.0f}%")
        rows.append((row["name"], *scores, str(chosen.get(row["name"], ""))))
    return aligned_rows(rows)
