"""P-S pairs at a station, and what pairs of different stations have in common if they are of one event.

A P and an S at one station point to the time at which their waves set out: with a constant ratio of velocities it
lies (S - P) / (vp/vs - 1) before the P (Wadati, 1933, *Geophys. Mag.* 7). Pairs of different stations belong to one
event where these times are equal and the P are no further apart than waves travel between the stations. That the
origin times of two stations are equal is the same as dS = vp/vs * dP, and needs neither a place nor a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from selfseis.typing import FloatArray, IndexArray

MAX_S_OF_A_P = 6
EARTH_RADIUS_KM = 6371.0
NEVER = -1e-9  # s: a difference of times that none is below
SLOWEST_P_KM_S = 1.5  # along the ground: P in soft rock


@dataclass(frozen=True)
class Pairs:
    """Onsets of P with onsets of S that may belong to them, at one station.

    Attributes
    ----------
    p_time, s_time : ndarray, shape (n_pairs,)
        In s after the recording's start, in the order of P.
    p_prob, s_prob : ndarray, shape (n_pairs,)
        Probabilities, on any scale that grows with them.
    """

    p_time: FloatArray
    s_time: FloatArray
    p_prob: FloatArray
    s_prob: FloatArray

    def __len__(self) -> int:
        return len(self.p_time)

    @property
    def worth(self) -> FloatArray:
        """Return the product of both probabilities, by which pairs of a station are ranked."""
        return self.p_prob * self.s_prob

    def origin(self, vp_vs: float) -> FloatArray:
        """Return when the waves set out, in s after the recording's start."""
        return self.p_time - (self.s_time - self.p_time) / (vp_vs - 1)


@dataclass(frozen=True)
class Moveout:
    """What onsets of one event have in common at different stations.

    Attributes
    ----------
    travel_limit : ndarray, shape (n_stations, n_stations)
        Largest difference of P times between two stations in s.
    vp_vs : float
        Ratio of the velocities of P and S.
    tolerance : float
        Largest |dS - vp_vs * dP| between two stations in s.
    apart : float
        Distance in s within which two onsets of a station cannot both be real ones of different events.
    """

    travel_limit: FloatArray
    vp_vs: float = 1.73
    tolerance: float = 1.0
    apart: float = 1.0

    @classmethod
    def unknown(cls, n_stations: int, rate: float) -> Moveout:
        """Assume what 100 Hz recordings are made for where no coordinates are known: P within 10 s.

        Parameters
        ----------
        n_stations : int
            Number of stations.
        rate : float
            Sampling rate in Hz. All times scale with the sample: at 500 Hz the limit is 2 s.
        """
        scale = 100.0 / rate
        return cls(np.full((n_stations, n_stations), 10.0 * scale), tolerance=scale, apart=scale)

    @classmethod
    def between(
        cls, latitude: FloatArray, longitude: FloatArray, rate: float, *, slowest_km_s: float = SLOWEST_P_KM_S
    ) -> Moveout:
        """Derive the limits from the stations' places; a place that is NaN has the limit of unknown places.

        Parameters
        ----------
        latitude, longitude : ndarray, shape (n_stations,)
            In degrees.
        rate : float
            Sampling rate in Hz, with which the error of a pick scales.
        slowest_km_s : float
            Slowest velocity of P along the ground in km/s.
        """
        return cls.over(distances_km(latitude, longitude), rate, slowest_km_s)

    @classmethod
    def over(cls, apart_km: FloatArray, rate: float, slowest_km_s: float) -> Moveout:
        """Derive the limits from the distances between stations.

        Parameters
        ----------
        apart_km : ndarray, shape (n_stations, n_stations)
            Distances in km; NaN where they are not known.
        rate, slowest_km_s
            As for `between`.
        """
        unknown = cls.unknown(len(apart_km), rate)
        limit = apart_km / slowest_km_s + unknown.tolerance / 2
        return replace(unknown, travel_limit=np.where(np.isfinite(limit), limit, unknown.travel_limit))

    def between_sites(self, sites: Sequence[str]) -> Moveout:
        """Return the same limits, but that stations of one site never agree: a footstep there is felt by both."""
        names = np.asarray(sites)
        same = (names[:, None] == names) & ~np.eye(len(names), dtype=bool)
        return replace(self, travel_limit=np.where(same, NEVER, self.travel_limit))

    @property
    def origin_tolerance(self) -> float:
        """Return the largest difference of two stations' origin times in s."""
        return self.tolerance / (self.vp_vs - 1)


def paired(p: FloatArray, s: FloatArray, s_minus_p: tuple[float, float]) -> Pairs:
    """Pair every P of a station with the S that may belong to it.

    Parameters
    ----------
    p, s : ndarray, shape (n_onsets, 2)
        Time in s after the recording's start and probability, in any order.
    s_minus_p : tuple of float
        Least and largest S - P time in s.

    Returns
    -------
    Pairs
        For each P at most the six most probable S.
    """
    p, s = (np.asarray(onsets, float).reshape(-1, 2) for onsets in (p, s))
    p, s = (onsets[np.argsort(onsets[:, 0], kind="stable")] for onsets in (p, s))
    first = np.searchsorted(s[:, 0], p[:, 0] + s_minus_p[0], side="left")
    end = np.searchsorted(s[:, 0], p[:, 0] + s_minus_p[1], side="right")
    of_p, of_s = expanded(first, end)
    by_worth = np.lexsort((-s[of_s, 1], of_p))
    of_p, of_s = of_p[by_worth], of_s[by_worth]
    place = np.arange(len(of_p)) - np.searchsorted(of_p, of_p, side="left")
    best = place < MAX_S_OF_A_P
    of_p, of_s = of_p[best], of_s[best]
    return Pairs(p[of_p, 0], s[of_s, 0], p[of_p, 1], s[of_s, 1])


def distances_km(latitude: FloatArray, longitude: FloatArray) -> FloatArray:
    """Return distances over the ground between all points, shape (n, n), in km."""
    phi, lam = np.radians(np.asarray(latitude, float)), np.radians(np.asarray(longitude, float))
    dphi, dlam = phi[:, None] - phi, lam[:, None] - lam
    haversine = np.sin(dphi / 2) ** 2 + np.cos(phi)[:, None] * np.cos(phi) * np.sin(dlam / 2) ** 2
    return 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(haversine, 0, 1)))


def expanded(first: IndexArray, end: IndexArray) -> tuple[IndexArray, IndexArray]:
    """Return row and column of every element of the ranges first:end."""
    counts = np.maximum(end - first, 0)
    rows = np.repeat(np.arange(len(first)), counts)
    return rows, np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts) + first[rows]
