"""Splits of data into a hidden part to predict and a visible part to predict from."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from selfseis.typing import BoolArray


def hide_channels(
    n_channels: int, blind_zone: int, *, fold: int = 0, apart: int | None = None
) -> tuple[BoolArray, BoolArray]:
    """Hide channels at a fixed distance, each together with the zone around it.

    Neighbours inside the zone share the noise of the hidden channel. A prediction from them would gain skill from
    noise.

    Parameters
    ----------
    n_channels : int
        Number of channels on the line.
    blind_zone : int
        Half-width of the zone in channels; 0 hides the channel alone.
    fold : int
        Index of one of the ``apart`` disjoint sets. All folds together hide each channel once.
    apart : int, optional
        Distance between hidden channels; by default ``2 * (2 * blind_zone + 1)``, so that half are visible.

    Returns
    -------
    hidden : ndarray of bool, shape (n_channels,)
        The channels to predict.
    visible : ndarray of bool, shape (n_channels,)
        The channels that lie outside the zone of every hidden one.
    """
    if blind_zone < 0:
        raise ValueError(f"blind_zone must not be negative, got {blind_zone}")
    step = 2 * (2 * blind_zone + 1) if apart is None else apart
    hidden = np.zeros(n_channels, bool)
    hidden[fold % step :: step] = True
    return hidden, ~within_reach(hidden, blind_zone)


def hide_groups(groups: NDArray[np.str_], *, fold: int = 0) -> tuple[BoolArray, BoolArray]:
    """Hide all channels of one group, such as the three components of a station.

    Parameters
    ----------
    groups : ndarray of str, shape (n_channels,)
        The group of each channel.
    fold : int
        Index of the hidden group, in sorted order and modulo the number of groups.

    Returns
    -------
    hidden, visible : ndarray of bool, shape (n_channels,)
    """
    names = np.unique(groups)
    hidden = groups == names[fold % len(names)]
    return hidden, ~hidden


def hide_time_patches(
    n_samples: int, patch: int, fraction: float, rng: np.random.Generator, *, guard: int = 0
) -> tuple[BoolArray, BoolArray]:
    """Hide patches of time on a regular grid: one at random in each stratum of neighbours.

    Parameters
    ----------
    n_samples : int
        Length of the record in samples.
    patch : int
        Length of a patch in samples.
    fraction : float
        Share of the patches to hide, between 0 and 1; at least one is hidden and one is kept.
    rng : numpy.random.Generator
        Source of the choice.
    guard : int
        Samples on each side of a hidden patch that are neither hidden nor visible.

    Returns
    -------
    hidden, visible : ndarray of bool, shape (n_samples,)
    """
    n_patches = max(1, n_samples // patch)
    if n_patches < 2:
        raise ValueError(f"{n_samples} samples hold fewer than two patches of {patch}: nothing can be hidden")
    n_hidden = int(np.clip(round(fraction * n_patches), 1, n_patches - 1))
    chosen = np.zeros(n_patches, bool)
    # One from each stratum: hidden and visible patches alternate and sample the record evenly.
    for stratum in np.array_split(np.arange(n_patches), n_hidden):
        chosen[rng.choice(stratum)] = True
    hidden = chosen[np.minimum(np.arange(n_samples) // patch, n_patches - 1)]
    return hidden, ~within_reach(hidden, guard)


def within_reach(marked: BoolArray, reach: int) -> BoolArray:
    """Mark all elements within a distance of marked ones, the marked ones included.

    Parameters
    ----------
    marked : ndarray of bool, shape (n_samples,)
        The marked elements.
    reach : int
        Distance in samples or channels.

    Returns
    -------
    ndarray of bool, shape (n_samples,)
    """
    return np.convolve(marked, np.ones(2 * reach + 1), mode="full")[reach : reach + len(marked)] > 0


def hide_blocks(n: int, n_folds: int, *, guard: int = 0) -> Iterator[tuple[BoolArray, BoolArray]]:
    """Hide contiguous blocks in turn, as in blocked cross-validation.

    Parameters
    ----------
    n : int
        Number of ordered elements (samples, sites along a profile).
    n_folds : int
        Number of blocks.
    guard : int
        Elements on each side of the hidden block that are not visible either.

    Yields
    ------
    hidden, visible : ndarray of bool, shape (n,)
    """
    if not 2 <= n_folds <= n:
        raise ValueError(f"n_folds must lie between 2 and {n}, got {n_folds}")
    for block in np.array_split(np.arange(n), n_folds):
        hidden, visible = np.zeros(n, bool), np.ones(n, bool)
        hidden[block] = True
        visible[max(0, block[0] - guard) : block[-1] + 1 + guard] = False
        yield hidden, visible
