"""Events on a line of channels: times when more is predictable from far channels than chance allows.

Neighbouring channels are stacked into blocks along a range of slownesses, and each block is compared with the
blocks that are not adjacent to it: a blind slant stack. A block is wider than the noise is shared, so that noise
which neighbours share does not count. Every channel is divided by its own running level first, so that bursts
that are loud but not coherent do not count either.

References
----------
Neidell, N. S. and Taner, M. T. (1971). Semblance and other coherency measures for multichannel data.
Geophysics 36, 482. doi:10.1190/1.1440186
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.detect.scan import Report, Scan, ScanPart, Series, Standardiser, joined, window_means
from selfseis.recording.conditioning import Conditioner, sample_spans
from selfseis.recording.coverage import covered_tiles
from selfseis.recording.tiles import Tile

Samples = NDArray[np.float32]

MOST_SLOWNESSES = 41
WIDEST_SEGMENT = 128  # channels over which a wavefront is taken to be plane
TILE_VALUES = 8_000_000
TAKES_PART = 3.0  # standardised score of a segment from which its channels count as part of an event


@dataclass(frozen=True)
class LineGeometry:
    """How a line is cut for the slant stacks.

    Attributes
    ----------
    n_channels : int
        Channels of the line.
    block : int
        Channels of a block; wider than noise is shared.
    per_segment : int
        Blocks of a segment.
    slownesses : ndarray
        Slownesses tried, in samples per channel.
    """

    n_channels: int
    block: int
    per_segment: int
    slownesses: NDArray[np.float64]

    @classmethod
    def choose(
        cls, n_channels: int, blind_zone: int, steepest: float, period: float, reach: float
    ) -> LineGeometry:
        """Choose blocks, segments and slownesses.

        Parameters
        ----------
        n_channels : int
            Channels of the line.
        blind_zone : int
            Channels over which noise is shared.
        steepest : float
            Largest slowness of interest, in samples per channel.
        period : float
            Dominant period in samples: slownesses differ by half of it over a segment.
        reach : float
            Longest delay over a segment that fits the tile's halo, in samples.
        """
        widest = min(n_channels, WIDEST_SEGMENT)
        # A block wider than the zone, because shared noise fades rather than ends there.
        block = int(np.clip(np.ceil(1.25 * blind_zone) + 1, 4 if widest >= 32 else 1, max(1, widest // 3)))
        affordable = (MOST_SLOWNESSES // 2) * period / 2 / max(steepest, 1e-9)
        span = int(np.clip(affordable, min(widest, max(16, 4 * block)), widest))
        step = period / 2 / span
        n_sides = int(min(MOST_SLOWNESSES // 2, np.ceil(steepest / step), reach / (step * span)))
        slownesses = step * np.arange(-n_sides, n_sides + 1)
        return cls(n_channels, block, max(1, span // block), slownesses)

    @property
    def segments(self) -> list[range]:
        """Channels of each segment; the last one reaches to the end of the line."""
        width = self.block * self.per_segment
        n_segments = max(1, self.n_channels // width)
        starts = np.linspace(0, self.n_channels - width, n_segments).round().astype(int)
        return [range(s, s + width) for s in starts]


@dataclass(frozen=True)
class PredictabilityScanner:
    """Scores how much more is predictable across a line of channels than chance allows.

    Attributes
    ----------
    conditioner : Conditioner
        Band-pass and noise levels.
    geometry : LineGeometry
        Blocks, segments, slownesses.
    standardiser : Standardiser
        Scale under chance of the line's statistics.
    segment_standardiser : Standardiser
        Scale under chance of one segment's score.
    hop : int
        Samples between scores; a window has two hops.
    """

    conditioner: Conditioner
    geometry: LineGeometry
    standardiser: Standardiser
    segment_standardiser: Standardiser
    hop: int
    name: str = "blind slant-stack predictability"

    @classmethod
    def measure(
        cls, recording: xr.DataArray, conditioner: Conditioner, blind_zone: int, steepest: float, window: int, seed: int
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
            Largest slowness of interest, in samples per channel.
        window : int
            Samples of a window; made a multiple of four.
        seed : int
            Seed of the surrogates.
        """
        hop = max(2, window // 4 * 2)
        period = conditioner.rate / float(np.sqrt(conditioner.band[0] * conditioner.band[1]))
        geometry = LineGeometry.choose(recording.sizes["channel"], blind_zone, steepest, period, 4.0 * window)
        unscaled = cls(conditioner, geometry, Standardiser.neutral(3), Standardiser.neutral(1), hop)
        rng = np.random.default_rng(seed)
        lines, segments = [], []
        for span in sample_spans(recording, n_spans=6, length=24_000):
            data = unscaled._levelled(conditioner(span.data)[0])
            line, best = unscaled._score(data, rng, n_surrogates=2)
            lines.append(line[:, 1:].reshape(3, -1))
            segments.append(best[:, 1:].reshape(1, -1))
        scales = (Standardiser.measure(np.concatenate(parts, axis=1)) for parts in (lines, segments))
        return cls(conditioner, geometry, *scales, hop)

    @property
    def window(self) -> int:
        """Samples of a window."""
        return 2 * self.hop

    @property
    def halo(self) -> int:
        """Samples of context on each side of a tile, in whole hops."""
        delay = int(np.ceil(np.abs(self.geometry.slownesses).max() * self.geometry.n_channels))
        reach = self.conditioner.halo + 3 * self.window + min(delay, 64 * self.window)
        return -(-reach // self.hop) * self.hop

    @property
    def context(self) -> int:
        """Samples of conditioned data on which a score depends, before and after."""
        return 6 * self.hop

    def scan(
        self, recording: xr.DataArray, *, n_surrogates: int, seed: int, report: Report | None = None
    ) -> Scan:
        """Score a recording tile by tile.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording.
        n_surrogates : int
            Surrogates of each tile: blocks shifted in time independently.
        seed : int
            Seed of the shifts.
        report : callable, optional
            Called with the number of samples done and of all samples.

        Returns
        -------
        Scan
        """
        n_channels, n_samples = recording.shape
        core = max(16, TILE_VALUES // n_channels // self.hop) * self.hop
        parts = []
        for tile in covered_tiles(recording, core, self.halo, align=self.hop):
            parts.append(ScanPart(tile.first, self._scan_tile(tile, n_surrogates, seed)))
            if report is not None:
                report(tile.first + tile.n_core, n_samples)
        first, values = joined(parts, self.hop)
        scores, takes_part = values[:-1].astype(np.float32), np.nan_to_num(values[-1]).astype(np.int32)
        return Scan(first, scores[0], scores[1:], takes_part, self.hop)

    def _scan_tile(self, tile: Tile, n_surrogates: int, seed: int) -> NDArray:
        """Return the score, those of the surrogates, and the number of channels that take part; a row each."""
        n_hops = tile.n_core // self.hop
        keep = slice(self.halo // self.hop, self.halo // self.hop + n_hops)
        rng = np.random.default_rng([seed, tile.first])
        data, valid = self.conditioner(tile.data)
        line, segments = self._score(self._levelled(data), rng, n_surrogates)
        combined = self.standardiser(line)[:, keep]
        combined[:, window_means(valid.any(axis=0), self.hop)[keep] < 0.5] = np.nan
        raised = self.segment_standardiser(segments[None, :, 0, keep]) > TAKES_PART
        width = self.geometry.block * self.geometry.per_segment
        return np.vstack([combined, np.minimum(raised.sum(axis=0) * width, len(data))])

    def score_window(self, conditioned: Samples) -> Series:
        """Score conditioned data, without surrogates; shape (n_samples // hop,)."""
        line, _ = self._score(self._levelled(conditioned), np.random.default_rng(0), 0)
        return self.standardiser(line)[0]

    def _levelled(self, data: Samples) -> Samples:
        """Take out what all channels share at the same instant, then divide each by its running level."""
        live = (data != 0).sum(axis=0)
        common = data.sum(axis=0) / np.maximum(live, 1)
        data = np.where(data != 0, data - common, 0)
        level = np.sqrt(np.maximum(_running_mean(data**2, self.window), 0))
        return np.divide(data, level, out=np.zeros_like(data), where=level > 1e-6)

    def _score(
        self, data: Samples, rng: np.random.Generator, n_surrogates: int
    ) -> tuple[NDArray, NDArray]:
        """Return three statistics of the line, shape (3, 1 + n_surrogates, n_hops), and the best score of each segment.

        The statistics are a wavefront that is plane along the whole line, one that is plane along each segment, and
        the best single segment.
        """
        shifts = self._surrogate_shifts(data.shape[1], rng, n_surrogates)
        scores = np.stack(
            [
                np.stack(
                    [
                        self._coherence(self._blocks(data, segment, slowness), shifts[:, i])
                        for i, segment in enumerate(self.geometry.segments)
                    ]
                )
                for slowness in self.geometry.slownesses
            ]
        )  # (slowness, segment, series, hop)
        whole = self._aligned(scores).mean(axis=1).max(axis=0)
        best = scores.max(axis=0)
        return np.stack([whole, best.mean(axis=0), best.max(axis=0)]), best

    def _surrogate_shifts(self, n_samples: int, rng: np.random.Generator, n_surrogates: int) -> NDArray:
        shape = n_surrogates, len(self.geometry.segments), self.geometry.per_segment
        n_hops = n_samples // self.hop
        return rng.integers(0, max(n_hops, 1), shape) * self.hop + rng.integers(0, self.hop, shape)

    def _blocks(self, data: Samples, segment: range, slowness: float) -> Samples:
        """Stack the channels of each block of a segment along a slowness; shape (n_blocks, n_samples)."""
        blocks = np.zeros((self.geometry.per_segment, data.shape[1]), np.float32)
        middle = (segment[0] + segment[-1]) / 2
        for channel in segment[: self.geometry.block * self.geometry.per_segment]:
            delay = round(slowness * (channel - middle))
            _add_shifted(blocks[(channel - segment[0]) // self.geometry.block], data[channel], delay)
        return blocks

    def _coherence(self, blocks: Samples, shifts: NDArray) -> NDArray:
        """Return products between blocks that are not adjacent over those within blocks, for data and surrogates."""
        series = [blocks, *(_rolled(blocks, shift) for shift in shifts)]
        return np.stack([_cross_power(b, self.hop) for b in series])

    def _aligned(self, scores: NDArray) -> NDArray:
        """Move each segment's score by the delay of a wavefront that crosses the whole line."""
        middle = (self.geometry.n_channels - 1) / 2
        moved = np.empty_like(scores)
        for i, slowness in enumerate(self.geometry.slownesses):
            for j, segment in enumerate(self.geometry.segments):
                delay = round(slowness * ((segment[0] + segment[-1]) / 2 - middle) / self.hop)
                moved[i, j] = np.roll(scores[i, j], -delay, axis=-1)
        return moved


def _rolled(blocks: Samples, shifts: NDArray) -> Samples:
    return np.stack([np.roll(block, shift) for block, shift in zip(blocks, shifts, strict=True)])


def _cross_power(blocks: Samples, hop: int) -> NDArray:
    within = (blocks**2).sum(axis=0)
    adjacent = 2 * (blocks[1:] * blocks[:-1]).sum(axis=0)
    across = blocks.sum(axis=0) ** 2 - within - adjacent
    return window_means(across, hop) / np.maximum(window_means(within, hop), 1e-6)


def _add_shifted(total: Series, values: Series, delay: int) -> None:
    """Add ``values[t + delay]`` to ``total[t]``; zero beyond the ends."""
    n = len(total)
    if abs(delay) >= n:
        return
    if delay >= 0:
        total[: n - delay] += values[delay:]
    else:
        total[-delay:] += values[:delay]


def _running_mean(values: Samples, width: int) -> Samples:
    from scipy.ndimage import uniform_filter1d

    return uniform_filter1d(values, width, axis=1, mode="constant")
