"""The atlas in a real browser: its cut, its names, its search."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from selfseis.report import write_atlas

pytest.importorskip("selenium.webdriver", reason="selenium is not installed: no page was clicked")
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from .atlas_folder import ABOUT, atlas_arrays, write_exploration
from .test_browser import Reader, driver, pytestmark, reader  # noqa: F401


def open_atlas(reader: Reader, page: Path) -> None:  # noqa: F811
    reader.driver.get(page.as_uri())
    reader.wait(lambda: reader.all("#atlas[data-ready=true]"))


def labels(reader: Reader) -> list[str]:  # noqa: F811
    return [button.text for button in reader.all("#class-rows .pick-class")]


def sizes(reader: Reader) -> list[str]:  # noqa: F811
    return [cell.text for cell in reader.all("#class-rows td:nth-child(3)")]


def test_the_cut_joins_and_splits_classes(reader: Reader, tmp_path: Path) -> None:  # noqa: F811
    open_atlas(reader, write_atlas(write_exploration(tmp_path)))
    assert labels(reader) == ["Class 0", "Class 1", "Class 2", "No class"]
    assert sizes(reader) == ["400", "90", "50", "60"]
    reader.one("#cut").send_keys(Keys.ARROW_LEFT)
    assert labels(reader) == ["Class 0", "Classes 1 + 2", "No class"]
    assert sizes(reader) == ["400", "140", "60"]
    assert len(reader.all("#times .time-label")) == 3
    reader.one("#cut").send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert labels(reader)[:2] == ["Class 0, part 1", "Class 0, part 2"]
    reader.one("#cut-of-run").click()
    assert labels(reader) == ["Class 0", "Class 1", "Class 2", "No class"]


def test_the_dashed_line_is_dragged(reader: Reader, tmp_path: Path) -> None:  # noqa: F811
    open_atlas(reader, write_atlas(write_exploration(tmp_path)))
    reader.drag("#tree canvas", (0.0, 0.1), (0.0, -0.3))
    assert reader.text("#n-groups") == "2"
    assert np.ptp(reader.picture("#tree canvas")[..., :3]) > 100


def test_a_name_is_kept(reader: Reader, tmp_path: Path) -> None:  # noqa: F811
    page = write_atlas(write_exploration(tmp_path))
    open_atlas(reader, page)
    reader.all("#class-rows input")[1].send_keys("quarry", Keys.TAB)
    open_atlas(reader, page)
    assert reader.all("#class-rows input")[1].get_attribute("value") == "quarry"
    assert json.loads(reader.one("#names-text").get_attribute("value") or "") == {"1": "quarry"}
    assert "Class 1: quarry" in reader.text("#times")


def test_search_finds_names_times_and_the_alike(reader: Reader, tmp_path: Path) -> None:  # noqa: F811
    write_exploration(tmp_path)
    (tmp_path / "class_names.json").write_text(json.dumps({"2": "tremor"}))
    open_atlas(reader, write_atlas(tmp_path))
    for text, found in (
        ("tremor", "50 windows"),
        ("pb02", "300 windows"),
        ("2016-03-21 00:33:40", "2 windows"),
    ):
        reader.one("#search-text").clear()
        reader.one("#search-text").send_keys(text)
        assert reader.text("#found-about").startswith(f"{found} found")
    reader.one("#novelty .row-button").click()
    assert reader.text("#found-about").startswith("Most alike 2016-03-21 00:33:36.0 at CX.PB01")
    assert len(reader.all("#found .example")) == 9


def test_a_class_is_looked_at(reader: Reader, tmp_path: Path) -> None:  # noqa: F811
    open_atlas(reader, write_atlas(write_exploration(tmp_path)))
    reader.all("#class-rows .pick-class")[2].click()
    assert reader.text("#examples-heading") == "What it looks like: Class 2"
    reader.in_view("#example-cards canvas")
    assert len(np.unique(reader.picture("#example-cards canvas").reshape(-1, 4), axis=0)) > 30
    Select(reader.one("#zone")).select_by_visible_text("UTC+9")
    Select(reader.one("#station")).select_by_index(1)
    assert len(reader.all("#times canvas")) == 10


def test_names_go_along_when_classes_are_joined_or_split(reader: Reader, tmp_path: Path) -> None:  # noqa: F811
    write_exploration(tmp_path)
    (tmp_path / "class_names.json").write_text(json.dumps({"0": "night", "1": "quarry", "2": "tremor"}))
    open_atlas(reader, write_atlas(tmp_path))
    reader.one("#cut").send_keys(Keys.ARROW_LEFT)
    assert "Classes 1 + 2: quarry + tremor" in reader.text("#times")
    reader.one("#cut").send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert "Class 0, part 2: night" in reader.text("#times")
    assert len(reader.all("#class-rows input")) == 2


def test_days_of_other_planets_are_folded(reader: Reader, tmp_path: Path) -> None:  # noqa: F811
    open_atlas(reader, write_atlas(write_exploration(tmp_path)))
    in_hours = [cell.get_attribute("title") for cell in reader.all("#times .bars")[1::2]]
    day = reader.one("#day")
    day.clear()
    day.send_keys("0.08", Keys.TAB)  # h, one window: all that is left are the shares of the whole record
    folded = [cell.get_attribute("title") for cell in reader.all("#times .bars")[1::2]]
    assert folded[0] == "Class 0: up to 66.7% of the windows" != in_hours[0]


def test_short_windows_without_gaps_leave_no_bin_empty(reader: Reader, tmp_path: Path) -> None:  # noqa: F811
    arrays = atlas_arrays()
    start = arrays["start_ns"][0] + (np.arange(len(arrays["start_ns"])) % 100) * 122_000_000
    write_exploration(tmp_path, arrays | {"start_ns": start})
    (tmp_path / "explore.json").write_text(json.dumps(ABOUT | {"window_s": 0.122}))
    open_atlas(reader, write_atlas(tmp_path))
    assert len(reader.all("#times .bars")) == 4  # nothing to fold into a day
    reader.in_view("#times .bars canvas")
    no_data = (reader.picture("#times .bars canvas")[..., :3] == 0xE3).all(axis=-1)
    assert not no_data.any()


def test_a_page_without_any_class_opens(reader: Reader, tmp_path: Path) -> None:  # noqa: F811
    arrays = atlas_arrays()
    none = np.full_like(arrays["leaf"], -1)
    empty = {
        "leaf": none, "class": none, "linkage": np.zeros((0, 4)), "leaf_size": np.zeros(0, np.int32),
        "leaf_class": np.zeros(0, np.int16), "leaf_spectrum_db": np.zeros((0, 3, 12), np.float32),
        "example_leaf": np.full_like(arrays["example_leaf"], -1),
        "example_class": np.full_like(arrays["example_class"], -1),
    }  # fmt: skip
    open_atlas(reader, write_atlas(write_exploration(tmp_path, arrays | empty)))
    assert labels(reader) == ["No class"]
