"""Eikonal ray tracing through the new model of a region.

Fast marching computes first-arrival times; rays follow the gradient of time to their station.

The earth is flattened (Müller, 1971) on a map about the middle of the region. This is exact for rays through the
middle, and accurate for regions some 10 degrees wide. Only differences of times between the new model and the
reference on the same grid are used, so that most of the error of the grid cancels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.interpolate import RegularGridInterpolator
from scipy.ndimage import map_coordinates

from selfseis.geo.earth_models import VelocityModel1D
from selfseis.geo.phases import Wave
from selfseis.geo.projection import FlatMap
from selfseis.geo.sphere import EARTH_RADIUS_KM
from selfseis.quality_log import QualityLog
from selfseis.tomography.forward import PERCENT, Traced, shifted
from selfseis.tomography.grid import CellGrid
from selfseis.tomography.image import Image
from selfseis.tomography.options import EikonalOptions, TomographyOptions
from selfseis.tomography.sensitivity import sensitivities
from selfseis.traveltimes.ellipticity import ellipticity_s
from selfseis.traveltimes.first_arrivals import Rays, find_rays
from selfseis.traveltimes.ray_paths import Geometry, Points, elevation_s
from selfseis.traveltimes.ray_table import RayTable
from selfseis.typing import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class NodeGrid:
    """Nodes of the flattened region, equally spaced along all axes.

    Attributes
    ----------
    flat_map : FlatMap
    origin : ndarray, shape (3,)
        East, north and flattened depth of the first node in km.
    shape : tuple of int
    spacing : float
        In km.
    """

    flat_map: FlatMap
    origin: FloatArray
    shape: tuple[int, ...]
    spacing: float

    @classmethod
    def around(cls, grid: CellGrid, options: EikonalOptions) -> NodeGrid:
        """Return nodes that cover the cells of a region."""
        south, north = grid.latitude_edges[[0, -1]]
        flat_map = FlatMap((south + north) / 2, grid.west + grid.width / 2)
        edge = np.linspace(0, 1, 9)
        longitude = grid.west + grid.width * np.concatenate([edge, edge, 0 * edge, 0 * edge + 1])
        latitude = south + (north - south) * np.concatenate([0 * edge, 0 * edge + 1, edge, edge])
        east, north_km = flat_map.flat(latitude, longitude)
        deep = flattened(grid.depth_edges[-1])
        low = np.array([east.min(), north_km.min(), 0.0])
        size = np.array([np.ptp(east), np.ptp(north_km), float(deep)])
        spacing = float((size.prod() / options.max_nodes) ** (1 / 3))
        margin = options.margin_nodes
        shape = tuple(int(n) for n in np.ceil(size / spacing).astype(int) + 1 + 2 * margin)
        return cls(flat_map, low - margin * spacing, shape, spacing)

    def places(self, latitude: FloatArray, longitude: FloatArray, depth_km: FloatArray) -> FloatArray:
        """Positions in node numbers; shape (3, n)."""
        east, north = self.flat_map.flat(latitude, longitude)
        points = np.stack([east, north, flattened(depth_km)])
        return (points - self.origin[:, None]) / self.spacing

    def coordinates(self, places: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Latitude, longitude and depth (km) of positions in node numbers, shape (3, ...)."""
        points = places * self.spacing + self.origin.reshape(3, *[1] * (places.ndim - 1))
        latitude, longitude = self.flat_map.round(points[0], points[1])
        return latitude, longitude, EARTH_RADIUS_KM * (1 - np.exp(-points[2] / EARTH_RADIUS_KM))

    @property
    def depth_km(self) -> FloatArray:
        """True depth of each layer of nodes."""
        flat = self.origin[2] + self.spacing * np.arange(self.shape[2])
        return EARTH_RADIUS_KM * (1 - np.exp(-flat / EARTH_RADIUS_KM))


def flattened(depth_km: FloatArray | float) -> FloatArray:
    """Depth in the flattened earth in km."""
    return -EARTH_RADIUS_KM * np.log1p(-np.asarray(depth_km, float) / EARTH_RADIUS_KM)


