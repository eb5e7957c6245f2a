"""What a model has learnt from, so that no verdict on it is passed there."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.denoise.study import PATCHES, Span
from selfseis.denoise.tiled import channel_names
from selfseis.recording.time_axis import grid_of

Mask = NDArray[np.bool_]
Samples = NDArray[np.float32]

WITNESSES = 8  # channels spread over the live ones: of half a fibre there are still some
PIECE = 256  # samples at most, fewer of a short span: a few seconds cut out of a day still hold whole pieces


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
class Taught:
    """Times that a model has learnt from, piece by piece.

    A time alone does not tell: recordings made of plain arrays all begin at the same default time. So it counts as
    taught only where the samples of a channel are the same too. Pieces are short because a recording may hold only
    a part of what was learnt from; one that it cuts, or whose channel it lacks, is taught where another near it is.

    Attributes
    ----------
    pieces : tuple of Piece
    """

    pieces: tuple[Piece, ...]

    @classmethod
    def of(cls, recording: xr.DataArray, spans: list[Span], live: Mask) -> Self:
        """Note all times of the spans that are not kept for judging, the guards around these included.

        Parameters
        ----------
        recording : xarray.DataArray
            What the spans are of.
        spans : list of Span
            As `study_spans` returns them.
        live : ndarray of bool, shape (n_channels,)
            Channels that record at all.
        """
        spread = np.linspace(0, live.sum() - 1, min(WITNESSES, live.sum())).astype(int)
        witnesses = [channel_names(recording)[number] for number in np.flatnonzero(live)[spread]]
        return cls(tuple(piece for span in spans for piece in _pieces(recording, span, witnesses)))

    def __or__(self, later: Taught) -> Taught:
        """Return all that was taught, earlier and later."""
        return Taught(tuple(dict.fromkeys(self.pieces + later.pieces)))

    def as_table(self) -> tuple[list[str], NDArray[np.int64]]:
        """Return the names of channels and, for each piece, a row: number of its channel, begin, end, checksum."""
        names = sorted({piece.channel for piece in self.pieces})
        rows = [(names.index(channel), *numbers) for channel, *numbers in self.pieces]
        return names, np.array(rows, np.int64).reshape(-1, 4)

    @classmethod
    def from_table(cls, names: list[str], rows: NDArray[np.int64]) -> Self:
        """Return what `as_table` was made of."""
        channels = dict(enumerate(names))
        return cls(tuple(Piece(channels[number], *times) for number, *times in rows.tolist()))

    def hidden(self, recording: xr.DataArray, spans: list[Span]) -> list[Span]:
        """Return spans of a recording, judged wherever they were not taught.

        Parameters
        ----------
        recording : xarray.DataArray
            What the spans are of, read from whatever format.
        spans : list of Span
            As `study_spans` returns them.
        """
        return [
            replace(span, judge=(span.learn | span.choose | span.judge) & ~self._covered(recording, span))
            for span in spans
        ]

    def _covered(self, recording: xr.DataArray, span: Span) -> Mask:
        """Return which samples of a span were taught, shape (n_samples,)."""
        around, first = _around(recording, span, {piece.channel for piece in self.pieces})
        grid, n_samples = grid_of(around), around.sizes["time"]
        begin, end = grid.at([0, n_samples])
        observed = dict(zip(channel_names(around), around.values, strict=True))
        covered, unsure = np.zeros((2, n_samples), bool)
        for piece in self.pieces:
            if piece.begin >= end or piece.end <= begin:
                continue
            part = slice(max(grid.nearest(piece.begin), 0), grid.nearest(piece.end))
            if piece.channel not in observed or piece.begin < begin or piece.end > end:
                unsure[part] = True
            elif _checksum(observed[piece.channel][part]) == piece.checksum:
                covered[part] = True
        if covered.any():
            covered |= unsure
        return covered[first : first + span.data.shape[1]]


def _pieces(recording: xr.DataArray, span: Span, witnesses: list[str]) -> Iterator[Piece]:
    """Cut what is not judged of a span into pieces, each known by another witness than the one before."""
    around, begin = _around(recording, span, set(witnesses))
    grid, observed = grid_of(around), dict(zip(channel_names(around), around.values, strict=True))
    taught: Mask = np.logical_not(span.judge.any(axis=0))
    changes = np.flatnonzero(np.diff(taught)) + 1
    length = min(PIECE, len(taught) // PATCHES)
    edges = np.union1d(np.arange(0, len(taught), length), [*changes, len(taught)])
    for number, (first, last) in enumerate(pairwise(edges.tolist())):
        if taught[first]:
            name, part = witnesses[number % len(witnesses)], slice(begin + first, begin + last)
            start, end = grid.at([part.start, part.stop]).tolist()
            yield Piece(name, start, end, _checksum(observed[name][part]))


def _around(recording: xr.DataArray, span: Span, names: set[str]) -> tuple[xr.DataArray, int]:
    """Read the named channels of a span and of a piece on either side; also return where the span begins in it."""
    channels = [number for number, name in enumerate(channel_names(recording)) if name in names]
    begin = max(span.first - PIECE, 0)
    time = slice(begin, span.first + span.data.shape[1] + PIECE)
    return recording.isel(channel=channels, time=time).load(), span.first - begin


def _checksum(samples: Samples) -> int:
    """Sum up what a channel recorded, gaps as zeros: formats mark these in their own ways."""
    return zlib.crc32((np.nan_to_num(samples) + np.float32(0)).astype("<f4").tobytes())
