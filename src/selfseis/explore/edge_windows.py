"""Windows that hold only the edge of an event that lies in the window before or after."""

from __future__ import annotations

import numpy as np

from selfseis.explore.features import WindowTable
from selfseis.typing import BoolArray, Float32Array

EDGE_SHARE = 0.25  # of the neighbour's excess power, below which a window is its edge
FENCE = 1.5  # interquartile ranges above the upper quartile, from which a window stands out (Tukey)


def edge_windows(table: WindowTable, louder: Float32Array, length: int) -> BoolArray:
    """Tell which windows hold no more than the edge of an event in a window beside them.

    An event is cut by the borders of windows, and long wavelets see it from half a window away: its edges look like
    nothing else, and would crowd out of a list of rare windows what is rare in itself.

    Parameters
    ----------
    table : WindowTable
        The windows, by site and time.
    louder : ndarray, shape (n, n_bands)
        Power over the background's.
    length : int
        Samples of a window.

    Returns
    -------
    ndarray of bool, shape (n,)
        Windows with less than a quarter of the excess power of a neighbour in time that stands out at its site.
    """
    excess = np.maximum(louder - 1, 0).sum(axis=1)
    stands_out = np.zeros(len(excess), bool)
    for site in np.unique(table.site):
        mine = table.site == site
        lower, upper = np.percentile(excess[mine], [25, 75])
        stands_out[mine] = excess[mine] > upper + FENCE * (upper - lower)
    beside = (np.diff(table.site) == 0) & (np.diff(table.first) == length)
    loud = np.where(stands_out, excess, 0)
    edge = np.zeros(len(excess), bool)
    edge[1:] |= beside & (excess[1:] < EDGE_SHARE * loud[:-1])
    edge[:-1] |= beside & (excess[:-1] < EDGE_SHARE * loud[1:])
    return edge
