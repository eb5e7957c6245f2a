"""The fitted state of a denoiser, its storage, and the computations that depend on nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.denoise.burst_mask import BLOCK, without_bursts
from selfseis.denoise.channel_levels import ChannelNoiseLevels, Ridge, measured_levels
from selfseis.denoise.common_mode import without_common_mode
from selfseis.denoise.line_filter import LineRidge
from selfseis.denoise.options import DenoiserOptions
from selfseis.denoise.prediction import (
    best_estimate,
    blind_prediction,
    estimate_halo,
    live_channels,
)
from selfseis.denoise.station_filter import StationRidge
from selfseis.denoise.wiener import WienerWeights
from selfseis.errors import InputError
from selfseis.models.store import ModelFormat, StoredModel, fingerprint, weights
from selfseis.recording.dataarray import channel_names, sampling_rate
from selfseis.recording.lazy_transform import tile_samples
from selfseis.recording.preprocessing import Conditioner
from selfseis.training import FitProgress, TrainingRecord
from selfseis.typing import BoolArray, Float32Array, FloatArray
from selfseis.validation import Verdict

if TYPE_CHECKING:
    from selfseis.networks.blind_slant_net import BlindSlantNet

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
    options: DenoiserOptions


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
    options : DenoiserOptions
        Settings of the fit, which the model goes on using.
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
    options: DenoiserOptions
    verdict: Verdict = NOT_EVALUATED

    @property
    def halo(self) -> int:
        """Samples of conditioned context on each side that an estimate depends on."""
        burst_halo = BLOCK if isinstance(self.ridge, LineRidge) else 0
        return estimate_halo(self.ridge, self.net, self.wiener) + burst_halo

    def tile_samples(self, n_channels: int) -> int:
        """Return the number of samples of a tile.

        Parameters
        ----------
        n_channels : int
            Number of channels of the recording.
        """
        tiling = self.options.tiling
        return tile_samples(
            n_channels, self.halo, max_values=tiling.max_values, min_margins=tiling.min_margins
        )

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
            data = without_bursts(data, self.options.bursts)
        if self.common_share > 0:
            data = without_common_mode(data, live, self.options.common_mode)
        return data

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
        smallest = self.options.wiener.min_observed_gain
        return max(float(np.median(trained)), smallest) if len(trained) else 1.0

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
        return ChannelNoiseLevels.of_today(
            self.conditioner, self.gain, today, self.ridge, recording, self.options.levels
        )


def fingerprint_of(
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
    ridge = model.ridge
    arrays = [
        ridge.covariance if isinstance(ridge, LineRidge) else ridge.weights,
        model.conditioner.scale,
        model.gain,
    ]
    if model.wiener is not None:
        arrays += [model.wiener.prediction_gain, model.wiener.observation_gain]
    if model.net is not None:
        arrays += weights(model.net, "net").values()
    if levels is not None:
        arrays += [levels.scale, levels.gain, levels.level]
    return fingerprint(dict(parameters), model.conditioner.to_dict(), model.options, *arrays)


def _pack(
    model: DenoiserModel, _parameters: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the state and the arrays of a model."""
    tensors: dict[str, NDArray[Any]] = {
        "offset": model.conditioner.offset,
        "scale": model.conditioner.scale,
        "gain": model.gain,
        "noise_correlation": model.noise_correlation,
    }
    checksums, tensors["training_record"] = model.training_record.as_table()
    state: dict[str, Any] = {
        "conditioner": model.conditioner.to_dict(),
        "channels": model.channels,
        "blind_zone": model.blind_zone,
        "common_share": model.common_share,
        "checksums": checksums,
        "options": model.options.to_dict(),
        "verdict": model.verdict.to_dict(),
    }
    ridge = model.ridge
    if isinstance(ridge, LineRidge):
        tensors["ridge"] = ridge.covariance
        state["line_ridge"] = {
            name: getattr(ridge, name) for name in ("blind_zone", "reach", "max_lag", "strength")
        }
    else:
        tensors["ridge"] = ridge.weights
        state["station_ridge"] = {"strength": ridge.strength}
    if model.net is not None:
        tensors |= weights(model.net, "net")
        stacks = model.net.stacks
        state["net"] = {"blind_zone": stacks.blind_zone, "slownesses": list(stacks.slownesses)}
    if model.wiener is not None:
        values = vars(model.wiener)
        tensors |= {f"wiener.{k}": v for k, v in values.items() if isinstance(v, np.ndarray)}
        state["wiener"] = {name: values[name] for name in ("channels", "samples")}
    return state, tensors


def _unpack(stored: StoredModel) -> DenoiserModel:
    """Return the model of a stored one."""
    state = stored.state
    options = DenoiserOptions.from_dict(state["options"])
    n_channels = len(state["channels"])
    record = stored.tensor("training_record", None, 4)
    return DenoiserModel(
        conditioner=Conditioner(
            state["conditioner"]["rate"],
            tuple(state["conditioner"]["band"]),
            stored.tensor("offset", n_channels),
            stored.tensor("scale", n_channels, may_be_nan=True),
        ),
        channels=state["channels"],
        gain=stored.tensor("gain", n_channels),
        blind_zone=state["blind_zone"],
        noise_correlation=stored.tensor("noise_correlation", None),
        common_share=state["common_share"],
        ridge=_ridge(stored),
        net=_net(stored, options),
        wiener=_wiener(stored, options),
        progress=None,
        training_record=TrainingRecord.from_table(state["checksums"], record),
        options=options,
        verdict=Verdict.from_dict(state["verdict"]),
    )


def _ridge(stored: StoredModel) -> Ridge:
    if "line_ridge" not in stored.state:
        n_channels = len(stored.state["channels"])
        weights_by_lag = stored.tensor("ridge", n_channels, n_channels, None)
        return StationRidge(weights_by_lag, stored.state["station_ridge"]["strength"])
    line = stored.state["line_ridge"]
    blind_zone, reach, max_lag = line["blind_zone"], line["reach"], line["max_lag"]
    covariance = stored.tensor("ridge", 4 * (blind_zone + reach) + 1, 4 * max_lag + 1)
    return LineRidge(blind_zone, reach, max_lag, covariance, line["strength"])


def _net(stored: StoredModel, options: DenoiserOptions) -> BlindSlantNet | None:
    if "net" not in stored.state:
        return None
    from selfseis.networks.blind_slant_net import BlindSlantNet

    net = BlindSlantNet(**stored.state["net"], options=options.network)
    stored.load_weights(net, "net")
    return net


def _wiener(stored: StoredModel, options: DenoiserOptions) -> WienerWeights | None:
    if "wiener" not in stored.state:
        return None
    values: dict[str, Any] = stored.state["wiener"] | stored.group("wiener")
    return WienerWeights(**values, options=options.wiener)


STORAGE = ModelFormat("denoiser", 6, "selfseis train denoiser", _pack, _unpack)
