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
from selfseis.io.tables import Columns, number_of, read_columns, read_text, required
from selfseis.slip.fault import Fault, Rectangle, corners_of, directions
from selfseis.slip.fault_units import WITHOUT_UNIT, Vertical, km_without_unit
from selfseis.slip.options import FaultOptions
from selfseis.slip.orientation import consistent, is_skewed, note_mismatch, orientation
from selfseis.typing import FloatArray

PLACES = {"lon": ("lon", "longitude", "top_lon"), "lat": ("lat", "latitude", "top_lat")}
IN_KM = {
    "length_km": ("length_km", "len_km", "l_km"),
    "width_km": ("width_km", "wid_km", "w_km"),
    "top_depth_km": ("top_depth_km", "depth_top_km", "ztop_km", "top_km", "z_top_km"),
}
IN_METRES = {
    "length_km": ("length_m", "len_m"),
    "width_km": ("width_m", "wid_m"),
    "top_depth_km": ("top_depth_m", "depth_top_m", "ztop_m", "top_m", "z_top_m"),
}
NAMES = {
    "strike": ("strike", "strike_deg", "azimuth", "str"),
    "dip": ("dip", "dip_deg"),
    "rake": ("rake", "rake_deg", "mean_rake"),
    "rake_min": ("rake_min", "rakemin", "min_rake"),
    "rake_max": ("rake_max", "rakemax", "max_rake"),
}
MAX_THIRD = 1e6  # third coordinates; 750 km in m is less
MEASURES = (*NAMES, *IN_KM)
LENGTHS = [name for forms in (IN_KM, IN_METRES, WITHOUT_UNIT) for names in forms.values() for name in names]
TABLE: dict[str, tuple[str, ...]] = PLACES | NAMES | dict.fromkeys(LENGTHS, ())


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
        geometries = [(feature["geometry"], dict(feature.get("properties") or {})) for feature in features]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
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
    table = read_columns(path, TABLE, _refuse_bare)
    required(table.cells, ("lon", "lat"), path)
    columns = {_with_unit(name, table): cells for name, cells in table.cells.items()}
    rows = [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    features = [(None, {name: cell for name, cell in row.items() if cell}) for row in rows]
    return _fault_of(path, features, patch_km, options)


def _with_unit(name: str, table: Columns) -> str:
    """Return the name of a column with the unit that its header names."""
    unit = table.units.get(name)
    bare = next((spelling for names in WITHOUT_UNIT.values() for spelling in names if spelling == name), None)
    return f"{bare}_{unit}" if bare and unit in ("m", "km") else name


def _refuse_bare(row: list[str]) -> tuple[str, ...]:
    raise InputError(
        f"a fault table without header has {len(row)} columns, whose meaning is unclear: add a header, such as "
        "lon,lat,strike,dip,length_km,width_km,top_depth_km,rake_min,rake_max"
    )


def _fault_of(
    path: Path,
    geometries: Sequence[tuple[dict[str, Any] | None, dict[str, Any]]],
    patch_km: float | None,
    options: FaultOptions,
) -> Fault:
    pieces: list[tuple[FloatArray | Rectangle, dict[str, Any]]] = []
    notes: list[str] = []
    if len(geometries) > options.max_patches:
        raise InputError(
            f"{path.name} has {len(geometries):,} features, more than {options.max_patches:,}: merge them"
        )
    factor = km_without_unit([properties for _, properties in geometries], notes, options)
    vertical = Vertical.of([geometry for geometry, _ in geometries], notes, options)
    for number, (geometry, properties) in enumerate(geometries):
        try:
            known = {name: _number(properties, name, factor) for name in MEASURES}
            _check_angles(known)
            shapes = _shapes(geometry or _point(properties), known, notes, vertical)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
            raise InputError(f"{path.name}: feature {number + 1}: {error}") from None
        pieces += [(shape, known | {"segment": number}) for shape in shapes]
    if not pieces:
        raise InputError(f"{path.name} holds no fault: give rectangles or triangles as polygons")
    pieces = _cut(pieces, patch_km, notes, options)
    return _assembled(pieces, notes, options)


def _number(properties: dict[str, Any], name: str, km_without_unit: float) -> float:
    """Return a property in degrees or km, NaN if it is missing.

    Raises
    ------
    ValueError
        If it is not a finite number.
    """
    lowered = {str(key).lower(): value for key, value in properties.items()}
    forms: list[tuple[tuple[str, ...], float]] = [
        ((NAMES | IN_KM)[name], 1.0),
        (IN_METRES.get(name, ()), 0.001),
        (WITHOUT_UNIT.get(name, ()), km_without_unit),
    ]
    for spellings, factor in forms:
        for spelling in spellings:
            value = lowered.get(spelling)
            if value is not None and not (isinstance(value, str) and value.strip().lower() in ("", "nan")):
                return factor * number_of(str(value))
    return math.nan


def _check_angles(known: dict[str, float]) -> None:
    for name in ("strike", "rake", "rake_min", "rake_max"):
        if abs(known[name]) > 720:
            raise ValueError(f"{name} must be in degrees, got {known[name]:g}")
    if not math.isnan(known["dip"]) and not 0 <= known["dip"] <= 90:
        raise ValueError(f"dip must be between 0 and 90 degrees, got {known['dip']:g}")


def _check_place(longitude: float, latitude: float) -> None:
    if not (abs(longitude) <= 360 and abs(latitude) <= 90):
        raise ValueError(f"longitude {longitude:g} or latitude {latitude:g} is impossible: give degrees")


def _point(properties: dict[str, Any]) -> dict[str, Any]:
    """Return the point given in the properties of a feature without geometry."""
    lowered = {str(key).lower(): value for key, value in properties.items()}
    found = [next((lowered[name] for name in names if name in lowered), None) for names in PLACES.values()]
    if any(cell is None for cell in found):
        raise ValueError("it has neither a geometry nor lon and lat")
    longitude, latitude = (number_of(str(cell)) for cell in found)
    return {"type": "Point", "coordinates": [longitude, latitude]}


def _shapes(
    geometry: dict[str, Any], known: dict[str, float], notes: list[str], vertical: Vertical
) -> list[FloatArray | Rectangle]:
    kind, coordinates = geometry["type"], geometry["coordinates"]
    if kind == "MultiPolygon":
        parts = [
            _shapes({"type": "Polygon", "coordinates": part}, known, notes, vertical) for part in coordinates
        ]
        return [shape for part in parts for shape in part]
    if kind == "Polygon":
        return [_polygon(np.array(coordinates[0], float), known, notes, vertical)]
    if kind == "LineString":
        return list(_trace(np.array(coordinates, float), known))
    if kind == "Point":
        notes.append("a point is taken as the middle of the upper edge")
        _check_place(coordinates[0], coordinates[1])
        return [_below_upper_edge(coordinates[0], coordinates[1], known)]
    raise ValueError(f"a {kind} is not a patch: give a Polygon, a LineString or a Point")


def _polygon(
    corners: FloatArray, known: dict[str, float], notes: list[str], vertical: Vertical
) -> FloatArray | Rectangle:
    for corner in corners:
        _check_place(corner[0], corner[1])
    if not np.isfinite(corners).all() or np.abs(corners).max() > MAX_THIRD:
        raise ValueError("a third coordinate is impossible: give depths in km")
    if np.allclose(corners[0], corners[-1]) and len(corners) > 3:
        corners = corners[:-1]
    if len(corners) not in (3, 4):
        raise ValueError(f"a patch must have 3 or 4 corners, got {len(corners)}")
    if corners.shape[1] > 2:
        return np.column_stack([corners[:, :2], vertical.km * corners[:, 2]])
    if len(corners) == 3:
        raise ValueError("a triangle needs the depth of its corners as third coordinate")
    _require(known, ("strike", "dip", "length_km", "width_km", "top_depth_km"))
    notes.append("rectangles without depths are placed by the middle of their polygon")
    middle = known["top_depth_km"] + known["width_km"] / 2 * math.sin(math.radians(known["dip"]))
    longitude, latitude = corners.mean(axis=0)
    return _rectangle(float(longitude), float(latitude), middle, known)


def _trace(line: FloatArray, known: dict[str, float]) -> list[Rectangle]:
    """Return a rectangle below each straight piece of the upper edge, which dips to the right of its strike."""
    _require(known, ("dip", "width_km", "top_depth_km"))
    for corner in line:
        _check_place(corner[0], corner[1])
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
    if known.get("length_km", 1) <= 0 or known["width_km"] <= 0:
        raise ValueError("length and width must be positive")
    if known.get("length_km", 1) > 1e4 or known["width_km"] > 1e4:
        raise ValueError(f"a length or width of more than 10,000 km is impossible, got {known['width_km']:g}")
    if known["top_depth_km"] < 0:
        raise ValueError(
            f"a top depth of {known['top_depth_km']:g} km is above the surface: depths are positive downwards"
        )


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
        if len(cut) + n_along * n_down > options.max_patches:
            raise InputError(
                f"more than {options.max_patches:,} patches of {size:g} km: give a larger --patch-km"
            )
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
    pieces: list[tuple[FloatArray | Rectangle, dict[str, Any]]], notes: list[str], options: FaultOptions
) -> Fault:
    corners = tuple(_corners(shape) for shape, _ in pieces)
    angles = np.array(
        [orientation(corner, known) for corner, (_, known) in zip(corners, pieces, strict=True)]
    )
    limits = np.array([_rake_limits(known, options.rake_margin) for _, known in pieces])
    segment = np.array([known["segment"] for _, known in pieces])
    if len(np.unique(segment)) >= options.min_patch_features:  # features are patches here, not segments
        segment = np.zeros(len(pieces), int)
    stated = np.array([[known["strike"], known["dip"]] for _, known in pieces])
    strike, dip = consistent(angles[:, 0], angles[:, 1], stated[:, 0], segment, options)
    note_mismatch(strike, dip, stated, notes, options)
    if n_skewed := sum(is_skewed(corner) for corner in corners):
        notes.append(
            f"{n_skewed} patches with four corners are not parallelograms: taken as two triangles each"
        )
    unique = tuple(dict.fromkeys(notes))
    return Fault(corners, strike % 360, dip, limits[:, 0], limits[:, 1], segment, unique)


def _rake_limits(known: dict[str, Any], margin: float) -> tuple[float, float]:
    if math.isfinite(known["rake_min"]) and math.isfinite(known["rake_max"]):
        return known["rake_min"], known["rake_max"]
    return known["rake"] - margin, known["rake"] + margin
