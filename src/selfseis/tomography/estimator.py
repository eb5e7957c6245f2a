"""Estimator of travel-time tomography, with settings and verdict from held-out arrivals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
import xarray as xr

from selfseis.base import Estimator
from selfseis.errors import InputError
from selfseis.geo.earth_models import VelocityModel1D, read_reference
from selfseis.inversion.term_fit import TermProblem
from selfseis.tomography.arrivals import Screening, screen, table_of
from selfseis.tomography.cross_validation import Validation, validate
from selfseis.tomography.eikonal_rays import can_trace_eikonal, possible_iterations, trace_eikonal_rays
from selfseis.tomography.forward import Traced, trace
from selfseis.tomography.grid import CellGrid
from selfseis.tomography.image import Image, image_with, make_image, to_dataset
from selfseis.tomography.neural_prior import NeuralField
from selfseis.tomography.options import TomographyOptions
from selfseis.tomography.priors import LayeredMatern, Roughness, candidates
from selfseis.tomography.problem import BlockKind, n_regions, term_problem
from selfseis.tomography.published_model import PublishedModel, compare
from selfseis.tomography.read import read_arrivals
from selfseis.tomography.screening import (
    check_plausible,
    is_global,
    region_grid,
    without_far_off,
    without_lone_events,
)

ProgressCallback = Callable[[float, float], None]
Stage = Callable[[str], Any]
Scope = Literal["auto", "globe", "region"]


@contextmanager
def _silent(name: str) -> Iterator[ProgressCallback]:
    yield lambda done, total: None


class TravelTimeTomography(Estimator):
    """Invert arrival times for velocity structure, and evaluate it on held-out arrivals.

    Origin times, hypocentres and station delays are unknowns together with the velocities; noise is Student's t.
    Inner folds of the training data choose every setting, with blocks that are held out together.

    Parameters
    ----------
    reference : str
        ``ak135``, ``prem``, ``iasp91``, or a file of depth (km), vp and vs (km/s).
    scope : {"auto", "globe", "region"}
        Cells of the whole mantle, or of a box around events and stations; auto decides by the distances.
    cell : float, optional
        Side of a cell: degrees on the globe (5), km in a region (about 22 across).
    hold_out : sequence of {"event", "station", "region"}
        Kinds of blocks to hold out in turn; the first with enough blocks gives the verdict.
    n_folds, n_inner : int
        Outer folds, and folds inside each that choose the settings.
    n_samples : int
        Number of draws from the posterior.
    ray_iterations : int
        Number of times that rays are traced again through the new model, for a region.
    published : path, optional
        NetCDF of a published model for comparison.
    seed : int
        Seed of folds and draws.
    options : TomographyOptions
        All other settings.

    Attributes
    ----------
    model_ : xarray.Dataset
        ``dlnv``, ``sd`` (percent), ``ray_count`` and ``resolution`` over depth, latitude and longitude.
    verdict_ : Verdict
    validations_ : list of Validation
        One per kind of held-out blocks.
    summary_ : dict
    traced_ : Traced
    grid_ : CellGrid
    image_ : Image
    quality_log_ : QualityLog
        Omissions and assumptions.

    Examples
    --------
    >>> from selfseis import TravelTimeTomography
    >>> tomography = TravelTimeTomography("ak135", hold_out=("event",))
    >>> tomography.fit("arrivals.csv", "stations.csv")  # doctest: +SKIP
    >>> tomography.get_params()["n_folds"]
    5
    """

    def __init__(
        self,
        reference: str = "ak135",
        *,
        scope: Scope = "auto",
        cell: float | None = None,
        hold_out: tuple[BlockKind, ...] = ("event", "station", "region"),
        n_folds: int = 5,
        n_inner: int = 2,
        n_samples: int = 32,
        ray_iterations: int = 1,
        published: Path | str | None = None,
        seed: int = 0,
        options: TomographyOptions = TomographyOptions(),
    ) -> None:
        self.reference = reference
        self.scope = scope
        self.cell = cell
        self.hold_out = hold_out
        self.n_folds = n_folds
        self.n_inner = n_inner
        self.n_samples = n_samples
        self.ray_iterations = ray_iterations
        self.published = published
        self.seed = seed
        self.options = options

    def fit(
        self,
        arrivals: pd.DataFrame | Path | str,
        stations: Path | str | None = None,
        *,
        stage: Stage = _silent,
    ) -> Self:
        """Read arrivals, trace rays, cross-validate, and make the image.

        Parameters
        ----------
        arrivals : DataFrame, Path or str
            A table with the columns of `selfseis.tomography.arrivals.COLUMNS`, or a file in any format of
            `read_arrivals`.
        stations : Path or str, optional
            List of stations.
        stage : callable, optional
            Makes a context for each stage, given its name, that yields a progress callback.

        Raises
        ------
        InputError
            If the arrivals cannot be used.
        """
        reference = read_reference(self.reference)
        options = self.options
        published = (
            None if self.published is None else PublishedModel.from_file(self.published, options.published)
        )
        with stage("read arrivals"):
            screening = self._screened(arrivals, stations)
            self.quality_log_ = screening.quality_log
            kept = without_lone_events(screening.arrivals, self.quality_log_, options.screening)
        of_globe = is_global(kept, options.grid) if self.scope == "auto" else self.scope == "globe"
        with stage("trace rays") as progress:
            self.grid_ = self._grid(kept, reference, of_globe)
            self.traced_ = self._traced(kept, reference, of_globe, progress)
        priors = self._priors()
        self.validations_: list[Validation] = []
        for held_out in self._held_out_in_turn():
            with stage(f"hold out {held_out}s") as progress:
                found = validate(
                    self.traced_,
                    held_out,
                    priors if not self.validations_ else priors[:1],
                    is_global=of_globe,
                    n_folds=self.n_folds,
                    n_inner=self.n_inner,
                    seed=self.seed,
                    options=options,
                    progress=progress,
                )
                self.validations_.append(found)
        self.verdict_ = self.validations_[0].verdict
        with stage("make the image") as progress:
            self.image_ = self._imaged(priors[0], reference, of_globe, progress)
        self.model_ = to_dataset(self.image_, self.grid_, self._attributes())
        if published is not None:
            self.model_["published"] = (
                ("depth", "latitude", "longitude"),
                to_published(self.model_, published),
                {"units": "percent", "long_name": f"velocity perturbation of {published.name}"},
            )
        self.summary_ = self._summarise(reference, of_globe, published)
        return self

    def _screened(self, arrivals: pd.DataFrame | Path | str, stations: Path | str | None) -> Screening:
        if isinstance(arrivals, pd.DataFrame):
            return screen(table_of(arrivals), options=self.options.screening)
        return read_arrivals(arrivals, stations, options=self.options.screening)

    def _grid(self, arrivals: pd.DataFrame, reference: VelocityModel1D, of_globe: bool) -> CellGrid:
        if of_globe:
            return CellGrid.of_earth(self.cell, options=self.options.grid)
        return region_grid(arrivals, reference, self.cell, self.options)

    def _traced(
        self, arrivals: pd.DataFrame, reference: VelocityModel1D, of_globe: bool, progress: ProgressCallback
    ) -> Traced:
        traced = trace(arrivals, reference, self.grid_, options=self.options.rays, progress=progress)
        lost = len(arrivals) - len(traced.arrivals)
        if lost:
            detail = "phases without a ray at their distance in the reference"
            self.quality_log_.add("no_ray", "arrivals", detail, lost)
        if not len(traced.arrivals):
            raise InputError("no arrival has a ray in the reference: check phases, depths and distances")
        check_plausible(traced, self.options.screening)
        return without_far_off(traced, self.quality_log_, self.options.screening, of_globe=of_globe)

    def _priors(self) -> list[Any]:
        """Return the priors to compare; the first makes the image."""
        grid, n_fields, n_arrivals = self.grid_, len(self.traced_.waves), len(self.traced_.arrivals)
        axes = candidates(grid, n_fields, self.options)
        priors = [
            LayeredMatern(grid, axes.gaussian, axes.fade_km, n_fields),
            Roughness(grid, axes.laplacian, n_fields),
        ]
        network = self.options.inversion.neural_field
        if n_arrivals <= network.max_arrivals:
            return [*priors, NeuralField(grid, axes.network, axes.fade_km, n_fields, options=network)]
        self.quality_log_.add(
            "left_out",
            "neural field",
            f"not tried with more than {network.max_arrivals:,} arrivals: its cost grows too fast",
            n_arrivals,
        )
        return priors

    def _held_out_in_turn(self) -> list[BlockKind]:
        """Return the possible kinds of held-out blocks; those with enough blocks for a verdict come first."""
        frame, options = self.traced_.arrivals, self.options.held_out
        n_events, n_stations = frame["event_id"].nunique(), frame["station"].nunique()
        n_blocks = {"event": n_events, "station": n_stations, "region": n_regions(n_events, options)}
        possible = [kind for kind in self.hold_out if n_blocks[kind] >= self.n_folds]
        if not possible:
            raise InputError(
                f"{n_events} events at {n_stations} stations are too few to hold any out: give a longer bulletin"
            )
        return sorted(possible, key=lambda kind: n_blocks[kind] < options.min_blocks)

    def _imaged(
        self, prior: LayeredMatern, reference: VelocityModel1D, of_globe: bool, progress: ProgressCallback
    ) -> Image:
        """Make the image; in a region, trace rays again through it with the same setting."""
        first = self.validations_[0].held_out
        terms = self._terms(first, of_globe)
        image = make_image(
            self.traced_, terms, prior, n_inner=self.n_inner, n_samples=self.n_samples, seed=self.seed
        )
        rounds = 0 if of_globe else self.ray_iterations
        rounds = possible_iterations(rounds, self.quality_log_, has_solver=can_trace_eikonal())
        for done in range(rounds):
            progress(done + 1, rounds + 1)
            self.traced_ = trace_eikonal_rays(self.traced_, image, reference, self.grid_, self.options)
            terms = self._terms(first, of_globe)
            image = image_with(
                self.traced_,
                terms,
                prior,
                image.fit,
                image.widening,
                n_samples=self.n_samples,
                seed=self.seed,
            )
        return image

    def _terms(self, held_out: BlockKind, of_globe: bool) -> TermProblem:
        return term_problem(self.traced_, held_out, is_global=of_globe, seed=self.seed, options=self.options)

    def _attributes(self) -> dict[str, Any]:
        return {
            "title": "Travel-time tomography by selfseis",
            "reference_model": self.reference,
            "verdict": str(self.verdict_),
            "comment": "Where sd equals that of the prior and resolution is near 0, data do not constrain the model.",
        }

    def _summarise(
        self, reference: VelocityModel1D, of_globe: bool, published: PublishedModel | None
    ) -> dict[str, Any]:
        frame, image, grid = self.traced_.arrivals, self.image_, self.grid_
        summary: dict[str, Any] = {
            "scope": "globe" if of_globe else "region",
            "reference": reference.source,
            "n_arrivals": len(frame),
            "n_events": int(frame["event_id"].nunique()),
            "n_stations": int(frame["station"].nunique()),
            "waves": list(image.waves),
            "n_cells": grid.n_cells,
            "n_layers": grid.n_layers,
            "setting": image.setting,
            "noise_s": {
                wave: round(
                    float(np.median(frame["sigma_s"][self.traced_.is_s == (wave == "S")]))
                    * image.fit.scales[wave],
                    4,
                )
                for wave in image.waves
            },
            "share_of_cells_hit": {wave: float(np.mean(image.hit(wave))) for wave in image.waves},
            "mean_resolution_where_hit": {
                wave: float(np.mean(image.resolution[n][image.hit(wave)]))
                for n, wave in enumerate(image.waves)
            },
            "held_out": {one.held_out: one.summary() for one in self.validations_},
        }
        if published is not None:
            summary["published"] = {"name": published.name} | compare(
                image.dlnv[0], published.on(grid), grid, image.ray_count[0] > 0
            )
        return summary


def to_published(model: xr.Dataset, published: PublishedModel) -> np.ndarray:
    """Return published perturbations at the nodes of a model; (depth, latitude, longitude)."""
    north, east = np.meshgrid(model["latitude"].values, model["longitude"].values, indexing="ij")
    layers = [
        published.at(north.ravel(), east.ravel(), np.full(north.size, depth))
        for depth in model["depth"].values
    ]
    return np.stack(layers).reshape(model["dlnv"].shape).astype(np.float32)
