"""How well a denoiser predicts hidden channels at hidden times, beside its baselines and chance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from selfseis.denoise.study import PATCHES, Span
from selfseis.heldout import BlockScores, block_scores, circular_shifts

Samples = NDArray[np.float32]
Predict = Callable[[Samples], Samples]

BLOCKS_OF_CHANNELS = 12


def hidden_scores(spans: list[Span], predict: Predict) -> BlockScores:
    """Score predictions on the hidden parts, in blocks of neighbouring channels and of hidden patches.

    Parameters
    ----------
    spans : list of Span
        Conditioned data with their hidden parts.
    predict : callable
        Maps conditioned data to a blind prediction of the same shape.

    Returns
    -------
    BlockScores
    """
    return _joined([_scores(span, predict(span.data)) for span in spans])


def null_scores(spans: list[Span], predict: Predict, seed: int) -> BlockScores:
    """Score the same predictor on data whose channels are shifted in time independently: what chance gives.

    Parameters
    ----------
    spans, predict
        As for `hidden_scores`.
    seed : int
        Seed of the shifts.

    Returns
    -------
    BlockScores
    """
    rng = np.random.default_rng(seed)
    scores = []
    for span in spans:
        shifted = circular_shifts(span.data, rng, minimum=span.data.shape[1] // 64)
        scores.append(_scores(Span(shifted, span.learn, span.choose, span.judge), predict(shifted)))
    return _joined(scores)


def neighbour_mean(ridge_offsets: NDArray[np.intp], spans: list[Span]) -> Predict:
    """Return the simplest blind prediction on a line: the two nearest visible channels, weighted alike.

    Parameters
    ----------
    ridge_offsets : ndarray of int
        Offsets outside the blind zone; the nearest on each side are used.
    spans : list of Span
        Data on whose learning part the weight is fitted by least squares.
    """
    nearest = int(ridge_offsets[ridge_offsets > 0].min())

    def mean(data: Samples) -> Samples:
        padded = np.pad(data, ((nearest, nearest), (0, 0)))
        return np.float32(0.5) * (padded[2 * nearest :] + padded[: len(data)])

    return _scaled(mean, spans)


def station_mean(weights: NDArray[np.float32], spans: list[Span]) -> Predict:
    """Return the simplest prediction in a network: the mean of the channels that the filter may use.

    Parameters
    ----------
    weights : ndarray, shape (n_channels, n_channels, n_lags)
        The filter; only where it is not zero matters.
    spans : list of Span
        Data on whose learning part the weight is fitted by least squares.
    """
    used = (weights != 0).any(axis=2).astype(np.float32)
    share = used / np.maximum(used.sum(axis=1, keepdims=True), 1)
    return _scaled(lambda data: share @ data, spans)


def _scaled(predict: Predict, spans: list[Span]) -> Predict:
    product = power = 0.0
    for span in spans:
        guess = np.where(span.learn, predict(span.data), 0).astype(np.float64)
        product += float(np.sum(guess * span.data))
        power += float(np.sum(guess**2))
    factor = np.float32(product / power if power > 0 else 0)
    return lambda data: factor * predict(data)


def _scores(span: Span, prediction: Samples) -> BlockScores:
    n_channels, n_samples = span.data.shape
    block = max(1, n_channels // BLOCKS_OF_CHANNELS), max(1, n_samples // PATCHES)
    return block_scores(span.data, prediction, block, span.judge)


def _joined(scores: list[BlockScores]) -> BlockScores:
    return BlockScores(np.concatenate([s.loss for s in scores]), np.concatenate([s.power for s in scores]))
