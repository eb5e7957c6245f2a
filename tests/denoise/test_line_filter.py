"""The blind filter on a line is the least-squares solution, and it is blind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from selfseis.denoise.line_filter import LineCovariance, LineRidge
from selfseis.denoise.options import RidgeOptions
from selfseis.validation import skill

RNG = np.random.default_rng(11)


def coloured(n_channels: int, n_samples: int, seed: int) -> np.ndarray:
    """Return random data that are correlated along the line and in time."""
    white = np.random.default_rng(seed).standard_normal((n_channels + 4, n_samples + 4))
    mixed = white[:-4, 4:] + 0.8 * white[1:-3, 3:-1] + 0.6 * white[2:-2, 2:-2] - 0.5 * white[4:, :-4]
    return mixed.astype(np.float32)


def plane_wave(n_channels: int, n_samples: int, slowness: int, seed: int) -> np.ndarray:
    """Return a white waveform that crosses the line at a whole number of samples per channel."""
    margin = abs(slowness) * n_channels
    source = np.random.default_rng(seed).standard_normal(n_samples + 2 * margin)
    rows = [source[margin - slowness * c : margin - slowness * c + n_samples] for c in range(n_channels)]
    return np.array(rows, np.float32)


def everywhere(data: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    yes = np.ones(data.shape, bool)
    return data, yes, yes


def test_covariance_is_the_mean_of_all_products() -> None:
    data = coloured(5, 40, 1)
    where = RNG.random(data.shape) < 0.8
    found = LineCovariance.measure(data, where, max_offset=6, max_lag=3)
    for offset in range(-6, 7):
        for lag in range(-3, 4):
            pairs = [
                data[c, t] * data[c + offset, t + lag]
                for c in range(5)
                for t in range(40)
                if 0 <= c + offset < 5 and 0 <= t + lag < 40 and where[c, t] and where[c + offset, t + lag]
            ]
            assert found.counts[offset + 6, lag + 3] == len(pairs)
            assert found.values[offset + 6, lag + 3] == pytest.approx(np.mean(pairs or [0]), abs=1e-5)


def brute_force(data: np.ndarray, ridge: LineRidge, channel: int) -> np.ndarray:
    """Predict one channel with weights from the covariance, entry by entry, and sample by sample."""
    n_channels, n_samples = data.shape
    offsets = [o for o in ridge.offsets if 0 <= channel + o < n_channels]
    lags = range(-ridge.max_lag, ridge.max_lag + 1)
    middle = 2 * (ridge.blind_zone + ridge.reach), 2 * ridge.max_lag
    terms = [(o, lag) for o in offsets for lag in lags]
    gram = np.array(
        [[ridge.covariance[middle[0] + o - p, middle[1] + k - m] for p, m in terms] for o, k in terms]
    )
    right = np.array([ridge.covariance[middle[0] + o, middle[1] + k] for o, k in terms])
    weights = np.linalg.solve(gram + ridge.strength * ridge.covariance[middle] * np.eye(len(terms)), right)
    prediction = np.zeros(n_samples)
    for (offset, lag), weight in zip(terms, weights, strict=True):
        for t in range(max(0, -lag), min(n_samples, n_samples - lag)):
            prediction[t] += weight * data[channel + offset, t + lag]
    return prediction


@pytest.mark.parametrize("blind_zone", [0, 1])
def test_prediction_equals_brute_force_also_at_the_ends(blind_zone) -> None:
    data = coloured(9, 300, 2)
    ridge = LineRidge.fit([everywhere(data)], blind_zone, reach=2, max_lag=2)
    predicted = ridge.predict(data, np.ones(9, bool))
    for channel in range(9):
        np.testing.assert_allclose(predicted[channel], brute_force(data, ridge, channel), atol=1e-4)


def test_weights_are_those_of_least_squares_on_a_long_record() -> None:
    data = coloured(12, 60_000, 3)
    ridge = LineRidge.fit([everywhere(data)], 0, reach=1, max_lag=1)
    lags, offsets = (-1, 0, 1), (-1, 1)
    columns = [
        np.concatenate([np.roll(data[c + o], -lag)[5:-5] for c in range(1, 11)])
        for o in offsets
        for lag in lags
    ]
    target = np.concatenate([data[c, 5:-5] for c in range(1, 11)])
    expected = np.linalg.lstsq(np.array(columns).T, target, rcond=None)[0].reshape(2, 3)
    np.testing.assert_allclose(ridge.weights(ridge.offsets), expected, atol=0.01)


@pytest.mark.parametrize("slowness", [-1, 0, 2])
def test_a_plane_wave_in_white_noise_is_recovered_with_the_skill_of_a_wiener_filter(slowness) -> None:
    """Twelve copies of a white signal with independent noise: the best prediction explains n s^2/(1 + n s)."""
    signal = plane_wave(30, 20_000, slowness, 5)
    data = signal + RNG.standard_normal(signal.shape).astype(np.float32)
    half = np.broadcast_to(np.arange(20_000) < 10_000, data.shape)
    ridge = LineRidge.fit([(data, half, half)], 0, reach=6, max_lag=12)
    predicted = ridge.predict(data, np.ones(30, bool))
    inner, later = slice(6, -6), slice(10_100, -100)
    wiener = 12 / 13
    assert skill(signal[inner, later], predicted[inner, later]) == pytest.approx(wiener, abs=0.012)
    assert skill(data[inner, later], predicted[inner, later]) == pytest.approx(wiener / 2, abs=0.015)


def test_a_weak_wave_needs_stronger_regularisation() -> None:
    signal = plane_wave(20, 3000, 1, 6)
    noise = RNG.standard_normal(signal.shape).astype(np.float32)
    early = np.broadcast_to(np.arange(3000) < 1000, signal.shape)
    clear, faint = (
        LineRidge.fit([(a * signal + noise, early, ~early)], 0, reach=6, max_lag=8) for a in (3.0, 0.1)
    )
    assert faint.strength > clear.strength


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 3), st.integers(0, 13), st.integers(0, 2**31))
def test_data_in_the_zone_never_change_the_prediction(blind_zone, channel, seed) -> None:
    data = coloured(14, 200, 7)
    ridge = LineRidge.fit([everywhere(data)], blind_zone, reach=3, max_lag=2)
    other = data.copy()
    zone = slice(max(0, channel - blind_zone), channel + blind_zone + 1)
    other[zone] = 100 * np.random.default_rng(seed).standard_normal(other[zone].shape)
    live = np.ones(14, bool)
    before, after = ridge.predict(data, live)[channel], ridge.predict(other, live)[channel]
    # One FFT over the whole line spreads rounding, and nothing else, of what is 100 times as loud.
    np.testing.assert_allclose(after, before, atol=1e-4)
    beyond = data.copy()
    beyond[min(13, channel + blind_zone + 1)] += 1
    beyond[max(0, channel - blind_zone - 1)] += 1
    assert np.abs(ridge.predict(beyond, live)[channel] - before).max() > 1e-3


def test_the_kernel_is_exactly_zero_in_the_zone() -> None:
    data = coloured(14, 200, 7)
    ridge = LineRidge.fit([everywhere(data)], 2, reach=3, max_lag=2)
    impulse = np.zeros((14, 41), np.float32)
    impulse[7, 20] = 1
    response = np.abs(ridge.predict(impulse, np.ones(14, bool))).max(axis=1)
    assert response[5:10].max() < 1e-7 and response[[3, 4, 10, 11]].min() > 1e-3 and response[0] < 1e-7


def test_reversing_the_line_reverses_the_prediction() -> None:
    data = coloured(16, 500, 8)
    live = np.ones(16, bool)
    forward = LineRidge.fit([everywhere(data)], 1, reach=3, max_lag=3)
    backward = LineRidge.fit([everywhere(data[::-1])], 1, reach=3, max_lag=3)
    np.testing.assert_allclose(
        backward.predict(data[::-1], live)[::-1], forward.predict(data, live), atol=1e-4
    )


def test_dead_channels_are_not_used_and_are_predicted() -> None:
    signal = plane_wave(20, 4000, 1, 9)
    data = signal + 0.5 * RNG.standard_normal(signal.shape).astype(np.float32)
    data[[8, 9]] = 0
    live = np.ones(20, bool)
    live[[8, 9]] = False
    where = np.broadcast_to(live[:, None], data.shape)
    ridge = LineRidge.fit([(data, where, where)], 0, reach=4, max_lag=6)
    predicted = ridge.predict(data, live)
    assert skill(signal[8:10], predicted[8:10]) > 0.85
    assert skill(signal[7], predicted[7]) > skill(signal[7], ridge.predict(data, np.ones(20, bool))[7])


def test_without_live_neighbours_nothing_is_predicted() -> None:
    data = coloured(6, 100, 10)
    ridge = LineRidge.fit([everywhere(data)], 1, reach=2, max_lag=1)
    assert (ridge.predict(data, np.zeros(6, bool)) == 0).all()
    assert (ridge.predict(data[:2], np.ones(2, bool)) == 0).all()


def test_masked_samples_have_no_effect() -> None:
    data = coloured(12, 2000, 11)
    where = np.ones(data.shape, bool)
    where[:, 500:900] = False
    where[3] = False
    spoilt = np.where(where, data, 1e3)
    clean, masked = (LineRidge.fit([(d, where, where)], 0, reach=2, max_lag=2) for d in (data, spoilt))
    np.testing.assert_allclose(masked.covariance, clean.covariance, atol=1e-6)
    assert masked.strength == clean.strength


def test_the_regularisation_suits_new_data_despite_gaps() -> None:
    rng = np.random.default_rng(0)
    signal = gaussian_filter(rng.standard_normal((100, 6000)), (5, 50))
    signal -= gaussian_filter(signal, (0, 200))
    signal /= signal.std()
    data = (signal + rng.permutation(signal)).astype(np.float32)
    patches = np.repeat(np.arange(30) % 5, 100)
    train, validation = (np.tile(mask, (100, 1)) for mask in (patches < 3, patches == 3))
    ridge = LineRidge.fit([(data[:, :3000], train, validation)], 0)
    strengths = RidgeOptions().strengths
    predictions = (replace(ridge, strength=s).predict(data[:, 3000:], np.ones(100, bool)) for s in strengths)
    errors = [float(np.mean((guess - signal[:, 3000:]) ** 2)) for guess in predictions]
    assert errors[0] > 1  # which the quadratic form of that covariance likes best
    assert errors[strengths.index(ridge.strength)] < 1.1 * min(errors)


def test_spans_add_up() -> None:
    data = coloured(10, 1000, 12)
    ridge = LineRidge.fit([everywhere(data[:, :400]), everywhere(data[:, 400:])], 0, reach=2, max_lag=1)
    whole = LineRidge.fit([everywhere(data)], 0, reach=2, max_lag=1)
    np.testing.assert_allclose(ridge.covariance, whole.covariance, atol=0.02)


def test_no_span_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one span"):
        LineRidge.fit([], 0)
