"""The baseline of a detector: STA/LTA at the same nominal rate of false alarms."""

from __future__ import annotations

from dataclasses import dataclass

import xarray as xr

from selfseis.detect.coincidence_scanner import CoincidenceScanner
from selfseis.detect.model import APART, DetectorModel
from selfseis.detect.scan import Scanner
from selfseis.detect.stack_scanner import StackScanner
from selfseis.validation.false_alarms import FalseAlarmRate

MAX_VALUES = 20_000_000  # values of the recording on which the threshold is set


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


def fit_baseline(
    model: DetectorModel, recording: xr.DataArray, *, false_alarms_per_day: float, window: int, seed: int
) -> Baseline:
    """Set the threshold of an STA/LTA detector on the first part of a recording.

    Parameters
    ----------
    model : DetectorModel
        The detector to which the baseline is compared.
    recording : xarray.DataArray
        The training recording.
    false_alarms_per_day : float
        Accepted rate of declustered false alarms.
    window : int
        Samples of a short window.
    seed : int
        Seed of the surrogates.
    """
    scanner: Scanner
    if isinstance(model.scanner, CoincidenceScanner):
        s = model.scanner
        scanner = CoincidenceScanner(model.conditioner, s.groups, "STA/LTA", s.reach, s.hop)
    else:
        sharing = model.scanner.geometry.sharing
        scanner = StackScanner(model.conditioner, "envelopes", model.scan.hop, sharing)
    n_samples = max(MAX_VALUES // recording.sizes["channel"], 64 * window)
    scan = scanner.scan(recording.isel(time=slice(0, n_samples)), n_surrogates=4, seed=seed)
    null = FalseAlarmRate.measure(scan.null, apart=APART, hop=scan.hop, rate=model.conditioner.rate)
    return Baseline(scanner, null.threshold(false_alarms_per_day))
