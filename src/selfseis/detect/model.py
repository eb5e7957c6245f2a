"""The fitted state of a detector: the setting of its threshold, its storage, and the search for events."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeGuard

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.catalogue.records import Event, Onset
from selfseis.detect.baseline import Baseline, LineOrStations, baseline_scanner
from selfseis.detect.coincidence_scanner import CoincidenceScanner
from selfseis.detect.line_geometry import LineGeometry
from selfseis.detect.options import BaselineOptions, CoincidenceOptions, SlantStackOptions, ThresholdOptions
from selfseis.detect.scan import Null, Scan, Standardiser
from selfseis.detect.slant_stack_scanner import PredictabilityScanner
from selfseis.detect.stack_scanner import StackScanner
from selfseis.detect.station_onsets import StationHops, place_of, station_onsets
from selfseis.detect.station_scanner import StationScanner
from selfseis.detect.trigger_scanner import TriggerScanner
from selfseis.models.store import ModelFormat, StoredModel
from selfseis.recording.dataarray import sample_times
from selfseis.recording.preprocessing import Conditioner
from selfseis.typing import Float32Array
from selfseis.validation import Verdict
from selfseis.validation.false_alarms import FalseAlarmRate, peaks

# Number of statistics that each standardiser of a line scales.
STANDARDISERS = {"standardiser": 5, "of_shifted": 5, "of_segment": 1}
NOT_EVALUATED = Verdict.undecided("detect", "The model has not been evaluated.")


@dataclass(frozen=True, eq=False)
class DetectorModel:
    """The fitted state of a detector.

    Attributes
    ----------
    scanner : PredictabilityScanner or CoincidenceScanner
        Computes the score of a recording.
    false_alarm_rate : FalseAlarmRate
        Rate at which surrogates reach a score.
    false_alarms_per_day : float
        Accepted rate of declustered false alarms.
    background : float
        Lasting coherence of the training recording: its score above the null at the 20% quantile.
    threshold : float
        Minimum score of an event, the background included; infinite without surrogates.
    uncalibrated_threshold : float
        Minimum score of an event that is listed as uncalibrated: that of all surrogates, where they are too short for
        the accepted rate; else the threshold.
    masked_share : float
        Share of the training recording that holds events and was cut out of its surrogates.
    is_full_of_events : bool
        Whether so much of it was, that no rate is calibrated.
    noise_level : float
        Score down to which an event lasts; infinite without surrogates.
    apart : int
        Minimum distance of separate events in hops.
    baseline : Baseline
        The simple detector to which it is compared.
    verdict : Verdict
        Comparison of the detector with the null and with the simple detector.
    """

    scanner: LineOrStations
    false_alarm_rate: FalseAlarmRate
    false_alarms_per_day: float
    background: float
    threshold: float
    uncalibrated_threshold: float
    masked_share: float
    is_full_of_events: bool
    noise_level: float
    apart: int
    baseline: Baseline
    verdict: Verdict = NOT_EVALUATED

    @classmethod
    def with_threshold_from_null(
        cls,
        scanner: LineOrStations,
        scan: Scan,
        null: Null,
        false_alarms_per_day: float,
        baseline: Baseline,
        options: ThresholdOptions,
    ) -> DetectorModel:
        """Return the fitted state, with the threshold that the null of a scan gives.

        Parameters
        ----------
        scanner : PredictabilityScanner or CoincidenceScanner
            The scanner that computed the scan.
        scan : Scan
            Scores of the training recording and of its surrogates.
        null : Null
            What its scores are like without events.
        false_alarms_per_day : float
            Accepted rate of declustered false alarms.
        baseline : Baseline
            The simple detector to which it is compared.
        options : ThresholdOptions
            How scores of surrogates become a threshold.
        """
        level = null.false_alarm_rate
        background = _background(scan, null, options)
        threshold = lowest = background + level.threshold(false_alarms_per_day)
        if len(scan.null) and len(level.heights) and false_alarms_per_day * level.days < options.min_expected:
            lowest = min(threshold, background + float(level.heights[0]))
        if _is_one_station(scanner) and len(level.heights) < options.min_quiet_peaks:
            lowest = min(threshold, scanner.options.min_trigger)
        return cls(
            scanner,
            level,
            false_alarms_per_day,
            background,
            threshold,
            lowest,
            null.masked_share,
            null.is_full_of_events,
            background + null.end,
            options.apart,
            baseline,
        )

    @property
    def conditioner(self) -> Conditioner:
        """Band-pass and noise level of each channel."""
        return self.scanner.conditioner

    def find_events(self, recording: xr.DataArray, scan: Scan) -> list[Event]:
        """Return the events of a scanned recording, in order of time.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording.
        scan : Scan
            Its scores.
        """
        events: list[Event] = []
        last_end = -1
        tops = peaks(scan.score, self.apart)
        rates = dict(zip(tops, self._false_discovery_rates(scan, tops), strict=True))
        for peak in tops:
            if not scan.score[peak] >= self.uncalibrated_threshold or peak <= last_end:
                continue
            first, last = _extent(scan.score, peak, min(self.noise_level, self.uncalibrated_threshold))
            first, last_end = max(first, last_end + 1), last
            event = self._event(recording, scan, first, last)
            rate = min((rates[top] for top in tops if first <= top <= last), default=rates[peak])
            if _is_one_station(self.scanner) and not event.is_calibrated:
                rate = np.nan
            events.append(replace(event, false_discovery_rate=float(rate)))
        return events

    def _false_discovery_rates(self, scan: Scan, tops: NDArray) -> NDArray:
        """Return the local false-discovery rate of each peak."""
        days = float(np.isfinite(scan.score).sum()) * scan.hop / self.conditioner.rate / 86400
        return self.false_alarm_rate.false_discovery_rates(scan.score[tops] - self.background, days)

    def _event(self, recording: xr.DataArray, scan: Scan, first: int, last: int) -> Event:
        """Return the event whose score is high from a first to a last hop."""
        best = first + int(np.nanargmax(scan.score[first : last + 1]))
        score, n_channels = float(scan.score[best]), int(scan.n_channels[first : last + 1].max())
        onsets: tuple[Onset, ...] = ()
        if scan.ratios is not None and isinstance(self.scanner, CoincidenceScanner):
            min_ratio = self.scanner.options.min_trigger
            hops = StationHops.between(scan.ratios, first, last, min_ratio)
            if len(hops.stations):
                onsets = station_onsets(recording, scan, hops)
                # The score is high for half of the reach before the onsets; the ratios are not.
                first, last = int(hops.first.min()), int(hops.last.max())
                best = first + int(
                    np.nanargmax(np.nansum(scan.ratios[hops.stations, first : last + 1], axis=0))
                )
        end_sample = min(scan.first[last] + scan.hop, recording.sizes["time"] - 1)
        start, end = sample_times(recording, [scan.first[first], end_sample])
        peak = sample_times(recording, scan.first[best] + scan.hop // 2)
        name = (
            np.datetime_as_string(peak.astype("datetime64[ms]"))
            .replace("-", "")
            .replace(":", "")
            .replace(".", "_")
        )
        return Event(
            event_id=f"ev{name}",
            start=start,
            end=end,
            peak=peak,
            score=score,
            p_value=float(self.false_alarm_rate.p_value(score - self.background)),
            n_channels=n_channels,
            onsets=onsets,
            place=place_of(recording, onsets),
            is_calibrated=score >= self.threshold and not self.is_full_of_events,
        )


def _is_one_station(scanner: LineOrStations) -> TypeGuard[CoincidenceScanner]:
    return isinstance(scanner, CoincidenceScanner) and scanner.n_stations < 2


def _background(scan: Scan, null: Null, options: ThresholdOptions) -> float:
    """Return by how much a low quantile of the score exceeds that of the null; zero for a short record."""
    if np.isfinite(scan.score).sum() < options.min_hops or not np.isfinite(null.low):
        return 0.0
    return max(0.0, float(np.nanquantile(scan.score, options.background_quantile)) - null.low)


def _extent(score: Float32Array, peak: int, min_score: float) -> tuple[int, int]:
    """Return the first and last hop around a peak where the score stays at or above a minimum."""
    below = ~(np.nan_to_num(score, nan=-np.inf) >= min_score)
    before = np.flatnonzero(below[:peak])
    after = np.flatnonzero(below[peak:])
    first = before[-1] + 1 if len(before) else 0
    last = peak + after[0] - 1 if len(after) else len(score) - 1
    return int(first), int(max(last, peak))


def _pack(
    model: DetectorModel, _parameters: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the state and the arrays of a model."""
    scanner, level, simple = model.scanner, model.false_alarm_rate, model.baseline.scanner
    state: dict[str, Any] = {
        "conditioner": model.conditioner.to_dict(),
        "false_alarms_per_day": model.false_alarms_per_day,
        "background": model.background,
        "threshold": model.threshold,
        "uncalibrated_threshold": model.uncalibrated_threshold,
        "masked_share": model.masked_share,
        "is_full_of_events": model.is_full_of_events,
        "noise_level": model.noise_level,
        "apart": model.apart,
        "surrogate_days": level.days,
        "min_tail": level.min_tail,
        "max_tail": level.max_tail,
        "baseline_threshold": model.baseline.threshold,
        "baseline_options": simple.options.to_dict() if isinstance(simple, StackScanner) else {},
        "hop": scanner.hop,
        "scanner_options": scanner.options.to_dict(),
        "verdict": model.verdict.to_dict(),
    }
    tensors: dict[str, NDArray[Any]] = {
        "offset": model.conditioner.offset,
        "scale": model.conditioner.scale,
        "surrogate_peaks": level.heights,
    }
    if isinstance(scanner, CoincidenceScanner):
        state["stations"] = {
            "groups": [str(group) for group in scanner.groups],
            "reach": scanner.reach,
        }
        for name, of_stations in (("standardiser", scanner), ("baseline_standardiser", simple)):
            if isinstance(of_stations, StationScanner) and of_stations.standardiser is not None:
                tensors |= _scale(name, of_stations.standardiser)
        return state, tensors
    geometry = scanner.geometry
    state["line"] = {
        name: getattr(geometry, name) for name in ("n_channels", "block", "guard", "per_segment")
    }
    state["line"]["common_mode"] = scanner.common_mode
    tensors["slownesses"] = geometry.slownesses
    for name in STANDARDISERS:
        tensors |= _scale(name, getattr(scanner, name))
    return state, tensors


