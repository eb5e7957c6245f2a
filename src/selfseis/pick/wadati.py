"""The Wadati line: differences of S between stations against those of P, whose slope is vp/vs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from selfseis.pick.common_events import AgreedEvent
from selfseis.pick.pairs import Times

FEWEST = 5


@dataclass(frozen=True)
class WadatiLine:
    """Differences between stations, and the line through them and through zero.

    Attributes
    ----------
    dp, ds : ndarray, shape (n_couples,)
        Differences of P and of S of each two stations of each event in s.
    vp_vs : float
        Slope of the line; not a number for fewer than five couples.
    sd_s : float
        Spread of S about the line in s (1.48 times the median absolute residual).
    """

    dp: Times
    ds: Times
    vp_vs: float
    sd_s: float


def wadati_line(events: Sequence[AgreedEvent]) -> WadatiLine:
    """Fit vp/vs to the events that stations agree on.

    The line has the least sum of absolute residuals, so that a few wrong events do not turn it. Events were chosen
    by a vp/vs that was assumed, and lie within its tolerance: start with a wide one.

    Parameters
    ----------
    events : sequence of AgreedEvent
        The events.
    """
    couples = [couple for event in events for couple in combinations(event.onsets, 2)]
    dp = np.array([b.p_time - a.p_time for a, b in couples], float)
    ds = np.array([b.s_time - a.s_time for a, b in couples], float)
    moved = np.abs(dp) > 0
    if np.sum(moved) < FEWEST:
        return WadatiLine(dp, ds, float("nan"), float("nan"))
    # Through zero the least absolute residuals are at the median of the slopes, weighted with |dp|.
    slope, weight = ds[moved] / dp[moved], np.abs(dp[moved])
    order = np.argsort(slope)
    half = np.searchsorted(np.cumsum(weight[order]), weight.sum() / 2)
    vp_vs = float(slope[order][half])
    return WadatiLine(dp, ds, vp_vs, float(1.4826 * np.median(np.abs(ds - vp_vs * dp))))
