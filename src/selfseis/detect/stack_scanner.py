"""STA/LTA on the stack of a line of channels: the baseline of the slant-stack scanner."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Self

import numpy as np
import xarray as xr

from selfseis.detect.options import BaselineOptions, ThresholdOptions
from selfseis.detect.scan import Null, ProgressCallback, Scan, ScanPart, join_parts, window_means
from selfseis.detect.sta_lta import sta_lta
from selfseis.recording.coverage import covered_tiles
from selfseis.recording.preprocessing import Conditioner
from selfseis.typing import Float32Array


@dataclass(frozen=True)
class StackScanner:
    """Computes STA/LTA on the stack of a line of channels.

    Attributes
    ----------
    conditioner : Conditioner
        Band-pass and noise levels.
    stacked : {"channels", "envelopes"}
        Whether waveforms or their energies are stacked.
    hop : int
        Samples between scores; a short window has two hops.
    sharing : int
        Number of neighbouring channels that share noise and are shifted together in surrogates.
    options : BaselineOptions
        Settings.
    """

    conditioner: Conditioner
    stacked: Literal["channels", "envelopes"]
    hop: int
    sharing: int = 1
    options: BaselineOptions = field(default_factory=BaselineOptions)

    @property
    def name(self) -> str:
        """Short description of the scanner."""
        return f"STA/LTA on the stack of {self.stacked}"

    @property
    def window(self) -> int:
        """Samples of a short window."""
        return 2 * self.hop

    @property
    def context(self) -> int:
        """Samples of conditioned data before and after a score on which it depends."""
        return (self.options.long_windows + 4) * self.hop

    def scan(
        self,
        recording: xr.DataArray,
        *,
        n_surrogates: int,
        seed: int,
        progress: ProgressCallback | None = None,
    ) -> Scan:
        """Score a recording and its surrogates, whose channels are shifted in time within a tile."""
        n_channels = recording.sizes["channel"]
        long = self.options.long_windows * self.hop
        halo = -(-(self.conditioner.halo + long) // self.hop) * self.hop
        core = max(64, self.options.tile_values // n_channels // self.hop) * self.hop
        parts = []
        for tile in covered_tiles(recording, core, halo, align=self.hop):
            rng = np.random.default_rng([seed, tile.first])
            data, valid = self.conditioner(tile.data)
            keep = slice(halo // self.hop, halo // self.hop + tile.n_core // self.hop)
            series = [data, *(self._surrogate(data, rng) for _ in range(n_surrogates))]
            scores = np.stack([self.score_window(d)[keep] for d in series])
            scores[:, window_means(valid.max(axis=0), self.hop)[keep] < 0.5] = np.nan
            parts.append(ScanPart(tile.first, scores))
            if progress is not None:
                progress(tile.first + tile.n_core, recording.sizes["time"])
        first, scores = join_parts(parts, self.hop)
        scores = scores.astype(np.float32)
        present = np.isfinite(scores[:1]).astype(np.float32)
        n_channels_with_event = np.full(len(first), n_channels, np.int32)
        return Scan(first, scores[0], scores[1:], n_channels_with_event, ["line"], present, self.hop)

    def fit_scan(
        self,
        recording: xr.DataArray,
        *,
        n_surrogates: int,
        seed: int,
        threshold: ThresholdOptions,
        progress: ProgressCallback | None = None,
    ) -> tuple[Self, Scan, Null]:
        """Score a recording and measure the null on its surrogates; the scale of the statistics is known already."""
        scan = self.scan(recording, n_surrogates=n_surrogates, seed=seed, progress=progress)
        return self, scan, Null.of_surrogates(scan.null, self.hop, self.conditioner.rate, threshold)

    def _surrogate(self, data: Float32Array, rng: np.random.Generator) -> Float32Array:
        groups = np.arange(len(data)) // self.sharing
        shifts = rng.integers(0, data.shape[1], groups[-1] + 1)[groups]
        return np.stack([np.roll(row, shift) for row, shift in zip(data, shifts, strict=True)])

    def score_window(self, conditioned: Float32Array) -> Float32Array:
        """Compute the score of conditioned data; shape (n_samples // hop,)."""
        power = (
            (conditioned**2).mean(axis=0) if self.stacked == "envelopes" else conditioned.mean(axis=0) ** 2
        )
        energy = window_means(power.astype(np.float64), self.hop)
        energy[energy <= 0] = np.nan  # no data, and so no long-term average
        return sta_lta(energy[None], self.options.long_windows)[0]
