"""The final image: settings from all data, mode, draws, resolution, and the CF dataset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from scipy import sparse

from selfseis.geo.phases import Wave
from selfseis.inversion.cross_validation import choose_axis_by_axis
from selfseis.inversion.options import SolverOptions
from selfseis.inversion.solvers import conjugate_gradients
from selfseis.inversion.term_fit import TermFit, TermProblem, solve_terms
from selfseis.tomography.forward import Traced
from selfseis.tomography.grid import CellGrid
from selfseis.tomography.priors import LayeredMatern, Setting
from selfseis.typing import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Image:
    """Posterior of the structure.

    Attributes
    ----------
    fit : TermFit
        Fit with draws.
    setting : dict
    widening : dict of str to float
        Factor on predictive intervals, by wave, from inner folds.
    dlnv, sd, resolution : ndarray, shape (n_fields, n_cells)
        Percent of velocity; resolution is the share of the prior variance that the data removed.
    ray_count : ndarray of int, shape (n_fields, n_cells)
    waves : tuple of str
    """

    fit: TermFit
    setting: Setting
    widening: dict[str, float]
    dlnv: FloatArray
    sd: FloatArray
    resolution: FloatArray
    ray_count: IntArray
    waves: tuple[Wave, ...]

    def hit(self, wave: Wave) -> BoolArray:
        """Return which cells have rays of a wave."""
        return self.ray_count[self.waves.index(wave)] > 0


def make_image(
    traced: Traced, terms: TermProblem, prior: LayeredMatern, *, n_inner: int, n_samples: int, seed: int
) -> Image:
    """Choose the setting on inner folds of all data and fit all of them.

    Parameters
    ----------
    traced : Traced
    terms : TermProblem
    prior : LayeredMatern
    n_inner, n_samples, seed : int
    """
    everything = np.ones(terms.problem.n_data, bool)
    choice = choose_axis_by_axis(terms, prior, everything, n_inner=n_inner, seed=seed)
    return image_with(traced, terms, prior, choice.fit, choice.widening, n_samples=n_samples, seed=seed)


def image_with(
    traced: Traced,
    terms: TermProblem,
    prior: LayeredMatern,
    known: TermFit,
    widening: dict[str, float],
    *,
    n_samples: int,
    seed: int,
) -> Image:
    """Fit all data with the setting, scales and weights of an earlier fit.

    Parameters
    ----------
    traced : Traced
    terms : TermProblem
    prior : LayeredMatern
    known : TermFit
    widening : dict of str to float
    n_samples, seed : int
    """
    everything = np.ones(terms.problem.n_data, bool)
    fit = solve_terms(
        terms, prior, known.setting, everything, scales=known.scales, weights=known.weights,
        n_samples=n_samples, seed=seed, start=known.draws.mode,
    )  # fmt: skip
    shape = len(traced.waves), prior.grid.n_cells
    mode = fit.draws.mode[: terms.problem.n_model].reshape(shape)
    drawn = fit.draws.samples[:, : terms.problem.n_model].reshape(-1, *shape)
    sd = np.sqrt(np.mean((drawn - mode) ** 2, axis=0))
    solvers = terms.problem.options.solvers
    prior_sd = prior_spread(prior, known.setting, n_samples, seed, solvers).reshape(shape)
    resolution = np.clip(1 - (sd / np.maximum(prior_sd, 1e-9)) ** 2, 0, 1)
    counts = np.stack([traced.ray_count(wave) for wave in traced.waves])
    return Image(fit, known.setting, widening, mode, sd, resolution, counts, traced.waves)


def prior_spread(
    prior: LayeredMatern, setting: Setting, n_samples: int, seed: int, options: SolverOptions
) -> FloatArray:
    """Return the standard deviation of the prior in each cell, averaged along layers.

    It depends on depth alone if cells are equal. The same number of samples gives the same small bias as in the image.
    """
    root = sparse.csr_array(prior.root(setting).matrix)
    white = np.random.default_rng(seed).standard_normal((root.shape[0], max(n_samples, 2)))
    diagonal = root.power(2).sum(axis=0)
    draws = conjugate_gradients(
        lambda x: root.T @ (root @ x), root.T @ white, 1 / diagonal, np.zeros_like(white), options=options
    )
    layer = np.tile(prior.grid.layer, prior.n_fields) + prior.grid.n_layers * np.repeat(
        np.arange(prior.n_fields), prior.grid.n_cells
    )
    variance = np.bincount(layer, np.mean(draws**2, axis=1)) / np.bincount(layer)
    return np.sqrt(variance)[layer]


def to_dataset(image: Image, grid: CellGrid, attributes: dict[str, Any]) -> xr.Dataset:
    """Return the image on depth, latitude and longitude, following the CF conventions.

    ``dlnv``, ``sd``, ``ray_count`` and ``resolution`` are of P (of S if there is no P). With both waves, the names of
    S end in ``_s``, and ``dln_vp_vs`` with ``sd_vp_vs`` is the perturbation of their ratio.
    """
    lookup, latitude, longitude = regular_map(grid)
    fields: dict[str, tuple[FloatArray, str, str]] = {}
    for number, wave in enumerate(image.waves):
        end = "" if number == 0 else "_s"
        words = f"{wave}-wave velocity perturbation"
        fields |= {
            f"dlnv{end}": (image.dlnv[number], "percent", words),
            f"sd{end}": (image.sd[number], "percent", f"posterior standard deviation of the {words}"),
            f"ray_count{end}": (image.ray_count[number], "1", f"number of {wave} rays through the cell"),
            f"resolution{end}": (
                image.resolution[number],
                "1",
                "share of the prior variance that the data removed",
            ),
        }
    if len(image.waves) == 2:
        ratio, sd = ratio_of(image)
        fields["dln_vp_vs"] = (ratio, "percent", "perturbation of Vp/Vs")
        fields["sd_vp_vs"] = (sd, "percent", "posterior standard deviation of the perturbation of Vp/Vs")
    dims = ("depth", "latitude", "longitude")
    variables = {
        name: (
            dims,
            values.reshape(grid.n_layers, grid.n_in_layer)[:, lookup].astype(
                np.int32 if name.startswith("ray_count") else np.float32
            ),
            {"units": units, "long_name": words},
        )
        for name, (values, units, words) in fields.items()
    }
    place = {"standard_name": "latitude", "units": "degrees_north"}
    across = {"standard_name": "longitude", "units": "degrees_east"}
    below = {"standard_name": "depth", "units": "km", "positive": "down", "bounds": "depth_bounds"}
    edges = np.stack([grid.depth_edges[:-1], grid.depth_edges[1:]], axis=1)
    return xr.Dataset(
        variables,
        {
            "depth": ("depth", grid.depths, below),
            "latitude": ("latitude", latitude, place),
            "longitude": ("longitude", longitude, across),
            "depth_bounds": (("depth", "edge"), edges),
        },
        {"Conventions": "CF-1.11", **attributes},
    )


def ratio_of(image: Image) -> tuple[FloatArray, FloatArray]:
    """Return the perturbation of Vp/Vs (%) and its standard deviation from joint draws; shape (n_cells,) each."""
    mode = image.dlnv[0] - image.dlnv[1]
    n = image.dlnv.size
    drawn = image.fit.draws.samples[:, :n].reshape(-1, *image.dlnv.shape)
    return mode, np.sqrt(np.mean((drawn[:, 0] - drawn[:, 1] - mode) ** 2, axis=0))


def regular_map(grid: CellGrid) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return the cell of each node of a regular map, and its latitudes and longitudes."""
    latitude = (grid.latitude_edges[1:] + grid.latitude_edges[:-1]) / 2
    n_across = int(grid.n_around.max())
    longitude = grid.west + (np.arange(n_across) + 0.5) * grid.width / n_across
    north, east = np.meshgrid(latitude, longitude, indexing="ij")
    top = np.full(north.size, grid.depths[0])
    cells = grid.find(north.ravel(), east.ravel(), top).reshape(north.shape)
    return cells, latitude, (longitude + 180) % 360 - 180 if not _crosses_180(grid) else longitude


def _crosses_180(grid: CellGrid) -> bool:
    return not grid.is_global and (grid.west + grid.width > 180 or grid.west < -180)
