"""A synthetic mantle: bulletin geometry, times through a published model, origins, stations and noise on top."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import Row
from benchmarks.tomography_geometry import bulletin_of, times_through
from selfseis.geo.earth_models import read_reference
from selfseis.inversion import HeldOut
from selfseis.inversion.cross_validation import choose_axis_by_axis
from selfseis.inversion.solvers import conjugate_gradients
from selfseis.inversion.term_fit import SearchedPrior, TermProblem, solve_terms
from selfseis.tomography.forward import Traced, trace
from selfseis.tomography.grid import CellGrid
from selfseis.tomography.neural_prior import NeuralField
from selfseis.tomography.priors import LayeredMatern, Roughness, candidates
from selfseis.tomography.problem import term_problem
from selfseis.tomography.published_model import PublishedModel

NOISE_S = 0.7
ORIGIN_S, MISLOCATED_KM, STATION_S = 1.0, 8.0, 0.4
DEGREES = 5.0
TRUTH = "HMSL-P06_dvp.nc"


@dataclass(frozen=True)
class Synthetic:
    """A problem whose truth is known.

    Attributes
    ----------
    traced : Traced
    terms : TermProblem
    grid : CellGrid
    truth : ndarray, shape (n_cells,)
        In percent, at the centres of the cells.
    hit : ndarray of bool, shape (n_cells,)
    """

    traced: Traced
    terms: TermProblem
    grid: CellGrid
    truth: NDArray[np.float64]
    hit: NDArray[np.bool_]

    def with_truth(self, truth: NDArray[np.float64], seed: int) -> Synthetic:
        """Return the same geometry with data of another truth on its own cells."""
        delay = np.asarray(self.traced.operator @ truth.astype(np.float32), float)
        return replace(self, terms=with_data(self.terms, delay, seed), truth=truth)

    def correlation(self, model: NDArray[np.float64]) -> float:
        """Correlation with the truth where there are rays."""
        return float(np.corrcoef(model[self.hit], self.truth[self.hit])[0, 1])


def synthetic_mantle(n_rays: int, folder: Path, seed: int = 0) -> Synthetic:
    """Return the problem of so many rays with HMSL-P06 as truth."""
    arrivals = bulletin_of(n_rays, folder, seed)
    reference, grid = read_reference("ak135"), CellGrid.of_earth(DEGREES)
    traced = trace(arrivals, reference, grid)
    model = folder / "tomography" / "models" / TRUTH
    delay = times_through(model, traced.arrivals, reference)
    terms = with_data(term_problem(traced, "event", is_global=True), delay, seed + 1)
    truth = PublishedModel.from_file(model).on(grid)
    return Synthetic(traced, terms, grid, truth, traced.ray_count("P") > 0)


def with_data(terms: TermProblem, delay: NDArray[np.float64], seed: int) -> TermProblem:
    """Add mistaken origins, station delays and noise to the delays of a structure."""
    problem, rng = terms.problem, np.random.default_rng(seed)
    assert problem.nuisance is not None
    n_events = int(np.sum(~terms.searched)) // 4
    sizes = np.concatenate(
        [
            np.tile([ORIGIN_S, *[MISLOCATED_KM] * 3], n_events),
            np.full(int(terms.searched.sum()), STATION_S),
        ]
    )
    disturbed = problem.nuisance @ (sizes * rng.standard_normal(sizes.size))
    data = delay + disturbed + NOISE_S * rng.standard_normal(problem.n_data)
    return replace(terms, problem=problem.with_data(data))


def priors_of(grid: CellGrid) -> list[SearchedPrior]:
    """Priors that stand side by side."""
    axes = candidates(grid, n_fields=1)
    return [
        LayeredMatern(grid, axes.gaussian, axes.fade_km),
        Roughness(grid, axes.laplacian),
        NeuralField(grid, axes.network, axes.fade_km),
    ]


def image_row(synthetic: Synthetic, prior: SearchedPrior, *, n_samples: int = 24, n_inner: int = 3) -> Row:
    """Choose the setting on inner folds, fit everything, and compare with the truth."""
    began = time.perf_counter()
    everything = np.ones(synthetic.terms.problem.n_data, bool)
    choice = choose_axis_by_axis(synthetic.terms, prior, everything, n_inner=n_inner)
    known = choice.fit
    fit = solve_terms(
        synthetic.terms, prior, known.setting, everything, scales=known.scales, weights=known.weights,
        n_samples=n_samples, start=known.draws.mode,
    )  # fmt: skip
    n = synthetic.grid.n_cells
    model = fit.draws.mode[:n]
    sd = np.sqrt(np.mean((fit.draws.samples[:, :n] - model) ** 2, axis=0))
    inside = np.abs(model - synthetic.truth) <= sd
    return {
        "method": prior.name,
        "correlation in hit cells": round(synthetic.correlation(model), 4),
        "cells in 68%": round(float(np.mean(inside[synthetic.hit])), 3),
        "setting": ", ".join(f"{name} {value:g}" for name, value in known.setting.items()),
        "image s": round(time.perf_counter() - began, 1),
    }


def held_out_rows(held: list[HeldOut]) -> list[Row]:
    """Scores on the held-out arrivals that all can be scored on.

    The origins of held-out events are fitted to them and take some noise along: the floor says what noise alone
    leaves, and "as of whole noise" scales the rms by what was taken.
    """
    rows = np.logical_and.reduce([one.rows() for one in held])
    found = []
    for one in held:
        left = (one.observed - one.predicted)[rows]
        floor = NOISE_S * float(np.sqrt(np.mean(one.noise_sd[rows] ** 2)))
        rms = float(np.sqrt(np.mean(left**2)))
        found.append(
            {
                "method": one.name,
                "held-out rms s": round(rms, 4),
                "floor s": round(floor, 4),
                "rms as of whole noise s": round(rms * NOISE_S / floor, 4),
                "in 68%": round(float(np.mean(np.abs(left) <= one.sd[rows])), 3),
                "scored": int(rows.sum()),
            }
        )
    return found


def prior_draw(prior: LayeredMatern, setting: dict[str, float], seed: int) -> NDArray[np.float64]:
    """Draw a truth from the prior; shape (n_cells,)."""
    root = prior.root(setting).matrix
    white = np.random.default_rng(seed).standard_normal((root.shape[0], 1))
    return conjugate_gradients(
        lambda x: root.T @ (root @ x), root.T @ white, 1 / root.power(2).sum(axis=0), np.zeros_like(white)
    )[:, 0]
