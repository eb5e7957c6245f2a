"""Atomic writing: a file or folder appears whole or not at all."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name next to ``path``; its content replaces ``path`` when the block ends without an error.

    Parameters
    ----------
    path : pathlib.Path
        Final name of the file or folder; an existing one is replaced. Its folder is created if needed.

    Yields
    ------
    pathlib.Path
        Where to write.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    remove(temporary)
    try:
        yield temporary
        _sync(temporary)
        if path.is_dir():  # a folder cannot be replaced in one step: set the old one aside first
            aside = path.with_name(f".{path.name}.{os.getpid()}.old")
            path.rename(aside)
            temporary.rename(path)
            remove(aside)
        else:
            os.replace(temporary, path)
        _sync_folder(path.parent)
    finally:
        remove(temporary)


def write_json(path: Path, content: Any) -> None:
    """Write JSON, indented, whole or not at all; numbers that are not finite become null."""
    with replacing(path) as temporary:
        temporary.write_text(to_json(content) + "\n", encoding="utf-8")


def to_json(content: Any) -> str:
    """Return indented JSON; numbers that are not finite become null, because JSON has no Infinity and no NaN."""
    return json.dumps(_with_null(content), indent=2, ensure_ascii=False, allow_nan=False)


def _with_null(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _with_null(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_with_null(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def remove(path: Path) -> None:
    """Remove a file, or a folder with its content, if it exists."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    for file in files:
        with file.open("rb+") as opened:
            os.fsync(opened.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
