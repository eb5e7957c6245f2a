"""Jobs of denoising: training a denoiser, and denoising a recording into a file."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal

import xarray as xr
from rich.console import Console

from selfseis.denoise import Denoiser, DenoiserOptions
from selfseis.denoise.training_data import is_line
from selfseis.errors import InputError
from selfseis.io.atomic import remove
from selfseis.models.store import check_model_folder
from selfseis.recording import RecordingWriter
from selfseis.workflow.results import checkpoint_beside, progress_bar
from selfseis.workflow.settings import Settings
from selfseis.workflow.write_denoised import DenoiseResult, predicted_channels, write_denoised


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
        denoiser, _ = train_on(recording, settings, checkpoint, console)
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
        denoiser, _ = train_on(recording, settings, checkpoint_beside(out), console)
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


def train_on(
    recording: xr.DataArray, settings: Settings, checkpoint: Path, console: Console | None
) -> tuple[Denoiser, list[str]]:
    """Train a denoiser; with *auto*, keep the network only if it is better than the ridge filter.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    settings : Settings
        Settings of the job.
    checkpoint : Path
        Folder for the checkpoint from which an interrupted training resumes.
    console : Console or None
        Terminal for progress bars.

    Returns
    -------
    denoiser : Denoiser
        Fitted.
    notes : list of str
        Notes for the reader of the page.
    """
    method: Literal["ridge", "network"] = "ridge"
    if settings.method == "network" or (settings.method == "auto" and is_line(recording)):
        method = "network"
    new = partial(
        Denoiser,
        band=settings.band,
        blind_zone=settings.blind_zone,
        seed=settings.seed,
        options=settings.options.denoiser,
    )
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
    same = (
        settings.band in (None, tuple(band))
        and settings.method in ("auto", method)
        and settings.blind_zone in (None, start.blind_zone)
        and settings.options.denoiser in (DenoiserOptions(), start.options)
    )
    if not same:
        raise InputError(
            f"the initial model has the band {band[0]:g} to {band[1]:g} Hz and the method {method}: "
            "leave out --band, --method, --blind-zone and --options, or train without --init-from"
        )
    with progress_bar("fine-tuning", console) as progress:
        return start.fine_tune(
            recording, checkpoint=checkpoint, progress=lambda p: progress(p.step, p.max_steps)
        )
