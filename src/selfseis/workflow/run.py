"""Jobs of the main commands: train, evaluate, denoise, detect, report."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import xarray as xr
from rich.console import Console

from selfseis.catalogue.records import Event
from selfseis.catalogue.tables import write_catalogue
from selfseis.denoise import Denoiser
from selfseis.denoise.training_data import is_line
from selfseis.detect import Detector
from selfseis.errors import InputError
from selfseis.io.atomic import remove
from selfseis.models.store import check_model_folder
from selfseis.recording import RecordingWriter, is_fibre
from selfseis.report import write_report
from selfseis.validation import Verdict
from selfseis.workflow.explore import add_atlas
from selfseis.workflow.locate import pick_and_locate, read_velocity
from selfseis.workflow.pick import PickSettings
from selfseis.workflow.progress import progress_bar
from selfseis.workflow.results import Results, checkpoint_beside
from selfseis.workflow.snippets import write_snippets, write_timeline
from selfseis.workflow.write_denoised import (
    DenoiseResult,
    predicted_channels,
    predicted_channels_summary,
    write_denoised,
)

Method = Literal["auto", "ridge", "network"]


@dataclass(frozen=True)
class Settings:
    """Settings of a job.

    Attributes
    ----------
    method : {"auto", "ridge", "network"}
        Denoising method. *auto* trains the network if the channels lie on a line, and keeps the ridge filter
        if the network is not better.
    band : tuple of float or None
        Pass band in Hz.
    false_alarms_per_day : float
        Accepted number of false alarms per day.
    seed : int
        Seed of all random numbers.
    picks : bool
        Whether `run` also trains a picker on a station network and builds a catalogue from its picks.
    training_fraction : float
        Share of the full training of the picker.
    velocity : Path or None
        File of a one-dimensional velocity model for locations; by default one is estimated.
    explore : bool
        Whether `run` also groups windows of the recording into classes and writes an atlas.
    blind_zone : int or None
        Half-width in channels of the blind zone of a fibre; by default measured.

    Raises
    ------
    InputError
        If the false-alarm rate is not a number above 0.
    """

    method: Method = "auto"
    band: tuple[float, float] | None = None
    false_alarms_per_day: float = 1.0
    seed: int = 0
    picks: bool = True
    training_fraction: float = 1.0
    velocity: Path | None = None
    explore: bool = True
    blind_zone: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.false_alarms_per_day < float("inf"):
            raise InputError(
                f"false_alarms_per_day must be a number above 0, got {self.false_alarms_per_day:g}"
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the settings for JSON."""
        velocity = None if self.velocity is None else str(self.velocity)
        return {**vars(self), "band": list(self.band) if self.band else None, "velocity": velocity}


@dataclass
class JobResult:
    """Result of a job.

    Attributes
    ----------
    report : Path
        The report page.
    verdicts : list of Verdict
        One verdict per task.
    events : list of Event
        The catalogue.
    failed_units : list of str
        Files and channels that could not be used.
    """

    report: Path
    verdicts: list[Verdict]
    events: list[Event] = field(default_factory=list)
    failed_units: list[str] = field(default_factory=list)


