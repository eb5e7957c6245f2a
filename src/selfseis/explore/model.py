"""The fitted state of an explorer, and its files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.errors import InputError
from selfseis.explore.background import Background
from selfseis.explore.clustering import Assigner
from selfseis.explore.embedding import Axes, Encoder
from selfseis.explore.explored import Explored
from selfseis.explore.features import Gaps, WindowTable
from selfseis.explore.novelty import Novelty, edge_windows
from selfseis.explore.options import ExplorerOptions
from selfseis.explore.representation import FittedRepresentation
from selfseis.explore.windows import Grid, Site
from selfseis.models.store import ModelFormat, StoredModel, weights
from selfseis.training import TrainingRecord
from selfseis.typing import BoolArray, Float32Array
from selfseis.validation import Verdict


@dataclass(frozen=True, eq=False)
class ExplorerModel:
    """The fitted state of an explorer.

    Attributes
    ----------
    grid : Grid
        Length and sampling rate of the windows.
    background : Background
        Background of each station.
    representation : FittedRepresentation
        The coordinates in which windows are compared.
    assigner : Assigner
        Assigns windows to classes.
    class_stability : dict of int to float
        Of each class: its overlap with its counterpart from held-out windows.
    novelty : Novelty
        Scores the novelty of windows.
    n_windows : int
        Number of windows in the training data.
    training_record : TrainingRecord
        Times of the training data.
    verdict : Verdict
        On held-out halves of the training data.
    options : ExplorerOptions
        Options of the training, which also hold for other recordings.
    explored : Explored or None
        The windows of the training data; None in a loaded model.
    """

    grid: Grid
    background: Background
    representation: FittedRepresentation
    assigner: Assigner
    class_stability: dict[int, float]
    novelty: Novelty
    n_windows: int
    training_record: TrainingRecord
    verdict: Verdict
    options: ExplorerOptions
    explored: Explored | None = None

    def excess(self, table: WindowTable, sites: list[Site]) -> Float32Array:
        """Return the features of windows above the background of their sites.

        Raises
        ------
        InputError
            If the stations have other components than those of the training data.
        """
        names = [site.name for site in sites]
        features = self.background.for_sites(table, names).excess(table, names)
        n_features = len(self.representation.axes.median)
        if features.shape[1] != n_features:
            raise InputError(
                f"the explorer was trained on stations with other components ({n_features} features per window, "
                f"here {features.shape[1]}): train one on recordings like this one"
            )
        return features

    def describe(self, sites: list[Site], table: WindowTable, gaps: Gaps, features: Float32Array) -> Explored:
        """Return the coordinates, classes and novelty of windows."""
        points = self.representation(features)
        names = [site.name for site in sites]
        background = self.background.for_sites(table, names)
        score = self.novelty.score(self.representation.axes.for_novelty(features))
        power_ratio = background.power_ratio(table, names)
        edge = edge_windows(table, power_ratio, self.grid.length, self.options.novelty)
        score[edge] = np.minimum(score[edge], np.median(score))
        return Explored(
            self.grid,
            sites,
            table,
            gaps,
            points,
            self.assigner(points),
            score,
            self.novelty.p_values(score),
            background.level_db(table, names),
            self.options,
        )

    def in_training_data(self, recording: xr.DataArray, table: WindowTable) -> BoolArray:
        """Return whether each window holds times of the training data, shape (n,)."""
        begin, end = np.array([(-1, 0), *self.training_record.times_in(recording)]).T
        last_before_end = np.searchsorted(begin, table.first + self.grid.length) - 1
        return end[last_before_end] > table.first


def _pack(
    model: ExplorerModel, _parameters: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the state and the arrays of a model."""
    background, axes = model.background, model.representation.axes
    sites = sorted(background.power)
    checksums, record = model.training_record.as_table()
    state: dict[str, Any] = {
        "sampling_rate": model.grid.rate,
        "window_samples": model.grid.length,
        "options": model.options.to_dict(),
        "sites": sites,
        "softness": axes.softness,
        "reach": model.assigner.reach,
        "class_stability": {str(name): value for name, value in model.class_stability.items()},
        "n_windows": model.n_windows,
        "checksums": checksums,
        "verdict": model.verdict.to_dict(),
    }
    tensors: dict[str, NDArray[Any]] = {
        "axes.median": axes.median,
        "axes.whitening": axes.whitening,
        "axes.directions": axes.directions,
        "background.bands": background.bands,
        "background.power": np.stack([background.power[name] for name in sites]),
        "background.along": np.stack([background.along[name] for name in sites]),
        "background.modulation": np.stack([background.modulation[name] for name in sites]),
        "groups.points": model.assigner.points,
        "groups.labels": model.assigner.labels,
        "novelty.known": model.novelty.known,
        "novelty.null": model.novelty.null,
        "training_record": record,
    }
    encoder = model.representation.encoder
    return state, tensors if encoder is None else tensors | weights(encoder.net, "encoder")


