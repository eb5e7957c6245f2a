"""Other pickers from the command line: ObsPy's, tables of picks, and what is refused."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from selfseis.recording import recording_from_array, write_recording

RATE, MINUTES = 50.0, 90
EVENTS = np.arange(60.0, 60.0 * MINUTES - 60, 150.0)
Command = Callable[..., Result]


@pytest.fixture(scope="module")
def stations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a recording of two vertical stations with an event every 150 s; B is a second later than A."""
    rng = np.random.default_rng(0)
    data = rng.normal(size=(2, int(60 * MINUTES * RATE)))
    for row, delay in enumerate((0.0, 1.0)):
        for time in EVENTS + delay:
            for after, size in ((0.0, 15), (4.0, 30)):
                first = int((time + after) * RATE)
                data[row, first : first + 200] += size * rng.normal(size=200) * np.exp(-np.arange(200) / 50)
    path = tmp_path_factory.mktemp("stations") / "two.mseed"
    seed_id = ["XX.A..HHZ", "XX.B..HHZ"]
    write_recording(recording_from_array(data.astype(np.float32), RATE, "2020-01-01", seed_id=seed_id), path)
    return path


def table(
    path: Path, *, names: tuple[str, ...] = ("XX.A", "XX.B"), header: str = "station,phase,time,score"
) -> Path:
    """Write true picks of high scores and random ones of low scores."""
    rng, rows = np.random.default_rng(1), [header]
    for name, delay in zip(names, (0.0, 1.0), strict=False):
        true = [(time + delay + later, phase) for time in EVENTS for phase, later in (("P", 0.0), ("S", 4.0))]
        wrong = [(time, "P") for time in rng.uniform(0, 60 * MINUTES, 20)]
        for kind, score in ((true, 0.9), (wrong, 0.2)):
            for seconds, phase in kind:
                time = np.datetime64("2020-01-01", "ms") + np.timedelta64(int(seconds * 1000), "ms")
                rows.append(f"{name},{phase},{time}Z,{score + rng.uniform(-0.1, 0.1):.3f}")
    path.write_text("\n".join(rows) + "\n")
    return path


def picks_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "picks.csv").open() as file:
        return list(csv.DictReader(file))


def notes_of(folder: Path) -> str:
    return "\n".join(json.loads((folder / "run.json").read_text())["notes"])


def test_a_table_of_two_stations_gets_probabilities_a_verdict_and_a_page(
    selfseis: Command, stations: Path, tmp_path: Path
) -> None:
    out, picks = tmp_path / "out", table(tmp_path / "own.csv", names=("XX.A", "XX.B", "XX.C"))
    with picks.open("a") as file:
        file.write("XX.C,P,2020-01-01T00:00:00Z,0.9\n")
    done = selfseis("pick", stations, "--picker", f"picks:{picks}", "--out", out)
    assert done.exit_code == 0, done.output
    (verdict,) = json.loads((out / "verdict.json").read_text())
    assert verdict["skill"]["low"] > verdict["null"]["high"] + 0.2
    assert verdict["baseline"]["name"] == "STA/LTA with AIC" and (out / "report.html").is_file()
    kept = picks_of(out)
    sure = [row for row in kept if float(row["probability"]) > 0.8]
    assert len(sure) >= 0.95 * 4 * len(EVENTS)
    assert {row["seed_id"] for row in kept} == {"XX.A..HHZ", "XX.B..HHZ"}
    assert "another station confirms beyond coincidence" in notes_of(out)
    assert "1 rows of the table were left out: 1 at stations that are not in the recording" in notes_of(out)


def test_a_table_of_one_station_keeps_its_scores_and_says_so(
    selfseis: Command, stations: Path, tmp_path: Path
) -> None:
    out, picks = tmp_path / "out", table(tmp_path / "own.csv")
    done = selfseis(
        "pick",
        stations,
        "--select",
        "XX.A..*",
        "--picker",
        f"picks:{picks}",
        "--min-probability",
        0.5,
        "--out",
        out,
    )
    assert done.exit_code == 0 and "cannot tell. A single station" in done.stdout
    assert len(picks_of(out)) == 2 * len(EVENTS)
    assert "which are not probabilities" in notes_of(out)


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("picks:{table}", ["--train"], "--picker is not trained"),
        ("picks:{no_scores}", [], "has no column of scores"),
        ("picks:{empty}", [], "holds no pick of P or S"),
        ("picks:{elsewhere}", [], "picks lies in the recording"),
        ("picks:none.csv", [], "does not exist"),
        ("exported:net.pt2", [], "cannot be loaded safely"),
        ("obspy:ar_pick?window_s=0", [], "must be above 0"),
        ("unknown", [], "picker must be one of"),
    ],
)
def test_what_cannot_be_used_is_one_line(
    selfseis: Command, stations: Path, tmp_path: Path, name: str, options: list[str], reason: str
) -> None:
    places = {
        "table": table(tmp_path / "own.csv"),
        "no_scores": tmp_path / "no_scores.csv",
        "empty": tmp_path / "empty.csv",
        "elsewhere": table(tmp_path / "elsewhere.csv", names=("YY.Q",)),
    }
    places["no_scores"].write_text("station,phase,time\nXX.A,P,2020-01-01T00:00:05Z\n")
    places["empty"].write_text("station,phase,time,score\n")
    done = selfseis("pick", stations, "--picker", name.format(**places), "--out", tmp_path / "out", *options)
    assert done.exit_code == 2 and done.stdout == "", done.output
    (line,) = (
        line for line in done.stderr.splitlines() if line.startswith("selfseis: ") and "gap" not in line
    )
    assert reason in line


def test_obspys_trigger_is_calibrated_like_a_network(
    selfseis: Command, stations: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = selfseis("pick", stations, "--picker", "obspy:recursive_sta_lta?window_s=40", "--out", out)
    assert done.exit_code == 0, done.output
    assert "The network obspy:recursive_sta_lta picked." in notes_of(out)
    assert not (out / "model").exists()
    seconds = [
        (np.datetime64(row["time"].removesuffix("Z")) - np.datetime64("2020-01-01")) / np.timedelta64(1, "s")
        for row in picks_of(out)
        if row["seed_id"] == "XX.A..HHZ"
    ]
    onsets = np.concatenate([EVENTS, EVENTS + 4])
    assert seconds and np.mean([np.abs(onsets - time).min() < 0.5 for time in seconds]) > 0.8
