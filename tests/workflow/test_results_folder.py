"""What the commands leave behind: the files of DESIGN's contracts, with the right things in them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from typer.testing import Result

from selfseis import __version__
from selfseis.io.obspy_import import obspy
from selfseis.recording import open_recording
from selfseis.simulate import SimulatedEvent

Command = Callable[..., Result]
RIDGE = ("--method", "ridge")
INTERVAL = {"value", "low", "high"}


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "catalogue.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def quakeml_events(folder: Path) -> list[Any]:
    return list(obspy().read_events(str(folder / "catalogue.xml"), format="QUAKEML"))


def utc(text: str) -> np.datetime64:
    assert text.endswith("Z")
    return np.datetime64(text[:-1], "ms")


@pytest.fixture(scope="module")
def noise_run(recordings: Path, selfseis: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of results of a network that holds nothing but noise."""
    out = tmp_path_factory.mktemp("noise") / "results"
    assert selfseis("run", recordings / "quiet.mseed", "--out", out, "--no-picks").exit_code == 0
    return out


def test_nothing_is_left_over(finished_run: Path) -> None:
    assert sorted(path.name for path in finished_run.iterdir()) == [
        "catalogue.csv", "catalogue.xml", "denoised.nc", "explore", "model", "report.html", "run.json", "snippets",
        "timeline.nc", "verdict.json",
    ]  # fmt: skip
    assert sorted(path.name for path in (finished_run / "model").iterdir()) == [
        "model.json",
        "model.safetensors",
    ]
    assert not [path for path in finished_run.rglob(".*")]


def test_the_catalogue_holds_events_that_are_there(
    finished_run: Path, true_events: list[SimulatedEvent]
) -> None:
    found = rows(finished_run)
    assert list(found[0]) == [
        "event_id", "start", "end", "score", "p_value", "n_channels", "false_discovery_rate", "calibrated",
    ]  # fmt: skip
    assert len(found) == len(true_events)
    for event, true in zip(found, true_events, strict=True):
        assert utc(event["start"]) <= true.end and utc(event["end"]) >= true.start
        assert float(event["score"]) > 0 and 0 <= float(event["p_value"]) < 0.01
        assert 8 < int(event["n_channels"]) <= 48


def test_quakeml_tells_the_same_as_the_table(finished_run: Path) -> None:
    events, found = quakeml_events(finished_run), rows(finished_run)
    assert [event.event_descriptions[0].text for event in events] == [row["event_id"] for row in found]
    for event, row in zip(events, found, strict=True):
        assert f"start {row['start']}; end {row['end']}; score {row['score']}" in event.comments[0].text


def test_verdicts_have_the_keys_of_the_contract_and_work_on_strong_events(finished_run: Path) -> None:
    verdicts = read_json(finished_run / "verdict.json")
    assert [verdict["task"] for verdict in verdicts] == ["denoise", "detect", "explore"]
    assert verdicts[0]["reason"].startswith("Better than the ")
    assert "of weakened copies of the events are still found" in verdicts[1]["reason"]
    for verdict in verdicts[:2]:
        assert verdict["verdict"] == "works"
        assert set(verdict["skill"]) == INTERVAL
        assert set(verdict["baseline"]) == set(verdict["null"]) == INTERVAL | {"name"}
        skill, baseline, null = verdict["skill"], verdict["baseline"], verdict["null"]
        assert skill["low"] <= skill["value"] <= skill["high"]
        assert skill["value"] > baseline["value"] and skill["low"] > null["high"]


def test_run_json_says_what_was_done_to_what(finished_run: Path, recordings: Path) -> None:
    run = read_json(finished_run / "run.json")
    typed = ["run", str(recordings / "fibre.nc"), "--out", str(finished_run), *RIDGE]
    assert run["command"] == "run" and run["command_line"][: 1 + len(typed)] == ["selfseis", *typed]
    assert run["selfseis"] == __version__ and run["versions"].keys() >= {"python", "numpy", "obspy", "torch"}
    assert run["seed"] == 0 and run["parameters"]["false_alarms_per_day"] == 1.0
    assert run["wall_seconds"].keys() == {"open", "train", "detect", "denoise", "explore", "pictures"}
    assert run["quality_log"] == {"findings": [], "failed_units": []}
    assert run["recording"].pop("valid_fraction") > 0.99  # the outermost windows reach beyond the ends
    assert run["recording"] == {
        "title": "fibre.nc", "n_channels": 48, "n_samples": 15000, "sampling_rate": 50.0, "units": "strain/s",
        "start": "2020-01-01T00:00:00.000Z", "end": "2020-01-01T00:04:59.980Z", "geometry": "fibre",
    }  # fmt: skip


