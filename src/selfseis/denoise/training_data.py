"""Training data of a denoiser: conditioned spans of a recording, split into training, validation and test samples."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from selfseis.denoise.burst_mask import burst_mask
from selfseis.denoise.options import BurstOptions, TrainingDataOptions
from selfseis.recording.dataarray import is_fibre
from selfseis.recording.preprocessing import Conditioner, sample_spans
from selfseis.training import TrainingRecord
from selfseis.typing import BoolArray, Float32Array, FloatArray
from selfseis.validation import channel_correlation, correlation_half_width, hide_time_patches, within_reach

MIN_LINE_CHANNELS = 8  # defines a line for all tasks alike, so it is not an option of one


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
    n_patches : int
        Number of patches of time, of which each has one use.
    """

    data: Float32Array
    train: BoolArray
    validation: BoolArray
    test: BoolArray
    first: int = 0
    burst_share: float = 0.0
    n_patches: int = TrainingDataOptions().n_patches

    @property
    def patch(self) -> int:
        """Samples of a patch; the last patch may be longer."""
        return max(1, self.data.shape[1] // self.n_patches)


def is_line(recording: xr.DataArray) -> bool:
    """Return whether the channels form a line that is long enough for neighbours on both sides."""
    return is_fibre(recording) and recording.sizes["channel"] >= MIN_LINE_CHANNELS


def training_spans(
    recording: xr.DataArray,
    conditioner: Conditioner,
    seed: int,
    options: TrainingDataOptions = TrainingDataOptions(),
    bursts: BurstOptions = BurstOptions(),
) -> list[Span]:
    """Read spans spread over the recording and split each into training, validation and test samples.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    conditioner : Conditioner
        The conditioner of its channels.
    seed : int
        Seed of the split.
    options : TrainingDataOptions
        Settings of the spans and of the split.
    bursts : BurstOptions
        Settings of the burst mask.

    Returns
    -------
    list of Span
    """
    rng = np.random.default_rng(seed)
    spans = []
    for tile in sample_spans(recording, n_spans=options.n_spans, length=options.span_samples):
        data, valid = conditioner(tile.data)
        mask = burst_mask(data, bursts) if is_line(recording) else np.zeros_like(valid)
        data[mask], valid[mask] = 0, False
        if valid.any() and data.shape[1] >= 2 * options.n_patches:
            span = _split(data, valid, tile.first, len(conditioner.taps) // 2, rng, options)
            spans.append(replace(span, burst_share=float(mask.mean())))
    return spans


def _split(
    data: Float32Array,
    valid: BoolArray,
    first: int,
    filter_reach: int,
    rng: np.random.Generator,
    options: TrainingDataOptions,
) -> Span:
    n_samples = data.shape[1]
    patch = n_samples // options.n_patches
    # The band-pass smears each sample over its length, so the training keeps that distance from a held-out patch.
    guard = min(filter_reach, patch // 4)
    held_out, train = hide_time_patches(n_samples, patch, options.held_out_share, rng, guard=guard)
    # The patches alternate in order of energy, not of time, so that validation and test get some of a few short events.
    order = np.argsort(np.nan_to_num(patch_energy(data, valid, patch))[: n_samples // patch])
    by_energy = order[held_out[order * patch]]
    of_patch = np.minimum(np.arange(n_samples) // patch, len(order) - 1)
    validation = np.isin(of_patch, by_energy[rng.integers(2) :: 2])
    test = held_out & ~within_reach(validation, guard)
    return Span(data, valid & train, valid & validation, valid & test, first, n_patches=options.n_patches)


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
    """Return the record of all times of spans outside the test samples.

    It covers the training and validation samples, and the guards between the three kinds of samples.

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
        times += [(span.first + first, span.first + last) for first, last in intervals(training)]
    return TrainingRecord.of(recording, times, np.flatnonzero(live).tolist())


def intervals(mask: BoolArray) -> list[tuple[int, int]]:
    """Return the intervals in which a mask is True, each as first sample and end.

    Parameters
    ----------
    mask : ndarray of bool, shape (n_samples,)
        The mask.
    """
    changes = np.flatnonzero(np.diff(mask, prepend=False, append=False))
    return [(first, last) for first, last in changes.reshape(-1, 2).tolist()]


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
    recording: xr.DataArray,
    spans: list[Span],
    *,
    side_lobes: bool = True,
    options: TrainingDataOptions = TrainingDataOptions(),
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
    options : TrainingDataOptions
        Settings of the measurement.

    Returns
    -------
    half_width : int
        Half-width of the blind zone in channels.
    correlation : ndarray
        Measured correlation against offset.
    """
    widest = recording.sizes["channel"] // 4
    measured, correlation = measured_blind_zone(spans, side_lobes=side_lobes, options=options)
    measured = min(measured, widest)
    gauge = recording.attrs.get("gauge_length")
    if gauge is None or recording.sizes["channel"] < 2:
        return measured, correlation
    spacing = float(np.median(np.abs(np.diff(recording["distance"].values))))
    shared = int(np.ceil(gauge / spacing)) - 1 if spacing > 0 else 0
    return max(measured, min(shared, widest)), correlation


def measured_blind_zone(
    spans: list[Span], *, side_lobes: bool = True, options: TrainingDataOptions = TrainingDataOptions()
) -> tuple[int, FloatArray]:
    """Measure how many neighbours share the noise of a channel, in noise windows of the training data.

    Parameters
    ----------
    spans : list of Span
        As `training_spans` returns them.
    side_lobes, options
        As for `line_blind_zone`.

    Returns
    -------
    half_width : int
        Half-width of the blind zone in channels, the median over the spans.
    correlation : ndarray
        Correlation against offset, the median over the spans.
    """
    n_channels = spans[0].data.shape[0]
    reach = max(2, min(options.max_noise_offset, n_channels // 2))
    measured = [channel_correlation(np.where(s.train, s.data, 0), options.noise_window, reach) for s in spans]
    correlation = np.median(measured, axis=0)
    return correlation_half_width(correlation, side_lobes=side_lobes), correlation
