"""Baseline predictions of a channel for the evaluation of a denoiser: equally weighted means of other channels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from selfseis.denoise.training_data import Span
from selfseis.typing import Float32Array, IndexArray


def neighbour_mean(ridge_offsets: IndexArray, spans: list[Span]) -> Callable[[Float32Array], Float32Array]:
    """Return the baseline on a line: the mean of the two nearest channels outside the blind zone.

    Parameters
    ----------
    ridge_offsets : ndarray of int
        Offsets outside the blind zone; the baseline uses the nearest one on each side.
    spans : list of Span
        Data whose training samples determine the weight by least squares.
    """
    nearest = int(ridge_offsets[ridge_offsets > 0].min())

    def mean(data: Float32Array) -> Float32Array:
        padded = np.pad(data, ((nearest, nearest), (0, 0)))
        return np.float32(0.5) * (padded[2 * nearest :] + padded[: len(data)])

    return _scaled(mean, spans)


def station_mean(weights: Float32Array, spans: list[Span]) -> Callable[[Float32Array], Float32Array]:
    """Return the baseline for stations: the mean of the channels that the filter uses.

    Parameters
    ----------
    weights : ndarray, shape (n_channels, n_channels, n_lags)
        The filter; only its non-zero entries matter.
    spans : list of Span
        Data whose training samples determine the weight by least squares.
    """
    used = (weights != 0).any(axis=2).astype(np.float32)
    share = used / np.maximum(used.sum(axis=1, keepdims=True), 1)
    return _scaled(lambda data: share @ data, spans)


def _scaled(
    predict: Callable[[Float32Array], Float32Array], spans: list[Span]
) -> Callable[[Float32Array], Float32Array]:
    product = power = 0.0
    for span in spans:
        prediction = np.where(span.train, predict(span.data), 0).astype(np.float64)
        product += float(np.sum(prediction * span.data))
        power += float(np.sum(prediction**2))
    factor = np.float32(product / power if power > 0 else 0)
    return lambda data: factor * predict(data)