def test_cleaned_waveforms_lie_where_the_raw_ones_do(finished_run: Path, recordings: Path) -> None:
    raw, clean = open_recording(recordings / "fibre.nc"), open_recording(finished_run / "denoised.nc")
    assert clean.attrs == raw.attrs
    np.testing.assert_array_equal(clean["time"], raw["time"])
    np.testing.assert_array_equal(clean["distance"], raw["distance"])
    assert np.isfinite(clean.values).all() and np.std(clean.values) < np.std(raw.values)


def test_the_page_stands_alone_and_begins_with_the_verdict(finished_run: Path) -> None:
    page = (finished_run / "report.html").read_text(encoding="utf-8")
    assert "src=" not in page and "http://" not in page.replace("http://www.w3.org/", "")
    for verdict in read_json(finished_run / "verdict.json"):
        assert verdict["reason"].partition(":")[0] in page
    assert all(event["event_id"] in page for event in rows(finished_run))


def test_noise_is_called_noise(noise_run: Path) -> None:
    assert [verdict["verdict"] for verdict in read_json(noise_run / "verdict.json")] == ["no_gain"] * 3
    assert rows(noise_run) == quakeml_events(noise_run) == []
    assert not list(noise_run.glob("denoised*"))
    assert "not better than the baseline" in " ".join(read_json(noise_run / "run.json")["notes"])
    assert "nothing beyond the null" in (noise_run / "report.html").read_text(encoding="utf-8")


def test_the_same_command_gives_the_same_results(
    selfseis: Command, noise_run: Path, recordings: Path, tmp_path: Path
) -> None:
    selfseis("run", recordings / "quiet.mseed", "--out", tmp_path, "--no-picks")
    for name in ("catalogue.csv", "catalogue.xml", "verdict.json", "model/model.safetensors"):
        assert (tmp_path / name).read_bytes() == (noise_run / name).read_bytes()


def test_part_of_a_network_in_a_band_at_a_rate_of_false_alarms(
    selfseis: Command, recordings: Path, tmp_path: Path
) -> None:
    part = ("--start", "2020-01-01T00:01:00", "--end", "2020-01-01T00:04:00", "--select", "*.BHZ")
    how = ("--band", 2, 10, "--false-alarms-per-day", 24, "--seed", 7)
    done = selfseis("run", recordings / "network.mseed", "--out", tmp_path, *part, *how)
    assert done.exit_code == 0, done.output
    run = read_json(tmp_path / "run.json")
    assert (run["recording"]["n_channels"], run["recording"]["n_samples"]) == (3, 3 * 60 * 50)
    assert run["recording"]["start"] == "2020-01-01T00:01:00.000Z"
    assert run["parameters"] == {
        "method": "auto", "band": [2.0, 10.0], "false_alarms_per_day": 24.0, "seed": 7, "picks": True,
        "training_fraction": 1.0, "velocity": None, "explore": True, "blind_zone": None,
    }  # fmt: skip
    with xr.open_dataset(tmp_path / "timeline.nc", engine="h5netcdf") as timeline:
        assert timeline.attrs["false_alarms_per_day"] == 24.0
    with xr.open_dataset(tmp_path / "snippets" / "overview.nc", engine="h5netcdf") as overview:
        assert list(overview.attrs["band_hz"]) == [2.0, 10.0]
        assert list(overview["seed_id"].values) == [f"XX.S00{k}.00.BHZ" for k in range(3)]


def test_a_stretch_of_fibre(selfseis: Command, recordings: Path, tmp_path: Path) -> None:
    done = selfseis(
        "detect",
        recordings / "fibre.nc",
        "--out",
        tmp_path,
        "--select",
        "100:250",
        "--end",
        "2020-01-01T00:02:00",
    )
    assert done.exit_code == 0, done.output
    assert read_json(tmp_path / "run.json")["recording"]["n_channels"] == 16
    assert len(rows(tmp_path)) == 1
    assert [verdict["task"] for verdict in read_json(tmp_path / "verdict.json")] == ["detect"]


def test_a_model_is_learnt_judged_and_used(
    selfseis: Command, recordings: Path, finished_run: Path, tmp_path: Path
) -> None:
    fibre, model = recordings / "fibre.nc", finished_run / "model"
    said = selfseis("evaluate", model, fibre)
    (judged,) = json.loads(selfseis("evaluate", model, fibre, "--json").stdout)
    assert judged["task"] == "denoise" and judged["reason"] in said.stdout

    cleaned = []
    for name in ("clean.nc", "clean.zarr", "clean.mseed"):
        done = selfseis("denoise", fibre, "--model", model, "--out", tmp_path / name)
        assert done.exit_code == 0 and name in done.stdout
        cleaned.append(open_recording(tmp_path / name).values)
    expected = open_recording(finished_run / "denoised.nc").values
    for values in cleaned:
        np.testing.assert_array_equal(values, expected)

    done = selfseis("detect", fibre, "--model", model, "--out", tmp_path / "found")
    assert done.exit_code == 0
    assert rows(tmp_path / "found") == rows(finished_run)
    assert len(quakeml_events(tmp_path / "found")) == len(rows(finished_run))
