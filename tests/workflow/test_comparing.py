"""The commands calibrate, compare and card: files, tables, and one line for bad input."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from selfseis import Detector, Explorer
from selfseis.cli.compare import repeat_option
from selfseis.errors import InputError
from selfseis.pick.picker import Picker
from selfseis.pick.starting_network import starting_network
from selfseis.recording import write_recording
from selfseis.simulate import simulate_noise_recording, simulate_recording_with_events
from selfseis.workflow.card import card_of, markdown_of
from selfseis.workflow.compare import named_networks
from short_options import SHORT_PICKER
from standing_in import picker_standing_in

Command = Callable[..., Any]
RATE = 40.0


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    noise = simulate_noise_recording("white", "network", 0.12, RATE, 6, seed=1, components="ENZ")
    recording, _ = simulate_recording_with_events(noise, 15.0, 8, seed=2)
    path = tmp_path_factory.mktemp("data") / "network.mseed"
    write_recording(recording.load(), path)
    return path


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Options of calibrate and of compare that take seconds."""
    folder = tmp_path_factory.mktemp("options")
    of_picker, of_comparison = folder / "picker.json", folder / "comparison.json"
    of_picker.write_text(json.dumps(SHORT_PICKER.to_dict()))
    of_comparison.write_text(json.dumps({"n_injected": 2, "n_wavelets": 20, "n_bootstraps": 50}))
    return of_picker, of_comparison


@pytest.fixture(scope="module")
def calibrated(
    selfseis: Command, data: Path, short: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("calibrated") / "out"
    done = selfseis("calibrate", data, "--out", out, "--options", short[0])
    assert done.exit_code == 0, done.output
    assert "P_threshold=" in done.stdout and "Reversed time:" in done.stdout
    return out


def test_a_calibrated_model_picks_at_the_printed_thresholds(calibrated: Path) -> None:
    content = json.loads((calibrated / "calibration.json").read_text())
    picker = Picker.load(calibrated / "model")
    for phase in ("P", "S"):
        assert content["thresholds"][phase] == pytest.approx(picker.threshold_[phase])
        rows = content["phases"][phase]["by_height"]
        assert [row["n_picks"] for row in rows] == sorted((row["n_picks"] for row in rows), reverse=True)
    assert any("2 stations" in null for null in content["nulls"])


def test_another_operating_point_needs_no_training_and_raises_the_threshold(
    selfseis: Command, data: Path, calibrated: Path, tmp_path: Path
) -> None:
    found = {}
    for asked in (
        ("--false-discovery-rate", "0.5"),
        ("--false-discovery-rate", "0.01"),
        ("--min-probability", "0.9"),
    ):
        out = tmp_path / asked[1]
        done = selfseis("calibrate", data, "--model", calibrated / "model", "--out", out, *asked)
        assert done.exit_code == 0, done.output
        found[asked[1]] = json.loads((out / "calibration.json").read_text())["thresholds"]["P"] or 1.0
    assert found["0.5"] < found["0.01"] and found["0.9"] > 0


def test_compare_writes_tables_an_order_and_thresholds(
    selfseis: Command, data: Path, short: tuple[Path, Path], calibrated: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = selfseis(
        "compare",
        data,
        "--pickers",
        calibrated / "model",
        "obspy:recursive_sta_lta",
        "--out",
        out,
        "--options",
        short[1],
    )
    assert done.exit_code == 0, done.output
    content = json.loads((out / "comparison.json").read_text())
    names = [picker["name"] for picker in content["pickers"]]
    assert names == ["model", "obspy:recursive_sta_lta", "STA/LTA with AIC", "untrained network"]
    page = (out / "comparison.md").read_text()
    assert content["statements"]["P"] in page and content["statements"]["P"] in done.stdout
    assert "P_threshold=" in page and json.loads((out / "run.json").read_text())["command"] == "compare"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--pickers", "starting", "starting"], "is named twice"),
        (["--pickers", "nowhere"], "nowhere holds no model"),
        (["--pickers", "picks:table.csv"], "is a table of picks, not a network"),
        (["--pickers", "starting", "--labels", "nowhere.csv"], "nowhere.csv does not exist"),
    ],
)
def test_compare_refuses_in_one_line(
    selfseis: Command, data: Path, tmp_path: Path, words: list[str], complaint: str
) -> None:
    done = selfseis("compare", data, *words, "--out", tmp_path / "out")
    lines = [line for line in done.stderr.splitlines() if line.startswith("selfseis: ")]
    assert done.exit_code == 2 and len(lines) == 1
    assert complaint in lines[0]


