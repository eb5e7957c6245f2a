"""The docstring of every public name has an example, and it runs."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

import selfseis

NAMES = [name for name in selfseis.__all__ if name[0] != "_" and name not in ("simulate", "validation")]


@pytest.mark.parametrize("name", NAMES)
def test_example_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    public = getattr(selfseis, name)
    (found,) = doctest.DocTestFinder(recurse=False).find(public, name, globs={})
    assert found.examples, f"{name} has no example"
    problems: list[str] = []
    results = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(found, out=problems.append)
    assert results.failed == 0, "".join(problems)
