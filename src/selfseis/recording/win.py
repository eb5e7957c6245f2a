"""Reader of WIN files: one block a second, which states its own time; ObsPy joins the seconds without looking at it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from selfseis.errors import one_line
from selfseis.quality_log import QualityLog
from selfseis.recording.compressed_files import content_of
from selfseis.recording.segments import Segment, file_stamp
from selfseis.typing import IntArray

_BLOCK_HEADER, _CHANNEL_HEADER = 10, 8  # bytes; the second with the first sample
_SECOND = 10**9  # ns
_MAX_BLOCK = 1 << 24  # bytes of a second of all channels
_WIDEST = 4  # bytes of a difference; code 0 is half a byte


@dataclass(frozen=True)
class WinRun(Segment):
    """Seconds of one channel that follow each other; ``position`` is its index among the runs of the file."""

    position: int

    def read(self, first: int, last: int, quality_log: QualityLog) -> npt.NDArray[Any]:
        """Decode the seconds that hold samples ``first:last``."""
        per_second = round(self.rate)
        try:
            offsets = _runs_of(self.unit, file_stamp(self.unit)).runs[self.position].offsets
            begin, end = first // per_second, (last - 1) // per_second + 1
            with content_of(self.unit).open("rb") as file:
                seconds = [_second(file, offset, per_second) for offset in offsets[begin:end]]
            return np.concatenate(seconds)[first - begin * per_second : last - begin * per_second]
        except (OSError, IndexError, ValueError) as error:
            detail = f"the file has changed since it was opened ({one_line(error)}): masked"
            quality_log.add("damaged", self.unit, detail, lost_share=(last - first) / self.n_samples)
            return np.full(last - first, np.nan, dtype=np.float32)


class _Run(NamedTuple):
    channel: int
    rate: int
    start_ns: int
    offsets: IntArray  # of the channel's part of each second, in the file


class _Index(NamedTuple):
    runs: list[_Run]
    n_bytes: int
    n_unread: int


def holds_win(head: bytes) -> bool:
    """Whether the first bytes of a file are a WIN block: a second whose parts fill exactly its stated size."""
    if len(head) < _BLOCK_HEADER + _CHANNEL_HEADER:
        return False
    size = int.from_bytes(head[:4], "big")
    if not _BLOCK_HEADER + _CHANNEL_HEADER <= size <= _MAX_BLOCK or _time_of(head[4:10]) is None:
        return False
    at = _BLOCK_HEADER
    while at + 4 <= min(size, len(head)):
        length = _length_of_part(head[at : at + 4])
        if length is None or at + length > size:
            return False
        at += length
    return at == size or at + 4 > len(head)


def win_segments(path: Path, quality_log: QualityLog) -> list[Segment]:
    """Index a WIN file by its headers.

    Parameters
    ----------
    path : Path
        The file.
    quality_log : QualityLog
        Receives the assumptions, and the bytes that could not be read.

    Returns
    -------
    list of Segment
        Runs of seconds without a gap. A channel is named by its number, as ``XX.0101..``.
    """
    unit = str(path)
    index = _runs_of(unit, file_stamp(unit))
    quality_log.add(
        "assumed", unit, "WIN numbers its channels: the numbers are taken as stations, its times as UTC"
    )
    if index.n_unread:
        detail = f"the last {index.n_unread} bytes hold no whole block"
        quality_log.add("truncated", unit, detail, lost_share=index.n_unread / index.n_bytes)
    return [
        WinRun(
            f"XX.{run.channel:04X}..",
            run.start_ns,
            run.rate * len(run.offsets),
            float(run.rate),
            unit,
            position,
        )
        for position, run in enumerate(index.runs)
    ]


@lru_cache(maxsize=16)
def _runs_of(path: str, stamp: tuple[int, int, int]) -> _Index:
    raw = content_of(path).read_bytes()
    parts: dict[tuple[int, int], list[tuple[int, int]]] = {}
    at = 0
    while at + _BLOCK_HEADER <= len(raw):
        size, time = int.from_bytes(raw[at : at + 4], "big"), _time_of(raw[at + 4 : at + 10])
        if time is None or size < _BLOCK_HEADER or at + size > len(raw):
            break
        here, end = at + _BLOCK_HEADER, at + size
        while here + _CHANNEL_HEADER <= end:
            length = _length_of_part(raw[here : here + 4])
            if length is None or here + length > end:
                break
            key = (
                int.from_bytes(raw[here : here + 2], "big"),
                int.from_bytes(raw[here + 2 : here + 4], "big") & 0xFFF,
            )
            parts.setdefault(key, []).append((time, here))
            here += length
        at = end
    runs: list[_Run] = []
    for (channel, rate), found in sorted(parts.items()):
        times, offsets = np.array(sorted(found), dtype=np.int64).T
        edges = [0, *(np.flatnonzero(np.diff(times) != _SECOND) + 1).tolist(), len(times)]
        for first, last in pairwise(edges):
            runs.append(_Run(channel, rate, int(times[first]), offsets[first:last]))
    return _Index(runs, len(raw), len(raw) - at)


def _time_of(digits: bytes) -> int | None:
    """Return the time of a block, two decimal digits to a byte, in ns since 1970; None if it is not a time."""
    if any(byte >> 4 > 9 or byte & 15 > 9 for byte in digits):
        return None
    year, month, day, hour, minute, second = (10 * (byte >> 4) + (byte & 15) for byte in digits)
    try:
        moment = dt.datetime(
            year + (1900 if year >= 70 else 2000), month, day, hour, minute, second, tzinfo=dt.UTC
        )
    except ValueError:
        return None
    return int(moment.timestamp()) * _SECOND


def _length_of_part(header: bytes) -> int | None:
    """Return the bytes of one channel in a second; None for an impossible packing or rate."""
    packing = int.from_bytes(header[2:4], "big")
    width, rate = packing >> 12, packing & 0xFFF
    if width > _WIDEST or rate == 0:
        return None
    return _CHANNEL_HEADER + (rate // 2 if width == 0 else (rate - 1) * width)


def _second(file: Any, offset: int, rate: int) -> npt.NDArray[np.int32]:
    """Decode one second of one channel: its first sample, and the sums of the differences after it."""
    file.seek(int(offset))
    header = file.read(_CHANNEL_HEADER)
    packing = int.from_bytes(header[2:4], "big")
    length = _length_of_part(header[:4])
    if packing & 0xFFF != rate or length is None:
        raise ValueError("another rate")
    raw = np.frombuffer(file.read(length - _CHANNEL_HEADER), dtype=np.uint8)
    width = packing >> 12
    if width == 0:
        nibbles = np.stack([raw >> 4, raw & 15], axis=1).ravel()[: rate - 1].astype(np.int64)
        differences = np.where(nibbles > 7, nibbles - 16, nibbles)
    else:
        padded = np.zeros((rate - 1, _WIDEST), dtype=np.uint8)
        padded[:, :width] = raw.reshape(rate - 1, width)
        differences = padded.view(">i4").ravel().astype(np.int64) >> (8 * (_WIDEST - width))
    samples = np.empty(rate, dtype=np.int64)
    samples[0] = int.from_bytes(header[4:8], "big", signed=True)
    samples[1:] = samples[0] + np.cumsum(differences)
    return samples.astype(np.int32)
