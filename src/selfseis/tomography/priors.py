"""Priors of structure: a Gaussian process, flatter than wide and stronger near the surface, and smoothing."""

from __future__ import annotations

import math

import numpy as np
from scipy import sparse

from selfseis.inversion import GaussianPrior, Root
from selfseis.tomography.grid import CellGrid
from selfseis.typing import FloatArray

Setting = dict[str, float]
Axes = dict[str, tuple[float, ...]]
MANTLE_AXES: Axes = {
    "sd": (0.15, 0.25, 0.4, 0.7),
    "range": (600.0, 1000.0, 1700.0, 3000.0),
    "flatness": (0.25, 0.5, 1.0),
    "top": (1.0, 2.0, 4.0, 7.0),
}
"""Standard deviation (%) at depth, range (km) along layers, vertical over horizontal range, factor of the surface."""
REGION_AXES: Axes = {
    "sd": (0.5, 1.0, 2.0, 4.0),
    "range": (0.1, 0.2, 0.4, 0.8),
    "flatness": (0.25, 0.5, 1.0),
    "top": (1.0, 2.0),
}
"""As for the mantle, but the range is a share of the region's width."""


class LayeredMatern(GaussianPrior):
    """Gaussian process on the cells of a grid, by the sparse operator of Lindgren, Rue and Lindström (2011).

    The range is shorter across layers than along them, and the standard deviation falls from the surface downwards as
    ``sd * (1 + (top - 1) * exp(-depth / fade_km))``.

    Parameters
    ----------
    grid : CellGrid
    axes : dict of str to tuple of float
        Candidates for ``sd`` (% of the velocity), ``range`` (km), ``flatness`` and ``top``.
    fade_km : float
        Depth over which the extra strength of the surface fades.
    n_fields : int
        1 for P or S, 2 for both, one after another.

    References
    ----------
    doi:10.1111/j.1467-9868.2011.00777.x
    """

    name = "Gaussian process"

    def __init__(self, grid: CellGrid, axes: Axes, fade_km: float, n_fields: int = 1) -> None:
        self.grid = grid
        self.axes = axes
        self.fade_km = fade_km
        self.n_fields = n_fields

    def root(self, setting: Setting) -> Root:
        """Return the root of the precision of all cells, field after field."""
        graph, grid = self.grid.graph, self.grid
        kappa = (
            2.0 / setting["range"]
        )  # Matern of smoothness 1/2 in a volume: correlation exp(-kappa distance)
        flatness = setting["flatness"]
        weight = graph.weight.copy()
        weight[grid.n_sideways :] *= flatness**2
        stiffness = _stiffness(graph.n_cells, graph.edges, weight)
        variance = 1 / (8 * math.pi * kappa * flatness)
        operator = sparse.diags_array(kappa**2 * graph.measure) + stiffness
        left = np.sqrt(variance / graph.measure)
        white = sparse.diags_array(left) @ operator @ sparse.diags_array(1 / self.strength(setting))
        blocks = [sparse.csr_array(white) / ratio for ratio in self._ratios(setting)]
        return Root(sparse.csr_array(sparse.block_diag(blocks, format="csr")))

    def strength(self, setting: Setting) -> FloatArray:
        """Return the standard deviation (%) of each cell far from boundaries; shape (n_cells,)."""
        return setting["sd"] * fading(self.grid, setting["top"], self.fade_km)

    def _ratios(self, setting: Setting) -> list[float]:
        return [1.0, setting.get("s_over_p", 1.0)][: self.n_fields] if self.n_fields > 1 else [1.0]


class Roughness(GaussianPrior):
    """Laplacian smoothing with damping, the classical regularisation of tomography.

    Parameters
    ----------
    grid : CellGrid
    axes : dict of str to tuple of float
        Candidates for ``smoothing`` and ``damping``, both one over %.
    n_fields : int
    """

    name = "Laplacian smoothing"

    def __init__(self, grid: CellGrid, axes: Axes, n_fields: int = 1) -> None:
        self.grid = grid
        self.axes = axes
        self.n_fields = n_fields

    def root(self, setting: Setting) -> Root:
        """Return the damped Laplacian of all cells, field after field."""
        graph = self.grid.graph
        weight = np.ones(len(graph.weight))
        laplacian = _stiffness(graph.n_cells, graph.edges, weight)
        share = sparse.diags_array(1 / np.maximum(laplacian.diagonal(), 1.0)) @ laplacian
        one = setting["smoothing"] * share + setting["damping"] * sparse.eye_array(graph.n_cells)
        return Root(sparse.csr_array(sparse.block_diag([one] * self.n_fields, format="csr")))


def fading(grid: CellGrid, top: float, fade_km: float) -> FloatArray:
    """Return the factor on the strength of each cell: `top` at the surface and 1 at depth; (n_cells,)."""
    fall = np.exp(-grid.depths / fade_km)
    return np.asarray((1 + (top - 1) * fall)[grid.layer])


ROUGHNESS_AXES: Axes = {"smoothing": (1.0, 3.0, 10.0, 30.0), "damping": (0.1, 0.3, 1.0, 3.0)}


def _stiffness(n: int, edges: np.ndarray, weight: FloatArray) -> sparse.csr_array:
    first, second = edges.T
    off = sparse.coo_array((weight, (first, second)), (n, n)).tocsr()
    off = off + off.T
    return sparse.csr_array(sparse.diags_array(off.sum(axis=1)) - off)
