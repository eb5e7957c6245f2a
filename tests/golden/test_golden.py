"""Every command of the command line writes and prints what it did before, number by number and word by word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from golden_outputs import (
    ENVIRONMENT,
    EXPECTED,
    GROUPS,
    SLOW,
    differences,
    environment,
    kept,
    missing,
    produce,
)

MAX_SHOWN = 60


@pytest.fixture(scope="module")
def same_environment() -> bool:
    """Return whether numbers round as they did where the outputs were kept."""
    return bool(json.loads(ENVIRONMENT.read_text()) == environment())


@pytest.mark.parametrize(
    "group", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in GROUPS]
)
def test_outputs_are_unchanged(group: str, tmp_path: Path, same_environment: bool) -> None:
    if reason := missing(group):
        pytest.skip(reason)
    outputs = produce(group, tmp_path)
    found = [
        f"{case.name}{line}"
        for case in GROUPS[group]
        for line in differences(kept(case), outputs[case.name], same=same_environment, trained=case.trained)
    ]
    shown = "\n".join(found[:MAX_SHOWN])
    assert not found, f"{len(found)} differences from the kept outputs:\n{shown}"


def test_every_command_has_kept_outputs_and_nothing_else_is_kept() -> None:
    names = {case.name for cases in GROUPS.values() for case in cases}
    assert {path.stem for path in EXPECTED.glob("*.json")} == names | {ENVIRONMENT.stem}


def test_differences_are_found() -> None:
    old = {"value": 1.0, "text": "works", "table": {"columns": "a,b", "rows": ["1,x", "2,y"]}}
    new = {"value": 1.0001, "words": "works", "table": {"columns": "a,b", "rows": ["1,x", "2.1,y"]}}
    assert list(differences(old, new, same=True, trained=False)) == [
        "/table/rows/1/a: 2.0 -> 2.1",
        '/text: "works" is missing',
        "/value: 1.0 -> 1.0001",
        '/words: "works" is new',
    ]
    assert len(list(differences(old, new, same=False, trained=False))) == 3
    assert len(list(differences(old, new, same=False, trained=True))) == 2
    assert list(differences(old, old, same=True, trained=False)) == []
