"""The main job on real recordings: every kind that lies beside the checkout, and those that pip installs."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from typer.testing import Result

from selfseis import samples
from selfseis.errors import InputError
from selfseis.io.obspy_import import obspy
from selfseis.workflow import run
from selfseis.workflow.demo import compare_with_manual_picks
from selfseis.workflow.options import RunOptions
from selfseis.workflow.settings import Settings
from short_options import SHORT_PICKER

Command = Callable[..., Result]
RIDGE = ("--method", "ridge")
QUICK_FIBRES = (
    "decimated_optodas.hdf5",
    "deformation_rate_event_1.hdf5",
    "febus_2.h5",
    "terra15_v5_test_file.hdf5",
)
SLOW_FIBRES = (
    "forge_eq68.mat",
    "iDAS005_hdf5_example.626.h5",
    "silixa_h5_1.hdf5",
    "valencia_febus_example.h5",
)


def main_job(selfseis: Command, out: Path, *typed: object) -> dict[str, Any]:
    """Run, check that everything was written, and return run.json."""
    done = selfseis("run", *typed, "--out", out, *RIDGE)
    assert done.exit_code == 0, done.output
    verdicts = json.loads((out / "verdict.json").read_text())
    run_json = json.loads((out / "run.json").read_text())
    of_stations = ["pick"] if run_json["recording"]["geometry"] == "network" else []
    assert [verdict["task"] for verdict in verdicts] == ["denoise", "detect", *of_stations, "explore"]
    page = html.unescape((out / "report.html").read_text(encoding="utf-8"))
    assert all(verdict["reason"].partition(":")[0] in page for verdict in verdicts)
    n_rows = len((out / "catalogue.csv").read_text().splitlines()) - 1
    assert len(obspy().read_events(str(out / "catalogue.xml"))) == n_rows
    return run_json


def test_an_hour_of_an_archive(selfseis: Command, shared_data: Path, tmp_path: Path) -> None:
    hour = ("--start", "2014-05-01T03:00:00", "--end", "2014-05-01T04:00:00")
    done = main_job(selfseis, tmp_path, shared_data / "stations" / "cx_pb" / "archive", *hour)
    recording = done["recording"]
    assert recording["geometry"] == "network" and recording["n_channels"] == 6
    assert recording["n_samples"] == 3600 * recording["sampling_rate"]


@pytest.mark.slow
def test_a_folder_of_events(selfseis: Command, shared_data: Path, tmp_path: Path) -> None:
    done = main_job(selfseis, tmp_path, shared_data / "stations" / "iceland_vt")
    assert done["recording"]["n_channels"] == 36
    assert {found["kind"] for found in done["quality_log"]["findings"]} >= {"gap", "overlap"}


@pytest.mark.parametrize(
    "name", [*QUICK_FIBRES, *(pytest.param(n, marks=pytest.mark.slow) for n in SLOW_FIBRES)]
)
def test_a_fibre(selfseis: Command, shared_data: Path, tmp_path: Path, name: str) -> None:
    done = main_job(selfseis, tmp_path, shared_data / "das" / name)
    assert done["recording"]["geometry"] == "fibre" and done["quality_log"]["failed_units"] == []


def test_every_fibre_is_tried(shared_data: Path) -> None:
    assert {path.name for path in (shared_data / "das").iterdir()} == {*QUICK_FIBRES, *SLOW_FIBRES}


def installed(open_sample: Callable[[], xr.DataArray]) -> xr.DataArray:
    try:
        return open_sample()
    except InputError as missing:
        if "is not installed" in str(missing):
            pytest.skip(str(missing))
        raise


def test_the_earthquake_on_the_porotomo_fibre(tmp_path: Path) -> None:
    outcome = run(installed(samples.porotomo_earthquake), tmp_path, Settings("ridge"))
    assert [(verdict.task, verdict.outcome) for verdict in outcome.verdicts] == [
        ("denoise", "works"),
        ("detect", "works"),
        ("explore", "no_gain"),
    ]
    (earthquake,) = outcome.events
    assert earthquake.start <= np.datetime64("2016-03-21T07:37:55") <= earthquake.end
    assert earthquake.n_channels > 250


def test_the_events_over_the_mine(tmp_path: Path) -> None:
    short = Settings(options=RunOptions(picker=SHORT_PICKER))
    outcome = run(installed(samples.mine_recording), tmp_path, short)
    sentence = compare_with_manual_picks(outcome.events, samples.mine_manual_picks())
    n_detected = int(sentence.partition(" of 5 events detected")[0].rpartition(" ")[2])
    assert n_detected >= 4, sentence
