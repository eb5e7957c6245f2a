"""What a denoiser makes of channels that it is not shown, nor any that share their noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from selfseis.denoise.study import Span
from selfseis.denoise.tiled import ALIGNMENT
from selfseis.heldout import hide_channels

Samples = NDArray[np.float32]
Mask = NDArray[np.bool_]

LEAST_APART = 4  # channels from one hidden to the next; else twice the width of the zone
ROUNDS = 4  # times that other channels are hidden


def hidden_groups(n_channels: int, zone: int) -> Iterator[tuple[Mask, Mask]]:
    """Hide channels along a line together with all that share their noise, round by round.

    Parameters
    ----------
    n_channels : int
        Channels of the line.
    zone : int
        Half-width in channels over which noise is shared.

    Yields
    ------
    hidden, scored : ndarray of bool, shape (n_channels,)
        The channels hidden in a round, and those in the middle of each group, which nothing shown knows the noise
        of. None is scored twice.
    """
    apart = max(2 * (2 * zone + 1), LEAST_APART)
    for first in range(0, apart, -(-apart // ROUNDS)):
        scored, shown = hide_channels(n_channels, zone, fold=first, apart=apart)
        if scored.any():
            yield ~shown, scored


def estimate_of_unseen(
    span: Span, live: Mask, zone: int, estimate: Callable[[Samples, Mask], Samples], halo: int
) -> Samples:
    """Estimate the signal of channels while they are hidden, at the times that are judged.

    Parameters
    ----------
    span : Span
        Conditioned data; times that are not judged are left out as far as they are no context.
    live : ndarray of bool, shape (n_channels,)
        Channels that record at all.
    zone : int
        As for `hidden_groups`.
    estimate : callable
        Maps conditioned data and a mask of live channels to an estimate of the same shape.
    halo : int
        Samples of context on each side that it needs.

    Returns
    -------
    ndarray, shape (n_channels, n_samples)
        NaN for channels that were never hidden and at times left out.
    """
    unseen = np.full_like(span.data, np.nan)
    for window in _windows(np.asarray(span.judge.any(axis=0)), halo):
        for hidden, scored in hidden_groups(len(span.data), zone):
            shown = np.where(hidden[:, None], np.float32(0), span.data[:, window])
            unseen[scored, window] = estimate(shown, live & ~hidden)[scored]
    return unseen


def _windows(judged: Mask, halo: int) -> list[slice]:
    """Return the stretches to be computed, each from a multiple of the frames on."""
    changes = np.flatnonzero(np.diff(judged, prepend=False, append=False)).reshape(-1, 2)
    windows: list[slice] = []
    for first, last in changes.tolist():
        start = max(first - halo, 0) // ALIGNMENT * ALIGNMENT
        stop = min(last + halo, len(judged))
        if windows and start <= windows[-1].stop:
            start = windows.pop().start
        windows.append(slice(start, stop))
    return windows
