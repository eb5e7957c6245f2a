"""Files of other conventions: headers, separators, units and longitudes; scenes of kite."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from slip_earthquakes import earthquake, geometry

from selfseis.errors import InputError
from selfseis.geo.projection import LocalMap
from selfseis.quality_log import Issue, QualityLog
from selfseis.slip import Fault, Gnss, Insar, read_fault, read_gnss, read_insar
from selfseis.slip.prepare import prepare


@pytest.fixture(scope="module")
def quake(tmp_path_factory: pytest.TempPathFactory) -> tuple[Gnss, Insar]:
    _, _, gnss, scene = earthquake(tmp_path_factory.mktemp("quake"))
    return gnss, scene


def written(path: Path, header: str, rows: list[list[str]], separator: str = ",") -> Path:
    lines = ([header] if header else []) + [separator.join(row) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


def gnss_rows(gnss: Gnss, unit: float = 1.0, turn: float = 0.0) -> list[list[str]]:
    table = np.column_stack([gnss.longitude + turn, gnss.latitude, unit * gnss.displacement, unit * gnss.sd])
    return [[site, *(f"{value:.6f}" for value in row)] for site, row in zip(gnss.site, table, strict=True)]


def same_sites(found: Gnss, gnss: Gnss, *, up: bool = True) -> None:
    columns = slice(None) if up else slice(0, 2)
    np.testing.assert_allclose(found.displacement[:, columns], gnss.displacement[:, columns], atol=2e-6)
    np.testing.assert_allclose(found.sd[:, columns], gnss.sd[:, columns], atol=2e-6)
    np.testing.assert_allclose((found.longitude - gnss.longitude + 180) % 360 - 180, 0, atol=2e-6)


@pytest.mark.parametrize(
    ("header", "separator", "unit"),
    [
        (
            "Station;Longitude (deg);Latitude (deg);dE (mm);dN (mm);dU (mm);Sig_E (mm);Sig_N (mm);Sig_U (mm)",
            ";",
            1000,
        ),
        ("SITE,LON,LAT,East[cm],North[cm],Up[cm],sigma_east[cm],sigma_north[cm],sigma_up[cm]", ",", 100),
        ("# site lon lat e_mm n_mm u_mm se_mm sn_mm su_mm", " ", 1000),
        ("%Name\tlong\tlat\tux\tuy\tuz\tstd_e\tstd_n\tstd_u", "\t", 1),
        ("! coseismic offsets, 2021-07-29\n# a second comment\nsta lon lat de dn du sde sdn sdu", " ", 1),
        ("", " ", 1),
    ],
)
def test_gnss_with_other_headers(
    quake: tuple[Gnss, Insar], tmp_path: Path, header: str, separator: str, unit: float
) -> None:
    gnss, _ = quake
    same_sites(read_gnss(written(tmp_path / "g.txt", header, gnss_rows(gnss, unit), separator)), gnss)


def test_gnss_with_decimal_commas(quake: tuple[Gnss, Insar], tmp_path: Path) -> None:
    gnss, _ = quake
    rows = [[row[0], *(cell.replace(".", ",") for cell in row[1:])] for row in gnss_rows(gnss)]
    same_sites(read_gnss(written(tmp_path / "g.csv", "site;lon;lat;e;n;u;se;sn;su", rows, ";")), gnss)


def test_gnss_without_header_as_gmt_and_as_bare_numbers(quake: tuple[Gnss, Insar], tmp_path: Path) -> None:
    gnss, _ = quake
    as_gmt = [[*row[1:5], *row[6:8], "0.01", row[0]] for row in gnss_rows(gnss)]
    found = read_gnss(written(tmp_path / "g.gmt", "", as_gmt, " "))
    assert found.site == gnss.site and np.isnan(found.displacement[:, 2]).all()
    same_sites(found, gnss, up=False)
    same_sites(read_gnss(written(tmp_path / "g.dat", "", [row[1:] for row in gnss_rows(gnss)], " ")), gnss)
    behind = [[*row[1:], row[0]] for row in gnss_rows(gnss)]
    same_sites(read_gnss(written(tmp_path / "h.dat", "", behind, " ")), gnss)


def test_longitudes_from_0_to_360_are_places_too(quake: tuple[Gnss, Insar], tmp_path: Path) -> None:
    gnss, scene = quake
    west = replace(gnss, longitude=gnss.longitude - 100.0)
    point = {"type": "Point", "coordinates": [-70.0, 40.0]}
    from slip_earthquakes import PROPERTIES, feature, write_geojson

    fault, _ = read_fault(write_geojson(tmp_path / "f.geojson", feature(point, **PROPERTIES)), 10.0)
    sites = written(tmp_path / "g.csv", "site,lon,lat,e,n,u,se,sn,su", gnss_rows(west, turn=360.0))
    turned = replace(scene, longitude=scene.longitude - 100.0 + 360.0)
    prepared = prepare(sites, [turned], fault, QualityLog())
    assert prepared.gnss is not None
    np.testing.assert_allclose(prepared.gnss.longitude, west.longitude, atol=1e-5)
    np.testing.assert_allclose(prepared.scenes[0].longitude, scene.longitude - 100.0, atol=1e-9)


def test_a_scene_with_angles_for_look_vectors(quake: tuple[Gnss, Insar], tmp_path: Path) -> None:
    _, scene = quake
    incidence, heading = 38.0, 350.0  # ascending, looking east
    rows = [
        [f"{lon:.6f}", f"{lat:.6f}", f"{100 * los:.6f}", f"{incidence}", f"{heading}"]
        for lon, lat, los in zip(scene.longitude, scene.latitude, scene.los, strict=True)
    ]
    found = read_insar(written(tmp_path / "s.csv", "Lon;Lat;LOS [cm];Incidence;Heading", rows, ";"))
    np.testing.assert_allclose(found.los, scene.los, atol=1e-6)
    east, north, up = found.look[0]
    assert east < -0.5 and abs(north) < 0.15 and up == pytest.approx(np.cos(np.radians(incidence)))
    np.testing.assert_allclose(np.linalg.norm(found.look, axis=1), 1)


def test_a_scene_with_exchanged_coordinates_is_corrected(quake: tuple[Gnss, Insar], tmp_path: Path) -> None:
    gnss, scene = quake
    fault = earthquake(tmp_path)[0]
    columns = np.column_stack([scene.latitude, scene.longitude, scene.los, scene.look])
    rows = [[f"{value:.6f}" for value in row] for row in columns]
    path = written(tmp_path / "s.txt", "# lon lat los ve vn vu", rows, "  ")
    prepared = prepare(gnss, [path], fault, QualityLog())
    np.testing.assert_allclose(prepared.scenes[0].longitude, scene.longitude, atol=1e-5)


def kite_pair(folder: Path, scene: Insar, *, metres: bool, name: str = "asc") -> Path:
    """Write a scene of 12 by 12 pixels as kite does."""
    lon, lat = scene.longitude.reshape(12, 12), scene.latitude.reshape(12, 12)
    los = np.where(np.arange(144).reshape(12, 12) == 5, np.nan, scene.los.reshape(12, 12))
    theta = np.full((12, 12), np.arcsin(scene.look[0, 2]))
    phi = np.full((12, 12), np.arctan2(scene.look[0, 1], scene.look[0, 0]))
    np.savez(folder / f"{name}.npz", los, theta, phi)
    step = (lat[1, 0] - lat[0, 0], lon[0, 1] - lon[0, 0])
    if metres:
        (east,), (north,) = LocalMap(lon[0, 0], lat[0, 0]).to_km(lon[[1], [1]], lat[[1], [1]]).T
        step = (1000 * north, 1000 * east)
    (folder / f"{name}.yml").write_text(
        "# kite.Scene YAML Config\n--- !kite.SceneConfig\nmeta: !kite.Meta\n  scene_title: test\n"
        "frame: !kite.FrameConfig\n"
        f"  llLat: {lat[0, 0]}\n  llLon: {lon[0, 0]}\n  dN: {step[0]}\n  dE: {step[1]}\n"
        f"  spacing: {'meter' if metres else 'degree'}\nquadtree: !kite.QuadtreeConfig\n  epsilon: 0.02\n"
    )
    return folder / f"{name}.npz"


@pytest.mark.parametrize("metres", [False, True])
def test_scenes_of_kite(quake: tuple[Gnss, Insar], tmp_path: Path, metres: bool) -> None:
    _, scene = quake
    path = kite_pair(tmp_path, scene, metres=metres)
    for one in (path, path.with_suffix(".yml")):
        found = read_insar(one)
        kept = np.arange(144) != 5
        assert len(found) == 143 and found.name == "asc"
        np.testing.assert_allclose(found.los, scene.los[kept])
        np.testing.assert_allclose(found.look, scene.look[kept], atol=1e-6)
        # A map in metres is not one in degrees: a pixel is off by a part of its size at the far corner.
        np.testing.assert_allclose(found.longitude, scene.longitude[kept], atol=0.03 if metres else 1e-9)
        np.testing.assert_allclose(found.latitude, scene.latitude[kept], atol=0.03 if metres else 1e-9)


def test_large_scenes_of_kite_are_thinned(tmp_path: Path) -> None:
    fault, _, gnss, _ = earthquake(tmp_path)
    n = 300
    east, north = np.meshgrid(np.linspace(-1, 1, n), np.linspace(-1, 1, n))
    np.savez(tmp_path / "big.npz", np.exp(-3 * (east**2 + north**2)), np.full((n, n), 0.7), np.zeros((n, n)))
    frame = f"frame:\n  llLat: 39.5\n  llLon: 29.5\n  dN: {1 / n}\n  dE: {1 / n}\n  spacing: degree\n"
    (tmp_path / "big.yml").write_text(frame)
    quality_log = QualityLog()
    prepared = prepare(gnss, [tmp_path / "big.npz"], fault, quality_log, check_sign=False)
    assert 500 < len(prepared.scenes[0]) <= 1500
    assert "downsampled" in {finding.kind for finding in quality_log.issues}


def test_invalid_scenes_of_kite_are_refused(quake: tuple[Gnss, Insar], tmp_path: Path) -> None:
    _, scene = quake
    whole = kite_pair(tmp_path, scene, metres=False, name="whole")
    lonely = kite_pair(tmp_path, scene, metres=False, name="lonely")
    lonely.with_suffix(".yml").unlink()
    pickled = kite_pair(tmp_path, scene, metres=False, name="pickled")
    np.savez(pickled, np.array([{"los": 1}], dtype=object))
    other = kite_pair(tmp_path, scene, metres=False, name="other")
    np.savez(other, displacement=np.zeros((3, 3)))
    broken = kite_pair(tmp_path, scene, metres=False, name="broken")
    broken.write_bytes(b"PK no zip")
    nowhere = kite_pair(tmp_path, scene, metres=False, name="nowhere")
    nowhere.with_suffix(".yml").write_text("meta: !kite.Meta\n  title: none\n")
    cases = {lonely: "lonely.yml is missing", pickled: "export .* to CSV", other: "not a scene of kite",
             broken: "export .* to CSV", nowhere: "it has no llLat"}  # fmt: skip
    for path, message in cases.items():
        with pytest.raises(InputError, match=message):
            read_insar(path)
    whole.unlink()
    with pytest.raises(InputError, match=r"whole.npz is missing"):
        read_insar(whole.with_suffix(".yml"))


def test_a_quadtree_that_kite_exported_is_refused_with_a_hint(tmp_path: Path) -> None:
    header = "# node_id, focal_point_E, focal_point_N, theta, phi, unitE, unitN, unitU, mean_displacement"
    rows = [["1-2", "0.1", "0.2", "0.7", "0.1", "0.6", "0.1", "0.7", "0.05"]] * 3
    with pytest.raises(InputError, match="relative to a corner"):
        read_insar(written(tmp_path / "q.csv", header, rows))


def test_a_table_without_required_columns_lists_its_columns(tmp_path: Path) -> None:
    gnss, _ = geometry()
    rows = [[row[0], *row[3:6]] for row in gnss_rows(gnss)]
    with pytest.raises(InputError, match="has no column lon, lat: it has site, e, n, u"):
        read_gnss(written(tmp_path / "g.csv", "site,e,n,u", rows))


@pytest.mark.parametrize("factor", [0.1, 100.0, 1000.0])
def test_a_scene_in_another_unit_is_scaled_to_the_prediction_from_gnss(
    quake: tuple[Gnss, Insar], tmp_path: Path, factor: float
) -> None:
    gnss, scene = quake
    fault, quality_log = earthquake(tmp_path)[0], QualityLog()
    prepared = prepare(gnss, [replace(scene, los=-factor * scene.los)], fault, quality_log)
    np.testing.assert_allclose(prepared.scenes[0].los, scene.los, atol=1e-9)
    assert any("another unit" in finding.detail for finding in quality_log.issues)
    assert not any("another unit" in finding.detail for finding in _noted(gnss, scene, fault))


def _noted(gnss: Gnss, scene: Insar, fault: Fault) -> list[Issue]:
    quality_log = QualityLog()
    prepare(gnss, [scene], fault, quality_log)
    return quality_log.issues