def run(
    recording: xr.DataArray,
    out: Path,
    settings: Settings | None = None,
    *,
    title: str = "",
    command_line: list[str] | None = None,
    opening_seconds: float = 0.0,
    notes: list[str] | None = None,
    console: Console | None = None,
) -> JobResult:
    """Train on a recording, evaluate, denoise, detect, pick and write a report.

    An interrupted run resumes when it is started again with the same folder.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    out : Path
        Folder of the results.
    settings : Settings, optional
        Settings of the job.
    title : str
        Title of the recording on the page.
    command_line : list of str, optional
        Command line of the user.
    opening_seconds : float
        Time in s that opening the recording took.
    notes : list of str, optional
        Notes for the reader of the page.
    console : Console, optional
        Terminal for progress bars.

    Returns
    -------
    JobResult
    """
    settings = settings or Settings()
    velocity = read_velocity(settings.velocity)
    results = Results(out, "run", settings.to_dict(), command_line or [], title, list(notes or []))
    results.wall_seconds["open"] = round(opening_seconds, 3)
    denoiser = _train_and_save(recording, out, settings, results, console)
    detector = _detect(recording, denoiser, settings, results, console)
    useful = denoiser.verdict_.outcome != "no_gain"
    if useful:
        path = out / ("denoised.nc" if is_fibre(recording) else "denoised.mseed")
        with results.stage("denoise"), progress_bar("denoising", console) as progress:
            levels = denoiser.levels(recording)
            write_denoised(denoiser, recording, path, levels, progress=progress)
        results.notes.append(f"Denoised waveforms are in {path.name}.")
        results.notes += predicted_channels_summary(path, predicted_channels(levels, recording))
    else:
        results.notes.append(
            "No denoised waveforms were written: on these data the denoiser is not better than the baseline."
        )
    verdicts, events = [denoiser.verdict_, detector.verdict_], detector.events_
    if settings.picks and not is_line(recording):
        picking = PickSettings(
            settings.false_alarms_per_day, training_fraction=settings.training_fraction, seed=settings.seed
        )
        of_picks, events = pick_and_locate(
            results, recording, detector.events_, picking, velocity=velocity, console=console
        )
        verdicts += of_picks
    if settings.explore:
        verdicts += add_atlas(results, recording, settings.seed, console=console)
    with results.stage("pictures"):
        cleaner = denoiser if useful else None
        write_snippets(out / "snippets", recording, denoiser.conditioner_, cleaner, events)
        write_timeline(out / "timeline.nc", recording, detector)
    return _write_results(results, recording, verdicts, detector, events)


def train_denoiser(
    recording: xr.DataArray,
    model: Path,
    settings: Settings | None = None,
    *,
    start: Denoiser | None = None,
    console: Console | None = None,
) -> Denoiser:
    """Train a denoiser on a recording and save it.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    model : Path
        Folder of the model.
    settings : Settings, optional
        Settings of the job.
    start : Denoiser, optional
        A fitted denoiser to fine-tune; by default a new one is trained.
    console : Console, optional
        Terminal for progress bars.

    Returns
    -------
    Denoiser
        Fitted.

    Raises
    ------
    InputError
        If the band or the method of the settings differs from that of `start`.
    """
    settings = settings or Settings()
    check_model_folder(model)
    checkpoint = checkpoint_beside(model)
    if start is None:
        denoiser, _ = _train(recording, settings, checkpoint, console)
    else:
        denoiser = _fine_tune(start, recording, settings, checkpoint, console)
    denoiser.save(model)
    remove(checkpoint)
    return denoiser


def denoise(
    recording: xr.DataArray,
    out: Path,
    denoiser: Denoiser | None = None,
    settings: Settings | None = None,
    *,
    deviation: Path | None = None,
    jobs: int = 1,
    console: Console | None = None,
) -> DenoiseResult:
    """Denoise a recording and write it.

    With a model, an existing NetCDF or Zarr file of the same recording is extended: only the new data are denoised.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    out : Path
        File that ends in .nc, .zarr or .mseed.
    denoiser : Denoiser, optional
        A fitted denoiser; by default one is trained on the recording itself.
    settings : Settings, optional
        Settings of the training.
    deviation : Path, optional
        File for the standard deviation of each sample.
    jobs : int
        Number of tiles denoised at the same time; the result does not depend on it.
    console : Console, optional
        Terminal for progress bars.

    Returns
    -------
    DenoiseResult
    """
    for path in (out, deviation):
        if path is not None:
            RecordingWriter(path, like=recording)  # refuses a bad name before the training
    if denoiser is None:
        settings = settings or Settings()
        denoiser, _ = _train(recording, settings, checkpoint_beside(out), console)
    levels = denoiser.levels(recording)
    with progress_bar("denoising", console) as progress:
        kept = write_denoised(denoiser, recording, out, levels, jobs=jobs, progress=progress)
    if deviation is not None:
        with progress_bar("uncertainty", console) as progress:
            write_denoised(
                denoiser, recording, deviation, levels, deviation=True, jobs=jobs, progress=progress
            )
    remove(checkpoint_beside(out))
    return DenoiseResult(denoiser, predicted_channels(levels, recording), kept)