def test_models_of_other_rates_or_bands_are_refused(tmp_path: Path) -> None:
    for name, band in (("low", (1.0, 8.0)), ("high", (2.0, 9.0))):
        picker = picker_standing_in(RATE).set_params(band=band)
        picker.model_ = replace(picker.model_, net=starting_network())
        picker.save(tmp_path / name)
    low, high = str(tmp_path / "low"), str(tmp_path / "high")
    with pytest.raises(InputError, match="different pass bands"):
        named_networks([low, high], RATE)
    with pytest.raises(InputError, match="trained at 40 Hz, the recording has 100 Hz"):
        named_networks([low], 100.0)
    networks, band = named_networks([low, "starting"], RATE)
    assert list(networks) == ["low", "starting"] and band == (1.0, 8.0)


def test_the_option_takes_all_words_up_to_the_next_option() -> None:
    words = ["compare", "data", "--pickers", "a", "b", "--out", "c", "--pickers=d"]
    assert repeat_option(words, "--pickers") == [
        "compare", "data", "--pickers", "a", "--pickers", "b", "--out", "c", "--pickers=d",
    ]  # fmt: skip


def test_a_card_states_training_thresholds_and_what_was_changed(calibrated: Path, selfseis: Command) -> None:
    card = card_of(calibrated / "model")
    assert card["kind"] == "picker" and len(card["sha256"]) == 64
    assert card["training"].startswith("none")
    assert card["changed"]["options.calibration.n_injections"] == 12
    assert card["versions"]["selfseis"] and card["versions"]["torch"]
    assert card["picker"]["thresholds"] == Picker.load(calibrated / "model").threshold_
    shown = selfseis("card", calibrated / "model", "--json")
    assert json.loads(shown.stdout)["picker"]["sampling_rate_hz"] == RATE
    page = selfseis("card", calibrated / "model").stdout
    assert page.startswith("# Model card: picker") and "## Versions" in page


def test_a_card_names_the_training_times(selfseis: Command, recordings: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    done = selfseis("train", "denoiser", recordings / "noise.nc", "--model", model, "--seed", 3)
    assert done.exit_code == 0
    card = card_of(model)
    assert card["training"]["hours"] > 0 and card["training"]["start"] < card["training"]["end"]
    assert card["changed"]["seed"] == 3
    assert "baseline (" in markdown_of(card)


def test_detectors_and_explorers_have_cards_too(tmp_path: Path) -> None:
    noise = simulate_noise_recording("white", "fibre", 1 / 20, 50.0, 24, seed=3)
    recording, _ = simulate_recording_with_events(noise, 20, 3, seed=3)
    for name, model in (
        ("detector", Detector(false_alarms_per_day=10.0)),
        ("explorer", Explorer(representation="scattering")),
    ):
        model.fit(recording).save(tmp_path / name)
        card = card_of(tmp_path / name)
        assert card["kind"] == name and card["verdict"]["task"] and card[name]
        assert markdown_of(card).startswith(f"# Model card: {name}")


def test_an_older_model_without_versions_still_has_a_card(calibrated: Path, tmp_path: Path) -> None:
    Picker.load(calibrated / "model").save(tmp_path / "model")
    path = tmp_path / "model" / "model.json"
    stored = json.loads(path.read_text())
    del stored["versions"], stored["checksum"]  # as models had neither
    path.write_text(json.dumps(stored))
    assert card_of(tmp_path / "model")["versions"] == "not recorded"


def test_no_model_has_no_card(selfseis: Command, tmp_path: Path) -> None:
    done = selfseis("card", tmp_path)
    assert done.exit_code == 2 and "holds no model" in done.stderr
