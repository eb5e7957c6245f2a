"""Assumptions that changed numbers are listed first and one by one, in `run.json`, on the page and on the terminal."""

from __future__ import annotations

import json
from pathlib import Path

from selfseis.quality_log import QualityLog
from selfseis.report.page_parts import issues
from selfseis.workflow.results import Results, warning_lines


def several() -> QualityLog:
    log = QualityLog()
    for row in range(9):
        log.add("unusable_row", "gnss.csv", f"row {row} has 3 cells instead of 9")
    log.add("nan", "scene.csv", "codes for missing values: left out", 500)
    log.add("assumed", "fault", "a point is taken as the middle of the upper edge")
    log.add("assumed", "fault", "no rake limits: 90 degrees")
    log.add("assumed", "gnss.csv", "read as mm", 24)
    return log


def test_every_assumption_is_in_the_results_and_first(tmp_path: Path) -> None:
    Results(tmp_path, "slip", {}).write_quality_log(several())
    log = json.loads((tmp_path / "run.json").read_text())["quality_log"]
    assert [found["kind"] for found in log["findings"]] == ["assumed"] * 3 + ["unusable_row", "nan"]
    assert log["findings"][1]["detail"] == "no rake limits: 90 degrees"
    assert log["findings"][3]["count"] == 9 and log["findings"][3]["detail"].endswith("and 4 more")
    first, *_ = issues(log)
    assert first["kind"] == "assumed" and len(first["details"]) == 3


def test_every_assumption_is_on_the_terminal() -> None:
    lines = warning_lines(several())
    assert lines[:3] == [
        "assumed: fault: a point is taken as the middle of the upper edge",
        "assumed: fault: no rake limits: 90 degrees",
        "assumed: gnss.csv: read as mm (24)",
    ]
    assert len(lines) == 5 and lines[3].startswith("unusable row: 9")
