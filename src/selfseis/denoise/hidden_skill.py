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
from selfseis.denoise.study import PATCHES, Span, hidden_from, patch_energy
from selfseis.heldout import BlockScores, Verdict, block_scores, circular_shifts, judge
from selfseis.heldout.skill import bootstrap_skill, interval
from selfseis.heldout.verdict import FEWEST_BLOCKS

if TYPE_CHECKING:
    from selfseis.denoise.denoiser import Denoiser

Samples = NDArray[np.float32]
Mask = NDArray[np.bool_]
Predict = Callable[[Samples], Samples]

BLOCKS_OF_CHANNELS = 12
QUIET = 0.25  # share of the hidden patches, those of least energy


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
    spans = hidden_from(denoiser.taught_, recording, spans)
    share = float(1 - sum(np.count_nonzero(span.judge) for span in spans) / usable) if usable else 0.0
    if share == 1:
        return Verdict.all_taught("denoise")
    ridge, net = denoiser.ridge_, denoiser.net_
    predict = partial(blind_prediction, ridge=ridge, net=net, live=live, gain=gain)
    if net is not None:
        name = "closed-form ridge filter"
        simple: Predict = partial(blind_prediction, ridge=ridge, net=None, live=live, gain=gain)
    elif isinstance(ridge, LineRidge):
        name, simple = "mean of the nearest visible channels", neighbour_mean(ridge.offsets, spans)
    else:
        name, simple = "mean of the other stations", station_mean(ridge.weights, spans)
    predictions = [predict(span.data) for span in spans]
    verdict = judge(
        "denoise",
        _scores(spans, predictions),
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
    measured = isinstance(ridge, LineRidge) and denoiser.blind_zone is None
    if verdict.verdict != "works" or not measured:
        return verdict
    return unless_quiet_times_too(verdict, spans, predictions, denoiser.seed)


def unless_quiet_times_too(
    verdict: Verdict, spans: list[Span], predictions: list[Samples], seed: int
) -> Verdict:
    """Call *works* in doubt where the quietest times are predicted as well as the others.

    A measured blind zone leaves out what neighbours share plainly; what they share beyond it is predicted, loud or
    quiet. A wave that comes and goes is predicted while it is there.

    Parameters
    ----------
    verdict : Verdict
        *works*, on all hidden data.
    spans : list of Span
        Conditioned data with their hidden parts.
    predictions : list of ndarray
        Of the spans.
    seed : int
        Seed of the bootstrap.
    """
    quiet = _quiet_patches(spans)
    parts = [
        [replace(s, judge=s.judge & (q == is_quiet)) for s, q in zip(spans, quiet, strict=True)]
        for is_quiet in (False, True)
    ]
    others, quietest = (_scores(part, predictions) for part in parts)
    n_blocks = min(len(others.loss), len(quietest.loss))
    if n_blocks < FEWEST_BLOCKS:
        return verdict
    rng = np.random.default_rng(seed)
    draws = bootstrap_skill([others], rng)[0] - bootstrap_skill([quietest], rng)[0]
    more = interval(draws, others.skill - quietest.skill, n_blocks, verdict.error_rate)
    details = verdict.details | {"skill_in_quiet": quietest.skill}
    if more.low > 0:
        return replace(verdict, details=details)
    reason = (
        f"The quietest hidden times are predicted as well (skill {quietest.skill:.3f}) as the others "
        f"({others.skill:.3f}): it may be noise that channels share beyond the blind zone. If waves never cease "
        "here, give the blind zone (--blind-zone)."
    )
    return replace(verdict, verdict="cannot_tell", reason=reason, details=details)


def _quiet_patches(spans: list[Span]) -> list[Mask]:
    """Mark the patches of each span in which the median channel has least energy, shape (n_samples,) each."""
    energies = [patch_energy(span.data, span.judge, _patch(span)) for span in spans]
    all_of_them = np.concatenate(energies)
    most = np.quantile(all_of_them[np.isfinite(all_of_them)], QUIET)
    return [
        np.repeat(energy <= most, _patch(span))[: span.data.shape[1]]
        for span, energy in zip(spans, energies, strict=True)
    ]


def _patch(span: Span) -> int:
    return max(1, span.data.shape[1] // PATCHES)


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
    return _scores(spans, [predict(span.data) for span in spans])


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
    shifted = [
        replace(span, data=circular_shifts(span.data, rng, minimum=span.data.shape[1] // 64))
        for span in spans
    ]
    return hidden_scores(shifted, predict)


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


def _scores(spans: list[Span], predictions: list[Samples]) -> BlockScores:
    scores = [
        block_scores(
            span.data,
            prediction,
            (max(1, len(span.data) // BLOCKS_OF_CHANNELS), _patch(span)),
            span.judge,
        )
        for span, prediction in zip(spans, predictions, strict=True)
    ]
    return BlockScores(np.concatenate([s.loss for s in scores]), np.concatenate([s.power for s in scores]))
