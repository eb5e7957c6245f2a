"""The evaluation of a detector: more events than false alarms, and a better recall than a simple detector."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from selfseis.catalogue.records import Event
from selfseis.detect.coincidence_scanner import CoincidenceScanner
from selfseis.detect.injection_test import Injections, noise_like, tapered
from selfseis.detect.model import DetectorModel
from selfseis.detect.options import EvaluationOptions
from selfseis.detect.scan import Scan, Scanner
from selfseis.detect.simultaneity import Simultaneity
from selfseis.detect.station_onsets import aperture_m
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
    calibrated = [event for event in events if event.is_calibrated]
    details = _details(model, events, expected)
    if (reason := _no_calibration(model, events, calibrated)) is not None:
        return Verdict.undecided("detect", reason, details=details, error_rate=options.error_rate)
    if _poisson_p_value(len(calibrated), expected) > options.error_rate:
        name = model.baseline.scanner.name
        return _not_above_null(len(calibrated), expected, name, details, options.error_rate)
    if (reason := _disturbance(model, calibrated, recording, details, options)) is not None:
        return Verdict.undecided("detect", reason, details=details, error_rate=options.error_rate)
    injections = _injections(model, calibrated, recording, seed, options)
    if injections is None:
        reason = "Events were found, but the record holds no noise window for an injection test: give a longer record."
        return Verdict.undecided("detect", reason, details=details, error_rate=options.error_rate)
    return _compare(model, injections, details, seed, options)


def _no_calibration(model: DetectorModel, events: list[Event], calibrated: list[Event]) -> str | None:
    """Return why the events cannot be compared with a rate of false alarms, or None if they can."""
    if isinstance(model.scanner, CoincidenceScanner) and model.scanner.n_stations < 2:
        if len(events) > len(calibrated):
            return (
                f"{_found(len(events))} at one station, uncalibrated: the record is too short to fit its quiet part; "
                "give a longer record and, to confirm events, more stations."
            )
        n_false = float(np.nansum([event.false_discovery_rate for event in events]))
        return (
            f"{_found(len(events))} at one station, of which its quiet part alone would explain {n_false:.2g}; without "
            "a second station bursts of noise cannot be told from events: add stations, or pick P and S."
        )
    if model.is_full_of_events:
        listed = ", listed as uncalibrated" if events else ""
        return (
            f"{_found(len(events))}{listed}. Events or tremor fill more than half of the record, so that no quiet part "
            "is left to count false alarms: give a longer record."
        )
    if len(events) > len(calibrated) == 0:
        return (
            f"{_found(len(events))} above all surrogates, but the record is too short to count "
            f"{model.false_alarms_per_day:g} false alarms a day; they are listed as uncalibrated: give a longer record."
        )
    return None


def _disturbance(
    model: DetectorModel,
    events: list[Event],
    recording: xr.DataArray,
    details: dict[str, Any],
    options: EvaluationOptions,
) -> str | None:
    """Return why the events are probably no seismic waves, or None if they may be."""
    aperture = aperture_m(recording)
    if not isinstance(model.scanner, CoincidenceScanner) or not aperture:
        return None
    limits, rate = options.simultaneity, sampling_rate(recording)
    crossing_s = aperture / limits.crossing_speed
    cuts = (
        _cut(recording, model.conditioner, event, model.scanner.hop, options)
        for event in _best(events, options)
    )
    measured = [Simultaneity.of(cut, model.scanner.members, rate, crossing_s) for cut in cuts]
    known = [event for event in measured if event is not None]
    n_simultaneous = sum(event.is_disturbance(crossing_s, limits) for event in known)
    details["n_simultaneous_events"], details["n_events_tested"] = n_simultaneous, len(known)
    if n_simultaneous <= limits.max_share * len(known):
        return None
    return (
        f"{n_simultaneous} of the best {len(known)} events reach all stations at the same time, although waves need "
        f"seconds between them, and their waveforms have nothing in common: a disturbance of the recorders or of the "
        "air rather than seismic waves."
    )


def _best(events: list[Event], options: EvaluationOptions) -> list[Event]:
    return sorted(events, key=lambda e: -e.score)[: options.max_events]


def _details(model: DetectorModel, events: list[Event], expected: float) -> dict[str, Any]:
    return {
        "n_events": len(events),
        "n_uncalibrated_events": sum(not event.is_calibrated for event in events),
        "n_false_of_events": float(np.nansum([event.false_discovery_rate for event in events])),
        "n_expected_false_alarms": expected,
        "false_alarms_per_day": model.false_alarms_per_day,
        "threshold": model.threshold if np.isfinite(model.threshold) else None,
        "background": model.background,
        "masked_share": model.masked_share,
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
    n_again = injections.n_found_unscaled(scores)
    details["n_injected_events"], details["n_found_again"] = len(injections.events), n_again
    if 2 * n_again < len(injections.events):
        reason = (
            f"Only {n_again} of {len(injections.events)} events were found again when they were added, as strong as "
            "recorded, to noise like that of the quietest window, so that weaker copies say nothing."
        )
        return Verdict.undecided("detect", reason, details=details, error_rate=options.error_rate)
    verdict = judge(
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
    return replace(verdict, reason=_reason(verdict))


def _reason(verdict: Verdict) -> str:
    """Return the outcome of an injection test in a sentence, and what to do."""
    if verdict.skill is None or verdict.baseline is None or verdict.null is None:
        return verdict.reason
    numbers = (
        f"{_percent(verdict.skill)} of weakened copies of the events are still found; "
        f"the {verdict.baseline_name} finds {_percent(verdict.baseline)}"
    )
    if verdict.outcome == "works":
        return f"{numbers}."
    if verdict.outcome == "no_gain":
        return f"{numbers}, so that the simple detector does as well here; the null finds {_percent(verdict.null)}."
    return f"{numbers}: the difference is too uncertain for a decision, so give a longer record or more stations."


def _percent(share: Interval) -> str:
    """Return a share with its interval in percent."""
    value, low, high = (100 * number for number in (share.value, max(share.low, 0), min(share.high, 1)))
    return f"{value:.0f}% ({low:.0f}-{high:.0f}%)"


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
    best = _best(events, options)
    waveforms = [tapered(_cut(recording, model.conditioner, event, hop, options)) for event in best]
    max_length = max(e.shape[1] for e in waveforms)
    rng = np.random.default_rng(seed)
    n_noise = -(-options.n_blocks // len(waveforms))
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


def _cut(
    recording: xr.DataArray, conditioner: Conditioner, event: Event, hop: int, options: EvaluationOptions
) -> Float32Array:
    """Read and condition an event from its start to its end, with a margin; of a long one the part about its peak."""
    rate, n_samples = sampling_rate(recording), recording.sizes["time"]
    start, peak, end = (
        round(float((time - start_time(recording)) / np.timedelta64(1, "ns")) * 1e-9 * rate)
        for time in (event.start, event.peak, event.end)
    )
    half = max(options.max_event // recording.sizes["channel"] // 2, 8 * hop)
    margin = options.margin * hop
    first = max(0, start - margin, peak - half)
    last = min(n_samples, end + margin, peak + half)
    halo = conditioner.halo
    inside = slice(max(0, first - halo), min(n_samples, last + halo))
    data, _ = conditioner(np.asarray(recording.variable.isel(time=inside).values, np.float32))
    return data[:, first - inside.start : last - inside.start]
