"""The baseline of a detector: STA/LTA at the same nominal rate of false alarms."""

from __future__ import annotations

from dataclasses import dataclass, replace

import xarray as xr

from selfseis.detect.coincidence_scanner import CoincidenceScanner
from selfseis.detect.options import BaselineOptions, ThresholdOptions
from selfseis.detect.scan import Scan, Scanner
from selfseis.detect.slant_stack_scanner import PredictabilityScanner
from selfseis.detect.stack_scanner import StackScanner
from selfseis.validation.false_alarms import FalseAlarmRate

LineOrStations = PredictabilityScanner | CoincidenceScanner


@dataclass(frozen=True)
class Baseline:
    """A simple detector.

    Attributes
    ----------
    scanner : Scanner
        Computes the score.
    threshold : float
        Minimum score of an event.
    """

    scanner: Scanner
    threshold: float


def baseline_scanner(scanner: LineOrStations, options: BaselineOptions) -> CoincidenceScanner | StackScanner:
    """Return the scanner of the baseline: STA/LTA of the stations, or on the stack of the line."""
    if isinstance(scanner, CoincidenceScanner):
        return replace(scanner, ratio="STA/LTA")
    return StackScanner(scanner.conditioner, "envelopes", scanner.hop, scanner.geometry.sharing, options)


def fit_baseline(
    scanner: LineOrStations,
    recording: xr.DataArray,
    *,
    false_alarms_per_day: float,
    window: int,
    seed: int,
    options: BaselineOptions,
    threshold_options: ThresholdOptions,
) -> Baseline:
    """Set the threshold of an STA/LTA detector on the first part of a recording.

    Parameters
    ----------
    scanner : PredictabilityScanner or CoincidenceScanner
        The scanner of the detector to which the baseline is compared.
    recording : xarray.DataArray
        The training recording.
    false_alarms_per_day : float
        Accepted rate of declustered false alarms.
    window : int
        Samples of a short window.
    seed : int
        Seed of the surrogates.
    options : BaselineOptions
        Settings of the baseline.
    threshold_options : ThresholdOptions
        How scores of surrogates become a threshold.
    """
    simple = baseline_scanner(scanner, options)
    n_samples = max(options.max_values // recording.sizes["channel"], 64 * window)
    first_part = recording.isel(time=slice(0, n_samples))
    scan = simple.scan(first_part, n_surrogates=options.n_surrogates, seed=seed)
    null = false_alarm_rate(scan, scanner.conditioner.rate, threshold_options)
    return Baseline(simple, null.threshold(false_alarms_per_day))


def false_alarm_rate(scan: Scan, rate: float, options: ThresholdOptions) -> FalseAlarmRate:
    """Return the rate at which the surrogates of a scan reach a score."""
    return FalseAlarmRate.measure(
        scan.null,
        apart=options.apart,
        hop=scan.hop,
        rate=rate,
        min_tail=options.min_tail,
        max_tail=options.max_tail,
    )
