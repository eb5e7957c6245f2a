"""TODO."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from selfseis.explore.background import Background
from selfseis.explore.clustering import Assigner
from selfseis.explore.embedding import MAX_AXES, Axes
from selfseis.explore.encoder import Encoder
from selfseis.explore.novelty import Novelty
from selfseis.explore.representation import Represented
from selfseis.explore.windows import Grid
from selfseis.io.atomic import replacing
from selfseis.models.store import reading_model
from selfseis.training import TrainingRecord
from selfseis.validation import Verdict

if TYPE_CHECKING:
    from selfseis.explore.explorer import Explorer


FORMAT = 3


def save(explorer: Explorer, folder: Path) -> None:
    """Write an explorer to a folder, all or nothing."""
    from safetensors.numpy import save_file

    sites = sorted(explorer.background_.power)
    checksums, training = explorer.training_record_.as_table()
    description: dict[str, Any] = {
        "format": FORMAT,
        "kind": "explorer",
        "parameters": explorer.get_params(),
        "sampling_rate": explorer.grid_.rate,
        "window_samples": explorer.grid_.length,
        "sites": sites,
        "softness": explorer.represented_.axes.softness,
        "reach": explorer.assigner_.reach,
        "class_stability": {str(name): value for name, value in explorer.class_stability_.items()},
        "n_windows": explorer.n_windows_,
        "witnesses": checksums,
        "verdict": explorer.verdict_.to_dict(),
    }
    arrays = {
        "axes.median": explorer.represented_.axes.median,
        "axes.whitening": explorer.represented_.axes.whitening,
        "axes.directions": explorer.represented_.axes.directions,
        "background.bands": explorer.background_.bands,
        "background.power": np.stack([explorer.background_.power[name] for name in sites]),
        "background.along": np.stack([explorer.background_.along[name] for name in sites]),
        "background.modulation": np.stack([explorer.background_.modulation[name] for name in sites]),
        "groups.points": explorer.assigner_.points,
        "groups.labels": explorer.assigner_.labels,
        "novelty.known": explorer.novelty_.known,
        "novelty.null": explorer.novelty_.null,
        "taught": training,
    }
    encoder = explorer.represented_.encoder
    if encoder is not None:
        arrays |= {f"encoder.{name}": values.numpy() for name, values in encoder.net.state_dict().items()}
    with replacing(folder) as temporary:
        temporary.mkdir()
        save_file(
            {name: np.ascontiguousarray(values) for name, values in arrays.items()},
            temporary / "model.safetensors",
        )
        (temporary / "model.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def load(cls: type[Explorer], folder: Path) -> Any:
    """Read an explorer from a folder.

    Raises
    ------
    InputError
        If the folder holds no explorer, or a damaged one.
    """
    from safetensors.numpy import load_file

    with reading_model(folder, "selfseis train explorer"):
        description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        return _rebuilt(cls, description, load_file(folder / "model.safetensors"))


def _rebuilt(cls: type[Explorer], description: dict[str, Any], arrays: dict[str, np.ndarray]) -> Explorer:
    if description["kind"] != "explorer" or description["format"] != FORMAT:
        raise ValueError(f"kind {description['kind']}, format {description['format']}")
    explorer = cls(**description["parameters"])
    explorer.grid_ = Grid(float(description["sampling_rate"]), int(description["window_samples"]))
    sites = description["sites"]
    explorer.background_ = Background(
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
    explorer.represented_ = Represented(name, axes, encoder, [], None)
    explorer.assigner_ = Assigner(
        arrays["groups.points"], arrays["groups.labels"], float(description["reach"])
    )
    explorer.class_stability_ = {int(name): value for name, value in description["class_stability"].items()}
    explorer.novelty_ = Novelty(arrays["novelty.known"], arrays["novelty.null"])
    explorer.explored_, explorer.n_windows_ = None, description["n_windows"]
    explorer.training_record_ = TrainingRecord.from_table(description["witnesses"], arrays["taught"])
    explorer.verdict_ = Verdict.from_dict(description["verdict"])
    return explorer


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
