"""The detector: events above the null, at a stated rate of false alarms."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import xarray as xr

from selfseis.catalogue.records import Event
from selfseis.denoise.training_data import is_line, line_blind_zone, training_spans
from selfseis.detect.baseline import LineOrStations, fit_baseline
from selfseis.detect.coincidence_scanner import CoincidenceScanner
from selfseis.detect.evaluate import evaluate_detector
from selfseis.detect.model import STORAGE, DetectorModel
from selfseis.detect.options import DetectorOptions, ThresholdOptions
from selfseis.detect.scan import ProgressCallback, Scan
from selfseis.detect.slant_stack_scanner import PredictabilityScanner
from selfseis.detect.station_onsets import aperture_m, scanned_groups
from selfseis.errors import InputError
from selfseis.models.store import StoredEstimator
from selfseis.recording import as_recording
from selfseis.recording.coverage import stretches
from selfseis.recording.dataarray import is_fibre, sampling_rate
from selfseis.recording.preprocessing import Conditioner
from selfseis.validation import Verdict
from selfseis.validation.false_alarms import FalseAlarmRate

if TYPE_CHECKING:
    from selfseis.denoise import Denoiser


class Detector(StoredEstimator[DetectorModel]):
    """Find events, with a false-alarm rate that is measured on surrogates of the user's own data.

    Channels on a line (a fibre, a geophone spread) are searched for wavefields that can be predicted across
    channels; scattered stations are searched for coincident rises of energy.

    Parameters
    ----------
    false_alarms_per_day : float
        Accepted rate of declustered false alarms.
    band : tuple of float, optional
        Pass band in Hz; by default that of the denoiser, or 2% to 80% of the Nyquist frequency.
    window : int
        Samples of a short window: 1.3 s at 100 Hz by default.
    slowest : float
        Lowest apparent velocity along a line, in m/s. Between stations with coordinates the lowest is four times as
        high: 2000 m/s by default, below the apparent velocity of body waves in the crust.
    denoiser : Denoiser, optional
        A fitted denoiser. The detector uses its band, and its blind zone if the user set one. Both are part of the
        fitted state; the denoiser itself is not saved with the detector.
    seed : int
        Seed of the surrogates.
    options : DetectorOptions
        Settings that seldom need a change.

    Attributes
    ----------
    model_ : DetectorModel
        The fitted state; the attributes below, except `scan_` and `events_`, are parts of it.
    conditioner_ : Conditioner
        Band-pass and noise level of each channel.
    scanner_ : PredictabilityScanner or CoincidenceScanner
        Computes the score of a recording.
    false_alarm_rate_ : FalseAlarmRate
        Rate at which surrogates reach a score.
    background_ : float
        Lasting coherence of the training recording, which is not an event: its score above the null at the 20%
        quantile.
    threshold_ : float
        Minimum score of an event, the background included.
    scan_ : Scan
        Scores of the training recording and of its surrogates; a loaded detector has none.
    events_ : list of Event
        Events of the training recording; a loaded detector has none.
    verdict_ : Verdict
        Comparison of the detector with the null and with a simple detector.

    Examples
    --------
    >>> from selfseis import Detector
    >>> from selfseis.simulate import simulate_noise_recording, simulate_recording_with_events
    >>> noise = simulate_noise_recording("white", "fibre", 1 / 60, 50.0, 24, seed=3)
    >>> recording, truth = simulate_recording_with_events(noise, 20.0, 1, seed=3)
    >>> detector = Detector(false_alarms_per_day=10.0).fit(recording)
    >>> len(detector.events_)
    1
    """

    model_format = STORAGE
    scan_: Scan
    events_: list[Event]

    def __init__(
        self,
        *,
        false_alarms_per_day: float = 1.0,
        band: tuple[float, float] | None = None,
        window: int = 128,
        slowest: float = 500.0,
        denoiser: Denoiser | None = None,
        seed: int = 0,
        options: DetectorOptions = DetectorOptions(),
    ) -> None:
        self.false_alarms_per_day = false_alarms_per_day
        self.band = band
        self.window = window
        self.slowest = slowest
        self.denoiser = denoiser
        self.seed = seed
        self.options = options

    @property
    def conditioner_(self) -> Conditioner:
        """Band-pass and noise level of each channel."""
        return self.model_.conditioner

    @property
    def scanner_(self) -> LineOrStations:
        """Scanner that computes the score of a recording."""
        return self.model_.scanner

    @property
    def false_alarm_rate_(self) -> FalseAlarmRate:
        """Rate at which surrogates reach a score."""
        return self.model_.false_alarm_rate

    @property
    def background_(self) -> float:
        """Lasting coherence of the training recording, as a score above the null."""
        return self.model_.background

    @property
    def threshold_(self) -> float:
        """Minimum score of an event, the background included."""
        return self.model_.threshold

    @property
    def verdict_(self) -> Verdict:
        """Comparison of the detector with the null and with a simple detector."""
        return self.model_.verdict

    def fit(self, recording: Any, *, progress: ProgressCallback | None = None) -> Self:
        """Measure the false-alarm rate on a recording, set the threshold, and evaluate the detector there.

        Parameters
        ----------
        recording : xarray.DataArray, path, Stream or Patch
            The recording; anything that `open_recording` opens.
        progress : callable, optional
            Called with the number of samples done and the number of all samples.

        Returns
        -------
        Detector

        Raises
        ------
        InputError
            If there is no usable sample, or if the record is too short.
        """
        if not 0 < self.false_alarms_per_day < np.inf:
            raise ValueError(f"false_alarms_per_day must be positive, got {self.false_alarms_per_day}")
        recording = as_recording(recording)
        band = self.band or (self.denoiser.conditioner_.band if self.denoiser is not None else None)
        conditioner = Conditioner.measure(recording, band)
        if not np.isfinite(conditioner.scale).any():
            raise InputError("nothing to search: every channel is empty or dead")
        scanner = self._scanner(recording, conditioner)
        n_surrogates = self._n_surrogates(recording, scanner)
        scanner, scan, null = scanner.fit_scan(
            recording,
            n_surrogates=n_surrogates,
            seed=self.seed,
            threshold=self.options.threshold,
            progress=progress,
        )
        _check_searched(scanner, scan)
        baseline = fit_baseline(
            scanner,
            recording,
            false_alarms_per_day=self.false_alarms_per_day,
            window=self.window,
            n_surrogates=n_surrogates,
            seed=self.seed,
            options=self.options.baseline,
            threshold_options=self.options.threshold,
        )
        model = DetectorModel.with_threshold_from_null(
            scanner, scan, null, self.false_alarms_per_day, baseline, self.options.threshold
        )
        self.scan_, self.events_ = scan, model.find_events(recording, scan)
        self.model_ = replace(model, verdict=self._judge(model, self.events_, scan, recording))
        return self

    def detect(self, recording: Any, *, progress: ProgressCallback | None = None) -> list[Event]:
        """Find the events of a recording, at the threshold that `fit` has set.

        Parameters
        ----------
        recording : xarray.DataArray, path, Stream or Patch
            The recording; anything that `open_recording` opens.
        progress : callable, optional
            Called with the number of samples done and the number of all samples.

        Returns
        -------
        list of Event
            In order of time.

        Raises
        ------
        InputError
            If the detector was fitted at another sampling rate or on another number of channels.
        """
        recording = as_recording(recording)
        self._check_fits(recording)
        scan = self.scanner_.scan(recording, n_surrogates=0, seed=self.seed, progress=progress)
        return self.model_.find_events(recording, scan)

    def fit_detect(self, recording: Any, *, progress: ProgressCallback | None = None) -> list[Event]:
        """Set the threshold on a recording and return its events; the recording is read once."""
        return self.fit(recording, progress=progress).events_

    def evaluate(self, recording: Any, *, progress: ProgressCallback | None = None) -> Verdict:
        """Evaluate the detector on a recording, at the threshold that `fit` has set.

        The events of the training recording do not set the threshold; its surrogates do, and they hold none. The
        training recording is therefore evaluated like any other, and gets the verdict of `fit`.

        Parameters
        ----------
        recording : xarray.DataArray, path, Stream or Patch
            The recording; anything that `open_recording` opens.
        progress : callable, optional
            Called with the number of samples done and the number of all samples.

        Returns
        -------
        Verdict

        Raises
        ------
        InputError
            If the detector was fitted at another sampling rate or on another number of channels, or if the record is
            too short.
        """
        recording = as_recording(recording)
        self._check_fits(recording)
        scan = self.scanner_.scan(recording, n_surrogates=0, seed=self.seed, progress=progress)
        _check_searched(self.scanner_, scan)
        return self._judge(self.model_, self.model_.find_events(recording, scan), scan, recording)

    def _judge(
        self, model: DetectorModel, events: list[Event], scan: Scan, recording: xr.DataArray
    ) -> Verdict:
        options = self.options.evaluation
        return evaluate_detector(model, events, scan, recording, seed=self.seed, options=options)

    def _n_surrogates(self, recording: xr.DataArray, scanner: LineOrStations) -> int:
        """Return the number of surrogates in which enough false alarms are expected, within what is affordable."""
        options = self.options.threshold
        days = sum(last - first for first, last in stretches(recording)) / sampling_rate(recording) / 86400
        wanted = int(np.ceil(options.target_peaks / max(self.false_alarms_per_day * days, 1e-9)))
        if isinstance(scanner, CoincidenceScanner):
            n_hops = max(days * 86400 * sampling_rate(recording) / scanner.hop, 1)
            most = min(options.network_hops / n_hops, options.network_surrogates)
            return max(int(min(wanted, most)), options.min_surrogates)
        return int(np.clip(wanted, options.min_surrogates, _affordable_surrogates(recording, options)))

    def _check_fits(self, recording: xr.DataArray) -> None:
        rate, n_channels = sampling_rate(recording), recording.sizes["channel"]
        known = self.conditioner_
        if not np.isclose(rate, known.rate, rtol=1e-3):
            raise InputError(
                f"the detector was fitted at {known.rate:g} Hz, not at {rate:g} Hz: fit it again"
            )
        if n_channels != len(known.scale):
            raise InputError(
                f"the detector was fitted on {len(known.scale)} channels, not on {n_channels}: fit it again"
            )

    def _scanner(self, recording: xr.DataArray, conditioner: Conditioner) -> LineOrStations:
        hop = max(2, self.window // 4 * 2)
        if not is_line(recording):
            stations, reach = scanned_groups(recording), self._reach(recording, hop)
            options = self.options.coincidence
            return CoincidenceScanner(conditioner, stations, reach, hop, options)
        return PredictabilityScanner.measure(
            recording,
            conditioner,
            self._blind_zone(recording, conditioner),
            conditioner.rate * _spacing(recording) / self.slowest,
            self.window,
            self.seed,
            self.options.slant_stack,
        )

    def _blind_zone(self, recording: xr.DataArray, conditioner: Conditioner) -> int:
        if self.denoiser is not None and self.denoiser.blind_zone is not None:
            return self.denoiser.blind_zone
        spans = training_spans(recording, conditioner, self.seed)
        if not spans:
            raise InputError("nothing to search: the record is too short or empty; give a longer record")
        # The surrogates share the noise of the side lobes, so the threshold includes it.
        return line_blind_zone(recording, spans, side_lobes=False)[0]

    def _reach(self, recording: xr.DataArray, hop: int) -> int:
        """Hops by which arrivals at two stations may differ.

        It is the time that a wave of the lowest apparent velocity between stations needs to cross the network.
        Without coordinates the limit is ten windows.
        """
        options = self.options.coincidence
        aperture = aperture_m(recording)
        if aperture is None:
            return options.unknown_reach
        travel_time = aperture / self.slowest / options.body_wave_factor
        return max(2, int(np.ceil(travel_time * sampling_rate(recording) / hop)))


def _check_searched(scanner: LineOrStations, scan: Scan) -> None:
    """Check that some of the recording could be scored."""
    if not np.isfinite(scan.score).any():
        shortest = 4 * scan.hop / scanner.conditioner.rate
        raise InputError(
            f"nothing to search: no stretch of {shortest:.3g} s holds data; give a longer record"
        )


def _affordable_surrogates(recording: xr.DataArray, options: ThresholdOptions) -> int:
    n_values = recording.sizes["channel"] * sum(last - first for first, last in stretches(recording))
    return int(np.clip(options.line_values // max(n_values, 1), *options.line_surrogates))


def _spacing(recording: xr.DataArray) -> float:
    """Return the median channel spacing in m, or 1 m if it is not known."""
    if not is_fibre(recording) or recording.sizes["channel"] < 2:
        return 1.0
    return float(np.median(np.abs(np.diff(recording["distance"].values)))) or 1.0
