"""Bridging gaps, so that filters can run over them, without forgetting where they were."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def bridge_gaps(data: npt.ArrayLike, limit: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Fill missing samples smoothly, so that filters neither spread NaN nor ring at the edges of gaps.

    A gap of at most ``limit`` samples is bridged from one edge value to the other by half a cosine. Into a
    longer gap each edge value fades to zero by half a cosine over ``limit`` samples; beyond that the fill
    is zero. The fill of a sample depends only on samples within ``limit + 1`` of it, so tiles with that
    halo are filled as the whole is.

    Parameters
    ----------
    data : array_like
        Samples, time along the last axis; NaN where there is no data.
    limit : int
        Longest gap that is bridged, and the reach of an edge into longer gaps, in samples.

    Returns
    -------
    filled : numpy.ndarray
        float32, the shape of ``data``, no NaN.
    valid : numpy.ndarray
        bool, the shape of ``data``: True where ``data`` held a sample.

    Raises
    ------
    ValueError
        If ``limit`` is negative.
    """
    if limit < 0:
        raise ValueError(f"limit must be 0 or more samples, got {limit}")
    filled = np.array(data, dtype=np.float32, order="C")  # rows of any other order would be copies
    valid = ~np.isnan(filled)
    rows, valid_rows = filled.reshape(-1, filled.shape[-1]), valid.reshape(-1, filled.shape[-1])
    # Channels of one instrument mostly have the same gaps, and so has what lies beyond the ends of a recording.
    at_once = len(rows) if (valid_rows == valid_rows[:1]).all() else 1
    for first in range(0, len(rows), at_once):
        if not valid_rows[first].all():
            _bridge_rows(rows[first : first + at_once], valid_rows[first], limit)
    return filled, valid


def _bridge_rows(rows: npt.NDArray[np.float32], valid: npt.NDArray[np.bool_], limit: int) -> None:
    """Bridge the gaps that all rows have."""
    missing = np.flatnonzero(~valid)
    present = np.flatnonzero(valid)
    rows[:, missing] = 0.0
    if present.size == 0 or limit == 0:
        return
    following = np.searchsorted(present, missing)
    before = np.where(following > 0, missing - present[np.maximum(following - 1, 0)], limit + 1)
    after = np.where(
        following < present.size, present[np.minimum(following, present.size - 1)] - missing, limit + 1
    )
    reach = np.minimum(before + after, limit + 1)  # before + after is the length of the gap plus one
    left = rows[:, np.maximum(missing - before, 0)] * _fade(before / reach)
    right = rows[:, np.minimum(missing + after, len(valid) - 1)] * _fade(after / reach)
    rows[:, missing] = left + right


def _fade(distance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Weight of an edge: 1 at the edge, 0 at distance 1 and beyond."""
    return 0.5 * (1.0 + np.cos(np.pi * np.minimum(distance, 1.0)))
