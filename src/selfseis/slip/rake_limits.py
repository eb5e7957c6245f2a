"""Which way the fault may slip: the limits that were given, or those that the data suggest."""

from __future__ import annotations

import numpy as np

from selfseis.slip.fault import Fault, limited_rakes
from selfseis.slip.greens import displacement_along
from selfseis.slip.problem import Observations

MARGIN = 45.0


def settle_rakes(fault: Fault, observations: Observations) -> tuple[Fault, list[str]]:
    """Return the fault with usable rake limits, and what was assumed.

    Where no limits are known, the rake of uniform slip on the segment that fits the data best, ± 45 degrees.

    Parameters
    ----------
    fault : Fault
    observations : Observations
    """
    notes = []
    unknown = ~(np.isfinite(fault.rake_min) & np.isfinite(fault.rake_max))
    if unknown.any():
        rakes = _best_uniform_rakes(fault, observations)
        fault = fault.with_rakes(
            np.where(unknown, rakes - MARGIN, fault.rake_min),
            np.where(unknown, rakes + MARGIN, fault.rake_max),
        )
        said = ", ".join(f"{rake:.0f}" for rake in np.unique(np.round(rakes[unknown])))
        notes.append(f"no rake limits: {said} ± {MARGIN:.0f} degrees, from uniform slip that fits best")
    fault, n_narrowed = limited_rakes(fault)
    if n_narrowed:
        notes.append(f"rake limits more than 170 degrees apart: narrowed on {n_narrowed} patches")
    return fault, notes


def _best_uniform_rakes(fault: Fault, observations: Observations) -> np.ndarray:
    """Rake of each patch, from uniform slip along strike and up dip on each segment; (n_patches,)."""
    along = displacement_along(fault, observations.places_km, observations.direction)
    segments = np.unique(fault.segment)
    columns = np.concatenate([along[:, fault.segment == segment].sum(axis=1) for segment in segments], axis=1)
    weight = 1 / observations.sd
    found = np.linalg.lstsq(columns * weight[:, None], observations.values * weight, rcond=None)[0].reshape(
        -1, 2
    )
    rakes = np.degrees(np.arctan2(found[:, 1], found[:, 0]))
    return np.asarray(rakes[np.searchsorted(segments, fault.segment)])
