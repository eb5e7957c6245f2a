"""Seismic moment: rigidity, magnitude with its interval, and moment by depth."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from selfseis.slip.fault import Fault
from selfseis.slip.options import MomentOptions
from selfseis.typing import FloatArray

CRUST = np.array([[0.0, 32.6e9], [20.0, 43.3e9], [35.0, 66.6e9], [120.0, 68.5e9], [210.0, 73.4e9]])
"""Depth (km) of the top and rigidity (Pa) of the layers of ak135.

Kennett, Engdahl and Buland (1995), doi:10.1111/j.1365-246X.1995.tb03540.x.
"""


@dataclass(frozen=True)
class Magnitude:
    """Moment magnitude with its interval.

    Attributes
    ----------
    value, low, high : float
        Mw: of the best model, and the interval (90% by default).
    moment_nm : float
        Moment of the best model in N m.
    """

    value: float
    low: float
    high: float
    moment_nm: float


def rigidity_of(
    fault: Fault,
    layers: FloatArray | None = None,
    constant_pa: float | None = None,
    options: MomentOptions = MomentOptions(),
) -> FloatArray:
    """Return the rigidity at each patch in Pa; (n_patches,).

    Parameters
    ----------
    fault : Fault
    layers : ndarray, shape (n_layers, 2), optional
        Depth of the top in km and rigidity in Pa; by default ak135. Layers softer than the minimum of the options
        are skipped, because the moment in soft sediments is negligible.
    constant_pa : float, optional
        Uniform rigidity.
    options : MomentOptions
    """
    if constant_pa is not None:
        return np.full(len(fault), constant_pa)
    table = CRUST if layers is None else layers
    table = table[table[:, 1] >= options.min_rigidity_pa]
    table = table if len(table) else CRUST
    place = np.searchsorted(table[:, 0], fault.centres[:, 2], side="right") - 1
    return np.asarray(table[np.maximum(place, 0), 1])


def magnitude_of(moment_nm: FloatArray | float) -> FloatArray:
    """Return Mw of a moment in N m (Hanks and Kanamori, 1979)."""
    return np.asarray(2 / 3 * (np.log10(np.maximum(moment_nm, 1e-9)) - 9.1))


def doubtful_magnitude(magnitude: float, fault: Fault, options: MomentOptions = MomentOptions()) -> str:
    """Return the reason why a magnitude does not fit the area of its fault; empty if it does.

    Ruptures of an area of A km2 have magnitudes of about 4 + log10(A), for a stress drop of 3 MPa (Hanks and Bakun,
    2002, doi:10.1785/0120010148). The fault may be larger than the rupture, so that a small magnitude is no fault.

    Parameters
    ----------
    magnitude : float
        Mw.
    fault : Fault
    options : MomentOptions

    Examples
    --------
    >>> import numpy as np
    >>> from selfseis.slip import Fault, Rectangle
    >>> from selfseis.slip.moment import doubtful_magnitude
    >>> zero = np.zeros(1)
    >>> fault = Fault.of_rectangles([Rectangle(0, 0, 10, 0, 90, 20, 10)], zero, zero, zero.astype(int))
    >>> doubtful_magnitude(6.3, fault)
    ''
    >>> doubtful_magnitude(8.1, fault)[:29]
    'Mw 8.1 is too large for a fau'
    """
    area = float(fault.area_km2.sum())
    usual = 4 + float(np.log10(area))
    if magnitude > usual + options.max_excess:
        return (
            f"Mw {magnitude:.1f} is too large for a fault of {area:,.0f} km2, whose ruptures have about {usual:.1f}: "
            "check the unit of the displacements and of the fault"
        )
    if magnitude < options.min_magnitude:
        return f"Mw {magnitude:.1f}: the data need no slip on this fault; check units and places"
    return ""


def magnitude_with_interval(
    slip: FloatArray,
    samples: FloatArray,
    fault: Fault,
    rigidity: FloatArray,
    seed: int = 0,
    options: MomentOptions = MomentOptions(),
) -> Magnitude:
    """Return Mw and its interval, which includes errors of rigidity and of layering.

    Parameters
    ----------
    slip : ndarray, shape (n_patches,)
        Of the best model in m.
    samples : ndarray, shape (n_samples, n_patches)
        Draws from the posterior.
    fault : Fault
    rigidity : ndarray, shape (n_patches,)
    seed : int
    options : MomentOptions
    """
    per_metre = rigidity * fault.area_km2 * 1e6
    moment = float(per_metre @ slip)
    rng = np.random.default_rng(seed)
    # Each draw of slip is combined with many draws of rigidity, so that the interval does not depend on their pairing.
    relative_error = np.hypot(options.rigidity_error, options.layering_error)
    factors = np.exp(relative_error * rng.standard_normal(options.n_rigidities))
    drawn = magnitude_of(np.outer(samples @ per_metre, factors))
    low, high = np.quantile(drawn, [(1 - options.level) / 2, (1 + options.level) / 2])
    best = float(magnitude_of(moment))
    return Magnitude(best, float(min(low, best)), float(max(high, best)), moment)


def moment_by_depth(
    slip: FloatArray,
    samples: FloatArray,
    fault: Fault,
    rigidity: FloatArray,
    options: MomentOptions = MomentOptions(),
) -> list[dict[str, float]]:
    """Return the moment in slices of depth, with the 68% interval of each.

    Parameters
    ----------
    slip : ndarray, shape (n_patches,)
    samples : ndarray, shape (n_samples, n_patches)
    fault : Fault
    rigidity : ndarray, shape (n_patches,)
    options : MomentOptions
    """
    per_metre = rigidity * fault.area_km2 * 1e6
    tops, bottoms = fault.top_km, np.array([corner[:, 2].max() for corner in fault.corners])
    edges = np.linspace(tops.min(), max(bottoms.max(), tops.min() + 0.1), options.n_depth_bins + 1)
    rows = []
    for top, bottom in pairwise(edges):
        # A patch contributes to each slice the share of its depth range in that slice.
        overlap = np.minimum(bottoms, bottom) - np.maximum(tops, top)
        share = np.clip(overlap / np.maximum(bottoms - tops, 1e-6), 0, 1) * per_metre
        low, high = np.quantile(samples @ share, [0.16, 0.84])
        rows.append(
            {
                "top_km": float(top),
                "bottom_km": float(bottom),
                "moment_nm": (best := float(slip @ share)),
                "low": min(float(low), best),
                "high": max(float(high), best),
            }
        )
    return rows
