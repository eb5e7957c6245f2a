"""Detection and masking of dead, clipped and interpolated samples."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from selfseis.recording.options import QualityControlOptions
from selfseis.typing import BoolArray, Float32Array


class Masked(NamedTuple):
    """Samples of one channel of a block that were set to NaN."""

    kind: str
    channel: int
    n_samples: int


def mask_dead_and_clipped(
    block: Float32Array, rate: float, options: QualityControlOptions = QualityControlOptions()
) -> list[Masked]:
    """Set dead and clipped samples to NaN, in place.

    Dead: exactly the same value for 2 s and at least 50 samples, or throughout the block. Clipped: three or
    more equal samples in a row at the extreme value of the block, when that lies 20 median absolute
    deviations from the median and is reached or left by a jump. A peak that is
    rounded to counts is also flat, but its flanks differ by only a few counts: it has no jump. Filled: at least 50
    samples on a straight line that is not level, to the rounding of the samples, in a channel that is rough elsewhere:
    a gap that was filled by interpolation. All these numbers are options.

    Parameters
    ----------
    block : numpy.ndarray
        float32 (channels, samples), NaN where there is no data; changed in place.
    rate : float
        Sampling rate in Hz.
    options : QualityControlOptions
        Limits of dead and clipped samples.

    Returns
    -------
    list of Masked
        The masked samples, by kind and channel.
    """
    found: list[Masked] = []
    min_dead = max(options.dead_samples, round(options.dead_seconds * rate))
    repeats = block[:, 1:] == block[:, :-1]
    for channel in range(len(block)):
        samples = block[channel]
        if (bad := _straight(samples, options)).any():
            samples[bad] = np.nan
            found.append(Masked("filled", channel, int(bad.sum())))
        if np.count_nonzero(repeats[channel]) < options.min_plateau - 1:
            continue
        dead = _dead(samples, min_dead, options.dead_samples)
        for kind, bad in (("dead", dead), ("clipped", _clipped(samples, options))):
            bad &= ~np.isnan(samples)  # masked for two reasons, counted once
            if bad.any():
                samples[bad] = np.nan
                found.append(Masked(kind, int(channel), int(bad.sum())))
    return found


def _dead(samples: Float32Array, min_length: int, min_constant: int) -> BoolArray:
    """Find runs of equal samples, or all samples where at least `min_constant` are all equal."""
    present = ~np.isnan(samples)
    values = samples[present]
    if values.size >= min_constant and values.min() == values.max():
        return present
    bad = np.zeros(samples.size, dtype=bool)
    for first, last in _plateaus(samples, min_length):
        bad[first:last] = True
    return bad


def _straight(samples: Float32Array, options: QualityControlOptions) -> BoolArray:
    """Find runs of samples on a sloping line, in a channel whose other samples are far from straight."""
    bad = np.zeros(samples.size, dtype=bool)
    bend = np.abs(samples[2:] - 2 * samples[1:-1] + samples[:-2])
    scale = np.float32(np.nanmax(np.abs(samples), initial=0.0))
    seen = samples[np.isfinite(samples)][:64]
    tolerance = 4 * np.spacing(scale) + (1.0 if np.array_equal(seen, np.rint(seen)) else 0.0)
    straight = bend <= tolerance
    if np.count_nonzero(straight) < options.dead_samples:
        return bad
    edges = np.flatnonzero(np.diff(straight, prepend=False, append=False))
    runs = [
        (first, last + 2) for first, last in edges.reshape(-1, 2) if last + 2 - first >= options.dead_samples
    ]
    rough = bend[~straight & np.isfinite(bend)]
    share = rough.size / max(1, np.count_nonzero(np.isfinite(bend)))
    if not runs or share < options.min_rough_share or np.median(rough) < options.line_ratio * tolerance:
        return bad
    for first, last in runs:
        if samples[first] != samples[last - 1]:
            bad[first:last] = True
    return bad


def _clipped(samples: Float32Array, options: QualityControlOptions) -> BoolArray:
    """Find plateaus at the extreme values that are reached or left by a jump."""
    bad = np.zeros(samples.size, dtype=bool)
    present = samples[~np.isnan(samples)].astype(np.float64)
    if present.size < options.min_plateau:
        return bad
    extremes = (present.min(), present.max())
    plateaus = [span for span in _plateaus(samples, options.min_plateau) if samples[span[0]] in extremes]
    if not plateaus:
        return bad
    steps = np.abs(np.diff(present))
    step = steps[steps > 0].min(initial=np.inf)
    median = np.median(present)
    spread = max(float(np.median(np.abs(present - median))), float(step))
    for first, last in plateaus:
        amplitude = abs(float(samples[first]) - median)
        flanks = [abs(float(samples[k] - samples[first])) for k in (first - 1, last) if 0 <= k < samples.size]
        jump = np.nanmax([0.0, *flanks])
        min_jump = max(options.min_jump_steps * step, options.min_jump_share * amplitude)
        if amplitude > options.clip_deviations * spread and jump >= min_jump:
            bad[first:last] = True
    return bad


def _plateaus(samples: Float32Array, min_length: int) -> list[tuple[int, int]]:
    """Find runs of at least ``min_length`` equal samples, as (first, last + 1)."""
    changes = np.flatnonzero(samples[1:] != samples[:-1]) + 1
    edges = np.concatenate([[0], changes, [samples.size]])
    long = np.flatnonzero(np.diff(edges) >= min_length)
    return [(int(edges[k]), int(edges[k + 1])) for k in long]
