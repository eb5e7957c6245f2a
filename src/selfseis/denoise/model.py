"""The fitted state of a denoiser, its storage, and the computations that depend on nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from selfseis.denoise.burst_mask import BLOCK, without_bursts
from selfseis.denoise.channel_levels import ChannelNoiseLevels, Ridge, measured_levels
from selfseis.denoise.common_mode import without_common_mode
from selfseis.denoise.line_filter import LineRidge
from selfseis.denoise.prediction import (
    MIN_OBSERVED_GAIN,
    best_estimate,
    blind_prediction,
    estimate_halo,
    live_channels,
)
from selfseis.denoise.station_filter import StationRidge
from selfseis.denoise.wiener import WienerWeights
from selfseis.errors import InputError
from selfseis.io.atomic import replacing
from selfseis.models.store import reading_model
from selfseis.recording.dataarray import channel_names, sampling_rate
from selfseis.recording.preprocessing import Conditioner
from selfseis.training import FitProgress, TrainingRecord
from selfseis.typing import BoolArray, Float32Array, FloatArray
from selfseis.validation import Verdict

if TYPE_CHECKING:
    from selfseis.networks import BlindSlantNet

FORMAT = 5
NOT_EVALUATED = Verdict.undecided("denoise", "The model has not been evaluated.")


@dataclass(frozen=True)
class DenoiserParameters:
    """The parameters of a `Denoiser`, under the same names and in the same order."""

    method: str
    band: tuple[float, float] | None
    blind_zone: int | None
    reach: int
    max_lag: int
    fusion: bool
    max_steps: int
    max_seconds: float | None
    seed: int


@dataclass(frozen=True, eq=False)
class DenoiserModel:
    """The fitted state of a denoiser.

    Attributes
    ----------
    conditioner : Conditioner
        Band-pass and noise level of each channel.
    channels : list of str
        Names of the channels of the training data.
    gain : ndarray, shape (n_channels,)
        Prediction gain: signal of each channel relative to its neighbours', both in units of their noise.
    blind_zone : int
        Half-width of the blind zone in channels.
    noise_correlation : ndarray
        Correlation of noise against channel offset.
    common_share : float
        Share of the noise power that all channels record at the same instant.
    ridge : LineRidge or StationRidge
        The closed-form filter.
    net : BlindSlantNet or None
        The network; None where the filter is used alone.
    wiener : WienerWeights or None
        Weights of prediction and observation; None for the blind prediction alone.
    progress : FitProgress or None
        History of the training of the network; it is not stored.
    training_record : TrainingRecord
        Times of the training data.
    verdict : Verdict
        Result of the evaluation on held-out channels and times.
    """

    conditioner: Conditioner
    channels: list[str]
    gain: Float32Array
    blind_zone: int
    noise_correlation: FloatArray
    common_share: float
    ridge: Ridge
    net: BlindSlantNet | None
    wiener: WienerWeights | None
    progress: FitProgress | None
    training_record: TrainingRecord
    verdict: Verdict = NOT_EVALUATED

    @property
    def halo(self) -> int:
        """Samples of conditioned context on each side that an estimate depends on."""
        burst_halo = BLOCK if isinstance(self.ridge, LineRidge) else 0
        return estimate_halo(self.ridge, self.net, self.wiener) + burst_halo

    def prepared(self, data: Float32Array, live: BoolArray) -> Float32Array:
        """Return conditioned data without bursts and without the common mode.

        Parameters
        ----------
        data : ndarray, shape (n_channels, n_samples)
            Conditioned data.
        live : ndarray of bool, shape (n_channels,)
            Channels with data.
        """
        if isinstance(self.ridge, LineRidge):
            data = without_bursts(data)
        return without_common_mode(data, live) if self.common_share > 0 else data

    def estimate(
        self,
        data: Float32Array,
        live: BoolArray,
        *,
        gain: Float32Array,
        wiener: WienerWeights | None,
        reference_gain: float,
    ) -> Float32Array:
        """Return the best estimate of the signal of a tile.

        Parameters
        ----------
        data, live
            As for `prepared`.
        gain, wiener, reference_gain
            As for `best_estimate`.
        """
        return best_estimate(
            self.prepared(data, live),
            ridge=self.ridge,
            net=self.net,
            wiener=wiener,
            live=live,
            gain=gain,
            reference_gain=reference_gain,
        )

    def deviation(
        self, data: Float32Array, live: BoolArray, *, gain: Float32Array, wiener: WienerWeights
    ) -> Float32Array:
        """Return the standard deviation of the estimate of a tile; NaN for dead channels.

        Parameters
        ----------
        data, live
            As for `prepared`.
        gain, wiener
            As for `best_estimate`.
        """
        data = self.prepared(data, live)
        prediction = blind_prediction(data, ridge=self.ridge, net=self.net, live=live, gain=gain)
        deviation = wiener.standard_deviation(data, prediction, live)
        # The weights hold for channels with an observation; they give no uncertainty for the others.
        deviation[~live] = np.nan
        return deviation

    def reference_gain_for(self, recording: xr.DataArray) -> float:
        """Return the reference gain: the prediction gain of a typical channel.

        It exceeds one where the filter underestimates the signal.

        Parameters
        ----------
        recording : xarray.DataArray
            The training data or another recording. Channels of other names are taken to be alike.
        """
        if channel_names(recording) != self.channels:
            return 1.0
        trained = np.abs(self.gain[live_channels(self.conditioner)])
        return max(float(np.median(trained)), MIN_OBSERVED_GAIN) if len(trained) else 1.0

    def wiener_for(self, recording: xr.DataArray) -> WienerWeights | None:
        """Return the Wiener weights for the channels of a recording.

        Parameters
        ----------
        recording : xarray.DataArray
            The training data or another recording.
        """
        if self.wiener is None or channel_names(recording) == self.channels:
            return self.wiener
        return self.wiener.for_other_channels(recording.sizes["channel"])

    def check_same_kind(self, recording: xr.DataArray) -> None:
        """Check that the model can be used on a recording.

        Raises
        ------
        InputError
            If the sampling rate differs, or, for stations, the channels.
        """
        rate = sampling_rate(recording)
        if not np.isclose(rate, self.conditioner.rate, rtol=1e-3):
            raise InputError(
                f"the model was trained at {self.conditioner.rate:g} Hz and cannot be used at {rate:g} Hz: "
                "train a model at this rate"
            )
        if isinstance(self.ridge, StationRidge) and channel_names(recording) != self.channels:
            raise InputError(
                "the model was trained on other stations or channels: train a model on the present ones"
            )

    def levels_as_trained(self, recording: xr.DataArray) -> ChannelNoiseLevels:
        """Return the noise levels of the training data, or measured ones where the channels differ.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording; it is read only where its channels are not those of the training data.

        Raises
        ------
        InputError
            If the model cannot be used on the recording.
        """
        self.check_same_kind(recording)
        conditioner, gain = self.conditioner, self.gain
        if channel_names(recording) != self.channels:
            conditioner = measured_levels(recording, conditioner.band)
            gain = np.ones(recording.sizes["channel"], np.float32)
        return ChannelNoiseLevels.as_trained(conditioner, gain, self.ridge, recording)

    def levels(self, recording: xr.DataArray) -> ChannelNoiseLevels:
        """Measure the noise levels of a recording relative to those of the training data.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording.

        Raises
        ------
        InputError
            If the model cannot be used on the recording.
        """
        levels = self.levels_as_trained(recording)
        if channel_names(recording) != self.channels:
            return levels
        today = measured_levels(recording, self.conditioner.band)
        return ChannelNoiseLevels.of_today(self.conditioner, self.gain, today, self.ridge, recording)


def fingerprint(
    parameters: Mapping[str, Any], model: DenoiserModel, levels: ChannelNoiseLevels | None = None
) -> str:
    """Return a short text that differs for models, and levels of channels, that denoise differently.

    Parameters
    ----------
    parameters : mapping of str to Any
        Parameters of the `Denoiser`.
    model : DenoiserModel
        Its fitted state.
    levels : ChannelNoiseLevels, optional
        Noise levels of the channels.
    """
    digest = hashlib.sha256(json.dumps(dict(parameters), default=str).encode())
    digest.update(json.dumps(model.conditioner.to_dict()).encode())
    ridge = model.ridge
    arrays = [
        ridge.covariance if isinstance(ridge, LineRidge) else ridge.weights,
        model.conditioner.scale,
        model.gain,
    ]
    if model.wiener is not None:
        arrays += [model.wiener.prediction_gain, model.wiener.observation_gain]
    if model.net is not None:
        arrays += [value.numpy() for value in model.net.state_dict().values()]
    if levels is not None:
        arrays += [levels.scale, levels.gain, levels.level]
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def save(folder: Path, parameters: Mapping[str, Any], model: DenoiserModel) -> None:
    """Write a denoiser to a folder atomically.

    Parameters
    ----------
    folder : Path
        Folder of the model.
    parameters : mapping of str to Any
        Parameters of the `Denoiser`.
    model : DenoiserModel
        Its fitted state.
    """
    from safetensors.numpy import save_file

    arrays = {
        "offset": model.conditioner.offset,
        "scale": model.conditioner.scale,
        "gain": model.gain,
        "noise_correlation": model.noise_correlation,
    }
    checksums, arrays["training_record"] = model.training_record.as_table()
    description: dict[str, Any] = {
        "format": FORMAT,
        "kind": "denoiser",
        "parameters": dict(parameters),
        "conditioner": model.conditioner.to_dict(),
        "channels": model.channels,
        "blind_zone": model.blind_zone,
        "common_share": model.common_share,
        "checksums": checksums,
        "verdict": model.verdict.to_dict(),
    }
    ridge = model.ridge
    if isinstance(ridge, LineRidge):
        arrays["ridge"] = ridge.covariance
        description["line_ridge"] = {
            name: getattr(ridge, name) for name in ("blind_zone", "reach", "max_lag", "strength")
        }
    else:
        arrays["ridge"] = ridge.weights
        description["station_ridge"] = {"strength": ridge.strength}
    if model.net is not None:
        arrays |= {f"net.{name}": value.numpy() for name, value in model.net.state_dict().items()}
        stacks = model.net.stacks
        description["net"] = {"blind_zone": stacks.blind_zone, "slownesses": list(stacks.slownesses)}
    if model.wiener is not None:
        weights = vars(model.wiener)
        arrays |= {f"wiener.{k}": v for k, v in weights.items() if isinstance(v, np.ndarray)}
        description["wiener"] = {k: v for k, v in weights.items() if not isinstance(v, np.ndarray)}
    with replacing(folder) as temporary:
        temporary.mkdir()
        save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, temporary / "model.safetensors")
        (temporary / "model.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def load(folder: Path) -> tuple[dict[str, Any], DenoiserModel]:
    """Read a denoiser from a folder.

    Parameters
    ----------
    folder : Path
        Folder of the model.

    Returns
    -------
    parameters : dict of str to Any
        Parameters of the `Denoiser`.
    model : DenoiserModel
        Its fitted state.

    Raises
    ------
    InputError
        If the folder holds no denoiser, a damaged one or one of another format.
    """
    from safetensors.numpy import load_file

    with reading_model(folder, "selfseis train denoiser"):
        description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        if description["kind"] != "denoiser" or description["format"] != FORMAT:
            raise ValueError(
                f"kind {description['kind']}, format {description['format']} instead of denoiser, {FORMAT}"
            )
        parameters = DenoiserParameters(**description["parameters"])
        band = tuple(parameters.band) if parameters.band else None
        return vars(parameters) | {"band": band}, _model(description, load_file(folder / "model.safetensors"))


def _model(description: dict[str, Any], arrays: dict[str, np.ndarray]) -> DenoiserModel:
    conditioner = description["conditioner"]
    return DenoiserModel(
        conditioner=Conditioner(
            conditioner["rate"], tuple(conditioner["band"]), arrays["offset"], arrays["scale"]
        ),
        channels=description["channels"],
        gain=arrays["gain"],
        blind_zone=description["blind_zone"],
        noise_correlation=arrays["noise_correlation"],
        common_share=description["common_share"],
        ridge=_ridge(description, arrays["ridge"]),
        net=_net(description.get("net"), arrays),
        wiener=_wiener(description.get("wiener"), arrays),
        progress=None,
        training_record=TrainingRecord.from_table(description["checksums"], arrays["training_record"]),
        verdict=Verdict.from_dict(description["verdict"]),
    )


def _ridge(description: dict[str, Any], array: np.ndarray) -> Ridge:
    if "line_ridge" not in description:
        return StationRidge(array, description["station_ridge"]["strength"])
    line = description["line_ridge"]
    return LineRidge(line["blind_zone"], line["reach"], line["max_lag"], array, line["strength"])


def _net(shape: dict[str, Any] | None, arrays: dict[str, np.ndarray]) -> BlindSlantNet | None:
    if shape is None:
        return None
    import torch

    from selfseis.networks import BlindSlantNet

    net = BlindSlantNet(**shape)
    weights = {name[4:]: torch.from_numpy(a.copy()) for name, a in arrays.items() if name.startswith("net.")}
    net.load_state_dict(weights)
    return net


def _wiener(scalars: dict[str, Any] | None, arrays: dict[str, np.ndarray]) -> WienerWeights | None:
    if scalars is None:
        return None
    prefix = "wiener."
    weights: dict[str, Any] = {
        name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)
    }
    return WienerWeights(**scalars, **weights)
