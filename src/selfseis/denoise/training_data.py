"""Training data of a denoiser: conditioned spans of a recording, split into training, validation and test samples."""

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

PATCHES = 48  # parts of a span; one sixth of them is for validation and one sixth for the test
MIN_LINE_CHANNELS = 8
WINDOW = 256  # samples of a window for the correlation of noise


@dataclass(frozen=True)
class Span:
    """A conditioned span and the use of each sample.

    Attributes
    ----------
    data : ndarray, shape (n_channels, n_samples)
        Conditioned data, zero where there are none.
    train, validation, test : ndarray of bool, same shape
        Samples for training, for the selection of settings, and for the evaluation. They do not overlap.
    first : int
        Index in the recording of the first sample.
    burst_share : float
        Share of samples in bursts of single channels, which are not used.
    """

    data: Float32Array
    train: BoolArray
    validation: BoolArray
    test: BoolArray
    first: int = 0
    burst_share: float = 0.0


def is_line(recording: xr.DataArray) -> bool:
    """Return whether the channels form a line that is long enough for neighbours on both sides."""
    return is_fibre(recording) and recording.sizes["channel"] >= MIN_LINE_CHANNELS


def training_spans(recording: xr.DataArray, conditioner: Conditioner, seed: int) -> list[Span]:
    """Read spans spread over the recording and split each into training, validation and test samples.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    conditioner : Conditioner
        The conditioner of its channels.
    seed : int
        Seed of the split.

    Returns
    -------
    list of Span
    """
    rng = np.random.default_rng(seed)
    spans = []
    for tile in sample_spans(recording, n_spans=12, length=60_000):
        data, valid = conditioner(tile.data)
        bursts = burst_mask(data) if is_line(recording) else np.zeros_like(valid)
        data[bursts], valid[bursts] = 0, False
        if valid.any() and data.shape[1] >= 2 * PATCHES:
            span = _split(data, valid, tile.first, len(conditioner.taps) // 2, rng)
            spans.append(replace(span, burst_share=float(bursts.mean())))
    return spans


def _split(
    data: Float32Array, valid: BoolArray, first: int, filter_reach: int, rng: np.random.Generator
) -> Span:
    n_samples = data.shape[1]
    patch = n_samples // PATCHES
    # The band-pass smears each sample over its length, so the training keeps that distance from a held-out patch.
    guard = min(filter_reach, patch // 4)
    hidden, visible = hide_time_patches(n_samples, patch, 1 / 3, rng, guard=guard)
    # The patches alternate in order of energy, not of time, so that both sets get some of a few short events.
    order = np.argsort(np.nan_to_num(patch_energy(data, valid, patch))[: n_samples // patch])
    by_energy = order[hidden[order * patch]]
    of_patch = np.minimum(np.arange(n_samples) // patch, len(order) - 1)
    validation = np.isin(of_patch, by_energy[rng.integers(2) :: 2])
    test = hidden & ~within_reach(validation, guard)
    return Span(data, valid & visible, valid & validation, valid & test, first)


def patch_energy(data: Float32Array, where: BoolArray, patch: int) -> FloatArray:
    """Return the median over channels of the mean square of each patch of time.

    Parameters
    ----------
    data : ndarray, shape (n_channels, n_samples)
        Conditioned data.
    where : ndarray of bool, same shape
        The samples to use.
    patch : int
        Length of a patch in samples; the last one may be shorter.

    Returns
    -------
    ndarray, shape (n_patches,)
        NaN where there are no samples to use.
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
    """Return the record of all times of spans outside the test patches; it includes the guards around these.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording of the spans.
    spans : list of Span
        As `training_spans` returns them.
    live : ndarray of bool, shape (n_channels,)
        Channels with data.
    """
    times = []
    for span in spans:
        training = np.logical_not(span.test.any(axis=0))
        changes = np.flatnonzero(np.diff(training, prepend=False, append=False))
        times += [(span.first + first, span.first + last) for first, last in changes.reshape(-1, 2).tolist()]
    return TrainingRecord.of(recording, times, np.flatnonzero(live).tolist())


def held_out_spans(training: TrainingRecord, recording: xr.DataArray, spans: list[Span]) -> list[Span]:
    """Return spans of a recording whose test samples are all those outside the training data.

    Parameters
    ----------
    training : TrainingRecord
        Times of the training data.
    recording : xarray.DataArray
        The recording of the spans, in any format.
    spans : list of Span
        As `training_spans` returns them.
    """
    times, held_out = training.times_in(recording), []
    for span in spans:
        test = span.train | span.validation | span.test
        for first, last in times:
            test[:, max(first - span.first, 0) : max(last - span.first, 0)] = False
        held_out.append(replace(span, test=test))
    return held_out


def line_blind_zone(
    recording: xr.DataArray, spans: list[Span], *, side_lobes: bool = True
) -> tuple[int, FloatArray]:
    """Measure the blind zone of a line; it is at least as wide as the gauge length, if given.

    Parameters
    ----------
    recording : xarray.DataArray
        Channels on a line.
    spans : list of Span
        As `training_spans` returns them.
    side_lobes : bool
        Whether the zone includes negative side lobes of the correlation.

    Returns
    -------
    half_width : int
        Half-width of the blind zone in channels.
    correlation : ndarray
        Measured correlation against offset.
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
    """Measure how many neighbours share the noise of a channel, in noise windows of the training data.

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
