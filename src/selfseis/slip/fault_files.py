"""Readers of fault geometry: GeoJSON and tables of rectangles, triangles or patches of published models."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from selfseis.errors import InputError
from selfseis.geo.projection import LocalMap
from selfseis.io.tables import read_columns, read_text, required
from selfseis.slip.fault import Fault, Rectangle, corners_of, directions
from selfseis.slip.options import FaultOptions
from selfseis.typing import FloatArray

PLACES = {"lon": ("lon", "longitude", "top_lon"), "lat": ("lat", "latitude", "top_lat")}
NAMES = {
    "strike": ("strike", "strike_deg", "azimuth", "str"),
    "dip": ("dip", "dip_deg"),
    "length_km": ("length_km", "length", "len_km", "l_km"),
    "width_km": ("width_km", "width", "wid_km", "w_km"),
    "top_depth_km": ("top_depth_km", "top_depth", "depth_top_km", "ztop_km", "top_km", "z_top_km"),
    "rake": ("rake", "rake_deg", "mean_rake"),
    "rake_min": ("rake_min", "rakemin", "min_rake"),
    "rake_max": ("rake_max", "rakemax", "max_rake"),
    "segment": ("segment", "seg", "fault", "plane"),
}


def read_geojson(path: Path, patch_km: float | None = None, options: FaultOptions = FaultOptions()) -> Fault:
    """Read a fault from GeoJSON.

    A rectangle is a polygon with four corners, or a point or a line with ``strike, dip, length_km, width_km,
    top_depth_km``. Corners with a third coordinate define the patch directly. Without one, the rectangle is centred on
    the polygon and takes its dimensions from the properties. A point is the middle of the upper edge, and a line is
    the upper edge itself. Few large rectangles are cut into patches; many rectangles are patches already.

    Parameters
    ----------
    path : Path
    patch_km : float, optional
        Size of the patches into which rectangles are cut; by default about 200 patches.
    options : FaultOptions

    Returns
    -------
    Fault

    Raises
    ------
    InputError
        If a feature cannot be read.
    """
    try:
        content = json.loads(read_text(path))
        features = content.get("features", [content])
        geometries = [(feature["geometry"], feature.get("properties") or {}) for feature in features]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path.name} is not a GeoJSON with features ({type(error).__name__}: {error}): check the file"
        ) from None
    return _fault_of(path, geometries, patch_km, options)


def read_rectangles(
    path: Path, patch_km: float | None = None, options: FaultOptions = FaultOptions()
) -> Fault:
    """Read a fault from a table of rectangles, one per row.

    Parameters
    ----------
    path : Path
        Columns ``lon, lat`` (middle of the upper edge), ``strike, dip, length_km, width_km, top_depth_km`` and, if
        known, ``rake_min, rake_max`` or ``rake``.
    patch_km : float, optional
        Size of the patches; see `read_geojson`.
    options : FaultOptions

    Raises
    ------
    InputError
        If a column is missing or a row is impossible.
    """
    columns = read_columns(path, PLACES | NAMES, tuple(PLACES | NAMES)).cells
    required(columns, ("lon", "lat"), path)
    rows = [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    features = [(None, {name: cell for name, cell in row.items() if cell}) for row in rows]
    return _fault_of(path, features, patch_km, options)


def _fault_of(
    path: Path,
    geometries: Sequence[tuple[dict[str, Any] | None, dict[str, Any]]],
    patch_km: float | None,
    options: FaultOptions,
) -> Fault:
    pieces: list[tuple[FloatArray | Rectangle, dict[str, Any]]] = []
    notes: list[str] = []
    for number, (geometry, properties) in enumerate(geometries):
        try:
            known = {name: _number(properties, name) for name in NAMES if name != "segment"}
            shapes = _shapes(geometry or _point(properties), known, notes, options)
        except (ValueError, TypeError, KeyError, IndexError) as error:
            raise InputError(f"{path.name}: feature {number + 1}: {error}") from None
        pieces += [(shape, known | {"segment": number}) for shape in shapes]
    if not pieces:
        raise InputError(f"{path.name} holds no fault: give rectangles or triangles as polygons")
    pieces = _cut(pieces, patch_km, notes, options)
    return _assembled(pieces, tuple(dict.fromkeys(notes)), options)


def _number(properties: dict[str, Any], name: str) -> float:
    lowered = {str(key).lower(): value for key, value in properties.items()}
    for spelling in (NAMES | PLACES)[name]:
        if lowered.get(spelling) is not None:
            return float(lowered[spelling])
    return math.nan


def _point(properties: dict[str, Any]) -> dict[str, Any]:
    """Return the point given in the properties of a feature without geometry."""
    longitude, latitude = (_number(properties, name) for name in ("lon", "lat"))
    if not math.isfinite(longitude + latitude):
        raise ValueError("it has neither a geometry nor lon and lat")
    return {"type": "Point", "coordinates": [longitude, latitude]}


def _shapes(
    geometry: dict[str, Any], known: dict[str, float], notes: list[str], options: FaultOptions
) -> list[FloatArray | Rectangle]:
    kind, coordinates = geometry["type"], geometry["coordinates"]
    if kind == "MultiPolygon":
        parts = [
            _shapes({"type": "Polygon", "coordinates": part}, known, notes, options) for part in coordinates
        ]
        return [shape for part in parts for shape in part]
    if kind == "Polygon":
        return [_polygon(np.array(coordinates[0], float), known, notes, options)]
    if kind == "LineString":
        return list(_trace(np.array(coordinates, float), known))
    if kind == "Point":
        notes.append("a point is taken as the middle of the upper edge")
        return [_below_upper_edge(coordinates[0], coordinates[1], known)]
    raise ValueError(f"a {kind} is not a patch: give a Polygon, a LineString or a Point")


def _polygon(
    corners: FloatArray, known: dict[str, float], notes: list[str], options: FaultOptions
) -> FloatArray | Rectangle:
    if np.allclose(corners[0], corners[-1]) and len(corners) > 3:
        corners = corners[:-1]
    if len(corners) not in (3, 4):
        raise ValueError(f"a patch must have 3 or 4 corners, got {len(corners)}")
    if corners.shape[1] > 2:
        return np.column_stack([corners[:, :2], _depths_km(corners[:, 2], known, notes, options)])
    if len(corners) == 3:
        raise ValueError("a triangle needs the depth of its corners as third coordinate")
    _require(known, ("strike", "dip", "length_km", "width_km", "top_depth_km"))
    notes.append("rectangles without depths are placed by the middle of their polygon")
    middle = known["top_depth_km"] + known["width_km"] / 2 * math.sin(math.radians(known["dip"]))
    longitude, latitude = corners.mean(axis=0)
    return _rectangle(float(longitude), float(latitude), middle, known)


def _depths_km(
    heights: FloatArray, known: dict[str, float], notes: list[str], options: FaultOptions
) -> FloatArray:
    """Return depths in km from heights or depths in metres or kilometres."""
    sign = -1.0 if np.median(heights) < 0 else 1.0
    top = known["top_depth_km"]
    extent = known["width_km"] * math.sin(math.radians(known["dip"]))
    in_metres = float(np.abs(heights).max()) > options.max_depth_km
    if math.isfinite(top) and math.isfinite(extent):
        in_metres = np.abs(heights).max() > 30 * (abs(top) + extent + 0.1)
    if sign < 0:
        notes.append("negative third coordinates are heights: depth is positive")
    if in_metres:
        notes.append("third coordinates are metres")
    return sign * heights / (1000.0 if in_metres else 1.0)


def _trace(line: FloatArray, known: dict[str, float]) -> list[Rectangle]:
    """Return a rectangle below each straight piece of the upper edge, which dips to the right of its strike."""
    _require(known, ("dip", "width_km", "top_depth_km"))
    pieces = []
    for first, second in pairwise(line):
        local = LocalMap(*((first + second) / 2)[:2])
        ends = local.to_km(*np.stack([first, second])[:, :2].T)
        east, north = ends[1] - ends[0]
        strike = math.degrees(math.atan2(east, north))
        if math.isfinite(known["strike"]) and math.cos(math.radians(strike - known["strike"])) < 0:
            strike += 180
        shape = known | {"strike": strike, "length_km": math.hypot(east, north)}
        pieces.append(_below_upper_edge(local.longitude, local.latitude, shape))
    return pieces


def _below_upper_edge(longitude: float, latitude: float, known: dict[str, float]) -> Rectangle:
    """Return the rectangle with the middle of its upper edge at a given place."""
    _require(known, ("strike", "dip", "length_km", "width_km", "top_depth_km"))
    _, down = directions(known["strike"], known["dip"])
    down = down * known["width_km"] / 2
    moved = LocalMap(longitude, latitude).to_degrees(down[None, :2])
    return _rectangle(float(moved[0][0]), float(moved[1][0]), known["top_depth_km"] - float(down[2]), known)


def _rectangle(longitude: float, latitude: float, depth: float, known: dict[str, float]) -> Rectangle:
    return Rectangle(
        longitude, latitude, depth, known["strike"], known["dip"], known["length_km"], known["width_km"]
    )


def _require(known: dict[str, float], names: tuple[str, ...]) -> None:
    if missing := [name for name in names if math.isnan(known[name])]:
        raise ValueError(f"it lacks {', '.join(missing)}")
    if known.get("length_km", 1) <= 0 or known["width_km"] <= 0 or not 0 <= known["dip"] <= 90:
        raise ValueError("length and width must be positive and dip between 0 and 90 degrees")


def _cut(
    pieces: list[tuple[FloatArray | Rectangle, dict[str, Any]]],
    patch_km: float | None,
    notes: list[str],
    options: FaultOptions,
) -> list[tuple[FloatArray | Rectangle, dict[str, Any]]]:
    """Cut rectangles into patches if they are few or if a patch size is given."""
    quads = [_corners(shape) for shape, _ in pieces]
    are_patches = len(pieces) >= options.min_patch_features or any(len(quad) == 3 for quad in quads)
    if patch_km is None and are_patches:
        return pieces
    sides = [_sides_km(quad) if len(quad) == 4 else (0.0, 0.0) for quad in quads]
    area = sum(length * width for length, width in sides)
    size = patch_km or max(math.sqrt(area / options.target_patches), options.min_patch_km)
    cut: list[tuple[FloatArray | Rectangle, dict[str, Any]]] = []
    for (shape, known), quad, (length, width) in zip(pieces, quads, sides, strict=True):
        n_along, n_down = max(1, round(length / size)), max(1, round(width / size))
        if len(quad) == 3 or n_along * n_down == 1:
            cut.append((shape, known))
        else:
            cut += [(part, known) for part in _grid(quad, n_along, n_down)]
    if len(cut) > len(pieces):
        notes.append(f"{len(pieces)} rectangles cut into {len(cut)} patches of about {size:.1f} km")
    return cut


def _corners(shape: FloatArray | Rectangle) -> FloatArray:
    return corners_of(shape) if isinstance(shape, Rectangle) else _upper_edge_first(shape)


def _upper_edge_first(corners: FloatArray) -> FloatArray:
    """Rotate the corners of a rectangle so that the first two are the upper edge."""
    if len(corners) != 4:
        return corners
    edges = [corners[[place, (place + 1) % 4], 2].mean() for place in range(4)]
    return np.roll(corners, -int(np.argmin(edges)), axis=0)


def _sides_km(quad: FloatArray) -> tuple[float, float]:
    local = LocalMap(*quad[:, :2].mean(axis=0))
    points = np.column_stack([local.to_km(quad[:, 0], quad[:, 1]), quad[:, 2]])
    return float(np.linalg.norm(points[1] - points[0])), float(np.linalg.norm(points[2] - points[1]))


def _grid(quad: FloatArray, n_along: int, n_down: int) -> list[FloatArray]:
    """Cut a quadrilateral into a grid, row by row from its upper edge down."""

    def point(along: float, down: float) -> FloatArray:
        upper, lower = quad[0] + along * (quad[1] - quad[0]), quad[3] + along * (quad[2] - quad[3])
        return np.asarray(upper + down * (lower - upper))

    return [
        np.array([point(column / n_along, row / n_down), point((column + 1) / n_along, row / n_down),
                  point((column + 1) / n_along, (row + 1) / n_down), point(column / n_along, (row + 1) / n_down)])
        for row in range(n_down) for column in range(n_along)
    ]  # fmt: skip


def _assembled(
    pieces: list[tuple[FloatArray | Rectangle, dict[str, Any]]], notes: tuple[str, ...], options: FaultOptions
) -> Fault:
    corners = tuple(_corners(shape) for shape, _ in pieces)
    angles = [_orientation(corner, known) for corner, (_, known) in zip(corners, pieces, strict=True)]
    limits = np.array([_rake_limits(known, options.rake_margin) for _, known in pieces])
    segment = np.array([known["segment"] for _, known in pieces])
    if len(np.unique(segment)) >= options.min_patch_features:  # features are patches here, not segments
        segment = np.zeros(len(pieces), int)
    strike, dip = np.array(angles).T
    return Fault(corners, strike % 360, dip, limits[:, 0], limits[:, 1], segment, notes)


def _orientation(corners: FloatArray, known: dict[str, Any]) -> tuple[float, float]:
    """Return strike and dip from the corners; for vertical patches the given strike selects the hanging wall."""
    local = LocalMap(*corners[:, :2].mean(axis=0))
    points = np.column_stack([local.to_km(corners[:, 0], corners[:, 1]), -corners[:, 2]])
    normal = np.cross(points[1] - points[0], points[2] - points[0])
    normal = normal / max(float(np.linalg.norm(normal)), 1e-12)
    if abs(normal[2]) < 0.02:  # the strike defines the hanging wall of a vertical patch
        strike = math.degrees(math.atan2(-normal[1], normal[0]))
        if math.isfinite(known["strike"]) and math.cos(math.radians(strike - known["strike"])) < 0:
            strike += 180
        return strike, 90.0
    normal = normal if normal[2] > 0 else -normal
    dip = math.degrees(math.acos(min(float(normal[2]), 1.0)))
    if dip < 0.1 and math.isfinite(known["strike"]):
        return known["strike"], dip
    return math.degrees(math.atan2(-normal[1], normal[0])), dip


def _rake_limits(known: dict[str, Any], margin: float) -> tuple[float, float]:
    if math.isfinite(known["rake_min"]) and math.isfinite(known["rake_max"]):
        return known["rake_min"], known["rake_max"]
    return known["rake"] - margin, known["rake"] + margin
