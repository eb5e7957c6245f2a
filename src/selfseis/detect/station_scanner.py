"""What all scanners of scattered stations share: tiles, coincidence within a travel time, surrogates and their null."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.detect.options import CoincidenceOptions, ThresholdOptions
from selfseis.detect.scan import (
    Null,
    ProgressCallback,
    Scan,
    ScanPart,
    Standardiser,
    join_parts,
    window_means,
)
from selfseis.recording.coverage import covered_tiles
from selfseis.recording.preprocessing import Conditioner
from selfseis.typing import BoolArray, Float32Array, FloatArray, IntArray
from selfseis.validation import circular_shifts, phase_randomised
from selfseis.validation.false_alarms import FalseAlarmRate, peaks


@dataclass(frozen=True)
class StationScanner(ABC):
    """Scores simultaneous rises of energy at several stations.

    A subclass computes one ratio of each station and hop, and from the ratios within reach one or several statistics of
    the network. The statistics are scaled by the tail of their null; the score is the largest of them.

    Attributes
    ----------
    conditioner : Conditioner
        Band-pass and noise levels.
    groups : ndarray of str, shape (n_channels,)
        The station of each channel.
    reach : int
        Hops by which arrivals at two stations may differ.
    hop : int
        Samples between scores; a short window has two hops.
    options : CoincidenceOptions
        Settings.
    standardiser : Standardiser or None
        Scale of the statistics under the null; None before `fit_scan`, which leaves them unchanged.
    """

    conditioner: Conditioner
    groups: NDArray[np.str_]
    reach: int
    hop: int
    options: CoincidenceOptions = field(default_factory=CoincidenceOptions)
    standardiser: Standardiser | None = None

    @property
    @abstractmethod
    def name(self) -> str:
        """Short description of the scanner."""

    @property
    @abstractmethod
    def halo(self) -> int:
        """Samples of context on each side of a tile, in whole hops."""

    @property
    @abstractmethod
    def context(self) -> int:
        """Samples of conditioned data before and after a score on which it depends."""

    @abstractmethod
    def _per_hop(self, data: Float32Array, valid: BoolArray) -> NDArray:
        """Return what a tile gives of each station and hop, before ratios, NaN without data."""

    @abstractmethod
    def _ratios(self, per_hop: NDArray) -> Float32Array:
        """Return the logarithm of the ratio of each station and hop; NaN without data."""

    @abstractmethod
    def _statistics(self, ranked: FloatArray) -> FloatArray:
        """Return statistics of the ratios of at least two stations, the highest ratio of each hop first."""

    @property
    def window(self) -> int:
        """Samples of a short window."""
        return 2 * self.hop

    @property
    def live_groups(self) -> NDArray[np.str_]:
        """The stations with at least one channel that holds data."""
        return np.unique(self.groups[np.isfinite(self.conditioner.scale)])

    @property
    def n_stations(self) -> int:
        """Number of stations with data."""
        return len(self.live_groups)

    @property
    def members(self) -> BoolArray:
        """Channels of each station with data, shape (n_stations, n_channels)."""
        return np.asarray(self.live_groups[:, None] == self.groups[None])

    def scan(
        self,
        recording: xr.DataArray,
        *,
        n_surrogates: int,
        seed: int,
        progress: ProgressCallback | None = None,
    ) -> Scan:
        """Score a recording, and surrogates of all of it.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording.
        n_surrogates : int
            Number of surrogates: the ratios of the stations, shifted in time independently. Stations can also fluctuate
            together at most times (a shared wavefield, cross-talk). Surrogates then keep that correlation: the ratios
            of all stations get the same random phases. One station alone has none.
        seed : int
            Seed of the surrogates.
        progress : callable, optional
            Called with the number of samples done and the number of all samples.

        Returns
        -------
        Scan
        """
        first, ratios, present = self._ratios_of(recording, progress)
        surrogates = _Surrogates(ratios, self.reach, seed, self.options)
        everywhere = np.ones(len(first), bool)
        null = [self._score(s) for s in surrogates.draw(n_surrogates, everywhere)] if len(ratios) > 1 else []
        return self._scan(first, ratios, present, np.array(null, np.float32).reshape(len(null), len(first)))

    def fit_scan(
        self,
        recording: xr.DataArray,
        *,
        n_surrogates: int,
        seed: int,
        threshold: ThresholdOptions,
        progress: ProgressCallback | None = None,
    ) -> tuple[Self, Scan, Null]:
        """Score a recording, and measure the null on what is left of it without its events.

        Surrogates of a record with events hold their energy, and shifted events coincide by accident. The events are
        therefore found, cut out of the surrogates, and sought again, until nothing changes.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording.
        n_surrogates : int
            Number of surrogates, as for `scan`.
        seed : int
            Seed of the surrogates.
        threshold : ThresholdOptions
            How scores of surrogates become a threshold.
        progress : callable, optional
            Called with the number of samples done and the number of all samples.

        Returns
        -------
        scanner : StationScanner
            With the scale of its statistics.
        scan : Scan
            Its scores.
        null : Null
            Of the recording without its events.
        """
        first, ratios, present = self._ratios_of(recording, progress)
        if len(ratios) < 2 or not len(first):
            scan = self._scan(first, ratios, present, np.zeros((0, len(first)), np.float32))
            return self, scan, _null_of_one_station(scan, self.conditioner.rate, threshold)
        surrogates = _Surrogates(ratios, self.reach, seed, self.options)
        masked = np.zeros(len(first), bool)
        is_full = False
        for _ in range(threshold.max_rounds):
            scanner, scores = self._scaled(surrogates, ~masked, min(n_surrogates, threshold.round_surrogates))
            null = Null.of_surrogates(scores, self.hop, self.conditioner.rate, threshold)
            found = masked | scanner._beyond_null(scanner._score(ratios), null, threshold)
            is_full = bool(found.mean() > threshold.max_masked)
            if is_full or found.sum() == masked.sum():
                break
            masked = found
        scanner, scores = self._scaled(surrogates, ~masked, n_surrogates)
        null = Null.of_surrogates(scores, self.hop, self.conditioner.rate, threshold, masked)
        return (
            scanner,
            scanner._scan(first, ratios, present, scores),
            replace(null, is_full_of_events=is_full),
        )

    def score_window(self, conditioned: Float32Array) -> Float32Array:
        """Compute the score of conditioned data, without surrogates; shape (n_samples // hop,)."""
        valid = np.ones(conditioned.shape, bool)
        return self._score(self._ratios(self._per_hop(conditioned, valid)))

    def _ratios_of(
        self, recording: xr.DataArray, progress: ProgressCallback | None
    ) -> tuple[IntArray, Float32Array, Float32Array]:
        """Return the times, the ratio of each station, and the share of each window with data."""
        core = max(64, self.options.tile_values // recording.sizes["channel"] // self.hop) * self.hop
        members = self.members
        parts = []
        for tile in covered_tiles(recording, core, self.halo, align=self.hop):
            data, valid = self.conditioner(tile.data)
            keep = slice(self.halo // self.hop, self.halo // self.hop + tile.n_core // self.hop)
            share = members @ window_means(valid, self.hop) / members.sum(axis=1, keepdims=True)
            parts.append(ScanPart(tile.first, np.vstack([self._per_hop(data, valid), share])[:, keep]))
            if progress is not None:
                progress(tile.first + tile.n_core, recording.sizes["time"])
        first, values = join_parts(parts, self.hop)
        present = np.nan_to_num(values[len(members) :]).astype(np.float32)
        return first, self._ratios(values[: len(members)]), present

    def _scan(self, first: IntArray, ratios: Float32Array, present: Float32Array, null: Float32Array) -> Scan:
        within_reach = np.nan_to_num(maximum_within_reach(ratios, self.reach), nan=-np.inf)
        n_channels = ((within_reach > self.options.min_trigger) * self.members.sum(axis=1)[:, None]).sum(
            axis=0
        )
        names = [str(group) for group in self.live_groups]
        score = self._score(ratios)
        return Scan(first, score, null, n_channels.astype(np.int32), names, present, self.hop, ratios)

    def _scaled(
        self, surrogates: _Surrogates, quiet: BoolArray, n_surrogates: int
    ) -> tuple[Self, Float32Array]:
        """Return the scanner with the scale of its statistics, and the scores of surrogates of the quiet part."""
        n_hops = max(int(quiet.sum()), 1)
        n_scale = int(np.clip(self.options.scale_hops // n_hops, min(4, n_surrogates), n_surrogates))
        statistics = [self._network_statistics(s) for s in surrogates.draw(n_scale, quiet)]
        joined = np.concatenate(statistics, axis=1) if statistics else np.zeros((1, 0))
        scaled = replace(self, standardiser=Standardiser.of_tail(joined, self.options.tail_quantile))
        scores = [scaled._score(s) for s in surrogates.draw(n_surrogates, quiet)]
        return scaled, np.array(scores, np.float32).reshape(n_surrogates, -1 if scores else 0)

    def _beyond_null(self, score: Float32Array, null: Null, threshold: ThresholdOptions) -> BoolArray:
        """Return the hops of events: of peaks that are almost surely not false, with a margin."""
        tops = peaks(score, threshold.apart)
        days = float(np.isfinite(score).sum()) * self.hop / self.conditioner.rate / 86400
        false = null.false_alarm_rate.false_discovery_rates(score[tops], days)
        sure = tops[false < threshold.mask_false_discovery_rate]
        lasting = np.nan_to_num(score, nan=-np.inf) >= min(null.end, score[sure].min(initial=np.inf))
        runs = np.cumsum(np.diff(lasting, prepend=False) & lasting) * lasting
        chosen = np.isin(runs, np.unique(runs[sure])) & lasting
        from scipy.ndimage import binary_dilation

        # The first and the last station may record it up to half of the reach beyond the high scores.
        return np.asarray(binary_dilation(chosen, iterations=self.reach // 2 + threshold.mask_margin))

    def _network_statistics(self, ratios: Float32Array) -> FloatArray:
        """Return the statistics of the network, shape (n_statistics, n_hops)."""
        within_reach = maximum_within_reach(ratios, self.reach)
        known = np.nan_to_num(within_reach, nan=-np.inf).astype(np.float64)
        return self._statistics(-np.sort(-known, axis=0))

    def _score(self, ratios: Float32Array) -> Float32Array:
        """Return the largest scaled statistic of each hop; of one station its ratio."""
        if len(ratios) == 1:
            return ratios[0]
        statistics = self._network_statistics(ratios)
        neutral = Standardiser.neutral(len(statistics))
        return (self.standardiser or neutral)(statistics)


@dataclass(frozen=True)
class _Surrogates:
    """Surrogates of the ratios of stations."""

    ratios: Float32Array
    reach: int
    seed: int
    options: CoincidenceOptions

    @cached_property
    def noise_is_shared(self) -> bool:
        """Whether surrogates must keep the correlation between stations."""
        return _noise_is_shared(self.ratios, self.options)

    def draw(self, number: int, quiet: BoolArray) -> Iterator[Float32Array]:
        """Yield surrogates of the hops that are quiet, the same ones every time."""
        rng = np.random.default_rng(self.seed)
        ratios = self.ratios[:, quiet]
        for _ in range(number):
            if self.noise_is_shared:
                yield _same_values_other_phases(ratios, rng)
            else:
                yield circular_shifts(ratios, rng, minimum=4 * self.reach + 2)


def _null_of_one_station(scan: Scan, rate: float, threshold: ThresholdOptions) -> Null:
    """Return the null of a station alone: nothing can be shifted against it, so its own quiet part is the null."""
    level = FalseAlarmRate.of_quiet_peaks(scan.score, apart=threshold.apart, hop=scan.hop, rate=rate)
    median = float(np.median(level.heights)) if len(level.heights) else np.inf
    return Null(level, median, np.nan, 0.0)


def maximum_within_reach(ratios: Float32Array, reach: int) -> Float32Array:
    """Return the maximum ratio of each station within the reach around each hop; NaN without data.

    Parameters
    ----------
    ratios : ndarray, shape (n_stations, n_hops)
        The ratios; NaN where there are no data.
    reach : int
        Hops by which arrivals at two stations may differ.

    Returns
    -------
    ndarray, shape (n_stations, n_hops)
    """
    from scipy.ndimage import maximum_filter1d

    known = np.where(np.isfinite(ratios), ratios, -np.inf)
    maximum = maximum_filter1d(known, 2 * (reach // 2) + 1, axis=1, mode="constant", cval=-np.inf)
    return np.where(np.isfinite(ratios), maximum, np.nan).astype(np.float32)


def _normal_scores(ratios: Float32Array) -> FloatArray:
    """Replace the values of each station by normal deviates of the same rank, and missing values by zero."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    rank = rankdata(ratios, axis=1, nan_policy="omit")
    known = np.isfinite(ratios)
    share = (rank - 0.5) / np.maximum(known.sum(axis=1, keepdims=True), 1)
    return np.where(known, ndtri(np.clip(np.nan_to_num(share, nan=0.5), 1e-9, 1 - 1e-9)), 0.0)


def _noise_is_shared(ratios: Float32Array, options: CoincidenceOptions) -> bool:
    """Whether stations fluctuate together at most times, and not only during events.

    The measure is the median over short blocks of the mean correlation between stations. Events in less than half of
    the blocks do not change it. A short record can consist of events only, so the result is then false.
    """
    steps = ratios[:, 2:] - ratios[:, :-2]  # windows overlap by half: every second hop is independent
    n_blocks = steps.shape[1] // options.block
    used = steps[:, : n_blocks * options.block]
    blocks = used.reshape(len(steps), n_blocks, options.block).transpose(1, 0, 2)
    blocks = blocks[np.isfinite(blocks).all(axis=(1, 2))]
    if len(blocks) < options.min_blocks:
        return False
    centred = blocks - blocks.mean(axis=2, keepdims=True)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=2, keepdims=True), 1e-9)
    n = len(ratios)
    correlation = ((unit.sum(axis=1) ** 2).sum(axis=1) - n) / (n * (n - 1))
    return float(np.median(correlation)) > options.min_correlation


def _same_values_other_phases(ratios: Float32Array, rng: np.random.Generator) -> Float32Array:
    """Randomise phases, but keep the values of each station and all (cross-)spectra of their normal scores."""
    known = np.isfinite(ratios)
    order = np.argsort(phase_randomised(_normal_scores(ratios), rng, together=True), axis=1)
    surrogate = np.full_like(ratios, np.nan)
    for row, values, ranks, there in zip(surrogate, ratios, order, known, strict=True):
        places = ranks[there[ranks]]
        row[places] = np.sort(values[there])
    return surrogate
