"""Simulated recordings: lazy reading, reproducible slices, and events that match their truth."""

from __future__ import annotations

import pickle
import time

import numpy as np
import pytest

from selfseis.recording import recording_from_array, sampling_rate, station_codes, tiles
from selfseis.simulate import default_band, simulate_noise_recording, simulate_recording_with_events
from selfseis.simulate.recordings import KINDS

RATE = 25.0


def small(kind="white", geometry="fibre", hours=0.2, n_channels=12, seed=3, **keywords):
    return simulate_noise_recording(
        kind, geometry, hours, RATE, n_channels, seed, components="ENZ", **keywords
    )


@pytest.mark.parametrize("geometry", ["fibre", "network"])
@pytest.mark.parametrize("kind", KINDS)
def test_tiles_and_slices_equal_the_whole(kind, geometry) -> None:
    recording = small(kind, geometry)
    whole = recording.values
    assert whole.shape == (12, 18_000) and whole.dtype == np.float32 and np.isfinite(whole).all()
    exact = {"atol": 1e-4 if kind == "ocean" else 0, "rtol": 0}
    in_tiles = np.concatenate([tile.data[:, tile.core] for tile in tiles(recording, 4321, 100)], axis=1)
    np.testing.assert_allclose(in_tiles, whole, **exact)
    part = recording.isel(channel=[7, 2], time=slice(9000, 12_345)).values
    np.testing.assert_allclose(part, whole[[7, 2], 9000:12_345], **exact)


def test_kinds_differ_in_correlation_across_channels() -> None:
    correlation = {kind: np.corrcoef(small(kind, hours=0.5).values)[0, [1, 4, 11]] for kind in KINDS}
    assert np.abs(correlation["white"]).max() < 0.05
    assert np.abs(correlation["bursty"]).max() < 0.05
    np.testing.assert_allclose(correlation["gauge"], [7 / 8, 4 / 8, 0], atol=0.05)
    np.testing.assert_allclose(correlation["common_mode"], 0.25 / 1.25, atol=0.05)
    assert correlation["ocean"][0] > 0.6


def test_bursty_noise_has_bursts() -> None:
    power = (
        np.square(small("bursty", hours=1.0, bursts_per_hour=30.0).values).reshape(12, -1, 50).mean(axis=2)
    )
    assert (power > 5).any(axis=0).sum() > 10
    assert (np.square(small("white", hours=1.0).values).reshape(12, -1, 50).mean(axis=2) > 5).sum() == 0


def test_dead_channels_record_zero() -> None:
    samples = small(n_channels=12, dead_fraction=0.25).values
    assert (np.abs(samples).max(axis=1) == 0).sum() == 3


def test_opening_a_huge_recording_is_instant_and_reading_a_part_is_cheap() -> None:
    begin = time.perf_counter()
    recording = simulate_noise_recording("gauge", "fibre", 1000.0, 1000.0, 5000, 1)
    assert recording.size > 1e13
    last = recording.isel(channel=slice(-2, None), time=slice(-1000, None)).values
    assert last.shape == (2, 1000) and last.std() == pytest.approx(1, abs=0.2)
    assert time.perf_counter() - begin < 5


def test_coordinates_are_those_of_a_fibre_or_a_network() -> None:
    fibre, network = small("gauge", channel_spacing=4.0, gauge_channels=5), small("white", "network")
    np.testing.assert_array_equal(fibre["distance"], 4.0 * np.arange(12))
    assert fibre.attrs["gauge_length"] == 20.0
    assert len(set(station_codes(network))) == 4
    assert list(network["component"].values[:3]) == ["E", "N", "Z"]
    assert np.ptp(network["latitude"].values) < 0.3


def test_impossible_recordings_are_refused() -> None:
    with pytest.raises(ValueError, match="kind must be one of"):
        small("pink")
    with pytest.raises(ValueError, match="whole number of stations"):
        small(geometry="network", n_channels=13)


