"""Rays against TauP, closed forms and geometry."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfseis.errors import InputError
from selfseis.geo.earth_models import CORE_KM, Reference, read_reference
from selfseis.geo.sphere import EARTH_RADIUS_KM, geocentric, geographic, unit_vectors
from selfseis.tomography.forward import time_step_s, trace
from selfseis.tomography.grid import CellGrid
from selfseis.tomography.sensitivity import sensitivities, table_points
from selfseis.traveltimes.ellipticity import ellipticity_s
from selfseis.traveltimes.first_arrivals import find_rays
from selfseis.traveltimes.ray_paths import Geometry, PathTable, elevation_s, source_slowness
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


def uniform_earth(speed: float = 10.0) -> Reference:
    return Reference(
        "uniform", np.array([0.0, EARTH_RADIUS_KM - CORE_KM]), np.full(2, speed), np.full(2, speed / 2)
    )


@pytest.mark.parametrize(
    ("phase", "taup"), [("P", ["P", "p", "Pn", "Pg"]), ("S", ["S", "s", "Sn"]), ("PcP", ["PcP"])]
)
def test_times_are_those_of_taup(phase: str, taup: list[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from obspy.taup import TauPyModel

        model = TauPyModel("ak135")
    depth = np.array([0.0, 10.0, 33.0, 120.0, 410.0, 600.0])
    distance = np.array([0.5, 3.0, 12.0, 21.0, 55.0, 72.0])
    table = RayTable.of(read_reference("ak135"), "S" if phase == "S" else "P")
    found = find_rays(table, depth, np.radians(distance), np.full(depth.size, phase))
    expected = [
        min(arrival.time for arrival in model.get_travel_times(z, x, taup))
        for z, x in zip(depth, distance, strict=True)
    ]
    np.testing.assert_allclose(found.time, expected, atol=0.01)


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


@pytest.mark.parametrize("name", ["ak135", "prem"])
def test_times_through_cells_add_up_and_points_join_both_ends(name: str) -> None:
    geometry = pairs(60, [5.0, 60.0, 300.0] * 20)
    reference, grid = read_reference(name), CellGrid.of_earth(5.0)
    table = RayTable.of(reference, "P")
    rays = find_rays(table, geometry.depth_km, geometry.distance, np.full(60, "P"))
    paths = PathTable(table)
    step = time_step_s(grid, reference, "P")
    matrix = sensitivities(grid, table_points(paths, rays, geometry, step), 60, 0.01)
    np.testing.assert_allclose(-100 * matrix.sum(axis=1), rays.time, rtol=1e-4)
    points = paths.points(rays, geometry, step)
    places = unit_vectors(points.latitude, points.longitude)
    for row in range(0, 60, 7):
        own = places[points.row == row]
        for end in (geometry.source[row], geometry.receiver[row]):
            assert np.degrees(np.arccos(np.clip(own @ end, -1, 1)).min()) < 1.0


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


@given(latitude=st.floats(-89.9, 89.9))
def test_latitudes_there_and_back(latitude: float) -> None:
    assert abs(float(geographic(geocentric(latitude))) - latitude) < 1e-9


@settings(max_examples=30, deadline=None)
@given(degrees=st.sampled_from([4.0, 7.5, 15.0]), seed=st.integers(0, 1000))
def test_every_point_of_the_mantle_has_a_cell_of_its_own_layer(degrees: float, seed: int) -> None:
    grid = CellGrid.of_earth(degrees)
    rng = np.random.default_rng(seed)
    depth = rng.uniform(0, 2890, 50)
    cell = grid.find(rng.uniform(-90, 90, 50), rng.uniform(-200, 400, 50), depth)
    assert (cell >= 0).all()
    layer = grid.layer[cell]
    assert (grid.depth_edges[layer] <= depth).all()
    assert (depth <= grid.depth_edges[layer + 1]).all()
    latitude, longitude = grid.centres
    own = grid.find(latitude, longitude, np.full(latitude.size, grid.depths[3]))
    np.testing.assert_array_equal(own, 3 * grid.n_in_layer + np.arange(latitude.size))


def test_volumes_and_faces_of_the_cells() -> None:
    grid = CellGrid.of_earth(6.0)
    mantle = 4 / 3 * np.pi * (EARTH_RADIUS_KM**3 - (EARTH_RADIUS_KM - grid.depth_edges[-1]) ** 3)
    assert grid.graph.measure.sum() == pytest.approx(mantle, rel=1e-9)
    # The integral of the squared gradient of z is the volume.
    latitude, _ = grid.centres
    height = np.concatenate(
        [np.sin(np.radians(latitude)) * (EARTH_RADIUS_KM - depth) for depth in grid.depths]
    )
    first, second = grid.graph.edges.T
    energy = float(np.sum(grid.graph.weight * (height[first] - height[second]) ** 2))
    assert energy == pytest.approx(mantle, rel=0.05)


def test_a_region_across_the_date_line() -> None:
    grid = CellGrid.of_region((-20.0, -15.0), (177.0, 183.0), 50.0, np.array([0.0, 20.0, 60.0]))
    inside = grid.find(np.array([-17.0, -17.0, -17.0]), np.array([179.0, -179.0, 170.0]), np.full(3, 10.0))
    assert (inside[:2] >= 0).all()
    assert inside[2] == -1


def test_unknown_reference_is_refused() -> None:
    with pytest.raises(InputError, match="there is no reference ak999"):
        read_reference("ak999")


def test_traced_arrivals_keep_their_order_with_both_waves(bulletin: pd.DataFrame) -> None:
    both = pd.concat([bulletin.head(40), bulletin.head(40).assign(phase="S")], ignore_index=True)
    both = both.sample(frac=1, random_state=1).reset_index(drop=True)
    grid = CellGrid.of_region((-31, -29), (139, 141), 20.0, np.array([0.0, 10.0, 40.0]))
    traced = trace(both, read_reference("ak135"), grid)
    assert traced.waves == ("P", "S")
    through = np.asarray(traced.operator.sum(axis=1)).ravel()
    np.testing.assert_allclose(-100 * through, traced.predicted, rtol=0.05, atol=0.1)
    half = grid.n_cells
    assert traced.operator[np.flatnonzero(traced.is_s)][:, :half].nnz == 0
