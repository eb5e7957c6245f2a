"""Spikes of a single sample, bridged before a filter smears them over its length and over the neighbours."""

from __future__ import annotations

import numpy as np

from selfseis.typing import Float32Array, IndexArray

REACH = 16  # samples on each side that a spike is compared with
_ROWS = 64  # channels looked at together: all those of a wide fibre would take seven times its memory
_OWN = 2  # samples on each side that a spike itself bends
_AROUND = np.concatenate([np.arange(-REACH, -_OWN), np.arange(_OWN + 1, REACH + 1)])
_TIMES = 8.0  # that it stands out of them
_QUICK_LOOKS = (-3, 3, -6, 6)  # samples away, that rule out nearly every one before the rest are looked at


def bridge_spikes(data: Float32Array) -> tuple[Float32Array, int]:
    """Replace samples that stand out of the 16 on each side by the mean of the two beside them.

    How far a sample lies from the mean of its two neighbours is compared with the same of the samples around it; an
    onset is followed by more of its kind, a spike is not.

    Parameters
    ----------
    data : ndarray, shape (n_channels, n_samples)
        NaN where there is none.

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
    """Return channel and sample of each spike, and the mean of the two beside it."""
    beside = data[:, :-2] + data[:, 2:]
    beside /= 2
    apart = np.zeros_like(data)
    np.abs(data[:, 1:-1] - beside, out=apart[:, 1:-1])
    np.fmax(apart, 0, out=apart)  # none where there is no data
    last = data.shape[1] - REACH
    inner = apart[:, REACH:last] / _TIMES
    standing = np.ones_like(inner, dtype=np.bool_)
    for look in _QUICK_LOOKS:
        standing &= inner > apart[:, REACH + look : last + look]
    # Of two axes np.nonzero would take as long as all of this.
    channels, samples = np.divmod(np.flatnonzero(standing), standing.shape[1])
    own, samples = inner[channels, samples], samples + REACH
    highest, beside_it = (
        apart[channels[:, None], samples[:, None] + away].max(axis=1) for away in (_AROUND, (-1, 1))
    )
    # A spike bends the two beside it half as much, a step one of them as much.
    spikes = (own > highest) & (highest > 0) & (_TIMES * own > 1.5 * beside_it)
    channels, samples = channels[spikes], samples[spikes]
    return channels, samples, beside[channels, samples - 1]
