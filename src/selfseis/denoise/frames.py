"""Spectra of short stretches of time and line, which overlap by half and add up to the record again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

Samples = NDArray[np.float32]

BLOCK_CHANNELS, BLOCK_SAMPLES = 512, 512  # worked on at once, near the processor; whole numbers of frames


class Block(NamedTuple):
    """A part of a tile, with the context that its frames and their neighbours need.

    Attributes
    ----------
    inner, outer : tuple of slice
        Channels and samples of the part, and of the part with its context.
    within : tuple of slice
        The part within its context.
    rows : slice
        Rows of frames of the context, counted from the first channel of the tile.
    own_rows, own_columns : slice
        Frames, of those of the context, that are counted to this part and to no other.
    """

    inner: tuple[slice, slice]
    outer: tuple[slice, slice]
    within: tuple[slice, slice]
    rows: slice
    own_rows: slice
    own_columns: slice

    def own(self, cells: Tensor) -> Tensor:
        """Return the cells, of the shape of spectra, that are counted to this part."""
        return cells[self.own_columns, :, self.own_rows]


@dataclass(frozen=True)
class Frames:
    """Frames of some channels and samples, tapered by sines.

    Attributes
    ----------
    channels : int
        Even; or 1, where neighbours in the array are not neighbours on the ground.
    samples : int
        Even.
    """

    channels: int
    samples: int

    @property
    def channel_step(self) -> int:
        """Channels from one frame to the next."""
        return max(1, self.channels // 2)

    @property
    def n_frequencies(self) -> int:
        """Frequencies of a frame."""
        return self.samples // 2 + 1

    @property
    def halo(self) -> int:
        """Samples on each side that a frame and its neighbours reach over."""
        return self.samples

    def n_rows(self, n_channels: int) -> int:
        """Return the rows of frames over some channels."""
        return -(-n_channels // self.channel_step) + (self.channels > 1)

    def of(self, values: Samples) -> Tensor:
        """Return spectra, shape (n_columns, n_frequencies, n_rows, channels)."""
        across, along = self.channel_step, self.samples // 2
        beside = across if self.channels > 1 else 0
        more = beside + -values.shape[0] % across, along + -values.shape[1] % along
        padded = functional.pad(torch.from_numpy(values), (along, more[1], beside, more[0]))
        in_time = torch.fft.rfft(padded.unfold(1, self.samples, along) * _sine(self.samples))
        # Channels side by side in memory: cutting and transforming them takes a quarter of the time.
        in_time = in_time.permute(1, 2, 0).contiguous()
        if self.channels == 1:
            return in_time[..., None]
        return torch.fft.fft(in_time.unfold(2, self.channels, across) * _sine(self.channels))

    def joined(self, spectra: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Return the record of spectra, shape (n_channels, n_samples)."""
        in_time = spectra[..., 0]
        if self.channels > 1:
            in_time = _added_up(torch.fft.ifft(spectra) * _sine(self.channels))
        frames = torch.fft.irfft(in_time, n=self.samples, dim=1).permute(2, 0, 1)
        return _added_up(frames * _sine(self.samples))[: shape[0], : shape[1]]

    def spread(self, power: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Return the variance of each sample from the power in cells, shape (n_channels, n_samples)."""
        by_frequency = power.sum(dim=3)
        both_signs = 2 * by_frequency.sum(dim=1) - by_frequency[:, 0] - by_frequency[:, -1]
        along, across = _sine(self.samples).square(), _sine(self.channels).square()
        variance = both_signs / (self.channels * self.samples) / along.sum()
        if self.channels > 1:
            variance = _added_up(variance[..., None] * across / across.sum())
        return _added_up(variance.T[..., None] * along)[: shape[0], : shape[1]]

    def blocks(self, shape: tuple[int, ...]) -> Iterator[Block]:
        """Divide a tile into parts whose result does not depend on the division."""
        context = 2 * self.channel_step if self.channels > 1 else 0
        for row in range(0, shape[0], BLOCK_CHANNELS):
            for column in range(0, shape[1], BLOCK_SAMPLES):
                across = _part(row, BLOCK_CHANNELS, context, shape[0])
                along = _part(column, BLOCK_SAMPLES, self.halo, shape[1])
                first = across.outer.start // self.channel_step
                rows = slice(first, first + self.n_rows(across.outer.stop - across.outer.start))
                yield Block(
                    (across.inner, along.inner),
                    (across.outer, along.outer),
                    (across.within, along.within),
                    rows,
                    across.own(self.channel_step, shape[0], beyond=self.channels > 1),
                    along.own(self.samples // 2, shape[1], beyond=True),
                )

    def with_neighbours(self, power: Tensor) -> Tensor:
        """Average each cell over its frame and the frames around it, those nearer weighing more."""
        around = _smoothed(power, 0)
        return _smoothed(around, 2) if self.channels > 1 else around

    def of_neighbours(self, power: Tensor) -> Tensor:
        """Average each cell over the frames around its own, which is left out, and over cells beside it."""
        own = 0.25 if self.channels > 1 else 0.5
        around = self.with_neighbours(power).sub_(power, alpha=own).div_(1 - own)
        if self.channels > 1:
            around = _smoothed(around, 3, around_the_ends=True)
        return _smoothed(around, 1, beside=1 / 3)


class _Part(NamedTuple):
    inner: slice
    outer: slice

    @property
    def within(self) -> slice:
        return slice(self.inner.start - self.outer.start, self.inner.stop - self.outer.start)

    def own(self, step: int, length: int, *, beyond: bool) -> slice:
        """Return the frames whose centres lie in the inner part; the last is centred beyond the end of the tile."""
        last = -(-self.within.stop // step) + (beyond and self.inner.stop == length)
        return slice(self.within.start // step, last)


def _part(start: int, size: int, context: int, length: int) -> _Part:
    inner = slice(start, min(start + size, length))
    return _Part(inner, slice(max(start - context, 0), min(inner.stop + context, length)))


def _added_up(frames: Tensor) -> Tensor:
    """Add frames, shape (..., n_frames, length), that overlap by half, the first and the last half left out."""
    step = frames.shape[-1] // 2
    return (frames[..., 1:, :step] + frames[..., :-1, step:]).flatten(-2)


def _sine(length: int) -> Tensor:
    return torch.sin(torch.pi * (torch.arange(length) + 0.5) / length)


def _smoothed(values: Tensor, axis: int, beside: float = 0.25, *, around_the_ends: bool = False) -> Tensor:
    """Average over three neighbours along an axis; at its ends the last value, or the first again, is taken."""
    n = values.shape[axis]
    if n == 1:
        return values.clone()
    result = (1 - 2 * beside) * values
    result.narrow(axis, 1, n - 1).add_(values.narrow(axis, 0, n - 1), alpha=beside)
    result.narrow(axis, 0, n - 1).add_(values.narrow(axis, 1, n - 1), alpha=beside)
    first, last = values.narrow(axis, 0, 1), values.narrow(axis, n - 1, 1)
    result.narrow(axis, 0, 1).add_(last if around_the_ends else first, alpha=beside)
    result.narrow(axis, n - 1, 1).add_(first if around_the_ends else last, alpha=beside)
    return result
