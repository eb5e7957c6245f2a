"""Which times are learnt from and which are hidden, to stop by and to judge on."""

from __future__ import annotations

import xarray as xr

from selfseis.recording.coverage import stretches

Spans = list[tuple[int, int]]

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
