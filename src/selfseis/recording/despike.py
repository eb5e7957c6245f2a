"""Removal of spikes of a single sample, before a filter spreads them in time and over channels."""

from __future__ import annotations

import numpy as np

from selfseis.typing import Float32Array, IndexArray

REACH = 16  # samples on each side, with which a spike is compared
_ROWS = 64  # channels processed together: all channels of a wide fibre would take seven times its memory
_OWN = 2  # samples on each side that a spike itself affects
_AROUND = np.concatenate([np.arange(-REACH, -_OWN), np.arange(_OWN + 1, REACH + 1)])
_TIMES = 8.0  # ratio of a spike to the samples around it
_QUICK_LOOKS = (-3, 3, -6, 6)  # offsets in samples; they rule out nearly all samples before the full test


def bridge_spikes(data: Float32Array) -> tuple[Float32Array, int]:
    """Replace samples that exceed the 16 on each side by the mean of their two neighbours.

    The deviation of a sample from the mean of its two neighbours is compared with that of the samples around it.
    Large samples follow an onset, but not a spike.

    Parameters
    ----------
    data : ndarray, shape (n_channels, n_samples)
        NaN where there are no data.

    Returns
    -------
    bridged : ndarray, shape (n_channels, n_samples)
        `data` itself where there is no spike.
    n_spikes : int
        Number of samples replaced.
    """
    if data.shape[1] <= 2 * REACH:
        return data, 0
    bridged, n_spikes = data, 0
    for first in range(0, len(data), _ROWS):
        channels, samples, between = _spikes(data[first : first + _ROWS])
        if len(channels) == 0:
            continue
        if bridged is data:
            bridged = data.copy()
        bridged[first + channels, samples] = between
        n_spikes += len(channels)
    return bridged, n_spikes


def _spikes(data: Float32Array) -> tuple[IndexArray, IndexArray, Float32Array]:
    """Return channel and sample of each spike, and the mean of its two neighbours."""
    mean = data[:, :-2] + data[:, 2:]
    mean /= 2
    deviation = np.zeros_like(data)
    np.abs(data[:, 1:-1] - mean, out=deviation[:, 1:-1])
    np.fmax(deviation, 0, out=deviation)  # zero where there are no data
    last = data.shape[1] - REACH
    inner = deviation[:, REACH:last] / _TIMES
    standing = np.ones_like(inner, dtype=np.bool_)
    for look in _QUICK_LOOKS:
        standing &= inner > deviation[:, REACH + look : last + look]
    # np.nonzero of two axes would take as long as the whole function.
    channels, samples = np.divmod(np.flatnonzero(standing), standing.shape[1])
    own, samples = inner[channels, samples], samples + REACH
    highest, neighbour = (
        deviation[channels[:, None], samples[:, None] + away].max(axis=1) for away in (_AROUND, (-1, 1))
    )
    # A spike gives half its deviation to both neighbours, a step the same deviation to one of them.
    spikes = (own > highest) & (highest > 0) & (_TIMES * own > 1.5 * neighbour)
    channels, samples = channels[spikes], samples[spikes]
    return channels, samples, mean[channels, samples - 1]
