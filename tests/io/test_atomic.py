"""Atomic writing: whole or not at all, and what killed processes leave behind is removed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from selfseis.io.atomic import final_name, replacing, sweep

KILLED = """
import os, sys
from pathlib import Path
from selfseis.io.atomic import replacing
with replacing(Path(sys.argv[1])) as temporary:
    temporary.mkdir() if sys.argv[2] == "folder" else temporary.write_text("half")
    os._exit(9)
"""


def killed_while_writing(path: Path, kind: str) -> Path:
    subprocess.run([sys.executable, "-c", KILLED, str(path), kind], check=False)
    (left,) = (place for place in path.parent.iterdir() if place.name.endswith(".tmp"))
    return left


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_process_left_is_swept_at_the_next_start(kind: str, tmp_path: Path) -> None:
    left = killed_while_writing(tmp_path / "a.nc", kind)
    assert final_name(left) == "a.nc"
    with replacing(tmp_path / "b.txt") as temporary:
        temporary.write_text("whole")
    assert [place.name for place in tmp_path.iterdir()] == ["b.txt"]


def test_a_folder_that_was_set_aside_gets_its_name_back(tmp_path: Path) -> None:
    left = killed_while_writing(tmp_path / "model", "folder")
    aside = left.with_name(left.name.replace(".new.tmp", ".old.tmp"))
    aside.mkdir()
    (aside / "model.json").write_text("{}")
    assert len(sweep(tmp_path)) == 2
    assert [str(place.relative_to(tmp_path)) for place in tmp_path.rglob("*")] == [
        "model",
        "model/model.json",
    ]


def test_files_of_running_processes_other_machines_and_users_stay(tmp_path: Path) -> None:
    with replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        assert sweep(tmp_path) == [] and temporary.exists()
    foreign = tmp_path / ".a.txt.00000000-1.new.tmp"
    for name in (foreign.name, ".mine.tmp", "a.tmp", ".b.123.tmp"):
        (tmp_path / name).write_text("other")
    assert sweep(tmp_path) == []
    os.utime(foreign, (time.time() - 10 * 86_400,) * 2)
    assert sweep(tmp_path) == [foreign]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert [(place.name, place.read_text()) for place in tmp_path.iterdir()] == [("a.txt", "old")]
