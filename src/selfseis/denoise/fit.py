"""Fit of a denoiser: noise levels, filter, network, gains, Wiener weights and verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from selfseis.denoise.channel_levels import Ridge, measured_gains, measured_levels
from selfseis.denoise.common_mode import common_share, without_common_mode
from selfseis.denoise.evaluate import evaluate_spans
from selfseis.denoise.line_filter import LineRidge
from selfseis.denoise.model import DenoiserModel, DenoiserParameters, fingerprint_of
from selfseis.denoise.options import DenoiserOptions
from selfseis.denoise.prediction import blind_prediction, live_channels
from selfseis.denoise.station_filter import StationRidge, other_stations, station_places
from selfseis.denoise.training_data import Span, is_line, line_blind_zone, training_record_of, training_spans
from selfseis.denoise.wiener import WienerWeights
from selfseis.errors import InputError
from selfseis.recording.dataarray import channel_names, station_codes
from selfseis.typing import BoolArray, Float32Array, FloatArray

if TYPE_CHECKING:
    from selfseis.training import FitProgress


def fit_denoiser(
    parameters: DenoiserParameters,
    recording: xr.DataArray,
    *,
    start: DenoiserModel | None = None,
    checkpoint: Path | None = None,
    progress: Callable[[FitProgress], None] | None = None,
) -> DenoiserModel:
    """Fit a denoiser to a recording.

    Parameters
    ----------
    parameters : DenoiserParameters
        Parameters of the denoiser.
    recording : xarray.DataArray
        The recording.
    start : DenoiserModel, optional
        A fitted model. The fit starts from its filter and its network.
    checkpoint, progress
        As for `Denoiser.fit`.

    Returns
    -------
    DenoiserModel

    Raises
    ------
    InputError
        As for `Denoiser.fit`.
    """
    on_line, options = is_line(recording), parameters.options
    _check_method(parameters.method, on_line=on_line)
    conditioner = measured_levels(recording, parameters.band)
    spans = training_spans(recording, conditioner, parameters.seed, options.training_data, options.bursts)
    if not spans:
        raise InputError(
            "there are no data to train on: every channel is empty or dead, or the recording is too short"
        )
    live = live_channels(conditioner)
    training_record = training_record_of(recording, spans, live)
    if start is not None:
        training_record = start.training_record | training_record
    closed_form = fit_filter(
        recording,
        spans,
        live,
        blind_zone=parameters.blind_zone,
        reach=parameters.reach,
        max_lag=parameters.max_lag,
        options=options,
        start=start.ridge if start is not None else None,
    )
    ridge, spans = closed_form.ridge, closed_form.spans
    predict = partial(blind_prediction, ridge=ridge, live=live)
    gain = np.ones(len(live), np.float32)
    if on_line:  # each station has its own filter, which includes its gain
        gain = measured_gains(spans, partial(predict, net=None, gain=gain), options.levels)
    model = DenoiserModel(
        conditioner=conditioner,
        channels=channel_names(recording),
        gain=gain,
        blind_zone=ridge.blind_zone if isinstance(ridge, LineRidge) else 0,
        noise_correlation=closed_form.noise_correlation,
        common_share=closed_form.common_share,
        ridge=ridge,
        net=None,
        wiener=None,
        progress=None,
        training_record=training_record,
        options=options,
    )
    if parameters.method == "network":
        model = _with_network(model, parameters, spans, start, checkpoint, progress)
    if parameters.fusion:
        predict = partial(predict, net=model.net, gain=gain)
        wiener = WienerWeights.measure(
            [(s.data, predict(s.data)) for s in spans],
            on_line=on_line,
            times=[np.logical_not(s.test.any(axis=0)) for s in spans],
            options=options.wiener,
        )
        model = replace(model, wiener=wiener)
    # A smaller blind zone makes the prediction easier: the skills are then not comparable.
    before = start if start is not None and start.blind_zone == model.blind_zone else None
    verdict = evaluate_spans(
        model,
        recording,
        spans,
        live,
        gain,
        seed=parameters.seed,
        zone_is_measured=on_line and parameters.blind_zone is None,
        before=before,
    )
    return replace(model, verdict=verdict)


def _check_method(method: str, *, on_line: bool) -> None:
    if method not in ("ridge", "network"):
        raise ValueError(f"method must be 'ridge' or 'network', got {method!r}")
    if method == "network" and not on_line:
        raise InputError(
            "method 'network' needs at least 8 channels on a line: use method 'ridge' for these channels"
        )


def _with_network(
    model: DenoiserModel,
    parameters: DenoiserParameters,
    spans: list[Span],
    start: DenoiserModel | None,
    checkpoint: Path | None,
    progress: Callable[[FitProgress], None] | None,
) -> DenoiserModel:
    from selfseis.denoise.train_network import train_network

    assert isinstance(model.ridge, LineRidge)
    net, fit_progress = train_network(
        spans,
        model.ridge,
        live_channels(model.conditioner),
        model.gain,
        max_steps=parameters.max_steps,
        max_seconds=parameters.max_seconds,
        seed=parameters.seed,
        options=parameters.options,
        start=start.net if start is not None else None,
        checkpoint=checkpoint and checkpoint / _checkpoint_name(parameters, model, start),
        progress=progress,
    )
    return replace(model, net=net, progress=fit_progress)


def _checkpoint_name(
    parameters: DenoiserParameters, model: DenoiserModel, start: DenoiserModel | None
) -> str:
    """Return a name that identifies the training: only the same training may continue from its checkpoint."""
    return "-".join(fingerprint_of(vars(parameters), one) for one in (model, start) if one is not None)


@dataclass(frozen=True)
class FilterFit:
    """A fitted filter and the noise properties measured for it.

    Attributes
    ----------
    ridge : LineRidge or StationRidge
        The filter.
    spans : list of Span
        All spans with their training, validation and test samples; on a line that records a common mode, without it.
    noise_correlation : ndarray
        Correlation of noise against channel offset.
    common_share : float
        Share of the noise power that all channels record at the same instant.
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
    options: DenoiserOptions,
    start: Ridge | None = None,
) -> FilterFit:
    """Fit the filter of a line or of stations.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording, for the positions of the channels.
    spans : list of Span
        As `training_spans` returns them.
    live : ndarray of bool, shape (n_channels,)
        Channels with data.
    blind_zone : int or None
        Half-width in channels; None measures it.
    reach, max_lag : int
        Size of the filter.
    options : DenoiserOptions
        Settings of the blind zone, of the common mode and of the filter.
    start : LineRidge or StationRidge, optional
        The filter of an earlier fit. The validation samples select the new filter, that one or, on a line, the
        filter of their mean covariance.

    Returns
    -------
    FilterFit
    """
    if is_line(recording):
        measured, correlation = line_blind_zone(recording, spans, options=options.training_data)
        share = common_share(correlation, int(live.sum()), options.common_mode)
        if share > 0:
            spans = [replace(s, data=without_common_mode(s.data, live, options.common_mode)) for s in spans]
        zone = measured if blind_zone is None else blind_zone
        new: Ridge = LineRidge.fit(_parts(spans), zone, reach=reach, max_lag=max_lag, options=options.ridge)
    else:
        correlation, share = np.ones(1), 0.0
        others = other_stations(station_codes(recording), live, station_places(recording), options.ridge)
        new = StationRidge.fit(_parts(spans), others, max_lag=max_lag, options=options.ridge)
    best = min(_candidates(new, start), key=lambda ridge: _validation_error(ridge, spans, live))
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
    """Crop a covariance to the offsets and lags of another blind zone; None where it covers fewer."""
    margins = [(have - want) // 2 for have, want in zip(covariance.shape, shape, strict=True)]
    if min(margins) < 0:
        return None
    return covariance[tuple(slice(cut, cut + want) for cut, want in zip(margins, shape, strict=True))]


def _validation_error(ridge: Ridge, spans: list[Span], live: BoolArray) -> float:
    return sum(
        float(np.square((s.data - ridge.predict(s.data, live))[s.validation], dtype=np.float64).sum())
        for s in spans
    )
