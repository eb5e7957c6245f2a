"""First arrivals in flat layers compared with analytical solutions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from selfseis.geo.earth_models import VelocityModel1D
from selfseis.traveltimes.layered import TravelTimes, first_arrivals

DISTANCES = 150 * np.linspace(0, 1, 200) ** 1.6


@given(vp=st.floats(1, 8), station=st.floats(-2, 2))
@example(vp=5.0, station=-1.9999999999999998)
@settings(max_examples=5, deadline=None)
def test_straight_rays_in_a_homogeneous_model(vp: float, station: float) -> None:
    depths = np.linspace(-2, 30, 40)
    times = first_arrivals(VelocityModel1D.homogeneous(vp), "P", station, depths, DISTANCES)
    assert np.allclose(times, np.hypot(DISTANCES[:, None], depths - station) / vp, atol=0.004 / vp, rtol=1e-4)


def test_turning_rays_of_a_gradient() -> None:
    gradient, top = 0.06, 4.0
    model = VelocityModel1D(
        np.array([0.0, 100.0]), np.array([top, top + 100 * gradient]), np.array([2.0, 5.0])
    )
    depths = np.linspace(0, 30, 40)
    times = first_arrivals(model, "P", 0.0, depths, DISTANCES)
    square = DISTANCES[:, None] ** 2 + depths**2
    exact = np.arccosh(1 + gradient**2 * square / (2 * top * (top + gradient * depths))) / gradient
    assert np.abs(times - exact).max() < 0.01


def test_head_waves_of_a_layer_over_a_half_space() -> None:
    model = VelocityModel1D(np.array([0.0, 20, 20]), np.array([6.0, 6, 8]), np.array([3.0, 3, 4]))
    times = first_arrivals(model, "P", 0.0, np.array([5.0]), DISTANCES)[:, 0]
    head = DISTANCES / 8 + (20 + 15) * np.sqrt(1 / 36 - 1 / 64)
    critical = 35 * np.tan(np.arcsin(6 / 8))
    head[critical > DISTANCES] = np.inf
    assert np.abs(times - np.minimum(np.hypot(DISTANCES, 5) / 6, head)).max() < 0.002


def test_a_low_velocity_layer_delays_arrivals() -> None:
    slow = VelocityModel1D(
        np.array([0.0, 5, 5, 8, 8]), np.array([6.0, 6, 4, 4, 6]), np.array([3.0, 3, 2, 2, 3])
    )
    times = first_arrivals(slow, "P", 0.0, np.array([2.0, 12.0]), DISTANCES)
    assert np.allclose(times[:, 0], np.hypot(DISTANCES, 2) / 6, atol=0.002)
    assert np.isfinite(times).all() and np.all(np.diff(times, axis=0) >= 0)
    assert times[0, 1] == pytest.approx(9 / 6 + 3 / 4, abs=1e-6)


def test_source_and_station_are_interchangeable() -> None:
    model = VelocityModel1D(
        np.array([-1.0, 4, 4, 20]), np.array([3.0, 5, 6, 7]), np.array([1.5, 2.5, 3, 3.5])
    )
    down = first_arrivals(model, "S", -0.5, np.array([9.0]), DISTANCES)[:, 0]
    up = first_arrivals(model, "S", 9.0, np.array([-0.5]), DISTANCES)[:, 0]
    assert np.allclose(down, up, atol=0.02)


def test_tables_interpolate_times_and_their_derivatives() -> None:
    tables = TravelTimes.of(VelocityModel1D.homogeneous(6.0), [-0.5, 0.3], 100, -1, 30)
    rng = np.random.default_rng(0)
    x, z, row = rng.uniform(1, 100, 300), rng.uniform(2, 30, 300), rng.integers(0, 2, 300)
    time, slope, depth_slope = tables(row, 0, x, z)
    below = z - np.array([-0.5, 0.3])[row]
    away = np.hypot(x, below)
    assert np.abs(time - away / 6).max() < 0.01
    assert np.abs(slope - x / away / 6).max() < 0.03
    assert np.abs(depth_slope - below / away / 6).max() < 0.03
