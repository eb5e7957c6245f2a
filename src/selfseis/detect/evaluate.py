"""The detector's verdict: whether it finds more than chance, and more than a simple detector does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from selfseis.detect.coincidence_scanner import CoincidenceScanner
from selfseis.detect.scan import Scanner
from selfseis.detect.sensitivity import Injections, decibels, noise_like, tapered
from selfseis.recording.dataarray import sampling_rate
from selfseis.recording.preprocessing import Conditioner, sample_spans
from selfseis.typing import Float32Array
from selfseis.validation import BlockScores, Interval, Verdict, judge

if TYPE_CHECKING:
    from selfseis.catalogue.records import Event
    from selfseis.detect.detector import Detector


Baseline = tuple[Scanner, float]
MAX_EVENTS = 3
PIECES_OF_NOISE = 8
ERROR_RATE = 0.05


def evaluate_detector(
    detector: Detector, recording: xr.DataArray, conditioner: Conditioner, baseline: Baseline
) -> Verdict:
    """Judge a fitted detector on the recording that it was fitted on.

    First the number of events is held against the number that chance brings. If it is larger, the best events are
    scaled down and put into noise like the quietest of the recording, and the detector must find them weaker
    than the baseline does at the same nominal rate of false alarms.

    Parameters
    ----------
    detector : Detector
        With its scanner, scores, threshold and events.
    recording : xarray.DataArray
        The recording.
    conditioner : Conditioner
        Band-pass and noise levels.
    baseline : tuple
        The simple detector and its threshold.

    Returns
    -------
    Verdict
    """
    days = (
        float(np.isfinite(detector.scan_.score).sum()) * detector.scan_.hop / sampling_rate(recording) / 86400
    )
    expected = detector.false_alarms_per_day * days
    details = _details(detector, expected)
    if isinstance(detector.scanner_, CoincidenceScanner) and detector.scanner_.n_stations < 2:
        reason = (
            f"{len(detector.events_)} events found, but one station alone has no second one to confirm them: "
            "the false-alarm rate holds only for noise without bursts."
        )
        return Verdict.undecided("detect", reason, details=details)
    if _chance_of(len(detector.events_), expected) > ERROR_RATE:
        return _not_above_null(len(detector.events_), expected, baseline[0].name, details)
    injections = _injections(detector, recording, conditioner, baseline)
    if injections is None:
        reason = (
            "Events were found, but the record holds no quiet stretch in which they could be tried weaker."
        )
        return Verdict.undecided("detect", reason, details=details)
    return _compare(detector, injections, baseline, details)


def _details(detector: Detector, expected: float) -> dict[str, Any]:
    return {
        "n_events": len(detector.events_),
        "n_expected_by_chance": expected,
        "false_alarms_per_day": detector.false_alarms_per_day,
        "threshold": detector.threshold_,
        "background": detector.background_,
        "surrogate_days": detector.false_alarm_rate_.days,
        "threshold_is_extrapolated": detector.false_alarm_rate_.is_extrapolated(
            detector.false_alarms_per_day
        ),
    }


def _chance_of(n_events: int, expected: float) -> float:
    from scipy.stats import poisson

    return float(poisson.sf(n_events - 1, expected))


def _not_above_null(n_events: int, expected: float, baseline: str, details: dict[str, Any]) -> Verdict:
    from scipy.stats import chi2

    low = chi2.ppf(ERROR_RATE, 2 * n_events) / 2 if n_events else 0.0
    high = chi2.ppf(1 - ERROR_RATE, 2 * n_events + 2) / 2
    found = "No event was found" if n_events == 0 else f"{n_events} events were found"
    return Verdict(
        "detect",
        "no_gain",
        f"{found} where chance brings {expected:.3g}: nothing beyond chance.",
        measure="events found beyond those that chance brings",
        skill=Interval(n_events - expected, float(low - expected), float(high - expected)),
        null=Interval(0.0, 0.0, 0.0),
        baseline_name=baseline,
        null_name="declustered surrogates",
        details=details,
    )


def _compare(
    detector: Detector, injections: Injections, baseline: Baseline, details: dict[str, Any]
) -> Verdict:
    scanner, threshold = baseline
    ours = _recall(injections, detector.scanner_, detector.threshold_)
    theirs = _recall(injections, scanner, threshold)
    if isinstance(detector.scanner_, CoincidenceScanner):
        null_name = "the same events at one station alone"
        null = injections.at_one_station(detector.scanner_.groups, detector.seed)
    else:
        null_name = "the same events, their channels shifted in time independently"
        null = injections.incoherent(detector.seed)
    null_scores = _recall(null, detector.scanner_, detector.threshold_)
    details["found_down_to_db"] = decibels(ours.skill)
    details["baseline_found_down_to_db"] = decibels(theirs.skill)
    return judge(
        "detect",
        ours,
        theirs,
        null_scores,
        baseline_name=scanner.name,
        null_name=null_name,
        measure="recall of found events scaled down in noise like the quietest",
        seed=detector.seed,
        details=details,
    )


def _recall(injections: Injections, scanner: Scanner, threshold: float) -> BlockScores:
    return injections.recall(scanner.score_window, threshold, scanner.hop, scanner.context)


def _injections(
    detector: Detector, recording: xr.DataArray, conditioner: Conditioner, baseline: Baseline
) -> Injections | None:
    hop = detector.scan_.hop
    context = max(detector.scanner_.context, baseline[0].context)
    quiet = _quietest(recording, conditioner, 8 * 2 * hop)
    if quiet is None:
        return None
    best = sorted(detector.events_, key=lambda e: -e.score)[:MAX_EVENTS]
    events = [tapered(_cut(recording, conditioner, event, hop)) for event in best]
    longest = max(e.shape[1] for e in events)
    rng = np.random.default_rng(detector.seed)
    n_noise = -(-PIECES_OF_NOISE // len(events))
    noise = [noise_like(quiet, longest + context + 8 * hop, rng) for _ in range(n_noise)]
    return Injections(noise, events)


def _quietest(recording: xr.DataArray, conditioner: Conditioner, length: int) -> Float32Array | None:
    """Return the stretch of least energy, gaps being no stretch."""
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
    """Read the loudest part of an event, conditioned: twelve hops, or the whole event where it is shorter."""
    from selfseis.recording.dataarray import start_time

    rate = sampling_rate(recording)
    nanoseconds = (event.peak - start_time(recording)) / np.timedelta64(1, "ns")
    middle = round(nanoseconds * 1e-9 * rate)
    first = max(0, middle - 6 * hop)
    last = min(recording.sizes["time"], middle + 6 * hop)
    margin = conditioner.halo
    inside = slice(max(0, first - margin), min(recording.sizes["time"], last + margin))
    data, _ = conditioner(np.asarray(recording.variable.isel(time=inside).values, np.float32))
    return data[:, first - inside.start : last - inside.start]
