"""How well a denoiser predicts hidden channels at hidden times, beside its baselines and chance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from selfseis.denoise.baselines import neighbour_mean, station_mean
from selfseis.denoise.line_filter import LineRidge
from selfseis.denoise.prediction import best_estimate, estimate_halo, reference_gain_for, wiener_for
from selfseis.denoise.training_data import PATCHES, Span, hidden_from, patch_energy
from selfseis.recording.lazy_transform import ALIGNMENT
from selfseis.typing import BoolArray, Float32Array, IndexArray
from selfseis.validation import BlockScores, Verdict, block_scores, circular_shifts, hide_channels, judge
from selfseis.validation.scores import Interval, bootstrap_skill, interval
from selfseis.validation.verdict import MIN_BLOCKS

if TYPE_CHECKING:
    from selfseis.denoise.denoiser import Denoiser


Predict = Callable[[Span], Float32Array]
"""Maps a span to a blind prediction of its shape, NaN where none is made."""
BLOCKS_OF_CHANNELS = 12
LOUDEST = 0.125  # share of the hidden blocks, those in which most is predicted, that the verdict is passed on
MIN_LOUDEST = 24  # blocks
QUIET = 0.25  # share of the hidden patches, those of least energy


def judged(
    denoiser: Denoiser,
    recording: xr.DataArray,
    spans: list[Span],
    live: BoolArray,
    gain: Float32Array,
    *,
    before: Denoiser | None = None,
) -> Verdict:
    """Judge what a denoiser makes of channels that it is not shown, where it was not taught.

    A wave that comes and goes is little of a long record, however well it is predicted. The verdict is passed on the
    hidden blocks in which most is predicted: to tell which, nothing hidden is looked at.

    Parameters
    ----------
    denoiser : Denoiser
        With all that it has learnt.
    recording : xarray.DataArray
        The recording.
    spans : list of Span
        What `training_spans` returns of it, the common mode taken out.
    live : ndarray of bool, shape (n_channels,)
        Channels that record at all.
    gain : ndarray, shape (n_channels,)
        What the prediction of each is multiplied by.
    before : Denoiser, optional
        One that this one was begun from. Its skill in the same blocks is stated under ``skill_before``.

    Returns
    -------
    Verdict
        Its details state under ``skill_everywhere`` the skill over all that is hidden.
    """
    if np.sum(live) < 2:
        return Verdict.undecided("denoise", "One live channel alone cannot be predicted from others.")
    usable = sum(np.count_nonzero(span.train | span.validation | span.test) for span in spans)
    spans = hidden_from(denoiser.training_record_, recording, spans)
    share = float(1 - sum(np.count_nonzero(span.test) for span in spans) / usable) if usable else 0.0
    if share == 1:
        return Verdict.all_training_data("denoise")
    predict = blind_output(denoiser, recording, live, gain)
    predictions = [predict(span) for span in spans]
    scores, loudest = scores_of(spans, predictions), best_predicted(spans, predictions)
    name, simple = _baseline(denoiser, recording, spans, live, gain)
    of_simple = [np.where(np.isnan(p), p, simple(s)) for s, p in zip(spans, predictions, strict=True)]
    everywhere = _skill(scores, denoiser.seed)
    details = {
        "blind_zone_channels": denoiser.blind_zone_,
        "ridge_strength": denoiser.ridge_.strength,
        "common_mode_share": denoiser.common_share_,
        "training_share": share,
        "burst_share": float(np.mean([span.burst_share for span in spans])),
        "skill_everywhere": everywhere.to_dict(),
    }
    if before is not None:
        gain_before = before.gain_ if before.channels_ == denoiser.channels_ else np.ones_like(gain)
        output_before = blind_output(before, recording, live, gain_before)
        of_before = scores_of(spans, [output_before(span) for span in spans])
        details["skill_before"] = of_before.part(loudest).skill
    verdict = judge(
        "denoise",
        scores.part(loudest),
        scores_of(spans, of_simple).part(loudest),
        null_scores(spans, predict, denoiser.seed),
        baseline_name=name,
        null_name="channels shifted in time independently",
        measure="variance explained on hidden channels, in the hidden blocks in which most is predicted",
        seed=denoiser.seed,
        details=details,
    )
    if verdict.outcome == "works" and everywhere.high < 0:
        reason = (
            f"What it predicts falsely elsewhere outweighs it: skill {everywhere} over all that is hidden."
        )
        verdict = replace(verdict, outcome="no_gain", reason=reason)
    measured = isinstance(denoiser.ridge_, LineRidge) and denoiser.blind_zone is None
    if verdict.outcome != "works" or not measured:
        return verdict
    return unless_quiet_times_too(verdict, spans, predictions, denoiser.seed)


def blind_output(
    denoiser: Denoiser, recording: xr.DataArray, live: BoolArray, gain: Float32Array, *, with_net: bool = True
) -> Predict:
    """Return what predicts channels as a denoiser does when it is not shown their own observation.

    Parameters
    ----------
    denoiser, recording, live, gain
        As for `judged`.
    with_net : bool
        Whether its network takes part.
    """
    ridge, wiener = denoiser.ridge_, wiener_for(denoiser, recording)
    net = denoiser.net_ if with_net else None
    usual = reference_gain_for(denoiser, recording)
    estimate = partial(best_estimate, ridge=ridge, net=net, wiener=wiener, gain=gain, reference_gain=usual)
    if wiener is None or wiener.channels == 1:  # each channel is weighed by itself
        alone = np.zeros_like(live)
        return lambda span: estimate(span.data, live=live, heard=alone)
    halo = estimate_halo(ridge, net, wiener)
    return lambda span: estimate_of_unseen(
        span, live, denoiser.blind_zone_, lambda data, shown: estimate(data, live=shown), halo
    )


def _baseline(
    denoiser: Denoiser, recording: xr.DataArray, spans: list[Span], live: BoolArray, gain: Float32Array
) -> tuple[str, Predict]:
    ridge = denoiser.ridge_
    if denoiser.net_ is not None:
        of_the_filter = blind_output(denoiser, recording, live, gain, with_net=False)
        return "closed-form ridge filter", of_the_filter
    if isinstance(ridge, LineRidge):
        name, mean = "mean of the nearest visible channels", neighbour_mean(ridge.offsets, spans)
    else:
        name, mean = "mean of the other stations", station_mean(ridge.weights, spans)
    return name, lambda span: mean(span.data)


def unless_quiet_times_too(
    verdict: Verdict, spans: list[Span], predictions: list[Float32Array], seed: int
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
        Of the spans, NaN where none is made.
    seed : int
        Seed of the bootstrap.
    """
    quiet = _quiet_patches(spans)
    parts = [
        [replace(s, test=s.test & (q == is_quiet)) for s, q in zip(spans, quiet, strict=True)]
        for is_quiet in (False, True)
    ]
    others, quietest = (scores_of(part, predictions) for part in parts)
    n_blocks = min(len(others.loss), len(quietest.loss))
    if n_blocks < MIN_BLOCKS:
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
    return replace(verdict, outcome="cannot_tell", reason=reason, details=details)


