"""Layered grids of cells on the sphere or in a region, with their neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from selfseis.geo.earth_models import CORE_KM
from selfseis.geo.sphere import EARTH_RADIUS_KM, KM_PER_DEGREE
from selfseis.inversion import Graph
from selfseis.tomography.options import GridOptions
from selfseis.typing import FloatArray, IntArray


@dataclass(frozen=True)
class CellGrid:
    """Layers of cells; rings of latitude within a layer are cut into about square cells.

    Attributes
    ----------
    latitude_edges : ndarray, shape (n_rings + 1,)
        Ascending, in degrees.
    west, width : float
        Western end and extent of the rings in degrees of longitude; 360 for whole rings.
    n_around : ndarray of int, shape (n_rings,)
        Cells in each ring.
    depth_edges : ndarray, shape (n_layers + 1,)
        In km, ascending.
    """

    latitude_edges: FloatArray
    west: float
    width: float
    n_around: IntArray
    depth_edges: FloatArray

    @classmethod
    def of_earth(cls, degrees: float | None = None, *, options: GridOptions = GridOptions()) -> Self:
        """Return cells of about equal area all over the mantle.

        Parameters
        ----------
        degrees : float, optional
            Side of a cell; by default that of the options.
        options : GridOptions
            Layers.
        """
        degrees = degrees or options.mantle_cell_deg
        edges = np.linspace(-90, 90, round(180 / degrees) + 1)
        middle = np.radians((edges[1:] + edges[:-1]) / 2)
        around = np.maximum(3, np.round(360 / degrees * np.cos(middle))).astype(np.int64)
        depths = np.array(options.mantle_depths_km)
        depths[-1] = min(depths[-1], EARTH_RADIUS_KM - CORE_KM)
        return cls(edges, -180.0, 360.0, around, depths)

    @classmethod
    def of_region(
        cls,
        latitude: tuple[float, float],
        longitude: tuple[float, float],
        spacing_km: float,
        depth_edges: FloatArray,
    ) -> Self:
        """Return a box with the same number of cells in each ring; longitudes may exceed 180.

        Parameters
        ----------
        latitude, longitude : tuple of float
            South and north, west and east in degrees.
        spacing_km : float
            Side of a cell.
        depth_edges : ndarray, shape (n_layers + 1,)
            In km.
        """
        south, north = latitude
        west, east = longitude
        n_rings = max(2, round((north - south) * KM_PER_DEGREE / spacing_km))
        squeeze = np.cos(np.radians((south + north) / 2))
        n_across = max(2, round((east - west) * KM_PER_DEGREE * squeeze / spacing_km))
        edges = np.linspace(south, north, n_rings + 1)
        return cls(edges, west, east - west, np.full(n_rings, n_across), np.asarray(depth_edges, float))

    @property
    def is_global(self) -> bool:
        """Whether rings close."""
        return self.width >= 360

    @cached_property
    def starts(self) -> IntArray:
        """Number of the first cell of each ring, and of all cells in a layer; shape (n_rings + 1,)."""
        return np.concatenate([[0], np.cumsum(self.n_around)])

    @property
    def n_layers(self) -> int:
        """Number of layers."""
        return len(self.depth_edges) - 1

    @property
    def n_in_layer(self) -> int:
        """Number of cells in a layer."""
        return int(self.starts[-1])

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return self.n_layers * self.n_in_layer

    @property
    def depths(self) -> FloatArray:
        """Middles of the layers in km."""
        return (self.depth_edges[1:] + self.depth_edges[:-1]) / 2

    @cached_property
    def layer(self) -> IntArray:
        """Layer of each cell."""
        return np.repeat(np.arange(self.n_layers), self.n_in_layer)

    @cached_property
    def centres(self) -> tuple[FloatArray, FloatArray]:
        """Latitudes and longitudes of the cells of one layer."""
        ring = np.repeat(np.arange(len(self.n_around)), self.n_around)
        place = np.arange(self.n_in_layer) - self.starts[ring]
        latitude = (self.latitude_edges[1:] + self.latitude_edges[:-1])[ring] / 2
        return latitude, self.west + (place + 0.5) * self.width / self.n_around[ring]

    def find(self, latitude: FloatArray, longitude: FloatArray, depth_km: FloatArray) -> IntArray:
        """Return the cell of each point; -1 outside.

        Points above the top layer belong to it; `trace` corrects for elevations.
        """
        ring = np.searchsorted(self.latitude_edges, latitude, side="right") - 1
        ring = np.where(latitude == self.latitude_edges[-1], len(self.n_around) - 1, ring)
        east = (longitude - self.west) % 360.0
        layer = np.searchsorted(self.depth_edges, np.maximum(depth_km, self.depth_edges[0]), side="right") - 1
        layer = np.where(depth_km == self.depth_edges[-1], self.n_layers - 1, layer)
        inside = (ring >= 0) & (ring < len(self.n_around)) & (layer < self.n_layers) & (east < self.width)
        ring = np.where(inside, ring, 0)
        column = (east / self.width * self.n_around[ring]).astype(np.int64).clip(max=self.n_around[ring] - 1)
        return np.where(inside, layer * self.n_in_layer + self.starts[ring] + column, -1)

    @cached_property
    def graph(self) -> Graph:
        """Volumes of the cells and faces between them; edges across layers come last."""
        radii = EARTH_RADIUS_KM - self.depth_edges
        shell = (radii[:-1] ** 3 - radii[1:] ** 3) / 3
        area, edges, ratio = self._layer_graph
        n, n_layers = self.n_in_layer, self.n_layers
        thickness = np.diff(self.depth_edges)
        sideways = np.concatenate([edges + k * n for k in range(n_layers)])
        side_weight = np.concatenate([ratio * step for step in thickness])
        below = np.arange(n_layers * n - n)
        downwards = np.stack([below, below + n], axis=1)
        face = np.concatenate([area * radius**2 for radius in radii[1:-1]]) if n_layers > 1 else np.zeros(0)
        apart = np.repeat(np.diff(self.depths), n)
        return Graph(
            np.concatenate([area * volume for volume in shell]),
            np.concatenate([sideways, downwards]),
            np.concatenate([side_weight, face / apart]),
        )

    @property
    def n_sideways(self) -> int:
        """Number of edges of `graph` inside layers."""
        return self.n_layers * len(self._layer_graph[1])

    @cached_property
    def _layer_graph(self) -> tuple[FloatArray, IntArray, FloatArray]:
        """Areas on the unit sphere, pairs of neighbours, and length of the common edge over distance."""
        sines = np.sin(np.radians(self.latitude_edges))
        width = np.radians(self.width)
        area = np.repeat(np.diff(sines) * width / self.n_around, self.n_around)
        pairs, weights = [], []
        high = np.radians(np.diff(self.latitude_edges))
        middle = np.radians((self.latitude_edges[1:] + self.latitude_edges[:-1]) / 2)
        for ring, count in enumerate(self.n_around):
            along = self.starts[ring] + np.arange(count)
            nexts = np.roll(along, -1) if self.is_global else along[1:]
            pairs.append(np.stack([along[: len(nexts)], nexts], axis=1))
            step = np.cos(middle[ring]) * width / count
            weights.append(np.full(len(nexts), high[ring] / step))
            if ring + 1 < len(self.n_around):
                first, second, overlap = _overlaps(int(count), int(self.n_around[ring + 1]))
                pairs.append(np.stack([self.starts[ring] + first, self.starts[ring + 1] + second], axis=1))
                edge = np.cos(np.radians(self.latitude_edges[ring + 1])) * width * overlap
                weights.append(edge / (middle[ring + 1] - middle[ring]))
        return area, np.concatenate(pairs), np.concatenate(weights)


def _overlaps(n_first: int, n_second: int) -> tuple[IntArray, IntArray, FloatArray]:
    """Return the touching cells of two rings, and the share of the ring along which they touch."""
    cuts = np.unique(
        np.round(np.concatenate([np.arange(n_first + 1) / n_first, np.arange(n_second + 1) / n_second]), 12)
    )
    middle, length = (cuts[1:] + cuts[:-1]) / 2, np.diff(cuts)
    return (middle * n_first).astype(np.int64), (middle * n_second).astype(np.int64), length
