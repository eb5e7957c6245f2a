"""The job of detection: events of a recording, their catalogue and their page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import xarray as xr
from rich.console import Console

from selfseis.catalogue.records import Event
from selfseis.catalogue.tables import write_catalogue
from selfseis.denoise import Denoiser
from selfseis.detect import Detector
from selfseis.report import write_report
from selfseis.validation import Verdict
from selfseis.workflow.results import JobResult, Results
from selfseis.workflow.settings import Settings
from selfseis.workflow.snippets import write_snippets, write_timeline


@dataclass(frozen=True, kw_only=True)
class DetectResult(JobResult):
    """Result of a job that writes a catalogue.

    Attributes
    ----------
    events : list of Event
        The catalogue.
    """

    events: list[Event]


def detect(
    recording: xr.DataArray,
    out: Path,
    denoiser: Denoiser | None = None,
    settings: Settings | None = None,
    *,
    title: str = "",
    command_line: list[str] | None = None,
    console: Console | None = None,
) -> DetectResult:
    """Detect events of a recording and write the catalogue, the verdict and the page.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    out : Path
        Folder of the results.
    denoiser : Denoiser, optional
        A fitted denoiser; its band is used, and its blind zone if it was set.
    settings : Settings, optional
        Settings of the job.
    title : str
        Title of the recording on the page.
    command_line : list of str, optional
        Command line of the user.
    console : Console, optional
        Terminal for progress bars.

    Returns
    -------
    DetectResult
    """
    settings = settings or Settings()
    parameters = settings.to_dict() | {"options": settings.options.detector.to_dict()}
    results = Results(out, "detect", parameters, command_line or [], title, console=console)
    detector = detect_into(results, recording, denoiser, settings)
    with results.stage("pictures"):
        write_snippets(out / "snippets", recording, detector.conditioner_, None, detector.events_)
        write_timeline(out / "timeline.nc", recording, detector)
    return finish(results, recording, detector, [detector.verdict_], detector.events_)


def detect_into(
    results: Results, recording: xr.DataArray, denoiser: Denoiser | None, settings: Settings
) -> Detector:
    """Detect events of a recording and write their catalogue into a folder of results.

    Parameters
    ----------
    results : Results
        The folder.
    recording : xarray.DataArray
        The recording.
    denoiser : Denoiser or None
        A fitted denoiser.
    settings : Settings
        Settings of the job.

    Returns
    -------
    Detector
        Fitted.
    """
    detector = Detector(
        false_alarms_per_day=settings.false_alarms_per_day,
        band=settings.band,
        denoiser=denoiser,
        seed=settings.seed,
        options=settings.options.detector,
    )
    with results.stage("detect", "detecting") as progress:
        events = detector.fit_detect(recording, progress=progress)
        write_catalogue(events, results.folder, detected_by=detector.scanner_.name)
    return detector


def finish(
    results: Results,
    recording: xr.DataArray,
    detector: Detector,
    verdicts: list[Verdict],
    events: list[Event],
) -> DetectResult:
    """Write verdicts, ``run.json`` and the page of a job that detected events.

    Parameters
    ----------
    results : Results
        The folder.
    recording : xarray.DataArray
        The recording.
    detector : Detector
        Fitted; its windows give the share of the recording with data.
    verdicts : list of Verdict
        One per task.
    events : list of Event
        The catalogue.
    """
    scan = detector.scan_
    n_windows = max(recording.sizes["time"] / scan.hop, 1)
    valid_fraction = min(float(scan.present.mean(axis=0).sum() / n_windows), 1.0)
    failed = results.write_run(recording, verdicts, valid_fraction)
    return DetectResult(
        report=write_report(results.folder),
        verdicts=verdicts,
        summary=_summary(events),
        failed_units=failed,
        events=events,
    )


def _summary(events: list[Event]) -> str:
    """Count the events for the terminal, and those whose rate of false alarms is not known."""
    n_uncalibrated = sum(not event.is_calibrated for event in events)
    uncalibrated = f", {n_uncalibrated} of them uncalibrated" if n_uncalibrated else ""
    return f"{len(events)} event{'' if len(events) == 1 else 's'}{uncalibrated}"
