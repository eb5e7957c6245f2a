"""Outbursts of single channels: a fault so loud that what little of it passes a filter drowns the neighbours."""

from __future__ import annotations

import numpy as np

from selfseis.typing import BoolArray, Float32Array

BLOCK = 128  # samples, from the first on: tiles start on whole blocks
ROWS = 256  # channels that are squared at once: of a wide fibre each copy counts
BESIDE = 4  # channels on each side that a channel is compared with
LOUDER = 1000.0  # times the power of noise and of the neighbours about that time


def burst_mask(data: Float32Array) -> BoolArray:
    """Mark blocks of time in which a channel is far louder than noise and than the channels beside it.

    A wave reaches the channels beside it in the same block or the next. Where none of these records, nothing is told.

    Parameters
    ----------
    data : ndarray, shape (n_channels, n_samples)
        Conditioned data of a line, in units of the noise; zero where there is none.

    Returns
    -------
    ndarray of bool, same shape
    """
    starts = np.arange(0, data.shape[1], BLOCK)
    rows = (data[first : first + ROWS] for first in range(0, len(data), ROWS))
    power = np.concatenate([np.add.reduceat(np.square(r), starts, axis=1) for r in rows]) / BLOCK
    channels, blocks = np.nonzero(power > LOUDER)
    about = np.pad(power, ((BESIDE, BESIDE), (1, 1)))
    about = np.maximum(np.maximum(about[:, :-2], about[:, 1:-1]), about[:, 2:])
    beside = np.stack([about[channels + n, blocks] for n in range(2 * BESIDE + 1) if n != BESIDE])
    usual = np.ma.median(np.ma.masked_equal(beside, 0), axis=0)  # of those that record
    alone = (power[channels, blocks] > LOUDER * usual).filled(False)
    loud = np.zeros(power.shape, np.bool_)
    loud[channels[alone], blocks[alone]] = True
    return np.repeat(loud, BLOCK, axis=1)[:, : data.shape[1]]


def without_bursts(data: Float32Array) -> Float32Array:
    """Return data with nothing in the place of burst_mask; the same array where there are none.

    Parameters
    ----------
    data : ndarray, shape (n_channels, n_samples)
        As for `burst_mask`.

    Returns
    -------
    ndarray, shape (n_channels, n_samples)
    """
    found = burst_mask(data)
    return np.where(found, np.float32(0), data) if found.any() else data
