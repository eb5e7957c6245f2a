"""Inference along a recording: probabilities of onsets, and onset candidates at their peaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import nn

from selfseis.catalogue.records import PHASES
from selfseis.consensus.options import ConsensusOptions
from selfseis.consensus.ps_pairs import Pairs, pair_onsets
from selfseis.io.obspy_import import obspy
from selfseis.networks.picking_unet import ALIGNMENT
from selfseis.pick.high_pass import CausalHighPass
from selfseis.pick.options import InferenceOptions
from selfseis.recording import sample_times, sampling_rate
from selfseis.recording.components import Station
from selfseis.recording.coverage import covered_tiles
from selfseis.recording.tiling import Tile
from selfseis.training import one_thread
from selfseis.typing import BoolArray, Float32Array, FloatArray, IndexArray

if TYPE_CHECKING:
    from obspy import Stream


@dataclass(frozen=True, eq=False)
class OnsetCandidates:
    """Onset candidates at one station.

    Attributes
    ----------
    p, s : ndarray, shape (n_onsets, 2)
        Position in samples from the recording's start, in ascending order, and height.
    """

    p: FloatArray
    s: FloatArray

    def within(self, spans: list[tuple[int, int]]) -> OnsetCandidates:
        """Return the candidates in spans of samples."""
        return OnsetCandidates(_within(self.p, spans), _within(self.s, spans))

    def best(self, n_p: int, n_s: int) -> OnsetCandidates:
        """Return the highest candidates of each phase, at most so many."""
        return OnsetCandidates(_highest(self.p, n_p), _highest(self.s, n_s))

    def above(self, min_height: float) -> OnsetCandidates:
        """Return the candidates of at least a height."""
        return OnsetCandidates(self.p[self.p[:, 1] >= min_height], self.s[self.s[:, 1] >= min_height])

    def pairs(self, rate: float, s_minus_p: tuple[float, float], options: ConsensusOptions) -> Pairs:
        """Pair each P with the S within the range of S - P; times in s."""
        return pair_onsets(self.p / (rate, 1.0), self.s / (rate, 1.0), s_minus_p, options)


class OnsetDetector(Protocol):
    """Protocol of a detector of onset candidates."""

    def find(
        self, recording: xr.DataArray, stations: list[Station], progress: ProgressCallback | None = None
    ) -> list[OnsetCandidates]:
        """Return the onset candidates of each station."""
        ...


@dataclass(frozen=True)
class NetworkDetector:
    """Detector of onset candidates at the peaks of a network's probabilities.

    Attributes
    ----------
    annotator : Annotator
        Inference with the network.
    min_height : float, optional
        Minimum height of a peak; by default that of the annotator's options.
    """

    annotator: Annotator
    min_height: float | None = None

    def find(
        self, recording: xr.DataArray, stations: list[Station], progress: ProgressCallback | None = None
    ) -> list[OnsetCandidates]:
        """Find the onset candidates of each station; positions in samples from the recording's start."""
        options = self.annotator.options
        min_height = self.min_height
        parts: list[list[list[FloatArray]]] = [[[np.zeros((0, 2))], [np.zeros((0, 2))]] for _ in stations]
        for span in self.annotator.along(recording, stations, progress):
            for station, of_phases in zip(span.probability, parts, strict=True):
                for (at, height), of_phase in zip(
                    onsets_of(station, options, min_height), of_phases, strict=True
                ):
                    inside = (at >= span.edge - 0.5) & (at < span.edge + span.n_core - 0.5)
                    of_phase.append(np.stack([span.first - span.edge + at[inside], height[inside]], axis=1))
        return [OnsetCandidates(np.concatenate(p), np.concatenate(s)) for p, s in parts]


def _within(onsets: FloatArray, spans: list[tuple[int, int]]) -> FloatArray:
    inside = np.zeros(len(onsets), bool)
    for first, last in spans:
        inside |= (onsets[:, 0] >= first) & (onsets[:, 0] < last)
    return onsets[inside]


