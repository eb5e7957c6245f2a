"""Conditioning: tiles equal the whole, units make no difference, and gaps are marked."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfseis.recording import recording_from_array, tiles
from selfseis.recording.coverage import set_coverage
from selfseis.recording.preprocessing import Conditioner, default_band, sample_spans
from selfseis.simulate import band_limited_noise

RATE = 100.0


def noise(n_channels: int = 4, n_samples: int = 4000, seed: int = 0) -> np.ndarray:
    return band_limited_noise(n_channels, n_samples, RATE, (3, 30), seed)


def fibre(data: np.ndarray):
    return recording_from_array(data, RATE, distance=10.0 * np.arange(len(data)))


@cache
def gappy():
    data = noise()
    data[0, 700:730] = np.nan
    data[1, 1500:2400] = np.nan
    data[2] = 7.0
    recording = fibre(data)
    conditioner = Conditioner.measure(recording, (2.0, 40.0))
    (whole,) = tiles(recording, 4000, conditioner.halo)
    conditioned, valid = conditioner(whole.data)
    return recording, conditioner, conditioned[:, whole.core], valid[:, whole.core]


@settings(max_examples=25, deadline=None)
@given(st.integers(50, 4000))
def test_tiles_equal_the_whole(core) -> None:
    recording, conditioner, whole, whole_valid = gappy()
    for tile in tiles(recording, core, conditioner.halo):
        conditioned, valid = conditioner(tile.data)
        here = slice(tile.first, tile.first + tile.n_core)
        np.testing.assert_array_equal(valid[:, tile.core], whole_valid[:, here])
        np.testing.assert_allclose(conditioned[:, tile.core], whole[:, here], atol=2e-4)


def test_gaps_stay_gaps_and_are_zero() -> None:
    recording, _, conditioned, valid = gappy()
    expected = np.isfinite(recording.values)
    expected[2] = False
    np.testing.assert_array_equal(valid, expected)
    assert (conditioned[~valid] == 0).all()


def test_a_constant_channel_is_dead_and_has_no_scale() -> None:
    _, conditioner, conditioned, valid = gappy()
    assert np.isnan(conditioner.scale).tolist() == [False, False, True, False]
    assert (conditioned[2] == 0).all() and not valid[2].any()


def test_a_channel_without_data_is_dead() -> None:
    data = noise()
    data[3] = np.nan
    assert np.isnan(Conditioner.measure(fibre(data)).scale).tolist() == [False, False, False, True]


def test_noise_of_any_amplitude_has_unit_level() -> None:
    data = noise() * np.array([[1e-3], [1.0], [50.0], [1e5]], np.float32)
    conditioner = Conditioner.measure(fibre(data))
    conditioned, _ = conditioner(data)
    np.testing.assert_allclose(1.4826 * np.median(np.abs(conditioned), axis=1), 1, rtol=0.02)
    np.testing.assert_allclose(conditioner.scale[1:] / conditioner.scale[:-1], [1e3, 50, 2e3], rtol=0.1)


@pytest.mark.parametrize(("factor", "offset"), [(1e-9, 0.0), (1e9, 0.0), (1e5, 1e6), (1e-9, 2e-8)])
def test_units_and_offsets_make_no_difference(factor, offset) -> None:
    data = noise()
    plain, _ = Conditioner.measure(fibre(data))(data)
    other = (data.astype(np.float64) * factor + offset).astype(np.float32)
    conditioned, valid = Conditioner.measure(fibre(other))(other)
    assert valid.all()
    np.testing.assert_allclose(conditioned, plain, atol=5e-3)


def test_only_the_band_passes() -> None:
    time = np.arange(8000) / RATE
    rows = [np.sin(2 * np.pi * f * time) for f in (0.2, 10.0, 45.0)]
    data = np.array(rows, np.float32)
    conditioner = Conditioner(RATE, (2.0, 30.0), np.zeros(3, np.float32), np.ones(3, np.float32))
    inner = conditioner(data)[0][:, 500:-500]
    rms = np.sqrt(2 * np.square(inner).mean(axis=1))
    assert rms[0] < 0.01 and rms[2] < 0.01
    np.testing.assert_allclose(inner[1], data[1, 500:-500], atol=0.01)  # zero phase


def test_restore_returns_the_original_units() -> None:
    data = 1e-7 * noise()
    conditioner = Conditioner.measure(fibre(data))
    conditioned, _ = conditioner(data)
    passed = Conditioner(RATE, conditioner.band, conditioner.offset, np.ones(4, np.float32))(data)[0]
    np.testing.assert_allclose(conditioner.restore(conditioned), passed, rtol=1e-4, atol=1e-12)


@pytest.mark.parametrize("band", [(0.0, 10.0), (5.0, 5.0), (10.0, 5.0), (1.0, 50.0), (1.0, 80.0)])
def test_impossible_bands_are_refused(band) -> None:
    with pytest.raises(ValueError, match=r"band .* Nyquist frequency, 50 Hz"):
        Conditioner.measure(fibre(noise()), band)


def test_the_default_band_follows_the_rate() -> None:
    assert default_band(100.0) == pytest.approx((1.0, 40.0))
    assert Conditioner.measure(fibre(noise())).band == pytest.approx((1.0, 40.0))


def test_a_selection_of_channels_keeps_their_levels() -> None:
    data = noise() * np.array([[1.0], [2.0], [3.0], [4.0]], np.float32)
    conditioner = Conditioner.measure(fibre(data))
    chosen = np.array([3, 1])
    part, _ = conditioner.for_channels(chosen)(data[chosen])
    np.testing.assert_allclose(part, conditioner(data)[0][chosen], atol=1e-6)


def test_sampled_spans_lie_where_there_are_data() -> None:
    data = np.full((2, 200_000), np.nan, np.float32)
    data[:, 30_000:50_000] = 1.0
    data[:, 120_000:170_000] = 2.0
    recording = fibre(data)
    ns = np.array([30_000, 120_000]) * 10_000_000, np.array([49_999, 169_999]) * 10_000_000
    set_coverage(recording, *ns)
    spans = sample_spans(recording, n_spans=4, length=5000)
    assert len(spans) == 4 and all(np.isfinite(span.data).all() for span in spans)
    everything = sample_spans(recording, n_spans=14, length=5000)
    assert sum(span.n_core for span in everything) == 70_000
