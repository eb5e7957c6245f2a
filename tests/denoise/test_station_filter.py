"""The blind filter of stations predicts each station from the others alone."""

from __future__ import annotations

import numpy as np
import pytest

from selfseis.denoise.options import RidgeOptions
from selfseis.denoise.station_filter import StationRidge, other_stations
from selfseis.validation import skill

GROUPS = np.repeat(["XX.A.", "XX.B.", "XX.C.", "XX.D."], 3)
LIVE = np.ones(12, bool)


def network(n_samples: int, seed: int, noise: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return one white signal at twelve channels with delays and gains of their own, without and with noise."""
    rng = np.random.default_rng(seed)
    source = rng.standard_normal(n_samples + 20)
    delays, gains = rng.integers(-3, 4, 12), rng.uniform(0.8, 1.2, 12) * rng.choice([-1, 1], 12)
    signal = np.array([g * source[10 + d : 10 + d + n_samples] for d, g in zip(delays, gains, strict=True)])
    return signal, (signal + noise * rng.standard_normal(signal.shape)).astype(np.float32)


def fitted(data: np.ndarray, max_lag: int = 7, where: np.ndarray | None = None) -> StationRidge:
    where = np.ones(data.shape, bool) if where is None else where
    return StationRidge.fit([(data, where, where)], other_stations(GROUPS, LIVE), max_lag=max_lag)


def test_weights_are_those_of_least_squares() -> None:
    _, data = network(40_000, 1)
    ridge = fitted(data, max_lag=1)
    others = other_stations(GROUPS, LIVE)[4]
    columns = [np.roll(data[j], -lag)[5:-5] for j in others for lag in (-1, 0, 1)]
    gram = np.array(columns, np.float64) @ np.array(columns, np.float64).T
    right = np.array(columns, np.float64) @ data[4, 5:-5]
    expected = np.linalg.solve(gram + ridge.strength * np.trace(gram) / len(gram) * np.eye(len(gram)), right)
    np.testing.assert_allclose(ridge.weights[4, others].ravel(), expected, atol=0.01)


def test_a_common_signal_is_recovered_with_the_skill_of_a_wiener_filter() -> None:
    signal, data = network(30_000, 2)
    predicted = fitted(data[:, :20_000]).predict(data, LIVE)[:, 20_000:]
    powers = np.square(signal).mean(axis=1)
    for channel in range(12):
        seen = powers[GROUPS[channel] != GROUPS].sum()
        assert skill(signal[channel, 20_000:], predicted[channel]) == pytest.approx(
            seen / (1 + seen), abs=0.03
        )


@pytest.mark.parametrize("station", range(4))
def test_a_station_never_changes_its_own_prediction(station) -> None:
    _, data = network(3000, 3)
    ridge = fitted(data)
    own = np.unique(GROUPS)[station] == GROUPS
    assert (ridge.weights[np.ix_(own, own)] == 0).all()
    other = data.copy()
    other[own] = 1e6 * np.random.default_rng(4).standard_normal(other[own].shape)
    np.testing.assert_array_equal(ridge.predict(other, LIVE)[own], ridge.predict(data, LIVE)[own])
    assert np.abs(ridge.predict(other, LIVE)[~own] - ridge.predict(data, LIVE)[~own]).max() > 1


def test_masked_samples_have_no_effect() -> None:
    _, data = network(6000, 5)
    where = np.ones(data.shape, bool)
    where[2, 1000:3000] = False
    where[:, 4000:4100] = False
    clean, spoilt = (fitted(d, where=where) for d in (data, np.where(where, data, 1e3).astype(np.float32)))
    np.testing.assert_allclose(spoilt.weights, clean.weights, atol=1e-5)


def test_the_order_of_channels_makes_no_difference() -> None:
    _, data = network(5000, 6)
    order = np.random.default_rng(7).permutation(12)
    where = np.ones(data.shape, bool)
    moved = StationRidge.fit([(data[order], where, where)], other_stations(GROUPS[order], LIVE), max_lag=7)
    np.testing.assert_allclose(
        moved.predict(data[order], LIVE), fitted(data).predict(data, LIVE)[order], atol=1e-3
    )


def test_tiles_with_a_halo_equal_the_whole() -> None:
    _, data = network(2000, 8)
    ridge = fitted(data)
    whole = ridge.predict(data, LIVE)
    part = ridge.predict(data[:, 500 - ridge.halo : 900 + ridge.halo], LIVE)[:, ridge.halo : -ridge.halo]
    np.testing.assert_allclose(part, whole[:, 500:900], atol=1e-5)


def test_predictors_are_live_channels_of_other_stations() -> None:
    live = LIVE.copy()
    live[4] = False
    lists = other_stations(GROUPS, live)
    assert lists[0].tolist() == [3, 5, 6, 7, 8, 9, 10, 11]
    assert lists[4].tolist() == [0, 1, 2, 6, 7, 8, 9, 10, 11]
    many = other_stations(np.array([f"XX.{i}." for i in range(80)]), np.ones(80, bool))
    assert {len(others) for others in many} == {RidgeOptions().max_predictors}
    assert 39 in many[40] and 41 in many[40] and 0 not in many[40]


def test_the_prediction_of_a_single_station_is_zero() -> None:
    _, data = network(2000, 9)
    where = np.ones((3, 2000), bool)
    ridge = StationRidge.fit([(data[:3], where, where)], other_stations(GROUPS[:3], LIVE[:3]), max_lag=2)
    assert (ridge.predict(data[:3], LIVE[:3]) == 0).all()