def _quiet_patches(spans: list[Span]) -> list[BoolArray]:
    """Mark the patches of each span in which the median channel has least energy, shape (n_samples,) each."""
    energies = [patch_energy(span.data, span.test, _patch(span)) for span in spans]
    all_of_them = np.concatenate(energies)
    most = np.quantile(all_of_them[np.isfinite(all_of_them)], QUIET)
    return [
        np.repeat(energy <= most, _patch(span))[: span.data.shape[1]]
        for span, energy in zip(spans, energies, strict=True)
    ]


def _patch(span: Span) -> int:
    return max(1, span.data.shape[1] // PATCHES)


def null_scores(spans: list[Span], predict: Predict, seed: int) -> BlockScores:
    """Score the same predictor on data whose channels are shifted in time independently: what chance gives.

    Parameters
    ----------
    spans : list of Span
        Conditioned data with their hidden parts.
    predict : callable
        What predicts them.
    seed : int
        Seed of the shifts.

    Returns
    -------
    BlockScores
        In the blocks in which most is predicted of the shifted data.
    """
    rng = np.random.default_rng(seed)
    shifted = [
        replace(span, data=circular_shifts(span.data, rng, minimum=span.data.shape[1] // 64))
        for span in spans
    ]
    predictions = [predict(span) for span in shifted]
    return scores_of(shifted, predictions).part(best_predicted(shifted, predictions))


def scores_of(spans: list[Span], predictions: list[Float32Array]) -> BlockScores:
    """Score predictions on the hidden parts, in blocks of neighbouring channels and of hidden patches.

    Parameters
    ----------
    spans : list of Span
        Conditioned data with their hidden parts.
    predictions : list of ndarray
        Of the spans, NaN where none is made.

    Returns
    -------
    BlockScores
    """
    scores = [
        block_scores(
            span.data,
            prediction,
            (max(1, len(span.data) // BLOCKS_OF_CHANNELS), _patch(span)),
            span.test,
        )
        for span, prediction in zip(spans, predictions, strict=True)
    ]
    return BlockScores(np.concatenate([s.loss for s in scores]), np.concatenate([s.power for s in scores]))


def best_predicted(spans: list[Span], predictions: list[Float32Array]) -> IndexArray:
    """Return the blocks in which most is predicted a sample, in order of time and line.

    Parameters
    ----------
    spans, predictions
        As for `scores_of`.
    """
    made = [np.where(np.isnan(p), p, np.float32(1)) for p in predictions]
    counts, powers = (
        scores_of([replace(s, data=v) for s, v in zip(spans, values, strict=True)], values).power
        for values in (made, predictions)
    )
    n_loudest = max(round(LOUDEST * len(counts)), MIN_LOUDEST)
    return np.sort(np.argsort(-powers / np.maximum(counts, 1), kind="stable")[:n_loudest])


def _skill(scores: BlockScores, seed: int) -> Interval:
    draws = bootstrap_skill([scores], np.random.default_rng(seed))[0]
    return interval(draws, scores.skill, max(len(scores.loss), 2), Verdict.error_rate)


MIN_APART = 4  # channels from one hidden to the next; else twice the width of the zone
ROUNDS = 4  # times that other channels are hidden


def hidden_groups(n_channels: int, zone: int) -> Iterator[tuple[BoolArray, BoolArray]]:
    """Hide channels along a line together with all that share their noise, round by round.

    Parameters
    ----------
    n_channels : int
        Channels of the line.
    zone : int
        Half-width in channels over which noise is shared.

    Yields
    ------
    hidden, scored : ndarray of bool, shape (n_channels,)
        The channels hidden in a round, and those in the middle of each group, which nothing shown knows the noise
        of. None is scored twice.
    """
    apart = max(2 * (2 * zone + 1), MIN_APART)
    for first in range(0, apart, -(-apart // ROUNDS)):
        scored, shown = hide_channels(n_channels, zone, fold=first, apart=apart)
        if scored.any():
            yield ~shown, scored


def estimate_of_unseen(
    span: Span,
    live: BoolArray,
    zone: int,
    estimate: Callable[[Float32Array, BoolArray], Float32Array],
    halo: int,
) -> Float32Array:
    """Estimate the signal of channels while they are hidden, at the times that are judged.

    Parameters
    ----------
    span : Span
        Conditioned data; times that are not judged are left out as far as they are no context.
    live : ndarray of bool, shape (n_channels,)
        Channels that record at all.
    zone : int
        As for `hidden_groups`.
    estimate : callable
        Maps conditioned data and a mask of live channels to an estimate of the same shape.
    halo : int
        Samples of context on each side that it needs.

    Returns
    -------
    ndarray, shape (n_channels, n_samples)
        NaN for channels that were never hidden and at times left out.
    """
    unseen = np.full_like(span.data, np.nan)
    for window in _windows(np.asarray(span.test.any(axis=0)), halo):
        for hidden, scored in hidden_groups(len(span.data), zone):
            shown = np.where(hidden[:, None], np.float32(0), span.data[:, window])
            unseen[scored, window] = estimate(shown, live & ~hidden)[scored]
    return unseen


def _windows(judged: BoolArray, halo: int) -> list[slice]:
    """Return the stretches to be computed, each from a multiple of the frames on."""
    changes = np.flatnonzero(np.diff(judged, prepend=False, append=False)).reshape(-1, 2)
    windows: list[slice] = []
    for first, last in changes.tolist():
        start = max(first - halo, 0) // ALIGNMENT * ALIGNMENT
        stop = min(last + halo, len(judged))
        if windows and start <= windows[-1].stop:
            start = windows.pop().start
        windows.append(slice(start, stop))
    return windows
