"""Predictability score of a line of channels: a blind slant stack.

Neighbouring channels are stacked into blocks along a range of slownesses. Each block is compared only with blocks
beyond the correlation length of the noise, so noise that neighbours share does not count. First, every channel is
divided by its own running level, so strong but incoherent bursts do not count either.

References
----------
Neidell, N. S. and Taner, M. T. (1971). Semblance and other coherency measures for multichannel data.
Geophysics 36, 482. doi:10.1190/1.1440186
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.detect.line_geometry import LineGeometry
from selfseis.detect.options import SlantStackOptions, ThresholdOptions
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
from selfseis.recording.preprocessing import Conditioner, sample_spans
from selfseis.recording.tiling import Tile
from selfseis.typing import Float32Array, IntArray
from selfseis.validation import phase_randomised


@dataclass(frozen=True)
class PredictabilityScanner:
    """Scores the predictability of wavefields across a line of channels.

    Attributes
    ----------
    conditioner : Conditioner
        Band-pass and noise levels.
    geometry : LineGeometry
        Blocks, segments, slownesses.
    standardiser : Standardiser
        Null distribution of the statistics in data whose channels get the same random phases: it includes the lasting
        coherence of the recording.
    of_shifted : Standardiser
        Their null distribution in surrogates whose blocks are shifted; in a short record, which an event can fill,
        also that of the data.
    of_segment : Standardiser
        Null distribution of the coherence of one segment.
    hop : int
        Samples between scores; a window has two hops.
    common_mode : bool
        Whether all channels share a waveform (noise of the laser), which is then removed. Without one nothing is
        removed, because the removal makes channels depend on each other.
    options : SlantStackOptions
        Settings.
    """

    conditioner: Conditioner
    geometry: LineGeometry
    standardiser: Standardiser
    of_shifted: Standardiser
    of_segment: Standardiser
    hop: int
    common_mode: bool = False
    options: SlantStackOptions = field(default_factory=SlantStackOptions)
    name: str = "blind slant-stack predictability"

    @classmethod
    def measure(
        cls,
        recording: xr.DataArray,
        conditioner: Conditioner,
        blind_zone: int,
        steepest: float,
        window: int,
        seed: int,
        options: SlantStackOptions = SlantStackOptions(),
    ) -> PredictabilityScanner:
        """Choose the geometry and measure the scale of the statistics on surrogates of sampled spans.

        Parameters
        ----------
        recording : xarray.DataArray
            Channels on a line.
        conditioner : Conditioner
            Band-pass and noise levels.
        blind_zone : int
            Channels over which noise is shared.
        steepest : float
            Maximum slowness of interest, in samples per channel.
        window : int
            Samples of a window; made a multiple of four.
        seed : int
            Seed of the surrogates.
        options : SlantStackOptions
            Settings.
        """
        hop = max(2, window // 4 * 2)
        period = conditioner.rate / float(np.sqrt(conditioner.band[0] * conditioner.band[1]))
        geometry = LineGeometry.choose(
            recording.sizes["channel"], blind_zone, steepest, period, 4.0 * window, options
        )
        sampled = sample_spans(recording, n_spans=options.n_spans, length=options.span_length)
        spans = [conditioner(span.data)[0] for span in sampled]
        common = float(np.median([_far_correlation(data) for data in spans])) > options.min_common_mode
        neutral = Standardiser.neutral(5)
        unscaled = cls(conditioner, geometry, neutral, neutral, Standardiser.neutral(1), hop, common, options)
        return unscaled._scaled_by(spans, np.random.default_rng(seed))

    def _scaled_by(self, spans: list[Float32Array], rng: np.random.Generator) -> PredictabilityScanner:
        """Measure the scale of the statistics on surrogates of conditioned spans."""
        options = self.options
        levelled = [self._levelled(data) for data in spans]
        shifted = [self._score(data, rng, n_surrogates=options.n_draws) for data in levelled]
        of_shifted = Standardiser.measure(_row_wise([line[:, 1:] for line, _ in shifted]))
        if sum(data.shape[1] for data in spans) < options.min_hops * self.hop:
            of_segment = Standardiser.measure(_row_wise([best[None, :, 1:] for _, best in shifted]))
            return replace(self, standardiser=of_shifted, of_shifted=of_shifted, of_segment=of_segment)
        lasting = [
            self._score(self._levelled(phase_randomised(data, rng, together=True)), rng, n_surrogates=0)
            for data in (np.clip(span, -options.max_noise, options.max_noise) for span in spans)
            for _ in range(options.n_draws)
        ]
        return replace(
            self,
            standardiser=of_shifted.or_wider(Standardiser.measure(_row_wise([line for line, _ in lasting]))),
            of_shifted=of_shifted,
            of_segment=Standardiser.measure(_row_wise([best[None] for _, best in lasting])),
        )

    @property
    def window(self) -> int:
        """Samples of a window."""
        return 2 * self.hop

    @property
    def halo(self) -> int:
        """Samples of context on each side of a tile, in whole hops."""
        delay = int(np.ceil(np.abs(self.geometry.slownesses).max() * self.geometry.n_channels))
        reach = self.conditioner.halo + self.context + min(delay, 64 * self.window)
        return -(-reach // self.hop) * self.hop

    @property
    def context(self) -> int:
        """Samples of conditioned data before and after a score on which it depends."""
        return (self.options.n_past + 6) * self.hop

    def scan(
        self,
        recording: xr.DataArray,
        *,
        n_surrogates: int,
        seed: int,
        progress: ProgressCallback | None = None,
    ) -> Scan:
        """Score a recording tile by tile.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording.
        n_surrogates : int
            Number of surrogates of each tile: blocks are shifted in time independently.
        seed : int
            Seed of the shifts.
        progress : callable, optional
            Called with the number of samples done and the number of all samples.

        Returns
        -------
        Scan
        """
        n_channels, n_samples = recording.shape
        core = max(16, self.options.tile_values // n_channels // self.hop) * self.hop
        parts = []
        for tile in covered_tiles(recording, core, self.halo, align=self.hop):
            parts.append(ScanPart(tile.first, self._scan_tile(tile, n_surrogates, seed)))
            if progress is not None:
                progress(tile.first + tile.n_core, n_samples)
        first, values = join_parts(parts, self.hop)
        n_channels_with_event, present = np.nan_to_num(values[:2])
        scores = values[2:].astype(np.float32)
        return Scan(
            first,
            scores[0],
            scores[1:],
            n_channels_with_event.astype(np.int32),
            ["line"],
            present[None].astype(np.float32),
            self.hop,
        )

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

    def _scan_tile(self, tile: Tile, n_surrogates: int, seed: int) -> NDArray:
        """Return rows: number of channels with an event, share of data, score, scores of the surrogates."""
        n_hops = tile.n_core // self.hop
        keep = slice(self.halo // self.hop, self.halo // self.hop + n_hops)
        rng = np.random.default_rng([seed, tile.first])
        data, valid = self.conditioner(tile.data)
        line, segments = self._score(self._levelled(data), rng, n_surrogates)
        scaled = self.standardiser(line[:, :1]), self.of_shifted(line[:, 1:])
        combined = np.concatenate(scaled)[:, keep]
        present = window_means(valid.mean(axis=0), self.hop)[keep]
        combined[:, window_means(valid.max(axis=0), self.hop)[keep] < 0.5] = np.nan
        raised = self.of_segment(segments[None, :, 0, keep]) > self.options.min_segment_score
        width = self.geometry.block * self.geometry.per_segment
        return np.vstack([np.minimum(raised.sum(axis=0) * width, len(data)), present, combined])

    def score_window(self, conditioned: Float32Array) -> Float32Array:
        """Compute the score of conditioned data, without surrogates; shape (n_samples // hop,)."""
        line, _ = self._score(self._levelled(conditioned), np.random.default_rng(0), 0)
        return self.standardiser(line)[0]

    def _levelled(self, data: Float32Array) -> Float32Array:
        """Remove a common mode, then divide each channel by its own running level."""
        if self.common_mode:
            live = data != 0
            data = np.where(live, data - data.sum(axis=0) / np.maximum(live.sum(axis=0), 1), 0)
        level = np.sqrt(np.maximum(_running_mean(data**2, self.hop), 0))
        return np.divide(data, level, out=np.zeros_like(data), where=level > 1e-6)

    def _score(
        self, data: Float32Array, rng: np.random.Generator, n_surrogates: int
    ) -> tuple[NDArray, NDArray]:
        """Return five statistics of the line, shape (5, 1 + n_surrogates, n_hops), and the best score of each segment.

        The first three are coherences: of a wavefront that is plane along the whole line, of one that is plane along
        each segment, and of the best single segment. The last two are changes of beam power relative to the past: of
        the beams of segments, and of the beam of the whole line.
        """
        surrogates = self._surrogates(data, rng, n_surrogates)
        energies = self._segment_energies(data, surrogates)
        scores = [self._scores_along(data, p, surrogates, energies) for p in self.geometry.slownesses]
        coherence, change, change_of_line = (np.stack(score) for score in zip(*scores, strict=True))
        whole = self._aligned(coherence).mean(axis=1).max(axis=0)
        best = coherence.max(axis=0)
        changes = change.max(axis=0).mean(axis=0), change_of_line.max(axis=0)
        return np.stack([whole, best.mean(axis=0), best.max(axis=0), *changes]), best

    def _surrogates(
        self, data: Float32Array, rng: np.random.Generator, n_surrogates: int
    ) -> list[_Surrogate]:
        shape = len(self.geometry.segments), self.geometry.per_segment
        n_samples = data.shape[1]
        surrogates = []
        for _ in range(n_surrogates):
            # Blocks that share noise are shifted together, so that surrogates share it as well.
            groups = np.arange(self.geometry.per_segment) // (self.geometry.guard + 1)
            shifts = rng.integers(0, n_samples, shape)[:, groups]
            mean = self._mean_of_shifted(data, shifts) if self.common_mode else None
            surrogates.append(_Surrogate(shifts, mean))
        return surrogates

    def _mean_of_shifted(self, data: Float32Array, shifts: NDArray) -> Float32Array:
        """Return the common mode of data whose blocks are shifted."""
        total = np.zeros(data.shape[1], np.float32)
        for segment, shift in zip(self.geometry.segments, shifts, strict=True):
            total += _rolled(self._blocks(data, segment, 0.0), shift).sum(axis=0)
        return total / np.float32(shifts.size * self.geometry.block)

    def _segment_energies(self, data: Float32Array, surrogates: list[_Surrogate]) -> list[NDArray]:
        """Return the energy of all channels of each segment, for data and surrogates, shape (n_series, n_hops)."""
        energies = []
        for i, segment in enumerate(self.geometry.segments):
            channels = data[segment[0] : segment[0] + self.geometry.block * self.geometry.per_segment]
            blocks = (channels**2).reshape(self.geometry.per_segment, self.geometry.block, -1).sum(axis=1)
            series = [blocks, *(_rolled(blocks, surrogate.shifts[i]) for surrogate in surrogates)]
            energies.append(np.stack([window_means(b.sum(axis=0), self.hop) for b in series]))
        return energies

    def _scores_along(
        self, data: Float32Array, slowness: float, surrogates: list[_Surrogate], energies: list[NDArray]
    ) -> tuple[NDArray, NDArray, NDArray]:
        """Return coherence and beam change of each segment, and the beam change of the line, for data and surrogates.

        The first two have the shape (n_segments, n_series, n_hops), the last one (n_series, n_hops).
        """
        coherence, change = [], []
        beam_of_line = np.zeros((1 + len(surrogates), data.shape[1]), np.float32)
        for i, segment in enumerate(self.geometry.segments):
            blocks = self._blocks(data, segment, slowness)
            series = [blocks]
            for surrogate in surrogates:
                moved = _rolled(blocks, surrogate.shifts[i])
                if surrogate.mean is not None:
                    self._remove_common_mode(surrogate.mean, moved, slowness)
                series.append(moved)
            coherence.append(np.stack([_coherence(b, self.geometry.guard, self.hop) for b in series]))
            beams = np.stack([b.sum(axis=0) for b in series])
            change.append(self._against_past(window_means(beams**2, self.hop), energies[i]))
            for total, beam in zip(beam_of_line, beams, strict=True):
                _add_shifted(total, beam, round(slowness * self._from_middle(segment)))
        of_line = self._against_past(window_means(beam_of_line**2, self.hop), np.sum(energies, axis=0))
        return np.stack(coherence), np.stack(change), of_line

    def _against_past(self, beam: NDArray, energy: NDArray) -> NDArray:
        """Return the logarithm of the share of energy in a beam, minus its mean just before.

        Shared noise and lasting waves are also present before, so they cancel without a blind zone. The result is NaN
        where the past is too short.
        """
        n_past = self.options.n_past
        present = energy > 1e-6
        share = np.log(self.options.floor + beam / np.maximum(energy, 1e-9))
        n_present = _past_sum(present.astype(np.float64), n_past)
        past = _past_sum(np.where(present, share, 0), n_past) / np.maximum(n_present, 1)
        return np.where(present & (n_present >= n_past // 2), share - past, np.nan)

    def _from_middle(self, segment: range) -> float:
        """Return the channels from the middle of the line to that of a segment."""
        return (segment[0] + segment[-1]) / 2 - (self.geometry.n_channels - 1) / 2

    def _remove_common_mode(self, mean: Float32Array, blocks: Float32Array, slowness: float) -> None:
        middle = (len(blocks) - 1) / 2
        share = np.float32(-self.geometry.block) * mean
        for i, block in enumerate(blocks):
            _add_shifted(block, share, round(slowness * (i - middle) * self.geometry.block))

    def _blocks(self, data: Float32Array, segment: range, slowness: float) -> Float32Array:
        """Stack the channels of each block of a segment along a slowness; shape (n_blocks, n_samples)."""
        blocks = np.zeros((self.geometry.per_segment, data.shape[1]), np.float32)
        middle = (segment[0] + segment[-1]) / 2
        for channel in segment[: self.geometry.block * self.geometry.per_segment]:
            delay = round(slowness * (channel - middle))
            _add_shifted(blocks[(channel - segment[0]) // self.geometry.block], data[channel], delay)
        return blocks

    def _aligned(self, scores: NDArray) -> NDArray:
        """Shift the score of each segment by the delay of a wavefront that crosses the whole line."""
        moved = np.empty_like(scores)
        for i, slowness in enumerate(self.geometry.slownesses):
            for j, segment in enumerate(self.geometry.segments):
                delay = round(slowness * self._from_middle(segment) / self.hop)
                moved[i, j] = np.roll(scores[i, j], -delay, axis=-1)
        return moved


@dataclass(frozen=True)
class _Surrogate:
    """Shifts in samples of each block of each segment, and the common mode of the shifted data."""

    shifts: IntArray
    mean: Float32Array | None


def _row_wise(parts: list[NDArray]) -> NDArray:
    """Join parts of shape (n_rows, ...) to (n_rows, n)."""
    return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)


def _far_correlation(data: Float32Array) -> float:
    """Return the mean zero-lag correlation of channels that are at least half the line apart."""
    norm = np.linalg.norm(data, axis=1, keepdims=True)
    unit = np.divide(data, norm, out=np.zeros_like(data), where=norm > 0)
    half = len(data) // 2
    pairs = [
        np.einsum("ct,ct->c", unit[offset:], unit[: len(unit) - offset]) for offset in range(half, len(data))
    ]
    return float(np.mean(np.concatenate(pairs)))


def _rolled(blocks: Float32Array, shifts: NDArray) -> Float32Array:
    return np.stack([np.roll(block, shift) for block, shift in zip(blocks, shifts, strict=True)])


def _coherence(blocks: Float32Array, guard: int, hop: int) -> NDArray:
    """Return the summed products of blocks more than `guard` apart, relative to the power of the blocks."""
    near = blocks.copy()
    for apart in range(1, guard + 1):
        near[apart:] += blocks[:-apart]
        near[:-apart] += blocks[apart:]
    across = blocks.sum(axis=0) ** 2 - np.einsum("bt,bt->t", blocks, near)
    within = window_means(np.einsum("bt,bt->t", blocks, blocks), hop)
    return window_means(across, hop) / np.maximum(within, 1e-6)


def _past_sum(values: NDArray, n_past: int) -> NDArray:
    """Sum over the `n_past` hops that end two hops before each hop."""
    total = np.cumsum(values, axis=-1, dtype=np.float64)
    padded = np.pad(total, [(0, 0)] * (values.ndim - 1) + [(n_past + 2, 0)])
    n = values.shape[-1]
    return padded[..., n_past : n_past + n] - padded[..., :n]


def _add_shifted(total: Float32Array, values: Float32Array, delay: int) -> None:
    """Add ``values[t + delay]`` to ``total[t]``; zero beyond the ends."""
    n = len(total)
    if abs(delay) >= n:
        return
    if delay >= 0:
        total[: n - delay] += values[delay:]
    else:
        total[-delay:] += values[:delay]


def _running_mean(values: Float32Array, width: int) -> Float32Array:
    from scipy.ndimage import uniform_filter1d

    return uniform_filter1d(values, width, axis=1, mode="constant")
