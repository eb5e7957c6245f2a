"""Correlation of noise across channels, and the width of the blind zone that follows from it.

On a fibre with a gauge length of 10 m and a channel every metre, ten neighbours share the same noise. A prediction
from one of them predicts noise, and its skill is false.
"""

from __future__ import annotations

import numpy as np

from selfseis.typing import Float32Array, FloatArray


def channel_correlation(
    data: Float32Array, window: int, max_offset: int, *, noise_share: float = 0.25
) -> FloatArray:
    """Measure the zero-lag correlation of channels as a function of their offset, in noise windows.

    Noise windows are those of lowest energy. They exclude events, whose coherence is signal and not noise.

    Parameters
    ----------
    data : ndarray, shape (n_channels, n_samples)
        Data of equally spaced channels, zero mean, zero where there is no data.
    window : int
        Length of a window in samples.
    max_offset : int
        Maximum offset in channels.
    noise_share : float
        Share of the windows that count as noise windows: those of lowest energy.

    Returns
    -------
    ndarray, shape (max_offset + 1,)
        Correlation at offsets 0, 1, ... channels: the median over the noise windows.
    """
    n_channels, n_samples = data.shape
    max_offset = min(max_offset, n_channels - 1)
    n_windows = max(1, n_samples // window)
    parts = np.array_split(np.arange(n_samples), n_windows)
    energy = np.array([np.median(np.mean(data[:, p] ** 2, axis=1)) for p in parts])
    order = np.argsort(np.where(energy > 0, energy, np.inf), kind="stable")
    chosen = order[: max(1, round(noise_share * n_windows))]
    return np.median([_offset_correlation(data[:, parts[i]], max_offset) for i in chosen], axis=0)


def _offset_correlation(data: Float32Array, max_offset: int) -> FloatArray:
    centred = data - data.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(centred, axis=1)
    live = norm > 0
    unit = centred / np.where(live, norm, 1)[:, None]
    correlation = np.zeros(max_offset + 1)
    for offset in range(max_offset + 1):
        pairs = live[offset:] & live[: len(live) - offset]
        products = np.einsum("ct,ct->c", unit[offset:], unit[: len(unit) - offset])
        correlation[offset] = products[pairs].mean() if pairs.any() else 0.0
    return correlation


def correlation_half_width(
    correlation: FloatArray, *, threshold: float = 0.05, side_lobes: bool = True
) -> int:
    """Return the last offset, counted from the channel outwards, at which noise is still shared.

    A plateau (the median over the far half of the offsets) is subtracted first: it comes from a coherent wavefield or
    a common mode and not from the gauge. The response of a gauge has negative side lobes: the correlation crosses
    zero, and noise is shared again beyond. The zone therefore ends only at a gap that is longer than half of the
    width so far.

    Parameters
    ----------
    correlation : ndarray, shape (max_offset + 1,)
        As `channel_correlation` returns it.
    threshold : float
        Minimum correlation of shared noise, above that plateau.
    side_lobes : bool
        Whether the zone includes side lobes; otherwise it ends at the first offset without shared noise.

    Returns
    -------
    int
        Half-width of the blind zone in channels; 0 where noise is independent from channel to channel.
    """
    far = correlation[len(correlation) // 2 :]
    plateau = float(np.median(far)) if len(correlation) > 4 else 0.0
    shared = np.flatnonzero(np.abs(correlation[1:] - plateau) > threshold) + 1
    width = 0
    for offset in shared:
        if offset - width - 1 > (width // 2 if side_lobes else 0):
            break
        width = int(offset)
    return width
