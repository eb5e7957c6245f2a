"""The command that denoises recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selfseis.cli.helpers import (
    console_of,
    exit_for_failed_units,
    guarded,
    load_denoiser,
    refuse_options,
    settings_of,
)
from selfseis.cli.options import Band, BlindZone, Method, MethodOption, Model, OptionsFile, Seed, read_options
from selfseis.cli.source import Source

if TYPE_CHECKING:
    import xarray as xr


def denoise(
    source: Source,
    out: Annotated[Path, typer.Option("--out", help="Output file: .nc, .zarr or .mseed.")],
    model: Model = None,
    uncertainty: Annotated[
        Path | None,
        typer.Option("--uncertainty", help="File for the standard deviation of each denoised sample."),
    ] = None,
    band: Band = None,
    method: MethodOption = Method.auto,
    blind_zone: BlindZone = None,
    seed: Seed = 0,
    jobs: Annotated[
        int,
        typer.Option("--jobs", help="Number of tiles denoised at the same time, one core per tile.", min=1),
    ] = 1,
    options: OptionsFile = None,
) -> None:
    """Denoise recordings.

    Without --model, a denoiser is first trained on the recordings. An interrupted job resumes when the same command
    is started again. With --model, an existing .nc or .zarr file of the same recording is extended: only the new
    data are denoised.

    Example: selfseis denoise archive --model volcano-model --out clean.mseed
    """

    def job() -> xr.DataArray:
        from selfseis import workflow
        from selfseis.denoise import DenoiserOptions
        from selfseis.workflow.options import RunOptions

        refuse_options(options, model)
        of_denoiser = read_options(options, DenoiserOptions)
        settings = settings_of(
            method, band, 1.0, seed, blind_zone=blind_zone, options=RunOptions(denoiser=of_denoiser)
        )
        source.check_outside(out, uncertainty)
        recording = source.open()
        result = workflow.denoise(
            recording,
            out,
            load_denoiser(model),
            settings,
            deviation=uncertainty,
            jobs=jobs,
            console=console_of(),
        )
        used = result.denoiser
        print(used.verdict_ if model is None else used.evaluate(recording))
        for line in workflow.predicted_channels_summary(out, result.predicted):
            print(line)
        if result.kept:
            print(f"Already denoised: {result.kept:,} of {recording.sizes['time']:,} samples.")
        print(out)
        return recording

    exit_for_failed_units(guarded(job))
