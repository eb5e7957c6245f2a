"""A reader's clicks, in a real browser without a screen or a network."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from selfseis.report import write_report

if TYPE_CHECKING:
    from .conftest import ResultsFolder

from .conftest import arrivals

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed: no page was clicked")
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.remote.webelement import WebElement  # noqa: E402
from selenium.webdriver.support.ui import Select, WebDriverWait  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CHROMEDRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--window-size=1280,1000",
)  # fmt: skip

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and CHROMEDRIVER), reason="chromium or chromedriver is missing: no page was clicked"
)


class Reader:
    """Someone with the page open."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, page: Path, figure: str = "#waveforms") -> None:
        self.driver.get(page.as_uri())
        self.wait(lambda: self.all(f"{figure} .readout"))

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        return self.one(selector).text

    def wait(self, condition: object) -> None:
        WebDriverWait(self.driver, 10).until(lambda _: condition())  # type: ignore[operator]

    def button(self, place: str, label: str) -> WebElement:
        return next(button for button in self.all(f"{place} button") if button.text == label)

    def in_view(self, selector: str) -> WebElement:
        found = self.one(selector)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", found)
        return found

    def drag(self, selector: str, start: tuple[float, float], by: tuple[float, float]) -> None:
        """Drag over an element; places and distances are shares of its size, from its centre."""
        surface = self.in_view(selector)
        width, height = surface.size["width"], surface.size["height"]
        actions = ActionChains(self.driver, duration=50)
        actions.move_to_element_with_offset(surface, int(start[0] * width), int(start[1] * height))
        actions.click_and_hold().move_by_offset(int(by[0] * width), int(by[1] * height)).release().perform()

    def picture(self, selector: str) -> np.ndarray:
        """Pixels of a canvas, shape (height, width, 4)."""
        width, pixels = self.driver.execute_script(
            "const shown = document.querySelector(arguments[0]);"
            "const c = new OffscreenCanvas(shown.width, shown.height);"
            "const copy = c.getContext('2d', {willReadFrequently: true}); copy.drawImage(shown, 0, 0);"
            "const d = copy.getImageData(0, 0, c.width, c.height).data;"
            "let s = ''; for (const b of d) s += String.fromCharCode(b); return [c.width, btoa(s)];",
            selector,
        )
        return np.frombuffer(base64.b64decode(pixels), np.uint8).reshape(-1, width, 4)

    def complaints(self) -> list[str]:
        """What the console said, and every address that was asked for beyond the page itself."""
        messages = [entry["message"] for entry in self.driver.get_log("browser")]
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                address = message["params"]["request"]["url"]
                if not address.startswith(("file://", "data:")):
                    messages.append(f"asked for {address}")
        return messages


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(CHROMEDRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def reader(driver: webdriver.Chrome) -> Iterator[Reader]:
    reader = Reader(driver)
    driver.get("about:blank")
    reader.complaints()  # those of the browser's own first page
    yield reader
    assert reader.complaints() == []


def test_zoom_is_shared_and_undone(reader: Reader, fibre_run: ResultsFolder) -> None:
    reader.open(write_report(fibre_run.path))
    whole = reader.text("#waveforms .readout")
    assert whole == "2016-03-21 07:37:10.000 to 07:37:19.000 UTC · 0 to 118 m"
    before = reader.picture("#waveforms [data-panel=before] canvas")
    after = reader.picture("#waveforms [data-panel=after] canvas")
    assert len(np.unique(before.reshape(-1, 4), axis=0)) > 100

    reader.drag("#waveforms [data-panel=before] .surface", (-0.25, -0.25), (0.5, 0.5))
    ActionChains(reader.driver).move_to_element(reader.one("h1")).perform()
    zoomed = reader.text("#waveforms .readout")
    assert zoomed.startswith("2016-03-21 07:37:12.2") and "07:37:16.7" in zoomed
    assert not np.array_equal(after, reader.picture("#waveforms [data-panel=after] canvas"))

    surface = reader.one("#waveforms [data-panel=after] .surface")
    surface.send_keys("0")
    assert reader.text("#waveforms .readout") == whole
    surface.send_keys("+")
    surface.send_keys(Keys.ARROW_LEFT)
    assert reader.text("#waveforms .readout") != whole
    reader.button("#waveforms", "Whole").click()
    assert reader.text("#waveforms .readout") == whole
    assert np.array_equal(before, reader.picture("#waveforms [data-panel=before] canvas"))


def test_dragging_moves_a_zoomed_view(reader: Reader, fibre_run: ResultsFolder) -> None:
    reader.open(write_report(fibre_run.path))
    reader.button("#waveforms", "+").click()
    zoomed = reader.text("#waveforms .readout")
    reader.button("#waveforms", "Drag moves").click()
    reader.drag("#waveforms [data-panel=before] .surface", (0, 0), (0.2, 0))
    ActionChains(reader.driver).move_to_element(reader.one("h1")).perform()
    moved = reader.text("#waveforms .readout")
    assert moved != zoomed
    assert moved.split("·")[1] == zoomed.split("·")[1]


def test_pointing_tells_time_place_and_values(reader: Reader, fibre_run: ResultsFolder) -> None:
    reader.open(write_report(fibre_run.path))
    surface = reader.in_view("#waveforms [data-panel=before] .surface")
    ActionChains(reader.driver).move_to_element(surface).perform()
    told = reader.text("#waveforms .readout")
    assert "07:37:14.5" in told and " m · before " in told and "after" in told and "strain/s" in told


def test_removed_and_contrast(reader: Reader, fibre_run: ResultsFolder) -> None:
    reader.open(write_report(fibre_run.path))
    assert not reader.all("#waveforms [data-panel=removed]")
    reader.button("#waveforms", "Removed").click()
    assert reader.all("#waveforms [data-panel=removed] canvas")
    scale = reader.text("#waveforms .scale")
    reader.button("#waveforms", "more").click()
    assert reader.text("#waveforms .scale") != scale


def test_events_by_card_page_order_and_timeline(reader: Reader, fibre_run: ResultsFolder) -> None:
    reader.open(write_report(fibre_run.path), "#event-figure")
    assert reader.text("#gallery-page") == "1 to 12 of 30"
    reader.button("#events", "Next page ›").click()
    assert reader.text("#gallery-page") == "13 to 24 of 30"
    Select(reader.one("#gallery-order")).select_by_value("start")
    visible = [card for card in reader.all("#gallery .card") if card.is_displayed()]
    assert len(visible) == 12
    assert "07:37:15.0" in visible[0].text

    visible[1].send_keys(Keys.ENTER)
    reader.wait(lambda: reader.one("#event-figure").get_attribute("data-event") == "event0001")
    assert reader.text("#event-title") == "Event event0001"
    assert visible[1].get_attribute("aria-pressed") == "true"
    assert reader.driver.switch_to.active_element.get_attribute("id") == "event-viewer"
    assert "p = " in reader.text("#event-facts")

    reader.button("#events", "Next").click()
    reader.wait(lambda: reader.one("#event-figure").get_attribute("data-event") == "event0002")
    visible[11].click()
    assert "were not kept" in reader.text("#event-figure")

    # event0004 is at 17.25 s; the timeline spans 60 s of score.
    surface = reader.in_view("#timeline .surface")
    share = (5 + 45 * 4 / 30 + 1.25) / 60 - 0.5
    actions = ActionChains(reader.driver).move_to_element_with_offset(
        surface, int(share * surface.size["width"]), 0
    )
    actions.click().perform()
    reader.wait(lambda: reader.text("#event-title") == "Event event0004")


def test_stations_are_drawn_as_wiggles_with_hatched_gaps(
    reader: Reader, results_folder: ResultsFolder
) -> None:
    before, after = arrivals(6, 800, noise=0.1)
    results_folder.snippet("overview", before, after, seed_id=[f"CX.PB{n:02d}..HHZ" for n in range(6)])
    reader.open(write_report(results_folder.path))
    assert "CX.PB00..HHZ to CX.PB05..HHZ" in reader.text("#waveforms .readout")
    greys = (reader.picture("#waveforms [data-panel=before] canvas")[:, :, :3] == 238).all(axis=2)
    assert greys.sum() > 500


def test_the_page_of_a_real_run(reader: Reader, finished_run: Path) -> None:
    reader.open(finished_run / "report.html", "#event-figure")
    for verdict in json.loads((finished_run / "verdict.json").read_text()):
        assert verdict["reason"].partition(":")[0] in reader.text("body")
    n_events = len((finished_run / "catalogue.csv").read_text().splitlines()) - 1
    cards = [card for card in reader.all("#gallery .card") if card.is_displayed()]
    assert len(cards) == n_events
    cards[-1].click()
    reader.wait(lambda: reader.one("#event-figure").get_attribute("data-event") in cards[-1].text)
    reader.button("#waveforms", "Removed").click()
    assert len(np.unique(reader.picture("#waveforms [data-panel=removed] canvas"))) > 100


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_is_wider_than_the_window(reader: Reader, fibre_run: ResultsFolder, width: int) -> None:
    page = write_report(fibre_run.path)
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    reader.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    reader.open(page, "#event-figure")
    assert reader.driver.execute_script("return document.documentElement.scrollWidth") <= width
    tops = [panel.location["y"] for panel in reader.all("#waveforms .panel")]
    assert (tops[0] == tops[1]) == (width == 1280)
    reader.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("case", ["empty", "no signal", "one event", "events only"])
def test_thin_results_still_make_a_working_page(
    reader: Reader, results_folder: ResultsFolder, case: str
) -> None:
    if case == "no signal":
        results_folder.snippet("overview", np.full((1, 40), np.nan), distance=np.array([5.0]))
    if case in ("one event", "events only"):
        results_folder.catalogue(1 if case == "one event" else 500)
    reader.driver.get(write_report(results_folder.path).as_uri())
    assert reader.text("h1").startswith("No verdict was written")
    if case == "no signal":
        reader.wait(lambda: reader.all("#waveforms canvas"))
    if case == "events only":
        assert reader.text("#gallery-page") == "1 to 12 of 500"
