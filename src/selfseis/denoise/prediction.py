"""The blind prediction: the filter, the network on top of it, and each channel's gain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from selfseis.denoise.line_filter import LineRidge
from selfseis.denoise.station_filter import StationRidge
from selfseis.denoise.wiener import WienerWeights
from selfseis.recording.dataarray import channel_names
from selfseis.recording.preprocessing import Conditioner
from selfseis.typing import BoolArray, Float32Array

if TYPE_CHECKING:
    from selfseis.denoise.denoiser import Denoiser
    from selfseis.networks import BlindSlantNet


def live_channels(conditioner: Conditioner) -> BoolArray:
    """Return which channels record at all, shape (n_channels,)."""
    return np.isfinite(conditioner.scale)


def blind_prediction(
    data: Float32Array,
    *,
    ridge: LineRidge | StationRidge,
    net: BlindSlantNet | None,
    live: BoolArray,
    gain: Float32Array,
) -> Float32Array:
    """Predict every channel of a tile from the channels that do not share its noise.

    Parameters
    ----------
    data : ndarray, shape (n_channels, n_samples)
        Conditioned data, the common mode taken out; zero where there is none.
    ridge : LineRidge or StationRidge
        The filter.
    net : BlindSlantNet or None
        The network that starts from it.
    live : ndarray of bool, shape (n_channels,)
        Channels that record at all.
    gain : ndarray, shape (n_channels,)
        What the prediction of each is multiplied by.

    Returns
    -------
    ndarray, shape (n_channels, n_samples)
    """
    prediction = ridge.predict(data, live)
    if net is not None:
        prediction = _applied(net, data, live, prediction)
    prediction *= gain[:, None]
    return prediction


def _applied(
    net: BlindSlantNet, data: Float32Array, live: BoolArray, reference: Float32Array
) -> Float32Array:
    import torch

    from selfseis.training import one_thread

    net.eval()
    with one_thread(), torch.inference_mode():
        tensors = (torch.from_numpy(np.ascontiguousarray(a)) for a in (data, live, reference))
        return net(*tensors).numpy()


MIN_HEARD = 0.25  # of the usual gain: a channel in more noise than this tells would bring its noise back


def best_estimate(
    data: Float32Array,
    *,
    ridge: LineRidge | StationRidge,
    net: BlindSlantNet | None,
    wiener: WienerWeights | None,
    live: BoolArray,
    gain: Float32Array,
    reference_gain: float = 1.0,
    heard: BoolArray | None = None,
) -> Float32Array:
    """Estimate the signal of every channel of a tile.

    Parameters
    ----------
    data : ndarray, shape (n_channels, n_samples)
        Conditioned data, the common mode taken out; zero where there is none. The first sample lies on a frame.
    ridge, net
        What predicts a channel from others.
    posterior : Posterior or None
        What weighs the own observation; None returns the blind prediction.
    live : ndarray of bool, shape (n_channels,)
        Channels that record at all.
    gain : ndarray, shape (n_channels,)
        What the prediction of each is multiplied by.
    reference_gain : float
        That of a usual channel, as `reference_gain_for` returns it.
    heard : ndarray of bool, shape (n_channels,), optional
        Channels whose own observation may count; by default all that are live.

    Returns
    -------
    ndarray, shape (n_channels, n_samples)
    """
    if wiener is None:
        return blind_prediction(data, ridge=ridge, net=net, live=live, gain=gain)
    usual = np.float32(reference_gain)
    heard = (live if heard is None else live & heard) & (np.abs(gain) > MIN_HEARD * usual)
    # One that is not heard stands among the others at their size: waves are told from noise across channels.
    prediction = blind_prediction(data, ridge=ridge, net=net, live=live, gain=np.where(heard, gain, usual))
    return wiener(data, prediction, heard) * np.where(heard, np.float32(1), gain / usual)[:, None]


def estimate_halo(
    ridge: LineRidge | StationRidge, net: BlindSlantNet | None, wiener: WienerWeights | None
) -> int:
    """Return the samples of context on each side that `best_estimate` depends on.

    Parameters
    ----------
    ridge, net, posterior
        As for `best_estimate`.
    """
    return ridge.halo + sum(part.halo for part in (net, wiener) if part is not None)


def reference_gain_for(denoiser: Denoiser, recording: xr.DataArray) -> float:
    """Return what the prediction of a usual channel is multiplied by: more than one where the filter is timid.

    Parameters
    ----------
    denoiser : Denoiser
        With what it has learnt.
    recording : xarray.DataArray
        The recording that was learnt from, or another one, whose channels are taken for alike where they are others.
    """
    if channel_names(recording) != denoiser.channels_:
        return 1.0
    trained = np.abs(denoiser.gain_[live_channels(denoiser.conditioner_)])
    return max(float(np.median(trained)), MIN_HEARD) if len(trained) else 1.0


def wiener_for(denoiser: Denoiser, recording: xr.DataArray) -> WienerWeights | None:
    """Return how a denoiser weighs the own observation of a recording's channels.

    Parameters
    ----------
    denoiser : Denoiser
        With what it has learnt.
    recording : xarray.DataArray
        The recording that was learnt from, or another one.
    """
    wiener = denoiser.wiener_
    if wiener is None or channel_names(recording) == denoiser.channels_:
        return wiener
    return wiener.for_other_channels(recording.sizes["channel"])