def _scale(name: str, standardiser: Standardiser) -> dict[str, NDArray[Any]]:
    return {f"{name}.centre": standardiser.centre, f"{name}.spread": standardiser.spread}


def _unpack(stored: StoredModel) -> DetectorModel:
    """Return the model of a stored one."""
    state = stored.state
    scanner = _scanner(stored)
    simple = baseline_scanner(scanner, BaselineOptions.from_dict(state["baseline_options"]))
    if isinstance(simple, TriggerScanner):
        simple = replace(simple, standardiser=_standardiser_of_stations(stored, "baseline_standardiser"))
    heights = stored.tensor("surrogate_peaks", None)
    return DetectorModel(
        scanner,
        FalseAlarmRate(
            heights, float(state["surrogate_days"]), int(state["min_tail"]), int(state["max_tail"])
        ),
        float(state["false_alarms_per_day"]),
        float(state["background"]),
        _score(state["threshold"]),
        _score(state["uncalibrated_threshold"]),
        float(state["masked_share"]),
        bool(state["is_full_of_events"]),
        _score(state["noise_level"]),
        int(state["apart"]),
        Baseline(simple, _score(state["baseline_threshold"])),
        Verdict.from_dict(state["verdict"]),
    )


def _score(stored: float | None) -> float:
    """Return a stored score; null stands for infinity, which no score reaches."""
    return np.inf if stored is None else float(stored)