def trace_eikonal_rays(
    traced: Traced,
    image: Image,
    reference: VelocityModel1D,
    grid: CellGrid,
    options: TomographyOptions = TomographyOptions(),
) -> Traced:
    """Trace first arrivals again through an image; later arrivals keep their rays.

    Parameters
    ----------
    traced : Traced
    image : Image
    reference : VelocityModel1D
    grid : CellGrid
        Grid of a region.
    options : TomographyOptions
        Nodes, steps, and rays of the reference.

    Returns
    -------
    Traced
        With new rays, and with the prediction about which the problem is linearised: the prediction of the image
        minus the effect of the image along the new rays.
    """
    eikonal = options.eikonal
    nodes = NodeGrid.around(grid, eikonal)
    predicted, blocks = traced.predicted.copy(), []
    rows_of = []
    for number, wave in enumerate(traced.waves):
        rows = np.flatnonzero(traced.is_s == (wave == "S"))
        table = RayTable.of(reference, wave, options.rays.table)
        percent = np.clip(image.dlnv[number], -eikonal.max_perturbation, eikonal.max_perturbation)
        first = _is_first(traced, rows, table, eikonal.first_tolerance_s)
        change, points = _through(traced, rows[first], percent, table, nodes, grid, eikonal)
        block = sensitivities(grid, iter([points]), len(traced.arrivals), PERCENT)[rows[first]]
        slower = sparse.diags_array((1 / (1 + PERCENT * percent)).astype(np.float32))
        block = sparse.csr_array(block @ slower)
        one_dimensional = _reference_times(traced, rows[first], table)
        predicted[rows[first]] = one_dimensional + change - block @ percent
        old = traced.operator[rows[~first]]
        blocks += [shifted(block, number, len(traced.waves)), old]
        rows_of += [rows[first], rows[~first]]
    back = np.argsort(np.concatenate(rows_of), kind="stable")
    operator = sparse.csr_array(sparse.vstack(blocks, format="csr"))[back]
    return replace(traced, predicted=predicted, operator=sparse.csr_array(operator))


def _geometry_rays(
    traced: Traced, rows: IntArray, table: RayTable, phase: str | None = None
) -> tuple[Geometry, Rays]:
    """Return sources and receivers of arrivals, and the rays of their own phases or of a given one."""
    some = traced.arrivals.iloc[rows]
    geometry = Geometry.of(some)
    phases = some["phase"].to_numpy(str) if phase is None else np.full(len(some), phase)
    return geometry, find_rays(table, geometry.depth_km, geometry.distance, phases)


def _is_first(traced: Traced, rows: IntArray, table: RayTable, tolerance_s: float) -> BoolArray:
    """Return which arrivals are the first of their wave in the reference."""
    own = _geometry_rays(traced, rows, table)[1].time
    earliest = _geometry_rays(traced, rows, table, table.wave)[1].time
    return np.asarray(own <= earliest + tolerance_s)


def _reference_times(traced: Traced, rows: IntArray, table: RayTable) -> FloatArray:
    """Return times in the reference as `trace` predicted them, corrections included."""
    geometry, rays = _geometry_rays(traced, rows, table)
    return rays.time + ellipticity_s(table, rays, geometry) + elevation_s(table, rays, geometry.elevation_km)


def _through(
    traced: Traced,
    rows: IntArray,
    percent: FloatArray,
    table: RayTable,
    nodes: NodeGrid,
    grid: CellGrid,
    options: EikonalOptions,
) -> tuple[FloatArray, Points]:
    """Return the change of the times from the reference on the nodes, and the points of the new rays."""
    frame = traced.arrivals
    speed = np.broadcast_to(_flat_speed(table.reference, table.wave, nodes), nodes.shape)
    new_speed = speed * (1 + PERCENT * _on_nodes(percent, nodes, grid))
    change = np.zeros(rows.size)
    parts: list[Points] = []
    stations = frame["station"].to_numpy()[rows]
    for station in np.unique(stations):
        some = np.flatnonzero(stations == station)
        part = frame.iloc[rows[some]]
        at_station = nodes.places(
            part["station_latitude"].to_numpy()[:1], part["station_longitude"].to_numpy()[:1], np.zeros(1)
        )[:, 0]
        sources = nodes.places(
            part["event_latitude"].to_numpy(),
            part["event_longitude"].to_numpy(),
            part["event_depth_km"].to_numpy().clip(min=0.0),
        )
        new = time_field(new_speed, at_station, nodes.spacing, options.straight_nodes)
        old = time_field(speed, at_station, nodes.spacing, options.straight_nodes)
        change[some] = map_coordinates(new - old, sources, order=1, mode="nearest")
        parts.append(_traced_down(new, new_speed, at_station, sources, rows[some], nodes, options))
    joined = [np.concatenate([getattr(part, name) for part in parts]) for name in Points.__annotations__]
    order = np.argsort(joined[0], kind="stable")
    return change, Points(*(column[order] for column in joined))


def can_trace_eikonal() -> bool:
    """Return whether the optional solver scikit-fmm is installed."""
    return find_spec("skfmm") is not None


def possible_iterations(n_iterations: int, quality_log: QualityLog, *, has_solver: bool) -> int:
    """Return the number of ray iterations; 0, with an issue in the quality log, without the optional solver."""
    if n_iterations and not has_solver:
        quality_log.add(
            "assumed",
            "rays",
            "not traced again through the image, because scikit-fmm is missing: pip install 'selfseis[regional]'",
        )
        return 0
    return n_iterations


