"""How well onsets fit known or reference onsets; heights are compared only within one method."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfseis.pick.calibration import threshold_for

Times = NDArray[np.float64]
Pairs = NDArray[np.float64]  # (n_onsets, 2): seconds and height

SECONDS_A_DAY = 86400.0


def matched(onsets: Pairs, truth: Times, within: float) -> tuple[NDArray[np.bool_], Times]:
    """Match onsets, the highest first, with true ones, each with the nearest that is still free.

    Parameters
    ----------
    onsets : ndarray, shape (n_onsets, 2)
        Seconds and heights.
    truth : ndarray, shape (n_true,)
        Seconds.
    within : float
        Largest difference in s.

    Returns
    -------
    hit : ndarray of bool, shape (n_onsets,)
        Which onsets are true, in the order given.
    residual : ndarray, shape (n_true,)
        Onset less true onset in s; not a number where there is none.
    """
    hit = np.zeros(len(onsets), bool)
    residual = np.full(len(truth), np.nan)
    for index in np.argsort(-onsets[:, 1], kind="stable"):
        off = np.where(np.isnan(residual), onsets[index, 0] - truth, np.inf)
        if len(off) and np.abs(off).min() < within:
            nearest = int(np.abs(off).argmin())
            hit[index], residual[nearest] = True, off[nearest]
    return hit, residual


def average_precision(onsets: Pairs, truth: Times, within: float) -> float:
    """Return the area under precision against recall, as the prototypes computed it."""
    hit, _ = matched(onsets, truth, within)
    ranked = hit[np.argsort(-onsets[:, 1], kind="stable")]
    precision = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)
    return float((precision * ranked).sum() / max(len(truth), 1))


def f1_score(true: int, picked: int, wanted: int) -> float:
    """Return the harmonic mean of precision and recall."""
    return 2 * true / max(picked + wanted, 1)


def area_under_curve(noise: NDArray[Any], event: NDArray[Any]) -> float:
    """Return the probability that an event scores higher than noise (the area under the ROC curve)."""
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([noise, event]))[len(noise) :]
    return float((ranks.sum() - len(event) * (len(event) + 1) / 2) / (len(noise) * len(event)))


def inside(onsets: Pairs, spans: list[tuple[float, float]]) -> Pairs:
    """Return the onsets that lie in spans of seconds."""
    kept = np.zeros(len(onsets), bool)
    for first, last in spans:
        kept |= (onsets[:, 0] >= first) & (onsets[:, 0] < last)
    return onsets[kept]


def outside(onsets: Pairs, times: Times, before: float, after: float) -> Pairs:
    """Return the onsets that are not within some seconds before and after given times."""
    if not len(times):
        return onsets
    off = onsets[:, 0][:, None] - np.sort(times)
    return onsets[~((off > -before) & (off < after)).any(axis=1)]


def threshold_at(per_day: float, heights: list[NDArray[Any]], seconds: float, lowest: float) -> float:
    """Return the height above which stations together raise a number of false alarms a station-day.

    Parameters
    ----------
    per_day : float
        False alarms per station-day.
    heights : list of ndarray
        Heights of each station's picks where there is no onset.
    seconds : float
        Time that was searched at each station.
    lowest : float
        Height of the least pick looked for.
    """
    days = len(heights) * seconds / SECONDS_A_DAY
    return threshold_for(per_day, np.concatenate(heights), days, lowest=lowest)


def spread(residual: Times) -> float | str:
    """Return the median size of the residuals in s; empty where there is none."""
    known = residual[np.isfinite(residual)]
    return float(np.median(np.abs(known))) if len(known) else ""
