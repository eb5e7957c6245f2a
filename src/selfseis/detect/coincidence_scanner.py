"""Events on scattered stations: energy ratios that rise at several stations within the travel time between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.detect.scan import ProgressCallback, Scan, ScanPart, joined, window_means
from selfseis.detect.sta_lta import energy_ratio, sta_lta
from selfseis.recording.coverage import covered_tiles
from selfseis.recording.preprocessing import Conditioner
from selfseis.typing import Float32Array, FloatArray, IntArray
from selfseis.validation import circular_shifts, phase_randomised

TILE_VALUES = 8_000_000
LONG_WINDOWS = 40  # hops of the long-term level: about 25 s at 100 Hz
SHARED = 0.03  # correlation between stations from which surrogates must keep it
BLOCK = 16  # hops over which that correlation is formed
MIN_BLOCKS = 200
TRIGGERED = np.log(3.0)  # energy ratio from which a station counts as part of an event
RATIOS = {"energy ratio": energy_ratio, "STA/LTA": sta_lta}


@dataclass(frozen=True)
class CoincidenceScanner:
    """Scores how much more energy several stations receive at once than chance allows.

    The score is the mean over all stations but the loudest: an event must show at the others too.

    Attributes
    ----------
    conditioner : Conditioner
        Band-pass and noise levels.
    groups : ndarray of str, shape (n_channels,)
        The station of each channel.
    ratio : {"energy ratio", "STA/LTA"}
        What is formed at each station.
    reach : int
        Hops by which arrivals at two stations may differ.
    hop : int
        Samples between scores; a short window has two hops.
    """

    conditioner: Conditioner
    groups: NDArray[np.str_]
    ratio: str
    reach: int
    hop: int

    @property
    def name(self) -> str:
        """What the scanner is, in a few words."""
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
        """Samples of conditioned data on which a score depends, before and after."""
        return (LONG_WINDOWS + self.reach + 4) * self.hop

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
            Surrogates: the stations' energy ratios shifted in time independently. Where stations fluctuate together
            at most times (a shared wavefield, cross-talk), surrogates keep that correlation instead and draw the
            phases of all ratios at random together. For one station alone nothing can be
            shifted, and its phases are drawn, which is too kind to noise with bursts.
        seed : int
            Seed of the surrogates.
        progress : callable, optional
            Called with the number of samples done and of all samples.

        Returns
        -------
        Scan
        """
        first, energies, present = self._energies(recording, progress)
        ratios = RATIOS[self.ratio](energies, LONG_WINDOWS)
        rng = np.random.default_rng(seed)
        keep_shared = len(ratios) > 1 and _noise_is_shared(ratios)
        null = [self._score(self._surrogate(ratios, rng, keep_shared)) for _ in range(n_surrogates)]
        triggered = np.nan_to_num(self._widest(ratios), nan=-np.inf) > TRIGGERED
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

        The energy is NaN where half of a window has no data.
        """
        halo = -(-(self.conditioner.halo + self.window) // self.hop) * self.hop
        core = max(64, TILE_VALUES // recording.sizes["channel"] // self.hop) * self.hop
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
        first, values = joined(parts, self.hop)
        return first, values[: len(membership)], np.nan_to_num(values[len(membership) :]).astype(np.float32)

    def score_window(self, conditioned: Float32Array) -> Float32Array:
        """Score conditioned data, without surrogates; shape (n_samples // hop,)."""
        membership = np.unique(self.groups)[:, None] == self.groups[None]
        energies = membership @ window_means(conditioned.astype(np.float64) ** 2, self.hop)
        return self._score(RATIOS[self.ratio](energies, LONG_WINDOWS))

    def _surrogate(self, ratios: Float32Array, rng: np.random.Generator, keep_shared: bool) -> Float32Array:
        if len(ratios) > 1 and not keep_shared:
            return circular_shifts(ratios, rng, minimum=4 * self.reach + 2)
        return _same_values_other_phases(ratios, rng)

    def _widest(self, ratios: Float32Array) -> Float32Array:
        """Take each station's largest ratio within the reach."""
        from scipy.ndimage import maximum_filter1d

        known = np.where(np.isfinite(ratios), ratios, -np.inf)
        widest = maximum_filter1d(known, 2 * (self.reach // 2) + 1, axis=1, mode="constant", cval=-np.inf)
        return np.where(np.isfinite(ratios), widest, np.nan).astype(np.float32)

    def _score(self, ratios: Float32Array) -> Float32Array:
        """Return the mean of the ratios of all stations but the loudest; shape (n_hops,)."""
        if len(ratios) == 1:
            return ratios[0]
        ranked = -np.sort(-np.nan_to_num(self._widest(ratios), nan=-np.inf), axis=0)
        others = ranked[1:]
        n_others = np.isfinite(others).sum(axis=0)
        total = np.where(np.isfinite(others), others, 0).sum(axis=0)
        return np.where(n_others > 0, total / np.maximum(n_others, 1), np.nan).astype(np.float32)


def _normal_scores(ratios: Float32Array) -> FloatArray:
    """Replace each station's values by normal deviates of the same rank; zero where there are none."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    rank = rankdata(ratios, axis=1, nan_policy="omit")
    known = np.isfinite(ratios)
    share = (rank - 0.5) / np.maximum(known.sum(axis=1, keepdims=True), 1)
    return np.where(known, ndtri(np.clip(np.nan_to_num(share, nan=0.5), 1e-9, 1 - 1e-9)), 0.0)


def _noise_is_shared(ratios: Float32Array) -> bool:
    """Whether stations fluctuate together at most times, and not only when there are events.

    The mean correlation between stations is formed in short blocks and its median taken, which events that fill
    less than half of the blocks do not change. A short record may be all events and does not count.
    """
    steps = ratios[:, 2:] - ratios[:, :-2]  # hops overlap by half of a window: every second one is new
    n_blocks = steps.shape[1] // BLOCK
    blocks = steps[:, : n_blocks * BLOCK].reshape(len(steps), n_blocks, BLOCK).transpose(1, 0, 2)
    blocks = blocks[np.isfinite(blocks).all(axis=(1, 2))]
    if len(blocks) < MIN_BLOCKS:
        return False
    centred = blocks - blocks.mean(axis=2, keepdims=True)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=2, keepdims=True), 1e-9)
    n = len(ratios)
    correlation = ((unit.sum(axis=1) ** 2).sum(axis=1) - n) / (n * (n - 1))
    return float(np.median(correlation)) > SHARED


def _same_values_other_phases(ratios: Float32Array, rng: np.random.Generator) -> Float32Array:
    """Keep each station's values and all (cross-)spectra of their normal scores, and draw the phases at random."""
    known = np.isfinite(ratios)
    order = np.argsort(phase_randomised(_normal_scores(ratios), rng, together=True), axis=1)
    surrogate = np.full_like(ratios, np.nan)
    for row, values, ranks, there in zip(surrogate, ratios, order, known, strict=True):
        places = ranks[there[ranks]]
        row[places] = np.sort(values[there])
    return surrogate
