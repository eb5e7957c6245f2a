"""Probabilities of onsets along a recording, window by window: tiled and whole give the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import nn

from selfseis.learn import one_thread
from selfseis.pick.conditioning import CausalHighPass
from selfseis.pick.stations import Station
from selfseis.recording.coverage import covered_tiles
from selfseis.recording.tiles import Tile

Samples = NDArray[np.float32]
Mask = NDArray[np.bool_]
Report = Callable[[int, int], None]

TILE_VALUES = 6_000_000
BATCH = 32
SETTLING = 30  # samples after a longer gap in which no onset is believed: there data begin, and nothing else
EDGE = 400  # samples of context on each side in which peaks are compared with their neighbours


@dataclass(frozen=True, eq=False)
class Annotated:
    """Probabilities in a span of time.

    Attributes
    ----------
    first : int
        Sample of the recording at which the core begins.
    n_core : int
        Samples of the core.
    probability : ndarray, shape (n_stations, 2, EDGE + n_core + EDGE)
        Of P and of S; zero where there are no data, and in the first 30 samples after a gap.
    filtered : ndarray, shape (n_channels, EDGE + n_core + EDGE)
        The data that the network saw.
    valid : ndarray of bool, shape (n_stations, EDGE + n_core + EDGE)
        Where a station has data on any component.
    """

    first: int
    n_core: int
    probability: Samples
    filtered: Samples
    valid: Mask


@dataclass(frozen=True)
class Annotator:
    """Runs a network along a recording in windows that overlap by half.

    Attributes
    ----------
    net : nn.Module
        Gives logits of P and S, shape (n_windows, 2, n_samples), of windows (n_windows, 3, n_samples).
    high_pass : CausalHighPass
        Filter before it.
    n_samples : int
        Length of a window, even.
    """

    net: nn.Module
    high_pass: CausalHighPass
    n_samples: int

    @property
    def hop(self) -> int:
        """Samples from one window to the next."""
        return self.n_samples // 2

    @property
    def halo(self) -> int:
        """Samples of context that make a tile equal to the whole."""
        return (3 + -(-self.high_pass.halo // self.hop)) * self.hop

    def along(
        self, recording: xr.DataArray, stations: list[Station], report: Report | None = None
    ) -> Iterator[Annotated]:
        """Annotate a recording span by span, in order of time.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording.
        stations : list of Station
            Its stations.
        report : callable, optional
            Called with the number of samples done and of all.

        Yields
        ------
        Annotated
        """
        core = max(1, TILE_VALUES // (recording.sizes["channel"] * self.hop)) * self.hop
        for tile in covered_tiles(recording, core, self.halo, align=self.hop):
            yield self._annotated(tile, stations)
            if report is not None:
                report(tile.first + tile.n_core, recording.sizes["time"])

    def _annotated(self, tile: Tile, stations: list[Station]) -> Annotated:
        data, present = self.high_pass(tile.data)
        starts = np.arange(tile.halo - 2 * self.hop, tile.halo + tile.n_core + self.hop, self.hop)
        starts = starts[starts + self.n_samples <= data.shape[1]]
        keep = slice(tile.halo - EDGE, tile.halo + tile.n_core + EDGE)
        probability, valid = [], []
        for station in stations:
            here: Mask = np.any(present[[row for row in station.rows if row is not None]], axis=0)
            found = self.probabilities(
                station.components(data), starts[_any_within(here, starts, self.n_samples)]
            )
            probability.append(np.where(here & _settled(here), found, 0)[:, keep])
            valid.append(here[keep])
        return Annotated(tile.first, tile.n_core, np.stack(probability), data[:, keep], np.stack(valid))

    def probabilities(self, components: Samples, starts: NDArray[np.intp] | None = None) -> Samples:
        """Annotate filtered components.

        Parameters
        ----------
        components : ndarray, shape (3, n_samples)
            East, north and vertical, filtered.
        starts : ndarray of int, optional
            Where windows begin; by default everywhere that is needed.

        Returns
        -------
        ndarray, shape (2, n_samples)
        """
        if starts is None:
            return self._padded(components)
        total = np.zeros((2, components.shape[1]), np.float32)
        weight = np.sin(np.pi * (np.arange(self.n_samples, dtype=np.float32) + 0.5) / self.n_samples) ** 2
        for batch in np.array_split(starts, max(1, -(-len(starts) // BATCH))):
            if len(batch):
                windows = np.stack([components[:, first : first + self.n_samples] for first in batch])
                for first, found in zip(batch, self._of_windows(windows), strict=True):
                    total[:, first : first + self.n_samples] += weight * found
        return total

    def _padded(self, components: Samples) -> Samples:
        length = components.shape[1]
        n_hops = -(-length // self.hop)
        # Mirrored, because data that begin out of silence look like an onset.
        beyond = ((0, 0), (self.hop, (n_hops + 1) * self.hop - length))
        padded = np.pad(components, beyond, mode="symmetric")
        return self.probabilities(padded, np.arange(n_hops + 1) * self.hop)[:, self.hop : self.hop + length]

    def _of_windows(self, windows: Samples) -> Samples:
        self.net.eval()
        with one_thread(), torch.inference_mode():
            return torch.sigmoid(self.net(torch.from_numpy(windows))).numpy()


def _settled(present: Mask) -> Mask:
    """Say where half of the samples before are there: everywhere but just after gaps that are as long."""
    count = np.concatenate([np.zeros(2 * SETTLING + 1, int), np.cumsum(present)])
    return count[2 * SETTLING : -1] - count[: -2 * SETTLING - 1] >= SETTLING


def _any_within(present: Mask, starts: NDArray[np.intp], length: int) -> Mask:
    count = np.concatenate([[0], np.cumsum(present)])
    return count[starts + length] > count[starts]
