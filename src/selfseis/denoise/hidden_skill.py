"""How well a denoiser predicts hidden channels at hidden times, beside its baselines and chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.denoise.line_ridge import LineRidge
from selfseis.denoise.prediction import blind_prediction
from selfseis.denoise.study import PATCHES, Span
from selfseis.heldout import BlockScores, Verdict, block_scores, circular_shifts, judge

if TYPE_CHECKING:
    from selfseis.denoise.denoiser import Denoiser

Samples = NDArray[np.float32]
Mask = NDArray[np.bool_]
Predict = Callable[[Samples], Samples]

BLOCKS_OF_CHANNELS = 12


def judged(
    denoiser: Denoiser, recording: xr.DataArray, spans: list[Span], live: Mask, gain: Samples
) -> Verdict:
    """Judge a denoiser's blind predictions where it was not taught, beside a simpler one and chance.

    Parameters
    ----------
    denoiser : Denoiser
        With its filter and network, and what they were learnt from.
    recording : xarray.DataArray
        The recording.
    spans : list of Span
        What `study_spans` returns of it, the common mode taken out.
    live : ndarray of bool, shape (n_channels,)
        Channels that record at all.
    gain : ndarray, shape (n_channels,)
        What the prediction of each is multiplied by.

    Returns
    -------
    Verdict
    """
    if np.sum(live) < 2:
        return Verdict.undecided("denoise", "One live channel alone cannot be predicted from others.")
    usable = sum(np.count_nonzero(span.learn | span.choose | span.judge) for span in spans)
    spans = denoiser.taught_.hidden(recording, spans)
    share = float(1 - sum(np.count_nonzero(span.judge) for span in spans) / usable) if usable else 0.0
    if share == 1:
        return Verdict.undecided(
            "denoise", "All of these times were learnt from: give others.", details={"taught_share": 1.0}
        )
    ridge, net = denoiser.ridge_, denoiser.net_
    predict = partial(blind_prediction, ridge=ridge, net=net, live=live, gain=gain)
    if net is not None:
        name = "closed-form ridge filter"
        simple: Predict = partial(blind_prediction, ridge=ridge, net=None, live=live, gain=gain)
    elif isinstance(ridge, LineRidge):
        name, simple = "mean of the nearest visible channels", neighbour_mean(ridge.offsets, spans)
    else:
        name, simple = "mean of the other stations", station_mean(ridge.weights, spans)
    return judge(
        "denoise",
        hidden_scores(spans, predict),
        hidden_scores(spans, simple),
        null_scores(spans, predict, denoiser.seed),
        baseline_name=name,
        null_name="channels shifted in time independently",
        measure="variance explained on hidden channels at hidden times",
        seed=denoiser.seed,
        details={
            "blind_zone_channels": denoiser.blind_zone_,
            "ridge_strength": ridge.strength,
            "common_mode_share": denoiser.common_share_,
            "taught_share": share,
        },
    )


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
        scores.append(_scores(replace(span, data=shifted), predict(shifted)))
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
