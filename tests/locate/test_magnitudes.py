"""Local magnitudes from ground motion, and relative magnitudes from recordings in other units."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from selfseis.catalogue.records import Amplitude, Pick
from selfseis.geo.response_units import motion_units
from selfseis.io.obspy_import import obspy
from selfseis.locate.amplitudes import AmplitudeMeter, arrival_times, displacement_response
from selfseis.locate.magnitude import distance_correction, local_magnitude, relative_magnitudes
from selfseis.recording import recording_from_array
from selfseis.recording.inventory import set_inventory

BEGIN = np.datetime64("2024-01-01", "ns")
RATE = 100.0
P_TIME, S_TIME = (BEGIN + np.timedelta64(s, "s") for s in (20, 24))


def wavelet(hertz: float = 5.0) -> np.ndarray:
    """Displacement of 1 m in a burst around S, from 24 to 27 s."""
    t = np.arange(4000) / RATE
    return np.sin(2 * np.pi * hertz * t) * np.exp(-(((t - 25.5) / 0.5) ** 2))


def recording(samples: np.ndarray, units: str) -> xr.DataArray:
    noise = 1e-6 * np.abs(samples).max() * np.random.default_rng(0).standard_normal((3, len(samples)))
    channels = np.stack([samples, 0.5 * samples, 0.1 * samples]) + noise
    return recording_from_array(
        channels, RATE, BEGIN, seed_id=["A.B..HHE", "A.B..HHN", "A.B..HHZ"], units=units
    )


def measured(record: xr.DataArray) -> Amplitude:
    amplitude = AmplitudeMeter(record).measure(P_TIME, S_TIME, "A.B.")
    assert amplitude is not None
    return amplitude


def test_wood_anderson_amplitude_is_displacement_above_its_corner() -> None:
    displacement = 3e-6 * wavelet()
    velocity = np.gradient(displacement, 1 / RATE)
    found = [measured(recording(displacement, "m")), measured(recording(velocity, "m/s"))]
    f = 5.0
    gain = (2 * np.pi * f) ** 2 / abs(
        (2j * np.pi * f + 6.283185 - 4.712389j) * (2j * np.pi * f + 6.283185 + 4.712389j)
    )
    for amplitude in found:
        assert amplitude.is_ground_motion and amplitude.seed_id == "A.B..HHE"
        assert amplitude.value == pytest.approx(3000 * gain, rel=0.05)


def test_a_full_response_and_a_flat_sensitivity_agree() -> None:
    obspy()
    from obspy.core.inventory import Channel, Inventory, Network, Response, Station

    zeros, poles = [0j, 0j], [-0.037 + 0.037j, -0.037 - 0.037j]
    response = Response.from_paz(zeros, poles, stage_gain=1e9, input_units="M/S", output_units="COUNTS")
    channels = [Channel(f"HH{c}", "", 1.0, 2.0, 0.0, 0.0, response=response) for c in "ENZ"]
    inventory = Inventory([Network("A", [Station("B", 1.0, 2.0, 0.0, channels=channels)])])
    counts = 1e9 * np.gradient(3e-6 * wavelet(), 1 / RATE)
    with_response = AmplitudeMeter(recording(counts, "counts"), inventory).measure(P_TIME, S_TIME, "A.B.")
    flat = measured(recording(counts / 1e9, "m/s"))
    assert with_response is not None and with_response.is_ground_motion
    assert with_response.value == pytest.approx(flat.value, rel=0.02)


UNITS = {"M/S": (1, 1.0), "NM/S": (1, 1e9), "um/s": (1, 1e6), "M": (0, 1.0), "nm": (0, 1e9), "M/S**2": (2, 1.0),
         "m/s^2": (2, 1.0), "M/S/S": (2, 1.0), "CM/S**2": (2, 100.0), "gal": (2, 100.0)}  # fmt: skip


def response_per(units: str, with_stages: bool):
    """Response of 2 counts per unit, flat above 0.1 Hz."""
    obspy()
    from obspy.core.inventory import InstrumentSensitivity, Response

    if not with_stages:
        return Response(instrument_sensitivity=InstrumentSensitivity(2.0, 5.0, units, "COUNTS"))
    poles = [-0.037 + 0.037j, -0.037 - 0.037j]
    return Response.from_paz([0j, 0j], poles, 2.0, 5.0, units, "COUNTS", normalization_frequency=5.0)


@pytest.mark.filterwarnings("ignore:ObsPy can not map unit", "ignore:The unit")
@pytest.mark.parametrize("with_stages", [False, True])
@pytest.mark.parametrize("units", list(UNITS))
def test_the_input_units_of_a_response_count(units, with_stages) -> None:
    derivative, per_si = UNITS[units]
    found, reason = displacement_response(response_per(units, with_stages))
    assert found is not None and not reason and motion_units(units) == (derivative, per_si)
    f = np.array([2.0, 5.0])
    np.testing.assert_allclose(np.abs(found(f)), 2 * per_si * (2 * np.pi * f) ** derivative, rtol=2e-3)


@pytest.mark.filterwarnings("ignore:ObsPy can not map unit", "ignore:The unit")
@pytest.mark.parametrize(
    ("units", "with_stages"),
    [("PA", False), ("PA", True), ("V", True), ("rad/s", True), ("m3/s", False), ("M/M", True), ("", False)],
)
def test_other_units_give_no_local_magnitude(units, with_stages) -> None:
    found, reason = displacement_response(response_per(units, with_stages))
    assert found is None and ("no input units" in reason if not units else units in reason)


def inventory_of_units(units: str, codes=("HHE", "HHN", "HHZ"), value: float = 2.0):
    obspy()
    from obspy.core.inventory import Channel, InstrumentSensitivity, Inventory, Network, Response, Station

    stated = Response(instrument_sensitivity=InstrumentSensitivity(value, 5.0, units, "COUNTS"))
    channels = [Channel(code, "", 1.0, 2.0, 0.0, 0.0, response=stated) for code in codes]
    return Inventory([Network("A", [Station("B", 1.0, 2.0, 0.0, channels=channels)])])


def test_a_recording_carries_its_responses_and_an_unusable_one_is_named() -> None:
    counts = recording(2e9 * np.gradient(3e-6 * wavelet(), 1 / RATE), "counts")
    set_inventory(counts, inventory_of_units("NM/S"))
    found = measured(counts)
    flat = measured(recording(np.gradient(3e-6 * wavelet(), 1 / RATE), "m/s"))
    assert found.is_ground_motion and found.value == pytest.approx(flat.value, rel=1e-3)
    meter = AmplitudeMeter(counts, inventory_of_units("PA"))
    relative = meter.measure(P_TIME, S_TIME, "A.B.")
    assert relative is not None and not relative.is_ground_motion
    assert meter.unusable["A.B..HHE"] == "its response is per PA"


def test_of_two_sensors_the_picked_one_is_measured_or_the_other_if_it_is_clipped() -> None:
    motion = 3e-6 * wavelet()
    clipped = np.clip(motion, -1e-6, 1e-6)
    ids = [f"A.B..{band}{letter}" for band in ("HH", "HN") for letter in "ENZ"]
    for first in (motion, clipped):
        noise = 1e-12 * np.random.default_rng(0).standard_normal((6, len(motion)))
        samples = np.stack([first] * 3 + [0.5 * motion] * 3) + noise * (first is motion)
        record = recording_from_array(samples, RATE, BEGIN, seed_id=ids, units="m")
        meter = AmplitudeMeter(record)
        of_band = {
            band: meter.measure(P_TIME, S_TIME, "A.B.", {f"A.B..{band}Z"}).seed_id[5:7]
            for band in ("HH", "HN")
        }
        assert of_band == ({"HH": "HH", "HN": "HN"} if first is motion else {"HH": "HN", "HN": "HN"})


def test_a_hydrophone_gives_no_amplitude() -> None:
    record = recording_from_array(1e-6 * wavelet(), RATE, BEGIN, seed_id=["A.B..HDH"], units="m")
    assert AmplitudeMeter(record).measure(P_TIME, S_TIME, "A.B.") is None


def test_local_magnitude_follows_the_standard() -> None:
    # A Wood-Anderson record of 1 mm at gain 2080 and 100 km is, by definition, of magnitude 3.
    amplitude = Amplitude("A.B.", "A.B..HHE", 1e6 / 2080, True)
    found = local_magnitude([amplitude], {"A.B.": 100.0})
    assert found is not None and found.type == "ML" and found.value == pytest.approx(3.0, abs=0.02)
    assert local_magnitude([amplitude], {}) is None


def test_relative_magnitudes_preserve_differences_and_remove_gains() -> None:
    rng = np.random.default_rng(1)
    truth, gains = rng.uniform(-1, 2, 12), {f"A.S{k}.": rng.uniform(0, 6) for k in range(6)}
    distances = [{name: float(rng.uniform(5, 60)) for name in gains} for _ in truth]
    amplitudes = []
    for magnitude, distance in zip(truth, distances, strict=True):
        seen = [name for name in gains if rng.random() < 0.8]
        logs = [
            magnitude - float(distance_correction(distance[n])) + gains[n] + rng.normal(0, 0.05) for n in seen
        ]
        amplitudes.append(
            [Amplitude(n, f"{n}.HHE", 10**log, False) for n, log in zip(seen, logs, strict=True)]
        )
    found = relative_magnitudes(amplitudes, distances)
    values = np.array([m.value for m in found])
    assert {m.type for m in found} == {"Mrel"} and np.median(values) == pytest.approx(0, abs=1e-9)
    assert np.allclose(values - values.mean(), truth - truth.mean(), atol=0.12)
    assert all(0 < m.error < 0.2 for m in found)


def test_unusable_windows_have_no_amplitude() -> None:
    good = 1e-6 * wavelet()
    gap, clipped = good.copy(), np.clip(good, -2e-7, 2e-7)
    gap[2500] = np.nan
    noise = np.random.default_rng(0).standard_normal(4000)
    for samples in (gap, clipped, noise, np.zeros(4000)):
        record = recording_from_array(samples, RATE, BEGIN, seed_id=["A.B..HHE"], units="m")
        assert AmplitudeMeter(record).measure(P_TIME, S_TIME, "A.B.") is None
    assert AmplitudeMeter(recording(good, "m")).measure(P_TIME, S_TIME, "A.ELSE.") is None
    assert (
        AmplitudeMeter(recording(good, "m")).measure(S_TIME + np.timedelta64(60, "s"), S_TIME, "A.B.") is None
    )


def test_a_missing_phase_follows_from_the_origin_time() -> None:
    picks = [
        Pick("A.B..HHZ", "P", BEGIN + np.timedelta64(10, "s"), 1.0, 0.1),
        Pick("A.B..HHN", "S", BEGIN + np.timedelta64(17, "s"), 1.0, 0.1),
        Pick("A.C..HHZ", "P", BEGIN + np.timedelta64(12, "s"), 1.0, 0.1),
    ]
    times = arrival_times(picks, 1.7)  # origin at 0 s
    assert abs(times["A.C."][1] - BEGIN - np.timedelta64(20_400, "ms")) < np.timedelta64(5, "ms")
