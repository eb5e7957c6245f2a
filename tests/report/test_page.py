"""The page is made from a folder alone, says what is in it, and trusts nothing that it reads."""

from __future__ import annotations

import json
import os
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import numpy as np
import pytest

from selfseis.report import write_report

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import ResultsFolder

from .conftest import VERDICTS, arrivals

HOSTILE = "<script>alert('x')</script>&\"</script><img src=x onerror=alert(1)>"


class Page(HTMLParser):
    """The text a reader sees, and the elements and addresses behind it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.words: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.hidden = 0
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.hidden += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def sections(self) -> list[str]:
        return [str(attrs["id"]) for tag, attrs in self.elements if tag == "section"]


def script_data(path: Path, name: str) -> dict:
    found = re.search(rf'id="{name}">(.*?)</script>', path.read_text(encoding="utf-8"), re.DOTALL)
    assert found, f"no data named {name}"
    return json.loads(found[1])


def test_whole_run_in_the_order_a_reader_needs(fibre_run: ResultsFolder) -> None:
    path = write_report(fibre_run.path)
    page = Page(path)
    assert path == fibre_run.path / "report.html"
    assert page.sections() == ["verdict", "waveforms", "timeline", "events", "skill", "quality-log", "making"]
    for words in (
        "Denoising works on these data. Detection brings no gain over the STA/LTA.",
        "Fibre, 120 channels at 100 Hz, 1 min, 97.2% of the samples usable",
        "2016-03-21 07:37:10.0 to 2016-03-21 07:38:10.0 UTC",
        "Blind zone: 12 channels (12 m), measured from the noise.",
        "30 events. The threshold is set for 1 false alarm per day.",
        "0.62 (0.58 to 0.66)",
        "1 unit could not be used: broken.mseed",
        "train 1 min 2 s",
        "selfseis run 'my data.h5' --out results",
    ):
        assert words in page.text


def test_null_result_is_said_as_plainly_as_a_success(results_folder: ResultsFolder) -> None:
    results_folder.verdicts([VERDICTS[0] | {"verdict": "no_gain"}, VERDICTS[1] | {"verdict": "cannot_tell"}])
    page = Page(write_report(results_folder.path))
    assert "Denoising brings no gain over the blind ridge filter." in page.text
    assert "Detection: these data cannot tell whether it works." in page.text
    assert "Works" not in page.text


def test_unknown_verdict_is_never_a_success(results_folder: ResultsFolder) -> None:
    results_folder.verdicts([VERDICTS[0] | {"verdict": "splendid"}])
    assert (
        "Denoising: these data cannot tell whether it works." in Page(write_report(results_folder.path)).text
    )


def test_empty_folder_claims_nothing(results_folder: ResultsFolder) -> None:
    page = Page(write_report(results_folder.path))
    assert "No verdict was written: the results on this page were not evaluated." in page.text
    assert page.sections() == ["verdict", "quality-log"]


def test_missing_folder_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no results folder at"):
        write_report(tmp_path / "nothing")


@pytest.mark.parametrize("n_events", [0, 1, 500, 1200])
def test_any_number_of_events(results_folder: ResultsFolder, n_events: int) -> None:
    results_folder.catalogue(n_events)
    page = Page(write_report(results_folder.path))
    cards = [attrs for _, attrs in page.elements if attrs.get("class") == "card"]
    assert len(cards) == min(n_events, 1000)
    said = {
        0: "The catalogue is empty.",
        1: "1 event.",
        500: "500 events.",
        1200: "1200 events; the 1000 with the smallest p-values are shown.",
    }
    assert said[n_events] in page.text


def test_of_very_many_events_the_surest_are_kept(results_folder: ResultsFolder) -> None:
    results_folder.catalogue(1200)
    rows = (results_folder.path / "catalogue.csv").read_text().splitlines()[1:]
    chances = sorted(float(row.split(",")[4]) for row in rows)
    shown = script_data(write_report(results_folder.path), "page-data")["events"]
    assert sorted(event["pValue"] for event in shown) == chances[:1000]
    assert [event["start"] for event in shown] == sorted(event["start"] for event in shown)


def test_tiny_p_value(results_folder: ResultsFolder) -> None:
    results_folder.catalogue(1, p_value=1e-12)
    assert "p = 10⁻¹²" in Page(write_report(results_folder.path)).text


def test_only_stored_snippets_are_offered(fibre_run: ResultsFolder) -> None:
    path = write_report(fibre_run.path)
    places = [event["snippet"] for event in script_data(path, "page-data")["events"]]
    assert places[:5] == [0, 1, 2, 3, 4]
    assert set(places[5:]) == {None}
    assert Page(path).text.count("waveforms not kept") == 25


def test_nothing_read_from_a_file_becomes_markup(results_folder: ResultsFolder) -> None:
    results_folder.run(
        recording={"title": HOSTILE, "geometry": HOSTILE, "units": HOSTILE},
        notes=[HOSTILE],
        parameters={HOSTILE: HOSTILE},
        quality_log={
            "findings": [{"kind": HOSTILE, "unit": HOSTILE, "detail": HOSTILE}],
            "failed_units": [HOSTILE],
        },
        wall_seconds={HOSTILE: 1.0},
        command_line=HOSTILE,
    )
    bare = {"task": HOSTILE, "reason": HOSTILE, "measure": HOSTILE, "verdict": HOSTILE}
    results_folder.verdicts([bare | {"baseline": {"name": HOSTILE, "value": 1}}])
    results_folder.snippet("overview", np.ones((2, 20)), seed_id=[HOSTILE, "B"], units=HOSTILE, title=HOSTILE)
    results_folder.timeline((HOSTILE,))
    (results_folder.path / "catalogue.csv").write_text(
        'event_id,start,end,score,p_value,n_channels,magnitude\n"<img src=x>",bad,,nan,,,"<img src=x>"\n'
    )
    page = Page(write_report(results_folder.path))
    tags = [tag for tag, _ in page.elements]
    assert "img" not in tags
    scripts = [attrs.get("type") for tag, attrs in page.elements if tag == "script"]
    assert scripts == ["application/json"] * 3 + ["module"]
    assert HOSTILE in page.text


def test_page_needs_no_other_address(fibre_run: ResultsFolder) -> None:
    page = Page(write_report(fibre_run.path))
    addresses = [attrs[name] for _, attrs in page.elements for name in ("src", "href") if name in attrs]
    neighbours = {entry.name for entry in fibre_run.path.iterdir()}
    for address in addresses:
        assert address == "data:," or str(address).strip("/") in neighbours


def test_broken_files_are_named_and_the_rest_is_shown(fibre_run: ResultsFolder) -> None:
    (fibre_run.path / "verdict.json").write_text("[{")
    (fibre_run.path / "timeline.nc").write_bytes(b"no NetCDF")
    (fibre_run.path / "snippets" / "event0001.nc").write_bytes(b"")
    page = Page(write_report(fibre_run.path))
    for name in ("verdict.json", "timeline.nc", "snippets/event0001.nc"):
        assert name + ":" in page.text
    assert "waveforms" in page.sections()
    assert "30 events" in page.text


def test_page_is_replaced_whole_or_not_at_all(
    fibre_run: ResultsFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_report(fibre_run.path)
    before = path.read_bytes()
    fibre_run.verdicts([])

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_report(fibre_run.path)
    assert path.read_bytes() == before
    assert not list(fibre_run.path.glob(".*report*"))


def test_detection_alone_shows_what_was_recorded(results_folder: ResultsFolder) -> None:
    before, _ = arrivals(6, 300)
    results_folder.snippet("overview", before, seed_id=[f"CX.PB01..HH{n}" for n in range(6)])
    path = write_report(results_folder.path)
    overview = script_data(path, "overview-data")
    assert [panel["name"] for panel in overview["panels"]] == ["before"]
    assert overview["kind"] == "wiggles"
    assert "The recording" in Page(path).text


def test_page_stays_small_with_many_large_snippets(results_folder: ResultsFolder) -> None:
    before, after = arrivals(200, 1000)
    for name in results_folder.catalogue(12):
        results_folder.snippet(name, before, after, distance=np.arange(200.0))
    path = write_report(results_folder.path)
    assert path.stat().st_size < 12e6
    assert script_data(path, "snippet-0")["block"] != [1, 1]
