"""Result files of a slip inversion, and the report page."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from slip_earthquakes import earthquake, fault_file, gnss_csv, insar_csv, usgs_json
from typer.testing import Result

from selfseis.slip import read_fault, read_fsp

NAMES = {
    "slip.geojson",
    "slip.fsp",
    "slip.nc",
    "summary.json",
    "heldout.csv",
    "verdict.json",
    "run.json",
    "report.html",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, selfseis: Callable[..., Result]) -> Path:
    place = tmp_path_factory.mktemp("slip")
    _, _, gnss, scene = earthquake(place)
    done = selfseis(
        "slip", "--gnss", usgs_json(place / "static_data.json", gnss), "--insar",
        insar_csv(place / "scene.csv", scene, sign=-1.0), "--fault", fault_file(place), "--out", place / "out",
        "--patch-km", 10, "--prior", "laplacian", "--prior", "positive-gp", "--folds", 4, "--samples", 40,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "slip: works." in done.output and "The sign is wrong" in done.output
    assert "predicted from the others (variance reduction): yes for GNSS" in done.output
    assert re.search(r"^insar scene +0\.\d+ \(.* to .*\) +-?0\.\d+$", done.output, re.M)
    assert re.search(r"^Mw \d\.\d\d \(\d\.\d\d to \d\.\d\d\); report: ", done.output, re.M)
    return place / "out"


def test_all_files_are_there(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == NAMES


def test_the_summary_agrees_with_the_other_files(folder: Path) -> None:
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["Mw_low"] <= summary["Mw"] <= summary["Mw_high"]
    with xr.open_dataset(folder / "slip.nc", engine="h5netcdf") as stored:
        moment = float((stored["slip"] * stored["area_km2"] * 1e6 * stored["rigidity_pa"]).sum())
        np.testing.assert_allclose(
            stored["slip_draws"].std("draw", ddof=1), stored["slip_sd"], rtol=1e-3, atol=1e-5
        )
    assert moment == pytest.approx(summary["moment_nm"], rel=1e-6)
    assert 2 / 3 * (np.log10(moment) - 9.1) == pytest.approx(summary["Mw"])
    verdict = json.loads((folder / "verdict.json").read_text())[0]
    assert verdict["task"] == "slip" and verdict["verdict"] == "works"
    assert len(verdict["details"]["priors"]) == 5


def test_the_fsp_and_the_geojson_are_read_back_unchanged(folder: Path) -> None:
    with xr.open_dataset(folder / "slip.nc", engine="h5netcdf") as stored:
        slip, rake, depth = (stored[name].values for name in ("slip", "rake", "depth_km"))
    model = read_fsp(folder / "slip.fsp")
    np.testing.assert_allclose(model.slip, slip, atol=1e-4)
    np.testing.assert_allclose(model.rake, rake, atol=1e-3)
    np.testing.assert_allclose(model.fault.centres[:, 2], depth, atol=1e-2)
    again, _ = read_fault(folder / "slip.geojson")
    np.testing.assert_allclose(again.centres[:, 2], depth, atol=1e-2)
    np.testing.assert_allclose(again.area_km2, model.fault.area_km2, rtol=1e-3)


def test_held_out_data_are_listed_with_every_prior(folder: Path) -> None:
    header, *rows = (folder / "heldout.csv").read_text().splitlines()
    assert header.startswith(
        'name,kind,lon,lat,block,fold,observed,predicted,sd,"predicted by Laplacian, not negative"'
    )
    assert header.endswith(",held_out")
    n_data = 18 * 3 + 144
    assert [row.rsplit(",", 1)[1] for row in rows] == ["block"] * n_data + ["type"] * n_data


def test_held_out_types_are_in_the_summary_and_on_the_page(folder: Path) -> None:
    types = json.loads((folder / "summary.json").read_text())["held_out_types"]
    assert [one["kind"] for one in types["types"]] == ["gnss", "insar scene"]
    assert all(one["predictable"] == "yes" for one in types["types"])
    page = (folder / "report.html").read_text()
    assert "Data types, held out one at a time" in page and types["summary"] in page
    assert "Scene scene: The sign is wrong" in page


def test_the_page_shows_the_main_results(folder: Path) -> None:
    page = (folder / "report.html").read_text()
    for text in ("Slip works on these data", "Slip, standard deviation and resolution", "Moment by depth",
                 "The sign is wrong", "Priors on the same held-out data", "uniform slip", "ramps only"):  # fmt: skip
        assert text in page, text
    assert "<script" not in page and "nan" not in page.lower().replace("provenance", "")


def test_bad_input_ends_with_one_line_and_status_2(tmp_path: Path, selfseis: Callable[..., Result]) -> None:
    _, _, gnss, _ = earthquake(tmp_path)
    sites, fault = gnss_csv(tmp_path / "g.csv", gnss), fault_file(tmp_path)
    for words in (
        ("--gnss", tmp_path / "none.csv", "--fault", fault),
        ("--gnss", sites, "--fault", tmp_path / "none.geojson"),
        ("--gnss", sites, "--fault", sites),
        ("--fault", fault),
    ):
        done = selfseis("slip", *words, "--out", tmp_path / "out")
        assert done.exit_code == 2
        assert len([line for line in done.output.splitlines() if line.startswith("selfseis: ")]) == 1
        assert not (tmp_path / "out" / "summary.json").exists()


def test_a_steep_fault_is_shown_as_a_section(folder: Path, tmp_path: Path) -> None:
    from selfseis.report import write_inversion_report

    assert "along strike (km)" not in (folder / "report.html").read_text()
    copy = tmp_path / "steep"
    shutil.copytree(folder, copy)
    with xr.open_dataset(folder / "slip.nc", engine="h5netcdf") as stored:
        stored.load().assign(dip=stored["dip"] * 0 + 88.0).to_netcdf(copy / "slip.nc", engine="h5netcdf")
    page = write_inversion_report(copy).read_text()
    assert "along strike (km)" in page and "Section: slip (m)" in page
