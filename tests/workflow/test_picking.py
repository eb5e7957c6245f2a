"""Picking as a job, with a picker that was never trained: what it writes and what the page shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from selfseis.catalogue.records import Pick
from selfseis.catalogue.tables import read_picks
from selfseis.errors import InputError
from selfseis.networks.picking_unet import OnsetNet
from selfseis.pick.calibration import ReliabilityBin
from selfseis.pick.picker import Picker
from selfseis.pick.self_training import Round
from selfseis.recording import recording_from_array, write_recording
from selfseis.workflow import load_model
from selfseis.workflow.pick import summary_of
from selfseis.workflow.picked_recording import PickedRecording
from selfseis.workflow.snippets import spread, write_pick_snippets
from standing_in import picker_standing_in

Command = Callable[..., Any]

RATE = 100.0
START = np.datetime64("2014-05-01T00:00:00", "ns")
STATIONS = ("CX.PB01.", "CX.PB02.", "CX.PB03.")
HOUR = 3600.0

PAIRED = (0.3, 26.0)  # s


def recording_of(n_samples: int = 30_000) -> xr.DataArray:
    data = np.random.default_rng(0).normal(size=(9, n_samples)).astype(np.float32)
    data[4, 1000:1200] = np.nan
    seed_id = [f"{station}.HH{component}" for station in STATIONS for component in "ENZ"]
    return recording_from_array(data, RATE, START, seed_id=seed_id, units="counts")


def pick_at(seconds: float, station: str, phase: str, probability: float = 0.9) -> Pick:
    channel = "HHZ" if phase == "P" else "HHN"
    time = START + np.timedelta64(round(seconds * 1e9), "ns")
    return Pick(f"{station}.{channel}", phase, time, probability, 0.05)  # type: ignore[arg-type]


def picks_of(n_events: int, length: float, seed: int = 0) -> list[Pick]:
    """Events at all stations, and as many false P at each."""
    random = np.random.default_rng(seed)
    origin = np.linspace(20, length - 30, n_events) + random.uniform(0, 5, n_events)
    picks = []
    for station in STATIONS:
        travel = random.uniform(3, 8, n_events)
        picks += [pick_at(t, station, "P") for t in origin + travel]
        picks += [pick_at(t, station, "S") for t in origin + 1.73 * travel]
        picks += [pick_at(t, station, "P", 0.5) for t in random.uniform(0, length, n_events)]
    return sorted(picks, key=lambda pick: pick.time)


@pytest.fixture(scope="module")
def picker() -> Picker:
    """A picker that was not trained, with everything that training would have left in it."""
    untrained = picker_standing_in(RATE, window=3072)
    untrained.model_ = replace(
        untrained.model_,
        net=OnsetNet(),
        rounds=[
            Round("synthetic onsets", held_out_above_null=3.0),
            Round("round 1", 20, 4.0, 16, 50, 6.0),
        ],
        reliability={
            "P": [ReliabilityBin(0.5, 0.52, 0.4, 0.6, 30)],
            "S": [ReliabilityBin(0.5, 0.52, 0.4, 0.6, 30)],
        },
    )
    return untrained


@pytest.fixture(scope="module")
def model(picker: Picker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "picker"
    picker.save(folder)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "network.mseed"
    write_recording(recording_of(), path)
    return path


def test_picks_are_told_by_station_and_second() -> None:
    picked = PickedRecording(recording_of(), [*picks_of(3, 300), pick_at(5, "CX.PB09.", "P")])
    assert [len(onsets) for onsets in picked.onsets("P")] == [6, 6, 6]
    assert picked.station_numbers[-1] == -1
    s_at_second = [p for p in picked.picks if p.station == STATIONS[1] and p.phase == "S"]
    since_start = [(p.time - START) / np.timedelta64(1, "s") for p in s_at_second]
    assert picked.onsets("S")[1][:, 0] == pytest.approx(since_start)
    consensus = picked.consensus(PAIRED)
    assert sum(len(event.onsets) == 3 for event in consensus.events) == 3


def test_the_summary_says_what_the_page_shows(picker: Picker) -> None:
    picked = PickedRecording(recording_of(360_000), picks_of(40, HOUR))
    summary = json.loads(json.dumps(summary_of(picker, picked, picked.consensus(PAIRED)), allow_nan=False))
    assert summary["agreement"]["n_events"] >= 38
    assert summary["agreement"]["confirmations"] > 5 * summary["agreement"]["under_null"]
    assert summary["wadati"]["vp_vs"] == pytest.approx(1.73, abs=0.02)
    assert len(summary["wadati"]["dp_s"]) == len(summary["wadati"]["ds_s"]) > 60
    assert summary["thresholds"]["P"] == {"height": 0.9, "probability": 0.9}
    assert summary["rounds"][1]["events"] == 20
    # Of 80 P picks an hour at each station half are false: the bound must not be below them.
    assert min(summary["max_false_per_day"]["P"].values()) > 0.6 * 40 * 24
    assert max(summary["max_false_per_day"]["S"].values()) < 0.3 * 40 * 24


def test_one_station_alone_has_no_bound_and_says_so(picker: Picker) -> None:
    alone = recording_of(360_000).isel(channel=slice(0, 3))
    picked = PickedRecording(alone, [p for p in picks_of(40, HOUR) if p.station == STATIONS[0]])
    summary = summary_of(picker, picked, picked.consensus(PAIRED))
    assert "one station alone" in summary["agreement"]["statement"]
    assert summary["max_false_per_day"] == {} and summary["wadati"]["vp_vs"] is None


def test_the_gallery_is_a_sample_with_its_picks(tmp_path: Path) -> None:
    picked = PickedRecording(recording_of(360_000), picks_of(40, HOUR))
    write_pick_snippets(tmp_path / "pick_snippets", picked, picked.consensus(PAIRED))
    paths = sorted((tmp_path / "pick_snippets").glob("*.nc"))
    snippets = [xr.open_dataset(path, engine="h5netcdf").load() for path in paths]
    positives = [snippet for snippet in snippets if "consensus" in snippet.attrs["title"]]
    assert len(positives) == 12 and len(snippets) == 18
    for snippet in positives:
        assert snippet["before"].shape[0] >= 6
        assert set(snippet["pick_phase"].values) == {"P", "S"}
        inside = (snippet["pick_time"] >= snippet["time"][0]) & (snippet["pick_time"] <= snippet["time"][-1])
        assert bool(inside.all())
        assert snippet.attrs["units"] == "counts"
    assert all(
        "no other station confirms" in s.attrs["about"] for s in snippets if "unconfirmed" in s.attrs["title"]
    )


def test_gaps_stay_gaps_in_the_gallery(tmp_path: Path) -> None:
    picked = PickedRecording(recording_of(), [pick_at(11.0, "CX.PB02.", "P")])
    write_pick_snippets(tmp_path, picked, picked.consensus(PAIRED))
    (path,) = tmp_path.glob("*.nc")
    with xr.open_dataset(path, engine="h5netcdf") as snippet:
        missing = np.isnan(snippet["before"].values).sum(axis=1)
    assert missing.tolist() == [0, 200, 0]


def test_a_sample_is_spread() -> None:
    assert spread(range(100), 5) == [0, 25, 50, 74, 99]
    assert spread("ab", 5) == ["a", "b"]
    assert spread([], 5) == []


def test_picking_writes_what_the_design_says(
    selfseis: Command, model: Path, data: Path, tmp_path: Path
) -> None:
    done = selfseis("pick", data, "--model", model, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.stderr
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names >= {
        "picks.csv", "picks.xml", "picks_summary.json", "verdict.json", "run.json", "report.html", "pick_snippets",
    }  # fmt: skip
    assert json.loads((tmp_path / "out" / "verdict.json").read_text())[0]["task"] == "pick"
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["command"] == "pick" and run["parameters"]["false_discovery_rate"] == 0.5
    n_picks = len(read_picks(tmp_path / "out"))
    assert f"{sum(p.phase == 'P' for p in read_picks(tmp_path / 'out'))} P and" in done.stdout
    page = (tmp_path / "out" / "report.html").read_text()
    assert 'id="picks"' in page and "Self-training rounds" in page
    assert n_picks >= 0


def test_learning_on_the_spot(selfseis: Command, data: Path, tmp_path: Path) -> None:
    """As few steps of training as show that everything is joined up."""
    trained = selfseis(
        "train", "picker", data, "--model", tmp_path / "model", "--rounds", 0, "--training-fraction", 0.5
    )
    assert Picker.load(tmp_path / "model").training_fraction == 0.5
    assert trained.exit_code == 0, trained.stderr
    assert f"model: {tmp_path / 'model'}" in trained.stdout
    assert not list(tmp_path.glob(".*.training"))
    options = (
        "--rounds",
        0,
        "--training-fraction",
        0.5,
        "--false-alarms-per-day",
        5000,
        "--s-minus-p",
        0.3,
        9,
    )
    done = selfseis("pick", data, "--out", tmp_path / "out", "--train", *options)
    assert done.exit_code == 0, done.stderr
    assert isinstance(load_model(tmp_path / "out" / "model"), Picker)
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["parameters"]["s_minus_p"] == [0.3, 9.0]
    assert any("0.5 of the full training" in note for note in run["notes"])
    assert set(run["wall_seconds"]) == {"train", "pick", "pictures", "evaluate"}


def test_a_verdict_is_given_by_whatever_the_model_is(selfseis: Command, model: Path, data: Path) -> None:
    done = selfseis("evaluate", model, data, "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)[0]["task"] == "pick"
    assert isinstance(load_model(model), Picker)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "holds no model"),
        ("{", "is damaged"),
        ('{"kind": "oracle"}', "unknown kind 'oracle'"),
        ("[]", "is damaged"),
    ],
)
def test_what_is_no_model(tmp_path: Path, content: str | None, says: str) -> None:
    if content is not None:
        (tmp_path / "model.json").write_text(content)
    with pytest.raises(InputError, match=says):
        load_model(tmp_path)


def test_a_first_look_takes_the_starting_network(selfseis: Command, data: Path, tmp_path: Path) -> None:
    done = selfseis("pick", data, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.stderr
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert set(run["wall_seconds"]) == {"calibrate", "pick", "pictures", "evaluate"}
    assert any("starting network" in note for note in run["notes"])
    assert Picker.load(tmp_path / "out" / "model").rounds_ == []


def test_another_rate_needs_no_training(selfseis: Command, data: Path, tmp_path: Path) -> None:
    first = selfseis("pick", data, "--out", tmp_path / "first")
    model = tmp_path / "first" / "model"
    options = ("--model", model, "--false-discovery-rate", 0.05)
    done = selfseis("pick", data, "--out", tmp_path / "out", *options)
    assert first.exit_code == done.exit_code == 0, done.stderr
    assert len(read_picks(tmp_path / "out")) <= len(read_picks(tmp_path / "first"))


def test_a_model_keeps_its_band(selfseis: Command, model: Path, data: Path, tmp_path: Path) -> None:
    done = selfseis("pick", data, "--model", model, "--out", tmp_path / "out", "--band", 2, 20)
    assert done.exit_code == 2 and "trained with" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_model_is_not_trained_again(selfseis: Command, model: Path, data: Path, tmp_path: Path) -> None:
    done = selfseis("pick", data, "--model", model, "--train", "--out", tmp_path / "out")
    assert done.exit_code == 2 and len(done.stderr.strip().splitlines()) == 1


def test_a_denoiser_cannot_pick(selfseis: Command, data: Path, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text('{"kind": "denoiser"}')
    done = selfseis("pick", data, "--model", tmp_path, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("rate", [0.0, -1.0, float("inf"), float("nan")])
def test_a_rate_of_false_alarms_that_no_threshold_has(rate: float) -> None:
    with pytest.raises(InputError, match="must be a number above 0"):
        Picker(false_alarms_per_day=rate).fit(recording_of())


def test_results_among_the_data_are_refused(selfseis: Command, model: Path, data: Path) -> None:
    done = selfseis("pick", data.parent, "--model", model, "--out", data.parent / "out")
    assert done.exit_code == 2 and "choose another --out" in done.stderr
