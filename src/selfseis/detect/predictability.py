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
COMMON_MODE = 0.02  # correlation between the two halves of the line from which all channels share a waveform
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
    slownesses: NDArray[np.floating]

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
        n_segments = -(-n_channels // span)
        return cls(n_channels, block, max(1, n_channels // n_segments // block), slownesses)

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
    common_mode : bool
        Whether all channels share a waveform (a laser's noise), which is taken out. It is left in where there is
        none, because taking it out makes channels depend on each other.
    """

    conditioner: Conditioner
    geometry: LineGeometry
    standardiser: Standardiser
    segment_standardiser: Standardiser
    hop: int
    common_mode: bool = False
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
        spans = [conditioner(span.data)[0] for span in sample_spans(recording, n_spans=6, length=24_000)]
        common = float(np.median([_far_correlation(data) for data in spans])) > COMMON_MODE
        unscaled = cls(
            conditioner, geometry, Standardiser.neutral(3), Standardiser.neutral(1), hop, common_mode=common
        )
        rng = np.random.default_rng(seed)
        lines, segments = [], []
        for data in spans:
            line, best = unscaled._score(unscaled._levelled(data), rng, n_surrogates=2)
            lines.append(line[:, 1:].reshape(3, -1))
            segments.append(best[:, 1:].reshape(1, -1))
        of_line, of_segment = (Standardiser.measure(np.concatenate(p, axis=1)) for p in (lines, segments))
        return cls(conditioner, geometry, of_line, of_segment, hop, common_mode=common)

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
        takes_part, present = np.nan_to_num(values[:2])
        scores = values[2:].astype(np.float32)
        return Scan(
            first,
            scores[0],
            scores[1:],
            takes_part.astype(np.int32),
            ["line"],
            present[None].astype(np.float32),
            self.hop,
        )

    def _scan_tile(self, tile: Tile, n_surrogates: int, seed: int) -> NDArray:
        """Return rows: channels that take part, share of data present, the score, those of the surrogates."""
        n_hops = tile.n_core // self.hop
        keep = slice(self.halo // self.hop, self.halo // self.hop + n_hops)
        rng = np.random.default_rng([seed, tile.first])
        data, valid = self.conditioner(tile.data)
        line, segments = self._score(self._levelled(data), rng, n_surrogates)
        combined = self.standardiser(line)[:, keep]
        present = window_means(valid.mean(axis=0), self.hop)[keep]
        combined[:, window_means(valid.max(axis=0), self.hop)[keep] < 0.5] = np.nan
        raised = self.segment_standardiser(segments[None, :, 0, keep]) > TAKES_PART
        width = self.geometry.block * self.geometry.per_segment
        return np.vstack([np.minimum(raised.sum(axis=0) * width, len(data)), present, combined])

    def score_window(self, conditioned: Samples) -> Series:
        """Score conditioned data, without surrogates; shape (n_samples // hop,)."""
        line, _ = self._score(self._levelled(conditioned), np.random.default_rng(0), 0)
        return self.standardiser(line)[0]

    def _levelled(self, data: Samples) -> Samples:
        """Take out a common mode, then divide each channel by its own running level."""
        if self.common_mode:
            live = data != 0
            data = np.where(live, data - data.sum(axis=0) / np.maximum(live.sum(axis=0), 1), 0)
        level = np.sqrt(np.maximum(_running_mean(data**2, self.window), 0))
        return np.divide(data, level, out=np.zeros_like(data), where=level > 1e-6)

    def _score(self, data: Samples, rng: np.random.Generator, n_surrogates: int) -> tuple[NDArray, NDArray]:
        """Return three statistics of the line, shape (3, 1 + n_surrogates, n_hops), and the best score of each segment.

        The statistics are a wavefront that is plane along the whole line, one that is plane along each segment, and
        the best single segment.
        """
        surrogates = self._surrogates(data, rng, n_surrogates)
        scores = np.stack(
            [self._segment_scores(data, slowness, surrogates) for slowness in self.geometry.slownesses]
        )
        whole = self._aligned(scores).mean(axis=1).max(axis=0)
        best = scores.max(axis=0)
        return np.stack([whole, best.mean(axis=0), best.max(axis=0)]), best

    def _surrogates(self, data: Samples, rng: np.random.Generator, n_surrogates: int) -> list[_Surrogate]:
        shape = len(self.geometry.segments), self.geometry.per_segment
        n_samples = data.shape[1]
        surrogates = []
        for _ in range(n_surrogates):
            shifts = rng.integers(0, n_samples, shape)
            mean = self._mean_of_shifted(data, shifts) if self.common_mode else None
            surrogates.append(_Surrogate(shifts, mean))
        return surrogates

    def _mean_of_shifted(self, data: Samples, shifts: NDArray) -> Series:
        """Return what taking out a common mode would take from data whose blocks are shifted."""
        total = np.zeros(data.shape[1], np.float32)
        for segment, shift in zip(self.geometry.segments, shifts, strict=True):
            total += _rolled(self._blocks(data, segment, 0.0), shift).sum(axis=0)
        return total / np.float32(shifts.size * self.geometry.block)

    def _segment_scores(self, data: Samples, slowness: float, surrogates: list[_Surrogate]) -> NDArray:
        """Return the coherence of each segment for data and surrogates, shape (n_segments, n_series, n_hops)."""
        scores = []
        for i, segment in enumerate(self.geometry.segments):
            blocks = self._blocks(data, segment, slowness)
            series = [blocks]
            for surrogate in surrogates:
                moved = _rolled(blocks, surrogate.shifts[i])
                if surrogate.mean is not None:
                    self._take_out(surrogate.mean, moved, slowness)
                series.append(moved)
            scores.append(np.stack([_coherence(b, self.hop) for b in series]))
        return np.stack(scores)

    def _take_out(self, mean: Series, blocks: Samples, slowness: float) -> None:
        middle = (len(blocks) - 1) / 2
        share = np.float32(-self.geometry.block) * mean
        for i, block in enumerate(blocks):
            _add_shifted(block, share, round(slowness * (i - middle) * self.geometry.block))

    def _blocks(self, data: Samples, segment: range, slowness: float) -> Samples:
        """Stack the channels of each block of a segment along a slowness; shape (n_blocks, n_samples)."""
        blocks = np.zeros((self.geometry.per_segment, data.shape[1]), np.float32)
        middle = (segment[0] + segment[-1]) / 2
        for channel in segment[: self.geometry.block * self.geometry.per_segment]:
            delay = round(slowness * (channel - middle))
            _add_shifted(blocks[(channel - segment[0]) // self.geometry.block], data[channel], delay)
        return blocks

    def _aligned(self, scores: NDArray) -> NDArray:
        """Move each segment's score by the delay of a wavefront that crosses the whole line."""
        middle = (self.geometry.n_channels - 1) / 2
        moved = np.empty_like(scores)
        for i, slowness in enumerate(self.geometry.slownesses):
            for j, segment in enumerate(self.geometry.segments):
                delay = round(slowness * ((segment[0] + segment[-1]) / 2 - middle) / self.hop)
                moved[i, j] = np.roll(scores[i, j], -delay, axis=-1)
        return moved


@dataclass(frozen=True)
class _Surrogate:
    """Shifts in samples of each block of each segment, and the common mode of what is so shifted."""

    shifts: NDArray[np.int64]
    mean: Series | None


def _far_correlation(data: Samples) -> float:
    """Return the mean zero-lag correlation of channels that are at least half the line apart."""
    norm = np.linalg.norm(data, axis=1, keepdims=True)
    unit = np.divide(data, norm, out=np.zeros_like(data), where=norm > 0)
    half = len(data) // 2
    pairs = [
        np.einsum("ct,ct->c", unit[offset:], unit[: len(unit) - offset]) for offset in range(half, len(data))
    ]
    return float(np.mean(np.concatenate(pairs)))


def _rolled(blocks: Samples, shifts: NDArray) -> Samples:
    return np.stack([np.roll(block, shift) for block, shift in zip(blocks, shifts, strict=True)])


def _coherence(blocks: Samples, hop: int) -> NDArray:
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
