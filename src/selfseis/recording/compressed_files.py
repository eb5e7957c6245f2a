"""Compressed files: one local copy of the contents of each, for readers that need plain files."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import tempfile
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from selfseis.errors import InputError, one_line
from selfseis.recording.segments import file_stamp

_OPEN: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
_SUFFIXES = {".gz", ".bz2", ".xz"}
_MAX_RATIO = (
    500  # a larger one is no compressed recording: Steim data shrink by a third, empty files without end
)
_BLOCK = 1 << 20  # bytes
_MAX_KEPT = 4 << 30  # bytes of all copies together
_kept: OrderedDict[tuple[str, tuple[int, int, int]], Path] = OrderedDict()
_lock = threading.RLock()


def is_compressed(path: Path) -> bool:
    """Whether the first bytes of a file are those of gzip, bzip2 or xz.

    Examples
    --------
    >>> is_compressed(Path("recording.mseed.gz")) if Path("recording.mseed.gz").exists() else False
    False
    """
    return _opener_of(path) is not None


def inner_name(path: Path) -> str:
    """Return the name of a file without the suffix of its compression.

    Examples
    --------
    >>> inner_name(Path("XX.ST3..HHZ.D.2021.064.gz"))
    'XX.ST3..HHZ.D.2021.064'
    """
    return path.stem if path.suffix.lower() in _SUFFIXES else path.name


def head_of(path: Path, n_bytes: int) -> bytes:
    """Return the first bytes of the contents of a file; those of the file itself if it cannot be extracted.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    opened = _opener_of(path)
    if opened is not None:
        try:
            with opened(path) as packed:
                return bytes(packed.read(n_bytes))
        except (EOFError, ValueError, OSError, lzma.LZMAError, zlib.error):
            pass
    with path.open("rb") as file:
        return file.read(n_bytes)


def content_of(path: str | Path) -> Path:
    """Return a plain file with the contents of a file: the file itself, or a temporary copy if it is compressed.

    Parameters
    ----------
    path : str or Path
        The file.

    Raises
    ------
    InputError
        If the compressed data are damaged, or far larger than any recording.
    """
    file = Path(path)
    if not is_compressed(file):
        return file
    key = (str(file), file_stamp(str(file)))
    with _lock:
        if key in _kept and _kept[key].exists():
            _kept.move_to_end(key)
        else:
            _kept[key] = _extracted(file, key[1][2])
            _forget_oldest()
        return _kept[key]


def _opener_of(path: Path) -> Callable[[Path], Any] | None:
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError:
        return None
    return next((opened for magic, opened in _OPEN.items() if head.startswith(magic)), None)


def _extracted(source: Path, n_bytes: int) -> Path:
    opened = _opener_of(source)
    assert opened is not None  # the caller has asked
    target = Path(tempfile.mkdtemp(dir=_folder().name)) / inner_name(source)
    max_bytes = n_bytes * _MAX_RATIO + _BLOCK
    try:
        with opened(source) as packed, target.open("wb") as plain:
            while block := packed.read(_BLOCK):
                plain.write(block)
                if plain.tell() > max_bytes:
                    raise InputError(
                        f"{source} grows to more than {_MAX_RATIO} times its size: extract it yourself"
                    )
    except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error) as error:
        shutil.rmtree(target.parent, ignore_errors=True)
        if isinstance(error, InputError):
            raise
        raise InputError(f"{source} cannot be extracted ({one_line(error)}): compress it again") from error
    return target


def _forget_oldest() -> None:
    """Delete the copies used longest ago, beyond a total size, so that an archive does not fill the disk."""
    total = sum(copy.stat().st_size for copy in _kept.values() if copy.exists())
    while total > _MAX_KEPT and len(_kept) > 1:
        _, copy = _kept.popitem(last=False)
        total -= copy.stat().st_size if copy.exists() else 0
        shutil.rmtree(copy.parent, ignore_errors=True)


@lru_cache(maxsize=1)
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="selfseis-")
