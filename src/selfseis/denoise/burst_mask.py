"""Mask of bursts on single channels, which are so strong that they would leak into the estimates of neighbours."""

from __future__ import annotations

import numpy as np

from selfseis.denoise.options import BurstOptions
from selfseis.typing import BoolArray, Float32Array

BLOCK = 128  # samples, not an option: tiles start on whole blocks
ROWS = 256  # channels squared at once, which limits memory on wide fibres; the result does not depend on it


def burst_mask(data: Float32Array, options: BurstOptions = BurstOptions()) -> BoolArray:
    """Mask blocks of time in which a channel has far more power than noise and than its neighbours.

    A wave reaches the neighbours in the same block or an adjacent one. A channel without live neighbours is never
    masked.

    Parameters
    ----------
    data : ndarray, shape (n_channels, n_samples)
        Conditioned data of a line, in units of the noise; zero where there are no data.
    options : BurstOptions
        Settings.

    Returns
    -------
    ndarray of bool, same shape
    """
    around = options.n_neighbours
    starts = np.arange(0, data.shape[1], BLOCK)
    groups = (data[first : first + ROWS] for first in range(0, len(data), ROWS))
    power = np.concatenate([np.add.reduceat(np.square(g), starts, axis=1) for g in groups]) / BLOCK
    channels, blocks = np.nonzero(power > options.min_power_ratio)
    padded = np.pad(power, ((around, around), (1, 1)))
    padded = np.maximum(np.maximum(padded[:, :-2], padded[:, 1:-1]), padded[:, 2:])
    rows = [n for n in range(2 * around + 1) if n != around]
    neighbours = np.stack([padded[channels + n, blocks] for n in rows])
    typical = np.ma.median(np.ma.masked_equal(neighbours, 0), axis=0)  # of the live neighbours
    isolated = (power[channels, blocks] > options.min_power_ratio * typical).filled(False)
    mask = np.zeros(power.shape, np.bool_)
    mask[channels[isolated], blocks[isolated]] = True
    return np.repeat(mask, BLOCK, axis=1)[:, : data.shape[1]]


def without_bursts(data: Float32Array, options: BurstOptions = BurstOptions()) -> Float32Array:
    """Return data with zeros in place of bursts, or the same array if there are none.

    Parameters
    ----------
    data, options
        As for `burst_mask`.

    Returns
    -------
    ndarray, shape (n_channels, n_samples)
    """
    mask = burst_mask(data, options)
    return np.where(mask, np.float32(0), data) if mask.any() else data
