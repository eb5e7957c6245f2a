"""Filling of gaps and ends, by linear prediction or by bridging, so that filters do not ring at steps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from selfseis.typing import BoolArray, Float32Array, FloatArray, IndexArray

AT_ONCE = 1 << 20  # samples of the windows before gaps that are processed together; it bounds the memory


def continue_over_gaps(data: Float32Array, limit: int, order: int = 16) -> tuple[Float32Array, BoolArray]:
    """Fill missing samples by linear prediction from both sides of the gap; each prediction fades over the gap.

    A prediction fades by half a cosine over the gap, or over `limit` samples where the gap is longer. It is fitted to
    the `limit` samples before the gap, so that the fill of a sample depends on nothing further away than twice that.
    Holding the edge value would be a poor fill for data that vary faster than the gap length.

    Parameters
    ----------
    data : ndarray, shape (n_channels, n_samples)
        NaN where there are no data.
    limit : int
        Reach of a prediction, and number of samples to which it is fitted.
    order : int
        Number of samples from which the next one is predicted.

    Returns
    -------
    filled : ndarray of float32, shape (n_channels, n_samples)
    valid : ndarray of bool, shape (n_channels, n_samples)
        Where `data` held a sample.

    Raises
    ------
    ValueError
        If `limit` is below 1.

    References
    ----------
    de Waele, S., Broersen, P. M. T. (2000). The Burg algorithm for segments. IEEE Trans. Signal Process. 48, 2876-2880.
    doi:10.1109/78.869039
    """
    if limit < 1:
        raise ValueError(f"limit must be 1 or more samples, got {limit}")
    valid = ~np.isnan(data)
    filled = np.array(data, np.float32)
    if not valid.all():
        filled[~valid] = 0
        _continue(filled, valid, limit, order)
        _continue(filled[:, ::-1], valid[:, ::-1], limit, order)
    return filled, valid


def _continue(filled: Float32Array, valid: BoolArray, limit: int, order: int) -> None:
    """Add to each gap, in place, the prediction from the samples before it."""
    for channels, last in _edges(valid, max(1, AT_ONCE // max(limit, 1))):
        before = last[:, None] + np.arange(1 - limit, 1)
        inside = np.maximum(before, 0)
        known = valid[channels[:, None], inside] & (before >= 0)
        window = np.where(known, filled[channels[:, None], inside], 0).astype(np.float64)
        lengths = _gap_lengths(valid, channels, last, limit)
        steps = np.arange(1, lengths.max(initial=0) + 1)
        loudest = np.abs(window).max(axis=1, initial=0, keepdims=True)
        ahead = np.clip(_predicted(window, known, len(steps), order), -loudest, loudest)
        faded = ahead * 0.5 * (1 + np.cos(np.pi * np.minimum(steps / (lengths[:, None] + 1), 1)))
        edge, step = np.nonzero((steps <= lengths[:, None]) & (last[:, None] + steps < valid.shape[1]))
        filled[channels[edge], last[edge] + 1 + step] += faded[edge, step]


def _edges(valid: BoolArray, at_once: int) -> Iterator[tuple[IndexArray, IndexArray]]:
    """Yield channels and times of the last samples before gaps, in batches."""
    channels, last = np.divmod(np.flatnonzero(valid[:, :-1] > valid[:, 1:]), valid.shape[1] - 1)
    for first in range(0, len(last), at_once):
        yield channels[first : first + at_once], last[first : first + at_once]


def _gap_lengths(valid: BoolArray, channels: IndexArray, last: IndexArray, limit: int) -> IndexArray:
    """Return the lengths of the gaps after the edges, at most `limit`, also at the end of the data."""
    ahead = last[:, None] + np.arange(1, limit + 1)
    known = valid[channels[:, None], np.minimum(ahead, valid.shape[1] - 1)] & (ahead < valid.shape[1])
    return np.where(known.any(axis=1), known.argmax(axis=1), limit)


def _predicted(window: FloatArray, known: BoolArray, n_steps: int, order: int) -> FloatArray:
    """Return the continuation of windows, shape (n_windows, n_steps)."""
    weights = _burg(window, known, order)
    order = weights.shape[1]
    series = np.zeros((order + n_steps, len(window)))
    series[:order] = window[:, window.shape[1] - order :].T
    backward = np.ascontiguousarray(weights[:, ::-1].T)
    for step in range(n_steps):
        np.einsum("oe,oe->e", backward, series[step : step + order], out=series[order + step])
    return series[order:].T


def _burg(window: FloatArray, known: BoolArray, max_order: int) -> FloatArray:
    """Return Burg's prediction weights, the nearest sample first, shape (n_windows, order).

    The order of a window is at most the number of consecutive samples at its end.
    """
    in_a_row = np.where(known.all(axis=1), known.shape[1], np.argmin(known[:, ::-1], axis=1))
    highest = min(max_order, window.shape[1] - 1)
    weights = np.zeros((len(window), highest + 1))
    weights[:, 0] = -1  # of the sample itself
    forward = backward = window
    everywhere = known.all()
    for order in range(1, highest + 1):
        forward, backward = forward[:, 1:], backward[:, :-1]
        if not everywhere:
            known = known[:, 1:] & known[:, :-1]
            forward, backward = forward * known, backward * known
        power = _products(forward, forward) + _products(backward, backward)
        product = _products(forward, backward)
        usable = (power > 0) & (in_a_row >= order)
        reflection = np.divide(-2 * product, power, out=np.zeros_like(power), where=usable)[:, None]
        forward, backward = forward + reflection * backward, backward + reflection * forward
        weights[:, : order + 1] += reflection * weights[:, order::-1]
    return weights[:, 1:]


def _products(first: FloatArray, second: FloatArray) -> FloatArray:
    return np.einsum("et,et->e", first, second)


def bridge_gaps(data: npt.ArrayLike, limit: int) -> tuple[Float32Array, BoolArray]:
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
    filled = np.array(data, dtype=np.float32, order="C")  # reshape would copy any other memory order
    valid = ~np.isnan(filled)
    rows, valid_rows = filled.reshape(-1, filled.shape[-1]), valid.reshape(-1, filled.shape[-1])
    # Channels of one instrument mostly have the same gaps, and so do the ends of a recording.
    at_once = len(rows) if (valid_rows == valid_rows[:1]).all() else 1
    for first in range(0, len(rows), at_once):
        if not valid_rows[first].all():
            _bridge_rows(rows[first : first + at_once], valid_rows[first], limit)
    return filled, valid


def _bridge_rows(rows: Float32Array, valid: BoolArray, limit: int) -> None:
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


def _fade(distance: FloatArray) -> FloatArray:
    """Weight of an edge: 1 at the edge, 0 at distance 1 and beyond."""
    return 0.5 * (1.0 + np.cos(np.pi * np.minimum(distance, 1.0)))
