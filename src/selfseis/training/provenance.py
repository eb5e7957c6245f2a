"""Record of the training data of a model, so that no evaluation uses them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, pairwise
from typing import NamedTuple, Self

import numpy as np
import xarray as xr

from selfseis.recording.coverage import joined
from selfseis.recording.dataarray import channel_names
from selfseis.recording.time_axis import grid_of
from selfseis.typing import Float32Array, IntArray

Times = list[tuple[int, int]]
N_CHECKSUM_CHANNELS = (
    32  # spread over the trained channels: at least one per station of ten three-component ones
)
PIECE = 256  # approximate samples of a piece: a cut of a few seconds still contains whole pieces
MIN_SAMPLES = 16  # of a piece, for which equal checksums are not accidental
MIN_PIECES, MAX_PIECES = 48, 4096  # shorter pieces of a short recording, longer pieces of a long one
READ_AHEAD = 65_536  # samples


class Piece(NamedTuple):
    """A short piece of the training times.

    Attributes
    ----------
    channel : str
        Name of the channel of the checksum.
    begin, end : int
        Times of the first sample and of the one after the last, ns since 1970 UTC.
    checksum : int
        CRC-32 of the samples of the channel.
    """

    channel: str
    begin: int
    end: int
    checksum: int


@dataclass(frozen=True)
class TrainingRecord:
    """Times of the training data of a model, in short pieces with checksums.

    Equal times alone do not identify the training data, since all recordings made of plain arrays start at the same
    default time. A piece therefore counts as training data only if the samples of a channel are also equal. Pieces
    are short because a recording may contain only a part of the training data. Some pieces cannot be checked: the
    recording cuts them, lacks their channel or is silent. They count as training data if any other piece does.

    Attributes
    ----------
    pieces : tuple of Piece
        The pieces.
    """

    pieces: tuple[Piece, ...]

    @classmethod
    def of(cls, recording: xr.DataArray, times: Times, channels: Sequence[int]) -> Self:
        """Record training data.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording.
        times : list of (int, int)
            Intervals of training samples, each as first one and end, in order of time.
        channels : sequence of int
            Numbers of the trained channels.
        """
        names = channel_names(recording)
        spread = np.linspace(0, len(channels) - 1, min(N_CHECKSUM_CHANNELS, len(channels))).astype(int)
        checked = [names[channels[number]] for number in spread]
        read, grid = _Reader(recording, set(checked)), grid_of(recording)
        pieces = []
        for (first, last), name in zip(_cut(times), cycle(checked), strict=False):
            begin, end = grid.at([first, last]).tolist()
            pieces.append(Piece(name, begin, end, _checksum(read(name, first, last))))
        return cls(tuple(pieces))

    def __or__(self, later: TrainingRecord) -> TrainingRecord:
        """Return the record of the training data of both."""
        return TrainingRecord(tuple(dict.fromkeys(self.pieces + later.pieces)))

    def as_table(self) -> tuple[list[str], IntArray]:
        """Return the names of the channels and a row per piece: channel number, begin, end, checksum."""
        names = sorted({piece.channel for piece in self.pieces})
        rows = [(names.index(channel), *numbers) for channel, *numbers in self.pieces]
        return names, np.array(rows, np.int64).reshape(-1, 4)

    @classmethod
    def from_table(cls, names: list[str], rows: IntArray) -> Self:
        """Return the record with a given table; the inverse of `as_table`."""
        channels = dict(enumerate(names))
        return cls(tuple(Piece(channels[number], *times) for number, *times in rows.tolist()))

    def times_in(self, recording: xr.DataArray) -> Times:
        """Return the intervals of training samples in a recording, each as first one and end, in order of time.

        Parameters
        ----------
        recording : xarray.DataArray
            Any recording, in any format.
        """
        grid, n_samples = grid_of(recording), recording.sizes["time"]
        read = _Reader(recording, {piece.channel for piece in self.pieces})
        verified: Times = []
        unverified: Times = []
        for piece in sorted(self.pieces, key=lambda piece: piece.begin):
            whole = grid.nearest(piece.begin), grid.nearest(piece.end)
            part = max(whole[0], 0), min(whole[1], n_samples)
            if part[0] >= part[1]:
                continue
            if piece.channel not in read or part != whole:
                unverified.append(part)
            elif _checksum(samples := read(piece.channel, *part)) == piece.checksum:
                (unverified if _is_silent(samples) else verified).append(part)
        return joined(verified + unverified) if verified else []


class _Reader:
    """Reader of named channels, which reads ahead."""

    def __init__(self, recording: xr.DataArray, names: set[str]) -> None:
        rows = [row for row, name in enumerate(channel_names(recording)) if name in names]
        self._recording = recording.isel(channel=rows)
        self._row_of = {name: row for row, name in enumerate(channel_names(self._recording))}
        self._first, self._data = 0, np.empty((len(rows), 0), np.float32)

    def __contains__(self, name: str) -> bool:
        return name in self._row_of

    def __call__(self, name: str, first: int, last: int) -> Float32Array:
        if not self._first <= first <= last <= self._first + self._data.shape[1]:
            ahead = slice(first, max(last, first + READ_AHEAD))
            self._first, self._data = first, self._recording.variable.isel(time=ahead).values
        return self._data[self._row_of[name], first - self._first : last - self._first]


def _cut(times: Times) -> Iterator[tuple[int, int]]:
    """Cut times into pieces of about equal length."""
    total = sum(last - first for first, last in times)
    length = max(MIN_SAMPLES, min(max(PIECE, total // MAX_PIECES), total // MIN_PIECES))
    for first, last in times:
        edges = np.linspace(first, last, 1 + max(1, round((last - first) / length)))
        yield from pairwise(edges.astype(int).tolist())


def _is_silent(samples: Float32Array) -> bool:
    """Return whether a channel is dead or missing: the checksum is then the same for any recording."""
    values = np.nan_to_num(samples)
    return bool(values.min() == values.max())


def _checksum(samples: Float32Array) -> int:
    """Return the checksum of samples with gaps as zeros, since file formats mark gaps differently."""
    return zlib.crc32((np.nan_to_num(samples) + np.float32(0)).astype("<f4").tobytes())