def detect(
    recording: xr.DataArray,
    out: Path,
    denoiser: Denoiser | None = None,
    settings: Settings | None = None,
    *,
    title: str = "",
    command_line: list[str] | None = None,
    console: Console | None = None,
) -> JobResult:
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
    title, command_line, console
        As for `run`.

    Returns
    -------
    JobResult
    """
    settings = settings or Settings()
    results = Results(out, "detect", settings.to_dict(), command_line or [], title)
    detector = _detect(recording, denoiser, settings, results, console)
    with results.stage("pictures"):
        write_snippets(out / "snippets", recording, detector.conditioner_, None, detector.events_)
        write_timeline(out / "timeline.nc", recording, detector)
    return _write_results(results, recording, [detector.verdict_], detector, detector.events_)


def _train(
    recording: xr.DataArray, settings: Settings, checkpoint: Path, console: Console | None
) -> tuple[Denoiser, list[str]]:
    """Train a denoiser; with *auto*, keep the network only if it is better than the ridge filter.

    Also return notes for the reader of the page.
    """
    method: Literal["ridge", "network"] = "ridge"
    if settings.method == "network" or (settings.method == "auto" and is_line(recording)):
        method = "network"
    new = partial(Denoiser, band=settings.band, blind_zone=settings.blind_zone, seed=settings.seed)
    denoiser = new(method)
    with progress_bar("training", console) as progress:
        denoiser.fit(recording, checkpoint=checkpoint, progress=lambda p: progress(p.step, p.max_steps))
    if settings.method == "network" or denoiser.net_ is None or denoiser.verdict_.outcome == "works":
        return denoiser, []
    note = f"A network was trained first and rejected. {denoiser.verdict_}"
    return new("ridge").fit(recording), [note]


def _fine_tune(
    start: Denoiser, recording: xr.DataArray, settings: Settings, checkpoint: Path, console: Console | None
) -> Denoiser:
    """Fine-tune a model, which keeps its band and method."""
    band, method = start.conditioner_.band, start.method
    other_zone = settings.blind_zone not in (None, start.blind_zone)
    if settings.band not in (None, tuple(band)) or settings.method not in ("auto", method) or other_zone:
        raise InputError(
            f"the initial model has the band {band[0]:g} to {band[1]:g} Hz and the method {method}: "
            "leave out --band, --method and --blind-zone, or train without --init-from"
        )
    with progress_bar("fine-tuning", console) as progress:
        return start.fine_tune(
            recording, checkpoint=checkpoint, progress=lambda p: progress(p.step, p.max_steps)
        )


def _train_and_save(
    recording: xr.DataArray, out: Path, settings: Settings, results: Results, console: Console | None
) -> Denoiser:
    model = out / "model"
    with results.stage("train"):
        denoiser, notes = _train(recording, settings, checkpoint_beside(model), console)
        denoiser.save(model)
        remove(checkpoint_beside(model))
    if is_line(recording):
        results.notes.append(
            f"Blind zone: {denoiser.blind_zone_} channels on each side, measured in noise windows."
        )
    results.notes += notes
    return denoiser


def _detect(
    recording: xr.DataArray,
    denoiser: Denoiser | None,
    settings: Settings,
    results: Results,
    console: Console | None,
) -> Detector:
    detector = Detector(
        false_alarms_per_day=settings.false_alarms_per_day,
        band=settings.band,
        denoiser=denoiser,
        seed=settings.seed,
    )
    with results.stage("detect"), progress_bar("detecting", console) as progress:
        events = detector.fit_detect(recording, progress=progress)
        write_catalogue(events, results.folder, detected_by=detector.scanner_.name)
    return detector


def _write_results(
    results: Results,
    recording: xr.DataArray,
    verdicts: list[Verdict],
    detector: Detector,
    events: list[Event],
) -> JobResult:
    results.write_verdicts(verdicts)
    scan = detector.scan_
    n_windows = max(recording.sizes["time"] / scan.hop, 1)
    failed = results.write_run(recording, min(float(scan.present.mean(axis=0).sum() / n_windows), 1.0))
    return JobResult(write_report(results.folder), verdicts, events, failed)
