"""The main job: train, evaluate, denoise, detect, pick, explore and report."""

from __future__ import annotations

from pathlib import Path

import xarray as xr
from rich.console import Console

from selfseis.denoise import Denoiser
from selfseis.denoise.training_data import is_line
from selfseis.explore import Explorer
from selfseis.io.atomic import remove
from selfseis.pick.picker import Picker
from selfseis.recording import is_fibre
from selfseis.recording.writer import codes_unfit_for_miniseed
from selfseis.workflow.denoise import train_on
from selfseis.workflow.detect import DetectResult, detect_into, finish
from selfseis.workflow.explore import add_atlas
from selfseis.workflow.locate import pick_and_locate, read_velocity
from selfseis.workflow.results import Results, checkpoint_beside
from selfseis.workflow.settings import Settings
from selfseis.workflow.snippets import write_snippets, write_timeline
from selfseis.workflow.write_denoised import predicted_channels, predicted_channels_summary, write_denoised


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
) -> DetectResult:
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
    DetectResult
    """
    settings = settings or Settings()
    velocity = read_velocity(settings.velocity)
    results = Results(
        out, "run", settings.to_dict(), command_line or [], title, list(notes or []), console=console
    )
    results.wall_seconds["open"] = round(opening_seconds, 3)
    denoiser = _train_and_save(results, recording, settings)
    detector = detect_into(results, recording, denoiser, settings)
    useful = denoiser.verdict_.outcome != "no_gain"
    if useful:
        _denoise(results, recording, denoiser)
    else:
        results.notes.append(
            "No denoised waveforms were written: on these data the denoiser is not better than the baseline."
        )
    verdicts, events = [denoiser.verdict_, detector.verdict_], detector.events_
    if settings.picks and not is_line(recording):
        picker = Picker(
            training_fraction=settings.training_fraction,
            seed=settings.seed,
            options=settings.options.picker,
        )
        of_picks, events = pick_and_locate(
            results, recording, detector.events_, picker, settings.options, velocity=velocity
        )
        verdicts += of_picks
    if settings.explore:
        explorer = Explorer(
            representation="scattering", seed=settings.seed, options=settings.options.explorer
        )
        verdicts += add_atlas(results, recording, explorer)
    with results.stage("pictures"):
        cleaner = denoiser if useful else None
        write_snippets(out / "snippets", recording, denoiser.conditioner_, cleaner, events)
        write_timeline(out / "timeline.nc", recording, detector)
    return finish(results, recording, detector, verdicts, events)


def _train_and_save(results: Results, recording: xr.DataArray, settings: Settings) -> Denoiser:
    """Train a denoiser into the folder ``model`` of the results."""
    model = results.folder / "model"
    with results.stage("train"):
        denoiser, notes = train_on(recording, settings, checkpoint_beside(model), results.console)
        denoiser.save(model)
        remove(checkpoint_beside(model))
    if is_line(recording):
        results.notes.append(
            f"Blind zone: {denoiser.blind_zone_} channels on each side, measured in noise windows."
        )
    results.notes += notes
    return denoiser


def _denoise(results: Results, recording: xr.DataArray, denoiser: Denoiser) -> None:
    """Write the denoised recording into the folder of results."""
    fits = not is_fibre(recording) and not codes_unfit_for_miniseed(recording)
    path = results.folder / ("denoised.mseed" if fits else "denoised.nc")
    with results.stage("denoise", "denoising") as progress:
        levels = denoiser.levels(recording)
        write_denoised(denoiser, recording, path, levels, progress=progress)
    results.notes.append(f"Denoised waveforms are in {path.name}.")
    results.notes += predicted_channels_summary(path, predicted_channels(levels, recording))
