"""The gallery of picks in a real browser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from selfseis.report import write_report

pytest.importorskip("selenium.webdriver", reason="selenium is not installed: no page was clicked")
from selenium.webdriver.support.ui import Select

from .picks_folder import write_everything
from .test_browser import Reader, driver, pytestmark, reader  # noqa: F401

BLUE, VERMILION = (0, 114, 178), (213, 94, 0)


def pixels_of(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int(np.all(np.abs(picture[..., :3].astype(int) - colour) < 12, axis=-1).sum())


def test_picks_are_drawn_and_turned(reader: Reader, tmp_path: Path) -> None:  # noqa: F811
    write_everything(tmp_path)
    reader.open(write_report(tmp_path), "#pick-gallery")
    reader.wait(lambda: reader.all("#pick-figure canvas"))
    first = reader.picture("#pick-figure canvas")
    assert pixels_of(first, BLUE) > 100 and pixels_of(first, VERMILION) > 100
    assert reader.text("#pick-about") == "Two stations agree."
    assert not reader.one("#previous-picks").is_enabled()

    reader.one("#next-picks").click()
    reader.wait(lambda: reader.one("#pick-figure").get_attribute("data-sample") == "1")
    assert not np.array_equal(first, reader.picture("#pick-figure canvas"))
    assert Select(reader.one("#pick-choice")).first_selected_option.text.startswith("2014-05-01 00:00:01")

    Select(reader.one("#pick-choice")).select_by_index(2)
    reader.wait(lambda: reader.one("#pick-figure").get_attribute("data-sample") == "2")
    assert not reader.one("#next-picks").is_enabled()


def test_the_page_fits_a_telephone(reader: Reader, tmp_path: Path) -> None:  # noqa: F811
    write_everything(tmp_path)
    reader.driver.set_window_size(420, 900)
    reader.open(write_report(tmp_path), "#pick-gallery")
    width = reader.driver.execute_script("return document.documentElement.scrollWidth - innerWidth")
    reader.driver.set_window_size(1280, 1000)
    assert width <= 0
