"""TODO."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from selfseis.denoise.line_filter import LineRidge
from selfseis.denoise.station_filter import StationRidge
from selfseis.denoise.wiener import WienerWeights
from selfseis.io.atomic import replacing
from selfseis.models.store import reading_model
from selfseis.recording.preprocessing import Conditioner
from selfseis.training import TrainingRecord
from selfseis.validation import Verdict

if TYPE_CHECKING:
    from selfseis.denoise.channel_levels import ChannelNoiseLevels
    from selfseis.denoise.denoiser import Denoiser


FORMAT = 4


def save(denoiser: Denoiser, folder: Path) -> None:
    """Write a denoiser to a folder, all or nothing."""
    from safetensors.numpy import save_file

    arrays = {
        "offset": denoiser.conditioner_.offset,
        "scale": denoiser.conditioner_.scale,
        "gain": denoiser.gain_,
        "noise_correlation": denoiser.noise_correlation_,
    }
    checksums, arrays["taught"] = denoiser.training_record_.as_table()
    description: dict[str, Any] = {
        "format": FORMAT,
        "kind": "denoiser",
        "parameters": denoiser.get_params(),
        "conditioner": denoiser.conditioner_.to_dict(),
        "channels": denoiser.channels_,
        "blind_zone": denoiser.blind_zone_,
        "common_share": denoiser.common_share_,
        "witnesses": checksums,
        "verdict": denoiser.verdict_.to_dict(),
    }
    ridge = denoiser.ridge_
    if isinstance(ridge, LineRidge):
        arrays["ridge"] = ridge.covariance
        description["line_ridge"] = {
            name: getattr(ridge, name) for name in ("blind_zone", "reach", "max_lag", "strength")
        }
    else:
        arrays["ridge"] = ridge.weights
        description["station_ridge"] = {"strength": ridge.strength}
    if denoiser.net_ is not None:
        arrays |= {f"net.{name}": value.numpy() for name, value in denoiser.net_.state_dict().items()}
        stacks = denoiser.net_.stacks
        description["net"] = {"blind_zone": stacks.blind_zone, "slownesses": list(stacks.slownesses)}
    if denoiser.wiener_ is not None:
        weights = vars(denoiser.wiener_)
        arrays |= {f"posterior.{k}": v for k, v in weights.items() if isinstance(v, np.ndarray)}
        description["posterior"] = {k: v for k, v in weights.items() if not isinstance(v, np.ndarray)}
    with replacing(folder) as temporary:
        temporary.mkdir()
        save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, temporary / "model.safetensors")
        (temporary / "model.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def fingerprint(denoiser: Denoiser, levels: ChannelNoiseLevels | None = None) -> str:
    """Return a short text that differs for models, and levels of channels, that denoise differently."""
    digest = hashlib.sha256(json.dumps(denoiser.get_params(), default=str).encode())
    digest.update(json.dumps(denoiser.conditioner_.to_dict()).encode())
    ridge = denoiser.ridge_
    arrays = [
        ridge.covariance if isinstance(ridge, LineRidge) else ridge.weights,
        denoiser.conditioner_.scale,
        denoiser.gain_,
    ]
    if denoiser.wiener_ is not None:
        arrays += [denoiser.wiener_.prediction_gain, denoiser.wiener_.trust]
    if denoiser.net_ is not None:
        arrays += [value.numpy() for value in denoiser.net_.state_dict().values()]
    if levels is not None:
        arrays += [levels.scale, levels.gain, levels.level]
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def load(cls: type[Denoiser], folder: Path) -> Any:
    """Read a denoiser from a folder.

    Raises
    ------
    InputError
        If the folder holds no denoiser, or a damaged one.
    """
    from safetensors.numpy import load_file

    with reading_model(folder, "selfseis train denoiser"):
        description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        return _rebuilt(cls, description, load_file(folder / "model.safetensors"))


def _rebuilt(cls: type[Denoiser], description: dict[str, Any], arrays: dict[str, np.ndarray]) -> Denoiser:
    if description["kind"] != "denoiser" or description["format"] != FORMAT:
        raise ValueError(f"kind {description['kind']}, format {description['format']}")
    parameters = description["parameters"]
    parameters["band"] = tuple(parameters["band"]) if parameters["band"] else None
    denoiser = cls(**parameters)
    conditioner = description["conditioner"]
    denoiser.conditioner_ = Conditioner(
        conditioner["rate"], tuple(conditioner["band"]), arrays["offset"], arrays["scale"]
    )
    denoiser.gain_ = arrays["gain"]
    denoiser.noise_correlation_ = arrays["noise_correlation"]
    denoiser.channels_ = description["channels"]
    denoiser.blind_zone_ = description["blind_zone"]
    denoiser.common_share_ = description["common_share"]
    denoiser.training_record_ = TrainingRecord.from_table(description["witnesses"], arrays["taught"])
    denoiser.verdict_ = Verdict.from_dict(description["verdict"])
    if "line_ridge" in description:
        line = description["line_ridge"]
        denoiser.ridge_ = LineRidge(
            line["blind_zone"], line["reach"], line["max_lag"], arrays["ridge"], line["strength"]
        )
    else:
        denoiser.ridge_ = StationRidge(arrays["ridge"], description["station_ridge"]["strength"])
    denoiser.net_, denoiser.progress_ = _rebuilt_net(description.get("net"), arrays), None
    denoiser.wiener_ = _rebuilt_wiener(description.get("posterior"), arrays)
    return denoiser


def _rebuilt_net(shape: dict[str, Any] | None, arrays: dict[str, np.ndarray]) -> Any:
    if shape is None:
        return None
    import torch

    from selfseis.networks import BlindSlantNet

    net = BlindSlantNet(**shape)
    weights = {name[4:]: torch.from_numpy(a.copy()) for name, a in arrays.items() if name.startswith("net.")}
    net.load_state_dict(weights)
    return net


def _rebuilt_wiener(scalars: dict[str, Any] | None, arrays: dict[str, np.ndarray]) -> WienerWeights | None:
    if scalars is None:
        return None
    weights: dict[str, Any] = {
        name.removeprefix("posterior."): array
        for name, array in arrays.items()
        if name.startswith("posterior.")
    }
    return WienerWeights(**scalars, **weights)
