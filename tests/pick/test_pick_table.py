"""Tables of picks with scores: reading, stations of a recording, and calibration by other stations."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from selfseis.consensus.ps_pairs import Moveout
from selfseis.errors import InputError
from selfseis.pick.confirmation import confirmed_scores
from selfseis.pick.inference import OnsetCandidates
from selfseis.pick.model import OperatingPoint
from selfseis.pick.pick_table import place_picks, read_pick_table
from selfseis.recording import recording_from_array
from selfseis.recording.components import stations_of

HEADER = "station,phase,time,score"
DAY = 86_400.0


def written(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "picks.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_columns_under_their_usual_names(tmp_path: Path) -> None:
    time = "2020-01-01T00:00:05.25Z"
    for header, row in (
        (HEADER, f"CX.PB01,P,{time},0.8"),
        ("Network,Station,phase_type,phase_time,phase_score", f"CX,PB01,Pn,{time},0.8"),
        ("trace_id,peak_time,peak_value,phase,extra", f"CX.PB01.,{time},0.8,p,1"),
        ("seed_id,phase,time,probability,sd_s", f"CX.PB01..HHZ,iP,{time},0.8,0.1"),
    ):
        table = read_pick_table(written(tmp_path, row, header=header))
        assert table.station[0].rstrip(".").startswith("CX.PB01") and table.phase.tolist() == ["P"]
        assert table.time[0] == np.datetime64("2020-01-01T00:00:05.250") and table.score[0] == 0.8
    assert table.sd_s[0] == 0.1


def test_rows_that_are_no_picks_are_counted_and_large_scores_keep_their_order(tmp_path: Path) -> None:
    rows = [
        "A,P,2020-01-01,9",
        "A,S,2020-01-01,1",
        "A,LR,2020-01-01,1",
        "A,P,yesterday,1",
        "A,P,2020-01-01,-2",
        "A,P",
    ]
    table = read_pick_table(written(tmp_path, *rows))
    np.testing.assert_allclose(table.score, [0.9, 0.5])
    assert table.left_out == {
        "of other phases": 1,
        "without a time that can be read": 2,
        "without a score of at least 0": 1,
    }


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("station,phase,time\nA,P,2020-01-01\n", "has no column of scores, such as score or probability"),
        ("phase,time,score\nP,2020-01-01,1\n", "has no column station: it has phase, time, score"),
        (f"{HEADER}\n", "holds no pick of P or S: check the table"),
        ("", "has no column of scores"),
        (f"{HEADER}\nA,T,2020-01-01,1\n", r"holds no pick of P or S \(1 of other phases\)"),
        ("PAR1 is damaged", "cannot be read|PyArrow"),
    ],
)
def test_tables_that_cannot_be_used_are_refused_in_one_line(
    tmp_path: Path, content: str, reason: str
) -> None:
    path = tmp_path / "picks.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=reason) as caught:
        read_pick_table(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="does not exist"):
        read_pick_table(tmp_path / "none.csv")


@pytest.mark.skipif(importlib.util.find_spec("pyarrow") is None, reason="PyArrow is not installed")
def test_parquet(tmp_path: Path) -> None:
    import pandas

    times = pandas.to_datetime(["2020-01-01T00:00:05.123456789"], utc=True)
    frame = pandas.DataFrame({"station": ["A"], "phase": ["S"], "time": times, "score": [0.25]})
    frame.to_parquet(tmp_path / "picks.parquet")
    table = read_pick_table(tmp_path / "picks.parquet")
    assert table.time[0] == np.datetime64("2020-01-01T00:00:05.123456789") and table.score[0] == 0.25


def test_the_stations_of_picks(tmp_path: Path) -> None:
    seed_ids = ["CX.PB01..HHZ", "CX.PB01..HHN", "CX.PB02..HHZ", "XX.PB02..HHZ"]
    recording = recording_from_array(np.zeros((4, 1000), np.float32), 100.0, "2020-01-01", seed_id=seed_ids)
    stations = stations_of(recording)
    names = ["CX.PB01..HHN", "CX.PB01", "PB01", "CX.PB01.", "CX.PB01.00.HHZ", "XX.PB02", "PB02", "CX.PB09"]
    rows = [f"{name},P,2020-01-01T00:00:0{n},0.5" for n, name in enumerate(names)]
    placed = place_picks(
        read_pick_table(written(tmp_path, *rows, "PB01,P,2021-01-01,0.5")), recording, stations
    )
    assert placed.number.tolist() == [0, 0, 0, 0, 0, 2]
    np.testing.assert_allclose(placed.at, np.arange(6) * 100.0)
    assert placed.left_out == {
        "at stations that are not in the recording": 2,
        "outside the time of the recording": 1,
    }
    assert [len(onsets.p) for onsets in placed.candidates()] == [5, 0, 1]
    with pytest.raises(InputError, match=r"none of the 1 picks lies in the recording: .* XX\.A .* CX\.PB01"):
        place_picks(read_pick_table(written(tmp_path, "XX.A,P,2020-01-01,1")), recording, stations)


def scattered(seed: int = 0, n_true: int = 300, n_false: int = 600) -> list[OnsetCandidates]:
    """Return picks of two stations: true ones at both with scores above 0.5, false ones with scores below 0.7."""
    rng = np.random.default_rng(seed)
    origin = rng.uniform(0, DAY, n_true)
    stations = []
    for _ in range(2):
        at = np.concatenate([origin + rng.uniform(0, 2, n_true), rng.uniform(0, DAY, n_false)]) * 100
        score = np.concatenate([rng.uniform(0.5, 1, n_true), rng.uniform(0, 0.7, n_false)])
        order = np.argsort(at)
        stations.append(OnsetCandidates(np.column_stack([at, score])[order], np.zeros((0, 2))))
    return stations


def test_confirmation_by_another_station_calibrates_scores() -> None:
    moveout = Moveout(np.array([[0.0, 4.0], [4.0, 0.0]]), 1.75, 1.0, 1.0)
    spans = np.array([[0.0, DAY]])
    known = confirmed_scores(scattered(), 100.0, spans, moveout)["P"]
    assert 0.02 < known.null_share < 0.2
    # Between 0.5 and 0.7, 300 * 0.2 / 0.5 = 120 true picks meet 600 * 0.2 / 0.7 = 171 false ones: 0.41.
    np.testing.assert_allclose(known.probability_of(np.array([0.3, 0.6, 0.9])), [0.0, 0.41, 0.97], atol=0.08)
    assert np.all(np.diff(known.probability) >= 0)
    strict, loose = (known.threshold(OperatingPoint(share)) for share in (0.1, 0.3))
    assert 0.5 < loose < strict < 0.75
    # 342 false picks lie between 0.5 and 0.7; 50 a day and station are 100 of them.
    assert known.threshold(OperatingPoint(0.5, 50.0)) == pytest.approx(0.7 - 100 / 342 * 0.2, abs=0.03)
    of_s = confirmed_scores(scattered(), 100.0, spans, moveout)["S"]
    assert len(of_s.score) == 0 and of_s.threshold(OperatingPoint(0.5)) == float("inf")


def test_picks_at_random_are_not_confirmed() -> None:
    moveout = Moveout(np.full((2, 2), 4.0), 1.75, 1.0, 1.0)
    known = confirmed_scores(scattered(n_true=0), 100.0, np.array([[0.0, DAY]]), moveout)["P"]
    assert known.threshold(OperatingPoint(0.5)) == float("inf")
    everywhere = confirmed_scores(
        scattered(n_true=0, n_false=90_000), 100.0, np.array([[0.0, DAY]]), moveout
    )["P"]
    assert everywhere.probability.max() < 0.01  # confirmed by coincidence, which says nothing
