"""First arrivals from a ray table: the earliest ray of each arrival and its travel time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfseis.geo.sphere import EARTH_RADIUS_KM
from selfseis.traveltimes.ray_table import RayTable
from selfseis.typing import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Rays:
    """Rays and travel times of arrivals.

    Attributes
    ----------
    number : ndarray of int, shape (n,)
        Row of the table; -1 without a ray.
    leaves_upwards : ndarray of bool, shape (n,)
        True if the ray goes up from the source without a turning point.
    time : ndarray, shape (n,)
        Travel time in s at the exact distance; NaN without a ray.
    """

    number: IntArray
    leaves_upwards: BoolArray
    time: FloatArray


@dataclass(frozen=True)
class _Branch:
    """Consecutive rays of one source depth, with the distances and times at which they reach the surface."""

    number: IntArray
    distance: FloatArray
    time: FloatArray
    upwards: BoolArray


def find_rays(table: RayTable, depth_km: FloatArray, distance: FloatArray, phase: NDArray[np.str_]) -> Rays:
    """Find the ray of each arrival.

    Parameters
    ----------
    table : RayTable
        Table of the wave type of all phases.
    depth_km : ndarray, shape (n,)
        Depths of the sources in km, rounded to 0.1 km, and to 0.5 km from 50 km on.
    distance : ndarray, shape (n,)
        Angular distances in radians.
    phase : ndarray of str, shape (n,)
        Canonical phases. An arrival has no ray if no ray of its phase reaches the surface.

    Returns
    -------
    Rays
    """
    n = len(distance)
    number, upwards, time = np.full(n, -1), np.zeros(n, bool), np.full(n, np.nan)
    step = np.where(depth_km < 50, 0.1, 0.5)
    rounded = np.round(depth_km.clip(min=0.0) / step) * step
    kind = np.array([name[1:2] if name[1:2] in "ngc" else "" for name in phase])
    is_local = distance < np.radians(table.options.max_local_deg)
    keys = np.stack([rounded, np.searchsorted(["", "c", "g", "n"], kind).astype(float), is_local])
    unique, group = np.unique(keys, axis=1, return_inverse=True)
    order = np.argsort(group.ravel(), kind="stable")
    starts = np.searchsorted(group.ravel()[order], np.arange(unique.shape[1] + 1))
    for g in range(unique.shape[1]):
        rows = order[starts[g] : starts[g + 1]]
        found = _find(table, float(unique[0, g]), distance[rows], str(kind[rows[0]]), bool(is_local[rows[0]]))
        number[rows], upwards[rows], time[rows] = found
    return Rays(number, upwards, time)


def _find(
    table: RayTable, depth: float, distance: FloatArray, kind: str, is_local: bool
) -> tuple[IntArray, BoolArray, FloatArray]:
    """Find the earliest ray on a fine grid of distances, with linear extrapolation from the grid to the station."""
    step = np.radians(table.options.local_step_deg if is_local else table.options.far_step_deg)
    grid_time = np.full(int(distance.max() / step) + 3, np.inf)
    grid_ray = np.full(len(grid_time), -1)
    for branch in _branches(table, depth, kind):
        _rasterise(table, branch, step, grid_time, grid_ray)
    below = np.floor(distance / step).astype(int)
    neighbours = np.stack([below, below + 1])
    tangent = grid_time[neighbours] + table.p[np.abs(grid_ray[neighbours]) // 2] * (
        distance - neighbours * step
    )
    chosen = np.argmin(tangent, axis=0)
    coded = np.take_along_axis(grid_ray[neighbours], chosen[None], 0)[0]
    time = np.take_along_axis(tangent, chosen[None], 0)[0]
    found = np.isfinite(time) & (coded >= 0)
    return np.where(found, coded // 2, -1), found & (coded % 2 == 1), np.where(found, time, np.nan)


def _branches(table: RayTable, depth: float, kind: str) -> Iterator[_Branch]:
    """Yield the branches of a phase: upgoing and turning rays with the link between them, or core reflections."""
    angle, time = table.up_to(EARTH_RADIUS_KM - depth)
    whole_angle, whole_time = table.angle[:, -1], table.time[:, -1]
    moho = EARTH_RADIUS_KM - table.reference.moho_km
    comes = np.isfinite(angle) & np.isfinite(whole_angle)
    if kind == "c":
        yield _branch(comes & table.reflects_at_core, whole_angle + angle, whole_time + time, upwards=False)
        return
    turning = comes & table.turns
    rising = comes & (kind != "n" or EARTH_RADIUS_KM - depth < moho)
    if kind == "n":
        turning &= table.bottom < moho
    elif kind == "g":
        turning &= table.bottom >= moho
        rising &= EARTH_RADIUS_KM - depth >= moho
    up = _branch(rising, whole_angle - angle, whole_time - time, upwards=True)
    down = _branch(turning, whole_angle + angle, whole_time + time, upwards=False)
    yield up
    yield down
    if up.number.size and down.number.size and up.number[-1] == down.number[-1]:
        yield _Branch(
            np.array([up.number[-1], down.number[-1]]),
            np.array([up.distance[-1], down.distance[-1]]),
            np.array([up.time[-1], down.time[-1]]),
            np.array([True, False]),
        )


def _branch(allowed: BoolArray, distance: FloatArray, time: FloatArray, *, upwards: bool) -> _Branch:
    rows = np.flatnonzero(allowed)
    return _Branch(rows, distance[rows], time[rows], np.full(rows.size, upwards))


def _rasterise(
    table: RayTable, branch: _Branch, step: float, grid_time: FloatArray, grid_ray: IntArray
) -> None:
    """Interpolate times between neighbouring rays onto the grid, and keep the earliest."""
    if branch.number.size < 2:
        return
    first, second = branch.distance[:-1], branch.distance[1:]
    turns = table.turns[branch.number]
    near = (np.abs(second - first) < np.radians(table.options.branch_gap_deg)) & (np.diff(branch.number) <= 1)
    near &= branch.upwards[0] | (turns[1:] == turns[:-1])
    low = np.ceil(np.minimum(first, second) / step).astype(int)
    high = np.floor(np.maximum(first, second) / step).astype(int).clip(max=len(grid_time) - 1)
    count = np.where(near, (high - low + 1).clip(min=0), 0)
    segment = np.repeat(np.arange(len(count)), count)
    if segment.size == 0:
        return
    cell = low[segment] + np.arange(segment.size) - np.repeat(np.cumsum(count) - count, count)
    span = second - first
    share = np.divide(
        cell * step - first[segment], span[segment], out=np.zeros(segment.size), where=span[segment] != 0
    )
    p_first, p_second = table.p[branch.number[:-1]][segment], table.p[branch.number[1:]][segment]
    p_here = p_first + share * (p_second - p_first)
    time = branch.time[:-1][segment] + (cell * step - first[segment]) * (p_first + p_here) / 2
    nearer = np.where(share < 0.5, segment, segment + 1)
    coded = 2 * branch.number[nearer] + branch.upwards[nearer]
    order = np.lexsort((-time, cell))
    last = np.append(np.diff(cell[order]) > 0, True)  # the earliest of each cell
    best = order[last]
    earlier = time[best] < grid_time[cell[best]]
    grid_time[cell[best][earlier]], grid_ray[cell[best][earlier]] = time[best][earlier], coded[best][earlier]
