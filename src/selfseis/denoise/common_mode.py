"""Removal of the common mode: noise of the interrogator that all channels of a fibre record at the same instant."""

from __future__ import annotations

import numpy as np

from selfseis.denoise.options import CommonModeOptions
from selfseis.typing import BoolArray, Float32Array, FloatArray


def common_share(
    correlation: FloatArray, n_channels: int, options: CommonModeOptions = CommonModeOptions()
) -> float:
    """Return the share of the noise power that distant channels have in common, or 0 if it is too small to remove.

    Parameters
    ----------
    correlation : ndarray, shape (max_offset + 1,)
        Zero-lag correlation of noise by offset in channels.
    n_channels : int
        Number of channels of the line.
    options : CommonModeOptions
        Settings.
    """
    far = correlation[len(correlation) // 2 :]
    share = float(min(np.median(far), far[-1])) if n_channels >= options.min_channels else 0.0
    return share if share > options.min_share else 0.0


def without_common_mode(
    data: Float32Array, live: BoolArray, options: CommonModeOptions = CommonModeOptions()
) -> Float32Array:
    """Subtract the mean of the live channels from each of them, sample by sample.

    Parameters
    ----------
    data : ndarray, shape (n_channels, n_samples)
        Conditioned data.
    live : ndarray of bool, shape (n_channels,)
        Channels with data.
    options : CommonModeOptions
        Settings.

    Returns
    -------
    ndarray, shape (n_channels, n_samples)
        Zeros, which mark missing data, stay zero.
    """
    present = data != 0
    counts = np.maximum(present[live].sum(axis=0, dtype=np.int32), 1)
    mean = np.clip(data[live], -options.max_level, options.max_level).sum(axis=0) / counts
    return np.where(present, data - mean.astype(np.float32), 0)