def _highest(onsets: FloatArray, n: int) -> FloatArray:
    kept = np.argsort(-onsets[:, 1], kind="stable")[:n]
    return onsets[np.sort(kept)]


MIN_PROBABILITY = 1e-6  # below which the shape of a peak is rounding error


def onsets_of(
    probability: Float32Array, options: InferenceOptions, min_height: float | None = None
) -> list[tuple[FloatArray, FloatArray]]:
    """Find the onset candidates of a station: the peaks of both phases, of which one onset has one phase only.

    Parameters
    ----------
    probability : ndarray, shape (2, n_samples)
        Of P and of S.
    options : InferenceOptions
        Distances between candidates.
    min_height : float, optional
        Minimum height of a candidate; by default that of the options.

    Returns
    -------
    list of (ndarray, ndarray)
        Positions and heights of P and of S. Of a P and an S that are nearer than any S - P, the higher one is kept.
    """
    lowest = options.min_height if min_height is None else min_height
    (p, p_height), (s, s_height) = (peaks_of(of_phase, lowest, options.apart) for of_phase in probability)
    p_kept = p_height >= _height_near(p, s, s_height, options.same_onset)
    s_kept = s_height > _height_near(s, p, p_height, options.same_onset)
    return [(p[p_kept], p_height[p_kept]), (s[s_kept], s_height[s_kept])]


def _height_near(at: FloatArray, others: FloatArray, heights: FloatArray, within: float) -> FloatArray:
    """Return for each position the height of the nearest of others within a distance; zero if there is none."""
    if not len(others):
        return np.zeros(len(at))
    nearest = np.searchsorted((others[1:] + others[:-1]) / 2, at)
    return np.where(np.abs(others[nearest] - at) <= within, heights[nearest], 0.0)


def peaks_of(
    probability: NDArray[np.floating], threshold: float, apart: int
) -> tuple[FloatArray, FloatArray]:
    """Find the peaks of a probability with sub-sample positions.

    The position is the maximum of the parabola through the logarithms of the three samples around the peak. It is exact
    for a Gaussian, the shape of the training labels.

    Parameters
    ----------
    probability : ndarray, shape (n_samples,)
        Between 0 and 1; NaN where there are no data.
    threshold : float
        Minimum height of a peak.
    apart : int
        Minimum distance of two peaks in samples; of nearer ones, the highest is kept.

    Returns
    -------
    positions, heights : ndarray, shape (n_peaks,)
        In samples from the first, in ascending order, and the heights at the nearest samples.
    """
    from scipy.signal import find_peaks

    padded = np.concatenate([[0.0], np.nan_to_num(np.asarray(probability, np.float64), nan=0.0), [0.0]])
    tops = find_peaks(padded, height=max(threshold, MIN_PROBABILITY), distance=max(1, apart))[0]
    before, top, after = np.log(np.maximum(padded[tops[:, None] + np.array([-1, 0, 1])], MIN_PROBABILITY)).T
    curvature = before - 2 * top + after
    shift = np.divide(0.5 * (before - after), curvature, out=np.zeros(len(tops)), where=curvature < -1e-12)
    inside = np.clip(tops - 1 + np.clip(shift, -0.5, 0.5), 0, len(padded) - 3)
    return inside, padded[tops]


ProgressCallback = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Annotated:
    """Probabilities of onsets in a span of time.

    Attributes
    ----------
    first : int
        Sample of the recording at which the core begins.
    n_core : int
        Samples of the core.
    edge : int
        Samples of context on each side of the core.
    probability : ndarray, shape (n_stations, 2, edge + n_core + edge)
        Of P and of S; zero without data and in the first samples after a gap.
    filtered : ndarray, shape (n_channels, edge + n_core + edge)
        Input data of the network.
    valid : ndarray of bool, shape (n_stations, edge + n_core + edge)
        Where a station has data on any component.
    """

    first: int
    n_core: int
    edge: int
    probability: Float32Array
    filtered: Float32Array
    valid: BoolArray

    @property
    def core(self) -> Float32Array:
        """Probabilities in the core, shape (n_stations, 2, n_core)."""
        return self.probability[:, :, self.edge : self.edge + self.n_core]


