"""Index of the headers of many files, so that a folder is scanned once and not at each command.

It lies in a cache folder: ``$SELFSEIS_CACHE``, else ``$XDG_CACHE_HOME/selfseis``, else ``~/.cache/selfseis``. An empty
``$SELFSEIS_CACHE`` turns it off. A file whose size or time of change differs is read again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from selfseis.io.atomic import replacing

_FORMAT = 1  # changes when older indices can no longer be used
_MIN_FILES = 20  # headers read in a folder, below which no index is written: so few are read quickly
_LIBRARIES = ("dascore", "h5py")


class FileIndex:
    """Headers of the files of some folders.

    Parameters
    ----------
    read : callable
        ``read(path, hints)`` returns what a file holds, as plain values.

    Examples
    --------
    >>> from pathlib import Path
    >>> from selfseis.recording.file_index import FileIndex
    >>> _ = Path("a.h5").write_bytes(b"samples")
    >>> index = FileIndex(lambda path, hints: {"n_samples": 7})
    >>> index.content(Path("a.h5"), {})
    {'n_samples': 7}
    >>> index.save()
    """

    def __init__(self, read: Callable[[str, dict[str, Any]], dict[str, Any]]) -> None:
        self._read = read
        self._folders: dict[Path, dict[str, Any]] = {}
        self._changed: dict[Path, int] = {}

    def content(self, path: Path, hints: dict[str, Any]) -> dict[str, Any]:
        """Return what a file holds, from the index if the file has not changed.

        Raises
        ------
        Exception
            Whatever the reader raises; such a file is not kept in the index.
        """
        folder = path.parent.absolute()
        entries = self._entries(folder)
        status = path.stat()
        stamp = [status.st_size, status.st_mtime_ns, hints]
        known = entries.get(path.name)
        if known is not None and known[0] == stamp:
            content: dict[str, Any] = known[1]
            return content
        content = self._read(str(path), hints)
        entries[path.name] = [stamp, content]
        self._changed[folder] = self._changed.get(folder, 0) + 1
        return content

    def save(self) -> None:
        """Write what was not in the index. A folder that cannot be written to stays without an index."""
        for folder, n_changed in self._changed.items():
            if n_changed < _MIN_FILES:
                continue
            with suppress(OSError):
                there = set(os.listdir(folder))
                entries = {name: entry for name, entry in self._folders[folder].items() if name in there}
                _write(folder, entries)
        self._changed.clear()

    def _entries(self, folder: Path) -> dict[str, Any]:
        if folder not in self._folders:
            self._folders[folder] = _stored(folder)
        return self._folders[folder]


def _place(folder: Path) -> Path | None:
    """Return the file of the index of a folder; None if indices are turned off."""
    chosen = os.environ.get("SELFSEIS_CACHE")
    if chosen == "":
        return None
    home = os.environ.get("XDG_CACHE_HOME")
    base = Path(chosen) if chosen else (Path(home) if home else Path.home() / ".cache") / "selfseis"
    return base / f"index-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:24]}.json"


def _versions() -> list[Any]:
    found: list[Any] = [_FORMAT]
    for name in _LIBRARIES:
        try:
            found.append(metadata.version(name))
        except metadata.PackageNotFoundError:
            found.append(None)
    return found


def _stored(folder: Path) -> dict[str, Any]:
    """Read the index of a folder; empty if there is none, or one that is damaged or of other versions."""
    try:
        place = _place(folder)
        if place is None:
            return {}
        checksum, _, body = place.read_text(encoding="utf-8").partition("\n")
        if hashlib.sha256(body.encode()).hexdigest() != checksum:
            return {}
        stored = json.loads(body)
        if stored["versions"] != _versions() or stored["folder"] != str(folder):
            return {}
        shared = stored["distances"]
        for _, content in stored["files"].values():
            for header in content["headers"]:
                header["distance"] = shared[header["distance"]]
        files: dict[str, Any] = stored["files"]
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        return {}
    return files


def _write(folder: Path, entries: dict[str, Any]) -> None:
    """Write an index; distances, which most files of a folder share, are stored once."""
    place = _place(folder)
    if place is None:
        return
    numbers: dict[str, int] = {}
    files: dict[str, Any] = {}
    for name, (stamp, content) in entries.items():
        headers = []
        for header in content["headers"]:
            text = json.dumps(header["distance"])
            headers.append(header | {"distance": numbers.setdefault(text, len(numbers))})
        files[name] = [stamp, content | {"headers": headers}]
    body = json.dumps(
        {
            "versions": _versions(),
            "folder": str(folder),
            "distances": [json.loads(text) for text in numbers],
            "files": files,
        }
    )
    with replacing(place) as temporary:
        temporary.write_text(f"{hashlib.sha256(body.encode()).hexdigest()}\n{body}", encoding="utf-8")
