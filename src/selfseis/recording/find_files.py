"""Search for files in paths, globs, folders, archives and URLs, and detection of their kind."""

from __future__ import annotations

import datetime as dt
import glob
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

import numpy as np

from selfseis.errors import InputError
from selfseis.recording.miniseed import holds_records
from selfseis.recording.time_axis import as_utc_datetime

# fmt: off
WAVEFORM_SUFFIXES = frozenset([
    "ah", "evt", "gcf", "gse", "gse1", "gse2", "h5", "hdf", "hdf5", "knet", "mat", "miniseed", "ms",
    "mseed", "nc", "rg16", "sac", "seed", "seg2", "segd", "segy", "sg2", "sgy", "su", "tdms", "wav",
    "zarr",
])
_NEVER_WAVEFORMS = frozenset([
    "bz2", "csv", "event", "fsp", "geojson", "gz", "html", "ipynb", "jpeg", "jpg", "json", "log", "md",
    "npy", "npz", "parquet", "pdf", "pickle", "picks", "pkl", "png", "py", "rst", "sh", "svg", "tar",
    "toml", "txt", "xlsx", "yaml", "yml", "zip",
])

# fmt: on
_SDS_NAME = re.compile(r"^(\w*\.\w+\.\w*\.\w+)\.D\.(\d{4})\.(\d{3})$")
_HEAD = 65_536  # bytes in which a format is recognised


class Kind(Enum):
    """Content of a file, by its first bytes."""

    MINISEED = auto()
    HDF5 = auto()
    ZARR = auto()
    STATION_XML = auto()
    TABLE = auto()
    OTHER = auto()
    NOT_WAVEFORMS = auto()
    EMPTY = auto()


@dataclass(frozen=True)
class FoundFile:
    """A file, its kind, and whether the user named it directly (or only its folder)."""

    path: Path
    kind: Kind
    named: bool

    @property
    def should_be_waveforms(self) -> bool:
        """Whether the quality log must report this file if it cannot be read."""
        return self.named or self.path.suffix.lower().lstrip(".") in WAVEFORM_SUFFIXES


@dataclass(frozen=True)
class Wanted:
    """The requested span of time and channels, for a first selection by file name."""

    start_ns: int | None
    end_ns: int | None
    patterns: tuple[str, ...]

    def may_hold(self, name: str) -> bool:
        """Whether a file of an SDS archive can hold wanted data; True for any other name.

        Files of the days before and after are kept: records cross midnight.
        """
        sds = _SDS_NAME.match(name)
        if sds is None:
            return True
        if self.patterns and not any(fnmatchcase(sds[1], pattern) for pattern in self.patterns):
            return False
        day = dt.datetime(int(sds[2]), 1, 1, tzinfo=dt.UTC) + dt.timedelta(days=int(sds[3]) - 1)
        one = dt.timedelta(days=1)
        after_start = self.start_ns is None or day + 2 * one > as_utc_datetime(self.start_ns)
        return after_start and (self.end_ns is None or day - one < as_utc_datetime(self.end_ns))

    def may_hold_year(self, folder: str) -> bool:
        """Whether a folder can hold wanted data; only folders named by a year can be ruled out."""
        if not re.fullmatch(r"(19|20)\d\d", folder):
            return True
        after = (
            self.start_ns is None
            or int(folder) >= (as_utc_datetime(self.start_ns) - dt.timedelta(days=1)).year
        )
        return after and (
            self.end_ns is None or int(folder) <= (as_utc_datetime(self.end_ns) + dt.timedelta(days=1)).year
        )


def find_files(sources: Sequence[str | os.PathLike[str]], wanted: Wanted) -> Iterator[FoundFile]:
    """Find every file that the sources name, each once.

    Parameters
    ----------
    sources : sequence of path-like
        Files, folders (searched through), globs, or URLs that fsspec opens.
    wanted : Wanted
        Files of an SDS archive that cannot hold this are left out.

    Raises
    ------
    InputError
        If a source does not exist, matches nothing or may not be read.
    """
    seen: set[Path] = set()
    for source in sources:
        for path in _expand(os.fspath(source)):
            is_store = path.is_dir() and _is_zarr(path)
            folder = path.is_dir() and not is_store
            for file in _walk(path, wanted) if folder else [path]:
                if file not in seen:
                    seen.add(file)
                    yield FoundFile(file, _kind_of(file), named=not folder)


def _expand(source: str) -> list[Path]:
    if source.startswith("file://"):
        source = source.removeprefix("file://")
    if "://" in source:
        return _local_copies(source)
    path = Path(source).expanduser()
    if path.exists():
        if not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
            raise InputError(f"{source} may not be read: change its permissions")
        return [path]
    if glob.has_magic(source):
        matches = sorted(glob.glob(str(path), recursive=True))
        if not matches:
            raise InputError(f"no file matches {source}: check the pattern")
        return [Path(match) for match in matches]
    raise InputError(f"{source} does not exist: check the path")


def _walk(folder: Path, wanted: Wanted) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        stores = [name for name in folders if _is_zarr(Path(parent, name))]
        yield from (Path(parent, name) for name in sorted(stores))
        folders[:] = sorted(name for name in folders if _to_be_searched(name, wanted) and name not in stores)
        for name in sorted(files):
            if not name.startswith(".") and wanted.may_hold(name):
                yield Path(parent, name)


def _to_be_searched(folder: str, wanted: Wanted) -> bool:
    return not folder.startswith(".") and not folder.endswith(".partial") and wanted.may_hold_year(folder)


def _kind_of(path: Path) -> Kind:
    if path.is_dir():
        return Kind.ZARR
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return Kind.OTHER
    suffix = path.suffix.lower().lstrip(".")
    if not head:
        return Kind.EMPTY
    if holds_records(np.frombuffer(head, dtype=np.uint8)):
        return Kind.MINISEED
    if any(head[at : at + 8] == b"\x89HDF\r\n\x1a\n" for at in (0, 512, 1024, 2048)):
        return Kind.HDF5
    if b"FDSNStationXML" in head[:4096]:
        return Kind.STATION_XML
    if suffix in {"txt", "csv"} and b"latitude" in head[:512].lower() and b"longitude" in head[:512].lower():
        return Kind.TABLE
    return Kind.NOT_WAVEFORMS if suffix in _NEVER_WAVEFORMS or head.lstrip()[:5] == b"<?xml" else Kind.OTHER


def _is_zarr(folder: Path) -> bool:
    return (folder / "zarr.json").is_file() or (folder / ".zgroup").is_file()


def _local_copies(url: str) -> list[Path]:
    """Copy the files of a URL into a temporary folder, which is removed at the end of the process."""
    import fsspec

    try:
        copies = fsspec.open_local(f"simplecache::{url}", simplecache={"cache_storage": _cache_folder().name})
    except Exception as error:  # any of fsspec's many backends may raise anything
        reason = " ".join(str(error).split())[:160]
        raise InputError(
            f"{url} cannot be opened ({reason}): check the address or download it first"
        ) from error
    return [Path(copy) for copy in ([copies] if isinstance(copies, str) else copies)]


@lru_cache(maxsize=1)
def _cache_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="selfseis-")
