"""The evaluation of a detector: more events than false alarms, and a better recall than a simple detector."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from selfseis.catalogue.records import Event
from selfseis.detect.coincidence_scanner import CoincidenceScanner
from selfseis.detect.injection_test import Injections, noise_like, tapered
from selfseis.detect.model import DetectorModel
from selfseis.detect.options import EvaluationOptions
from selfseis.detect.scan import Scan, Scanner
from selfseis.recording.dataarray import sampling_rate, start_time
from selfseis.recording.preprocessing import Conditioner, sample_spans
from selfseis.typing import Float32Array
from selfseis.validation import BlockScores, Interval, Verdict, judge


def evaluate_detector(
    model: DetectorModel,
    events: list[Event],
    scan: Scan,
    recording: xr.DataArray,
    *,
    seed: int,
    options: EvaluationOptions,
) -> Verdict:
    """Evaluate a fitted detector on a recording.

    First the number of events is compared with the expected number of false alarms. If it is larger, an injection
    test follows: the best events are scaled down and added to noise like that of the quietest window. The detector
    must find weaker events than the baseline does at the same nominal rate of false alarms.

    Parameters
    ----------
    model : DetectorModel
        The fitted detector.
    events : list of Event
        The events that it found in the recording.
    scan : Scan
        The scores of the recording.
    recording : xarray.DataArray
        The training recording, or another one.
    seed : int
        Seed of the injection test.
    options : EvaluationOptions
        Settings.

    Returns
    -------
    Verdict
    """
    days = float(np.isfinite(scan.score).sum()) * scan.hop / sampling_rate(recording) / 86400
    expected = model.false_alarms_per_day * days
    details = _details(model, len(events), expected)
    if isinstance(model.scanner, CoincidenceScanner) and model.scanner.n_stations < 2:
        reason = (
            f"{_found(len(events))}, but one station alone cannot confirm an event: "
            "the false-alarm rate holds only for noise without bursts."
        )
        return Verdict.undecided("detect", reason, details=details, error_rate=options.error_rate)
    if _poisson_p_value(len(events), expected) > options.error_rate:
        name = model.baseline.scanner.name
        return _not_above_null(len(events), expected, name, details, options.error_rate)
    injections = _injections(model, events, recording, seed, options)
    if injections is None:
        reason = "Events were found, but the record holds no noise window for an injection test."
        return Verdict.undecided("detect", reason, details=details, error_rate=options.error_rate)
    return _compare(model, injections, details, seed, options)


def _details(model: DetectorModel, n_events: int, expected: float) -> dict[str, Any]:
    return {
        "n_events": n_events,
        "n_expected_false_alarms": expected,
        "false_alarms_per_day": model.false_alarms_per_day,
        "threshold": model.threshold if np.isfinite(model.threshold) else None,
        "background": model.background,
        "surrogate_days": model.false_alarm_rate.days,
        "threshold_is_extrapolated": model.false_alarm_rate.is_extrapolated(model.false_alarms_per_day),
    }


def _found(n_events: int) -> str:
    if n_events == 0:
        return "No event was found"
    return "1 event was found" if n_events == 1 else f"{n_events} events were found"


def _poisson_p_value(n_events: int, expected: float) -> float:
    """Return the probability of so many false alarms or more."""
    from scipy.stats import poisson

    return float(poisson.sf(n_events - 1, expected))


def _not_above_null(
    n_events: int, expected: float, baseline: str, details: dict[str, Any], error_rate: float
) -> Verdict:
    from scipy.stats import chi2

    low = chi2.ppf(error_rate, 2 * n_events) / 2 if n_events else 0.0
    high = chi2.ppf(1 - error_rate, 2 * n_events + 2) / 2
    return Verdict(
        "detect",
        "no_gain",
        f"{_found(n_events)}, and {expected:.3g} false alarms are expected: nothing beyond the null.",
        measure="events found minus the expected false alarms",
        skill=Interval(n_events - expected, float(low - expected), float(high - expected)),
        null=Interval(0.0, 0.0, 0.0),
        baseline_name=baseline,
        null_name="declustered surrogates",
        error_rate=error_rate,
        details=details,
    )


def _compare(
    model: DetectorModel,
    injections: Injections,
    details: dict[str, Any],
    seed: int,
    options: EvaluationOptions,
) -> Verdict:
    baseline = model.baseline
    scores = _recall(injections, model.scanner, model.threshold)
    baseline_scores = _recall(injections, baseline.scanner, baseline.threshold)
    if isinstance(model.scanner, CoincidenceScanner):
        null_name = "the same events at one station alone"
        null = injections.at_one_station(model.scanner.groups, seed)
    else:
        null_name = "the same events, their channels shifted in time independently"
        null = injections.incoherent(seed)
    null_scores = _recall(null, model.scanner, model.threshold)
    details["found_down_to_db"] = injections.decibels(scores.skill)
    details["baseline_found_down_to_db"] = injections.decibels(baseline_scores.skill)
    return judge(
        "detect",
        scores,
        baseline_scores,
        null_scores,
        baseline_name=baseline.scanner.name,
        null_name=null_name,
        measure="recall of detected events, scaled down and injected into noise like that of the quietest window",
        min_gain=options.min_gain,
        error_rate=options.error_rate,
        seed=seed,
        details=details,
    )


def _recall(injections: Injections, scanner: Scanner, threshold: float) -> BlockScores:
    return injections.recall(scanner.score_window, threshold, scanner.hop, scanner.context)


def _injections(
    model: DetectorModel,
    events: list[Event],
    recording: xr.DataArray,
    seed: int,
    options: EvaluationOptions,
) -> Injections | None:
    hop = model.scanner.hop
    context = max(model.scanner.context, model.baseline.scanner.context)
    noise_window = _quietest(recording, model.conditioner, 8 * 2 * hop)
    if noise_window is None:
        return None
    best = sorted(events, key=lambda e: -e.score)[: options.max_events]
    waveforms = [tapered(_cut(recording, model.conditioner, event, hop)) for event in best]
    max_length = max(e.shape[1] for e in waveforms)
    rng = np.random.default_rng(seed)
    n_noise = -(-options.n_noise_windows // len(waveforms))
    noise = [noise_like(noise_window, max_length + context + 8 * hop, rng) for _ in range(n_noise)]
    return Injections(noise, waveforms, options)


def _quietest(recording: xr.DataArray, conditioner: Conditioner, length: int) -> Float32Array | None:
    """Return the window of minimum energy; windows with gaps are left out."""
    best: tuple[float, Float32Array | None] = (np.inf, None)
    for span in sample_spans(recording, n_spans=12, length=60_000):
        data, valid = conditioner(span.data)
        live = np.isfinite(conditioner.scale)
        step = min(length, data.shape[1])
        for first in range(0, data.shape[1] - step + 1, step):
            part = slice(first, first + step)
            energy = float(np.median(np.mean(data[live][:, part] ** 2, axis=1)))
            if valid[live][:, part].mean() > 0.9 and 0 < energy < best[0]:
                best = energy, data[:, part].copy()
    return best[1]


def _cut(recording: xr.DataArray, conditioner: Conditioner, event: Event, hop: int) -> Float32Array:
    """Read and condition the loudest part of an event: twelve hops around its peak."""
    rate = sampling_rate(recording)
    nanoseconds = (event.peak - start_time(recording)) / np.timedelta64(1, "ns")
    middle = round(nanoseconds * 1e-9 * rate)
    first = max(0, middle - 6 * hop)
    last = min(recording.sizes["time"], middle + 6 * hop)
    margin = conditioner.halo
    inside = slice(max(0, first - margin), min(recording.sizes["time"], last + margin))
    data, _ = conditioner(np.asarray(recording.variable.isel(time=inside).values, np.float32))
    return data[:, first - inside.start : last - inside.start]
