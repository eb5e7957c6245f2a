"""Noise: spectrum, correlation, bursts and slices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfseis.simulate import amplify, band_limited_noise, bursts, common_mode, dead_channels
from selfseis.simulate.noise import Burst
from selfseis.simulate.stream import NoiseStream

RATE = 50.0
BAND = (2.0, 10.0)
STREAM = NoiseStream(7, RATE, BAND, correlation_length=4)
WHOLE = STREAM.read(np.arange(6), 0, 12_000)


def power_spectrum(noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    segments = noise.reshape(noise.shape[0], -1, 1000) * np.hanning(1000)
    power = np.mean(np.abs(np.fft.rfft(segments)) ** 2, axis=(0, 1))
    return np.fft.rfftfreq(1000, 1 / RATE), power


def test_noise_has_unit_variance_zero_mean_and_gaussian_kurtosis() -> None:
    noise = band_limited_noise(8, 40_000, RATE, BAND, seed=1)
    assert noise.dtype == np.float32 and noise.shape == (8, 40_000)
    assert noise.std() == pytest.approx(1, abs=0.01)
    assert noise.mean() == pytest.approx(0, abs=0.005)
    assert np.mean(noise**4) == pytest.approx(3, abs=0.1)


def test_power_is_flat_in_the_band_and_absent_outside() -> None:
    frequencies, power = power_spectrum(band_limited_noise(8, 40_000, RATE, BAND, seed=2))
    inside = power[(frequencies > 3) & (frequencies < 9)]
    outside = power[(frequencies < 1) | (frequencies > 12)]
    assert inside.std() / inside.mean() < 0.15
    assert outside.max() < 1e-3 * inside.mean()


def test_coloured_noise_falls_with_its_exponent() -> None:
    frequencies, power = power_spectrum(band_limited_noise(8, 40_000, RATE, BAND, seed=3, colour=2.0))
    inside = (frequencies > 3) & (frequencies < 9)
    slope = np.polyfit(np.log(frequencies[inside]), np.log(power[inside]), 1)[0]
    assert slope == pytest.approx(-2, abs=0.15)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("gauge", lambda lag: np.maximum(0, 1 - lag / 5)),
        ("gaussian", lambda lag: np.exp(-((lag / 5) ** 2))),
    ],
)
def test_correlation_across_channels_is_the_analytic_one(shape, expected) -> None:
    noise = band_limited_noise(
        40, 40_000, RATE, BAND, seed=4, correlation_length=5, correlation_shape=shape
    ).astype(float)
    lags = np.arange(12)
    measured = [np.mean(noise[: 40 - lag] * noise[lag:]) for lag in lags]
    np.testing.assert_allclose(measured, expected(lags), atol=0.03)


def test_components_of_a_station_are_independent_when_neighbouring_stations_are_not() -> None:
    noise = NoiseStream(5, RATE, BAND, correlation_length=2, stride=3).read(np.arange(9), 0, 30_000)
    correlation = np.corrcoef(noise)
    assert abs(correlation[0, 1]) < 0.03
    assert correlation[0, 3] == pytest.approx(0.5, abs=0.03)
    assert abs(correlation[0, 6]) < 0.03


@settings(max_examples=40, deadline=None)
@given(
    first=st.integers(0, 11_999),
    length=st.integers(1, 9000),
    channels=st.lists(st.integers(0, 5), min_size=1, max_size=6),
)
def test_a_slice_equals_the_slice_of_the_whole(first, length, channels) -> None:
    last = min(first + length, 12_000)
    np.testing.assert_array_equal(STREAM.read(channels, first, last), WHOLE[channels, first:last])


def test_there_are_no_seams_where_blocks_meet() -> None:
    noise = NoiseStream(8, RATE, (0.5, 3.0)).read(np.arange(20), 0, 20_000)
    steps = np.std(np.diff(noise), axis=0)
    assert steps.max() < 1.9 * np.median(steps)


def test_noise_is_deterministic_by_seed() -> None:
    first, again, other = (band_limited_noise(2, 5000, RATE, BAND, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert abs(np.corrcoef(first[0], other[0])[0, 1]) < 0.1


@pytest.mark.parametrize("band", [(5.0, 2.0), (-1.0, 2.0), (1.0, 26.0)])
def test_an_impossible_band_is_refused(band) -> None:
    with pytest.raises(ValueError, match="band must obey"):
        band_limited_noise(1, 100, RATE, band, seed=0)


def test_common_mode_is_independent_of_the_channels_own_noise() -> None:
    laser = common_mode(30_000, RATE, BAND, seed=7)
    assert laser.std() == pytest.approx(1, abs=0.03)
    own = band_limited_noise(1, 30_000, RATE, BAND, seed=7)[0]
    assert abs(np.mean(own * laser)) < 0.03


def test_bursts_are_poisson_in_number() -> None:
    per_hour = [len(bursts(3600 * hour, 3600 * (hour + 1), 30, 12.0, seed=1)) for hour in range(300)]
    assert np.mean(per_hour) == pytest.approx(12, abs=4 * np.sqrt(12 / 300))
    assert np.var(per_hour) / np.mean(per_hour) == pytest.approx(1, abs=0.35)


@settings(max_examples=30, deadline=None)
@given(start=st.floats(0, 5000), length=st.floats(0, 3000))
def test_bursts_of_a_span_do_not_depend_on_the_span(start, length) -> None:
    everything = bursts(0, 10_000, 30, 60.0, seed=2)
    expected = [burst for burst in everything if start <= burst.start < start + length]
    assert bursts(start, start + length, 30, 60.0, seed=2) == expected


def test_bursts_reach_the_channels_of_their_kind() -> None:
    reaches = {
        kind: {
            burst.last_channel - burst.first_channel + 1
            for burst in bursts(0, 36_000, 60, 60.0, seed=3, reach=(kind,), channels_per_station=3)
        }
        for kind in ("all", "neighbours", "station")
    }
    assert reaches["all"] == {60}
    assert reaches["station"] == {3}
    assert min(reaches["neighbours"]) == 6 and max(reaches["neighbours"]) == 15


def test_a_burst_multiplies_the_noise_only_within_its_window() -> None:
    noise = np.ones((4, 1000), np.float32)
    louder = amplify(noise, [Burst(4.0, 2.0, 3.0, 1, 2)], 100.0)
    changed = louder != 1
    assert not changed[[0, 3]].any() and not changed[:, :400].any() and not changed[:, 600:].any()
    assert louder[1, 500] == pytest.approx(4.0)
    np.testing.assert_array_equal(amplify(noise[:, 450:700], [Burst(4.0, 2.0, 3.0, 1, 2)], 100.0, first=450),
                                  louder[:, 450:700])  # fmt: skip


def test_bursts_stay_incoherent_across_channels() -> None:
    noise = amplify(band_limited_noise(2, 20_000, RATE, BAND, seed=9), [Burst(0, 400, 8.0, 0, 1)], RATE)
    assert abs(np.corrcoef(noise)[0, 1]) < 0.05


def test_number_of_dead_channels_matches_the_fraction() -> None:
    dead = dead_channels(50, 0.2, seed=1)
    assert len(set(dead)) == 10 and dead.min() >= 0 and dead.max() < 50
    assert dead_channels(50, 0, seed=1).size == 0
    with pytest.raises(ValueError, match="0 to 1"):
        dead_channels(50, 1.2, seed=1)
