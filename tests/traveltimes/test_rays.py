"""Rays in a spherical earth compared with TauP, closed forms and geometry."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from selfseis.geo.earth_models import CORE_KM, VelocityModel1D, read_reference
from selfseis.geo.phases import wave_of
from selfseis.geo.sphere import EARTH_RADIUS_KM
from selfseis.traveltimes.ellipticity import ellipticity_s
from selfseis.traveltimes.first_arrivals import find_rays
from selfseis.traveltimes.options import RayTableOptions
from selfseis.traveltimes.ray_paths import Geometry, elevation_s, source_slowness
from selfseis.traveltimes.ray_table import RayTable


def pairs(n: int, depth_km: float | list[float], seed: int = 0, reach: float = 60.0) -> Geometry:
    rng = np.random.default_rng(seed)
    latitude, longitude = rng.uniform(-60, 60, n), rng.uniform(-180, 180, n)
    frame = pd.DataFrame(
        {
            "event_latitude": latitude,
            "event_longitude": longitude,
            "station_latitude": np.clip(latitude + rng.uniform(-reach, reach, n) / 2, -85, 85),
            "station_longitude": longitude + rng.uniform(-reach, reach, n) / 2,
            "event_depth_km": depth_km,
            "station_elevation_m": 0.0,
        }
    )
    return Geometry.of(frame)


def uniform_earth(speed: float = 10.0) -> VelocityModel1D:
    depth = np.array([0.0, EARTH_RADIUS_KM - CORE_KM])
    return VelocityModel1D(depth, np.full(2, speed), np.full(2, speed / 2), "uniform")


@pytest.mark.parametrize(
    ("name", "phase", "taup"),
    [
        ("ak135", "P", ["P", "p", "Pn", "Pg"]),
        ("ak135", "S", ["S", "s", "Sn"]),
        ("ak135", "PcP", ["PcP"]),
        ("prem", "ScS", ["ScS"]),
        ("iasp91", "PcP", ["PcP"]),
        ("iasp91", "ScS", ["ScS"]),
    ],
)
def test_times_are_those_of_taup(name: str, phase: str, taup: list[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from obspy.taup import TauPyModel

        model = TauPyModel(name)
    depth = np.array([0.0, 10.0, 33.0, 120.0, 410.0, 600.0])
    distance = np.array([0.5, 3.0, 12.0, 21.0, 55.0, 72.0])
    table = RayTable.of(read_reference(name), wave_of(phase))
    found = find_rays(table, depth, np.radians(distance), np.full(depth.size, phase))
    expected = [
        min(arrival.time for arrival in model.get_travel_times(z, x, taup))
        for z, x in zip(depth, distance, strict=True)
    ]
    np.testing.assert_allclose(found.time, expected, atol=0.01)


def test_a_coarse_table_has_fewer_rays_and_nearly_the_same_times() -> None:
    reference, distance = read_reference("ak135"), np.radians([10.0, 40.0, 80.0])
    fine = RayTable.of(reference, "P")
    coarse = RayTable.of(reference, "P", RayTableOptions(n_first_rays=100, max_spacing_deg=1.0))
    assert len(coarse.p) < len(fine.p)
    times = [find_rays(one, np.full(3, 20.0), distance, np.full(3, "P")).time for one in (fine, coarse)]
    np.testing.assert_allclose(*times, atol=0.05)


def test_chords_of_a_uniform_earth() -> None:
    geometry = pairs(40, 100.0)
    table = RayTable.of(uniform_earth(), "P")
    rays = find_rays(table, geometry.depth_km, geometry.distance, np.full(40, "P"))
    r = EARTH_RADIUS_KM - 100.0
    chord = np.sqrt(r**2 + EARTH_RADIUS_KM**2 - 2 * r * EARTH_RADIUS_KM * np.cos(geometry.distance)) / 10
    np.testing.assert_allclose(rays.time, chord, atol=2e-3)


def test_ellipticity_is_the_change_of_the_chord() -> None:
    geometry = pairs(40, 0.0)
    table = RayTable.of(uniform_earth(), "P")
    rays = find_rays(table, geometry.depth_km, geometry.distance, np.full(40, "P"))

    def on_ellipsoid(unit: np.ndarray) -> np.ndarray:
        return unit * EARTH_RADIUS_KM * (1 - 2 / 3 / 298.25 * (1.5 * unit[:, 2:] ** 2 - 0.5))

    exact = np.linalg.norm(on_ellipsoid(geometry.source) - on_ellipsoid(geometry.receiver), axis=1) / 10
    round_earth = 2 * EARTH_RADIUS_KM * np.sin(geometry.distance / 2) / 10
    assert np.abs(exact - round_earth).max() > 0.3  # there is something to correct
    np.testing.assert_allclose(ellipticity_s(table, rays, geometry), exact - round_earth, atol=0.03)


def test_a_deeper_source_changes_the_time_as_its_slowness_says() -> None:
    geometry = pairs(40, 200.0)
    table = RayTable.of(read_reference("ak135"), "P")
    phase = np.full(40, "P")
    rays = find_rays(table, geometry.depth_km, geometry.distance, phase)
    deeper = find_rays(table, geometry.depth_km + 4, geometry.distance, phase)
    _, downward = source_slowness(table, rays, geometry.depth_km)
    both = np.isfinite(rays.time + deeper.time)
    assert both.sum() > 20
    np.testing.assert_allclose((deeper.time - rays.time)[both], 4 * downward[both], atol=0.02)


def test_elevation_delays() -> None:
    geometry = pairs(10, 20.0)
    table = RayTable.of(read_reference("ak135"), "P")
    rays = find_rays(table, geometry.depth_km, geometry.distance, np.full(10, "P"))
    delay = elevation_s(table, rays, np.full(10, 3.0))
    assert (delay > 0.2).all()
    assert (delay <= 3 / 5.8 + 1e-6).all()


def test_crustal_and_mantle_phases_are_different_rays() -> None:
    table = RayTable.of(read_reference("ak135"), "P")
    depth, distance = np.full(2, 10.0), np.radians([4.0, 4.0])
    found = find_rays(table, depth, distance, np.array(["Pn", "Pg"]))
    assert found.time[1] - found.time[0] > 3
    bottom = EARTH_RADIUS_KM - table.bottom[found.number]
    assert bottom[0] > 35 > bottom[1]
    nowhere = find_rays(table, depth[:1], np.radians([120.0]), np.array(["Pg"]))
    assert np.isnan(nowhere.time[0])
