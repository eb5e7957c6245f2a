"""The detector from recording to events: detections, false alarms and verdicts."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import xarray as xr
from scipy.stats import poisson
from sklearn.base import clone

from selfseis.catalogue.records import Event
from selfseis.detect import Detector
from selfseis.detect.evaluate import evaluate_detector
from selfseis.detect.options import DetectorOptions
from selfseis.errors import InputError
from selfseis.recording import recording_from_array
from selfseis.simulate import (
    SimulatedEvent,
    band_limited_noise,
    simulate_noise_recording,
    simulate_recording_with_events,
)

RATE = 50.0
HOP = 64


def fibre(data: np.ndarray, start: str = "2020-01-01") -> xr.DataArray:
    return recording_from_array(data.astype(np.float32), RATE, start, distance=10.0 * np.arange(len(data)))


def network(data: np.ndarray, per_station: int = 3) -> xr.DataArray:
    codes = [f"XX.S{i // per_station:02d}.00.BH{'ENZ'[i % per_station]}" for i in range(len(data))]
    return recording_from_array(data.astype(np.float32), RATE, seed_id=codes)


def noise_on(geometry: str, hours: float = 0.1, seed: int = 1, **keywords) -> xr.DataArray:
    n_channels = 64 if geometry == "fibre" else 18
    return simulate_noise_recording(
        "white", geometry, hours, RATE, n_channels, seed, components="ENZ", **keywords
    )


@cache
def events_on(geometry: str, snr_db: float, n_events: int = 3) -> tuple[xr.DataArray, list[SimulatedEvent]]:
    recording, truth = simulate_recording_with_events(noise_on(geometry), snr_db, n_events, 4)
    return recording.copy(data=recording.values), truth


@cache
def fitted(geometry: str) -> Detector:
    return Detector(false_alarms_per_day=24).fit(
        events_on(geometry, 10.0 if geometry == "network" else 0.0)[0]
    )


def overlap(event: Event, truth: SimulatedEvent) -> bool:
    margin = np.timedelta64(2, "s")
    return bool(event.start <= truth.end + margin and event.end >= truth.start - margin)


def test_constructor_only_stores_parameters() -> None:
    parameters = {
        "false_alarms_per_day": 3.0, "band": (2.0, 10.0), "window": 64, "slowest": 700.0, "denoiser": None, "seed": 5,
        "options": DetectorOptions(),
    }  # fmt: skip
    detector = Detector(**parameters)
    assert detector.get_params() == parameters and vars(detector) == parameters
    assert clone(detector).get_params() == parameters
    assert detector.set_params(seed=6) is detector and detector.seed == 6
    with pytest.raises(ValueError, match="unknown parameters: depth"):
        detector.set_params(depth=3)


def test_fitted_attributes_are_read_only_parts_of_the_model() -> None:
    detector = fitted("fibre")
    for name in ("conditioner", "scanner", "false_alarm_rate", "background", "threshold", "verdict"):
        assert getattr(detector, f"{name}_") is getattr(detector.model_, name)
        with pytest.raises(AttributeError):
            setattr(detector, f"{name}_", None)
        assert not hasattr(Detector(), f"{name}_")


@pytest.mark.parametrize("geometry", ["fibre", "network"])
def test_strong_events_are_found_and_verdict_is_works(geometry) -> None:
    detector = fitted(geometry)
    _, truth = events_on(geometry, 10.0 if geometry == "network" else 0.0)
    events = detector.events_
    assert all(any(overlap(e, t) for e in events) for t in truth)
    assert len(events) <= len(truth) + poisson.ppf(0.999, 2.4)
    # In a network both detectors use energy ratios, and either can be the better one.
    if geometry == "fibre":
        assert detector.verdict_.outcome == "works", detector.verdict_
    else:
        assert "beyond the null" not in detector.verdict_.reason
    best = sorted(events, key=lambda e: -e.score)[: len(truth)]
    assert all(e.p_value < 0.01 and e.score > detector.threshold_ for e in best)
    assert all(e.start <= e.peak <= e.end for e in events)
    assert [e.start for e in events] == sorted(e.start for e in events)
    assert len({e.event_id for e in events}) == len(events)


def test_events_far_below_the_noise_are_found_on_a_fibre() -> None:
    noise = simulate_noise_recording("white", "fibre", 0.05, RATE, 160, 1)
    recording, truth = simulate_recording_with_events(noise, -15.0, 2, 4)
    detector = Detector(false_alarms_per_day=24).fit(recording)
    assert all(any(overlap(e, t) for e in detector.events_) for t in truth)
    assert len(detector.events_) <= 2 + poisson.ppf(0.999, 1.2)


def test_incoherent_burst_is_not_found() -> None:
    data = noise_on("fibre", 0.1, seed=3).values
    data[:, 8000:8400] *= 10
    data[20, 12_000:12_200] *= 100
    detector = Detector(false_alarms_per_day=24).fit(fibre(data))
    assert len(detector.events_) <= poisson.ppf(0.999, 2.4)
    assert not [e for e in detector.events_ if e.p_value < 1e-4]
    assert detector.verdict_.outcome == "no_gain"


@pytest.mark.parametrize("geometry", ["fibre", "network"])
def test_false_alarms_occur_at_the_nominal_rate(geometry) -> None:
    """Four hours of noise at eight false alarms per hour: 32 are expected."""
    recording = simulate_noise_recording("white", geometry, 4.0, 20.0, 12, 2, components="ENZ")
    detector = Detector(false_alarms_per_day=8 * 24).fit(recording)
    low, high = poisson.ppf([0.001, 0.999], 32)
    assert low <= len(detector.events_) <= high
    assert detector.verdict_.outcome != "works"


def test_threshold_holds_on_other_noise() -> None:
    first, other = (simulate_noise_recording("white", "fibre", 2.0, 20.0, 12, seed) for seed in (5, 6))
    events = Detector(false_alarms_per_day=12 * 24).fit(first).detect(other)
    assert poisson.ppf(0.001, 24) <= len(events) <= poisson.ppf(0.999, 24)


@pytest.mark.parametrize("geometry", ["fibre", "network"])
@pytest.mark.parametrize("seed", [1, 2])
def test_noise_gives_no_gain(geometry, seed) -> None:
    detector = Detector(seed=seed).fit(noise_on(geometry, seed=seed))
    assert detector.verdict_.outcome == "no_gain"
    assert "beyond the null" in detector.verdict_.reason
    json.dumps(detector.verdict_.to_dict(), allow_nan=False)


@pytest.mark.parametrize("geometry", ["fibre", "network"])
def test_detection_repeats_and_follows_a_shift_in_time(geometry) -> None:
    recording, _ = events_on(geometry, 10.0 if geometry == "network" else 0.0)
    detector = fitted(geometry)
    again = detector.detect(recording)
    assert again == detector.events_
    late = detector.detect(recording.isel(time=slice(40 * HOP, None)))
    expected = [e for e in again if e.start > recording.time[180 * HOP].values]
    found = [e for e in late if e.start > recording.time[180 * HOP].values]
    assert [(e.event_id, e.start, e.end) for e in found] == [(e.event_id, e.start, e.end) for e in expected]
    np.testing.assert_allclose([e.score for e in found], [e.score for e in expected], rtol=1e-3)


@pytest.mark.parametrize("geometry", ["fibre", "network"])
@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_result_does_not_depend_on_units(geometry, factor) -> None:
    recording, _ = events_on(geometry, 10.0 if geometry == "network" else 0.0)
    detector = Detector(false_alarms_per_day=24).fit(
        recording.copy(data=(factor * recording.values).astype(np.float32))
    )
    best = [sorted(d.events_, key=lambda e: -e.score)[:3] for d in (fitted(geometry), detector)]
    assert [e.event_id for e in best[0]] == [e.event_id for e in best[1]]
    assert detector.verdict_.outcome == fitted(geometry).verdict_.outcome


@pytest.mark.parametrize("n_events", [0, 6])
def test_one_station_lists_its_transients_without_a_verdict(n_events: int) -> None:
    """Twenty minutes of noise, with bursts of 30 standard deviations that decay within seconds."""
    data = np.array(band_limited_noise(3, 60_000, RATE, (2, 20), 1))
    decay = 30 * data.std() * np.exp(-np.arange(250) / RATE)
    for first in 5000 + 9000 * np.arange(n_events):
        data[:, first : first + 250] += decay * np.random.default_rng(first).standard_normal((3, 250))
    detector = Detector().fit(network(data))
    assert len(detector.events_) == n_events
    assert all(e.false_discovery_rate < 0.5 for e in detector.events_)
    assert detector.verdict_.outcome == "cannot_tell" and "one station" in detector.verdict_.reason


def test_clear_events_are_found_although_they_fill_much_of_a_short_record() -> None:
    """Shifted events coincide by accident: with them in the surrogates, none of these would exceed the threshold."""
    recording, truth = simulate_recording_with_events(
        simulate_noise_recording("white", "network", 0.5, RATE, 12, 1, components="ENZ"), 12.0, 11, 1
    )
    detector = Detector().fit(recording.drop_vars(["latitude", "longitude", "elevation"]))
    assert sum(any(overlap(e, t) for e in detector.events_) for t in truth) >= 10
    assert len(detector.events_) <= 12
    details = detector.verdict_.details
    assert 0.1 < details["masked_share"] < 0.5 and details["n_found_again"] == details["n_injected_events"]
    first = min(detector.events_, key=lambda e: e.start)
    assert first.place is None and len(first.onsets) >= 2
    assert np.abs(first.onsets[0].time - truth[0].start) < np.timedelta64(4, "s")


def test_bursts_at_all_stations_at_once_get_no_verdict() -> None:
    bursts = simulate_noise_recording(
        "bursty", "network", 1.5, 25.0, 12, 1, components="ENZ", burst_reach=("all",)
    )
    verdict = Detector(false_alarms_per_day=24).fit(bursts).verdict_
    assert verdict.outcome == "cannot_tell" and "at the same time" in verdict.reason


def test_events_above_all_surrogates_of_a_short_record_are_listed_as_uncalibrated() -> None:
    detector = fitted("fibre")
    model = replace(detector.model_, threshold=np.inf, uncalibrated_threshold=detector.threshold_)
    recording = events_on("fibre", 0.0)[0]
    events = model.find_events(recording, detector.scan_)
    assert len(events) == len(detector.events_) and not any(e.is_calibrated for e in events)
    verdict = evaluate_detector(
        model, events, detector.scan_, recording, seed=0, options=detector.options.evaluation
    )
    assert verdict.outcome == "cannot_tell" and "uncalibrated" in verdict.reason


def test_an_event_that_is_not_found_again_gives_no_verdict() -> None:
    detector = fitted("network")
    strict = replace(detector.model_, threshold=1e6)
    recording = events_on("network", 10.0)[0]
    verdict = evaluate_detector(
        strict, detector.events_, detector.scan_, recording, seed=0, options=detector.options.evaluation
    )
    assert verdict.outcome == "cannot_tell" and "found again" in verdict.reason


def test_dead_channels_and_gaps_do_not_make_events() -> None:
    data = noise_on("fibre", 0.1, seed=8).values
    data[[3, 30, 31]] = 0
    data[35] = np.nan
    data[:, 9000:9500] = np.nan
    data[10:20, 12_000:12_800] = np.nan
    detector = Detector(false_alarms_per_day=24).fit(fibre(data))
    assert len(detector.events_) <= poisson.ppf(0.999, 2.4)
    assert np.isnan(detector.scan_.score[9200 // HOP])


UNUSABLE = [
    (np.full((12, 6000), np.nan), "empty or dead"),
    (np.full((12, 6000), 3.0), "empty or dead"),
    (band_limited_noise(12, 20, RATE, None, 1), "give a longer record|too short"),
    (band_limited_noise(12, 60, RATE, None, 1), "give a longer record|too short"),
]


@pytest.mark.parametrize("geometry", [fibre, network])
@pytest.mark.parametrize(("data", "match"), UNUSABLE, ids=["NaN", "constant", "20 samples", "60 samples"])
def test_unusable_recordings_raise_an_error_of_one_line(geometry, data, match) -> None:
    with pytest.raises(InputError, match=match) as refusal:
        Detector().fit(geometry(data))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("n_samples", [130, 300, 1000, 3000])
@pytest.mark.parametrize("geometry", [fibre, network])
def test_short_records_are_searched_or_raise_an_error(geometry, n_samples) -> None:
    try:
        detector = Detector().fit(geometry(band_limited_noise(12, n_samples, RATE, None, 1)))
    except InputError:
        return
    json.dumps(detector.verdict_.to_dict(), allow_nan=False)
    assert detector.verdict_.outcome != "works"


def test_false_alarm_rate_must_be_positive() -> None:
    with pytest.raises(ValueError, match="positive"):
        Detector(false_alarms_per_day=0).fit(noise_on("fibre", 0.02))


def test_another_rate_or_other_channels_raise_an_error() -> None:
    detector = fitted("fibre")
    slow = recording_from_array(np.zeros((64, 500), np.float32), RATE / 2, distance=10.0 * np.arange(64))
    with pytest.raises(InputError, match="25 Hz"):
        detector.detect(slow)
    with pytest.raises(InputError, match="channels"):
        detector.detect(fibre(np.zeros((12, 500))))


@pytest.mark.parametrize(("slowest", "velocity"), [(500.0, 2000.0), (1000.0, 4000.0)])
def test_reach_is_the_travel_time_between_stations(slowest: float, velocity: float) -> None:
    distance = 40_000.0
    north = np.repeat([0.0, np.rad2deg(distance / 6_371_000)], 3)
    codes = [f"XX.S{i // 3:02d}.00.BH{'ENZ'[i % 3]}" for i in range(6)]
    pair = recording_from_array(
        np.random.default_rng(0).standard_normal((6, 6000)).astype(np.float32), RATE, "2020-01-01", seed_id=codes,
        latitude=north, longitude=np.zeros(6), elevation=np.zeros(6),
    )  # fmt: skip
    scanner = Detector(slowest=slowest).fit(pair).scanner_
    assert scanner.hop == HOP
    assert (scanner.reach - 1) * HOP / RATE < distance / velocity <= scanner.reach * HOP / RATE
