"""What all channels of a fibre record at the same instant: the interrogator's own noise, not the ground's."""

from __future__ import annotations

import numpy as np

from selfseis.typing import BoolArray, Float32Array, FloatArray

MIN_CHANNELS = 32  # below, the mean holds too much of each channel
MIN_SHARE = 0.1  # of the power of quiet data; a smaller one costs more signal than it removes noise
LOUDEST = 4.0  # noise levels at which a channel's say in the mean is cut off


def common_share(correlation: FloatArray, n_channels: int) -> float:
    """Return the share of the quiet power that channels far apart have in common, 0 where it is too small to count.

    Parameters
    ----------
    correlation : ndarray, shape (max_offset + 1,)
        Zero-lag correlation of quiet data by offset in channels.
    n_channels : int
        Channels of the line.
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
        Channels that record at all.

    Returns
    -------
    ndarray, shape (n_channels, n_samples)
        Zero stays zero.
    """
    present = data != 0
    counts = np.maximum(present[live].sum(axis=0, dtype=np.int32), 1)
    mean = np.clip(data[live], -LOUDEST, LOUDEST).sum(axis=0) / counts
    return np.where(present, data - mean.astype(np.float32), 0)