def _unpack(stored: StoredModel) -> ExplorerModel:
    """Return the model of a stored one."""
    state = stored.state
    options = ExplorerOptions.from_dict(state["options"])
    axes = _axes(stored, options)
    encoder = _encoder(stored, axes, options)
    known = stored.tensor("novelty.known", None, None)
    record = stored.tensor("training_record", None, 4)
    return ExplorerModel(
        Grid(float(state["sampling_rate"]), int(state["window_samples"])),
        _background(stored, options),
        FittedRepresentation("scattering" if encoder is None else "learned", axes, encoder, [], None),
        _assigner(stored, options),
        {int(label): value for label, value in state["class_stability"].items()},
        Novelty(known, stored.tensor("novelty.null", None), options.novelty),
        state["n_windows"],
        TrainingRecord.from_table(state["checksums"], record),
        Verdict.from_dict(state["verdict"]),
        options,
    )


def _axes(stored: StoredModel, options: ExplorerOptions) -> Axes:
    median = stored.tensor("axes.median", None)
    n_features = len(median)
    return Axes(
        median,
        stored.tensor("axes.whitening", n_features, n_features),
        float(stored.state["softness"]),
        stored.tensor("axes.directions", None, n_features),
        options.embedding,
    )


def _assigner(stored: StoredModel, options: ExplorerOptions) -> Assigner:
    points = stored.tensor("groups.points", None, None)
    labels, reach = stored.tensor("groups.labels", len(points)), float(stored.state["reach"])
    return Assigner(points, labels, reach, options.clustering.assignment_neighbours)


def _background(stored: StoredModel, options: ExplorerOptions) -> Background:
    """Rebuild the background of the sites; bands or components without data are NaN."""
    sites = stored.state["sites"]
    bands = stored.tensor("background.bands", None)
    power = stored.tensor("background.power", len(sites), None, len(bands), may_be_nan=True)
    along = stored.tensor("background.along", len(sites), None, may_be_nan=True)
    modulation = stored.tensor("background.modulation", len(sites), None, may_be_nan=True)
    return Background(
        dict(zip(sites, power, strict=True)),
        dict(zip(sites, along, strict=True)),
        dict(zip(sites, modulation, strict=True)),
        bands,
        options.scattering.bands_per_octave,
        options.background,
    )


def _encoder(stored: StoredModel, axes: Axes, options: ExplorerOptions) -> Encoder | None:
    """Rebuild the network, if there is one."""
    if not stored.group("encoder"):
        return None
    from selfseis.networks.window_encoder import WindowNet

    net = WindowNet(len(axes.median), axes.options.n_axes, options.encoder.network)
    stored.load_weights(net, "encoder")
    return Encoder(axes, net)


STORAGE = ModelFormat("explorer", 5, "selfseis train explorer", _pack, _unpack)
