"""Skill of a denoiser on hidden channels at held-out times, compared with baselines and a null."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import xarray as xr

from selfseis.denoise.baselines import neighbour_mean, station_mean
from selfseis.denoise.line_filter import LineRidge
from selfseis.denoise.model import DenoiserModel
from selfseis.denoise.options import EvaluationOptions
from selfseis.denoise.prediction import best_estimate, estimate_halo, live_channels
from selfseis.denoise.training_data import Span, held_out_spans, intervals, patch_energy, training_spans
from selfseis.recording.lazy_transform import ALIGNMENT
from selfseis.typing import BoolArray, Float32Array, IndexArray
from selfseis.validation import BlockScores, Verdict, block_scores, circular_shifts, hide_channels, judge
from selfseis.validation.scores import Interval, bootstrap_skill, interval
from selfseis.validation.verdict import MIN_BLOCKS

Predict = Callable[[Span], Float32Array]
"""Maps a span to a blind prediction of its shape, NaN where there is none."""


def evaluate_recording(
    model: DenoiserModel, recording: xr.DataArray, *, seed: int, zone_is_measured: bool
) -> Verdict:
    """Evaluate a model on all of a recording except the times of its training data.

    Parameters
    ----------
    model : DenoiserModel
        The fitted model.
    recording : xarray.DataArray
        The recording.
    seed, zone_is_measured
        As for `evaluate_spans`.

    Returns
    -------
    Verdict
    """
    levels, options = model.levels(recording), model.options
    live = live_channels(levels)
    read = training_spans(recording, levels.observed, seed, options.training_data, options.bursts)
    spans = [replace(s, data=model.prepared(s.data, live)) for s in read]
    if not spans:
        return Verdict.undecided(
            "denoise", "The recording holds no usable data, or is too short for an evaluation."
        )
    return evaluate_spans(
        model, recording, spans, live, levels.gain, seed=seed, zone_is_measured=zone_is_measured
    )


def evaluate_spans(
    model: DenoiserModel,
    recording: xr.DataArray,
    spans: list[Span],
    live: BoolArray,
    gain: Float32Array,
    *,
    seed: int,
    zone_is_measured: bool,
    before: DenoiserModel | None = None,
) -> Verdict:
    """Evaluate the estimate of hidden channels at times that are not training data.

    A transient wave is a small part of a long recording, however well it is predicted. The verdict therefore uses
    the held-out blocks with the strongest prediction. The prediction selects them; the hidden data do not.

    Parameters
    ----------
    model : DenoiserModel
        The fitted model.
    recording : xarray.DataArray
        The recording.
    spans : list of Span
        As `training_spans` returns them, without the common mode.
    live : ndarray of bool, shape (n_channels,)
        Channels with data.
    gain : ndarray, shape (n_channels,)
        Prediction gain of each channel.
    seed : int
        Seed of the bootstrap and of the null.
    zone_is_measured : bool
        Whether the blind zone was measured rather than given. The quietest times are then tested too.
    before : DenoiserModel, optional
        The model that the fit started from. The details give its skill in the same blocks as ``skill_before``.

    Returns
    -------
    Verdict
        The details give the skill over all held-out data as ``skill_everywhere``.
    """
    if np.sum(live) < 2:
        return Verdict.undecided("denoise", "A single live channel cannot be predicted from others.")
    usable = sum(np.count_nonzero(span.train | span.validation | span.test) for span in spans)
    spans = held_out_spans(model.training_record, recording, spans)
    share = float(1 - sum(np.count_nonzero(span.test) for span in spans) / usable) if usable else 0.0
    if share == 1:
        return Verdict.all_training_data("denoise")
    predict = blind_output(model, recording, live, gain)
    predictions = [predict(span) for span in spans]
    options = model.options.evaluation
    scores = scores_of(spans, predictions, options)
    strongest = best_predicted(spans, predictions, options)
    name, baseline = _baseline(model, recording, spans, live, gain)
    baseline_predictions = [
        np.where(np.isnan(p), p, baseline(s)) for s, p in zip(spans, predictions, strict=True)
    ]
    everywhere = _skill(scores, seed)
    details = {
        "blind_zone_channels": model.blind_zone,
        "ridge_strength": model.ridge.strength,
        "common_mode_share": model.common_share,
        "training_share": share,
        "burst_share": float(np.mean([span.burst_share for span in spans])),
        "skill_everywhere": everywhere.to_dict(),
    }
    if before is not None:
        gain_before = before.gain if before.channels == model.channels else np.ones_like(gain)
        output_before = blind_output(before, recording, live, gain_before)
        scores_before = scores_of(spans, [output_before(span) for span in spans], options)
        details["skill_before"] = scores_before.part(strongest).skill
    verdict = judge(
        "denoise",
        scores.part(strongest),
        scores_of(spans, baseline_predictions, options).part(strongest),
        null_scores(spans, predict, seed, options),
        baseline_name=name,
        null_name="channels shifted in time independently",
        measure="variance explained on hidden channels, in the held-out blocks with the strongest prediction",
        seed=seed,
        details=details,
    )
    if verdict.outcome == "works" and everywhere.high < 0:
        reason = f"False predictions elsewhere outweigh the gain: the skill over all held-out data is {everywhere}."
        verdict = replace(verdict, outcome="no_gain", reason=reason)
    if verdict.outcome != "works" or not (zone_is_measured and isinstance(model.ridge, LineRidge)):
        return verdict
    return doubt_if_noise_is_predicted(verdict, spans, predictions, seed, options)


def blind_output(
    model: DenoiserModel,
    recording: xr.DataArray,
    live: BoolArray,
    gain: Float32Array,
    *,
    with_net: bool = True,
) -> Predict:
    """Return the estimate of a model without the observation of the predicted channels, as a function of a span.

    Parameters
    ----------
    model, recording, live, gain
        As for `evaluate_spans`.
    with_net : bool
        Whether to use the network of the model.
    """
    ridge, wiener = model.ridge, model.wiener_for(recording)
    net = model.net if with_net else None
    reference = model.reference_gain_for(recording)
    estimate = partial(
        best_estimate, ridge=ridge, net=net, wiener=wiener, gain=gain, reference_gain=reference
    )
    if wiener is None or wiener.channels == 1:  # the weights treat each channel by itself
        no_channel = np.zeros_like(live)
        return lambda span: estimate(span.data, live=live, observed=no_channel)
    halo = estimate_halo(ridge, net, wiener)
    return lambda span: estimate_hidden_channels(
        span,
        live,
        model.blind_zone,
        lambda data, shown: estimate(data, live=shown),
        halo,
        model.options.evaluation,
    )


def _baseline(
    model: DenoiserModel, recording: xr.DataArray, spans: list[Span], live: BoolArray, gain: Float32Array
) -> tuple[str, Predict]:
    ridge = model.ridge
    if model.net is not None:
        return "closed-form ridge filter", blind_output(model, recording, live, gain, with_net=False)
    if isinstance(ridge, LineRidge):
        name, mean = "mean of the nearest visible channels", neighbour_mean(ridge.offsets, spans)
    else:
        name, mean = "mean of the other stations", station_mean(ridge.weights, spans)
    return name, lambda span: mean(span.data)


def doubt_if_noise_is_predicted(
    verdict: Verdict,
    spans: list[Span],
    predictions: list[Float32Array],
    seed: int,
    options: EvaluationOptions = EvaluationOptions(),
) -> Verdict:
    """Replace *works* by *cannot tell* where the quietest times are predicted as well as the others.

    A measured blind zone excludes the channels whose noise is clearly correlated. Weaker correlation beyond the zone
    makes noise predictable at all times. A transient wave is predictable only while it lasts.

    Parameters
    ----------
    verdict : Verdict
        The verdict *works* on the held-out data.
    spans : list of Span
        Conditioned data with their held-out parts.
    predictions : list of ndarray
        Predictions of the spans, NaN where there are none.
    seed : int
        Seed of the bootstrap.
    options : EvaluationOptions
        Settings.
    """
    quiet = _quiet_patches(spans, options.quiet_share)
    parts = [
        [replace(s, test=s.test & (q == is_quiet)) for s, q in zip(spans, quiet, strict=True)]
        for is_quiet in (False, True)
    ]
    others, quietest = (scores_of(part, predictions, options) for part in parts)
    n_blocks = min(len(others.loss), len(quietest.loss))
    if n_blocks < MIN_BLOCKS:
        return verdict
    rng = np.random.default_rng(seed)
    draws = bootstrap_skill([others], rng)[0] - bootstrap_skill([quietest], rng)[0]
    difference = interval(draws, others.skill - quietest.skill, n_blocks, verdict.error_rate)
    details = verdict.details | {"skill_in_quiet": quietest.skill}
    if difference.low > 0:
        return replace(verdict, details=details)
    reason = (
        f"The quietest held-out times are predicted as well (skill {quietest.skill:.3f}) as the others "
        f"({others.skill:.3f}). The channels may share noise beyond the blind zone. If waves never cease in this "
        "recording, set the blind zone (--blind-zone)."
    )
    return replace(verdict, outcome="cannot_tell", reason=reason, details=details)


def _quiet_patches(spans: list[Span], share: float) -> list[BoolArray]:
    """Mask the patches of each span in which the median channel has the lowest energy, shape (n_samples,) each."""
    energies = [patch_energy(span.data, span.test, span.patch) for span in spans]
    all_energies = np.concatenate(energies)
    max_energy = np.quantile(all_energies[np.isfinite(all_energies)], share)
    return [
        np.repeat(energy <= max_energy, span.patch)[: span.data.shape[1]]
        for span, energy in zip(spans, energies, strict=True)
    ]


def null_scores(
    spans: list[Span], predict: Predict, seed: int, options: EvaluationOptions = EvaluationOptions()
) -> BlockScores:
    """Score the same predictor on surrogates whose channels are shifted in time independently.

    Parameters
    ----------
    spans : list of Span
        Conditioned data with their held-out parts.
    predict : callable
        Maps a span to its prediction.
    seed : int
        Seed of the shifts.
    options : EvaluationOptions
        Settings.

    Returns
    -------
    BlockScores
        Scores of the surrogates in the blocks with the strongest prediction.
    """
    rng = np.random.default_rng(seed)
    shifted = [
        replace(span, data=circular_shifts(span.data, rng, minimum=span.data.shape[1] // 64))
        for span in spans
    ]
    predictions = [predict(span) for span in shifted]
    strongest = best_predicted(shifted, predictions, options)
    return scores_of(shifted, predictions, options).part(strongest)


def scores_of(
    spans: list[Span], predictions: list[Float32Array], options: EvaluationOptions = EvaluationOptions()
) -> BlockScores:
    """Score predictions on the held-out parts, in blocks of neighbouring channels and of held-out patches.

    Parameters
    ----------
    spans : list of Span
        Conditioned data with their held-out parts.
    predictions : list of ndarray
        Predictions of the spans, NaN where there are none.
    options : EvaluationOptions
        Settings.

    Returns
    -------
    BlockScores
    """
    scores = [
        block_scores(
            span.data,
            prediction,
            (max(1, len(span.data) // options.n_channel_blocks), span.patch),
            span.test,
        )
        for span, prediction in zip(spans, predictions, strict=True)
    ]
    return BlockScores(np.concatenate([s.loss for s in scores]), np.concatenate([s.power for s in scores]))


def best_predicted(
    spans: list[Span], predictions: list[Float32Array], options: EvaluationOptions = EvaluationOptions()
) -> IndexArray:
    """Return the blocks with the highest predicted power per sample, in order of time and line.

    Parameters
    ----------
    spans, predictions, options
        As for `scores_of`.
    """
    made = [np.where(np.isnan(p), p, np.float32(1)) for p in predictions]
    counts, powers = (
        scores_of([replace(s, data=v) for s, v in zip(spans, values, strict=True)], values, options).power
        for values in (made, predictions)
    )
    n_strongest = max(round(options.strongest_share * len(counts)), options.min_strongest)
    return np.sort(np.argsort(-powers / np.maximum(counts, 1), kind="stable")[:n_strongest])


def _skill(scores: BlockScores, seed: int) -> Interval:
    draws = bootstrap_skill([scores], np.random.default_rng(seed))[0]
    return interval(draws, scores.skill, max(len(scores.loss), 2), Verdict.error_rate)


def hidden_groups(
    n_channels: int, zone: int, options: EvaluationOptions = EvaluationOptions()
) -> Iterator[tuple[BoolArray, BoolArray]]:
    """Hide groups of channels that share noise along a line, round by round.

    Parameters
    ----------
    n_channels : int
        Channels of the line.
    zone : int
        Half-width in channels of the blind zone.
    options : EvaluationOptions
        Settings.

    Yields
    ------
    hidden, scored : ndarray of bool, shape (n_channels,)
        The hidden channels of a round, and those in the middle of each group. No visible channel shares the noise
        of a scored one. No channel is scored twice.
    """
    apart = max(2 * (2 * zone + 1), options.min_distance)
    for first in range(0, apart, -(-apart // options.n_rounds)):
        scored, shown = hide_channels(n_channels, zone, fold=first, apart=apart)
        if scored.any():
            yield ~shown, scored


def estimate_hidden_channels(
    span: Span,
    live: BoolArray,
    zone: int,
    estimate: Callable[[Float32Array, BoolArray], Float32Array],
    halo: int,
    options: EvaluationOptions = EvaluationOptions(),
) -> Float32Array:
    """Estimate the signal of channels while they are hidden, at the test times.

    Parameters
    ----------
    span : Span
        Conditioned data. Other times than the test times and their context are skipped.
    live : ndarray of bool, shape (n_channels,)
        Channels with data.
    zone : int
        As for `hidden_groups`.
    estimate : callable
        Maps conditioned data and a mask of live channels to an estimate of the same shape.
    halo : int
        Samples of context on each side that the estimate needs.
    options : EvaluationOptions
        Settings.

    Returns
    -------
    ndarray, shape (n_channels, n_samples)
        NaN for channels that were never hidden and at skipped times.
    """
    result = np.full_like(span.data, np.nan)
    for window in _windows(np.asarray(span.test.any(axis=0)), halo):
        for hidden, scored in hidden_groups(len(span.data), zone, options):
            shown = np.where(hidden[:, None], np.float32(0), span.data[:, window])
            result[scored, window] = estimate(shown, live & ~hidden)[scored]
    return result


def _windows(test_times: BoolArray, halo: int) -> list[slice]:
    """Return the intervals to compute, with their context; each starts on a frame."""
    windows: list[slice] = []
    for first, last in intervals(test_times):
        start = max(first - halo, 0) // ALIGNMENT * ALIGNMENT
        stop = min(last + halo, len(test_times))
        if windows and start <= windows[-1].stop:
            start = windows.pop().start
        windows.append(slice(start, stop))
    return windows
