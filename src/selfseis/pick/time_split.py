"""Window length, and the split of a recording's times into training, validation and test spans."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from selfseis.networks.picking_unet import ALIGNMENT
from selfseis.pick.options import SplitOptions
from selfseis.recording.coverage import joined, stretches

Spans = list[tuple[int, int]]


@dataclass(frozen=True)
class TimeSplit:
    """Training, validation and test spans of a recording, each as first sample and end.

    Attributes
    ----------
    training : list of (int, int)
        Spans for training on noise and events; adjacent blocks are joined.
    validation : list of (int, int)
        Spans that select the round of self-training.
    test : list of (int, int)
        Spans for the evaluation. Gaps of the recording belong to none of the three.
    """

    training: Spans
    validation: Spans
    test: Spans


def split_times(recording: xr.DataArray, n_samples: int, options: SplitOptions) -> TimeSplit:
    """Cut a recording into blocks and hold out some: their first halves for validation, the second for the test.

    If the record is too short, all of it serves for training and for validation, and no test span is left.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording. Only its stretches with data are cut into blocks.
    n_samples : int
        Length of a window.
    options : SplitOptions
        Length of the blocks, and how many are held out.
    """
    blocks = blocks_of(recording, n_samples, options)
    held_out = blocks[options.held_out_every - 1 :: options.held_out_every]
    if not held_out:
        return TimeSplit(joined(blocks), blocks, [])
    training = joined([block for block in blocks if block not in held_out])
    halves = [(first, (first + last) // 2, last) for first, last in held_out]
    return TimeSplit(
        training,
        [(first, middle) for first, middle, _ in halves],
        [(middle, last) for _, middle, last in halves],
    )


def test_times(
    recording: xr.DataArray, n_samples: int, training: Spans, options: SplitOptions
) -> tuple[Spans, float]:
    """Return the spans of a recording without training data, and the share of its blocks that is training data.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    n_samples : int
        Length of a window.
    training : list of (int, int)
        Spans that were used for training or validation, in order of time.
    options : SplitOptions
        Length of the blocks.
    """
    blocks, left = blocks_of(recording, n_samples, options), []
    for first, last in blocks:
        for begin, end in training:
            if first < end and begin < last:
                left.append((first, begin))
                first = end
        left.append((first, last))
    left = [(first, last) for first, last in left if first < last]
    return left, 1 - _length(left) / _length(blocks) if blocks else 0.0


def _length(spans: Spans) -> int:
    return sum(last - first for first, last in spans)


def blocks_of(recording: xr.DataArray, n_samples: int, options: SplitOptions) -> Spans:
    """Cut the stretches of data of a recording into blocks."""
    covered = stretches(recording, join=n_samples)
    total = sum(last - first for first, last in covered)
    length = max(options.min_windows_per_block * n_samples, -(-total // options.max_blocks))
    return [
        (start, min(start + length, last)) for first, last in covered for start in range(first, last, length)
    ]


def window_of(recording: xr.DataArray, options: SplitOptions) -> int:
    """Return the samples of a window: a minute at 100 Hz, less where records are shorter."""
    longest = max((last - first for first, last in stretches(recording)), default=0)
    return int(np.clip(longest // ALIGNMENT * ALIGNMENT, options.min_window, options.max_window))
