"""Faults as strangers have them: metres, heights, several segments, meshes that bend through the vertical, damage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from slip_earthquakes import earthquake, gnss_csv, insar_csv, write_geojson

from mutations import outcomes
from selfseis.errors import InputError
from selfseis.quality_log import QualityLog
from selfseis.slip import Fault, Rectangle, read_fault, read_fsp, read_gnss, read_insar, surface_displacement
from selfseis.slip.fault import checked, corners_of
from selfseis.slip.greens import displacement_along
from selfseis.slip.moment import doubtful_magnitude, rigidity_of

PLACES = np.array([[5.0, 12.0], [-8.0, -9.0], [18.0, -14.0], [-20.0, 6.0], [2.0, -25.0]])
SHALLOW = Rectangle(4.65, 44.53, 0.4, 45.0, 55.0, 0.5, 0.57)


def polygons(path: Path, rings: list[np.ndarray], scale: float = 1.0, **properties: Any) -> Path:
    features = [
        {
            "type": "Feature",
            "properties": properties,
            "geometry": {"type": "Polygon", "coordinates": [(ring * [1, 1, scale]).tolist()]},
        }
        for ring in rings
    ]
    return write_geojson(path, *features)


@pytest.mark.parametrize("scale", [1.0, -1.0, 1000.0, -1000.0])
def test_third_coordinates_have_one_unit_and_one_sign_in_the_whole_file(tmp_path: Path, scale: float) -> None:
    rings = [corners_of(SHALLOW), corners_of(Rectangle(4.66, 44.54, 0.45, 45.0, 55.0, 0.5, 0.57))]
    found = read_fault(polygons(tmp_path / "f.geojson", rings, scale))[0]
    assert found.top_km.min() == pytest.approx(rings[0][:, 2].min(), abs=1e-6)
    assert max(corner[:, 2].max() for corner in found.corners) == pytest.approx(rings[1][:, 2].max())


def test_a_corner_out_of_place_is_noted(tmp_path: Path) -> None:
    rings = [corners_of(Rectangle(30 + 0.1 * place, 40, 10, 90.0, 30.0, 8.0, 8.0)) for place in range(3)]
    assert not any(
        "parallelogram" in note for note in read_fault(polygons(tmp_path / "f.geojson", rings))[0].notes
    )
    rings[1][2, 0] += 0.03
    fault = read_fault(polygons(tmp_path / "f.geojson", rings), 20.0)[0]
    assert any("1 patches with four corners are not parallelograms" in note for note in fault.notes)


def test_one_large_plane_in_metres_is_not_hundreds_of_km_deep(tmp_path: Path) -> None:
    ring = corners_of(Rectangle(30, 40, 9.0, 10.0, 12.0, 60.0, 40.0))
    found = read_fault(polygons(tmp_path / "f.geojson", [ring], 1000.0))[0]
    assert found.top_km.min() == pytest.approx(ring[:, 2].min(), abs=1e-6)
    deep = corners_of(Rectangle(30, 40, 610.0, 10.0, 85.0, 40.0, 30.0))
    assert read_fault(polygons(tmp_path / "f.geojson", [deep]))[0].top_km.min() == pytest.approx(595, abs=1)


def test_a_place_on_the_edge_of_a_patch_is_refused() -> None:
    zero = np.zeros(1)
    plane = Fault.of_rectangles([Rectangle(30, 40, 5, 90, 90, 20, 10)], zero, zero, zero.astype(int))
    with pytest.raises(InputError, match="on the edge of a patch"):
        displacement_along(plane, plane.outlines_km[0][:1, :2], np.array([[1.0, 0, 0]]))


@pytest.mark.parametrize(
    ("names", "values"),
    [
        ("length_km,width_km,top_depth_km", (8, 5, 0.1)),
        ("length_m,width_m,top_depth_m", (8000, 5000, 100)),
        ("length (m),width (m),top_depth (m)", (8000, 5000, 100)),
        ("length,width,top_depth", (8000, 5000, 100)),
        ("length,width,top_depth", (8, 5, 0.1)),
    ],
)
def test_dimensions_in_metres_by_name_by_unit_or_because_km_are_impossible(
    tmp_path: Path, names: str, values: tuple[float, ...]
) -> None:
    (tmp_path / "f.csv").write_text(
        f"lon,lat,strike,dip,rake,{names}\n4.65,44.53,45,55,90,{','.join(map(str, values))}\n"
    )
    fault = read_fault(tmp_path / "f.csv")[0]
    assert fault.area_km2.sum() == pytest.approx(40, rel=1e-3)
    assert fault.top_km.min() == pytest.approx(0.1, abs=1e-3)


def test_a_fault_above_the_ground_is_refused_or_lowered_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text(
        "lon,lat,strike,dip,length_km,width_km,top_depth_km\n30,40,10,30,60,40,-5\n"
    )
    with pytest.raises(InputError, match="depths are positive downwards"):
        read_fault(tmp_path / "f.csv")
    rectangles = [Rectangle(0, 0, depth, 0, 90, 10, 2) for depth in (0.5, 2.5)]
    zeros = np.zeros(2)
    fault = checked(Fault.of_rectangles(rectangles, zeros, zeros, zeros.astype(int)), "fault")
    np.testing.assert_allclose(fault.top_km, [0, 2], atol=1e-9)
    high = Fault.of_rectangles(
        [Rectangle(0, 0, -4, 0, 90, 10, 4)], zeros[:1], zeros[:1], zeros[:1].astype(int)
    )
    with pytest.raises(InputError, match="above the surface"):
        checked(high, "fault")


FSP = """% Mech : STRK = 318 DIP = 85 RAKE = 180 Htop = 1.0 km
% Invs : Nx = 2 Nz = 1
% Invs : Dx = 5.00 km Dz = 4.00 km
"""


def fsp(path: Path, *segments: tuple[float, float, list[float]], columns: str = "SLIP RAKE") -> Path:
    lines = [FSP.strip()]
    for number, (strike, dip, rakes) in enumerate(segments):
        lines += [
            f"% SEGMENT # {number + 1}: STRIKE = {strike} deg DIP = {dip} deg",
            "% Dx = 5.00 km Dz = 4.00 km",
        ]
        lines += [f"% Nsbfs = {len(rakes)} subfaults", f"% LAT LON X==EW Y==NS Z {columns}"]
        lines += [
            f"{35.7 + 0.1 * number} {-117.6 + 0.05 * place} {4.5 * place} 0 1.0 {1 + place} {rake}"
            for place, rake in enumerate(rakes)
        ]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_each_segment_has_its_own_rake(tmp_path: Path) -> None:
    model = read_fsp(fsp(tmp_path / "a.fsp", (318, 85, [170, 190]), (48, 80, [-10, 10])))
    middle = (model.fault.rake_min + model.fault.rake_max) / 2
    weighted = np.degrees(np.arctan2(np.sin(np.radians(10)) / 3, np.cos(np.radians(10))))
    np.testing.assert_allclose(middle % 360, [180 + weighted] * 2 + [weighted] * 2, atol=1e-6)
    assert "from the segments" in model.fault.notes[0]
    one = read_fsp(fsp(tmp_path / "b.fsp", (318, 85, [90, 90])))
    assert (one.fault.rake_min == 135).all()  # of the header, which is the mean of the whole event


def test_contradictions_in_an_fsp_file_are_noted(tmp_path: Path) -> None:
    text = fsp(tmp_path / "a.fsp", (90, 85, [180] * 4)).read_text()
    assert not any("announces" in note for note in read_fsp(tmp_path / "a.fsp").fault.notes)
    (tmp_path / "b.fsp").write_text("\n".join(text.splitlines()[:-1]) + "\n")
    assert any("announces 4 subfaults" in note for note in read_fsp(tmp_path / "b.fsp").fault.notes)
    (tmp_path / "c.fsp").write_text(text.replace("35.7 -117.5 9.0", "35.9 -117.5 9.0"))
    assert any("contradict their X and Y" in note for note in read_fsp(tmp_path / "c.fsp").fault.notes)
    (tmp_path / "d.fsp").write_text(text.replace("35.7 -117.5 9.0", "95.7 -117.5 9.0"))
    with pytest.raises(InputError, match="is impossible"):
        read_fsp(tmp_path / "d.fsp")


def test_neighbours_of_a_mesh_that_bends_through_the_vertical_have_one_hanging_wall(tmp_path: Path) -> None:
    def point(i: int, j: int) -> list[float]:
        return [30 + 0.06 * i, 40 + 0.004 * np.sin(1.3 * i + 2.1 * j), 0.5 + 5 * j]

    rings = []
    for i in range(6):
        for j in range(3):
            corners = [point(i, j), point(i + 1, j), point(i + 1, j + 1), point(i, j + 1)]
            rings += [np.array([corners[k] for k in triangle]) for triangle in ((0, 1, 2), (0, 3, 2))]
    fault = read_fault(polygons(tmp_path / "m.geojson", rings, rake=135.0))[0]
    assert np.abs((fault.strike - fault.strike[0] + 180) % 360 - 180).max() < 30
    assert fault.dip.min() < 90 < fault.dip.max()
    bent = surface_displacement(fault, PLACES).sum(axis=2)
    plane = Rectangle(30.18, 40.0, 5.5, float(fault.strike.mean()), 90.0, 30.7, 10.0)
    zero = np.zeros(1)
    flat = Fault.of_rectangles([plane], zero, zero, zero.astype(int))
    straight = surface_displacement(flat, PLACES).sum(axis=2)
    for slip in (0, 1):  # along strike, and up the dip of the same side
        assert np.corrcoef(bent[..., slip].ravel(), straight[..., slip].ravel())[0, 1] > 0.97


def test_stated_angles_that_contradict_the_corners_are_noted(tmp_path: Path) -> None:
    ring = corners_of(Rectangle(30, 40, 10, 20.0, 30.0, 20.0, 10.0))
    agreed = read_fault(polygons(tmp_path / "a.geojson", [ring], strike=20, dip=30, rake=90))[0]
    other = read_fault(polygons(tmp_path / "b.geojson", [ring], strike=60, dip=30, rake=90))[0]
    assert not any("differs" in note for note in agreed.notes)
    assert any("differs" in note for note in other.notes) and other.strike[0] == pytest.approx(20, abs=0.1)


@pytest.mark.parametrize(
    "properties",
    [
        {"strike": 1e300},
        {"dip": -3},
        {"rake": "Infinity"},
        {"length_km": 1e9},
        {"width_km": -1},
        {"rake_min": 1e5},
    ],
)
def test_impossible_properties_are_refused(tmp_path: Path, properties: dict[str, Any]) -> None:
    plane = {"strike": 10, "dip": 30, "length_km": 60, "width_km": 40, "top_depth_km": 5} | properties
    feature = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [30, 40]}, "properties": plane}
    with pytest.raises(InputError, match="feature 1"):
        read_fault(write_geojson(tmp_path / "f.geojson", feature))


FAR = '{"features": [{"geometry": {"type": "Point", "coordinates": [1e999, 2]}}]}'


@pytest.mark.parametrize("content", ["[]", '{"features": 3}', '{"features": [3]}', "[" * 100_000, FAR])
def test_json_that_is_no_fault_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "f.geojson").write_text(content)
    with pytest.raises(InputError):
        read_fault(tmp_path / "f.geojson")


def test_patches_far_smaller_than_the_fault_are_refused(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text(
        "lon,lat,strike,dip,length_km,width_km,top_depth_km\n30,40,10,30,60,40,5\n"
    )
    with pytest.raises(InputError, match="larger --patch-km"):
        read_fault(tmp_path / "f.csv", 0.05)


def test_a_magnitude_that_does_not_fit_its_fault_is_noted() -> None:
    zero = np.zeros(1)
    fault = Fault.of_rectangles([Rectangle(0, 0, 10, 0, 90, 20, 10)], zero, zero, zero.astype(int))
    assert doubtful_magnitude(6.3, fault) == doubtful_magnitude(5.0, fault) == ""
    assert "too large" in doubtful_magnitude(7.4, fault) and "no slip" in doubtful_magnitude(-12.0, fault)
    assert rigidity_of(fault, np.array([[0.0, 1e9], [5.0, 2e9]]))[0] > 3e10  # all layers too soft


def _fault_numbers(fault: Fault) -> np.ndarray:
    fault = checked(fault, "fault")
    return np.concatenate([np.concatenate(fault.corners).ravel(), fault.strike, fault.dip])


def _read_fault(path: Path) -> tuple[np.ndarray, object]:
    fault = read_fault(path)[0]
    return _fault_numbers(fault), fault.notes


def _read_gnss(path: Path) -> tuple[np.ndarray, object]:
    found = read_gnss(path, log := QualityLog())
    values = (found.longitude, found.latitude, np.nan_to_num(found.displacement).ravel(), found.sd.ravel())
    return np.concatenate(values), log.issues


def _read_insar(path: Path) -> tuple[np.ndarray, object]:
    found = read_insar(path, log := QualityLog())
    values = (found.longitude, found.latitude, found.los, found.look.ravel(), np.nan_to_num(found.sd))
    return np.concatenate(values), log.issues


@pytest.mark.parametrize("n", [60, pytest.param(3000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["gnss", "insar", "geojson", "fault table", "fsp"])
def test_damaged_files_give_one_line_or_an_entry_in_the_log(tmp_path: Path, kind: str, n: int) -> None:
    _, _, gnss, scene = earthquake(tmp_path)
    rings = [corners_of(Rectangle(30 + 0.1 * place, 40, 10, 90.0, 30.0, 8.0, 8.0)) for place in range(3)]
    table = tmp_path / "f.csv"
    table.write_text("lon,lat,strike,dip,length_km,width_km,top_depth_km,rake\n30,40,10,30,60,40,5,90\n")
    path, read = {
        "gnss": (gnss_csv(tmp_path / "g.csv", gnss), _read_gnss),
        "insar": (insar_csv(tmp_path / "s.csv", scene.take(np.arange(30))), _read_insar),
        "geojson": (polygons(tmp_path / "f.geojson", rings, rake=90.0), _read_fault),
        "fault table": (table, _read_fault),
        "fsp": (fsp(tmp_path / "f.fsp", (318, 85, [180] * 6), (48, 80, [0] * 6)), _read_fault),
    }[kind]
    found = outcomes(path, read, range(n))
    # One digit for another, or a row that is lost where nothing counts the rows, cannot be noticed.
    assert found["changed"] < 0.45 * n
