"""Calls in another process: results and errors come back, and a crash, a loop or a greedy file gives one line."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest

from selfseis.errors import InputError
from selfseis.io import library_process
from selfseis.io.library_process import LibraryProcess

FUNCTIONS = """
import os, sys
import numpy as np
def numbers(path, count): return {"values": np.arange(count), "pid": os.getpid()}
def noisy(path): print("a library prints"); sys.stdout.flush(); os.write(1, b"more"); return 5
def fails(path): raise KeyError("no such name")
def crashes(path): os.kill(os.getpid(), 11)
def greedy(path): return float(np.ones(10**10).sum())
def loops(path):
    while True:
        pass
"""


@pytest.fixture
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "functions_of_a_test.py").write_text(FUNCTIONS)
    monkeypatch.syspath_prepend(tmp_path)
    running = LibraryProcess()
    yield running
    running.stop()


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "a.h5").write_bytes(b"content")
    return str(tmp_path / "a.h5")


def call(process: LibraryProcess, name: str, file: str, *arguments: object) -> object:
    return process.call(f"functions_of_a_test:{name}", file, *arguments)


def test_results_come_back_from_one_process(process: LibraryProcess, file: str) -> None:
    first, second = (call(process, "numbers", file, count) for count in (3, 2_000_000))
    np.testing.assert_array_equal(first["values"], [0, 1, 2])
    np.testing.assert_array_equal(second["values"], np.arange(2_000_000))
    assert first["pid"] == second["pid"] != os.getpid()
    second["values"][0] = 1  # an array that can be changed, as if it had been read here
    assert call(process, "noisy", file) == 5


def test_errors_come_back_in_one_line(process: LibraryProcess, file: str) -> None:
    with pytest.raises(InputError, match="no such name"):
        call(process, "fails", file)
    assert call(process, "noisy", file) == 5


@pytest.mark.parametrize("fault", ["crashes", "greedy", "loops"])
def test_a_fatal_file_gives_one_line_and_the_next_file_is_read(
    fault: str, process: LibraryProcess, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="the file is damaged") as refusal:
        call(process, fault, file)
    assert "\n" not in str(refusal.value)
    (tmp_path / "b.h5").write_bytes(b"other")
    assert call(process, "noisy", str(tmp_path / "b.h5")) == 5
    if fault != "greedy":
        monkeypatch.setattr(process, "_answer", lambda request: pytest.fail("the file was read again"))
        with pytest.raises(InputError, match="the file is damaged"):
            call(process, fault, file)


def test_threads_take_turns(process: LibraryProcess, file: str) -> None:
    sizes: list[int] = []

    def read(count: int) -> None:
        sizes.append(len(call(process, "numbers", file, count)["values"]) - count)

    threads = [threading.Thread(target=read, args=(10_000 * k,)) for k in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sizes == [0] * 8


def test_a_forked_copy_starts_its_own_process(process: LibraryProcess, file: str) -> None:
    parent = call(process, "numbers", file, 1)["pid"]
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, str(call(process, "numbers", file, 1)["pid"]).encode())
        process.stop()
        os._exit(0)
    os.waitpid(child, 0)
    assert int(os.read(reading, 20)) != parent
    assert call(process, "numbers", file, 1)["pid"] == parent
    assert library_process.LIBRARIES is not process
