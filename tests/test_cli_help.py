"""The help texts of all commands, compared with the stored ones in tests/cli_help.

Renew the stored texts after a wanted change: ``SELFSEIS_RENEW=1 python -m pytest tests/test_cli_help.py``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

FOLDER = Path(__file__).parent / "cli_help"
GROUPS = ("", "train")
TASKS = (
    "demo", "run", "train denoiser", "train picker", "train explorer", "denoise", "detect", "pick", "explore",
    "evaluate", "slip", "tomography", "check", "calibrate", "compare", "card", "export",
)  # fmt: skip


@pytest.mark.parametrize("command", (*GROUPS, *TASKS))
def test_help_text(command: str, selfseis: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every help text is the stored one, and every task has an example."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERMINAL_WIDTH", "100")
    shown = selfseis(*command.split(), "--help").stdout
    path = FOLDER / f"{'_'.join(['selfseis', *command.split()])}.txt"
    if os.environ.get("SELFSEIS_RENEW"):
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8"), (
        f"the help of {command!r} changed: if this is wanted, renew it with SELFSEIS_RENEW=1"
    )
    if command in TASKS:
        assert f"Example: selfseis {command}" in " ".join(shown.split())


def test_every_command_has_a_stored_help_text(selfseis: Callable[..., Result]) -> None:
    """A new command needs a stored help text."""
    stored = {path.stem for path in FOLDER.glob("*.txt")}
    assert stored == {"_".join(["selfseis", *command.split()]) for command in (*GROUPS, *TASKS)}
    for group in GROUPS:
        listed = selfseis(*group.split(), "--help").stdout.partition("Commands:")[2].splitlines()
        names = [line.split()[0] for line in listed if line.startswith("  ") and line[2:3].strip()]
        assert names
        for name in names:
            assert "_".join(["selfseis", *group.split(), name]) in stored
