"""The jobs behind the commands: learn, judge, find, show."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import xarray as xr
from rich.console import Console

from selfseis.catalogue.records import Event
from selfseis.catalogue.tables import write_detections
from selfseis.denoise import Denoiser
from selfseis.denoise.training_data import is_line
from selfseis.detect import Detector
from selfseis.errors import InputError
from selfseis.io.atomic import remove
from selfseis.models.store import check_place
from selfseis.recording import RecordingWriter, is_fibre
from selfseis.report import write_report
from selfseis.validation import Verdict
from selfseis.workflow.explore import add_atlas
from selfseis.workflow.locate import pick_and_locate, read_velocity
from selfseis.workflow.pick import PickSettings
from selfseis.workflow.progress import progress_bar
from selfseis.workflow.results import Results, checkpoint_beside
from selfseis.workflow.snippets import write_snippets, write_timeline
from selfseis.workflow.write_denoised import Cleaned, predicted_channels, what_was_predicted, write_denoised

Method = Literal["auto", "ridge", "network"]


@dataclass(frozen=True)
class Settings:
    """What a job is run with.

    Attributes
    ----------
    method : {"auto", "ridge", "network"}
        How to denoise. *auto* tries the network where channels lie on a line, and keeps the ridge filter where
        the network is not better.
    band : tuple of float or None
        Pass band in Hz.
    false_alarms_per_day : float
        Rate of false alarms that is accepted.
    seed : int
        Seed of everything random.
    picks : bool
        Whether `run` also learns to pick a station network, and makes a catalogue of the picks.
    training_fraction : float
        Training of the picker as a share of the full course.
    velocity : Path or None
        The user's one-dimensional velocity model, for locations; by default one is estimated.
    explore : bool
        Whether `run` also groups the windows of the recording and makes an atlas of them.
    blind_zone : int or None
        Half-width in channels of what a fibre's denoiser does not look at; by default as measured.

    Raises
    ------
    InputError
        If the rate of false alarms is not a number above 0.
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
                f"{self.false_alarms_per_day:g} false alarms a day cannot be asked for: give a number above 0"
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the settings for JSON."""
        velocity = None if self.velocity is None else str(self.velocity)
        return {**vars(self), "band": list(self.band) if self.band else None, "velocity": velocity}


@dataclass
class Outcome:
    """What a job found.

    Attributes
    ----------
    report : Path
        The page.
    verdicts : list of Verdict
        One a task.
    events : list of Event
        What was found.
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
) -> Outcome:
    """Learn from a recording, judge what was learnt, clean the waveforms, find events, and show it all.

    A run that was interrupted goes on where it stopped when it is started again with the same folder.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    out : Path
        Folder of the results.
    settings : Settings, optional
        What to run with.
    title : str
        What the recording is called on the page.
    command_line : list of str, optional
        What the user typed.
    opening_seconds : float
        Time that opening the recording took.
    notes : list of str, optional
        What a reader should know beforehand.
    console : Console, optional
        Where progress is shown.

    Returns
    -------
    Outcome
    """
    settings = settings or Settings()
    velocity = read_velocity(settings.velocity)
    results = Results(out, "run", settings.to_dict(), command_line or [], title, list(notes or []))
    results.wall_seconds["open"] = round(opening_seconds, 3)
    denoiser = _learn(recording, out, settings, results, console)
    detector = _search(recording, denoiser, settings, results, console)
    useful = denoiser.verdict_.outcome != "no_gain"
    if useful:
        path = out / ("denoised.nc" if is_fibre(recording) else "denoised.mseed")
        with results.stage("denoise"), progress_bar("cleaning", console) as progress:
            levels = denoiser.levels(recording)
            write_denoised(denoiser, recording, path, levels, progress=progress)
        results.notes.append(f"Cleaned waveforms are in {path.name}.")
        results.notes += what_was_predicted(path, predicted_channels(levels, recording))
    else:
        results.notes.append(
            "No cleaned waveforms were written: on these data they are not better than simple ones."
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
    return _finished(results, recording, verdicts, detector, events)


def train_denoiser(
    recording: xr.DataArray,
    model: Path,
    settings: Settings | None = None,
    *,
    start: Denoiser | None = None,
    console: Console | None = None,
) -> Denoiser:
    """Learn a denoiser from a recording and save it.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    model : Path
        Folder of the model.
    settings : Settings, optional
        What to run with.
    start : Denoiser, optional
        A fitted denoiser, which is learnt on instead of anew.
    console : Console, optional
        Where progress is shown.

    Returns
    -------
    Denoiser
        Fitted.

    Raises
    ------
    InputError
        If the settings ask for another band or method than `start` has.
    """
    settings = settings or Settings()
    check_place(model)
    checkpoint = checkpoint_beside(model)
    if start is None:
        denoiser, _ = _learnt(recording, settings, checkpoint, console)
    else:
        denoiser = _trained_on(start, recording, settings, checkpoint, console)
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
) -> Cleaned:
    """Clean a recording and write it.

    With a model, a NetCDF or Zarr file that an earlier call wrote of the same recording is continued: only what
    came since is computed.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    out : Path
        File that ends in .nc, .zarr or .mseed.
    denoiser : Denoiser, optional
        A fitted denoiser; by default one is learnt from the recording itself.
    settings : Settings, optional
        What to learn with.
    deviation : Path, optional
        File to which the standard deviation of each sample is written.
    jobs : int
        Tiles that are cleaned at the same time; the result is the same.
    console : Console, optional
        Where progress is shown.

    Returns
    -------
    Cleaned
    """
    for path in (out, deviation):
        if path is not None:
            RecordingWriter(path, like=recording)  # refuses a bad name before anything is learnt
    if denoiser is None:
        settings = settings or Settings()
        denoiser, _ = _learnt(recording, settings, checkpoint_beside(out), console)
    levels = denoiser.levels(recording)
    with progress_bar("cleaning", console) as progress:
        kept = write_denoised(denoiser, recording, out, levels, jobs=jobs, progress=progress)
    if deviation is not None:
        with progress_bar("uncertainty", console) as progress:
            write_denoised(
                denoiser, recording, deviation, levels, deviation=True, jobs=jobs, progress=progress
            )
    remove(checkpoint_beside(out))
    return Cleaned(denoiser, predicted_channels(levels, recording), kept)


