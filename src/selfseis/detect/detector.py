"""The detector: events above what chance gives, at a stated rate of false alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
import xarray as xr

from selfseis.base import Estimator
from selfseis.catalogue.records import Event
from selfseis.denoise.training_data import is_line, line_blind_zone, training_spans
from selfseis.detect.coincidence_scanner import CoincidenceScanner
from selfseis.detect.evaluate import evaluate_detector
from selfseis.detect.scan import ProgressCallback, Scan, Scanner
from selfseis.detect.slant_stack_scanner import PredictabilityScanner
from selfseis.detect.stack_scanner import StackScanner
from selfseis.errors import InputError
from selfseis.recording.coverage import stretches
from selfseis.recording.dataarray import is_fibre, sample_times, sampling_rate, station_codes
from selfseis.recording.preprocessing import Conditioner
from selfseis.typing import Float32Array
from selfseis.validation import Verdict
from selfseis.validation.false_alarms import FalseAlarmRate, peaks

if TYPE_CHECKING:
    from selfseis.denoise import Denoiser

WINDOW = 128  # samples: 1.3 s at 100 Hz
APART = 16  # hops between separate events
MIN_FOR_BACKGROUND = 1000  # hops; an event can fill a shorter record, and would be taken for its background
TARGET_NULL_PEAKS = 20  # at the nominal rate, in all surrogates together
# Along a line, waves down to the velocity of slow surface waves are searched. Between stations the search ends at
# 2 km/s by default, which is below the apparent velocity of body waves in the crust.
BODY_WAVE_FACTOR = 4.0  # lowest apparent velocity between stations over that along a line
BASELINE_VALUES = 20_000_000  # values of the recording on which the baseline's threshold is set


class Detector(Estimator):
    """Find events, with a false-alarm rate that comes from surrogates of the user's own data.

    Channels on a line (a fibre, a geophone spread) are searched for wavefields that can be predicted across
    channels; scattered stations for coincident rises of energy.

    Parameters
    ----------
    false_alarms_per_day : float
        Rate of declustered false alarms that is accepted.
    band : tuple of float, optional
        Pass band in Hz; by default that of the denoiser, or 2% to 80% of the Nyquist frequency.
    window : int
        Samples of a short window.
    slowest : float
        Lowest apparent velocity along a line, in m/s. Between stations with coordinates the lowest is four times as
        high: 2000 m/s by default, below the apparent velocity of body waves in the crust.
    denoiser : Denoiser, optional
        A fitted denoiser whose band is used, and its blind zone where it was given one.
    seed : int
        Seed of the surrogates.

    Attributes
    ----------
    conditioner_ : Conditioner
        Band-pass and noise level of each channel.
    scanner_ : Scanner
        What scores recordings.
    chance_ : FalseAlarmRate
        How often chance reaches a score.
    background_ : float
        Score of the recording's quiet fifth in excess of chance: lasting coherence, which is not an event.
    threshold_ : float
        Score, the background included, from which an event is one.
    scan_ : Scan
        Scores of the recording that was learnt from.
    verdict_ : Verdict
        Whether what was found is more than chance and more than a simple detector finds.
    """

    def __init__(
        self,
        *,
        false_alarms_per_day: float = 1.0,
        band: tuple[float, float] | None = None,
        window: int = WINDOW,
        slowest: float = 500.0,
        denoiser: Denoiser | None = None,
        seed: int = 0,
    ) -> None:
        self.false_alarms_per_day = false_alarms_per_day
        self.band = band
        self.window = window
        self.slowest = slowest
        self.denoiser = denoiser
        self.seed = seed

    def fit(self, recording: xr.DataArray, *, progress: ProgressCallback | None = None) -> Self:
        """Measure what chance gives on a recording, set the threshold, and judge the detector there.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording, dims (channel, time).
        progress : callable, optional
            Called with the number of samples done and of all samples.

        Returns
        -------
        Detector

        Raises
        ------
        InputError
            If there is no usable sample, or too short a record.
        """
        if not 0 < self.false_alarms_per_day < np.inf:
            raise ValueError(f"false_alarms_per_day must be positive, got {self.false_alarms_per_day}")
        rate = sampling_rate(recording)
        band = self.band or (self.denoiser.conditioner_.band if self.denoiser is not None else None)
        conditioner = self.conditioner_ = Conditioner.measure(recording, band)
        if not np.isfinite(conditioner.scale).any():
            raise InputError("nothing to search: every channel is empty or dead")
        self.scanner_ = self._scanner(recording, conditioner)
        days = sum(last - first for first, last in stretches(recording)) / rate / 86400
        wanted = int(np.ceil(TARGET_NULL_PEAKS / max(self.false_alarms_per_day * days, 1e-9)))
        most = 200 if isinstance(self.scanner_, CoincidenceScanner) else _affordable_surrogates(recording)
        n_surrogates = int(np.clip(wanted, 4, most))
        self.scan_ = self.scanner_.scan(
            recording, n_surrogates=n_surrogates, seed=self.seed, progress=progress
        )
        if not np.isfinite(self.scan_.score).any():
            raise InputError(
                f"nothing to search: no stretch of {4 * self.scan_.hop / rate:.3g} s holds data; give a longer record"
            )
        self.false_alarm_rate_ = FalseAlarmRate.measure(self.scan_, APART, rate)
        self.background_ = _background(self.scan_)
        self.threshold_ = self.background_ + self.false_alarm_rate_.threshold(self.false_alarms_per_day)
        self.events_ = self._events(recording, self.scan_)
        self.verdict_ = self._judge(recording, conditioner)
        return self

    def detect(self, recording: xr.DataArray, *, progress: ProgressCallback | None = None) -> list[Event]:
        """Find the events of a recording, at the threshold that was set by `fit`.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording.
        progress : callable, optional
            Called with the number of samples done and of all samples.

        Returns
        -------
        list of Event
            In order of time.

        Raises
        ------
        InputError
            If the detector was fitted at another sampling rate or on another number of channels.
        """
        self._check_fits(recording)
        scan = self.scanner_.scan(recording, n_surrogates=0, seed=self.seed, progress=progress)
        return self._events(recording, scan)

    def fit_detect(self, recording: xr.DataArray, *, progress: ProgressCallback | None = None) -> list[Event]:
        """Set the threshold on a recording and return its events, reading it once."""
        return self.fit(recording, progress=progress).events_

    def _check_fits(self, recording: xr.DataArray) -> None:
        rate, n_channels = sampling_rate(recording), recording.sizes["channel"]
        known = self.conditioner_
        if not np.isclose(rate, known.rate, rtol=1e-3):
            raise InputError(f"the detector was fitted at {known.rate:g} Hz, not at {rate:g} Hz: fit it anew")
        if n_channels != len(known.scale):
            raise InputError(
                f"the detector was fitted on {len(known.scale)} channels, not on {n_channels}: fit it anew"
            )

    def _scanner(
        self, recording: xr.DataArray, conditioner: Conditioner
    ) -> PredictabilityScanner | CoincidenceScanner:
        hop = max(2, self.window // 4 * 2)
        if not is_line(recording):
            return CoincidenceScanner(
                conditioner, _stations(recording), "energy ratio", self._reach(recording, hop), hop
            )
        steepest = conditioner.rate * _spacing(recording) / self.slowest
        return PredictabilityScanner.measure(
            recording, conditioner, self._blind_zone(recording, conditioner), steepest, self.window, self.seed
        )

    def _blind_zone(self, recording: xr.DataArray, conditioner: Conditioner) -> int:
        if self.denoiser is not None and self.denoiser.blind_zone is not None:
            return self.denoiser.blind_zone
        spans = training_spans(recording, conditioner, self.seed)
        if not spans:
            raise InputError("nothing to search: the record is too short, or empty")
        # The surrogates share the noise of the side lobes, so the threshold knows of it.
        return line_blind_zone(recording, spans, side_lobes=False)[0]

    def _reach(self, recording: xr.DataArray, hop: int) -> int:
        """Hops by which arrivals at two stations may differ.

        A wave of the lowest apparent velocity between stations takes so long to cross the network. Without
        coordinates the limit is ten windows.
        """
        aperture = _aperture(recording)
        if aperture is None:
            return 20
        travel_time = aperture / self.slowest / BODY_WAVE_FACTOR
        return max(2, int(np.ceil(travel_time * sampling_rate(recording) / hop)))

    def _events(self, recording: xr.DataArray, scan: Scan) -> list[Event]:
        calm = (
            self.background_ + float(np.nanquantile(self.scan_.null, 0.99))
            if self.scan_.null.size
            else np.inf
        )
        events: list[Event] = []
        last_end = -1
        for peak in peaks(scan.score, APART):
            if not scan.score[peak] >= self.threshold_ or peak <= last_end:
                continue
            first, last = _extent(scan.score, peak, min(calm, self.threshold_))
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
            p_value=float(self.false_alarm_rate_.p_value(score - self.background_)),
            n_channels=int(scan.n_channels[first : last + 1].max()),
        )

    def _judge(self, recording: xr.DataArray, conditioner: Conditioner) -> Verdict:
        return evaluate_detector(self, recording, conditioner, self._baseline(recording, conditioner))

    def _baseline(self, recording: xr.DataArray, conditioner: Conditioner) -> tuple[Scanner, float]:
        """Return the simplest detector and its threshold at the same nominal rate."""
        scanner: Scanner
        if isinstance(self.scanner_, CoincidenceScanner):
            s = self.scanner_
            scanner = CoincidenceScanner(conditioner, s.groups, "STA/LTA", s.reach, s.hop)
        else:
            scanner = StackScanner(conditioner, "envelopes", self.scan_.hop, self.scanner_.geometry.sharing)
        n_samples = max(BASELINE_VALUES // recording.sizes["channel"], 64 * self.window)
        part = recording.isel(time=slice(0, n_samples))
        scan = scanner.scan(part, n_surrogates=4, seed=self.seed)
        null = FalseAlarmRate.measure(scan, APART, conditioner.rate)
        return scanner, null.threshold(self.false_alarms_per_day)


def _affordable_surrogates(recording: xr.DataArray) -> int:
    n_values = recording.sizes["channel"] * sum(last - first for first, last in stretches(recording))
    return int(np.clip(16 * BASELINE_VALUES // max(n_values, 1), 16, 64))


def _background(scan: Scan) -> float:
    """Return by how much the quiet fifth of a recording is more predictable than chance."""
    if np.isfinite(scan.score).sum() < MIN_FOR_BACKGROUND or not np.isfinite(scan.null).any():
        return 0.0
    return max(0.0, float(np.nanquantile(scan.score, 0.2) - np.nanquantile(scan.null, 0.2)))


def _extent(score: Float32Array, peak: int, bar: float) -> tuple[int, int]:
    """Return the first and last hop around a peak where the score stays above a bar."""
    below = ~(np.nan_to_num(score, nan=-np.inf) >= bar)
    before = np.flatnonzero(below[:peak])
    after = np.flatnonzero(below[peak:])
    first = before[-1] + 1 if len(before) else 0
    last = peak + after[0] - 1 if len(after) else len(score) - 1
    return int(first), int(max(last, peak))


def _stations(recording: xr.DataArray) -> np.ndarray:
    """Return each channel's station; the few channels of a short line count as stations of their own."""
    return station_codes(recording)


def _spacing(recording: xr.DataArray) -> float:
    """Return the median channel spacing in m, one where it is not known."""
    if not is_fibre(recording) or recording.sizes["channel"] < 2:
        return 1.0
    return float(np.median(np.abs(np.diff(recording["distance"].values)))) or 1.0


def _aperture(recording: xr.DataArray) -> float | None:
    """Return the largest distance between stations in m, None where coordinates are not known."""
    if not {"latitude", "longitude"} <= set(recording.coords):
        return None
    north = np.deg2rad(recording["latitude"].values) * 6_371_000
    east = np.deg2rad(recording["longitude"].values) * 6_371_000 * np.cos(np.nanmean(north) / 6_371_000)
    known = np.isfinite(north) & np.isfinite(east)
    if known.sum() < 2:
        return None
    return float(np.hypot(np.ptp(north[known]), np.ptp(east[known])))