def test_recordings_are_deterministic_by_seed_and_can_be_sent_to_workers() -> None:
    recording, again, other = small(seed=1), small(seed=1), small(seed=2)
    np.testing.assert_array_equal(recording.values, again.values)
    assert abs(np.corrcoef(recording.values[0], other.values[0])[0, 1]) < 0.05
    sent = pickle.loads(pickle.dumps(recording))
    np.testing.assert_array_equal(sent.values, recording.values)


@pytest.fixture(scope="module", params=["fibre", "network"])
def with_events(request):
    noise = small(geometry=request.param, hours=0.5, n_channels=24)
    recording, truth = simulate_recording_with_events(noise, (-6.0, 3.0), 4, seed=5)
    return noise, recording, truth


def test_events_have_the_ratio_and_position_of_their_truth(with_events) -> None:
    noise, recording, truth = with_events
    added = recording.values - noise.values
    assert [event.snr_db for event in truth] == [-6.0, 3.0, -6.0, 3.0]
    elsewhere = np.ones(added.shape[1], bool)
    for event in truth:
        span = slice(event.first_sample, event.first_sample + event.n_samples)
        elsewhere[span] = False
        seconds = np.arange(span.start, span.stop) / RATE
        times = (recording.time.values[span] - recording.time.values[0]) / np.timedelta64(1, "s")
        assert (event.start < event.end) and np.allclose(times, seconds, atol=1e-6)
        before = seconds < event.arrivals["P"][:, None] - 1.5
        assert np.abs(added[:, span][before]).max() < 0.05 * np.abs(added[:, span]).max()
        after_p = seconds >= event.arrivals["P"].min()
        ratio = np.mean(added[:, span][:, after_p] ** 2) / np.mean(noise.values[:, span] ** 2)
        # the window is longer than the active part, so that this is only about right
        assert 10 * np.log10(ratio) == pytest.approx(event.snr_db, abs=4.0)
    assert np.abs(added[:, elsewhere]).max() == 0


def test_events_read_in_tiles_equal_the_whole(with_events) -> None:
    _, recording, _ = with_events
    in_tiles = np.concatenate([tile.data[:, tile.core] for tile in tiles(recording, 3000, 50)], axis=1)
    np.testing.assert_array_equal(in_tiles, recording.values)
    np.testing.assert_array_equal(recording.isel(channel=[5, 1]).values, recording.values[[5, 1]])


def test_events_stay_in_the_band_of_the_noise() -> None:
    noise = small(hours=0.1, n_channels=8)
    recording, truth = simulate_recording_with_events(noise, 20.0, 1, seed=1)
    added = (recording.values - noise.values)[:, truth[0].first_sample :][:, : truth[0].n_samples]
    frequencies = np.fft.rfftfreq(added.shape[1], 1 / RATE)
    power = np.mean(np.abs(np.fft.rfft(added * np.hanning(added.shape[1]))) ** 2, axis=0)
    low, high = default_band(RATE)
    assert power[(frequencies < low / 2) | (frequencies > 1.1 * high)].sum() < 0.02 * power.sum()


def test_events_can_be_added_to_real_noise_with_gaps() -> None:
    samples = np.random.default_rng(0).standard_normal((10, 4000)).astype(np.float32)
    samples[3] = np.nan
    samples[:, :100] = np.nan
    noise = recording_from_array(samples, 50.0, distance=np.arange(10) * 10.0, units="strain/s")
    recording, truth = simulate_recording_with_events(noise, 10.0, 1, seed=2)
    np.testing.assert_array_equal(np.isnan(recording.values), np.isnan(samples))
    assert len(truth) == 1 and sampling_rate(recording) == 50.0


def test_too_many_events_and_unknown_places_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        simulate_recording_with_events(small(), 0.0, 500, seed=1)
    nowhere = recording_from_array(np.ones((3, 1000)), 50.0)
    with pytest.raises(ValueError, match="latitude"):
        simulate_recording_with_events(nowhere, 0.0, 1, seed=1)


def test_white_noise_streams_fast_enough() -> None:
    recording = simulate_noise_recording("white", "fibre", 1.0, 100.0, 20, 1)
    begin = time.process_time()
    size = sum(tile.data.size for tile in tiles(recording, 60_000))
    assert size / (time.process_time() - begin) > 3e6
