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
from selfseis.geo.station_rows import is_station_table
from selfseis.recording.compressed_files import head_of, inner_name
from selfseis.recording.miniseed_headers import holds_records
from selfseis.recording.time_axis import as_utc_datetime
from selfseis.recording.win import holds_win

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
_CHANNEL_NAME = re.compile(r"^\w{0,2}\.\w{1,8}\.\w{0,2}\.[A-Z0-9]{3}(\.|$)")
_UNFINISHED = frozenset(["crdownload", "download", "filepart", "part", "tmp"])  # files still being written
_HEAD = 65_536  # bytes in which a format is recognised
_TEXT_WAVEFORMS = (b"TIMESERIES ", b"WID1", b"WID2", b"XW01", b"Origin Time")  # SLIST and TSPAIR, GSE, K-NET
_OTHER_CONTENTS = (
    b"PK\x03\x04", b"\x89PNG", b"\xff\xd8\xff", b"%PDF", b"\x93NUMPY", b"\x80\x04", b"\x80\x05", b"PAR1",
    b"\x1f\x8b", b"BZh", b"SQLite",
)  # fmt: skip


class Kind(Enum):
    """Content of a file, by its first bytes."""

    MINISEED = auto()
    WIN = auto()
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
        name = inner_name(self.path)
        by_suffix = Path(name).suffix.lower().lstrip(".") in WAVEFORM_SUFFIXES
        return self.named or by_suffix or _SDS_NAME.match(name) is not None or bool(_CHANNEL_NAME.match(name))


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
        sds = _SDS_NAME.match(inner_name(Path(name)))
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
    if path.suffix.lower().lstrip(".") in _UNFINISHED:
        return Kind.NOT_WAVEFORMS
    try:
        head = head_of(path, _HEAD)
    except OSError:
        return Kind.OTHER
    name = Path(inner_name(path))
    suffix = name.suffix.lower().lstrip(".")
    if not head:
        return Kind.EMPTY
    if any(head[at : at + 8] == b"\x89HDF\r\n\x1a\n" for at in (0, 512, 1024, 2048)):
        return Kind.HDF5  # before the search for records, which takes a hundred times longer
    if holds_records(np.frombuffer(head, dtype=np.uint8)):
        return Kind.MINISEED
    if b"FDSNStationXML" in head[:4096]:
        return Kind.STATION_XML
    if suffix in {"txt", "csv", "tsv"} and (
        "station" in name.stem.lower() or is_station_table(head.decode("utf-8", "replace").splitlines())
    ):
        return Kind.TABLE
    if holds_win(head):
        return Kind.WIN
    is_xml = head.lstrip()[:5] == b"<?xml"
    if is_xml or (suffix in _NEVER_WAVEFORMS and not _may_hold_waveforms(head)):
        return Kind.NOT_WAVEFORMS
    return Kind.OTHER


def _may_hold_waveforms(head: bytes) -> bool:
    """Whether a file whose suffix is that of other contents may hold waveforms: a station may be named MD or LOG."""
    if head.startswith(_TEXT_WAVEFORMS):
        return True
    return b"\0" in head and not head.startswith(_OTHER_CONTENTS)


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
