"""Geometry of the slant stacks along a line: blocks, segments and slownesses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfseis.detect.options import SlantStackOptions


@dataclass(frozen=True)
class LineGeometry:
    """Blocks, segments and slownesses of the slant stacks.

    Attributes
    ----------
    n_channels : int
        Channels of the line.
    block : int
        Channels of a block.
    guard : int
        Blocks on each side of a block that can share its noise and are not compared with it.
    per_segment : int
        Blocks of a segment.
    slownesses : ndarray
        Slownesses of the search, in samples per channel.
    """

    n_channels: int
    block: int
    guard: int
    per_segment: int
    slownesses: NDArray[np.floating]

    @classmethod
    def choose(
        cls,
        n_channels: int,
        blind_zone: int,
        steepest: float,
        period: float,
        reach: float,
        options: SlantStackOptions = SlantStackOptions(),
    ) -> LineGeometry:
        """Choose blocks, segments and slownesses.

        Parameters
        ----------
        n_channels : int
            Channels of the line.
        blind_zone : int
            Channels over which noise is shared.
        steepest : float
            Maximum slowness of interest, in samples per channel.
        period : float
            Dominant period in samples: over a segment, adjacent slownesses differ by half of it.
        reach : float
            Maximum delay over a segment that fits into the halo of a tile, in samples.
        options : SlantStackOptions
            Maximum number of slownesses and width of a segment.
        """
        max_span = min(n_channels, options.max_segment)
        block = int(np.clip(blind_zone // 3, 4 if max_span >= 32 else 1, max(1, max_span // 3)))
        # Wider than the zone, because the correlation of noise decreases gradually.
        guard = max(1, int(np.ceil(1.25 * blind_zone / block)))
        n_affordable = options.max_slownesses // 2
        affordable = n_affordable * period / 2 / max(steepest, 1e-9)
        span = int(np.clip(affordable, min(max_span, max(16, 4 * block * guard)), max_span))
        step = period / 2 / span
        n_sides = int(min(n_affordable, np.ceil(steepest / step), reach / (step * span)))
        slownesses = step * np.arange(-n_sides, n_sides + 1)
        n_segments = -(-n_channels // span)
        return cls(n_channels, block, guard, max(1, n_channels // n_segments // block), slownesses)

    @property
    def sharing(self) -> int:
        """Channels that can share noise: those of a block and of its guard on one side."""
        return self.block * (self.guard + 1)

    @property
    def segments(self) -> list[range]:
        """Channels of each segment; the last one reaches to the end of the line."""
        width = self.block * self.per_segment
        n_segments = max(1, self.n_channels // width)
        starts = np.linspace(0, self.n_channels - width, n_segments).round().astype(int)
        return [range(s, s + width) for s in starts]
