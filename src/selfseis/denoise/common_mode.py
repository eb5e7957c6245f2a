"""Removal of the common mode: noise of the interrogator that all channels of a fibre record at the same instant."""

from __future__ import annotations

import numpy as np

from selfseis.typing import BoolArray, Float32Array, FloatArray

MIN_CHANNELS = 32  # with fewer channels the mean contains too much of each
MIN_SHARE = 0.1  # of the noise power; removal of a smaller share costs more signal than noise
CLIP = 4.0  # noise levels at which a channel is clipped in the mean


def common_share(correlation: FloatArray, n_channels: int) -> float:
    """Return the share of the noise power that distant channels have in common, or 0 if it is too small to remove.

    Parameters
    ----------
    correlation : ndarray, shape (max_offset + 1,)
        Zero-lag correlation of noise by offset in channels.
    n_channels : int
        Number of channels of the line.
    """
    far = correlation[len(correlation) // 2 :]
    share = float(min(np.median(far), far[-1])) if n_channels >= MIN_CHANNELS else 0.0
    return share if share > MIN_SHARE else 0.0


def without_common_mode(data: Float32Array, live: BoolArray) -> Float32Array:
    """Subtract the mean of the live channels from each of them, sample by sample.

    Parameters
    ----------
    data : ndarray, shape (n_channels, n_samples)
        Conditioned data.
    live : ndarray of bool, shape (n_channels,)
        Channels with data.

    Returns
    -------
    ndarray, shape (n_channels, n_samples)
        Zeros, which mark missing data, stay zero.
    """
    present = data != 0
    counts = np.maximum(present[live].sum(axis=0, dtype=np.int32), 1)
    mean = np.clip(data[live], -CLIP, CLIP).sum(axis=0) / counts
    return np.where(present, data - mean.astype(np.float32), 0)
