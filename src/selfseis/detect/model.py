"""The fitted state of a detector: the setting of its threshold, its storage, and the search for events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.catalogue.records import Event
from selfseis.detect.baseline import Baseline, LineOrStations, baseline_scanner, false_alarm_rate
from selfseis.detect.coincidence_scanner import CoincidenceScanner
from selfseis.detect.line_geometry import LineGeometry
from selfseis.detect.options import BaselineOptions, CoincidenceOptions, SlantStackOptions, ThresholdOptions
from selfseis.detect.scan import Scan, Standardiser
from selfseis.detect.slant_stack_scanner import PredictabilityScanner
from selfseis.detect.stack_scanner import StackScanner
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
    noise_level: float
    apart: int
    baseline: Baseline
    verdict: Verdict = NOT_EVALUATED

    @classmethod
    def with_threshold_from_scan(
        cls,
        scanner: LineOrStations,
        scan: Scan,
        false_alarms_per_day: float,
        baseline: Baseline,
        options: ThresholdOptions,
    ) -> DetectorModel:
        """Return the fitted state, with the threshold that the surrogates of a scan give.

        Parameters
        ----------
        scanner : PredictabilityScanner or CoincidenceScanner
            The scanner that computed the scan.
        scan : Scan
            Scores of the training recording and of its surrogates.
        false_alarms_per_day : float
            Accepted rate of declustered false alarms.
        baseline : Baseline
            The simple detector to which it is compared.
        options : ThresholdOptions
            How scores of surrogates become a threshold.
        """
        level = false_alarm_rate(scan, scanner.conditioner.rate, options)
        background = _background(scan, options)
        end = float(np.nanquantile(scan.null, options.end_quantile)) if scan.null.size else np.inf
        return cls(
            scanner,
            level,
            false_alarms_per_day,
            background,
            background + level.threshold(false_alarms_per_day),
            background + end,
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
        for peak in peaks(scan.score, self.apart):
            if not scan.score[peak] >= self.threshold or peak <= last_end:
                continue
            first, last = _extent(scan.score, peak, min(self.noise_level, self.threshold))
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


def _background(scan: Scan, options: ThresholdOptions) -> float:
    """Return by how much a low quantile of the score exceeds that of the null; zero for a short record."""
    if np.isfinite(scan.score).sum() < options.min_hops or not np.isfinite(scan.null).any():
        return 0.0
    quantile = options.background_quantile
    return max(0.0, float(np.nanquantile(scan.score, quantile) - np.nanquantile(scan.null, quantile)))


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
            "ratio": scanner.ratio,
            "reach": scanner.reach,
        }
        return state, tensors
    geometry = scanner.geometry
    state["line"] = {
        name: getattr(geometry, name) for name in ("n_channels", "block", "guard", "per_segment")
    }
    state["line"]["common_mode"] = scanner.common_mode
    tensors["slownesses"] = geometry.slownesses
    for name in STANDARDISERS:
        standardiser = getattr(scanner, name)
        tensors |= {f"{name}.centre": standardiser.centre, f"{name}.spread": standardiser.spread}
    return state, tensors


def _unpack(stored: StoredModel) -> DetectorModel:
    """Return the model of a stored one."""
    state = stored.state
    scanner = _scanner(stored)
    simple = baseline_scanner(scanner, BaselineOptions.from_dict(state["baseline_options"]))
    heights = stored.tensor("surrogate_peaks", None)
    return DetectorModel(
        scanner,
        FalseAlarmRate(
            heights, float(state["surrogate_days"]), int(state["min_tail"]), int(state["max_tail"])
        ),
        float(state["false_alarms_per_day"]),
        float(state["background"]),
        _score(state["threshold"]),
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
            stations["ratio"],
            int(stations["reach"]),
            hop,
            CoincidenceOptions.from_dict(options),
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


def _standardiser(stored: StoredModel, name: str) -> Standardiser:
    n_statistics = STANDARDISERS[name]
    return Standardiser(
        stored.tensor(f"{name}.centre", n_statistics), stored.tensor(f"{name}.spread", n_statistics)
    )


STORAGE = ModelFormat("detector", 1, "Detector().fit(recording).save(folder)", _pack, _unpack)
