"""Faults and dislocations: readers of fault geometry, and size and sign of displacements."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slip_earthquakes import LATITUDE, LONGITUDE, PROPERTIES, feature, thrust, write_geojson

from selfseis.errors import InputError
from selfseis.slip import Fault, Rectangle, read_fault, surface_displacement
from selfseis.slip.fault import checked, corners_of, limited_rakes

PLACES = np.array([[0.0, 0.0], [15.0, 4.0], [-20.0, 10.0], [30.0, -25.0]])


def one(rectangle: Rectangle) -> Fault:
    return Fault.of_rectangles([rectangle], np.array([0.0]), np.array([90.0]), np.array([0]))


@pytest.mark.parametrize(
    ("column", "expected"),
    [(0, (-8.689e-3, -4.298e-3, -2.747e-3)), (1, (-4.682e-3, -3.527e-2, -3.564e-2))],
    ids=["strike-slip", "thrust"],
)
def test_okadas_second_case(column: int, expected: tuple[float, ...]) -> None:
    # Okada (1985), table 2, case 2: x along strike, the lower edge at a depth of 4, dip 70, length 3, width 2.
    dip = np.radians(70)
    rectangle = Rectangle(0.0, 0.0, 4 - np.sin(dip), 90.0, 70.0, 3.0, 2.0)
    fault = one(rectangle)
    place = np.array([[2.0 - 1.5, 3.0 - np.cos(dip)]])
    found = surface_displacement(fault, place)[0, :, 0, column]
    np.testing.assert_allclose(found, expected, rtol=2e-3)


@settings(max_examples=15, deadline=None)
@given(st.floats(0, 360), st.floats(5, 90), st.floats(0, 180))
def test_cutting_a_patch_changes_nothing(strike: float, dip: float, rake: float) -> None:
    rectangle = Rectangle(10.0, 5.0, 15.0, strike, dip, 20.0, 12.0)
    whole = one(rectangle)
    quad = corners_of(rectangle)
    middle = (quad[[0, 3]] + quad[[1, 2]]) / 2
    halves = (
        np.array([quad[0], middle[0], middle[1], quad[3]]),
        np.array([middle[0], quad[1], quad[2], middle[1]]),
    )
    cut = Fault(
        halves,
        *(np.repeat(v, 2) for v in (whole.strike, whole.dip, whole.rake_min, whole.rake_max)),
        np.zeros(2, int),
    )
    slip = np.array([np.cos(np.radians(rake)), np.sin(np.radians(rake))])
    np.testing.assert_allclose(
        surface_displacement(cut, PLACES).sum(axis=2) @ slip, surface_displacement(whole, PLACES)[:, :, 0] @ slip,
        atol=1e-4,
    )  # fmt: skip


def test_a_thrust_lifts_the_hanging_wall_against_the_dip(tmp_path: Path) -> None:
    fault = thrust(tmp_path)
    moved = surface_displacement(fault, fault.centres_km.mean(axis=0)[None, :2])[0, :, :, 1].sum(axis=1)
    against_dip = np.array([-np.cos(np.radians(20)), np.sin(np.radians(20))])
    assert moved[2] > 0.1 and moved[:2] @ against_dip > 0.1


def written(tmp_path: Path, geometry: dict, **properties: float) -> Fault:
    return read_fault(write_geojson(tmp_path / "f.geojson", feature(geometry, **properties)), 10.0)[0]


def test_a_fault_is_the_same_in_every_format(tmp_path: Path) -> None:
    fault = thrust(tmp_path)
    top = PROPERTIES["top_depth_km"]
    whole = Rectangle(
        *(fault.centres.mean(axis=0)),
        PROPERTIES["strike"],
        PROPERTIES["dip"],
        PROPERTIES["length_km"],
        PROPERTIES["width_km"],
    )
    ring = corners_of(whole)
    closed = np.vstack([ring, ring[:1]])
    rakes = {name: PROPERTIES[name] for name in ("rake_min", "rake_max")}
    shallow = {name: PROPERTIES[name] for name in ("dip", "width_km", "top_depth_km")}
    forms = {
        "depth in km": written(tmp_path, {"type": "Polygon", "coordinates": [closed.tolist()]}, **rakes),
        "height in m": written(
            tmp_path, {"type": "Polygon", "coordinates": [(closed * [1, 1, -1000]).tolist()]}, **rakes
        ),
        "lower edge first": written(
            tmp_path, {"type": "Polygon", "coordinates": [np.roll(ring, 2, axis=0).tolist()]}, **rakes
        ),
        "surface projection": written(
            tmp_path, {"type": "Polygon", "coordinates": [closed[:, :2].tolist()]}, **PROPERTIES
        ),
        "trace": written(
            tmp_path, {"type": "LineString", "coordinates": ring[:2, :2].tolist()}, **shallow, **rakes
        ),
    }
    for name, found in forms.items():
        assert len(found) == len(fault), name
        np.testing.assert_allclose(found.centres, fault.centres, atol=0.03, err_msg=name)
        np.testing.assert_allclose(found.strike, fault.strike, atol=0.5, err_msg=name)
        np.testing.assert_allclose(found.dip, fault.dip, atol=0.5, err_msg=name)
        assert found.top_km.min() == pytest.approx(top, abs=0.02)


def test_triangles_make_a_curved_fault(tmp_path: Path) -> None:
    depth = {0: 2.0, 1: 8.0, 2: 20.0}
    corner = {
        (i, j): [LONGITUDE + 0.15 * j, LATITUDE + 0.12 * i, depth[j]] for i in range(4) for j in range(3)
    }
    features = []
    for i in range(3):
        for j in range(2):
            for ring in ([(i, j), (i + 1, j), (i, j + 1)], [(i + 1, j), (i + 1, j + 1), (i, j + 1)]):
                points = [corner[key] for key in ring]
                features.append(
                    feature({"type": "Polygon", "coordinates": [[*points, points[0]]]}, rake=90.0)
                )
    fault = read_fault(write_geojson(tmp_path / "t.geojson", *features))[0]
    assert len(fault) == 12 and len(np.unique(fault.graph().edges)) == 12
    np.testing.assert_allclose(np.cos(np.radians(fault.strike)), 1, atol=1e-3)
    assert fault.dip[:2].max() < fault.dip[2:4].min()  # it steepens with depth
    np.testing.assert_array_equal(fault.rake_min, 45)
    assert surface_displacement(fault, fault.centres_km[:, :2])[:, 2, :, 1].sum(axis=1).max() > 0


@pytest.mark.parametrize(
    ("geometry", "properties", "message"),
    [
        ({"type": "Point", "coordinates": [30, 40]}, {"strike": 1.0}, "lacks dip"),
        (
            {"type": "Polygon", "coordinates": [[[30, 40], [31, 40], [31, 41]]]},
            {},
            "triangle needs the depth",
        ),
        ({"type": "Polygon", "coordinates": [[[0, 0, 1]] * 7]}, {}, "corners"),
        ({"type": "MultiPoint", "coordinates": [[30, 40]]}, {}, "not a patch"),
        ({"type": "Point", "coordinates": [30, 40]}, PROPERTIES | {"dip": 120.0}, "dip must be between"),
        (None, {}, "neither a geometry"),
    ],
)
def test_invalid_faults_are_refused(tmp_path: Path, geometry: dict, properties: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_fault(write_geojson(tmp_path / "f.geojson", feature(geometry, **properties)))


def test_patches_above_the_surface_are_lowered() -> None:
    fault = checked(one(Rectangle(0, 0, 1.0, 0, 90, 10, 4)), "fault")
    assert fault.top_km.min() == 0 and "above the surface" in fault.notes[0]


@settings(deadline=None)
@given(st.floats(-360, 360), st.floats(0, 360))
def test_rake_limits_never_allow_slip_both_ways(lower: float, width: float) -> None:
    fault = one(Rectangle(0, 0, 5, 0, 45, 5, 5)).with_rakes(np.array([lower]), np.array([lower + width]))
    limited, _ = limited_rakes(fault)
    assert 0 <= (limited.rake_max - limited.rake_min)[0] <= 170 + 1e-9


def test_rectangles_in_a_table_or_without_geometry(tmp_path: Path) -> None:
    fault = thrust(tmp_path)
    numbers = {"Longitude": LONGITUDE, "Latitude": LATITUDE} | PROPERTIES
    (tmp_path / "f.csv").write_text(",".join(numbers) + "\n" + ",".join(map(str, numbers.values())) + "\n")
    table = read_fault(tmp_path / "f.csv", 10.0)[0]
    bare = read_fault(write_geojson(tmp_path / "f.geojson", feature(None, **numbers)), 10.0)[0]
    for found in (table, bare):
        np.testing.assert_allclose(found.centres, fault.centres, atol=1e-6)
        np.testing.assert_array_equal(found.rake_max, fault.rake_max)
    (tmp_path / "f.csv").write_text("lon,strike\n1,2\n")
    with pytest.raises(InputError, match="no column lat"):
        read_fault(tmp_path / "f.csv")
