"""Wadati diagrams: vp/vs and origin times from P and S times, without locations or a velocity model.

At each station t_S - t_P = (vp/vs - 1) (t_P - t_0) for any location of the event, if P and S take the same path.

The module has two estimates of vp/vs. They use different events and different fits, so their values can differ for the
same recording:

- `fit_wadati` uses the picks of associated events. It is a weighted Deming regression with a 90% interval. Velocity
  estimation applies it to preliminary events, and `selfseis.locate.locate_events` again to the final ones. The notes
  contain both values, and ``locations.json`` the second one in the key ``wadati``.
- `wadati_line` uses the common events of stations (see `selfseis.consensus.common_events`). It is a line of least
  absolute residuals through time differences between stations. The summary of the picks contains it, as a check of the
  picks before any association.

References
----------
Wadati (1933), On the travel time of earthquake waves, part II. Geophysical Magazine 7, 101-111.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from selfseis.catalogue.records import Pick
from selfseis.consensus.common_events import CommonEvent
from selfseis.consensus.options import WadatiOptions
from selfseis.geo.earth_models import POISSON_VP_VS
from selfseis.typing import FloatArray


@dataclass(frozen=True)
class Pair:
    """P and S times of one station in s after the first pick of the event, with their standard deviations."""

    station: str
    p_s: float
    s_s: float
    p_sd: float
    s_sd: float


@dataclass(frozen=True)
class Wadati:
    """The vp/vs ratio from the P-S pairs of associated events.

    Attributes
    ----------
    vp_vs : float
        The ratio; the square root of 3 if it could not be measured.
    low, high : float
        90% interval from a bootstrap over events; NaN if not measured.
    n_events, n_pairs : int
        Number of events with pairs at two or more stations, and of their pairs.
    points : list of dict
        Points of the diagram, with the keys event (its number), station, p_s (P travel time) and s_minus_p_s.
    is_measured : bool
        True if the picks give the ratio, False if it is assumed.
    """

    vp_vs: float
    low: float
    high: float
    n_events: int
    n_pairs: int
    points: list[dict[str, Any]]
    is_measured: bool

    def __str__(self) -> str:
        if not self.is_measured:
            return (
                f"vp/vs of {self.vp_vs:.2f} is assumed: {self.n_pairs} P-S pairs of {self.n_events} events "
                "do not constrain it"
            )
        return (
            f"vp/vs of {self.vp_vs:.3f} ({self.low:.3f} to {self.high:.3f}) from {self.n_pairs} P-S pairs "
            f"of {self.n_events} events"
        )


def pairs_of(picks: Sequence[Pick]) -> list[Pair]:
    """Pair the most probable P and S of each station of one event."""
    begin = min((pick.time for pick in picks), default=np.datetime64(0, "ns"))
    pairs = []
    for station in dict.fromkeys(pick.station for pick in picks):
        best = {
            phase: max(
                (pick for pick in picks if pick.station == station and pick.phase == phase),
                key=lambda pick: pick.probability,
                default=None,
            )
            for phase in ("P", "S")
        }
        p, s = best["P"], best["S"]
        if p is not None and s is not None and s.time > p.time:
            pairs.append(Pair(station, _seconds(p.time, begin), _seconds(s.time, begin), p.sd_s, s.sd_s))
    return pairs


def fit_wadati(
    events: Iterable[Sequence[Pick]], *, seed: int = 0, options: WadatiOptions = WadatiOptions()
) -> Wadati:
    """Estimate vp/vs from the picks of associated events.

    The estimate is the slope of S against P times, each minus the mean of its event. It is a Deming regression, which
    accounts for errors in both times, with Cauchy weights for outliers (5 iterations).

    Parameters
    ----------
    events : iterable of sequences of Pick
        The picks of each event.
    seed : int
        Seed of the bootstrap.
    options : WadatiOptions
        Conditions under which the ratio counts as measured.

    Returns
    -------
    Wadati
        With the ratio assumed if there are too few pairs, or if the ratio is implausible or uncertain.
    """
    numbered = [(number, pairs_of(picks)) for number, picks in enumerate(events)]
    useful = [(number, pairs) for number, pairs in numbered if len(pairs) > 1]
    n_pairs = sum(len(pairs) for _, pairs in useful)
    groups = [np.array([(p.p_s, p.s_s, p.p_sd, p.s_sd) for p in pairs]) for _, pairs in useful]
    ratio, low, high = POISSON_VP_VS, np.nan, np.nan
    measured = False
    if n_pairs - len(groups) >= options.min_pairs:
        slope = _slope(groups)
        rng = np.random.default_rng(seed)
        draws = [
            _slope([groups[i] for i in rng.integers(0, len(groups), len(groups))])
            for _ in range(options.n_bootstraps)
        ]
        spread = np.nanquantile(draws, [0.05, 0.95]) if np.isfinite(draws).any() else (np.nan, np.nan)
        lowest, highest = options.vp_vs_range
        measured = bool(lowest < slope < highest and spread[1] - spread[0] < options.max_interval)
        if measured:
            ratio, low, high = slope, float(spread[0]), float(spread[1])
    points = [point for number, pairs in useful for point in _points(number, pairs, ratio)]
    return Wadati(ratio, low, high, len(useful), n_pairs, points, measured)


def origin_time_s(pairs: Sequence[Pair], vp_vs: float) -> tuple[float, float]:
    """Return the origin time in s after the first pick of an event and its standard deviation, from P-S pairs."""
    times, sds = np.array([_origin(pair, vp_vs) for pair in pairs]).T
    return float(np.average(times, weights=1 / sds**2)), float((1 / sds**2).sum() ** -0.5)


def _origin(pair: Pair, vp_vs: float) -> tuple[float, float]:
    share = 1 / (vp_vs - 1)
    return pair.p_s - (pair.s_s - pair.p_s) * share, float(
        np.hypot((1 + share) * pair.p_sd, share * pair.s_sd)
    )


def _points(number: int, pairs: Sequence[Pair], vp_vs: float) -> list[dict[str, Any]]:
    origin = float(np.median([_origin(pair, vp_vs)[0] for pair in pairs]))
    return [
        {
            "event": number,
            "station": pair.station,
            "p_s": round(pair.p_s - origin, 4),
            "s_minus_p_s": round(pair.s_s - pair.p_s, 4),
        }
        for pair in pairs
    ]


def _slope(groups: Sequence[FloatArray]) -> float:
    """Return the slope of S against P times within events; NaN if it is not positive."""
    noise = float(np.median(np.concatenate([(g[:, 3] / g[:, 2]) ** 2 for g in groups])))
    weights = [np.ones(len(g)) for g in groups]
    slope = float("nan")
    for _ in range(5):
        centred = [_centred(g, w) for g, w in zip(groups, weights, strict=True)]
        (x, y), w = np.concatenate(centred).T, np.concatenate(weights)
        xx, yy, xy = (w * x * x).sum(), (w * y * y).sum(), (w * x * y).sum()
        if xy <= 0:
            return float("nan")
        slope = float((yy - noise * xx + np.sqrt((yy - noise * xx) ** 2 + 4 * noise * xy**2)) / (2 * xy))
        off = [c[:, 1] - slope * c[:, 0] for c in centred]
        scale = 2 * max(1.4826 * float(np.median(np.abs(np.concatenate(off)))), 1e-4)
        weights = [1 / (1 + (r / scale) ** 2) for r in off]
    return slope


def _centred(group: FloatArray, weights: FloatArray) -> FloatArray:
    return group[:, :2] - np.average(group[:, :2], axis=0, weights=weights)


def _seconds(time: np.datetime64, begin: np.datetime64) -> float:
    return float((time - begin) / np.timedelta64(1, "ns")) * 1e-9


@dataclass(frozen=True)
class WadatiLine:
    """The vp/vs ratio from the common events of stations: time differences, and the line through the origin.

    Attributes
    ----------
    dp, ds : ndarray, shape (n_couples,)
        Differences of P and of S times in s between each two stations of each event.
    vp_vs : float
        Slope of the line; NaN for fewer than five couples.
    sd_s : float
        Spread of the S differences around the line in s (1.48 times the median absolute residual).
    """

    dp: FloatArray
    ds: FloatArray
    vp_vs: float
    sd_s: float


def wadati_line(events: Sequence[CommonEvent], options: WadatiOptions = WadatiOptions()) -> WadatiLine:
    """Estimate vp/vs from the common events of stations.

    The line minimises the sum of absolute residuals, so a few wrong events do not change it. The events were selected
    with an assumed vp/vs and a tolerance. A wide tolerance keeps the estimate independent of the assumed value.

    Parameters
    ----------
    events : sequence of CommonEvent
        Common events, such as `Consensus.kept` returns.
    options : WadatiOptions
        Minimum number of couples.
    """
    couples = [couple for event in events for couple in combinations(event.onsets, 2)]
    dp = np.array([b.p_time - a.p_time for a, b in couples], float)
    ds = np.array([b.s_time - a.s_time for a, b in couples], float)
    nonzero = np.abs(dp) > 0
    if np.sum(nonzero) < options.min_couples:
        return WadatiLine(dp, ds, float("nan"), float("nan"))
    # The line of least absolute residuals through the origin has the median of the slopes, weighted with |dp|.
    slope, weight = ds[nonzero] / dp[nonzero], np.abs(dp[nonzero])
    order = np.argsort(slope)
    half = np.searchsorted(np.cumsum(weight[order]), weight.sum() / 2)
    vp_vs = float(slope[order][half])
    return WadatiLine(dp, ds, vp_vs, float(1.4826 * np.median(np.abs(ds - vp_vs * dp))))
