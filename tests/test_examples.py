"""The examples run as they stand, without a warning, and print a verdict."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))
VERDICTS = ("works", "no gain over the baseline", "cannot tell")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs_and_prints_a_verdict(example: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(example)],
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert any(f": {words}. " in done.stdout for words in VERDICTS), done.stdout
    assert not list(tmp_path.iterdir()), "an example leaves nothing behind"


def test_there_is_an_example_of_every_task() -> None:
    names = {path.stem for path in EXAMPLES}
    assert {
        "denoise_fibre",
        "detect_events",
        "evaluate_a_model",
        "pick_an_array",
        "simulate_an_array",
    } <= names
