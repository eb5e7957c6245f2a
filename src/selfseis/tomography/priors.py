"""Priors of structure: a Gaussian process, flatter than wide and stronger near the surface, and smoothing."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy import sparse

from selfseis.geo.sphere import KM_PER_DEGREE
from selfseis.inversion import GaussianPrior, Root
from selfseis.tomography.grid import CellGrid
from selfseis.tomography.options import TomographyOptions
from selfseis.typing import FloatArray

Setting = dict[str, float]
Axes = dict[str, tuple[float, ...]]


class Candidates(NamedTuple):
    """Candidate settings of the priors, which cross-validation chooses from.

    Attributes
    ----------
    gaussian, laplacian, network : dict of str to tuple of float
        Axes of `LayeredMatern`, `Roughness` and `selfseis.tomography.neural_prior.NeuralField`.
    fade_km : float
        Depth over which the extra strength of the surface fades.
    """

    gaussian: Axes
    laplacian: Axes
    network: Axes
    fade_km: float


def candidates(grid: CellGrid, n_fields: int, options: TomographyOptions = TomographyOptions()) -> Candidates:
    """Return the candidate settings for a grid and 1 or 2 wave types."""
    common = options.priors
    if grid.is_global:
        mantle = options.mantle_prior
        sd, ranges, top, fade_km = mantle.sd, mantle.range_km, mantle.top, mantle.fade_km
        size, scales, network_top = mantle.network_size, mantle.network_scale_km, mantle.network_top
    else:
        region, width = options.region_prior, _width_km(grid)
        sd, top, fade_km = region.sd, region.top, grid.depth_edges[-1] * region.fade_share
        size, network_top = region.network_size, region.network_top
        ranges = tuple(width * share for share in region.range_share)
        scales = tuple(width * share for share in region.network_scale_share)
    gaussian = {"sd": sd, "range": ranges, "flatness": common.flatness, "top": top}
    if n_fields == 2:
        gaussian["s_over_p"] = common.s_over_p
    laplacian = {"smoothing": common.smoothing, "damping": common.damping}
    network = {"size": size, "scale": scales, "flatness": common.network_flatness, "top": network_top}
    return Candidates(gaussian, laplacian, network, fade_km)


def _width_km(grid: CellGrid) -> float:
    """Return the side of a square with the area of a region."""
    low, high = grid.latitude_edges[[0, -1]]
    squeeze = np.cos(np.radians((low + high) / 2))
    return KM_PER_DEGREE * float(np.sqrt((high - low) * grid.width * squeeze))


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
        stiffness = replace(graph, weight=weight).stiffness()
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
        laplacian = replace(graph, weight=np.ones(len(graph.weight))).stiffness()
        share = sparse.diags_array(1 / np.maximum(laplacian.diagonal(), 1.0)) @ laplacian
        one = setting["smoothing"] * share + setting["damping"] * sparse.eye_array(graph.n_cells)
        return Root(sparse.csr_array(sparse.block_diag([one] * self.n_fields, format="csr")))


def fading(grid: CellGrid, top: float, fade_km: float) -> FloatArray:
    """Return the factor on the strength of each cell: `top` at the surface and 1 at depth; (n_cells,)."""
    fall = np.exp(-grid.depths / fade_km)
    return np.asarray((1 + (top - 1) * fall)[grid.layer])
