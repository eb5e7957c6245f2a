"""Learning a denoiser, anew or from one that was learnt before: levels, filter, network, gains, weights, verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from selfseis.denoise import evaluate as hidden_skill
from selfseis.denoise import model as storage
from selfseis.denoise.channel_levels import measured_gains, measured_levels
from selfseis.denoise.common_mode import common_share, without_common_mode
from selfseis.denoise.line_filter import LineRidge
from selfseis.denoise.prediction import blind_prediction, live_channels
from selfseis.denoise.station_filter import StationRidge, other_stations, station_places
from selfseis.denoise.training_data import Span, is_line, line_blind_zone, training_record_of, training_spans
from selfseis.denoise.wiener import WienerWeights
from selfseis.errors import InputError
from selfseis.recording.dataarray import channel_names, station_codes
from selfseis.typing import BoolArray, Float32Array, FloatArray

if TYPE_CHECKING:
    from selfseis.denoise.denoiser import Denoiser
    from selfseis.training import FitProgress


Ridge = LineRidge | StationRidge


def fit_denoiser(
    denoiser: Denoiser,
    recording: xr.DataArray,
    *,
    start: Denoiser | None = None,
    checkpoint: Path | None = None,
    progress: Callable[[FitProgress], None] | None = None,
) -> None:
    """Set all that a denoiser learns from a recording.

    Parameters
    ----------
    denoiser : Denoiser
        With its parameters.
    recording : xarray.DataArray
        The recording.
    start : Denoiser, optional
        A fitted denoiser whose filter and network are the beginning.
    checkpoint, progress
        As for `Denoiser.fit`.

    Raises
    ------
    InputError
        As `Denoiser.fit`.
    """
    _check_method(denoiser.method, recording)
    denoiser.conditioner_ = measured_levels(recording, denoiser.band)
    spans = training_spans(recording, denoiser.conditioner_, denoiser.seed)
    if not spans:
        raise InputError("nothing to learn from: every channel is empty or dead, or the record is too short")
    denoiser.channels_ = channel_names(recording)
    live = live_channels(denoiser.conditioner_)
    denoiser.training_record_ = training_record_of(recording, spans, live)
    if start is not None:
        denoiser.training_record_ = start.training_record_ | denoiser.training_record_
    closed_form = fit_filter(
        recording,
        spans,
        live,
        blind_zone=denoiser.blind_zone,
        reach=denoiser.reach,
        max_lag=denoiser.max_lag,
        start=start.ridge_ if start is not None else None,
    )
    denoiser.ridge_, spans = closed_form.ridge, closed_form.spans
    denoiser.noise_correlation_, denoiser.common_share_ = (
        closed_form.noise_correlation,
        closed_form.common_share,
    )
    denoiser.blind_zone_ = closed_form.ridge.blind_zone if isinstance(closed_form.ridge, LineRidge) else 0
    denoiser.net_, denoiser.progress_, denoiser.wiener_ = None, None, None
    denoiser.gain_ = np.ones(len(live), np.float32)
    predict = partial(blind_prediction, ridge=denoiser.ridge_, live=live)
    if is_line(recording):  # each station has a filter, and so a gain, of its own
        denoiser.gain_ = measured_gains(spans, partial(predict, net=None, gain=denoiser.gain_))
    if denoiser.method == "network":
        _fit_network(denoiser, spans, start, checkpoint, progress)
    if denoiser.fusion:
        predict = partial(predict, net=denoiser.net_, gain=denoiser.gain_)
        denoiser.wiener_ = WienerWeights.measure(
            [(s.data, predict(s.data)) for s in spans],
            on_line=is_line(recording),
            times=[np.logical_not(s.test.any(axis=0)) for s in spans],
        )
    # On nearer channels than before it would be easier.
    before = start if start is not None and start.blind_zone_ == denoiser.blind_zone_ else None
    denoiser.verdict_ = hidden_skill.judged(denoiser, recording, spans, live, denoiser.gain_, before=before)


def _check_method(method: str, recording: xr.DataArray) -> None:
    if method not in ("ridge", "network"):
        raise ValueError(f"method must be 'ridge' or 'network', got {method!r}")
    if method == "network" and not is_line(recording):
        raise InputError("the network needs at least 8 channels on a line: use method 'ridge' for stations")


def _fit_network(
    denoiser: Denoiser,
    spans: list[Span],
    start: Denoiser | None,
    checkpoint: Path | None,
    progress: Callable[[FitProgress], None] | None,
) -> None:
    from selfseis.denoise.train_network import train_network

    assert isinstance(denoiser.ridge_, LineRidge)
    denoiser.net_, denoiser.progress_ = train_network(
        spans,
        denoiser.ridge_,
        live_channels(denoiser.conditioner_),
        denoiser.gain_,
        max_steps=denoiser.max_steps,
        max_seconds=denoiser.max_seconds,
        seed=denoiser.seed,
        start=start.net_ if start is not None else None,
        checkpoint=checkpoint and checkpoint / _training(denoiser, start),
        progress=progress,
    )


def _training(denoiser: Denoiser, start: Denoiser | None) -> str:
    """Name what is learnt from and how: nothing else may go on from its checkpoint."""
    parts = [storage.fingerprint(one) for one in (denoiser, start) if one is not None]
    return "-".join(parts)


@dataclass(frozen=True)
class FilterFit:
    """A filter and what was measured for it.

    Attributes
    ----------
    ridge : LineRidge or StationRidge
        The filter.
    spans : list of Span
        What it was learnt from, the common mode taken out.
    noise_correlation : ndarray
        Correlation of quiet data against channel offset.
    common_share : float
        Share of the quiet power that all channels record at the same instant.
    """

    ridge: Ridge
    spans: list[Span]
    noise_correlation: FloatArray
    common_share: float


def fit_filter(
    recording: xr.DataArray,
    spans: list[Span],
    live: BoolArray,
    *,
    blind_zone: int | None,
    reach: int,
    max_lag: int,
    start: Ridge | None = None,
) -> FilterFit:
    """Learn the filter of a line or of stations.

    Parameters
    ----------
    recording : xarray.DataArray
        Where the channels are.
    spans : list of Span
        As `training_spans` returns them.
    live : ndarray of bool, shape (n_channels,)
        Channels that record at all.
    blind_zone : int or None
        Half-width in channels; None measures it.
    reach, max_lag : int
        Of the filter.
    start : LineRidge or StationRidge, optional
        A filter learnt before. The new one, that one and, on a line, one learnt from both are compared on the
        samples to choose by.

    Returns
    -------
    FilterFit
    """
    if is_line(recording):
        measured, correlation = line_blind_zone(recording, spans)
        share = common_share(correlation, int(live.sum()))
        if share > 0:
            spans = [replace(s, data=without_common_mode(s.data, live)) for s in spans]
        zone = measured if blind_zone is None else blind_zone
        new: Ridge = LineRidge.fit(_parts(spans), zone, reach=reach, max_lag=max_lag)
    else:
        correlation, share = np.ones(1), 0.0
        others = other_stations(station_codes(recording), live, station_places(recording))
        new = StationRidge.fit(_parts(spans), others, max_lag=max_lag)
    best = min(_candidates(new, start), key=lambda ridge: _error_where_chosen(ridge, spans, live))
    return FilterFit(best, spans, correlation, share)


def _parts(spans: list[Span]) -> list[tuple[Float32Array, BoolArray, BoolArray]]:
    return [(s.data, s.train, s.validation) for s in spans]


def _candidates(new: Ridge, start: Ridge | None) -> Sequence[Ridge]:
    if isinstance(new, LineRidge) and isinstance(start, LineRidge):
        covariance = _same_extent(start.covariance, new.covariance.shape)
        if covariance is None:
            return [new]
        old = replace(new, covariance=covariance, strength=start.strength)
        return [new, replace(new, covariance=(new.covariance + covariance) / 2), old]
    if isinstance(new, StationRidge) and isinstance(start, StationRidge):
        return [new, start] if start.weights.shape == new.weights.shape else [new]
    return [new]


def _same_extent(covariance: FloatArray, shape: tuple[int, ...]) -> FloatArray | None:
    """Cut a covariance down to the offsets and lags of another blind zone; None where it does not reach as far."""
    beyond = [(have - want) // 2 for have, want in zip(covariance.shape, shape, strict=True)]
    if min(beyond) < 0:
        return None
    return covariance[tuple(slice(cut, cut + want) for cut, want in zip(beyond, shape, strict=True))]


def _error_where_chosen(ridge: Ridge, spans: list[Span], live: BoolArray) -> float:
    return sum(
        float(np.square((s.data - ridge.predict(s.data, live))[s.validation], dtype=np.float64).sum())
        for s in spans
    )
