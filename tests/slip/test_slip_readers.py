"""Readers: the same earthquake in every format, real files of providers, and common mistakes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slip_earthquakes import earthquake, gnss_csv, usgs_json

from selfseis.errors import InputError
from selfseis.quality_log import QualityLog
from selfseis.slip import Insar, read_fsp, read_gnss, read_insar
from selfseis.slip.quadtree import downsampled


def test_csv_and_usgs_files_agree(tmp_path: Path) -> None:
    _, _, gnss, _ = earthquake(tmp_path)
    for found in (
        read_gnss(gnss_csv(tmp_path / "a.csv", gnss)),
        read_gnss(usgs_json(tmp_path / "static_data.json", gnss)),
    ):
        assert found.site == gnss.site
        np.testing.assert_allclose(found.displacement, gnss.displacement, atol=1e-6)
        np.testing.assert_allclose(found.sd, gnss.sd, atol=1e-6)
        np.testing.assert_allclose(found.longitude, gnss.longitude, atol=1e-6)


@pytest.mark.parametrize(("unit", "name"), [(1000.0, "mm"), (100.0, "cm")])
def test_other_units_than_metres_are_noticed(tmp_path: Path, unit: float, name: str) -> None:
    _, _, gnss, _ = earthquake(tmp_path)
    large = replace(gnss, displacement=3 * gnss.displacement)
    quality_log = QualityLog()
    found = read_gnss(gnss_csv(tmp_path / "a.csv", large, unit=unit), quality_log)
    np.testing.assert_allclose(found.displacement, large.displacement, atol=1e-6)
    assert f"read as {name}" in quality_log.issues[0].detail


def test_bad_rows_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "Station;Longitude;Latitude;East;North;Up;sigma_e;sigma_n;sigma_u\n"
        "A;30.1;40.1;0.1;0.2;0.05;0.002;0.002;0.005\n"
        "A2;30.1;40.1;0.12;0.2;nan;0.002;0.002;0.005\n"
        "B;30.2;40.1;0.1;0.2;0.05;0;0.002;0.005\n"
        "C;;40.1;0.1;0.2;0.05;0.002;0.002;0.005\n"
        "D;30.4;40.2;x;y;z;0.002;0.002;0.005\n"
    )
    quality_log = QualityLog()
    found = read_gnss(path, quality_log)
    assert found.site == ["A", "B"]
    np.testing.assert_allclose(found.displacement[0], [0.11, 0.2, 0.05])
    assert (found.sd > 0).all()
    counts = {finding.kind: finding.count for finding in quality_log.issues}
    assert counts == {"nan": 2, "assumed": 1, "duplicate": 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [("", "no data"), ("site,lon,lat\nA,1,2\n", "no column e, n"), ("lon,lat,e,n\nx,y,z,w\n", "no site")],
)
def test_a_file_without_displacements_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(InputError, match=message):
        read_gnss(tmp_path / "a.csv")


@pytest.mark.parametrize(
    "content", ["{", "[]", '[{"name": "A"}]', "3", '[{"location": [1], "component": "Z"}]']
)
def test_invalid_static_data_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "static_data.json").write_text(content)
    with pytest.raises(InputError, match=r"static_data\.json"):
        read_gnss(tmp_path / "static_data.json")


def test_the_usgs_way_of_writing_components_does_not_matter(tmp_path: Path) -> None:
    entry = {"name": "A", "location": [40.0, 30.0], "component": ["N", "E"], "observed": [["1.0"], ["2.0"]],
             "data_error": [0.1, 0.2]}  # fmt: skip
    (tmp_path / "s.json").write_text(json.dumps({"data": [entry]}))
    found = read_gnss(tmp_path / "s.json")
    np.testing.assert_allclose(found.displacement[0], [0.02, 0.01, np.nan])


def test_an_insar_header_with_away_as_positive_reverses_the_sign(tmp_path: Path) -> None:
    rows = "30.0 40.0 0.5 0.6 -0.1 0.79\n30.1 40.0 0.4 0.6 -0.1 0.79\n"
    header = "# Negative displacements\n# indicate motion toward the satellite; positive displacements away\n"
    (tmp_path / "away.txt").write_text(header + rows)
    (tmp_path / "plain.txt").write_text("# lon lat los sx sy sz\n" + rows)
    away, plain = read_insar(tmp_path / "away.txt"), read_insar(tmp_path / "plain.txt")
    np.testing.assert_allclose(away.los, [-0.5, -0.4])
    np.testing.assert_allclose(plain.los, [0.5, 0.4])
    np.testing.assert_allclose(np.linalg.norm(plain.look, axis=1), 1)


def test_insar_with_common_mistakes(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text(
        "lon,lat,los,look_e,look_n,look_u,sigma\n"
        "30,40,120,-0.6,0.1,-0.79,5\n30.1,40,130,-0.6,0.1,-0.79,0\n30.1,40,130,-0.6,0.1,-0.79,5\n30.2,40,nan,0,0,-1,5\n"
    )
    quality_log = QualityLog()
    scene = read_insar(tmp_path / "s.csv", quality_log)
    assert len(scene) == 2 and (scene.look[:, 2] > 0).all() and (scene.sd > 0).all()
    assert {"assumed", "nan", "duplicate"} == {finding.kind for finding in quality_log.issues}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=300))
def test_no_text_breaks_a_reader(tmp_path: Path, text: str) -> None:
    for name, reader in (
        ("x.csv", read_gnss),
        ("x.txt", read_insar),
        ("x.json", read_gnss),
        ("x.fsp", read_fsp),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8", newline="")
        with pytest.raises(InputError):
            reader(tmp_path / name)


def test_illapel_as_the_usgs_published_it(shared_data: Path) -> None:
    folder = shared_data / "slip" / "illapel2015"
    gnss = read_gnss(folder / "static_data.json")
    assert len(gnss) == 10 and gnss.displacement[gnss.site.index("PFRJ"), 0] == pytest.approx(-1.4353)
    scenes = [read_insar(folder / f"insar_{name}.txt") for name in ("ascending", "descending")]
    assert [len(scene) for scene in scenes] == [802, 1364]
    assert scenes[0].los[0] == pytest.approx(-1.09877)  # as in its header; the sign check then corrects it
    model = read_fsp(folder / "us20003k7a.fsp")
    assert len(model.fault) == 207 and model.magnitude == pytest.approx(8.2986, abs=1e-4)
    assert model.fault.area_km2.sum() == pytest.approx(412.335 * 134.319, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "n", "segments"), [("s1992LANDER01COHE", 204, 3), ("s2016NORCIA01PIZZ", 390, 1)]
)
def test_srcmod_files(shared_data: Path, name: str, n: int, segments: int) -> None:
    model = read_fsp(shared_data / "slip" / "fsp" / f"{name}.fsp")
    assert len(model.fault) == n and len(np.unique(model.fault.segment)) == segments
    assert np.isfinite(model.slip).all() and model.fault.top_km.min() >= -1e-6
    # The patches of a segment are adjacent: each has a neighbour, one patch away.
    assert len(np.unique(model.fault.graph().edges)) == n


def test_a_large_scene_is_averaged_where_it_is_smooth() -> None:
    east, north = (axis.ravel() for axis in np.meshgrid(np.linspace(30, 31, 150), np.linspace(40, 41, 150)))
    los = np.exp(-((east - 30.3) ** 2 + (north - 40.4) ** 2) / 0.005)
    scene = Insar("large", east, north, los, np.tile([0.6, 0.0, 0.8], (los.size, 1)), np.full(los.size, 0.01))
    fewer = downsampled(scene)
    assert 1000 < len(fewer) <= 1500
    near = np.hypot(fewer.longitude - 30.3, fewer.latitude - 40.4) < 0.15
    assert near.mean() > 3 * np.mean(np.hypot(east - 30.3, north - 40.4) < 0.15)
    exact = np.exp(-((fewer.longitude - 30.3) ** 2 + (fewer.latitude - 40.4) ** 2) / 0.005)
    assert np.abs(fewer.los - exact).max() < 0.08
    assert downsampled(fewer) is fewer
