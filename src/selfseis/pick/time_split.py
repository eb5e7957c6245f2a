"""How long a window is, and which times are learnt from and which are hidden, to stop by and to judge on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from selfseis.recording.coverage import joined, stretches

Spans = list[tuple[int, int]]
MAX_WINDOW = 6144  # samples: a minute at 100 Hz
MIN_WINDOW = 1536
WINDOW_STEP = 128
BLOCKS = 32  # a recording is cut into, at the most
SHORTEST = 4  # windows of a block, at the least
HIDDEN_EVERY = 4


@dataclass(frozen=True)
class TimeSplit:
    """What the times of a recording are for, each as first sample and end; what is in neither judges.

    Attributes
    ----------
    taught : list of (int, int)
        Learnt from, noise and events; blocks that follow each other are one.
    choosing : list of (int, int)
        Hidden, to choose the round by.
    """

    training: Spans
    choosing: Spans


def split_times(recording: xr.DataArray, n_samples: int) -> TimeSplit:
    """Cut a recording into blocks of time and hide every fourth: its first half chooses, its second half judges.

    A record that is too short for that is learnt from and chosen by as a whole; nothing is left to judge on.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording. Its stretches of data are cut, not its gaps.
    n_samples : int
        Length of a window.
    """
    blocks = blocks_of(recording, n_samples)
    hidden = blocks[HIDDEN_EVERY - 1 :: HIDDEN_EVERY]
    if not hidden:
        return TimeSplit(joined(blocks), blocks)
    training = joined([block for block in blocks if block not in hidden])
    return TimeSplit(training, [(first, (first + last) // 2) for first, last in hidden])


def held_out_times(recording: xr.DataArray, n_samples: int, training: Spans) -> tuple[Spans, float]:
    """Return the blocks of a recording without what was taught, and the share of them that was.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    n_samples : int
        Length of a window.
    taught : list of (int, int)
        Samples that were learnt from, in order of time.
    """
    blocks, left = blocks_of(recording, n_samples), []
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


def blocks_of(recording: xr.DataArray, n_samples: int) -> Spans:
    """Cut the stretches of data of a recording into blocks."""
    covered = stretches(recording, join=n_samples)
    total = sum(last - first for first, last in covered)
    length = max(SHORTEST * n_samples, -(-total // BLOCKS))
    return [
        (start, min(start + length, last)) for first, last in covered for start in range(first, last, length)
    ]


def window_of(recording: xr.DataArray) -> int:
    """Return the samples of a window: a minute at 100 Hz, less where records are shorter."""
    longest = max((last - first for first, last in stretches(recording)), default=0)
    return int(np.clip(longest // WINDOW_STEP * WINDOW_STEP, MIN_WINDOW, MAX_WINDOW))
