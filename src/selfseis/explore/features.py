"""Features of windows: power in bands, its modulation in time, and coherence of neighbouring channels."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from selfseis.errors import InputError
from selfseis.explore.options import ExplorerOptions
from selfseis.explore.scattering import Scattered, Scattering
from selfseis.explore.windows import Batch, Grid, ProgressCallback, Site, stream_windows
from selfseis.recording import is_fibre
from selfseis.training import one_thread
from selfseis.typing import Float32Array, IntArray

JOINED_AT = 16  # tables: many small long-lived arrays keep the memory of large ones from being released


@dataclass(frozen=True)
class WindowTable:
    """Scattering coefficients of the windows of a recording.

    Attributes
    ----------
    site : ndarray of int16, shape (n,)
        Number of the site.
    first : ndarray of int64, shape (n,)
        First sample.
    power : ndarray, shape (n, n_components, n_bands)
        Mean power in each band, in units squared; one component for a fibre, the mean over its channels. NaN where a
        component is missing.
    peak : ndarray, shape (n, n_bands)
        Highest power of a time cell over the mean power.
    modulation : ndarray, shape (n, n_octaves, n_slow)
        Second order over the first, mean over rows and the bands of an octave; NaN where it is not defined.
    along : ndarray, shape (n, 2 * n_octaves)
        Real and imaginary part of the coherence of neighbouring channels, by octave; columns exist only for a fibre.
    """

    site: NDArray[np.int16]
    first: IntArray
    power: Float32Array
    peak: Float32Array
    modulation: Float32Array
    along: Float32Array

    def __len__(self) -> int:
        return len(self.first)

    def of(self, chosen: NDArray) -> WindowTable:
        """Return some of the windows."""
        return WindowTable(*(getattr(self, field.name)[chosen] for field in fields(self)))

    @classmethod
    def joined(cls, tables: list[WindowTable]) -> WindowTable:
        """Concatenate tables, sorted by site and time."""
        columns = {
            field.name: np.concatenate([getattr(table, field.name) for table in tables])
            for field in fields(cls)
        }
        return cls(**columns).of(np.lexsort((columns["first"], columns["site"])))


@dataclass(frozen=True)
class Gaps:
    """Windows that could not be used: site and first sample of each."""

    site: NDArray[np.int16]
    first: IntArray


def measure_windows(
    recording: xr.DataArray,
    sites: list[Site],
    grid: Grid,
    options: ExplorerOptions,
    *,
    progress: ProgressCallback | None = None,
) -> tuple[WindowTable, Gaps]:
    """Compute the scattering coefficients of all windows of a recording in bounded memory.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    sites : list of Site
        Stations, or groups of channels of a fibre.
    grid : Grid
        The windows.
    options : ExplorerOptions
        Of windows and scattering.
    progress : callable, optional
        Called with the number of samples read and of all samples.

    Raises
    ------
    InputError
        If there is no window without a gap.
    """
    scattering = Scattering(grid.length, options.scattering)
    fibre = is_fibre(recording)
    n_components = 1 if fibre else max(len(site.rows) for site in sites)
    tables, lost = [], []
    for batch in stream_windows(recording, sites, grid, options.windows, progress=progress):
        lost.append((np.full((~batch.usable).sum(), batch.site, np.int16), batch.first[~batch.usable]))
        if batch.usable.any():
            tables.append(features_of(batch.of(batch.usable), scattering, n_components, fibre=fibre))
        if len(tables) == JOINED_AT:
            tables = [WindowTable.joined(tables)]
    if not tables:
        raise InputError(
            f"no window of {grid.seconds:g} s without a gap was found: give shorter windows or other data"
        )
    sites_lost, first_lost = (np.concatenate(parts) for parts in zip(*lost, strict=True))
    return WindowTable.joined(tables), Gaps(sites_lost, first_lost)


@one_thread()
@torch.no_grad()
def features_of(batch: Batch, scattering: Scattering, n_components: int, *, fibre: bool) -> WindowTable:
    """Return the table of a batch of usable windows."""
    scattered = scattering(torch.from_numpy(np.ascontiguousarray(batch.samples)))
    live = torch.from_numpy(batch.live)[:, :, None]
    time_course = _mean_of_live(scattered.time_course, live[..., None])
    power = torch.where(live, scattered.power, torch.nan)
    power = power.nanmean(dim=1, keepdim=True) if fibre else _padded(power, n_components)
    tiny = torch.finfo(torch.float32).tiny
    return WindowTable(
        np.full(len(batch.first), batch.site, np.int16),
        batch.first,
        power.numpy(),
        (time_course.amax(dim=-1) / time_course.mean(dim=-1).clamp_min(tiny)).numpy(),
        _by_octave(_mean_of_live(scattered.modulation, live), scattering),
        _along(scattered, live, scattering.options.bands_per_octave)
        if fibre
        else np.zeros((len(batch.first), 0), np.float32),
    )


def _mean_of_live(values: torch.Tensor, live: torch.Tensor) -> torch.Tensor:
    return (values * live).sum(dim=1) / live.sum(dim=1).clamp_min(1)


def _padded(power: torch.Tensor, n_components: int) -> torch.Tensor:
    missing = power.new_full((len(power), n_components - power.shape[1], power.shape[2]), torch.nan)
    return torch.cat([power, missing], dim=1)


def _by_octave(modulation: torch.Tensor, scattering: Scattering) -> Float32Array:
    """Return the mean over the bands of each octave, shape (n, n_octaves, n_slow)."""
    per_octave = scattering.options.bands_per_octave
    n_octaves = -(-len(scattering.centres) // per_octave)
    total = np.zeros((len(modulation), n_octaves, len(scattering.modulations)), np.float32)
    counts = np.zeros(total.shape[1:])
    for column, (band, slow) in enumerate(scattering.second):
        total[:, band // per_octave, slow] += modulation[:, column].numpy()
        counts[band // per_octave, slow] += 1
    return np.where(counts > 0, total / np.maximum(counts, 1), np.nan).astype(np.float32)


def _along(scattered: Scattered, live: torch.Tensor, per_octave: int) -> Float32Array:
    """Return the coherence of neighbours by octave; its argument depends on the direction and slowness of waves."""
    both = live[:, 1:] & live[:, :-1]
    shared = (scattered.shared * both).sum(dim=1) / both.sum(dim=1).clamp_min(1)
    octaves = torch.stack([part.mean(dim=-1) for part in shared.split(per_octave, dim=-1)], dim=-1)
    return torch.cat([octaves.real, octaves.imag], dim=-1).numpy()
