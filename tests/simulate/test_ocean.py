"""Ocean waves: dispersion relation, both directions, variance and slices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfseis.simulate.ocean import GRAVITY, OceanWaves, gravity_wavenumber, ocean_waves

POSITIONS = np.arange(256) * 5.0
WAVES = OceanWaves(1, 2.0)


@given(frequency=st.floats(0.01, 1.0), depth=st.floats(1.0, 5000.0))
def test_wavenumber_solves_the_dispersion_relation(frequency, depth) -> None:
    k = gravity_wavenumber(frequency, depth)
    assert GRAVITY * k * np.tanh(k * depth) == pytest.approx((2 * np.pi * frequency) ** 2, rel=1e-9)


def test_shallow_and_deep_limits() -> None:
    speed = 2 * np.pi * 0.001 / gravity_wavenumber(0.001, 10.0)
    assert speed == pytest.approx(np.sqrt(GRAVITY * 10), rel=1e-3)
    assert gravity_wavenumber(0.5, 5000.0) == pytest.approx((np.pi) ** 2 / GRAVITY, rel=1e-9)


def test_energy_lies_on_the_dispersion_curve_and_mostly_forward() -> None:
    waves = WAVES.read(POSITIONS, 0, 1200)
    spectrum = np.abs(np.fft.fft2(waves * np.outer(np.hanning(256), np.hanning(1200)))) ** 2
    wavenumbers = 2 * np.pi * np.fft.fftfreq(256, 5.0)
    frequencies = np.fft.fftfreq(1200, 0.5)
    forward = backward = 0.0
    for column in np.flatnonzero((frequencies > 0.06) & (frequencies < 0.25)):
        expected = gravity_wavenumber(frequencies[column], WAVES.depth)
        width = 4 * 2 * np.pi / (256 * 5.0)
        # cos(omega t - k x) has its energy at frequencies and wavenumbers of opposite sign
        forward += spectrum[np.abs(wavenumbers + expected) < width, column].sum()
        backward += spectrum[np.abs(wavenumbers - expected) < width, column].sum()
    inside = (np.abs(frequencies) > 0.06) & (np.abs(frequencies) < 0.25)
    assert 2 * (forward + backward) / spectrum[:, inside].sum() > 0.9
    assert forward > backward > 0.02 * forward


def test_variance_is_one_through_changes_of_sea() -> None:
    rate = 1.0
    powers = []
    for seed in range(30):
        waves = OceanWaves(seed, rate).read([0.0, 300.0], 0, 1800)
        powers.append(waves.var())
    assert np.mean(powers) == pytest.approx(1, abs=0.1)


@settings(max_examples=20, deadline=None)
@given(first=st.integers(0, 2999), length=st.integers(1, 2000))
def test_a_slice_equals_the_slice_of_the_whole(first, length) -> None:
    whole = WAVES.read(POSITIONS[:8], 0, 3000)
    last = min(first + length, 3000)
    np.testing.assert_allclose(
        WAVES.read(POSITIONS[[5, 2]], first, last), whole[[5, 2], first:last], atol=2e-5
    )


def test_waves_change_from_sea_to_sea() -> None:
    early = WAVES.read([0.0], 0, 1000)[0]
    late_sample = int(6 * WAVES.sea_seconds)
    late = WAVES.read([0.0], late_sample, late_sample + 1000)[0]
    assert abs(np.corrcoef(early, late)[0, 1]) < 0.5


def test_ocean_waves_is_deterministic_by_seed() -> None:
    np.testing.assert_array_equal(ocean_waves([0, 10.0], 500, 2.0, 3), ocean_waves([0, 10.0], 500, 2.0, 3))


def test_a_sea_of_one_wave_is_a_sinusoid() -> None:
    wave = OceanWaves(3, 2.0, waves_per_sea=1, sea_seconds=1e6).read([0.0], 0, 1000)[0]
    power = np.abs(np.fft.rfft(wave * np.hanning(1000))) ** 2
    peak = int(power.argmax())
    assert power[max(0, peak - 4) : peak + 5].sum() > 0.99 * power.sum()
