"""The fitted state of an explorer, and its files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from selfseis.errors import InputError
from selfseis.explore.background import Background
from selfseis.explore.clustering import Assigner
from selfseis.explore.embedding import MAX_AXES, NOVELTY_AXES, Axes
from selfseis.explore.encoder import Encoder
from selfseis.explore.explored import Explored
from selfseis.explore.features import Gaps, WindowTable
from selfseis.explore.novelty import Novelty, edge_windows
from selfseis.explore.representation import FittedRepresentation
from selfseis.explore.windows import Grid, Site
from selfseis.io.atomic import replacing
from selfseis.models.store import reading_model
from selfseis.training import TrainingRecord
from selfseis.typing import BoolArray, Float32Array
from selfseis.validation import Verdict

FORMAT = 4
TRAINING_RECORD = "training_record"  # name of its table among the arrays


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
        score = self.novelty.score(self.representation.axes(features, NOVELTY_AXES))
        edge = edge_windows(table, background.power_ratio(table, names), self.grid.length)
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
        )

    def in_training_data(self, recording: xr.DataArray, table: WindowTable) -> BoolArray:
        """Return whether each window holds times of the training data, shape (n,)."""
        begin, end = np.array([(-1, 0), *self.training_record.times_in(recording)]).T
        last_before_end = np.searchsorted(begin, table.first + self.grid.length) - 1
        return end[last_before_end] > table.first


def save(folder: Path, parameters: dict[str, Any], model: ExplorerModel) -> None:
    """Write the parameters and the fitted state of an explorer to a folder atomically.

    Parameters
    ----------
    folder : Path
        Folder of the model.
    parameters : dict of str to Any
        Parameters of the `Explorer`.
    model : ExplorerModel
        Its fitted state.
    """
    from safetensors.numpy import save_file

    background, axes = model.background, model.representation.axes
    sites = sorted(background.power)
    checksums, record = model.training_record.as_table()
    description: dict[str, Any] = {
        "format": FORMAT,
        "kind": "explorer",
        "parameters": parameters,
        "sampling_rate": model.grid.rate,
        "window_samples": model.grid.length,
        "sites": sites,
        "softness": axes.softness,
        "reach": model.assigner.reach,
        "class_stability": {str(name): value for name, value in model.class_stability.items()},
        "n_windows": model.n_windows,
        "checksums": checksums,
        "verdict": model.verdict.to_dict(),
    }
    arrays = {
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
        TRAINING_RECORD: record,
    }
    encoder = model.representation.encoder
    if encoder is not None:
        arrays |= {f"encoder.{name}": values.numpy() for name, values in encoder.net.state_dict().items()}
    with replacing(folder) as temporary:
        temporary.mkdir()
        save_file(
            {name: np.ascontiguousarray(values) for name, values in arrays.items()},
            temporary / "model.safetensors",
        )
        (temporary / "model.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def load(folder: Path) -> tuple[dict[str, Any], ExplorerModel]:
    """Read the parameters and the fitted state of an explorer from a folder.

    Raises
    ------
    InputError
        If the folder holds no explorer, a damaged one, or one of another format.
    """
    from safetensors.numpy import load_file

    with reading_model(folder, "selfseis train explorer"):
        description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        if description["kind"] != "explorer" or description["format"] != FORMAT:
            raise ValueError(
                f"kind {description['kind']}, format {description['format']} instead of explorer, {FORMAT}"
            )
        return description["parameters"], _rebuilt(description, load_file(folder / "model.safetensors"))


def _rebuilt(description: dict[str, Any], arrays: dict[str, np.ndarray]) -> ExplorerModel:
    sites = description["sites"]
    background = Background(
        dict(zip(sites, arrays["background.power"], strict=True)),
        dict(zip(sites, arrays["background.along"], strict=True)),
        dict(zip(sites, arrays["background.modulation"], strict=True)),
        arrays["background.bands"],
    )
    axes = Axes(
        arrays["axes.median"],
        arrays["axes.whitening"],
        float(description["softness"]),
        arrays["axes.directions"],
    )
    encoder = _encoder(axes, arrays)
    name = "scattering" if encoder is None else "learned"
    return ExplorerModel(
        Grid(float(description["sampling_rate"]), int(description["window_samples"])),
        background,
        FittedRepresentation(name, axes, encoder, [], None),
        Assigner(arrays["groups.points"], arrays["groups.labels"], float(description["reach"])),
        {int(label): value for label, value in description["class_stability"].items()},
        Novelty(arrays["novelty.known"], arrays["novelty.null"]),
        description["n_windows"],
        TrainingRecord.from_table(description["checksums"], arrays[TRAINING_RECORD]),
        Verdict.from_dict(description["verdict"]),
    )


def _encoder(axes: Axes, arrays: dict[str, np.ndarray]) -> Encoder | None:
    """Rebuild the network, if there is one."""
    import torch

    from selfseis.networks.window_encoder import WindowNet

    prefix = "encoder."
    weights = {
        name[len(prefix) :]: torch.from_numpy(v) for name, v in arrays.items() if name.startswith(prefix)
    }
    if not weights:
        return None
    net = WindowNet(len(axes.median), MAX_AXES)
    net.load_state_dict(weights)
    return Encoder(axes, net)
