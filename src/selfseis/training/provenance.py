"""What a model has learnt from, so that no verdict on it is passed there."""

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
CHECKSUMS = 32  # channels spread over those that were learnt from: of any station of ten there is one
PIECE = 256  # samples or so: a few seconds cut out of an hour still hold whole pieces
SHORTEST = 16  # samples that other data do not have by accident
MIN_PIECES, MAX_PIECES = 48, 4096  # shorter ones of a short recording, longer ones of a long one
READ_AHEAD = 65_536  # samples


class Piece(NamedTuple):
    """A short piece of time that was learnt from.

    Attributes
    ----------
    channel : str
        The channel that it is known by.
    begin, end : int
        Times of its first sample and of the one after its last, ns since 1970 UTC.
    checksum : int
        CRC-32 of what the channel recorded.
    """

    channel: str
    begin: int
    end: int
    checksum: int


@dataclass(frozen=True)
class TrainingRecord:
    """Times that a model has learnt from, piece by piece.

    A time alone does not tell: recordings made of plain arrays all begin at the same default time. So it counts as
    taught only where the samples of a channel are the same too. Pieces are short because a recording may hold only
    a part of what was learnt from; one that it cuts, whose channel it lacks or that is silent, is taught where
    others are.

    Attributes
    ----------
    pieces : tuple of Piece
    """

    pieces: tuple[Piece, ...]

    @classmethod
    def of(cls, recording: xr.DataArray, times: Times, channels: Sequence[int]) -> Self:
        """Note what was learnt from.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording.
        times : list of (int, int)
            Its samples that were learnt from, each as first one and end, in order of time.
        channels : sequence of int
            Numbers of the channels that were learnt from; those that are silent say nothing.
        """
        names = channel_names(recording)
        spread = np.linspace(0, len(channels) - 1, min(CHECKSUMS, len(channels))).astype(int)
        checksums = [names[channels[number]] for number in spread]
        read, grid = _Reader(recording, set(checksums)), grid_of(recording)
        pieces = []
        for (first, last), name in zip(_cut(times), cycle(checksums), strict=False):
            begin, end = grid.at([first, last]).tolist()
            pieces.append(Piece(name, begin, end, _checksum(read(name, first, last))))
        return cls(tuple(pieces))

    def __or__(self, later: TrainingRecord) -> TrainingRecord:
        """Return all that was taught, earlier and later."""
        return TrainingRecord(tuple(dict.fromkeys(self.pieces + later.pieces)))

    def as_table(self) -> tuple[list[str], IntArray]:
        """Return the names of channels and, for each piece, a row: number of its channel, begin, end, checksum."""
        names = sorted({piece.channel for piece in self.pieces})
        rows = [(names.index(channel), *numbers) for channel, *numbers in self.pieces]
        return names, np.array(rows, np.int64).reshape(-1, 4)

    @classmethod
    def from_table(cls, names: list[str], rows: IntArray) -> Self:
        """Return what `as_table` was made of."""
        channels = dict(enumerate(names))
        return cls(tuple(Piece(channels[number], *times) for number, *times in rows.tolist()))

    def times_in(self, recording: xr.DataArray) -> Times:
        """Return which samples of a recording were taught, each stretch as its first one and end, in order of time.

        Parameters
        ----------
        recording : xarray.DataArray
            Any, read from whatever format.
        """
        grid, n_samples = grid_of(recording), recording.sizes["time"]
        read = _Reader(recording, {piece.channel for piece in self.pieces})
        sure: Times = []
        unsure: Times = []
        for piece in sorted(self.pieces, key=lambda piece: piece.begin):
            whole = grid.nearest(piece.begin), grid.nearest(piece.end)
            part = max(whole[0], 0), min(whole[1], n_samples)
            if part[0] >= part[1]:
                continue
            if piece.channel not in read or part != whole:
                unsure.append(part)
            elif _checksum(samples := read(piece.channel, *part)) == piece.checksum:
                (unsure if _is_silent(samples) else sure).append(part)
        return joined(sure + unsure) if sure else []


class _Reader:
    """Reads channels by name, piece by piece, a stretch ahead."""

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
    """Cut times into pieces of much the same length."""
    total = sum(last - first for first, last in times)
    length = max(SHORTEST, min(max(PIECE, total // MAX_PIECES), total // MIN_PIECES))
    for first, last in times:
        edges = np.linspace(first, last, 1 + max(1, round((last - first) / length)))
        yield from pairwise(edges.astype(int).tolist())


def _is_silent(samples: Float32Array) -> bool:
    """Whether a channel is dead or missing there: any recording may hold the same."""
    values = np.nan_to_num(samples)
    return bool(values.min() == values.max())


def _checksum(samples: Float32Array) -> int:
    """Sum up what a channel recorded, gaps as zeros: formats mark these in their own ways."""
    return zlib.crc32((np.nan_to_num(samples) + np.float32(0)).astype("<f4").tobytes())
