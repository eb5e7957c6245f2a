"""How long a window is, and which times are learnt from and which are hidden, to stop by and to judge on."""

from __future__ import annotations

import numpy as np
import xarray as xr

from selfseis.recording.coverage import stretches

Spans = list[tuple[int, int]]

LONGEST_WINDOW = 6144  # samples: a minute at 100 Hz
SHORTEST_WINDOW = 1536
WINDOW_STEP = 128
BLOCKS = 32  # a recording is cut into, at the most
SHORTEST = 4  # windows of a block, at the least
HIDDEN_EVERY = 4


def taught_and_hidden(recording: xr.DataArray, n_samples: int) -> tuple[Spans, Spans]:
    """Cut a recording into blocks of time and hide every fourth; both are lists of first sample and end.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording. Its stretches of data are cut, not its gaps.
    n_samples : int
        Length of a window.
    """
    covered = stretches(recording, join=n_samples)
    total = sum(last - first for first, last in covered)
    length = max(SHORTEST * n_samples, -(-total // BLOCKS))
    blocks = [
        (start, min(start + length, last)) for first, last in covered for start in range(first, last, length)
    ]
    hidden = blocks[HIDDEN_EVERY - 1 :: HIDDEN_EVERY]
    taught = [block for block in blocks if block not in hidden]
    return (taught, hidden) if hidden else (blocks, blocks)


def window_of(recording: xr.DataArray) -> int:
    """Return the samples of a window: a minute at 100 Hz, less where records are shorter."""
    longest = max((last - first for first, last in stretches(recording)), default=0)
    return int(np.clip(longest // WINDOW_STEP * WINDOW_STEP, SHORTEST_WINDOW, LONGEST_WINDOW))