def detect(
    recording: xr.DataArray,
    out: Path,
    denoiser: Denoiser | None = None,
    settings: Settings | None = None,
    *,
    title: str = "",
    command_line: list[str] | None = None,
    console: Console | None = None,
) -> Outcome:
    """Find the events of a recording and write the catalogue, the verdict and the page.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    out : Path
        Folder of the results.
    denoiser : Denoiser, optional
        A fitted denoiser whose band is used, and its blind zone where it was given one.
    settings : Settings, optional
        What to run with.
    title, command_line, console
        As for `run`.

    Returns
    -------
    Outcome
    """
    settings = settings or Settings()
    results = Results(out, "detect", settings.to_dict(), command_line or [], title)
    detector = _search(recording, denoiser, settings, results, console)
    with results.stage("pictures"):
        write_snippets(out / "snippets", recording, detector.conditioner_, None, detector.events_)
        write_timeline(out / "timeline.nc", recording, detector)
    return _finished(results, recording, [detector.verdict_], detector, detector.events_)


def _learnt(
    recording: xr.DataArray, settings: Settings, checkpoint: Path, console: Console | None
) -> tuple[Denoiser, list[str]]:
    """Learn; with *auto*, keep the network only where it is better than the ridge filter.

    Also returns what a reader should know of it.
    """
    method: Literal["ridge", "network"] = "ridge"
    if settings.method == "network" or (settings.method == "auto" and is_line(recording)):
        method = "network"
    new = partial(Denoiser, band=settings.band, blind_zone=settings.blind_zone, seed=settings.seed)
    denoiser = new(method)
    with progress_bar("learning", console) as progress:
        denoiser.fit(recording, checkpoint=checkpoint, progress=lambda p: progress(p.step, p.max_steps))
    if settings.method == "network" or denoiser.net_ is None or denoiser.verdict_.outcome == "works":
        return denoiser, []
    note = f"A network was tried first and set aside. {denoiser.verdict_}"
    return new("ridge").fit(recording), [note]


def _trained_on(
    start: Denoiser, recording: xr.DataArray, settings: Settings, checkpoint: Path, console: Console | None
) -> Denoiser:
    """Learn on from a model, which keeps its band and method."""
    band, method = start.conditioner_.band, start.method
    other_zone = settings.blind_zone not in (None, start.blind_zone)
    if settings.band not in (None, tuple(band)) or settings.method not in ("auto", method) or other_zone:
        raise InputError(
            f"the model to start from has the band {band[0]:g} to {band[1]:g} Hz and the method {method}: "
            "leave out --band, --method and --blind-zone, or learn without --from"
        )
    with progress_bar("learning on", console) as progress:
        return start.fine_tune(
            recording, checkpoint=checkpoint, progress=lambda p: progress(p.step, p.max_steps)
        )


def _learn(
    recording: xr.DataArray, out: Path, settings: Settings, results: Results, console: Console | None
) -> Denoiser:
    model = out / "model"
    with results.stage("learn"):
        denoiser, notes = _learnt(recording, settings, checkpoint_beside(model), console)
        denoiser.save(model)
        remove(checkpoint_beside(model))
    if is_line(recording):
        results.notes.append(
            f"Blind zone: {denoiser.blind_zone_} channels on each side, measured from the noise of quiet times."
        )
    results.notes += notes
    return denoiser


def _search(
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
    with results.stage("detect"), progress_bar("searching", console) as progress:
        events = detector.fit_detect(recording, progress=progress)
        write_detections(events, results.folder, resource=detector.scanner_.name)
    return detector


def _finished(
    results: Results,
    recording: xr.DataArray,
    verdicts: list[Verdict],
    detector: Detector,
    events: list[Event],
) -> Outcome:
    results.write_verdicts(verdicts)
    scan = detector.scan_
    n_windows = max(recording.sizes["time"] / scan.hop, 1)
    failed = results.write_run(recording, min(float(scan.present.mean(axis=0).sum() / n_windows), 1.0))
    return Outcome(write_report(results.folder), verdicts, events, failed)
