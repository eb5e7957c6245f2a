"""Probabilities, uncertainties and thresholds against picks whose truth is known."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfseis.pick.calibration import (
    Calibration,
    Measured,
    held_out_reliability,
    max_false_alarms,
    reliability,
    threshold_for,
)

DAY = 86400.0


def known(n_hits: int = 4000, n_false: int = 4000, seed: int = 0) -> Measured:
    """Heights drawn so that the share of true picks at height h is h ** 2 / (h ** 2 + (1 - h) ** 2)."""
    random = np.random.default_rng(seed)
    hits = random.beta(3, 1, n_hits)
    residual = random.normal(0, 0.02 + 0.2 * (1 - hits))
    return Measured(hits, residual, random.beta(1, 3, n_false))


def share_true(height: np.ndarray | float) -> np.ndarray:
    height = np.asarray(height, float)
    return height**2 / (height**2 + (1 - height) ** 2)


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    return Calibration.measure({"P": known(), "S": known(seed=1)}, sd_s=0.1)


def test_the_probability_of_a_height_is_the_share_of_true_picks(calibration: Calibration) -> None:
    heights = np.linspace(0.1, 0.95, 18)
    for phase in ("P", "S"):
        assert calibration.probability_of(phase, heights) == pytest.approx(share_true(heights), abs=0.06)


def test_false_picks_count_for_as_many_as_there_are() -> None:
    rare = Measured(known().hits, known().residual_s, known().false[:400], false_weight=10.0)
    map_ = Calibration.measure({"P": rare, "S": rare}, sd_s=0.1)
    assert map_.probability_of("P", 0.5) == pytest.approx(0.5, abs=0.08)


def test_picks_of_high_probability_have_a_small_time_uncertainty(calibration: Calibration) -> None:
    heights = np.array([0.4, 0.6, 0.8, 0.95])
    sd = calibration.sd_of("P", calibration.probability_of("P", heights))
    assert np.all(np.diff(sd) <= 0)
    assert sd == pytest.approx(0.02 + 0.2 * (1 - heights), rel=0.35)


@given(seed=st.integers(0, 1000), n_hits=st.integers(0, 60), n_false=st.integers(0, 60))
@settings(max_examples=40, deadline=None)
def test_the_map_always_rises_between_0_and_1(seed: int, n_hits: int, n_false: int) -> None:
    map_ = Calibration.measure({"P": known(n_hits, n_false, seed), "S": known(9, 9)}, sd_s=0.1)
    heights = np.linspace(0, 1, 101)
    probability = map_.probability_of("P", heights)
    assert np.all(np.diff(probability) >= 0)
    assert probability.min() >= 0 and probability.max() <= 1
    assert np.all(np.isfinite(map_.sd_of("P", probability))) and np.all(map_.sd_of("P", probability) > 0)


@given(power=st.floats(0.3, 3))
@settings(max_examples=15, deadline=None)
def test_the_scale_of_heights_does_not_matter(power: float) -> None:
    bent = Measured(known().hits ** power, known().residual_s, known().false ** power)
    map_ = Calibration.measure({"P": bent, "S": bent}, sd_s=0.1)
    plain = Calibration.measure({"P": known(), "S": known()}, sd_s=0.1)
    heights = np.linspace(0.2, 0.9, 8)
    assert map_.probability_of("P", heights**power) == pytest.approx(
        plain.probability_of("P", heights), abs=0.03
    )


def test_few_onsets_leave_the_uncertainty_that_is_assumed() -> None:
    few = Measured(np.array([0.9]), np.array([0.001]), np.array([0.1]))
    map_ = Calibration.measure({"P": few, "S": few}, sd_s=0.123)
    assert map_.sd_of("P", 0.9) == pytest.approx(0.123)


def test_a_single_hit_is_not_certain() -> None:
    few = Measured(np.array([0.9]), np.array([0.0]), np.array([0.1, 0.2]))
    assert Calibration.measure({"P": few, "S": few}, sd_s=0.1).probability_of("P", 0.99) < 0.8


def test_height_and_probability_are_inverse(calibration: Calibration) -> None:
    for probability in (0.2, 0.5, 0.9):
        height = calibration.height_of("P", probability)
        assert calibration.probability_of("P", height) == pytest.approx(probability, abs=1e-6)
    assert calibration.height_of("P", 1.0) == float("inf")


def test_a_calibration_survives_json(calibration: Calibration) -> None:
    again = Calibration.from_dict(json.loads(json.dumps(calibration.to_dict())))
    assert again == calibration
    with pytest.raises(TypeError):
        Calibration.from_dict({"P": {}})
    assert Calibration.none(0.1).probability_of("S", 0.37) == pytest.approx(0.37)


def test_reliability_compares_stated_with_observed_shares() -> None:
    random = np.random.default_rng(0)
    stated = random.uniform(0, 1, 20_000)
    for found in reliability(stated, random.uniform(size=20_000) < stated):
        assert found.low <= found.observed <= found.high
        assert found.stated == pytest.approx(found.observed, abs=0.04)
    boastful = reliability(stated, random.uniform(size=20_000) < stated / 2)
    assert boastful[-1].high < boastful[-1].stated
    assert sum(found.count for found in boastful) == 20_000
    assert reliability(np.zeros(0), np.zeros(0, bool)) == []


def test_held_out_picks_are_reliable() -> None:
    bins = held_out_reliability(known())
    assert sum(found.count for found in bins) == 8000
    assert np.mean([abs(found.stated - found.observed) for found in bins]) < 0.05


@pytest.mark.parametrize("per_day", [0.5, 1.0, 20.0])
def test_the_threshold_keeps_to_the_rate(per_day: float) -> None:
    """Set on 2 days of noise, tested on 200 days."""
    random = np.random.default_rng(1)
    ratios = []
    for _ in range(30):
        threshold = threshold_for(per_day, random.beta(1, 6, 600), 2.0, lowest=0.02)
        ratios.append(np.sum(random.beta(1, 6, 60_000) >= threshold) / 200 / per_day)
    assert 0.5 < np.mean(ratios) < 2


def test_thresholds_stay_between_the_lowest_height_and_one() -> None:
    assert threshold_for(1.0, np.zeros(0), 1.0, lowest=0.05) == 0.05
    assert threshold_for(1e6, np.array([0.3, 0.4]), 1.0, lowest=0.05) == pytest.approx(0.3)
    assert 0.999 < threshold_for(1e-9, np.array([0.9, 0.99, 1.0]), 1.0) <= 1.0


def shared_and_false(n_shared: int, n_false: int, n_stations: int = 3, seed: int = 0) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    times = random.uniform(0, DAY, n_shared)
    return [
        np.concatenate([times + random.uniform(-3, 3, n_shared), random.uniform(0, DAY, n_false)]) % DAY
        for _ in range(n_stations)
    ]


@pytest.mark.parametrize("n_false", [0, 50, 400])
def test_unshared_onsets_bound_the_false_ones(n_false: int) -> None:
    bounds = max_false_alarms(shared_and_false(300, n_false), np.full((3, 3), 7.0), DAY)
    assert bounds == pytest.approx([n_false] * 3, abs=0.12 * n_false + 5)


def test_a_single_station_has_no_bound() -> None:
    assert np.isnan(max_false_alarms(shared_and_false(30, 5, 1), np.zeros((1, 1)), DAY)).all()
    assert max_false_alarms([np.zeros(0), np.zeros(0)], np.full((2, 2), 7.0), DAY) == [0.0, 0.0]
