"""A detector takes whatever `open_recording` takes, judges any recording, and obeys its options."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from selfseis.detect import Detector, DetectorOptions
from selfseis.errors import InputError
from selfseis.recording import open_recording, write_recording
from selfseis.simulate import simulate_noise_recording, simulate_recording_with_events

RATE = 50.0
PER_DAY = 24.0


def noise(geometry: str, seed: int) -> xr.DataArray:
    hours = 1 / 30 if geometry == "fibre" else 0.1  # two events fill most of a network's two minutes
    return simulate_noise_recording("white", geometry, hours, RATE, 9, seed, components="ENZ").load()


@cache
def with_events(geometry: str) -> xr.DataArray:
    return simulate_recording_with_events(noise(geometry, 1), 20.0, 2, 4)[0].load()


@cache
def fitted(geometry: str) -> Detector:
    return Detector(false_alarms_per_day=PER_DAY).fit(with_events(geometry))


def as_path(recording: xr.DataArray, folder: Path) -> Path:
    write_recording(recording, folder / "whole.mseed")
    return folder / "whole.mseed"


def as_paths(recording: xr.DataArray, folder: Path) -> list[Path]:
    half = recording.sizes["time"] // 2
    for number, part in enumerate((slice(0, half), slice(half, None))):
        write_recording(recording.isel(time=part), folder / f"{number}.mseed")
    return [folder / "0.mseed", folder / "1.mseed"]


def as_stream(recording: xr.DataArray, folder: Path) -> Any:
    import obspy

    return obspy.read(as_path(recording, folder))


@pytest.mark.parametrize("changed", [as_path, as_paths, as_stream])
def test_every_kind_of_input_gives_the_same_result(changed: Callable[..., Any], tmp_path: Path) -> None:
    recording = with_events("network").drop_vars(["latitude", "longitude", "elevation"])  # not in miniSEED
    data = changed(recording, tmp_path)
    expected, detector = (Detector(false_alarms_per_day=PER_DAY) for _ in range(2))
    expected.fit(recording)
    assert expected.events_
    assert detector.fit_detect(data) == expected.events_ == detector.detect(data)
    assert detector.evaluate(data) == expected.verdict_ == detector.verdict_


def test_a_patch_gives_the_same_result() -> None:
    dascore = pytest.importorskip("dascore")
    recording = with_events("fibre")
    coords = {name: recording[name].values for name in ("time", "distance")}
    patch = dascore.Patch(data=recording.values.T.copy(), coords=coords, dims=("time", "distance"))
    events = Detector(false_alarms_per_day=PER_DAY).fit_detect(patch)
    assert events and events == Detector(false_alarms_per_day=PER_DAY).fit_detect(open_recording(patch))


def test_a_bare_array_is_refused() -> None:
    with pytest.raises(InputError, match="sampling rate"):
        Detector().fit(np.zeros((9, 1000), np.float32))


@pytest.mark.parametrize("geometry", ["fibre", "network"])
def test_evaluation_on_the_training_recording_equals_the_verdict_of_the_fit(geometry: str) -> None:
    detector = fitted(geometry)
    assert detector.evaluate(with_events(geometry)) == detector.verdict_


@pytest.mark.parametrize("geometry", ["fibre", "network"])
def test_other_recordings_get_their_own_verdict(geometry: str) -> None:
    detector = fitted(geometry)
    verdict = detector.evaluate(noise(geometry, 7))
    assert verdict.outcome == "no_gain" and "beyond the null" in verdict.reason
    assert verdict.details["n_events"] == len(detector.detect(noise(geometry, 7)))
    assert verdict.details["threshold"] == detector.threshold_


def test_a_fitted_detector_keeps_the_rate_that_it_was_fitted_with() -> None:
    detector = Detector(false_alarms_per_day=PER_DAY).fit(with_events("network"))
    detector.set_params(false_alarms_per_day=1e6)
    verdict = detector.evaluate(with_events("network"))
    assert verdict.details["false_alarms_per_day"] == PER_DAY and verdict == fitted("network").verdict_


def test_a_recording_that_cannot_be_judged_raises_an_error_of_one_line() -> None:
    recording, detector = with_events("fibre"), fitted("fibre")
    for short in (recording.isel(time=slice(0, 20)), recording.isel(channel=slice(0, 8))):
        with pytest.raises(InputError, match=r"longer record|channels") as refusal:
            detector.evaluate(short)
        assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("geometry", "changes", "differs"),
    [
        ("fibre", {"slant_stack": {"max_slownesses": 3}}, lambda d: len(d.scanner_.geometry.slownesses)),
        ("fibre", {"slant_stack": {"n_past": 20}}, lambda d: d.scanner_.context),
        ("fibre", {"baseline": {"long_windows": 20}}, lambda d: d.model_.baseline.scanner.context),
        ("network", {"coincidence": {"long_windows": 20}}, lambda d: d.scanner_.context),
        ("network", {"coincidence": {"body_wave_factor": 1.0}}, lambda d: d.scanner_.reach),
        ("network", {"threshold": {"network_hops": 1}}, lambda d: len(d.scan_.null)),
        ("network", {"threshold": {"apart": 4}}, lambda d: len(d.false_alarm_rate_.heights)),
        ("network", {"threshold": {"end_quantile": 0.5}}, lambda d: d.model_.noise_level),
        ("fibre", {"evaluation": {"error_rate": 0.01}}, lambda d: d.verdict_.error_rate),
    ],
)
def test_an_option_changes_the_detector(
    geometry: str, changes: dict[str, Any], differs: Callable[[Detector], float]
) -> None:
    options = DetectorOptions().with_options(**changes)
    detector = Detector(false_alarms_per_day=PER_DAY, options=options).fit(with_events(geometry))
    assert differs(detector) != differs(fitted(geometry))
