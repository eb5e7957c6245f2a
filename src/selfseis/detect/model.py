"""The fitted state of a detector, and the search for events that depends on nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from selfseis.catalogue.records import Event
from selfseis.detect.coincidence_scanner import CoincidenceScanner
from selfseis.detect.scan import Scan
from selfseis.detect.slant_stack_scanner import PredictabilityScanner
from selfseis.recording.dataarray import sample_times
from selfseis.recording.preprocessing import Conditioner
from selfseis.typing import Float32Array
from selfseis.validation import Verdict
from selfseis.validation.false_alarms import FalseAlarmRate, peaks

APART = 16  # hops between separate events
MIN_FOR_BACKGROUND = 1000  # hops; an event can fill a shorter record and would count as its background
NOT_EVALUATED = Verdict.undecided("detect", "The model has not been evaluated.")


@dataclass(frozen=True, eq=False)
class DetectorModel:
    """The fitted state of a detector.

    Attributes
    ----------
    conditioner : Conditioner
        Band-pass and noise level of each channel.
    scanner : PredictabilityScanner or CoincidenceScanner
        Computes the score of a recording.
    scan : Scan
        Scores of the training recording and of its surrogates.
    false_alarm_rate : FalseAlarmRate
        Rate at which surrogates reach a score.
    background : float
        Lasting coherence of the training recording: its score above the null at the 20% quantile.
    threshold : float
        Minimum score of an event, the background included.
    verdict : Verdict
        Comparison of the detector with the null and with a simple detector.
    """

    conditioner: Conditioner
    scanner: PredictabilityScanner | CoincidenceScanner
    scan: Scan
    false_alarm_rate: FalseAlarmRate
    background: float
    threshold: float
    verdict: Verdict = NOT_EVALUATED

    @classmethod
    def from_scan(
        cls,
        conditioner: Conditioner,
        scanner: PredictabilityScanner | CoincidenceScanner,
        scan: Scan,
        false_alarms_per_day: float,
    ) -> DetectorModel:
        """Set the threshold from the surrogates of a scan.

        Parameters
        ----------
        conditioner : Conditioner
            Band-pass and noise level of each channel.
        scanner : PredictabilityScanner or CoincidenceScanner
            The scanner that computed the scan.
        scan : Scan
            Scores of the training recording and of its surrogates.
        false_alarms_per_day : float
            Accepted rate of declustered false alarms.
        """
        false_alarm_rate = FalseAlarmRate.measure(scan.null, apart=APART, hop=scan.hop, rate=conditioner.rate)
        background = _background(scan)
        threshold = background + false_alarm_rate.threshold(false_alarms_per_day)
        return cls(conditioner, scanner, scan, false_alarm_rate, background, threshold)

    def find_events(self, recording: xr.DataArray, scan: Scan) -> list[Event]:
        """Return the events of a scanned recording, in order of time.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording.
        scan : Scan
            Its scores.
        """
        noise_level = (
            self.background + float(np.nanquantile(self.scan.null, 0.99)) if self.scan.null.size else np.inf
        )
        events: list[Event] = []
        last_end = -1
        for peak in peaks(scan.score, APART):
            if not scan.score[peak] >= self.threshold or peak <= last_end:
                continue
            first, last = _extent(scan.score, peak, min(noise_level, self.threshold))
            first, last_end = max(first, last_end + 1), last
            best = first + int(np.nanargmax(scan.score[first : last + 1]))
            events.append(self._event(recording, scan, first, last, best))
        return events

    def _event(self, recording: xr.DataArray, scan: Scan, first: int, last: int, best: int) -> Event:
        end_sample = min(scan.first[last] + scan.hop, recording.sizes["time"] - 1)
        start, end = sample_times(recording, [scan.first[first], end_sample])
        peak = sample_times(recording, scan.first[best] + scan.hop // 2)
        name = (
            np.datetime_as_string(peak.astype("datetime64[ms]"))
            .replace("-", "")
            .replace(":", "")
            .replace(".", "_")
        )
        score = float(scan.score[best])
        return Event(
            event_id=f"ev{name}",
            start=start,
            end=end,
            peak=peak,
            score=score,
            p_value=float(self.false_alarm_rate.p_value(score - self.background)),
            n_channels=int(scan.n_channels[first : last + 1].max()),
        )


def _background(scan: Scan) -> float:
    """Return by how much the 20% quantile of the score exceeds that of the null; zero for a short record."""
    if np.isfinite(scan.score).sum() < MIN_FOR_BACKGROUND or not np.isfinite(scan.null).any():
        return 0.0
    return max(0.0, float(np.nanquantile(scan.score, 0.2) - np.nanquantile(scan.null, 0.2)))


def _extent(score: Float32Array, peak: int, min_score: float) -> tuple[int, int]:
    """Return the first and last hop around a peak where the score stays at or above a minimum."""
    below = ~(np.nan_to_num(score, nan=-np.inf) >= min_score)
    before = np.flatnonzero(below[:peak])
    after = np.flatnonzero(below[peak:])
    first = before[-1] + 1 if len(before) else 0
    last = peak + after[0] - 1 if len(after) else len(score) - 1
    return int(first), int(max(last, peak))
