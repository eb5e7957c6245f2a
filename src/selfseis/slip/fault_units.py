"""Units of fault geometry: lengths and depths whose names state none, and third coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from selfseis.geo.projection import LocalMap
from selfseis.io.tables import is_number, number_of
from selfseis.slip.options import FaultOptions
from selfseis.typing import FloatArray

WITHOUT_UNIT = {
    "length_km": ("length", "len"),
    "width_km": ("width", "wid"),
    "top_depth_km": ("top_depth", "depth_top", "ztop", "z_top"),
}
DEEP_KM = 80.0  # faults below are not taller than they are long


def km_without_unit(features: Sequence[dict[str, Any]], notes: list[str], options: FaultOptions) -> float:
    """Return km per unit of lengths, widths and depths whose names state none: 1, or 0.001 if km are impossible."""
    limits = {
        "length_km": options.max_length_km, "width_km": options.max_width_km, "top_depth_km": options.max_depth_km,
    }  # fmt: skip
    for name, limit in limits.items():
        values = [
            number_of(str(value))
            for properties in features
            for key, value in properties.items()
            if str(key).lower() in WITHOUT_UNIT[name] and is_number(str(value))
        ]
        if values and float(np.median(np.abs(values))) > limit:
            notes.append(f"{name[:-3].replace('_', ' ')} of {values[0]:g} cannot be km: lengths, widths and depths "
                         "without a unit are read as metres")  # fmt: skip
            return 0.001
    return 1.0


@dataclass(frozen=True)
class Vertical:
    """Meaning of the third coordinates of a file: km of depth per unit, negative for heights."""

    km: float

    @classmethod
    def of(cls, geometries: Sequence[Any], notes: list[str], options: FaultOptions) -> Vertical:
        """Decide for the whole file whether third coordinates are depths or heights, and km or metres.

        Patches that would be far taller than long in km are in metres.
        """
        rings = [ring for geometry in geometries for ring in _rings(geometry)]
        if not rings:
            return cls(1.0)
        heights = np.concatenate([ring[:, 2] for ring in rings])
        sign = -1.0 if np.median(heights) < 0 else 1.0
        aspects = [aspect for ring in rings if (aspect := _aspect(ring)) > 0]
        is_deep = float(np.median(np.abs(heights))) > DEEP_KM
        max_aspect = options.max_deep_aspect if is_deep else options.max_patch_aspect
        tall = bool(aspects) and float(np.median(aspects)) > max_aspect
        in_metres = tall or float(np.median(np.abs(heights))) > options.max_depth_km
        if sign < 0:
            notes.append("negative third coordinates are heights: depth is positive")
        if in_metres:
            notes.append("third coordinates are metres: in km the patches would be too tall or too deep")
        return cls(sign * (0.001 if in_metres else 1.0))


def _rings(geometry: Any) -> list[FloatArray]:
    """Return the outlines with third coordinates; what is no outline is refused later."""
    if not isinstance(geometry, dict) or geometry.get("type") not in ("Polygon", "MultiPolygon"):
        return []
    try:
        outer = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
        rings = [np.array(part[0], float) for part in outer]
    except (ValueError, TypeError, KeyError, IndexError, OverflowError):
        return []
    return [ring for ring in rings if ring.ndim == 2 and ring.shape[1] > 2 and _is_possible(ring)]


def _is_possible(ring: FloatArray) -> bool:
    return bool(
        np.isfinite(ring).all() and np.abs(ring[:, 0]).max() <= 360 and np.abs(ring[:, 1]).max() <= 90
    )


def _aspect(ring: FloatArray) -> float:
    """Return the vertical extent of an outline, in its own unit, over its horizontal extent in km."""
    places = LocalMap(*ring[:, :2].mean(axis=0)).to_km(ring[:, 0], ring[:, 1])
    across = float(np.linalg.norm(np.ptp(places, axis=0)))
    return float(np.ptp(ring[:, 2])) / max(across, 1e-6)
