"""Coincidence score of scattered stations: energy ratios that rise at several stations within their travel times."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.detect.options import CoincidenceOptions
from selfseis.detect.scan import ProgressCallback, Scan, ScanPart, join_parts, window_means
from selfseis.detect.sta_lta import energy_ratio, sta_lta
from selfseis.recording.coverage import covered_tiles
from selfseis.recording.preprocessing import Conditioner
from selfseis.typing import Float32Array, FloatArray, IntArray
from selfseis.validation import circular_shifts, phase_randomised

RATIOS = {"energy ratio": energy_ratio, "STA/LTA": sta_lta}


@dataclass(frozen=True)
class CoincidenceScanner:
    """Scores simultaneous rises of energy at several stations.

    The score is the mean over all stations except the one with the highest ratio: an event must also appear at the
    others.

    Attributes
    ----------
    conditioner : Conditioner
        Band-pass and noise levels.
    groups : ndarray of str, shape (n_channels,)
        The station of each channel.
    ratio : {"energy ratio", "STA/LTA"}
        The ratio that is computed at each station.
    reach : int
        Hops by which arrivals at two stations may differ.
    hop : int
        Samples between scores; a short window has two hops.
    options : CoincidenceOptions
        Settings.
    """

    conditioner: Conditioner
    groups: NDArray[np.str_]
    ratio: str
    reach: int
    hop: int
    options: CoincidenceOptions = field(default_factory=CoincidenceOptions)

    @property
    def name(self) -> str:
        """Short description of the scanner."""
        return (
            f"coincidence of {self.ratio}s"
            if self.ratio == "energy ratio"
            else f"coincidence of {self.ratio}"
        )

    @property
    def window(self) -> int:
        """Samples of a short window."""
        return 2 * self.hop

    @property
    def n_stations(self) -> int:
        """Number of stations."""
        return len(np.unique(self.groups))

    @property
    def context(self) -> int:
        """Samples of conditioned data before and after a score on which it depends."""
        return (self.options.long_windows + self.reach + 4) * self.hop

    def scan(
        self,
        recording: xr.DataArray,
        *,
        n_surrogates: int,
        seed: int,
        progress: ProgressCallback | None = None,
    ) -> Scan:
        """Score a recording.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording.
        n_surrogates : int
            Number of surrogates: the energy ratios of the stations, shifted in time independently. Stations can also
            fluctuate together at most times (a shared wavefield, cross-talk). Surrogates then keep that correlation:
            the ratios of all stations get the same random phases. For one station alone the phases are random as
            well; with bursts in its noise, the false-alarm rate is then underestimated.
        seed : int
            Seed of the surrogates.
        progress : callable, optional
            Called with the number of samples done and the number of all samples.

        Returns
        -------
        Scan
        """
        first, energies, present = self._energies(recording, progress)
        ratios = self._ratios(energies)
        rng = np.random.default_rng(seed)
        keep_shared = len(ratios) > 1 and _noise_is_shared(ratios, self.options)
        null = [self._score(self._surrogate(ratios, rng, keep_shared)) for _ in range(n_surrogates)]
        triggered = np.nan_to_num(self._maximum_within_reach(ratios), nan=-np.inf) > self.options.min_trigger
        per_station = np.array([(self.groups == g).sum() for g in np.unique(self.groups)])
        return Scan(
            first,
            self._score(ratios),
            np.array(null, np.float32).reshape(n_surrogates, len(first)),
            (triggered * per_station[:, None]).sum(axis=0).astype(np.int32),
            [str(g) for g in np.unique(self.groups)],
            present,
            self.hop,
        )

    def _energies(
        self, recording: xr.DataArray, progress: ProgressCallback | None
    ) -> tuple[IntArray, NDArray, Float32Array]:
        """Return times, each station's mean energy in short windows, and the share of each window with data.

        The energy is NaN where more than half of a window has no data.
        """
        halo = -(-(self.conditioner.halo + self.window) // self.hop) * self.hop
        core = max(64, self.options.tile_values // recording.sizes["channel"] // self.hop) * self.hop
        membership = np.unique(self.groups)[:, None] == self.groups[None]
        parts = []
        for tile in covered_tiles(recording, core, halo, align=self.hop):
            data, valid = self.conditioner(tile.data)
            keep = slice(halo // self.hop, halo // self.hop + tile.n_core // self.hop)
            energy = membership @ window_means(data.astype(np.float64) ** 2, self.hop)
            present = membership @ window_means(valid, self.hop)
            full = present >= 0.5 * membership.sum(axis=1, keepdims=True)
            mean = np.where(full, energy / np.maximum(present, 1e-9), np.nan)
            share = present / membership.sum(axis=1, keepdims=True)
            parts.append(ScanPart(tile.first, np.vstack([mean, share])[:, keep]))
            if progress is not None:
                progress(tile.first + tile.n_core, recording.sizes["time"])
        first, values = join_parts(parts, self.hop)
        return first, values[: len(membership)], np.nan_to_num(values[len(membership) :]).astype(np.float32)

    def score_window(self, conditioned: Float32Array) -> Float32Array:
        """Compute the score of conditioned data, without surrogates; shape (n_samples // hop,)."""
        membership = np.unique(self.groups)[:, None] == self.groups[None]
        energies = membership @ window_means(conditioned.astype(np.float64) ** 2, self.hop)
        return self._score(self._ratios(energies))

    def _ratios(self, energies: NDArray) -> Float32Array:
        return RATIOS[self.ratio](energies, self.options.long_windows)

    def _surrogate(self, ratios: Float32Array, rng: np.random.Generator, keep_shared: bool) -> Float32Array:
        if len(ratios) > 1 and not keep_shared:
            return circular_shifts(ratios, rng, minimum=4 * self.reach + 2)
        return _same_values_other_phases(ratios, rng)

    def _maximum_within_reach(self, ratios: Float32Array) -> Float32Array:
        """Return the maximum ratio of each station within the reach."""
        from scipy.ndimage import maximum_filter1d

        known = np.where(np.isfinite(ratios), ratios, -np.inf)
        maximum = maximum_filter1d(known, 2 * (self.reach // 2) + 1, axis=1, mode="constant", cval=-np.inf)
        return np.where(np.isfinite(ratios), maximum, np.nan).astype(np.float32)

    def _score(self, ratios: Float32Array) -> Float32Array:
        """Return the mean ratio of all stations except the highest; shape (n_hops,)."""
        if len(ratios) == 1:
            return ratios[0]
        ranked = -np.sort(-np.nan_to_num(self._maximum_within_reach(ratios), nan=-np.inf), axis=0)
        others = ranked[1:]
        n_others = np.isfinite(others).sum(axis=0)
        total = np.where(np.isfinite(others), others, 0).sum(axis=0)
        return np.where(n_others > 0, total / np.maximum(n_others, 1), np.nan).astype(np.float32)


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