@dataclass(frozen=True)
class Annotator:
    """Inference with a network along a recording, in windows that overlap by half.

    A network that takes windows of any length sees each of them at several sampling rates, and the probabilities are
    averaged: it errs differently at each.

    Attributes
    ----------
    net : nn.Module
        Maps windows, shape (n_windows, 3, n_samples), to logits of P and S, shape (n_windows, 2, n_samples).
    high_pass : CausalHighPass
        Filter before the network.
    n_samples : int
        Length of a window, even.
    options : InferenceOptions
        Sizes of tiles and batches, and what counts as a candidate.
    """

    net: nn.Module
    high_pass: CausalHighPass
    n_samples: int
    options: InferenceOptions = InferenceOptions()

    @property
    def hop(self) -> int:
        """Samples from one window to the next."""
        return self.n_samples // 2

    @property
    def halo(self) -> int:
        """Samples of context after which tiles are equal to the whole."""
        return (3 + -(-self.high_pass.halo // self.hop)) * self.hop

    def along(
        self, recording: xr.DataArray, stations: list[Station], progress: ProgressCallback | None = None
    ) -> Iterator[Annotated]:
        """Annotate a recording span by span, in order of time.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording.
        stations : list of Station
            Its stations.
        progress : callable, optional
            Called with the number of samples done and the total.

        Yields
        ------
        Annotated
        """
        core = max(1, self.options.tile_values // (recording.sizes["channel"] * self.hop)) * self.hop
        for tile in covered_tiles(recording, core, self.halo, align=self.hop):
            yield self._annotated(tile, stations)
            if progress is not None:
                progress(tile.first + tile.n_core, recording.sizes["time"])

    def _annotated(self, tile: Tile, stations: list[Station]) -> Annotated:
        data, present = self.high_pass(tile.data)
        starts = np.arange(tile.halo - 2 * self.hop, tile.halo + tile.n_core + self.hop, self.hop)
        starts = starts[starts + self.n_samples <= data.shape[1]]
        edge, recovery = self.options.edge, self.options.recovery
        keep = slice(tile.halo - edge, tile.halo + tile.n_core + edge)
        probability, valid = [], []
        for station in stations:
            here: BoolArray = np.any(present[[row for row in station.rows if row is not None]], axis=0)
            of_station = self.probabilities(
                station.components(data), starts[_any_within(here, starts, self.n_samples)]
            )
            probability.append(np.where(here & _is_settled(here, recovery), of_station, 0)[:, keep])
            valid.append(here[keep])
        return Annotated(tile.first, tile.n_core, edge, np.stack(probability), data[:, keep], np.stack(valid))

    def probabilities(self, components: Float32Array, starts: IndexArray | None = None) -> Float32Array:
        """Annotate filtered components.

        Parameters
        ----------
        components : ndarray, shape (3, n_samples)
            East, north and vertical, filtered.
        starts : ndarray of int, optional
            First samples of the windows; by default the windows cover all samples.

        Returns
        -------
        ndarray, shape (2, n_samples)
        """
        if starts is None:
            return self._padded(components)
        total = np.zeros((2, components.shape[1]), np.float32)
        weight = np.sin(np.pi * (np.arange(self.n_samples, dtype=np.float32) + 0.5) / self.n_samples) ** 2
        for batch in np.array_split(starts, max(1, -(-len(starts) // self.options.batch_size))):
            if len(batch):
                windows = np.stack([components[:, first : first + self.n_samples] for first in batch])
                for first, of_window in zip(batch, self._of_windows(windows), strict=True):
                    total[:, first : first + self.n_samples] += weight * of_window
        return total

    def _padded(self, components: Float32Array) -> Float32Array:
        length = components.shape[1]
        n_hops = -(-length // self.hop)
        # Mirrored at the ends, because a start of data after zeros looks like an onset.
        beyond = ((0, 0), (self.hop, (n_hops + 1) * self.hop - length))
        padded = np.pad(components, beyond, mode="symmetric")
        return self.probabilities(padded, np.arange(n_hops + 1) * self.hop)[:, self.hop : self.hop + length]

    @property
    def _reductions(self) -> tuple[int, ...]:
        """Factors by which the sampling rate of windows is reduced; a network of a fixed window takes none."""
        return self.options.reductions if getattr(self.net, "n_samples", None) is None else (1,)

    def _of_windows(self, windows: Float32Array) -> Float32Array:
        self.net.eval()
        with one_thread(), torch.inference_mode():
            found = [self._at_reduced_rate(windows, factor) for factor in self._reductions]
        return np.mean(found, axis=0, dtype=np.float32)

    def _at_reduced_rate(self, windows: Float32Array, factor: int) -> Float32Array:
        """Return the probabilities of windows whose rate is reduced before the network, at the windows' own rate."""
        reduced = _reduced(windows, factor)
        probability = torch.sigmoid(self.net(torch.from_numpy(reduced))).numpy()
        if factor == 1:
            return probability
        positions = np.arange(windows.shape[-1]) / factor
        before = np.minimum(positions.astype(np.int64), reduced.shape[-1] - 2)
        share = (positions - before).astype(np.float32)
        return (1 - share) * probability[..., before] + share * probability[..., before + 1]


def _reduced(windows: Float32Array, factor: int) -> Float32Array:
    """Reduce the sampling rate by an integer, with an anti-alias filter, to a length that suits the network."""
    from scipy.signal import resample_poly

    if factor == 1:
        return windows
    reduced = resample_poly(windows, 1, factor, axis=-1, padtype="line").astype(np.float32)
    beyond = -reduced.shape[-1] % ALIGNMENT
    return np.pad(reduced, ((0, 0), (0, 0), (0, beyond)), mode="symmetric")


def _is_settled(present: BoolArray, recovery: int) -> BoolArray:
    """Return where at least half of the preceding samples are present: false just after gaps as long as that."""
    count = np.concatenate([np.zeros(2 * recovery + 1, int), np.cumsum(present)])
    return count[2 * recovery : -1] - count[: -2 * recovery - 1] >= recovery


def _any_within(present: BoolArray, starts: IndexArray, length: int) -> BoolArray:
    count = np.concatenate([[0], np.cumsum(present)])
    return count[starts + length] > count[starts]


def probability_stream(
    recording: xr.DataArray, stations: list[Station], spans: list[tuple[int, Float32Array]]
) -> Stream:
    """Convert spans of probabilities to an ObsPy stream.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording of the probabilities.
    stations : list of Station
        Its stations.
    spans : list of (int, ndarray)
        First sample, and probabilities of shape (n_stations, 2, n_samples).
    """
    obspy()
    from obspy import Stream, Trace, UTCDateTime

    rate = sampling_rate(recording)
    stream = Stream()
    for first, probability in spans:
        start = int(sample_times(recording, first).astype("datetime64[ns]").astype(np.int64))
        for station, of_station in zip(stations, probability, strict=True):
            network, name, location = [*station.code.split("."), "", ""][:3]
            for phase, series in zip(PHASES, of_station, strict=True):
                header = {
                    "network": network,
                    "station": name,
                    "location": location,
                    "channel": f"Picker_{phase}",
                    "sampling_rate": rate,
                    "starttime": UTCDateTime(ns=start),
                }
                stream.append(Trace(np.ascontiguousarray(series), header))
    return stream.merge(-1)
