"""Events from picks of several stations: the same coincidence for every picker."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def event_scores(p_onsets: dict[str, NDArray[np.float64]], limit: float) -> NDArray[np.float64]:
    """Score times by the second highest P among stations that lie within a travel time of each other.

    Parameters
    ----------
    p_onsets : dict of str to ndarray, shape (n_onsets, 2)
        Seconds and heights of each station's P.
    limit : float
        Largest difference of P times between stations in s.

    Returns
    -------
    ndarray, shape (n_events, 2)
        Time of the first P in s and score; none within `limit` of a higher one.
    """
    pooled = [(time, height, code) for code, onsets in p_onsets.items() for time, height in onsets]
    pooled.sort()
    times = np.array([time for time, _, _ in pooled])
    candidates = []
    for index, (time, height, code) in enumerate(pooled):
        others: dict[str, float] = {code: height}
        for _, other_height, other in pooled[index + 1 : int(np.searchsorted(times, time + limit))]:
            others[other] = max(others.get(other, 0.0), other_height) if other != code else others[code]
        if len(others) > 1:
            candidates.append((time, sorted(others.values())[-2]))
    kept: list[tuple[float, float]] = []
    taken = np.zeros(0)
    for time, score in sorted(candidates, key=lambda candidate: -candidate[1]):
        if not len(taken) or np.abs(taken - time).min() >= limit:
            kept.append((time, score))
            taken = np.append(taken, time)
    return np.array(sorted(kept)).reshape(-1, 2)
