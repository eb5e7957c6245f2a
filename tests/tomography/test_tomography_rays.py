"""Cells of the mantle and of regions, and rays through them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfseis.geo.earth_models import read_reference
from selfseis.geo.sphere import EARTH_RADIUS_KM, unit_vectors
from selfseis.tomography.forward import time_step_s, trace
from selfseis.tomography.grid import CellGrid
from selfseis.tomography.sensitivity import sensitivities, table_points
from selfseis.traveltimes.first_arrivals import find_rays
from selfseis.traveltimes.ray_paths import Geometry, PathTable
from selfseis.traveltimes.ray_table import RayTable


@pytest.mark.parametrize("name", ["ak135", "prem"])
def test_times_through_cells_add_up_and_points_join_both_ends(name: str) -> None:
    rng = np.random.default_rng(0)
    source, receiver = (unit_vectors(rng.uniform(-30, 30, 60), rng.uniform(0, 60, 60)) for _ in range(2))
    geometry = Geometry(source, receiver, np.tile([5.0, 60.0, 300.0], 20), np.zeros(60))
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
