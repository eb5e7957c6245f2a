"""Cleaning a recording into a file, tile by tile: going on where it stopped, where it ended, and on several cores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from selfseis.denoise import Denoiser
from selfseis.denoise.channel_levels import ChannelNoiseLevels
from selfseis.denoise.model import fingerprint
from selfseis.quality_log import quality_log_of
from selfseis.recording import RecordingWriter, is_fibre
from selfseis.recording.coverage import stretches
from selfseis.recording.dataarray import channel_names
from selfseis.recording.lazy_transform import tile_samples

TileSpan = tuple[int, int]
EachTile = Callable[[Callable[[TileSpan], int], Iterable[TileSpan]], Iterable[int]]


@dataclass(frozen=True)
class Cleaned:
    """What was cleaned.

    Attributes
    ----------
    denoiser : Denoiser
        The one that was used.
    predicted : list of str
        Channels that recorded nothing, and stand in the file as their neighbours predict them.
    kept : int
        Samples from the start on that the file held already.
    """

    denoiser: Denoiser
    predicted: list[str]
    kept: int


def write_denoised(
    denoiser: Denoiser,
    recording: xr.DataArray,
    path: Path,
    levels: ChannelNoiseLevels,
    *,
    deviation: bool = False,
    jobs: int = 1,
    progress: Callable[[float, float], None] | None = None,
) -> int:
    """Write a cleaned recording tile by tile.

    An interrupted run goes on where it stopped. A finished NetCDF or Zarr file of the same model and the same
    recording is continued with what was recorded since.

    Parameters
    ----------
    denoiser : Denoiser
        Fitted.
    recording : xarray.DataArray
        The recording.
    path : Path
        File that ends in .nc, .zarr or .mseed.
    levels : ChannelNoiseLevels
        As `Denoiser.levels` returns them.
    deviation : bool
        Whether the standard deviation of the cleaned recording is written instead of it.
    jobs : int
        Tiles that are cleaned at the same time.
    progress : callable, optional
        Called with the number of samples done and of all samples.

    Returns
    -------
    int
        Samples from the start on that the file held already.
    """
    clean = (
        denoiser.uncertainty(recording, levels=levels)
        if deviation
        else denoiser.transform(recording, levels=levels)
    )
    like = recording.assign_coords(predicted=("channel", levels.predicted))
    core = tile_samples(recording.sizes["channel"], denoiser.halo)
    made_by = fingerprint(denoiser, levels)
    margin = denoiser.halo + levels.halo
    with RecordingWriter(path, like=like, fingerprint=made_by, margin=margin) as writer, _each(jobs) as each:

        def write_tile(span: TileSpan) -> int:
            if not writer.finished(span[0]):
                writer.write(span[0], clean.variable.isel(time=slice(*span)).values)
            return span[1]

        for end in each(write_tile, _tiles(recording, core, writer.kept)):
            if progress is not None:
                progress(end, recording.sizes["time"])
        return writer.kept


def predicted_channels(levels: ChannelNoiseLevels, recording: xr.DataArray) -> list[str]:
    """Name the channels that recorded nothing and are predicted, and count them among what was found."""
    names = [name for name, is_so in zip(channel_names(recording), levels.predicted, strict=True) if is_so]
    named = [f"fibre at {float(name):.1f} m" if is_fibre(recording) else name for name in names]
    for name in named:
        quality_log_of(recording).add(
            "predicted", name, "recorded nothing: cleaned data are its neighbours' prediction"
        )
    return named


def what_was_predicted(path: Path, predicted: list[str]) -> list[str]:
    """Say in a sentence which channels of a file nobody recorded; none, if all were."""
    if not predicted:
        return []
    shown = ", ".join(predicted[:5]) + (", ..." if len(predicted) > 5 else "")
    where = (
        "left out, because miniSEED cannot mark a prediction"
        if path.suffix == ".mseed"
        else f"predicted from their neighbours, and marked 'predicted' in {path.name}"
    )
    return [f"Channels that recorded nothing: {len(predicted)} ({shown}); {where}."]


def _tiles(recording: xr.DataArray, core: int, kept: int) -> Iterator[TileSpan]:
    for first, last in stretches(recording, join=core):
        for start in range(max(first, kept), last, core):
            yield start, min(start + core, last)


@contextmanager
def _each(jobs: int) -> Iterator[EachTile]:
    """Give what calls a function for every tile, in threads if there are several: they share the reader's blocks."""
    if jobs == 1:
        yield map
        return
    with ThreadPoolExecutor(jobs) as pool:
        try:
            yield pool.map
        finally:
            pool.shutdown(cancel_futures=True)
