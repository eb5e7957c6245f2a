"""P-S pairs at stations, and the conditions for pairs at different stations to be one event.

A P and an S onset at one station give the origin time of the event. With a constant vp/vs it is (S - P) / (vp/vs - 1)
before the P onset (Wadati, 1933, *Geophys. Mag.* 7). Pairs at different stations can be one event if their origin times
are equal, and their P times differ by no more than the travel time between the stations. Equal origin times at two
stations are the same condition as dS = vp/vs * dP, which needs neither coordinates nor a velocity model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from selfseis.consensus.options import ConsensusOptions
from selfseis.geo.sphere import distances_km
from selfseis.typing import FloatArray, IndexArray

REFERENCE_RATE = 100.0  # Hz, at which the options state times
NO_LIMIT_MET_S = -1e-9  # a limit that no time difference can meet


@dataclass(frozen=True)
class Pairs:
    """P onsets at one station, each with an S onset that may be of the same event.

    Attributes
    ----------
    p_time, s_time : ndarray, shape (n_pairs,)
        Times in s after the start of the recording, in order of P.
    p_prob, s_prob : ndarray, shape (n_pairs,)
        Probabilities, or any increasing function of them.
    """

    p_time: FloatArray
    s_time: FloatArray
    p_prob: FloatArray
    s_prob: FloatArray

    def __len__(self) -> int:
        return len(self.p_time)

    @property
    def worth(self) -> FloatArray:
        """Return the product of both probabilities, which ranks the pairs of a station."""
        return self.p_prob * self.s_prob

    def origin(self, vp_vs: float) -> FloatArray:
        """Return the origin times in s after the start of the recording."""
        return self.p_time - (self.s_time - self.p_time) / (vp_vs - 1)


@dataclass(frozen=True)
class Moveout:
    """Conditions for onsets at different stations to be one event.

    Attributes
    ----------
    travel_limit : ndarray, shape (n_stations, n_stations)
        Largest difference of P times between two stations in s.
    vp_vs : float
        Ratio of the velocities of P and S.
    tolerance : float
        Largest |dS - vp_vs * dP| between two stations in s.
    apart : float
        Minimum time in s between onsets of different events at one station.
    """

    travel_limit: FloatArray
    vp_vs: float
    tolerance: float
    apart: float

    @classmethod
    def without_coordinates(
        cls, n_stations: int, rate: float, options: ConsensusOptions = ConsensusOptions()
    ) -> Moveout:
        """Return default limits without coordinates: P times within 10 s at 100 Hz.

        Parameters
        ----------
        n_stations : int
            Number of stations.
        rate : float
            Sampling rate in Hz. All times scale with the sampling interval: at 500 Hz the limit is 2 s.
        options : ConsensusOptions
            The limits at 100 Hz.
        """
        scale = REFERENCE_RATE / rate
        limit = np.full((n_stations, n_stations), options.travel_limit * scale)
        return cls(limit, options.vp_vs, options.tolerance * scale, options.apart * scale)

    @classmethod
    def from_coordinates(
        cls,
        latitude: FloatArray,
        longitude: FloatArray,
        rate: float,
        options: ConsensusOptions = ConsensusOptions(),
    ) -> Moveout:
        """Derive the limits from the coordinates of stations. For coordinates that are NaN, the default limit applies.

        Parameters
        ----------
        latitude, longitude : ndarray, shape (n_stations,)
            In degrees.
        rate : float
            Sampling rate in Hz. The tolerance scales with the sampling interval.
        options : ConsensusOptions
            Minimum apparent velocity, and the limits at 100 Hz.
        """
        return cls.from_distances(distances_km(latitude, longitude), rate, options.min_p_velocity, options)

    @classmethod
    def from_distances(
        cls,
        apart_km: FloatArray,
        rate: float,
        min_p_velocity: float,
        options: ConsensusOptions = ConsensusOptions(),
    ) -> Moveout:
        """Derive the limits from the distances between stations.

        Parameters
        ----------
        apart_km : ndarray, shape (n_stations, n_stations)
            Distances in km; NaN if not known.
        rate : float
            Sampling rate in Hz.
        min_p_velocity : float
            Minimum apparent velocity of P in km/s.
        options : ConsensusOptions
            The limits at 100 Hz.
        """
        default = cls.without_coordinates(len(apart_km), rate, options)
        limit = apart_km / min_p_velocity + default.tolerance / 2
        return replace(default, travel_limit=np.where(np.isfinite(limit), limit, default.travel_limit))

    def separate_sites(self, sites: Sequence[str]) -> Moveout:
        """Return the same limits, but without events common to sensors of one site, which share local noise."""
        names = np.asarray(sites)
        same = (names[:, None] == names) & ~np.eye(len(names), dtype=bool)
        return replace(self, travel_limit=np.where(same, NO_LIMIT_MET_S, self.travel_limit))

    @property
    def origin_tolerance(self) -> float:
        """Return the largest difference between the origin times of two stations in s."""
        return self.tolerance / (self.vp_vs - 1)


def pair_onsets(
    p: FloatArray,
    s: FloatArray,
    s_minus_p: tuple[float, float],
    options: ConsensusOptions = ConsensusOptions(),
) -> Pairs:
    """Pair each P onset of a station with the S onsets that may be of the same event.

    Parameters
    ----------
    p, s : ndarray, shape (n_onsets, 2)
        Time in s after the start of the recording, and probability; in any order.
    s_minus_p : tuple of float
        Smallest and largest S - P time in s.
    options : ConsensusOptions
        Maximum number of S of each P.

    Returns
    -------
    Pairs
        For each P only the most probable S onsets.
    """
    p, s = (np.asarray(onsets, float).reshape(-1, 2) for onsets in (p, s))
    p, s = (onsets[np.argsort(onsets[:, 0], kind="stable")] for onsets in (p, s))
    first = np.searchsorted(s[:, 0], p[:, 0] + s_minus_p[0], side="left")
    end = np.searchsorted(s[:, 0], p[:, 0] + s_minus_p[1], side="right")
    of_p, of_s = expanded(first, end)
    by_worth = np.lexsort((-s[of_s, 1], of_p))
    of_p, of_s = of_p[by_worth], of_s[by_worth]
    place = np.arange(len(of_p)) - np.searchsorted(of_p, of_p, side="left")
    best = place < options.max_s_per_p
    of_p, of_s = of_p[best], of_s[best]
    return Pairs(p[of_p, 0], s[of_s, 0], p[of_p, 1], s[of_s, 1])


def expanded(first: IndexArray, end: IndexArray) -> tuple[IndexArray, IndexArray]:
    """Return the row and the element of each member of the ranges first:end."""
    counts = np.maximum(end - first, 0)
    rows = np.repeat(np.arange(len(first)), counts)
    return rows, np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts) + first[rows]
