"""Scanners: independence of tiles and units, and insensitivity to incoherent bursts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from selfseis.detect.coincidence_scanner import CoincidenceScanner
from selfseis.detect.line_geometry import LineGeometry
from selfseis.detect.options import ThresholdOptions
from selfseis.detect.slant_stack_scanner import PredictabilityScanner, _coherence
from selfseis.detect.sta_lta import energy_ratio, sta_lta
from selfseis.detect.stack_scanner import StackScanner
from selfseis.detect.trigger_scanner import TriggerScanner
from selfseis.recording import recording_from_array, station_codes
from selfseis.recording.coverage import set_coverage
from selfseis.recording.preprocessing import Conditioner
from selfseis.simulate import band_limited_noise

RATE = 50.0
BAND = (2.5, 20.0)
HOP = 32
N_SAMPLES = 6400


def fibre(data: np.ndarray) -> xr.DataArray:
    return recording_from_array(data.astype(np.float32), RATE, distance=10.0 * np.arange(len(data)))


def network(data: np.ndarray) -> xr.DataArray:
    codes = [f"XX.S{i // 3:02d}.00.BH{'ENZ'[i % 3]}" for i in range(len(data))]
    return recording_from_array(data.astype(np.float32), RATE, seed_id=codes)


def noise(n_channels: int, seed: int, n_samples: int = N_SAMPLES) -> np.ndarray:
    return band_limited_noise(n_channels, n_samples, RATE, BAND, seed)


def with_wave(data: np.ndarray, first: int, amplitude: float, slowness: float = 1.5) -> np.ndarray:
    """Add a wavelet train of two hops that crosses the channels."""
    shape = band_limited_noise(1, 4 * HOP, RATE, BAND, 5)[0] * np.hanning(4 * HOP)
    result = data.copy()
    for channel, row in enumerate(result):
        start = first + round(slowness * channel)
        row[start : start + 4 * HOP] += amplitude * shape
    return result


def line_scanner(recording: xr.DataArray) -> PredictabilityScanner:
    conditioner = Conditioner.measure(recording, BAND)
    return PredictabilityScanner.measure(recording, conditioner, 0, 3.0, 4 * HOP // 2, 0)


def scanner_of(kind: str, recording: xr.DataArray):
    conditioner = Conditioner.measure(recording, BAND)
    if kind == "line":
        return line_scanner(recording)
    if kind in ("channels", "envelopes"):
        return StackScanner(conditioner, kind, HOP)
    scanner = TriggerScanner if kind == "trigger" else CoincidenceScanner
    return scanner(conditioner, station_codes(recording), 4, HOP)


def in_tiles(scanner, tile_values: int):
    """Return a scanner whose tiles hold so many samples."""
    return replace(scanner, options=scanner.options.with_options(tile_values=tile_values))


KINDS = ["line", "channels", "envelopes", "energy ratio", "trigger"]


def recording_for(kind: str, data: np.ndarray) -> xr.DataArray:
    return fibre(data) if kind in ("line", "channels", "envelopes") else network(data)


@pytest.mark.parametrize("kind", KINDS)
def test_scores_do_not_depend_on_tiles(kind) -> None:
    data = with_wave(noise(18, 1), 3000, 2.0)
    data[4, 1000:1300] = np.nan
    data[:, 5000:5200] = np.nan
    recording = recording_for(kind, data)
    scanner = scanner_of(kind, recording)
    whole = scanner.scan(recording, n_surrogates=0, seed=0)
    tiled = in_tiles(scanner, 18 * 64 * HOP // 2).scan(recording, n_surrogates=0, seed=0)
    np.testing.assert_array_equal(tiled.first, whole.first)
    np.testing.assert_allclose(tiled.score, whole.score, atol=2e-3)
    np.testing.assert_array_equal(whole.first, HOP * np.arange(N_SAMPLES // HOP))
    assert np.isnan(whole.score[5050 // HOP]) and np.isfinite(whole.score[1100 // HOP])


@pytest.mark.parametrize("kind", KINDS)
def test_scores_do_not_depend_on_units(kind) -> None:
    data = with_wave(noise(18, 2), 3000, 1.0)
    scores = [
        scanner_of(kind, recording_for(kind, d)).scan(recording_for(kind, d), n_surrogates=0, seed=0).score
        for d in (data, 1e-9 * data, 1e6 * data + 1e6)
    ]
    np.testing.assert_allclose(scores[1], scores[0], atol=0.02)
    np.testing.assert_allclose(scores[2], scores[0], atol=0.02)


@pytest.mark.parametrize("kind", ["line", "channels"])
def test_covered_stretches_are_scored_independently(kind) -> None:
    data = np.full((18, 100 * HOP * 4), np.nan)
    pieces = [(10 * HOP, 60 * HOP), (250 * HOP + 5, 390 * HOP)]
    for seed, (first, last) in enumerate(pieces):
        data[:, first:last] = noise(18, seed, last - first)
    recording = fibre(data)
    scanner = in_tiles(scanner_of(kind, recording), 1)
    plain = scanner.scan(recording, n_surrogates=0, seed=0)
    ends = np.array(pieces).T * 20_000_000
    set_coverage(recording, ends[0], ends[1] - 20_000_000)
    covered = scanner.scan(recording, n_surrogates=0, seed=0)
    assert len(covered.score) < len(plain.score) and np.isnan(covered.score).any()
    known = np.isfinite(plain.score)
    np.testing.assert_array_equal(covered.first[np.isfinite(covered.score)], plain.first[known])
    np.testing.assert_allclose(covered.score[np.isfinite(covered.score)], plain.score[known], atol=2e-3)


def test_wave_is_found_and_incoherent_burst_is_not() -> None:
    wave = with_wave(np.zeros((36, N_SAMPLES)), 3000, 1.0)
    scores = {}
    for name in ("wave", "burst"):
        added = wave.copy()
        if name == "burst":
            rng = np.random.default_rng(3)
            gain = np.sqrt(np.square(wave).mean(axis=0) / np.square(wave).mean(axis=0).max())
            added = 3 * gain * rng.standard_normal(wave.shape)
        recording = fibre(noise(36, 4) + added)
        scanner = line_scanner(fibre(noise(36, 4)))
        scores[name] = scanner.scan(recording, n_surrogates=0, seed=0).score
    event = slice(2900 // HOP, 3300 // HOP)
    elsewhere = np.nanmax(np.delete(scores["wave"], np.r_[event]))
    assert np.nanmax(scores["wave"][event]) > 2 * elsewhere
    assert np.nanmax(scores["burst"][event]) < 1.5 * elsewhere


@pytest.mark.parametrize("guard", [1, 2, 3])
def test_signals_shared_only_within_the_guard_do_not_count(guard) -> None:
    white = np.random.default_rng(2).standard_normal((14, N_SAMPLES)).astype(np.float32)
    neighbours_share = np.sum([white[i : i + 10] for i in range(guard + 1)], axis=0)
    everyone_shares = white[1:11] + white[:1]
    assert abs(_coherence(neighbours_share, guard, HOP).mean()) < 0.1
    assert _coherence(neighbours_share, guard - 1, HOP).mean() > 0.3
    assert _coherence(everyone_shares, guard, HOP).mean() > 1


def test_common_mode_of_all_channels_is_removed() -> None:
    laser = band_limited_noise(1, N_SAMPLES, RATE, BAND, 9)
    scanner = line_scanner(fibre(noise(36, 4) + 0.5 * laser))
    assert scanner.common_mode and not line_scanner(fibre(noise(36, 4))).common_mode
    loud = noise(36, 4) + 0.5 * laser
    loud[:, 3000:3200] += 3 * laser[:, 3000:3200]
    scan = scanner.scan(fibre(loud), n_surrogates=4, seed=0)
    assert np.nanmax(scan.score) < 1.3 * np.nanmax(scan.null)


def test_surrogates_of_noise_score_as_noise_does() -> None:
    recording = fibre(noise(24, 6, 20_000))
    scan = line_scanner(recording).scan(recording, n_surrogates=8, seed=0)
    inner = slice(10, -10)
    assert np.abs(np.median(scan.score[inner]) - np.median(scan.null[:, inner])) < 0.15
    assert scan.score[inner].std() == pytest.approx(scan.null[:, inner].std(), rel=0.15)
    assert np.abs(np.corrcoef(scan.null[:, inner]) - np.eye(8)).max() < 0.3


def test_surrogates_of_an_event_hold_no_event() -> None:
    recording = fibre(with_wave(noise(36, 7), 3000, 3.0))
    scan = line_scanner(recording).scan(recording, n_surrogates=8, seed=0)
    assert np.nanmax(scan.score) > 1.7 * np.nanmax(scan.null)
    again = line_scanner(recording).scan(recording, n_surrogates=8, seed=0)
    other = line_scanner(recording).scan(recording, n_surrogates=8, seed=1)
    np.testing.assert_array_equal(scan.null, again.null)
    assert (scan.null != other.null).any() and (scan.score == other.score).all()


def fit_scan(recording: xr.DataArray, n_surrogates: int = 40, **options):
    scanner = scanner_of("energy ratio", recording)
    threshold = ThresholdOptions(**options)
    return scanner.fit_scan(recording, n_surrogates=n_surrogates, seed=0, threshold=threshold)


def test_one_loud_station_is_not_a_coincidence() -> None:
    data = noise(12, 8)
    data[:3, 3000:3200] *= 8
    one, two = data.copy(), data.copy()
    two[3:6, 3020:3220] *= 8
    here = slice(2900 // HOP, 3400 // HOP)
    scans = [fit_scan(network(loud))[1] for loud in (one, two)]
    highest = np.nanmax(scans[0].null)
    assert np.nanmax(scans[0].score[here]) < highest < np.nanmax(scans[1].score[here])
    assert [scan.n_channels[here].max() for scan in scans] == [3, 6]


def test_surrogates_keep_lasting_correlation_between_stations() -> None:
    """Storms at all stations cause coincidences, which surrogates of shifted stations would underestimate."""
    n_samples = 32 * N_SAMPLES
    storm = 1 + np.repeat(np.random.default_rng(1).exponential(1.0, n_samples // 200), 200)
    highest = {}
    for name, data in {"storms": noise(12, 9, n_samples) * storm, "calm": noise(12, 9, n_samples)}.items():
        scan = scanner_of("energy ratio", network(data)).scan(network(data), n_surrogates=5, seed=0)
        highest[name] = np.nanquantile(scan.null, 0.99)
        assert np.nanquantile(scan.score, 0.99) == pytest.approx(highest[name], rel=0.15)
    assert highest["storms"] > 2 * highest["calm"]


def test_events_are_cut_out_of_the_surrogates() -> None:
    """With events in a third of the record, shifted events would coincide; without them the null is that of noise."""
    data = noise(12, 10, 8 * N_SAMPLES)
    loud = data.copy()
    for first in range(1500, 8 * N_SAMPLES - 500, 3000):
        loud[:, first : first + 300] *= 6
    scans = {name: fit_scan(network(d), 200) for name, d in {"quiet": data, "events": loud}.items()}
    assert scans["quiet"][2].masked_share < 0.02
    assert 0.1 < scans["events"][2].masked_share < 0.5
    centres = {name: scanner.standardiser.centre for name, (scanner, *_) in scans.items()}
    np.testing.assert_allclose(centres["events"], centres["quiet"], atol=0.1)
    scan, null = scans["events"][1:]
    threshold = null.false_alarm_rate.threshold(24.0)
    found = {int(scan.first[top]) // 3000 for top in np.flatnonzero(scan.score >= threshold)}
    assert len(found) >= 16


def test_a_record_full_of_events_has_no_calibrated_null() -> None:
    data = noise(12, 11)
    for first in range(1500, N_SAMPLES, 500):
        data[:, first : first + 300] *= 20
    assert fit_scan(network(data), max_masked=0.05)[2].is_full_of_events


def test_the_baseline_fires_where_the_coincidence_trigger_of_obspy_does() -> None:
    import obspy
    from obspy.signal.trigger import coincidence_trigger

    data = noise(12, 12)
    for first, n_channels in ((2000, 6), (4000, 3), (5000, 12)):
        data[:n_channels, first : first + 200] *= 6
    recording = network(data)
    scanner = replace(scanner_of("trigger", recording), reach=0)
    score = scanner.scan(recording, n_surrogates=0, seed=0).score
    conditioned, _ = scanner.conditioner(recording.values)
    long = scanner.options.long_windows * HOP
    stream = obspy.Stream(
        obspy.Trace(np.sqrt((rows**2).mean(axis=0)), {"station": str(number), "sampling_rate": RATE})
        for number, rows in enumerate(np.split(conditioned.astype(float), 4))
    )
    for threshold in (2.0, 3.0, 5.0):
        found = coincidence_trigger(
            "recstalta", threshold, threshold, stream.copy(), 2, sta=scanner.window / RATE, lta=long / RATE
        )
        on = np.zeros(len(score), bool)
        for trigger in found:
            first, last = (round(t * RATE / HOP) for t in (trigger["time"].timestamp, trigger["duration"]))
            on[first - 1 : first + last + 2] = True
            assert (score[first - 1 : first + last + 2] >= np.log(threshold)).any()
        assert found and on[score >= np.log(threshold)].all()


@pytest.mark.parametrize("ratio", [energy_ratio, sta_lta])
def test_energy_ratios_of_known_steps(ratio) -> None:
    energy = np.ones((2, 400))
    energy[0, 200:204] = 50.0
    energy[1] = 1e-12 * (1 + np.arange(400) % 2)
    energy[1, 300] = np.nan
    found = ratio(energy, 40)
    assert found[0, 200] == pytest.approx(np.log(50.0), abs=0.01)
    assert np.abs(found[0, 100:199]).max() < 1e-6
    assert np.isnan(found[1, 300]) and np.isfinite(found[1, 302])


@pytest.mark.parametrize("n_channels", [8, 9, 33, 129, 200, 255, 300, 1000])
@pytest.mark.parametrize("blind_zone", [0, 3, 20])
def test_geometry_covers_the_line_and_compares_only_beyond_the_zone(n_channels, blind_zone) -> None:
    geometry = LineGeometry.choose(n_channels, blind_zone, 2.0, 10.0, 512.0)
    width = geometry.block * geometry.per_segment
    assert geometry.per_segment >= 1
    assert geometry.guard >= 1 and geometry.guard * geometry.block >= blind_zone
    searched = [channel for segment in geometry.segments for channel in segment]
    assert len(searched) == len(set(searched)) and set(searched) <= set(range(n_channels))
    assert all(len(segment) == width for segment in geometry.segments)
    assert n_channels - len(searched) < len(geometry.segments) * geometry.block + 1
    np.testing.assert_allclose(geometry.slownesses, -geometry.slownesses[::-1])
    assert 0 in geometry.slownesses
