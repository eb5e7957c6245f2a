"""Displacements as strangers have them: units, codes for missing values, columns, look vectors and places."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from slip_earthquakes import earthquake, gnss_csv

from selfseis.errors import InputError
from selfseis.quality_log import QualityLog
from selfseis.slip import Fault, Gnss, Insar, read_gnss, read_insar
from selfseis.slip.displacements import without_codes
from selfseis.slip.prepare import possible_displacement, prepare

RIGHT_LOOKING = [[-0.6, -0.139, 0.788], [0.6, -0.139, 0.788]]  # ascending, descending


@pytest.fixture(scope="module")
def quake(tmp_path_factory: pytest.TempPathFactory) -> tuple[Fault, Gnss, Insar]:
    fault, _, gnss, scene = earthquake(tmp_path_factory.mktemp("quake"))
    return fault, gnss, scene


def kinds(quality_log: QualityLog) -> dict[str, int]:
    found: dict[str, int] = {}
    for issue in quality_log.issues:
        found[issue.kind] = found.get(issue.kind, 0) + issue.count
    return found


def gnss_table(path: Path, gnss: Gnss, header: str, unit: float, *, errors: bool) -> Path:
    columns = [gnss.displacement, gnss.sd] if errors else [gnss.displacement]
    values = unit * np.concatenate(columns, axis=1)
    rows = [
        ",".join([site, f"{east:.5f}", f"{north:.5f}", *(f"{value:.4f}" for value in row)])
        for site, east, north, row in zip(gnss.site, gnss.longitude, gnss.latitude, values, strict=True)
    ]
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_displacements_that_are_impossible_on_the_fault_are_not_metres(
    quake: tuple[Fault, Gnss, Insar], tmp_path: Path
) -> None:
    fault, gnss, _ = quake
    bare = "site,lon,lat,e,n,u"
    without = gnss_table(tmp_path / "a.csv", gnss, bare, 1000, errors=False)
    with pytest.raises(InputError, match=r"cm or mm .*--gnss-unit"):
        prepare(without, [], fault, QualityLog())
    stated = prepare(without, [], fault, QualityLog(), gnss_unit="mm").gnss
    in_words = without.with_name("b.csv")
    in_words.write_text("# coseismic offsets in millimetres\n" + without.read_text())
    with_errors = gnss_table(tmp_path / "c.csv", gnss, bare + ",se,sn,su", 1000, errors=True)
    for found in (
        stated,
        prepare(in_words, [], fault, QualityLog()).gnss,
        prepare(with_errors, [], fault, QualityLog()).gnss,
    ):
        assert found is not None
        np.testing.assert_allclose(found.displacement, gnss.displacement, atol=1e-6)


def test_a_unit_in_the_header_that_is_impossible_is_refused(
    quake: tuple[Fault, Gnss, Insar], tmp_path: Path
) -> None:
    fault, gnss, _ = quake
    path = gnss_table(tmp_path / "a.csv", gnss, "site,lon,lat,e (m),n (m),u (m)", 1000, errors=False)
    with pytest.raises(InputError, match="in the unit of its header"):
        prepare(path, [], fault, QualityLog())


def test_the_largest_possible_displacement_grows_with_the_fault(quake: tuple[Fault, Gnss, Insar]) -> None:
    fault = quake[0]
    small = fault.take(np.arange(4))
    assert 1 < possible_displacement(small) < possible_displacement(fault) < 60


@pytest.mark.parametrize("code", [-9999.0, 999.0, -99999.0, 9.96921e36, -32768.0])
def test_codes_for_missing_values_are_left_out_and_change_no_unit(
    quake: tuple[Fault, Gnss, Insar], tmp_path: Path, code: float
) -> None:
    fault, gnss, scene = quake
    damaged = gnss.displacement.copy()
    damaged[2, 2] = code
    path = gnss_csv(tmp_path / "g.csv", replace(gnss, displacement=damaged))
    quality_log = QualityLog()
    found = prepare(path, [], fault, quality_log).gnss
    assert found is not None and np.isnan(found.displacement[2, 2])
    keep = np.arange(len(gnss)) != 2
    np.testing.assert_allclose(found.displacement[keep], gnss.displacement[keep], atol=1e-6)
    assert kinds(quality_log)["nan"] == 1
    los = scene.los.copy()
    los[17] = code
    rows = np.column_stack([scene.longitude, scene.latitude, los, scene.look])
    np.savetxt(tmp_path / "s.csv", rows, "%.6g", ",", header="lon,lat,los,look_e,look_n,look_u", comments="")
    pixels = prepare(None, [tmp_path / "s.csv"], fault, QualityLog()).scenes[0]
    assert len(pixels) == len(scene) - 1 and np.abs(pixels.los).max() == pytest.approx(
        np.abs(scene.los).max(), rel=1e-4
    )


def test_a_code_that_could_be_a_displacement_is_kept() -> None:
    values = np.array([999.0, 850.0, -700.0, 20.0])  # in mm
    assert not np.isnan(without_codes(values, "file", QualityLog())).any()


def test_zeros_of_masked_pixels_are_left_out() -> None:
    values = np.concatenate([np.zeros(40), np.linspace(0.01, 0.2, 60)])
    assert np.isnan(without_codes(values, "file", QualityLog())).sum() == 40
    rounded = np.round(np.linspace(-0.02, 0.02, 200), 3)  # zero is as frequent as other values
    assert not np.isnan(without_codes(rounded, "file", QualityLog())).any()


def test_a_lost_decimal_point_is_left_out(quake: tuple[Fault, Gnss, Insar], tmp_path: Path) -> None:
    fault, gnss, _ = quake
    damaged = gnss.displacement.copy()
    damaged[4, 0] = 48213.0
    quality_log = QualityLog()
    found = prepare(gnss_csv(tmp_path / "g.csv", replace(gnss, displacement=damaged)), [], fault, quality_log)
    assert found.gnss is not None and np.isnan(found.gnss.displacement[4, 0])
    assert kinds(quality_log)["impossible"] == 1


def test_errors_that_are_damaged_or_no_errors(quake: tuple[Fault, Gnss, Insar], tmp_path: Path) -> None:
    _, gnss, _ = quake
    sd = gnss.sd.copy()
    sd[3, 0] = 1e-6
    quality_log = QualityLog()
    found = read_gnss(gnss_csv(tmp_path / "g.csv", replace(gnss, sd=sd)), quality_log)
    assert found.sd[3, 0] == pytest.approx(0.003) and "far below" in quality_log.issues[0].detail
    wrong = np.where(np.arange(gnss.sd.size).reshape(gnss.sd.shape) % 2, -1, 1) * np.abs(gnss.displacement)
    with pytest.raises(InputError, match="column of errors is negative"):
        read_gnss(gnss_csv(tmp_path / "g.csv", replace(gnss, sd=wrong)))


@pytest.mark.parametrize("n_columns", [6, 7, 9])
def test_tables_without_header_and_with_surplus_columns_are_refused(tmp_path: Path, n_columns: int) -> None:
    row = " ".join(["30.1", "40.2", "0.1", "0.2", "0.05", "0.003", "0.003", "0.005", "0.5"][:n_columns])
    (tmp_path / "g.txt").write_text(f"{row}\n" * 3)
    with pytest.raises(InputError, match="whose meaning is unclear: add a header"):
        read_gnss(tmp_path / "g.txt")


def test_coordinates_without_names_near_the_diagonal_are_refused(
    quake: tuple[Fault, Gnss, Insar], tmp_path: Path
) -> None:
    fault, gnss, _ = quake
    moved = replace(
        fault, corners=tuple(corner + np.array([10.0, 0, 0]) for corner in fault.corners)
    )  # to 40 N 40 E
    rows = np.column_stack([gnss.latitude, gnss.longitude + 10, gnss.displacement, gnss.sd])
    np.savetxt(tmp_path / "g.txt", rows, "%.5f")
    with pytest.raises(InputError, match="may be longitude and latitude or the reverse"):
        prepare(tmp_path / "g.txt", [], moved, QualityLog())
    np.savetxt(tmp_path / "g.txt", rows, "%.5f", header="lat lon e n u se sn su")
    found = prepare(tmp_path / "g.txt", [], moved, QualityLog()).gnss
    assert found is not None
    np.testing.assert_allclose(found.latitude, gnss.latitude, atol=1e-5)


def scene_with_angles(
    path: Path, scene: Insar, incidence: float, direction: float, names: str
) -> tuple[Insar, QualityLog]:
    n = np.ones(len(scene))
    rows = np.column_stack([scene.longitude, scene.latitude, scene.los, incidence * n, direction * n])
    np.savetxt(path, rows, "%.6f", ",", header=f"lon,lat,los,{names}", comments="")
    quality_log = QualityLog()
    return read_insar(path, quality_log), quality_log


@pytest.mark.parametrize(("heading", "look"), [(-13.0, RIGHT_LOOKING[0]), (-167.0, RIGHT_LOOKING[1])])
def test_angles_in_radians_are_noticed(
    quake: tuple[Fault, Gnss, Insar], tmp_path: Path, heading: float, look: list[float]
) -> None:
    for names in ("incidence,heading", "incidence (rad),heading (rad)"):
        angles = np.radians([38.0, heading])
        found, quality_log = scene_with_angles(tmp_path / "s.csv", quake[2], *angles, names)
        np.testing.assert_allclose(found.look[0], look, atol=2e-3)
        assert ("assumed" in kinds(quality_log)) == ("rad" not in names)
    with pytest.raises(InputError, match="may be degrees or radians"):
        scene_with_angles(tmp_path / "s.csv", quake[2], 38.0, np.radians(heading), "incidence,heading")


@pytest.mark.parametrize("azimuth", [102.6, -102.6, 77.0])
def test_the_azimuth_of_the_line_of_sight_is_no_heading(
    quake: tuple[Fault, Gnss, Insar], tmp_path: Path, azimuth: float
) -> None:
    for name in ("azimuth", "heading"):
        with pytest.raises(InputError, match="are not the incidence and heading of a radar satellite"):
            scene_with_angles(tmp_path / "s.csv", quake[2], 38.0, azimuth, f"incidence,{name}")
    found, quality_log = scene_with_angles(tmp_path / "s.csv", quake[2], 38.0, -13.0, "incidence,azimuth")
    np.testing.assert_allclose(found.look[0], RIGHT_LOOKING[0], atol=2e-3)
    assert "taken as the heading" in quality_log.issues[0].detail


def test_the_table_of_gmtsar_is_recognised_by_its_look_vectors(
    quake: tuple[Fault, Gnss, Insar], tmp_path: Path
) -> None:
    _, _, scene = quake
    height = np.linspace(100, 2000, len(scene))
    rows = [scene.longitude, scene.latitude, height, *scene.look.T, scene.los, np.full(len(scene), 0.01)]
    np.savetxt(tmp_path / "scene.lltnde", np.column_stack(rows), "%.6f")
    quality_log = QualityLog()
    found = read_insar(tmp_path / "scene.lltnde", quality_log)
    np.testing.assert_allclose(found.los, scene.los, atol=1e-6)
    assert "GMTSAR" in quality_log.issues[0].detail
    np.savetxt(
        tmp_path / "scene.txt", np.column_stack(rows[:7]), "%.6f"
    )  # topography where displacement should be
    with pytest.raises(InputError, match=r"errors is negative|impossible|no unit|cm or mm"):
        read_insar(tmp_path / "scene.txt")


def test_look_vectors_of_another_direction_are_left_out(
    quake: tuple[Fault, Gnss, Insar], tmp_path: Path
) -> None:
    _, _, scene = quake
    look = scene.look.copy()
    look[5], look[6] = look[5, [1, 0, 2]], 3 * look[6]
    rows = np.column_stack([scene.longitude, scene.latitude, scene.los, look])
    header = "lon,lat,los,look_e,look_n,look_u"
    np.savetxt(tmp_path / "s.csv", rows, "%.6f", ",", header=header, comments="")
    quality_log = QualityLog()
    assert len(read_insar(tmp_path / "s.csv", quality_log)) == len(scene) - 2
    assert kinds(quality_log)["impossible"] == 2
    rows[:, 3:] = np.random.default_rng(0).uniform(-1, 1, look.shape)
    np.savetxt(tmp_path / "s.csv", rows, "%.6f", ",", header=header, comments="")
    with pytest.raises(InputError, match="look vectors have lengths"):
        read_insar(tmp_path / "s.csv")


def test_data_far_from_the_fault_are_refused_with_a_hint(quake: tuple[Fault, Gnss, Insar]) -> None:
    fault, gnss, _ = quake
    mirrored = replace(gnss, longitude=-gnss.longitude)
    with pytest.raises(InputError, match="with the opposite sign of the longitude"):
        prepare(mirrored, [], fault, QualityLog())
    with pytest.raises(InputError, match="nothing lies within"):
        prepare(replace(gnss, latitude=gnss.latitude - 12), [], fault, QualityLog())
    tight = replace(gnss, longitude=30 + gnss.longitude / 1e4, latitude=40 + gnss.latitude / 1e4)
    with pytest.raises(InputError, match="in metres"):
        prepare(tight, [], fault, QualityLog())


def test_sites_on_the_trace_are_masked_and_named(tmp_path: Path) -> None:
    _, _, gnss, _ = earthquake(tmp_path)
    plane = {"strike": 90, "dip": 90, "length_km": 60, "width_km": 15, "top_depth_km": 0, "rake": 180}
    point = {"type": "Point", "coordinates": [30.25, 40.0]}
    feature = {"type": "Feature", "geometry": point, "properties": plane}
    (tmp_path / "f.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    places = gnss.longitude.copy(), gnss.latitude.copy()
    places[0][:2], places[1][:2] = 30.25, [40.0, 40.0001]
    on_it = replace(gnss, longitude=places[0], latitude=places[1])
    quality_log = QualityLog()
    prepared = prepare(on_it, [], tmp_path / "f.geojson", quality_log)
    assert prepared.gnss is not None and not {"S00", "S01"} & set(prepared.gnss.site)
    assert "S00, S01" in next(one.detail for one in quality_log.issues if one.kind == "near_fault")
