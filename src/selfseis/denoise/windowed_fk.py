"""Windowed frequency-wavenumber spectra: frames in time and along the line, with overlap-add reconstruction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from selfseis.denoise.options import FrameOptions
from selfseis.typing import BoolArray, Float32Array

Ends = tuple[int, int]


class Block(NamedTuple):
    """A part of a tile, with the context that its frames and their neighbours need.

    Attributes
    ----------
    inner, outer : tuple of slice
        Channels and samples of the part, and of the area that its frames reconstruct.
    within : tuple of slice
        The part within the outer area.
    seen : tuple of slice
        Channels and samples that the frames cover.
    beyond : tuple of tuple of int
        Channels and samples by which the frames extend beyond the ends of the tile.
    rows : slice
        Rows of the frames, counted from the first channel of the tile.
    own_rows, own_columns : slice
        Frames that belong to this part and to no other.
    """

    inner: tuple[slice, slice]
    outer: tuple[slice, slice]
    within: tuple[slice, slice]
    seen: tuple[slice, slice]
    beyond: tuple[Ends, Ends]
    rows: slice
    own_rows: slice
    own_columns: slice

    @property
    def shape(self) -> tuple[int, ...]:
        """Channels and samples that the frames reconstruct."""
        return tuple(part.stop - part.start for part in self.outer)

    def own(self, cells: Tensor) -> Tensor:
        """Return the cells, of the shape of spectra, that belong to this part."""
        return cells[self.own_columns, :, self.own_rows]


@dataclass(frozen=True)
class Frames:
    """Frames of channels and samples with a sine taper.

    Attributes
    ----------
    channels : int
        Channels of a frame: an even number, or 1 where neighbours in the array are not neighbours on the ground.
    samples : int
        Samples of a frame: an even number.
    options : FrameOptions
        Size of the blocks that are processed at once: whole numbers of frames.
    """

    channels: int
    samples: int
    options: FrameOptions = FrameOptions()

    @property
    def channel_step(self) -> int:
        """Distance between frames in channels."""
        return max(1, self.channels // 2)

    @property
    def sample_step(self) -> int:
        """Distance between frames in samples."""
        return self.samples // 2

    @property
    def _channel_margin(self) -> int:
        """Channels by which the first and the last frame extend beyond the ends of the line."""
        return self.channel_step if self.channels > 1 else 0

    @property
    def n_frequencies(self) -> int:
        """Number of frequencies of a frame."""
        return self.samples // 2 + 1

    @property
    def halo(self) -> int:
        """Samples of context on each side that a frame and its neighbours need."""
        return self.samples

    def n_rows(self, n_channels: int) -> int:
        """Return the number of rows of frames for a number of channels."""
        return -(-n_channels // self.channel_step) + (self.channels > 1)

    def of(self, values: Float32Array, beyond: tuple[Ends, Ends] | None = None) -> Tensor:
        """Return spectra, shape (n_columns, n_frequencies, n_rows, channels).

        Parameters
        ----------
        values : ndarray, shape (n_channels, n_samples)
            The data.
        beyond : tuple of tuple of int
            Channels and samples by which the frames extend beyond the data; by default half a frame, rounded up to
            whole steps.
        """
        across, along = beyond or (
            _ends(self._channel_margin, self.channel_step, values.shape[0]),
            _ends(self.sample_step, self.sample_step, values.shape[1]),
        )
        padded = functional.pad(torch.from_numpy(values), (*along, *across))
        in_time = torch.fft.rfft(padded.unfold(1, self.samples, self.sample_step) * _sine(self.samples))
        # With channels contiguous in memory, this and the transform take a quarter of the time.
        in_time = in_time.permute(1, 2, 0).contiguous()
        if self.channels == 1:
            return in_time[..., None]
        return torch.fft.fft(in_time.unfold(2, self.channels, self.channel_step) * _sine(self.channels))

    def joined(self, spectra: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Return the data reconstructed from spectra, shape (n_channels, n_samples)."""
        in_time = spectra[..., 0]
        if self.channels > 1:
            in_time = _overlap_added(torch.fft.ifft(spectra) * _sine(self.channels))
        frames = torch.fft.irfft(in_time, n=self.samples, dim=1).permute(2, 0, 1)
        return _overlap_added(frames * _sine(self.samples))[: shape[0], : shape[1]]

    def spread(self, power: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Return the variance of each sample from the power of the cells, shape (n_channels, n_samples)."""
        by_frequency = power.sum(dim=3)
        both_signs = 2 * by_frequency.sum(dim=1) - by_frequency[:, 0] - by_frequency[:, -1]
        along, across = _sine(self.samples).square(), _sine(self.channels).square()
        variance = both_signs / (self.channels * self.samples) / along.sum()
        if self.channels > 1:
            variance = _overlap_added(variance[..., None] * across / across.sum())
        return _overlap_added(variance.T[..., None] * along)[: shape[0], : shape[1]]

    def blocks(self, shape: tuple[int, ...]) -> Iterator[Block]:
        """Yield the blocks of a tile; the result does not depend on the size of the blocks."""
        n_channels, n_samples = self.options.block_channels, self.options.block_samples
        for row in range(0, shape[0], n_channels):
            for column in range(0, shape[1], n_samples):
                across = _part(row, n_channels, self._channel_margin, self.channel_step, shape[0])
                along = _part(column, n_samples, self.sample_step, self.sample_step, shape[1])
                first = across.outer.start // self.channel_step
                yield Block(
                    (across.inner, along.inner),
                    (across.outer, along.outer),
                    (across.within, along.within),
                    (across.seen, along.seen),
                    (across.beyond, along.beyond),
                    slice(first, first + self.n_rows(across.outer.stop - across.outer.start)),
                    across.own(self.channel_step, shape[0], beyond=self.channels > 1),
                    along.own(self.sample_step, shape[1], beyond=True),
                )

    def within(self, times: BoolArray, block: Block) -> Tensor:
        """Return the mask of the columns of a block's frames that lie within given times, shape (n_columns,).

        Parameters
        ----------
        times : ndarray of bool, shape (n_samples,)
            Mask of samples of the tile.
        block : Block
            A part of the tile.
        """
        seen = functional.pad(torch.from_numpy(times[block.seen[1]]), block.beyond[1], value=True)
        return seen.unfold(0, self.samples, self.sample_step).all(dim=1)

    def with_neighbours(self, power: Tensor) -> Tensor:
        """Average each cell over its frame and the surrounding frames, with larger weights for nearer ones."""
        around = _smoothed(power, 0)
        return _smoothed(around, 2) if self.channels > 1 else around

    def of_neighbours(self, power: Tensor) -> Tensor:
        """Average each cell over the surrounding frames, without its own, and over adjacent cells."""
        own = 0.25 if self.channels > 1 else 0.5
        around = self.with_neighbours(power).sub_(power, alpha=own).div_(1 - own)
        if self.channels > 1:
            around = _smoothed(around, 3, periodic=True)
        return _smoothed(around, 1, side_weight=1 / 3)


class _Part(NamedTuple):
    inner: slice
    outer: slice
    seen: slice
    beyond: Ends

    @property
    def within(self) -> slice:
        return slice(self.inner.start - self.outer.start, self.inner.stop - self.outer.start)

    def own(self, step: int, length: int, *, beyond: bool) -> slice:
        """Return the frames with centres in the inner part; at the end of the tile one more frame belongs to it."""
        last = -(-self.within.stop // step) + (beyond and self.inner.stop == length)
        return slice(self.within.start // step, last)


def _part(start: int, size: int, margin: int, step: int, length: int) -> _Part:
    """Return a part with the extent of its frames and of the adjacent frames."""
    inner = slice(start, min(start + size, length))
    outer = slice(max(start - margin, 0), min(inner.stop + margin, length))
    before, after = _ends(margin, step, outer.stop - outer.start)
    first, last = outer.start - before, outer.stop + after
    seen = slice(max(first, 0), min(last, length))
    return _Part(inner, outer, seen, (seen.start - first, last - seen.stop))


def _ends(margin: int, step: int, length: int) -> Ends:
    """Return the extension of frames before and after a length, for coverage in whole steps."""
    return margin, margin + -length % step


def _overlap_added(frames: Tensor) -> Tensor:
    """Overlap-add frames, shape (..., n_frames, length), without the first and the last half."""
    step = frames.shape[-1] // 2
    return (frames[..., 1:, :step] + frames[..., :-1, step:]).flatten(-2)


def _sine(length: int) -> Tensor:
    return torch.sin(torch.pi * (torch.arange(length) + 0.5) / length)


def _smoothed(values: Tensor, axis: int, side_weight: float = 0.25, *, periodic: bool = False) -> Tensor:
    """Average over three neighbours along an axis, which ends in a repeated value or is periodic."""
    n = values.shape[axis]
    if n == 1:
        return values.clone()
    result = (1 - 2 * side_weight) * values
    result.narrow(axis, 1, n - 1).add_(values.narrow(axis, 0, n - 1), alpha=side_weight)
    result.narrow(axis, 0, n - 1).add_(values.narrow(axis, 1, n - 1), alpha=side_weight)
    first, last = values.narrow(axis, 0, 1), values.narrow(axis, n - 1, 1)
    result.narrow(axis, 0, 1).add_(last if periodic else first, alpha=side_weight)
    result.narrow(axis, n - 1, 1).add_(first if periodic else last, alpha=side_weight)
    return result
