"""The whole chain: what others say of a channel, weighed against its own observation where that is heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.denoise.line_ridge import LineRidge
from selfseis.denoise.posterior import Posterior
from selfseis.denoise.prediction import blind_prediction, live_channels
from selfseis.denoise.station_ridge import StationRidge
from selfseis.recording.model import channel_names

if TYPE_CHECKING:
    from selfseis.denoise.denoiser import Denoiser
    from selfseis.nets import BlindSlantNet

Samples = NDArray[np.float32]
Mask = NDArray[np.bool_]

LEAST_HEARD = 0.25  # of the usual gain: a channel in more noise than this tells would bring its noise back


def best_estimate(
    data: Samples,
    *,
    ridge: LineRidge | StationRidge,
    net: BlindSlantNet | None,
    posterior: Posterior | None,
    live: Mask,
    gain: Samples,
    usual_gain: float = 1.0,
    heard: Mask | None = None,
) -> Samples:
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
    usual_gain : float
        That of a usual channel, as `usual_gain_for` returns it.
    heard : ndarray of bool, shape (n_channels,), optional
        Channels whose own observation may count; by default all that are live.

    Returns
    -------
    ndarray, shape (n_channels, n_samples)
    """
    if posterior is None:
        return blind_prediction(data, ridge=ridge, net=net, live=live, gain=gain)
    usual = np.float32(usual_gain)
    heard = (live if heard is None else live & heard) & (np.abs(gain) > LEAST_HEARD * usual)
    # One that is not heard stands among the others at their size: waves are told from noise across channels.
    prediction = blind_prediction(data, ridge=ridge, net=net, live=live, gain=np.where(heard, gain, usual))
    return posterior(data, prediction, heard) * np.where(heard, np.float32(1), gain / usual)[:, None]


def estimate_halo(
    ridge: LineRidge | StationRidge, net: BlindSlantNet | None, posterior: Posterior | None
) -> int:
    """Return the samples of context on each side that `best_estimate` depends on.

    Parameters
    ----------
    ridge, net, posterior
        As for `best_estimate`.
    """
    return ridge.halo + sum(part.halo for part in (net, posterior) if part is not None)


def usual_gain_for(denoiser: Denoiser, recording: xr.DataArray) -> float:
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
    learnt = np.abs(denoiser.gain_[live_channels(denoiser.conditioner_)])
    return max(float(np.median(learnt)), LEAST_HEARD) if len(learnt) else 1.0


def posterior_for(denoiser: Denoiser, recording: xr.DataArray) -> Posterior | None:
    """Return how a denoiser weighs the own observation of a recording's channels.

    Parameters
    ----------
    denoiser : Denoiser
        With what it has learnt.
    recording : xarray.DataArray
        The recording that was learnt from, or another one.
    """
    posterior = denoiser.posterior_
    if posterior is None or channel_names(recording) == denoiser.channels_:
        return posterior
    return posterior.for_other_channels(recording.sizes["channel"])
