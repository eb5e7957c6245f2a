"""Denoising of a recording into a file, tile by tile, resumable and on several cores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from selfseis.denoise import Denoiser
from selfseis.denoise.channel_levels import ChannelNoiseLevels
from selfseis.denoise.model import fingerprint_of
from selfseis.quality_log import quality_log_of
from selfseis.recording import RecordingWriter, is_fibre
from selfseis.recording.coverage import stretches
from selfseis.recording.dataarray import channel_names

TileSpan = tuple[int, int]
TileMap = Callable[[Callable[[TileSpan], int], Iterable[TileSpan]], Iterable[int]]


@dataclass(frozen=True)
class DenoiseResult:
    """Result of denoising a recording into a file.

    Attributes
    ----------
    denoiser : Denoiser
        The denoiser that was used.
    predicted : list of str
        Channels that recorded nothing; the file holds predictions from their neighbours.
    kept : int
        Number of leading samples that the file already held.
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
    """Write a denoised recording tile by tile.

    An interrupted run resumes. A finished NetCDF or Zarr file of the same model and recording is extended by the
    new data.

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
        Whether to write the standard deviation of the denoised recording instead of the recording.
    jobs : int
        Number of tiles denoised at the same time.
    progress : callable, optional
        Called with the number of completed samples and of all samples.

    Returns
    -------
    int
        Number of leading samples that the file already held.
    """
    denoised = (
        denoiser.uncertainty(recording, levels=levels)
        if deviation
        else denoiser.transform(recording, levels=levels)
    )
    like = recording.assign_coords(predicted=("channel", levels.predicted))
    core = denoiser.model_.tile_samples(recording.sizes["channel"])
    made_by = fingerprint_of(denoiser.get_params(), denoiser.model_, levels)
    margin = denoiser.halo + levels.halo
    with (
        RecordingWriter(path, like=like, fingerprint=made_by, margin=margin) as writer,
        _tile_map(jobs) as map_tiles,
    ):

        def write_tile(span: TileSpan) -> int:
            if not writer.finished(span[0]):
                writer.write(span[0], denoised.variable.isel(time=slice(*span)).values)
            return span[1]

        for end in map_tiles(write_tile, _tiles(recording, core, writer.kept)):
            if progress is not None:
                progress(end, recording.sizes["time"])
        return writer.kept


def predicted_channels(levels: ChannelNoiseLevels, recording: xr.DataArray) -> list[str]:
    """Return the names of predicted channels, which recorded nothing, and add them to the quality log."""
    names = [
        name
        for name, is_predicted in zip(channel_names(recording), levels.predicted, strict=True)
        if is_predicted
    ]
    named = [f"fibre at {float(name):.1f} m" if is_fibre(recording) else name for name in names]
    for name in named:
        quality_log_of(recording).add(
            "predicted", name, "recorded nothing: denoised data are predicted from neighbouring channels"
        )
    return named


def predicted_channels_summary(path: Path, predicted: list[str]) -> list[str]:
    """Return a sentence on the predicted channels of a file; empty without such channels."""
    if not predicted:
        return []
    shown = ", ".join(predicted[:5]) + (", ..." if len(predicted) > 5 else "")
    where = (
        "left out, because miniSEED cannot flag a prediction"
        if path.suffix == ".mseed"
        else f"predicted from their neighbours and flagged 'predicted' in {path.name}"
    )
    return [f"Channels that recorded nothing: {len(predicted)} ({shown}); {where}."]


def _tiles(recording: xr.DataArray, core: int, kept: int) -> Iterator[TileSpan]:
    for first, last in stretches(recording, join=core):
        for start in range(max(first, kept), last, core):
            yield start, min(start + core, last)


@contextmanager
def _tile_map(jobs: int) -> Iterator[TileMap]:
    """Yield a map function over tiles; several jobs run in threads, which share the blocks of the reader."""
    if jobs == 1:
        yield map
        return
    with ThreadPoolExecutor(jobs) as pool:
        try:
            yield pool.map
        finally:
            pool.shutdown(cancel_futures=True)
