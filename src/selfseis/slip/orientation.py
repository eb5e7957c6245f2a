"""Strike and dip of patches from their corners, with one hanging wall along a steep fault."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from selfseis.geo.projection import LocalMap
from selfseis.slip.fault import mean_angle
from selfseis.slip.options import FaultOptions
from selfseis.typing import FloatArray, IntArray

MAX_SKEW = 0.03  # of the diagonal


def is_skewed(corners: FloatArray) -> bool:
    """Return whether four corners are far from a parallelogram, as when one of them is wrong."""
    if len(corners) != 4:
        return False
    local = LocalMap(*corners[:, :2].mean(axis=0))
    points = np.column_stack([local.to_km(corners[:, 0], corners[:, 1]), corners[:, 2]])
    off = np.linalg.norm(points[0] - points[1] + points[2] - points[3])
    return bool(off > MAX_SKEW * np.linalg.norm(points[2] - points[0]))


def orientation(corners: FloatArray, known: dict[str, Any]) -> tuple[float, float]:
    """Return strike and dip from the corners; a level patch has the given strike."""
    local = LocalMap(*corners[:, :2].mean(axis=0))
    points = np.column_stack([local.to_km(corners[:, 0], corners[:, 1]), -corners[:, 2]])
    normal = np.cross(points[1] - points[0], points[2] - points[0])
    normal = normal / max(float(np.linalg.norm(normal)), 1e-12)
    normal = normal if normal[2] > 0 else -normal
    dip = math.degrees(math.acos(min(float(normal[2]), 1.0)))
    if dip < 0.1 and math.isfinite(known["strike"]):
        return known["strike"], dip
    return math.degrees(math.atan2(-normal[1], normal[0])), dip


def consistent(
    strike: FloatArray, dip: FloatArray, stated: FloatArray, segment: IntArray, options: FaultOptions
) -> tuple[FloatArray, FloatArray]:
    """Give the steep patches of a segment one strike, so that neighbours have the same hanging wall.

    A patch that dips the other way then has a dip of more than 90 degrees. Its rake and its slip up the dip have the
    sense of its neighbours. The stated strike of a patch counts, or else the common strike of its segment.
    """
    strike, dip = strike.copy(), dip.copy()
    for one in np.unique(segment):
        steep = (segment == one) & (dip > options.min_consistent_dip)
        if not steep.any():
            continue
        doubled = mean_angle(2 * strike[steep], np.ones(int(steep.sum()))) / 2
        votes = np.cos(np.radians(strike[steep] - doubled))
        common = doubled if np.sum(np.sign(votes) * np.cos(np.radians(dip[steep]))) >= 0 else doubled + 180
        wanted = np.where(np.isfinite(stated), stated, common)
        reversed_ = steep & (np.cos(np.radians(strike - wanted)) < 0)
        strike[reversed_] += 180
        dip[reversed_] = 180 - dip[reversed_]
    return strike, dip


def note_mismatch(
    strike: FloatArray, dip: FloatArray, stated: FloatArray, notes: list[str], options: FaultOptions
) -> None:
    """Note patches whose stated strike or dip differs from that of their corners."""
    turn = np.abs((strike - stated[:, 0] + 180) % 360 - 180)
    turn = np.where(dip < 1, 0, turn)
    wrong = (turn > options.max_mismatch) | (np.abs(dip - stated[:, 1]) > options.max_mismatch)
    if wrong.any():
        notes.append(
            f"stated strike or dip of {int(wrong.sum())} patches differs by more than {options.max_mismatch:g} degrees "
            "from that of their corners, which count"
        )