def time_field(
    speed: FloatArray,
    source: FloatArray,
    spacing: float,
    straight_nodes: float = EikonalOptions().straight_nodes,
) -> FloatArray:
    """Return first-arrival times on nodes from a source between them.

    Parameters
    ----------
    speed : ndarray, shape (n_x, n_y, n_z)
        In km/s.
    source : ndarray, shape (3,)
        In node numbers.
    spacing : float
        In km.
    straight_nodes : float
        Distance from the source, in nodes, within which waves are straight.

    References
    ----------
    Sethian (1996), doi:10.1073/pnas.93.4.1591; the solver is scikit-fmm.
    """
    import skfmm

    axes = np.meshgrid(*(np.arange(n) - s for n, s in zip(speed.shape, source, strict=True)), indexing="ij")
    distance = spacing * np.sqrt(sum(axis**2 for axis in axes))
    ball = straight_nodes * spacing
    inside = map_coordinates(speed, source[:, None], order=1, mode="nearest")[0]
    packed = np.ascontiguousarray(speed)  # the solver ignores strides
    outside = np.asarray(skfmm.travel_time(distance - ball, packed, dx=spacing, order=2))
    return np.where(distance <= ball, distance / inside, outside + ball / inside)


def _traced_down(
    time: FloatArray,
    speed: FloatArray,
    station: FloatArray,
    sources: FloatArray,
    rows: IntArray,
    nodes: NodeGrid,
    options: EikonalOptions,
) -> Points:
    """Trace rays from the sources along the gradient of time to the station, in steps of equal length."""
    slope = np.stack(list(np.gradient(time)))
    place, alive = sources.copy(), np.arange(rows.size)
    found: list[tuple[NDArray, ...]] = []
    max_steps = int(4 * max(nodes.shape) / options.step_nodes)
    for _ in range(max_steps):
        here = place[:, alive]
        away = np.linalg.norm(here - station[:, None], axis=0)
        down = -np.stack([map_coordinates(part, here, order=1, mode="nearest") for part in slope])
        size = np.linalg.norm(down, axis=0)
        straight = (station[:, None] - here) / np.maximum(away, 1e-9)
        is_near = (away < options.straight_nodes + 1) | (size < 1e-12)
        direction = np.where(is_near, straight, down / np.maximum(size, 1e-12))
        step = np.minimum(options.step_nodes, away)
        middle = here + 0.5 * step * direction
        velocity = map_coordinates(speed, middle, order=1, mode="nearest")
        found.append((rows[alive], middle, step * nodes.spacing / velocity))
        place[:, alive] = here + step * direction
        alive = alive[away > options.step_nodes]
        if not alive.size:
            break
    middle = np.concatenate([points for _, points, _ in found], axis=1)
    latitude, longitude, depth = nodes.coordinates(middle)
    return Points(
        np.concatenate([part for part, _, _ in found]),
        latitude,
        longitude,
        depth,
        np.concatenate([seconds for _, _, seconds in found]),
    )


def _flat_speed(reference: VelocityModel1D, wave: Wave, nodes: NodeGrid) -> FloatArray:
    depth = nodes.depth_km
    return reference.at(depth.clip(min=0.0), wave) * EARTH_RADIUS_KM / (EARTH_RADIUS_KM - depth)


def _on_nodes(percent: FloatArray, nodes: NodeGrid, grid: CellGrid) -> FloatArray:
    """Return the perturbation (%) on the nodes, linear between cell centres, constant beyond the outermost."""
    n_rings, n_across = len(grid.n_around), int(grid.n_around[0])
    north = (grid.latitude_edges[1:] + grid.latitude_edges[:-1]) / 2
    east = (np.arange(n_across) + 0.5) * grid.width / n_across
    values = percent.reshape(grid.n_layers, n_rings, n_across)
    look_up = RegularGridInterpolator((grid.depths, north, east), values)
    index = np.stack(np.meshgrid(*(np.arange(n) for n in nodes.shape[:2]), indexing="ij")).reshape(2, -1)
    latitude, longitude, _ = nodes.coordinates(
        np.vstack([index, np.zeros((1, index.shape[1]))]).astype(float)
    )
    along = (longitude - grid.west + 180) % 360 - 180
    depth = np.clip(nodes.depth_km, grid.depths[0], grid.depths[-1])
    points = np.empty((index.shape[1], depth.size, 3))
    points[..., 0] = depth
    points[..., 1] = np.clip(latitude, north[0], north[-1])[:, None]
    points[..., 2] = np.clip(along, east[0], east[-1])[:, None]
    return np.asarray(look_up(points)).reshape(nodes.shape)
