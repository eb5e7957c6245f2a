"""One-sided slant stacks on each side of a blind zone, as predictions of plane waves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import NamedTuple

from torch import Tensor
from torch.nn import functional

GROUP = 4  # neighbouring channels that share the weights of their stacks
FRAME = 8  # samples between the times at which weights are computed
BEHIND, AHEAD = 0, 1


class SlantStack(NamedTuple):
    """Sums over an aperture that starts at each channel, along one slowness.

    Attributes
    ----------
    sums : Tensor, shape (n_starts, n_samples)
        Sums by first channel of the aperture, steered to that channel.
    first : int
        Sample of the input at which the sums start.
    slowness : float
        Samples per channel.
    aperture : int
        Number of channels in a sum.
    """

    sums: Tensor
    first: int
    slowness: float
    aperture: int


@dataclass(frozen=True)
class SlantStacks:
    """One-sided slant stacks for every channel of a line from common sums.

    Sums over 2, 4, 8 ... channels are built by doubling, as in the fast slant stack. An aperture ahead of one channel
    is the aperture behind another, so both sides share the sums.

    Attributes
    ----------
    blind_zone : int
        Half-width in channels of the zone that the stacks leave out.
    slownesses : tuple of float
        Samples per channel.
    apertures : tuple of int
        Numbers of channels of a stack, powers of two in increasing order.
    """

    blind_zone: int
    slownesses: tuple[float, ...]
    apertures: tuple[int, ...] = (8, 32)

    @property
    def n_stacks(self) -> int:
        """Number of stacks of one side."""
        return len(self.apertures) * len(self.slownesses)

    @property
    def channel_context(self) -> int:
        """Channels of context on each side."""
        return self.apertures[-1] + self.blind_zone + GROUP

    @cached_property
    def sample_context(self) -> int:
        """Samples of context before and after, a whole number of frames."""
        return max(self._samples_along(slowness) for slowness in self.slownesses)

    def _samples_along(self, slowness: float) -> int:
        return FRAME * math.ceil((math.ceil(abs(slowness) * self.channel_context) + FRAME) / FRAME)

    def __call__(self, data: Tensor) -> list[SlantStack]:
        """Stack a padded tile along every slowness.

        Parameters
        ----------
        data : Tensor, shape (n_channels + 2 * channel_context, n_samples + 2 * sample_context)
            Conditioned data, zero where there are none.

        Returns
        -------
        list of SlantStack
            Stacks by aperture, then slowness.
        """
        stacks = self._along(data, 0, 1, self.slownesses, self.sample_context)
        return sorted(stacks, key=lambda stack: stack.aperture)

    def _along(
        self, sums: Tensor, first: int, width: int, slownesses: Iterable[float], context: int
    ) -> Iterator[SlantStack]:
        """Double the width of sums; neighbouring slownesses share them as long as their shifts are equal."""
        for shift, group in groupby(slownesses, lambda slowness: round(slowness * width)):
            alike = tuple(group)
            needed = max(
                map(self._samples_along, alike)
            )  # only the largest slownesses need all of the context
            begin, end = context - needed, sums.shape[1] - (context - needed)
            early, late = max(shift, 0), max(-shift, 0)
            doubled = sums[:-width, begin + late : end - early] + sums[width:, begin + early : end - late]
            starts = first + begin + late
            if 2 * width in self.apertures:
                yield from (SlantStack(doubled, starts, slowness, 2 * width) for slowness in alike)
            if 2 * width < self.apertures[-1]:
                yield from self._along(doubled, starts, 2 * width, alike, needed)

    def seen_from(
        self, stack: SlantStack, side: int, n_channels: int, n_samples: int, *, group: bool = False
    ) -> Tensor:
        """Return a stack steered to each channel, or to each group from outside the blind zones of all its channels.

        For groups the stack starts half a frame early and ends half a frame late.

        Parameters
        ----------
        stack : SlantStack
            A stack of the padded tile.
        side : {BEHIND, AHEAD}
            Apertures that end before the zone, or apertures that start after it.
        n_channels, n_samples : int
            Size of the tile without padding; `n_channels` is a multiple of `GROUP`.
        group : bool
            Whether to return one stack per group of `GROUP` channels.

        Returns
        -------
        Tensor, shape (n_channels, n_samples) or (n_channels / GROUP, n_samples + FRAME)
        """
        farther, early, step = (GROUP - 1, FRAME // 2, GROUP) if group else (0, 0, 1)
        start = self.blind_zone + 1 + farther if side == AHEAD else -(self.blind_zone + stack.aperture)
        row = self.channel_context + start
        column = self.sample_context + round(stack.slowness * start) - stack.first - early
        return stack.sums[row : row + n_channels : step, column : column + n_samples + 2 * early]

    def shares(self, live: Tensor, aperture: int, side: int, n_channels: int) -> Tensor:
        """Return the inverse number of live channels in each aperture, shape (n_channels,)."""
        total = functional.pad(live.cumsum(0), (1, 0))
        start = self.blind_zone + 1 if side == AHEAD else -(self.blind_zone + aperture)
        row = self.channel_context + start
        counts = total[row + aperture : row + aperture + n_channels] - total[row : row + n_channels]
        return 1 / counts.clamp(min=1)
