"""Removal of spikes of a single sample, before a filter spreads them in time and over channels."""

from __future__ import annotations

import numpy as np

from selfseis.recording.options import SpikeOptions
from selfseis.typing import Float32Array, IndexArray

_ROWS = 64  # channels processed together: all channels of a wide fibre would take seven times its memory
_OWN = 2  # samples on each side that a spike itself affects
_QUICK_LOOKS = (-3, 3, -6, 6)  # offsets in samples; they rule out nearly all samples before the full test


def bridge_spikes(data: Float32Array, options: SpikeOptions = SpikeOptions()) -> tuple[Float32Array, int]:
    """Replace samples that exceed those around them by the mean of their two neighbours.

    The deviation of a sample from the mean of its two neighbours is compared with that of the samples around it.
    Large samples follow an onset, but not a spike.

    Parameters
    ----------
    data : ndarray, shape (n_channels, n_samples)
        NaN where there are no data.
    options : SpikeOptions
        Samples to compare with, and the ratio to them.

    Returns
    -------
    bridged : ndarray, shape (n_channels, n_samples)
        `data` itself where there is no spike.
    n_spikes : int
        Number of samples replaced.
    """
    if data.shape[1] <= 2 * options.reach:
        return data, 0
    bridged, n_spikes = data, 0
    for first in range(0, len(data), _ROWS):
        channels, samples, between = _spikes(data[first : first + _ROWS], options)
        if len(channels) == 0:
            continue
        if bridged is data:
            bridged = data.copy()
        bridged[first + channels, samples] = between
        n_spikes += len(channels)
    return bridged, n_spikes


def _spikes(data: Float32Array, options: SpikeOptions) -> tuple[IndexArray, IndexArray, Float32Array]:
    """Return channel and sample of each spike, and the mean of its two neighbours."""
    mean = data[:, :-2] + data[:, 2:]
    mean /= 2
    deviation = np.zeros_like(data)
    np.abs(data[:, 1:-1] - mean, out=deviation[:, 1:-1])
    np.fmax(deviation, 0, out=deviation)  # zero where there are no data
    reach, last = options.reach, data.shape[1] - options.reach
    inner = deviation[:, reach:last] / options.ratio
    standing = np.ones_like(inner, dtype=np.bool_)
    for look in (look for look in _QUICK_LOOKS if abs(look) <= reach):
        standing &= inner > deviation[:, reach + look : last + look]
    # np.nonzero of two axes would take as long as the whole function.
    channels, samples = np.divmod(np.flatnonzero(standing), standing.shape[1])
    own, samples = inner[channels, samples], samples + reach
    around = np.concatenate([np.arange(-reach, -_OWN), np.arange(_OWN + 1, reach + 1)])
    highest, neighbour = (
        deviation[channels[:, None], samples[:, None] + away].max(axis=1) for away in (around, (-1, 1))
    )
    # A spike gives half its deviation to both neighbours, a step the same deviation to one of them.
    spikes = (own > highest) & (highest > 0) & (options.ratio * own > 1.5 * neighbour)
    channels, samples = channels[spikes], samples[spikes]
    return channels, samples, mean[channels, samples - 1]
