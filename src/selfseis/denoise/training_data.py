"""What a denoiser learns from: conditioned spans of a recording, and which parts of them are hidden."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from selfseis.denoise.burst_mask import burst_mask
from selfseis.recording.dataarray import is_fibre
from selfseis.recording.preprocessing import Conditioner, sample_spans
from selfseis.training import TrainingRecord
from selfseis.typing import BoolArray, Float32Array, FloatArray
from selfseis.validation import channel_correlation, correlation_half_width, hide_time_patches, within_reach

PATCHES = 48  # parts of a span; a third of them is hidden, half of that to choose by and half to judge by
MIN_LINE_CHANNELS = 8
WINDOW = 256  # samples over which noise is correlated


@dataclass(frozen=True)
class Span:
    """A conditioned span and the use made of each sample of it.

    Attributes
    ----------
    data : ndarray, shape (n_channels, n_samples)
        Conditioned data, zero where there is none.
    learn, choose, judge : ndarray of bool, same shape
        Samples to learn from, to choose settings by, and to be judged on. No sample serves two of these ends.
    first : int
        Index in the recording of the first sample.
    burst_share : float
        Share of the samples that were burst_mask of single channels, which serve no end.
    """

    data: Float32Array
    train: BoolArray
    validation: BoolArray
    test: BoolArray
    first: int = 0
    burst_share: float = 0.0


def is_line(recording: xr.DataArray) -> bool:
    """Whether the channels form a line long enough for neighbours on both sides."""
    return is_fibre(recording) and recording.sizes["channel"] >= MIN_LINE_CHANNELS


def training_spans(recording: xr.DataArray, conditioner: Conditioner, seed: int) -> list[Span]:
    """Read spans spread over the recording and divide each into learning, choosing and judging.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    conditioner : Conditioner
        What makes it fit for prediction.
    seed : int
        Seed of the division.

    Returns
    -------
    list of Span
    """
    rng = np.random.default_rng(seed)
    spans = []
    for tile in sample_spans(recording, n_spans=12, length=60_000):
        data, valid = conditioner(tile.data)
        found = burst_mask(data) if is_line(recording) else np.zeros_like(valid)
        data[found], valid[found] = 0, False
        if valid.any() and data.shape[1] >= 2 * PATCHES:
            span = _divided(data, valid, tile.first, len(conditioner.taps) // 2, rng)
            spans.append(replace(span, burst_share=float(found.mean())))
    return spans


def _divided(
    data: Float32Array, valid: BoolArray, first: int, filter_reach: int, rng: np.random.Generator
) -> Span:
    n_samples = data.shape[1]
    patch = n_samples // PATCHES
    # The filter smears each sample over its reach: that far from a hidden patch nothing may be learnt.
    guard = min(filter_reach, patch // 4)
    hidden, visible = hide_time_patches(n_samples, patch, 1 / 3, rng, guard=guard)
    # Every other one in order of loudness, not of time: a few short events shall not all choose, or all judge.
    order = np.argsort(np.nan_to_num(patch_energy(data, valid, patch))[: n_samples // patch])
    from_quiet_to_loud = order[hidden[order * patch]]
    of_patch = np.minimum(np.arange(n_samples) // patch, len(order) - 1)
    chosen = np.isin(of_patch, from_quiet_to_loud[rng.integers(2) :: 2])
    judging = hidden & ~within_reach(chosen, guard)
    return Span(data, valid & visible, valid & chosen, valid & judging, first)


def patch_energy(data: Float32Array, where: BoolArray, patch: int) -> FloatArray:
    """Return the median over channels of the mean square of each patch of time.

    Parameters
    ----------
    data : ndarray, shape (n_channels, n_samples)
        Conditioned data.
    where : ndarray of bool, same shape
        The samples that count.
    patch : int
        Length of a patch in samples; what is left over at the end is a patch, too.

    Returns
    -------
    ndarray, shape (n_patches,)
        NaN where nothing counts.
    """
    starts = np.arange(0, data.shape[1], patch)
    counts = np.add.reduceat(where, starts, axis=1, dtype=np.int64)
    power = np.add.reduceat(np.where(where, data, 0) ** 2, starts, axis=1, dtype=np.float64)
    mean = np.divide(power, counts, out=np.full(power.shape, np.nan), where=counts > 0)
    energy = np.full(len(starts), np.nan)
    counted = np.isfinite(mean).any(axis=0)
    energy[counted] = np.nanmedian(mean[:, counted], axis=0)
    return energy


def training_record_of(recording: xr.DataArray, spans: list[Span], live: BoolArray) -> TrainingRecord:
    """Note all times of spans that are not kept for judging, the guards around these included.

    Parameters
    ----------
    recording : xarray.DataArray
        What the spans are of.
    spans : list of Span
        As `training_spans` returns them.
    live : ndarray of bool, shape (n_channels,)
        Channels that record at all.
    """
    times = []
    for span in spans:
        training = np.logical_not(span.test.any(axis=0))
        changes = np.flatnonzero(np.diff(training, prepend=False, append=False))
        times += [(span.first + first, span.first + last) for first, last in changes.reshape(-1, 2).tolist()]
    return TrainingRecord.of(recording, times, np.flatnonzero(live).tolist())


def hidden_from(training: TrainingRecord, recording: xr.DataArray, spans: list[Span]) -> list[Span]:
    """Return spans of a recording, judged wherever they were not taught.

    Parameters
    ----------
    taught : TrainingRecord
        What was learnt from.
    recording : xarray.DataArray
        What the spans are of, read from whatever format.
    spans : list of Span
        As `training_spans` returns them.
    """
    times, hidden = training.times_in(recording), []
    for span in spans:
        test = span.train | span.validation | span.test
        for first, last in times:
            test[:, max(first - span.first, 0) : max(last - span.first, 0)] = False
        hidden.append(replace(span, test=test))
    return hidden


def line_blind_zone(
    recording: xr.DataArray, spans: list[Span], *, side_lobes: bool = True
) -> tuple[int, FloatArray]:
    """Measure the blind zone of a line; it is never narrower than a stated gauge length.

    Parameters
    ----------
    recording : xarray.DataArray
        Channels on a line.
    spans : list of Span
        As `training_spans` returns them.
    side_lobes : bool
        Whether the zone goes on over negative side lobes of the correlation.

    Returns
    -------
    half_width : int
        Half-width of the blind zone in channels.
    correlation : ndarray
        Correlation against offset, as measured.
    """
    widest = recording.sizes["channel"] // 4
    measured, correlation = measured_blind_zone(spans, WINDOW, side_lobes=side_lobes)
    measured = min(measured, widest)
    gauge = recording.attrs.get("gauge_length")
    if gauge is None or recording.sizes["channel"] < 2:
        return measured, correlation
    spacing = float(np.median(np.abs(np.diff(recording["distance"].values))))
    shared = int(np.ceil(gauge / spacing)) - 1 if spacing > 0 else 0
    return max(measured, min(shared, widest)), correlation


def measured_blind_zone(
    spans: list[Span], rate_window: int, *, side_lobes: bool = True
) -> tuple[int, FloatArray]:
    """Measure how many neighbours share a channel's noise, on quiet visible data.

    Parameters
    ----------
    spans : list of Span
        As `training_spans` returns them.
    rate_window : int
        Samples of a window.
    side_lobes : bool
        As for `line_blind_zone`.

    Returns
    -------
    half_width : int
        Half-width of the blind zone in channels, the median over the spans.
    correlation : ndarray
        Correlation against offset, the median over the spans.
    """
    n_channels = spans[0].data.shape[0]
    reach = max(2, min(64, n_channels // 2))
    measured = [channel_correlation(np.where(s.train, s.data, 0), rate_window, reach) for s in spans]
    correlation = np.median(measured, axis=0)
    return correlation_half_width(correlation, side_lobes=side_lobes), correlation
