"""The blind prediction of a tile, and its combination with the channels' own observations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from selfseis.denoise.line_filter import LineRidge
from selfseis.denoise.station_filter import StationRidge
from selfseis.denoise.wiener import WienerWeights
from selfseis.recording.preprocessing import Conditioner
from selfseis.typing import BoolArray, Float32Array

if TYPE_CHECKING:
    from selfseis.networks.blind_slant_net import BlindSlantNet


def live_channels(conditioner: Conditioner) -> BoolArray:
    """Return the mask of channels with data, shape (n_channels,)."""
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
        Conditioned data without the common mode; zero where there are no data.
    ridge : LineRidge or StationRidge
        The filter.
    net : BlindSlantNet or None
        The network that starts from the filter.
    live : ndarray of bool, shape (n_channels,)
        Channels with data.
    gain : ndarray, shape (n_channels,)
        Prediction gain of each channel.

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


def best_estimate(
    data: Float32Array,
    *,
    ridge: LineRidge | StationRidge,
    net: BlindSlantNet | None,
    wiener: WienerWeights | None,
    live: BoolArray,
    gain: Float32Array,
    reference_gain: float = 1.0,
    observed: BoolArray | None = None,
) -> Float32Array:
    """Estimate the signal of every channel of a tile.

    Parameters
    ----------
    data : ndarray, shape (n_channels, n_samples)
        Conditioned data without the common mode; zero where there are no data. The first sample must lie on a
        frame.
    ridge, net
        As for `blind_prediction`.
    wiener : WienerWeights or None
        Weights of prediction and observation; None returns the blind prediction.
    live : ndarray of bool, shape (n_channels,)
        Channels with data.
    gain : ndarray, shape (n_channels,)
        Prediction gain of each channel.
    reference_gain : float
        Prediction gain of a typical channel, as `DenoiserModel.reference_gain_for` returns it.
    observed : ndarray of bool, shape (n_channels,), optional
        Channels whose own observation may be used; by default all live ones.

    Returns
    -------
    ndarray, shape (n_channels, n_samples)
    """
    if wiener is None:
        return blind_prediction(data, ridge=ridge, net=net, live=live, gain=gain)
    reference = np.float32(reference_gain)
    observed = live if observed is None else live & observed
    observed = observed & (np.abs(gain) > wiener.options.min_observed_gain * reference)
    # The Wiener weights separate waves from noise across channels. A channel without observation therefore enters
    # at the amplitude of its neighbours and gets its own amplitude afterwards.
    prediction = blind_prediction(
        data, ridge=ridge, net=net, live=live, gain=np.where(observed, gain, reference)
    )
    own_amplitude = np.where(observed, np.float32(1), gain / reference)
    return wiener(data, prediction, observed) * own_amplitude[:, None]


def estimate_halo(
    ridge: LineRidge | StationRidge, net: BlindSlantNet | None, wiener: WienerWeights | None
) -> int:
    """Return the samples of context on each side that `best_estimate` depends on.

    Parameters
    ----------
    ridge, net, wiener
        As for `best_estimate`.
    """
    return ridge.halo + sum(part.halo for part in (net, wiener) if part is not None)
