"""Faults as patches: positions, orientations, neighbours and rake limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from selfseis.errors import InputError
from selfseis.geo.projection import LocalMap, wrapped
from selfseis.inversion import Graph
from selfseis.slip.options import FaultOptions
from selfseis.typing import FloatArray, IntArray


@dataclass(frozen=True)
class Rectangle:
    """A plane piece of a fault.

    Attributes
    ----------
    longitude, latitude, depth_km : float
        Position of its centre.
    strike, dip : float
        In degrees; the fault dips to the right of its strike.
    length_km, width_km : float
        Along strike and along dip.
    """

    longitude: float
    latitude: float
    depth_km: float
    strike: float
    dip: float
    length_km: float
    width_km: float


@dataclass(frozen=True)
class Fault:
    """Patches with three or four corners.

    Attributes
    ----------
    corners : tuple of ndarray, shape (3 or 4, 3)
        Longitude, latitude and depth in km (positive down) of the corners of each patch, in order around it.
    strike, dip : ndarray, shape (n_patches,)
        In degrees.
    rake_min, rake_max : ndarray, shape (n_patches,)
        Limits of the rake in degrees; NaN if unknown.
    segment : ndarray of int, shape (n_patches,)
    notes : tuple of str
        Assumptions made in reading.
    """

    corners: tuple[FloatArray, ...]
    strike: FloatArray
    dip: FloatArray
    rake_min: FloatArray
    rake_max: FloatArray
    segment: IntArray
    notes: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def of_rectangles(
        cls,
        rectangles: Sequence[Rectangle],
        rake_min: FloatArray,
        rake_max: FloatArray,
        segment: IntArray,
        notes: tuple[str, ...] = (),
    ) -> Fault:
        """Return a fault of rectangular patches."""
        return cls(
            tuple(corners_of(rectangle) for rectangle in rectangles),
            np.array([rectangle.strike for rectangle in rectangles]) % 360,
            np.array([rectangle.dip for rectangle in rectangles]),
            np.asarray(rake_min, float), np.asarray(rake_max, float), np.asarray(segment), notes,
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.corners)

    @cached_property
    def local_map(self) -> LocalMap:
        """The flat map about the fault."""
        every = np.concatenate(self.corners)
        longitude = wrapped(every[:, 0], every[0, 0])
        return LocalMap(float(longitude.mean()), float(every[:, 1].mean()))

    @cached_property
    def outlines_km(self) -> tuple[FloatArray, ...]:
        """Corners as east, north, up in km."""
        every = np.concatenate(self.corners)
        placed = np.column_stack([self.local_map.to_km(every[:, 0], every[:, 1]), -every[:, 2]])
        return tuple(np.split(placed, np.cumsum([len(corner) for corner in self.corners])[:-1]))

    @cached_property
    def centres_km(self) -> FloatArray:
        """Centres as east, north, up in km; (n_patches, 3)."""
        return np.array([outline.mean(axis=0) for outline in self.outlines_km])

    @cached_property
    def centres(self) -> FloatArray:
        """Longitude, latitude and depth in km of the centres; (n_patches, 3)."""
        longitude, latitude = self.local_map.to_degrees(self.centres_km[:, :2])
        return np.column_stack([longitude, latitude, -self.centres_km[:, 2]])

    @cached_property
    def area_km2(self) -> FloatArray:
        """Area of each patch; (n_patches,)."""
        return np.array([_area(outline) for outline in self.outlines_km])

    @property
    def top_km(self) -> FloatArray:
        """Depth of the upper edge of each patch; (n_patches,)."""
        return np.array([corner[:, 2].min() for corner in self.corners])

    @property
    def size_km(self) -> float:
        """Largest extent."""
        every = np.concatenate(self.outlines_km)
        return float(np.linalg.norm(every.max(axis=0) - every.min(axis=0)))

    @cached_property
    def in_plane_km(self) -> FloatArray:
        """Distance along the mean strike and down the mean dip of each centre; (n_patches, 2)."""
        centred = self.centres_km - self.centres_km.mean(axis=0)
        along, down = directions(mean_angle(self.strike, self.area_km2), float(np.median(self.dip)))
        return np.stack([centred @ along, centred @ down], axis=1)

    def graph(self, options: FaultOptions = FaultOptions()) -> Graph:
        """Return neighbouring patches, and the length of their common edge."""
        rectangular = all(len(corner) == 4 for corner in self.corners)
        edges, faces = _touching_rectangles(self, options) if rectangular else _shared_edges(self)
        if not edges.size:
            return Graph(self.area_km2, np.zeros((0, 2), int), np.zeros(0))
        distance = np.linalg.norm(self.centres_km[edges[:, 0]] - self.centres_km[edges[:, 1]], axis=1)
        return Graph(self.area_km2, edges, faces / np.maximum(distance, 1e-6))

    def take(self, patches: IntArray) -> Fault:
        """Return some of the patches, on the map of the whole fault."""
        part = replace(
            self, corners=tuple(self.corners[patch] for patch in patches), strike=self.strike[patches],
            dip=self.dip[patches], rake_min=self.rake_min[patches], rake_max=self.rake_max[patches],
            segment=self.segment[patches],
        )  # fmt: skip
        part.__dict__["local_map"] = self.local_map
        return part

    def with_rakes(self, rake_min: FloatArray, rake_max: FloatArray) -> Fault:
        """Return the fault with other limits of the rake."""
        return replace(self, rake_min=np.asarray(rake_min, float), rake_max=np.asarray(rake_max, float))


def directions(strike: float, dip: float) -> tuple[FloatArray, FloatArray]:
    """Return the unit vectors along strike and down dip as east, north, up."""
    strike, dip = np.radians(strike), np.radians(dip)
    along = np.array([np.sin(strike), np.cos(strike), 0.0])
    down = np.array([np.cos(strike) * np.cos(dip), -np.sin(strike) * np.cos(dip), -np.sin(dip)])
    return along, down


def corners_of(rectangle: Rectangle) -> FloatArray:
    """Return longitude, latitude and depth of the corners: upper edge along strike, then the lower one back."""
    along, down = directions(rectangle.strike, rectangle.dip)
    along, down = along * rectangle.length_km / 2, down * rectangle.width_km / 2
    offsets = np.array([-along - down, along - down, along + down, -along + down])
    local = LocalMap(rectangle.longitude, rectangle.latitude)
    longitude, latitude = local.to_degrees(offsets[:, :2])
    return np.column_stack([longitude, latitude, rectangle.depth_km - offsets[:, 2]])


def checked(fault: Fault, name: str, options: FaultOptions = FaultOptions()) -> Fault:
    """Check the geometry of a fault, and lower it as a whole if it reaches above the surface.

    Raises
    ------
    InputError
        If there is no patch, or if a coordinate is impossible.
    """
    if not len(fault):
        raise InputError(f"{name} holds no fault patch: give rectangles, triangles or an .fsp file")
    every = np.concatenate(fault.corners)
    angles = np.concatenate(
        [fault.strike, fault.dip, np.nan_to_num(fault.rake_min), np.nan_to_num(fault.rake_max)]
    )
    if not np.isfinite(angles).all() or np.abs(angles).max() > 1080:
        raise InputError(f"{name}: a strike, dip or rake is impossible: give degrees")
    if not np.isfinite(every).all() or np.abs(every[:, 1]).max() > 90 or np.abs(every[:, 0]).max() > 720:
        raise InputError(f"{name}: a corner of the fault has an impossible longitude, latitude or depth")
    if every[:, 2].max() > 800:
        raise InputError(
            f"{name}: the fault reaches a depth of {every[:, 2].max():,.0f} km: give depths in km"
        )
    if fault.area_km2.min() <= 0:
        raise InputError(
            f"{name}: {int((fault.area_km2 <= 0).sum())} patches have no area: correct or remove them"
        )
    above = fault.top_km < 0
    if not above.any():
        return fault
    height = -float(fault.top_km.min())
    if height > options.max_above_km:
        raise InputError(
            f"{name}: {int(above.sum())} patches reach up to {height:.3g} km above the surface: depths are positive "
            "downwards, in km"
        )
    lowered = tuple(corner + np.array([0, 0, height]) for corner in fault.corners)
    note = f"{int(above.sum())} patches reached up to {height:.2f} km above the surface: the fault lowered by as much"
    return replace(fault, corners=lowered, notes=(*fault.notes, note))


def rake_basis(fault: Fault) -> FloatArray:
    """Return the directions of non-negative slip: the two limits of the rake, or the single rake.

    Returns
    -------
    ndarray, shape (n_fields, n_patches, 2)
        Components along strike and up dip.
    """
    limits = (
        [fault.rake_min] if np.allclose(fault.rake_min, fault.rake_max) else [fault.rake_min, fault.rake_max]
    )
    radians = np.radians(np.array(limits))
    return np.stack([np.cos(radians), np.sin(radians)], axis=-1)


def limited_rakes(fault: Fault, options: FaultOptions = FaultOptions()) -> tuple[Fault, int]:
    """Narrow rake limits that are too far apart; return the fault and the number of narrowed patches.

    Slip is a sum of non-negative slip along two directions, so the limits must be less than 180 degrees apart.
    """
    width = (fault.rake_max - fault.rake_min) % 360
    width = np.where((width == 0) & (fault.rake_max != fault.rake_min), 360, width)
    too_wide = width > options.max_rake_range
    middle = fault.rake_min + width / 2
    half = np.where(too_wide, options.max_rake_range, width) / 2
    return fault.with_rakes(middle - half, middle + half), int(too_wide.sum())


def _area(outline: FloatArray) -> float:
    spokes = outline[1:] - outline[0]
    normals = np.cross(spokes[:-1], spokes[1:])
    return float(np.linalg.norm(normals, axis=1).sum() / 2)


def mean_angle(degrees: FloatArray, weight: FloatArray) -> float:
    """Return the weighted circular mean of directions in degrees."""
    radians = np.radians(degrees)
    return float(np.degrees(np.arctan2(weight @ np.sin(radians), weight @ np.cos(radians))))


def _touching_rectangles(fault: Fault, options: FaultOptions) -> tuple[IntArray, FloatArray]:
    """Return pairs of rectangles one patch apart along strike or dip, and the length of their common edge."""
    outlines = np.array(fault.outlines_km)
    lengths = np.linalg.norm(outlines[:, 1] - outlines[:, 0], axis=1)
    widths = np.linalg.norm(outlines[:, 2] - outlines[:, 1], axis=1)
    edges, faces = [], []
    for one in range(len(fault)):
        along, down = directions(fault.strike[one], fault.dip[one])
        away = fault.centres_km - fault.centres_km[one]
        steps = np.abs(np.stack([away @ along, away @ down], axis=1))
        steps /= np.stack([lengths + lengths[one], widths + widths[one]], axis=1) / 2
        adjacent = (
            np.linalg.norm(away, axis=1)
            < options.max_patch_distance
            * (np.hypot(lengths, widths) + np.hypot(lengths[one], widths[one]))
            / 2
        )
        bend = np.abs((fault.strike - fault.strike[one] + 180) % 360 - 180)
        near = (steps.sum(axis=1) < options.max_patch_distance) & adjacent & (bend < options.max_bend)
        for other in np.flatnonzero(near & (np.arange(len(fault)) > one)):
            is_along = steps[other, 0] > steps[other, 1]
            edges.append((one, int(other)))
            faces.append(min(widths[one], widths[other]) if is_along else min(lengths[one], lengths[other]))
    return np.array(edges, int).reshape(-1, 2), np.array(faces, float)


def _shared_edges(fault: Fault) -> tuple[IntArray, FloatArray]:
    """Return pairs of patches of a mesh with two common corners, and the distance between these."""
    owner: dict[frozenset[tuple[float, ...]], list[int]] = {}
    for patch, outline in enumerate(fault.outlines_km):
        points = [tuple(np.round(point, 2)) for point in outline]
        for first, second in zip(points, points[1:] + points[:1], strict=True):
            owner.setdefault(frozenset((first, second)), []).append(patch)
    shared = {
        tuple(patches): np.array(list(ends))
        for ends, patches in owner.items()
        if len(patches) == 2 and len(ends) == 2
    }
    faces = [float(np.linalg.norm(ends[1] - ends[0])) for ends in shared.values()]
    return np.array(list(shared), int).reshape(-1, 2), np.array(faces, float)
