"""The baseline of a detector: ObsPy's triggers, or STA/LTA on a stack, at the same nominal rate of false alarms."""

from __future__ import annotations

from dataclasses import dataclass

import xarray as xr

from selfseis.detect.coincidence_scanner import CoincidenceScanner
from selfseis.detect.options import BaselineOptions, ThresholdOptions
from selfseis.detect.scan import Scanner
from selfseis.detect.slant_stack_scanner import PredictabilityScanner
from selfseis.detect.stack_scanner import StackScanner
from selfseis.detect.trigger_scanner import TriggerScanner

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


def baseline_scanner(scanner: LineOrStations, options: BaselineOptions) -> TriggerScanner | StackScanner:
    """Return the scanner of the baseline: ObsPy's trigger of the stations, or STA/LTA on the stack of the line."""
    if isinstance(scanner, CoincidenceScanner):
        return TriggerScanner(
            scanner.conditioner, scanner.groups, scanner.reach, scanner.hop, scanner.options
        )
    return StackScanner(scanner.conditioner, "envelopes", scanner.hop, scanner.geometry.sharing, options)


def fit_baseline(
    scanner: LineOrStations,
    recording: xr.DataArray,
    *,
    false_alarms_per_day: float,
    window: int,
    n_surrogates: int,
    seed: int,
    options: BaselineOptions,
    threshold_options: ThresholdOptions,
) -> Baseline:
    """Set the threshold of a simple detector on the first part of a recording, with a null like that of the detector.

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
    n_surrogates : int
        Number of surrogates of the detector; the baseline of stations has as many.
    seed : int
        Seed of the surrogates.
    options : BaselineOptions
        Settings of the baseline.
    threshold_options : ThresholdOptions
        How scores of surrogates become a threshold.
    """
    simple = baseline_scanner(scanner, options)
    n_samples = max(options.max_values // recording.sizes["channel"], 64 * window)
    number = n_surrogates if isinstance(simple, TriggerScanner) else options.n_surrogates
    fitted, _, null = simple.fit_scan(
        recording.isel(time=slice(0, n_samples)), n_surrogates=number, seed=seed, threshold=threshold_options
    )
    return Baseline(fitted, null.false_alarm_rate.threshold(false_alarms_per_day))
