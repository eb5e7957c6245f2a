"""The blind prediction: the filter, the network on top of it, and each channel's gain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from selfseis.denoise.line_ridge import LineRidge
from selfseis.denoise.station_ridge import StationRidge
from selfseis.recording.conditioning import Conditioner

if TYPE_CHECKING:
    from selfseis.nets import BlindSlantNet

Samples = NDArray[np.float32]
Mask = NDArray[np.bool_]


def live_channels(conditioner: Conditioner) -> Mask:
    """Return which channels record at all, shape (n_channels,)."""
    return np.isfinite(conditioner.scale)


def blind_prediction(
    data: Samples,
    *,
    ridge: LineRidge | StationRidge,
    net: BlindSlantNet | None,
    live: Mask,
    gain: Samples,
) -> Samples:
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


def _applied(net: BlindSlantNet, data: Samples, live: Mask, reference: Samples) -> Samples:
    import torch

    from selfseis.learn import one_thread

    net.eval()
    with one_thread(), torch.inference_mode():
        tensors = (torch.from_numpy(np.ascontiguousarray(a)) for a in (data, live, reference))
        return net(*tensors).numpy()
