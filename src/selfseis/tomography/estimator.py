"""Travel-time tomography that hides arrivals, predicts them, and says what the data know."""

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
from selfseis.geo.earth_models import Reference, read_reference
from selfseis.tomography.arrivals import Screening, screen, table_of
from selfseis.tomography.cross_validation import Validation, validate
from selfseis.tomography.eikonal_rays import can_trace_eikonal, trace_eikonal_rays
from selfseis.tomography.forward import Traced, trace
from selfseis.tomography.grid import CellGrid
from selfseis.tomography.image import Image, image_with, make_image, to_dataset
from selfseis.tomography.neural_prior import MANTLE_NETWORKS, MAX_RAYS, REGION_NETWORKS, NeuralField
from selfseis.tomography.priors import (
    MANTLE_AXES,
    REGION_AXES,
    ROUGHNESS_AXES,
    Axes,
    LayeredMatern,
    Roughness,
)
from selfseis.tomography.problem import Hidden, term_problem
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

MIN_BLOCKS = 8
S_OVER_P = (1.0, 1.5, 2.0)


@contextmanager
def _silent(name: str) -> Iterator[ProgressCallback]:
    yield lambda done, total: None


class TravelTimeTomography(Estimator):
    """Structure from arrival times, with what hidden arrivals say about it.

    Origins, hypocentres and station delays are unknowns beside the velocities and are integrated out; noise is
    Student's t. Every setting is chosen on folds inside the data that train, by blocks that are hidden together.

    Parameters
    ----------
    reference : str
        ``ak135``, ``prem``, ``iasp91``, or a file of depth (km), vp and vs (km/s).
    scope : {"auto", "globe", "region"}
        Cells of the whole mantle, or of a box about events and stations; auto looks at the distances.
    cell : float, optional
        Side of a cell: degrees on the globe (5), km in a region (about 22 across).
    hidden : sequence of {"event", "station", "region"}
        What to hide in turn; the first with enough blocks gives the verdict.
    n_folds, n_inner : int
        Outer folds, and folds inside each that choose the settings.
    n_samples : int
        Draws from the posterior.
    ray_iterations : int
        In a region: how often rays are traced again through the new model.
    published : path, optional
        NetCDF of a published model to compare with.
    seed : int
        Seed of folds and draws.

    Attributes
    ----------
    model_ : xarray.Dataset
        ``dlnv``, ``sd`` (percent), ``ray_count`` and ``resolution`` over depth, latitude and longitude.
    verdict_ : Verdict
    validations_ : list of Validation
        One for each way of hiding.
    summary_ : dict
    traced_ : Traced
    grid_ : CellGrid
    image_ : Image
    quality_log_ : QualityLog
        What was left out or assumed.
    """

    def __init__(
        self,
        reference: str = "ak135",
        *,
        scope: Scope = "auto",
        cell: float | None = None,
        hidden: tuple[Hidden, ...] = ("event", "station", "region"),
        n_folds: int = 5,
        n_inner: int = 2,
        n_samples: int = 32,
        ray_iterations: int = 1,
        published: Path | str | None = None,
        seed: int = 0,
    ) -> None:
        self.reference = reference
        self.scope = scope
        self.cell = cell
        self.hidden = hidden
        self.n_folds = n_folds
        self.n_inner = n_inner
        self.n_samples = n_samples
        self.ray_iterations = ray_iterations
        self.published = published
        self.seed = seed

    def fit(
        self,
        arrivals: pd.DataFrame | Path | str,
        stations: Path | str | None = None,
        *,
        stage: Stage = _silent,
    ) -> Self:
        """Read, trace, hide and predict, and make the image.

        Parameters
        ----------
        arrivals : DataFrame, Path or str
            A table with the columns of `selfseis.tomography.arrivals.COLUMNS`, or a file of any format that
            `read_arrivals` knows.
        stations : Path or str, optional
            List of stations.
        stage : callable, optional
            Makes a context for each stage, given its name, that yields a report of how far it is.

        Raises
        ------
        InputError
            If the arrivals cannot be used.
        """
        reference = read_reference(self.reference)
        published = None if self.published is None else PublishedModel.from_file(self.published)
        with stage("read arrivals"):
            screening = self._screened(arrivals, stations)
            self.quality_log_ = screening.quality_log
            kept = without_lone_events(screening.arrivals, self.quality_log_)
        of_globe = is_global(kept) if self.scope == "auto" else self.scope == "globe"
        with stage("trace rays") as progress:
            self.grid_ = self._grid(kept, reference, of_globe)
            self.traced_ = self._traced(kept, reference, of_globe, progress)
        priors = self._priors(of_globe)
        self.validations_: list[Validation] = []
        for hidden in self._hidden_in_turn():
            with stage(f"hide {hidden}s") as progress:
                found = validate(
                    self.traced_,
                    hidden,
                    priors if not self.validations_ else priors[:1],
                    is_global=of_globe,
                    n_folds=self.n_folds,
                    n_inner=self.n_inner,
                    seed=self.seed,
                    progress=progress,
                )
                self.validations_.append(found)
        self.verdict_ = self.validations_[0].verdict
        with stage("make the image") as progress:
            self.image_ = self._imaged(priors[0], reference, of_globe, progress)
        self.model_ = to_dataset(self.image_, self.grid_, self._attributes())
        self.summary_ = self._summarised(reference, of_globe, published)
        return self

    def _screened(self, arrivals: pd.DataFrame | Path | str, stations: Path | str | None) -> Screening:
        if isinstance(arrivals, pd.DataFrame):
            return screen(table_of(arrivals))
        return read_arrivals(arrivals, stations)

    def _grid(self, arrivals: pd.DataFrame, reference: Reference, of_globe: bool) -> CellGrid:
        if of_globe:
            return CellGrid.of_earth(self.cell or 5.0)
        return region_grid(arrivals, reference, self.cell)

    def _traced(
        self, arrivals: pd.DataFrame, reference: Reference, of_globe: bool, progress: ProgressCallback
    ) -> Traced:
        traced = trace(arrivals, reference, self.grid_, progress=progress)
        lost = len(arrivals) - len(traced.arrivals)
        if lost:
            detail = "phases that no ray of the reference brings to their distance"
            self.quality_log_.add("no_ray", "arrivals", detail, lost)
        if not len(traced.arrivals):
            raise InputError("no arrival has a ray in the reference: check phases, depths and distances")
        check_plausible(traced)
        return without_far_off(traced, self.quality_log_, of_globe=of_globe)

    def _priors(self, of_globe: bool) -> list[Any]:
        """Return the priors that stand side by side; the image is made with the first."""
        grid, n_fields = self.grid_, len(self.traced_.waves)
        both: Axes = {"s_over_p": S_OVER_P} if n_fields == 2 else {}
        smooth, networks = (MANTLE_AXES, MANTLE_NETWORKS) if of_globe else (REGION_AXES, REGION_NETWORKS)
        fade_km = 200.0 if of_globe else grid.depth_edges[-1] / 4
        if not of_globe:
            smooth = smooth | {"range": self._shares_of_width(smooth["range"])}
            networks = networks | {"scale": self._shares_of_width(networks["scale"])}
        priors = [
            LayeredMatern(grid, smooth | both, fade_km, n_fields),
            Roughness(grid, ROUGHNESS_AXES, n_fields),
        ]
        n_rays = len(self.traced_.arrivals)
        if n_rays <= MAX_RAYS:
            return [*priors, NeuralField(grid, networks, fade_km, n_fields)]
        self.quality_log_.add(
            "left_out",
            "neural field",
            f"not tried with more than {MAX_RAYS:,} arrivals: its cost grows too fast",
            n_rays,
        )
        return priors

    def _shares_of_width(self, shares: tuple[float, ...]) -> tuple[float, ...]:
        """Return distances in km that are shares of the width of the region."""
        low, high = self.grid_.latitude_edges[[0, -1]]
        squeeze = np.cos(np.radians((low + high) / 2))
        width = 111.2 * float(np.sqrt((high - low) * self.grid_.width * squeeze))
        return tuple(width * share for share in shares)

    def _hidden_in_turn(self) -> list[Hidden]:
        """Return what can be hidden, what has enough blocks for a verdict first."""
        frame = self.traced_.arrivals
        n_events, n_stations = frame["event_id"].nunique(), frame["station"].nunique()
        n_blocks = {"event": n_events, "station": n_stations, "region": min(24, n_events // 4)}
        possible = [hidden for hidden in self.hidden if n_blocks[hidden] >= self.n_folds]
        if not possible:
            raise InputError(
                f"{n_events} events at {n_stations} stations are too few to hide any: give a longer bulletin"
            )
        return sorted(possible, key=lambda hidden: n_blocks[hidden] < MIN_BLOCKS)

    def _rounds_of_rays(self) -> int:
        """Return how often rays are traced again: never without the optional solver, and that is said."""
        if self.ray_iterations and not can_trace_eikonal():
            self.quality_log_.add(
                "assumed",
                "rays",
                "not traced again through the image: pip install 'selfseis[regional]' to do so",
            )
            return 0
        return self.ray_iterations

    def _imaged(
        self, prior: LayeredMatern, reference: Reference, of_globe: bool, progress: ProgressCallback
    ) -> Image:
        """Make the image; in a region rays are traced again through it and the setting is kept."""
        first = self.validations_[0].hidden
        terms = term_problem(self.traced_, first, is_global=of_globe, seed=self.seed)
        image = make_image(
            self.traced_, terms, prior, n_inner=self.n_inner, n_samples=self.n_samples, seed=self.seed
        )
        rounds = 0 if of_globe else self._rounds_of_rays()
        for done in range(rounds):
            progress(done + 1, rounds + 1)
            self.traced_ = trace_eikonal_rays(self.traced_, image, reference, self.grid_)
            terms = term_problem(self.traced_, first, is_global=False, seed=self.seed)
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

    def _attributes(self) -> dict[str, Any]:
        return {
            "title": "Travel-time tomography by selfseis",
            "reference_model": self.reference,
            "verdict": str(self.verdict_),
            "comment": "Where sd is as large as the prior's and resolution is near 0 the data say nothing.",
        }

    def _summarised(
        self, reference: Reference, of_globe: bool, published: PublishedModel | None
    ) -> dict[str, Any]:
        frame, image, grid = self.traced_.arrivals, self.image_, self.grid_
        summary: dict[str, Any] = {
            "scope": "globe" if of_globe else "region",
            "reference": reference.name,
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
            "hidden": {one.hidden: one.summary() for one in self.validations_},
        }
        if published is not None:
            on_grid = published.on(grid)
            summary["published"] = {"name": published.name} | compare(
                image.dlnv[0], on_grid, grid, image.ray_count[0] > 0
            )
            self.model_["published"] = (
                ("depth", "latitude", "longitude"),
                to_published(self.model_, published),
                {"units": "percent", "long_name": f"velocity perturbation of {published.name}"},
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
