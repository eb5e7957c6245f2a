"""What the page says of picks and located events, from hand-made files."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfseis.geo.sphere import KM_PER_DEGREE
from selfseis.report import write_report
from selfseis.report.location_map import Place, _ellipse
from selfseis.report.pick import PickRow, reliability_plot, through_time, wadati_plot
from selfseis.report.svg_plots import Axis, Plot

from .conftest import ResultsFolder
from .picks_folder import (
    STATIONS,
    write_everything,
    write_fibre_snippet,
    write_locations,
    write_picks_csv,
    write_snippet,
    write_summary,
)


def page_of(folder: Path) -> str:
    return html.unescape(write_report(folder).read_text(encoding="utf-8"))


def test_everything_is_on_the_page(tmp_path: Path) -> None:
    write_everything(tmp_path)
    page = page_of(tmp_path)
    for section in ("picks", "pick-gallery", "agreement", "reliability", "rounds", "located"):
        assert f'<section id="{section}"' in page
    assert "180 P and 180 S at 3 stations" in page
    assert "P at a probability of 0.72 and S at a probability of 0.64" in page
    assert "vp/vs = 1.75, measured" in page and "vp/vs is" not in page  # one value on a page
    assert "60 of 60 events located. Half of the events are known to" in page
    assert "The clock of CX.PB03 seems wrong by 1.02 s" in page
    assert page.count('id="pick-snippet-') == 3
    assert "cannot be shown" not in page


def test_a_folder_without_picks_says_nothing_of_them(tmp_path: Path) -> None:
    page = page_of(tmp_path)
    assert 'id="picks"' not in page and 'id="located"' not in page


def test_picks_alone_are_enough(tmp_path: Path) -> None:
    write_picks_csv(tmp_path, 1)
    page = page_of(tmp_path)
    assert "3 P and 3 S at 3 stations" in page
    assert 'id="reliability"' not in page and 'id="agreement"' not in page


def test_no_pick_at_all(tmp_path: Path) -> None:
    (tmp_path / "picks.csv").write_text("seed_id,phase,time,probability,sd_s\n")
    assert "0 P and 0 S at 0 stations" in page_of(tmp_path)


def test_no_event_could_be_located(tmp_path: Path) -> None:
    content = {"stations": [], "events": [{"event_id": "a", "located": False, "latitude": None}]}
    (tmp_path / "locations.json").write_text(json.dumps(content))
    assert "1 event; none could be located" in page_of(tmp_path)


@pytest.mark.parametrize("name", ["picks_summary.json", "locations.json", "pick_snippets/00.nc"])
def test_a_damaged_file_is_named_and_the_rest_is_shown(tmp_path: Path, name: str) -> None:
    write_everything(tmp_path)
    (tmp_path / name).write_bytes(b"{not what it should be")
    page = page_of(tmp_path)
    assert f"{name}: " in page and "cannot be shown" in page
    assert "180 P and 180 S" in page


def test_entries_that_make_no_sense_are_left_out(tmp_path: Path) -> None:
    write_picks_csv(tmp_path, 2)
    write_summary(
        tmp_path,
        reliability={"P": [{"stated": None}, {"stated": 0.5, "observed": "x"}], "S": None},
        wadati={"dp_s": [1.0, None, 2.0], "ds_s": [1.7, 3.0, float("nan")], "vp_vs": None},
        rounds=[],
        thresholds={"P": None},
    )
    page = page_of(tmp_path)
    assert 'id="reliability"' not in page and 'id="rounds"' not in page
    assert page.count('class="point"') == 1
    assert "cannot be shown" not in page


def test_names_from_files_are_escaped(tmp_path: Path) -> None:
    write_summary(tmp_path, agreement={"statement": "<script>alert(1)</script>"})
    assert "<script>alert" not in write_report(tmp_path).read_text()


def test_each_pick_marks_the_rows_of_its_station(tmp_path: Path) -> None:
    write_picks_csv(tmp_path, 2)
    write_snippet(tmp_path, "00")
    text = write_report(tmp_path).read_text()
    payload = json.loads(re.search(r'id="pick-snippet-0">(.*?)</script>', text, re.S).group(1))  # type: ignore[union-attr]
    marks = [(mark["phase"], mark["rows"]) for mark in payload["picks"]]
    assert marks == [("P", [0, 2]), ("S", [0, 2]), ("P", [3, 5]), ("S", [3, 5])]
    assert payload["picks"][0]["time"] - payload["start"] == pytest.approx(8.0)
    assert payload["units"] == "counts"


def test_a_located_event_stands_where_it_was(tmp_path: Path) -> None:
    write_locations(tmp_path, 1)
    content = json.loads((tmp_path / "locations.json").read_text())
    event = content["events"][0]
    event |= {"latitude": -21.32, "longitude": -69.90}  # below a station
    (tmp_path / "locations.json").write_text(json.dumps(content))
    text = write_report(tmp_path).read_text()
    x, y = re.search(r'<circle class="event" cx="([\d.]+)" cy="([\d.]+)"', text).groups()  # type: ignore[union-attr]
    corner = re.search(rf'd="M{x} ([\d.]+)l6', text)
    assert corner and float(corner.group(1)) + 6 == pytest.approx(float(y), abs=0.1)
    assert text.count('class="station"') == 3 * len(STATIONS)


def test_a_station_far_outside_does_not_shrink_the_map(tmp_path: Path) -> None:
    write_locations(tmp_path)
    near = write_report(tmp_path).read_text()
    content = json.loads((tmp_path / "locations.json").read_text())
    content["stations"].append(
        {"station": "II.FAR.", "latitude": 50.0, "longitude": 60.0, "far_outside": True}
    )
    (tmp_path / "locations.json").write_text(json.dumps(content))
    far = write_report(tmp_path).read_text()
    shown = [re.findall(r'<circle class="event" cx="([\d.]+)"', page) for page in (near, far)]
    assert shown[0] == shown[1]


def test_the_ellipse_points_where_its_azimuth_says() -> None:
    outline = np.array(_ellipse(Place(0.0, 0.0, 5.0, "", error=10.0, smaller_error=2.0, error_azimuth=90.0)))
    assert np.ptp(outline, axis=0) * KM_PER_DEGREE == pytest.approx([20.0, 4.0], rel=0.01)


def test_picks_are_counted_in_the_bin_of_their_time() -> None:
    picks = [PickRow("A.B..Z", "P", 1e9 + offset) for offset in (0, 5, 5.5, 3599)]
    figure = through_time(picks)
    assert figure is not None and "picks in" in figure["y_title"]
    assert through_time(picks[:1]) is None


def test_wadati_points_are_folded_to_one_side() -> None:
    figure = wadati_plot({"dp_s": [2.0, -2.0], "ds_s": [3.5, -3.5], "vp_vs": 1.75})
    assert figure is not None
    dots = [(shape["x"], shape["y"]) for shape in figure["shapes"] if shape["kind"] == "dot"]
    assert len(dots) == 2 and dots[0] == dots[1]
    assert wadati_plot({}) is None and reliability_plot({}) is None


@given(low=st.floats(-1e4, 1e4), span=st.floats(1e-3, 1e4))
def test_ticks_are_even_and_inside(low: float, span: float) -> None:
    axis = Axis.between("x", low, low + span, 100)
    values = [value for value, _ in axis.ticks]
    assert 2 <= len(values) <= 7
    assert low - 1e-6 * span <= values[0] and values[-1] <= low + span * (1 + 1e-6)
    assert np.allclose(np.diff(values), values[1] - values[0], rtol=1e-6)
    assert len({text for _, text in axis.ticks}) == len(values)
    shown = [float(text.replace("\N{MINUS SIGN}", "-")) for _, text in axis.ticks]
    assert np.allclose(shown, values, atol=1e-6 * span)


@given(low=st.floats(0, 2e9), span=st.floats(0.5, 1e8))
def test_ticks_of_time_are_inside_and_differ(low: float, span: float) -> None:
    axis = Axis.of_time(low, low + span, 500)
    assert len(axis.ticks) <= 8
    assert all(low - 1e-6 <= value <= axis.high for value, _ in axis.ticks)


def test_depth_grows_downwards_and_what_is_outside_is_not_drawn() -> None:
    plot = Plot(Axis.between("x", 0, 1, 100), Axis.between("depth", 0, 10, 100), "test", downwards=True)
    plot.dots([(0.5, 1.0), (0.5, 9.0), (2.0, 5.0)], "event")
    shallow, deep = plot.shapes
    assert shallow["y"] < deep["y"]


def test_events_of_picks_are_told_from_those_of_the_detector(results_folder: ResultsFolder) -> None:
    results_folder.run()
    names = results_folder.catalogue(4)
    results_folder.timeline()
    events = [{"event_id": name, "n_picks": 5 * (number % 2)} for number, name in enumerate(names)]
    (results_folder.path / "locations.json").write_text(json.dumps({"events": events, "stations": []}))
    page = write_report(results_folder.path).read_text()
    data = json.loads(re.search(r'id="page-data">(.*?)</script>', page).group(1))  # type: ignore[union-attr]
    assert [event["ofPicks"] for event in data["events"]] == [False, True, False, True]
    assert page.count("5 picks, sum of probabilities") == 2
    assert "The detector&#39;s threshold is set for" in page or "The detector's threshold" in page


@pytest.mark.parametrize("content", ["[]", "{}", '{"events": [1, {"event_id": "event0000"}]}', "{"])
def test_without_known_picks_every_event_is_the_detectors(
    results_folder: ResultsFolder, content: str
) -> None:
    results_folder.run()
    results_folder.catalogue(2)
    (results_folder.path / "locations.json").write_text(content)
    page = write_report(results_folder.path).read_text()
    assert "probabilities together" not in page and '"ofPicks":false' in page


def test_picks_of_a_fibre_lie_on_its_waterfall(tmp_path: Path) -> None:
    write_fibre_snippet(tmp_path, n_channels=240, n_samples=3000)
    write_summary(tmp_path)
    page = write_report(tmp_path).read_text()
    payload = json.loads(re.search(r'id="pick-snippet-0">(.*?)</script>', page).group(1))  # type: ignore[union-attr]
    assert payload["kind"] == "waterfall" and payload["block"][0] > 1
    rows = [mark["rows"][0] for mark in payload["picks"]]
    assert len(rows) == 240 and min(rows) == 0 and max(rows) == payload["shape"][0] - 1


def test_a_table_of_very_many_channels_is_that_of_those_learnt_from(tmp_path: Path) -> None:
    rows = [f"{metres}m,P,2014-05-01T00:00:01Z,0.9,0.01" for metres in range(300)]
    (tmp_path / "picks.csv").write_text("\n".join(["seed_id,phase,time,probability,sd_s", *rows]) + "\n")
    (tmp_path / "picks_summary.json").write_text('{"max_false_per_day": {"P": {"0m": 1.0, "299m": 2.0}}}')
    page = write_report(tmp_path).read_text()
    assert page.count('<th scope="row">') == 2 and "300 P and 0 S at 300 stations" in page
