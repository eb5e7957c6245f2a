"""A neural field as prior of structure: a small network of position."""

from __future__ import annotations

import numpy as np

from selfseis.geo.sphere import EARTH_RADIUS_KM, unit_vectors
from selfseis.inversion import LinearProblem
from selfseis.inversion.neural_field import Network
from selfseis.inversion.neural_field_prior import solve_network
from selfseis.inversion.posterior import Draws
from selfseis.tomography.grid import CellGrid
from selfseis.tomography.options import StructureNetworkOptions
from selfseis.tomography.priors import Axes, Setting, fading
from selfseis.typing import FloatArray


class NeuralField:
    """Structure that is the output of a small network whose input is the position of a cell.

    Random Fourier features of the position enter two hidden layers. The weights have unit Gaussian priors. Gauss-Newton
    steps find their most plausible values together with the terms of events and stations.

    Parameters
    ----------
    grid : CellGrid
    axes : dict of str to tuple of float
        Candidates for ``size`` (% of the velocity), ``scale`` (km, of the features), ``flatness`` (vertical over
        horizontal scale) and ``top`` (factor of the surface).
    fade_km : float
        Depth over which the extra strength of the surface fades.
    n_fields : int
        1 for P or S, 2 for both, one after another.
    options : StructureNetworkOptions
        Size of the network.
    """

    name = "neural field"

    def __init__(
        self,
        grid: CellGrid,
        axes: Axes,
        fade_km: float,
        n_fields: int = 1,
        *,
        options: StructureNetworkOptions = StructureNetworkOptions(),
    ) -> None:
        self.grid = grid
        self.axes = axes
        self.fade_km = fade_km
        self.n_fields = n_fields
        self.options = options

    def network(self, setting: Setting) -> Network:
        """Return the network of a setting, before any data."""
        grid = self.grid
        size = setting["size"] * fading(grid, setting["top"], self.fade_km)
        return Network.drawn(
            self._places(setting["flatness"]), setting["scale"], size[:, None], np.random.default_rng(0),
            n_frequencies=self.options.n_frequencies, width=self.options.width, n_fields=self.n_fields,
        )  # fmt: skip

    def _places(self, flatness: float) -> FloatArray:
        """Return the position on the sphere and the scaled depth of each cell in km; (n_cells, 4)."""
        grid = self.grid
        across = np.tile(EARTH_RADIUS_KM * unit_vectors(*grid.centres), (grid.n_layers, 1))
        return np.column_stack([across, grid.depths[grid.layer] / flatness])

    def solve_rows(
        self,
        problem: LinearProblem,
        row_precision: FloatArray,
        setting: Setting,
        *,
        n_samples: int = 0,
        seed: int = 0,
        start: FloatArray | None = None,
    ) -> Draws:
        """Return the most plausible structure and terms, and draws from their posterior."""
        network = self.network(setting)
        return solve_network(problem, row_precision, network, n_samples=n_samples, seed=seed, start=start)
