"""Blocks of a recording on which pickers are compared: parts of all stations at the same times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from selfseis.compare.options import ComparisonOptions
from selfseis.errors import InputError
from selfseis.pick.high_pass import CausalHighPass
from selfseis.pick.noise_windows import read_window
from selfseis.pick.time_split import Spans
from selfseis.recording.components import Station
from selfseis.recording.coverage import stretches
from selfseis.typing import Float32Array, FloatArray, IndexArray


@dataclass(frozen=True, eq=False)
class Piece:
    """The samples of a station in a block.

    Attributes
    ----------
    block : int
        Number of the block.
    station : int
        Number of the station.
    first : int
        First sample, counted from the start of the recording.
    components : ndarray, shape (3, n_samples)
        East, north and vertical, filtered; zero where there are no data.
    """

    block: int
    station: int
    first: int
    components: Float32Array

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return self.components.shape[1]


@dataclass(frozen=True, eq=False)
class ComparisonBlocks:
    """The data of a comparison.

    Attributes
    ----------
    spans : list of (int, int)
        First sample and end of each block, in order of time.
    pieces : list of Piece
        In order of blocks; a station that has mostly gaps in a block is left out there.
    n_left_out : int
        Number of blocks of the recording that were not drawn.
    units : list of (int, int)
        First sample and end of each unit of the bootstrap: blocks, or equal parts of them where they are few.
    """

    spans: Spans
    pieces: list[Piece]
    n_left_out: int
    units: Spans

    def unit_of(self, at: FloatArray) -> IndexArray:
        """Return the number of the unit of positions in samples after the start of the recording."""
        starts = np.array([first for first, _ in self.units])
        return np.clip(np.searchsorted(starts, at, side="right") - 1, 0, len(starts) - 1)

    @property
    def n_samples(self) -> int:
        """Return the number of samples of all stations together."""
        return sum(piece.n_samples for piece in self.pieces)


def read_blocks(
    recording: xr.DataArray,
    stations: list[Station],
    high_pass: CausalHighPass,
    window: int,
    seed: int,
    options: ComparisonOptions,
) -> ComparisonBlocks:
    """Draw blocks of a recording and read them.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    stations : list of Station
        Its stations.
    high_pass : CausalHighPass
        Filter.
    window : int
        Length of a window in samples; a block has one to four of them.
    seed : int
        Seed of the draw, if there are too many blocks.
    options : ComparisonOptions
        Amount of data.

    Raises
    ------
    InputError
        If no station has data.
    """
    covered = [(first, last) for first, last in stretches(recording, join=window) if last > first]
    total = sum(last - first for first, last in covered)
    length = int(np.clip(total // options.wanted_blocks, window, options.max_block * window))
    spans = [span for first, last in covered for span in _cut(first, last, length)]
    max_blocks = max(options.min_blocks, options.max_windows * window // (length * max(len(stations), 1)))
    drawn = spans
    if len(spans) > max_blocks:
        chosen = np.random.default_rng(seed).choice(len(spans), max_blocks, replace=False)
        drawn = [spans[number] for number in np.sort(chosen)]
    pieces = [
        Piece(block, number, first, read_window(recording, station, high_pass, first, last))
        for block, (first, last) in enumerate(drawn)
        for number, station in enumerate(stations)
    ]
    pieces = [piece for piece in pieces if np.any(piece.components != 0, axis=0).mean() > 0.5]
    if not pieces:
        raise InputError("no station has data to compare pickers on: give a more complete recording")
    n_parts = max(1, min(-(-options.wanted_blocks // len(drawn)), 4 * length // window))
    units = [unit for first, last in drawn for unit in _cut(first, last, (last - first) // n_parts)]
    return ComparisonBlocks(drawn, pieces, len(spans) - len(drawn), units)


def _cut(first: int, last: int, length: int) -> Spans:
    """Cut a span into equal parts of at least a length, if it is as long."""
    edges = np.linspace(first, last, max(1, (last - first) // length) + 1).round().astype(int)
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