def _scanner(stored: StoredModel) -> LineOrStations:
    state = stored.state
    offset = stored.tensor("offset", None)
    scale = stored.tensor("scale", len(offset), may_be_nan=True)
    band = tuple(state["conditioner"]["band"])
    conditioner = Conditioner(state["conditioner"]["rate"], band, offset, scale)
    hop, options = int(state["hop"]), state["scanner_options"]
    if "stations" in state:
        stations = state["stations"]
        groups = np.array(stations["groups"])
        if len(groups) != len(offset):
            raise ValueError(f"{len(groups)} stations of {len(offset)} channels")
        return CoincidenceScanner(
            conditioner,
            groups,
            int(stations["reach"]),
            hop,
            CoincidenceOptions.from_dict(options),
            _standardiser_of_stations(stored, "standardiser"),
        )
    line = dict(state["line"])
    common_mode = bool(line.pop("common_mode"))
    if line["n_channels"] != len(offset):
        raise ValueError(f"a line of {line['n_channels']} channels with {len(offset)} noise levels")
    return PredictabilityScanner(
        conditioner,
        LineGeometry(**line, slownesses=stored.tensor("slownesses", None)),
        _standardiser(stored, "standardiser"),
        _standardiser(stored, "of_shifted"),
        _standardiser(stored, "of_segment"),
        hop,
        common_mode,
        SlantStackOptions.from_dict(options),
    )


def _standardiser_of_stations(stored: StoredModel, name: str) -> Standardiser | None:
    """Return the scale of the statistics of stations; None for one station alone, which has none."""
    if f"{name}.centre" not in stored.tensors:
        return None
    centre = stored.tensor(f"{name}.centre", None)
    return Standardiser(centre, stored.tensor(f"{name}.spread", len(centre)))


def _standardiser(stored: StoredModel, name: str) -> Standardiser:
    n_statistics = STANDARDISERS[name]
    return Standardiser(
        stored.tensor(f"{name}.centre", n_statistics), stored.tensor(f"{name}.spread", n_statistics)
    )


STORAGE = ModelFormat("detector", 2, "Detector().fit(recording).save(folder)", _pack, _unpack)
