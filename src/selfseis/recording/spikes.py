"""Spikes of a single sample, bridged before a filter smears them over its length and over the neighbours."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]

REACH = 16  # samples on each side that a spike is compared with
_ROWS = 64  # channels looked at together: all those of a wide fibre would take seven times its memory
_OWN = 2  # samples on each side that a spike itself bends
_TIMES = 8.0  # that it stands out of them
_QUICK_LOOKS = (3, 4, 6, 9)  # offsets that rule out nearly every sample before the rest are looked at


def bridge_spikes(data: Samples) -> tuple[Samples, int]:
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


def _spikes(data: Samples) -> tuple[Indices, Indices, Samples]:
    """Return channel and sample of each spike, and the mean of the two beside it."""
    beside = (data[:, :-2] + data[:, 2:]) / 2
    apart = np.zeros_like(data)
    np.abs(data[:, 1:-1] - beside, out=apart[:, 1:-1])
    np.nan_to_num(apart, copy=False)
    n_samples = data.shape[1]
    inner = apart[:, REACH : n_samples - REACH] / _TIMES
    at, before, after = (apart[:, REACH + k : n_samples - REACH + k] for k in (0, -1, 1))
    # A spike bends the two beside it half as much, a step one of them as much.
    standing = at > 1.5 * np.maximum(before, after)
    for offset in (sign * look for look in _QUICK_LOOKS for sign in (-1, 1)):
        standing &= inner > apart[:, REACH + offset : n_samples - REACH + offset]
    channels, samples = np.nonzero(standing)
    around = np.concatenate([np.arange(-REACH, -_OWN), np.arange(_OWN + 1, REACH + 1)])
    highest = apart[channels[:, None], samples[:, None] + REACH + around].max(axis=1)
    spikes = (inner[channels, samples] > highest) & (highest > 0)
    channels, samples = channels[spikes], samples[spikes] + REACH
    return channels, samples, beside[channels, samples - 1]
