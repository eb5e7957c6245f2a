"""Atomic writing: a file or folder appears whole or not at all.

What a killed process left behind under a temporary name is removed when the folder is next written to.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_TEMPORARY = re.compile(r"\.(?P<name>.+)\.(?P<host>[0-9a-f]{8})-(?P<process>\d+)\.(?P<kind>new|old)\.tmp")
_FOREIGN_AGE_S = 2 * 86_400.0  # of files of another machine, whose processes cannot be seen
_swept: set[tuple[int, Path]] = set()


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
    _sweep_once(path.parent)
    temporary, aside = _temporary(path, "new"), _temporary(path, "old")
    remove(temporary)
    try:
        yield temporary
        _sync(temporary)
        if path.is_dir():  # a folder cannot be replaced in one step: set the old one aside first
            path.rename(aside)
            temporary.rename(path)
            remove(aside)
        else:
            os.replace(temporary, path)
        _sync_folder(path.parent)
    finally:
        remove(temporary)


def final_name(temporary: Path) -> str:
    """Return the name that a temporary file of `replacing` will have; another name is returned as it is."""
    match = _TEMPORARY.fullmatch(temporary.name)
    return temporary.name if match is None else match["name"]


def sweep(folder: Path) -> list[Path]:
    """Remove the temporary files and folders that killed processes left in a folder.

    Those of running processes stay, and those of another machine for two days. A folder that was set aside while its
    replacement never arrived gets its name back.

    Parameters
    ----------
    folder : Path
        The folder; folders in it are not searched.

    Returns
    -------
    list of Path
        What was removed or renamed.
    """
    swept: list[Path] = []
    for place in sorted(folder.iterdir()):
        match = _TEMPORARY.fullmatch(place.name)
        if match is None or not _is_left_behind(place, match["host"], int(match["process"])):
            continue
        with suppress(OSError):
            if match["kind"] == "old" and not (folder / match["name"]).exists():
                place.rename(folder / match["name"])
            else:
                remove(place)
            swept.append(place)
    return swept


def _sweep_once(folder: Path) -> None:
    """Sweep a folder at the first writing of this process, because a folder of tiles holds many files."""
    key = (os.getpid(), folder.absolute())
    if key not in _swept:
        _swept.add(key)
        sweep(folder)


def _temporary(path: Path, kind: str) -> Path:
    return path.with_name(f".{path.name}.{_host()}-{os.getpid()}.{kind}.tmp")


def _host() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def _is_left_behind(place: Path, host: str, process: int) -> bool:
    if host != _host():
        with suppress(OSError):
            return time.time() - place.stat().st_mtime > _FOREIGN_AGE_S
        return False
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


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
