"""Small network that predicts every channel of a line in one pass from slant stacks outside its blind zone.

Moveout is the physical constraint: the candidates are slant stacks on each side of the zone. Only their weights, as
functions of time, are trained. The weights of a few neighbouring channels depend only on data outside the blind zones
of all of them. The blind zone therefore holds exactly, as with the branches of Laine et al. (2019) for images.

References
----------
Laine, S., Karras, T., Lehtinen, J., Aila, T. (2019). High-quality self-supervised deep image denoising.
arXiv:1901.10277
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby

import torch
from torch import Tensor, nn
from torch.nn import functional

from selfseis.networks.options import BlindSlantNetOptions
from selfseis.networks.slant_stacks import AHEAD, BEHIND, FRAME, GROUP, SlantStack, SlantStacks

FRAMES, BLOCK = (
    4,
    64,
)  # frames interpolated at once, and samples filtered at once; the result does not depend on them


class BlindSlantNet(nn.Module):
    """Predict each channel from the channels outside its blind zone.

    The prediction is the sum of a filtered weighted mean of slant stacks and of a weighted reference prediction, that
    of the ridge filter. Initially the weights are one half each.

    Parameters
    ----------
    blind_zone : int
        Half-width in channels of the zone that the prediction does not use.
    slownesses : sequence of float
        Slownesses of the stacks, samples per channel.
    options : BlindSlantNetOptions
        Settings.
    """

    def __init__(
        self,
        blind_zone: int,
        slownesses: Sequence[float],
        options: BlindSlantNetOptions = BlindSlantNetOptions(),
    ) -> None:
        super().__init__()
        self.options = options
        hidden, taps = options.n_hidden, options.n_taps
        self.stacks = SlantStacks(blind_zone, tuple(slownesses), options.apertures)
        n_stacks, n_sizes = self.stacks.n_stacks, len(self.stacks.apertures)
        # Groups and frames form an image, so that one convolution processes all of them.
        self.enter = nn.Conv2d(3 * n_stacks + n_sizes, hidden, (1, 5), padding=(0, 2))
        self.middle = nn.Conv2d(hidden, hidden, (1, 5), padding=(0, 2))
        self.wide = nn.Conv2d(hidden, hidden, (1, 5), padding=(0, 4), dilation=(1, 2))
        self.leave = nn.Linear(hidden, 2 * n_stacks + 2)
        self.coherence_weight = nn.Parameter(torch.ones(n_sizes, 1))
        self.filter = nn.Parameter(0.02 * torch.randn(taps))
        self.between: Tensor
        self.register_buffer("between", _interpolation(), persistent=False)
        nn.init.zeros_(self.leave.weight)
        with torch.no_grad():
            self.filter[taps // 2] += 1
            self.leave.bias.zero_()
            self.leave.bias[-2:] = -1 / math.sqrt(3)  # weights of one half

    @property
    def halo(self) -> int:
        """Samples of context on each side that the output depends on."""
        return self.stacks.sample_context + self._weighting_halo

    @property
    def _weighting_halo(self) -> int:
        frames = 2 + 2 + 4 + 2  # of the convolutions, the averaging and the interpolation
        return FRAME * (frames + -(-(len(self.filter) // 2) // FRAME))

    def forward(self, data: Tensor, live: Tensor, reference: Tensor) -> Tensor:
        """Predict a tile in parts.

        Parameters
        ----------
        data : Tensor, shape (n_channels, n_samples)
            Conditioned data; zero where there are none.
        live : Tensor of bool, shape (n_channels,)
            Channels with data.
        reference : Tensor, shape (n_channels, n_samples)
            A prediction of the same data with the same blind zone or a wider one.

        Returns
        -------
        Tensor, shape (n_channels, n_samples)
        """
        n_channels, n_samples = data.shape
        channels, around = self.stacks.channel_context, self._weighting_halo
        before, alive = self.stacks.sample_context + around, live.to(data.dtype)[:, None]
        result = torch.empty_like(data)
        rows = _even_step(n_channels, self.options.tile_channels, GROUP)
        columns = _even_step(n_samples, self.options.tile_samples, FRAME)
        for row in range(0, n_channels, rows):
            for column in range(0, n_samples, columns):
                high, last = row + rows, column + columns
                part = self.within(
                    _cut(data, (row - channels, high + channels), (column - before, last + before)),
                    _cut(alive, (row - channels, high + channels), (0, 1))[:, 0],
                    _cut(reference, (row, high), (column - around, last + around)),
                )[:, around:-around]
                result[row:high, column:last] = part[: n_channels - row, : n_samples - column]
        return result

    def within(self, padded: Tensor, alive: Tensor, reference: Tensor) -> Tensor:
        """Predict the inner part of a tile with context.

        Parameters
        ----------
        padded : Tensor, shape (n_channels + 2 * channel_context, n_samples + 2 * sample_context)
            Conditioned data. The numbers of channels and samples are multiples of `GROUP` and `FRAME`.
        alive : Tensor, shape (n_channels + 2 * channel_context,)
            One for channels with data, else zero.
        reference : Tensor, shape (n_channels, n_samples)
            As for `forward`.

        Returns
        -------
        Tensor, shape (n_channels, n_samples)
        """
        size = reference.shape[0], reference.shape[1]
        with torch.no_grad():
            stacks = self.stacks(padded)
            features, agreement = self._features(stacks, alive, size)
        hidden = functional.silu(self.enter(features))
        hidden = hidden + functional.silu(self.middle(hidden))
        hidden = hidden + functional.silu(self.wide(hidden))
        cells = hidden[0].flatten(1)
        outputs = torch.addmm(self.leave.bias[:, None], self.leave.weight, cells).view(-1, *hidden.shape[2:])
        logits, shares = outputs.split([2 * self.stacks.n_stacks, 2])
        stack_factor, reference_factor = (self.options.max_factor * _bounded(shares)).split(1)
        coherence = (self.coherence_weight[..., None, None] * agreement).flatten(0, 1)
        weights = torch.softmax((logits.unflatten(0, (2, -1)) + coherence).flatten(0, 1), 0) * stack_factor
        mixed = self._filtered(self._mixed(stacks, alive, weights, size))
        factor = self._unframed(_with_adjacent_frames(reference_factor[0]), size[1])[:, None]
        return torch.addcmul(_in_groups(mixed), factor, _in_groups(reference)).flatten(0, 1)

    def _features(
        self, stacks: list[SlantStack], alive: Tensor, size: tuple[int, int]
    ) -> tuple[Tensor, Tensor]:
        """Return the power of the stacks of both sides and their agreement, by group of channels and frame."""
        sizes = len(self.stacks.apertures)
        products = torch.stack([p for stack in stacks for p in self._products(stack, size)])
        products = products.unflatten(0, (sizes, -1, 3))
        shares = [self._group_shares(alive, aperture, size[0]) for aperture in self.stacks.apertures]
        share = torch.stack(shares)[:, None, ..., None]
        power, agreement = products[:, :, :2] * share.square(), products[:, :, 2] * share.prod(2)
        level = power.flatten(1, 2).mean(1, keepdim=True) + 1e-6
        agreement = agreement / level
        agreement = agreement.sign() * torch.log1p(2 * agreement.abs())
        power = torch.log1p(power / level[:, None])
        features = [agreement.flatten(0, 1), power.flatten(0, 2), torch.log(level + 1e-3).flatten(0, 1)]
        return _channels_last(torch.cat(features)), agreement

    def _products(self, stack: SlantStack, size: tuple[int, int]) -> Iterator[Tensor]:
        """Yield the power behind, the power ahead and the cross-product, each of shape (n_groups, n_frames)."""
        behind, ahead = (self.stacks.seen_from(stack, side, *size, group=True) for side in (BEHIND, AHEAD))
        for one, other in ((behind, behind), (ahead, ahead), (behind, ahead)):
            yield _framed(one * other)

    def _group_shares(self, alive: Tensor, aperture: int, n_channels: int) -> Tensor:
        """Return the inverse number of live channels behind and ahead of each group, shape (2, n_groups)."""
        behind = self.stacks.shares(alive, aperture, BEHIND, n_channels)
        beyond = functional.pad(alive, (0, GROUP - 1))[GROUP - 1 :]
        ahead = self.stacks.shares(beyond, aperture, AHEAD, n_channels)
        return torch.stack([behind, ahead])[:, ::GROUP]

    def _mixed(
        self, stacks: list[SlantStack], alive: Tensor, weights: Tensor, size: tuple[int, int]
    ) -> Tensor:
        """Return the weighted sum of the stacks of both sides; weights: shape (2 * n_stacks, n_groups, n_frames)."""
        total = _in_groups(alive.new_zeros(size))
        frames = _with_adjacent_frames(weights).unflatten(0, (2, -1)).unbind(1)
        for aperture, same in groupby(zip(stacks, frames, strict=True), lambda pair: pair[0].aperture):
            parts = [torch.zeros_like(total) for _ in (BEHIND, AHEAD)]
            for stack, both_sides in same:
                # Both sides in turn, while the stack is in the cache.
                for side, part in enumerate(parts):
                    steered = self.stacks.seen_from(stack, side, *size)
                    weight = self._unframed(both_sides[side], size[1])
                    part.addcmul_(_in_groups(steered), weight[:, None])
            for side, part in enumerate(parts):
                share = self.stacks.shares(alive, aperture, side, size[0])
                total.addcmul_(part, _in_groups(share[:, None]))
        return total.flatten(0, 1)

    def _unframed(self, frames: Tensor, n_samples: int) -> Tensor:
        """Interpolate from frames to samples."""
        return (frames @ self.between).flatten(-2)[..., :n_samples]

    def _filtered(self, values: Tensor) -> Tensor:
        n_samples, reach = values.shape[-1], len(self.filter) // 2
        beyond = BLOCK - 1
        responses = functional.pad(self.filter, (beyond, beyond)).unfold(0, BLOCK, 1).flip(1)
        padded = functional.pad(values, (reach, reach + -n_samples % BLOCK))
        return (_parts(padded, len(responses), BLOCK) @ responses).flatten(-2)[..., :n_samples]


def _bounded(values: Tensor) -> Tensor:
    """Map to (0, 1) with a slope that decays slowly, so that training can recover from saturation."""
    return 0.5 + 0.5 * values * torch.rsqrt(1 + values.square())


def _parts(values: Tensor, length: int, step: int) -> Tensor:
    """Cut the last axis into overlapping parts; a matrix product with them is ten times as fast as a convolution."""
    return values.unfold(-1, length, step).contiguous()


def _interpolation() -> Tensor:
    """Return the matrix that interpolates `FRAMES` frames and the adjacent ones to samples."""
    impulses = torch.eye(FRAMES + 2)[:, None]
    return functional.interpolate(impulses, scale_factor=float(FRAME), mode="linear")[:, 0, FRAME:-FRAME]


def _framed(values: Tensor) -> Tensor:
    """Average over overlapping frames of two steps, one value per step."""
    averaging = values.new_full((FRAME,), 1 / (2 * FRAME))
    halves = (values.view(-1, FRAME) @ averaging).view(*values.shape[:-1], -1)
    return halves[..., :-1] + halves[..., 1:]


def _with_adjacent_frames(values: Tensor) -> Tensor:
    """Return each `FRAMES` frames with the two adjacent ones, shape (..., n_parts, FRAMES + 2)."""
    padded = functional.pad(values, (1, 1 + -values.shape[-1] % FRAMES), mode="replicate")
    return _parts(padded, FRAMES + 2, FRAMES)


def _channels_last(values: Tensor) -> Tensor:
    """Return a batch of one image with contiguous channels."""
    return values.flatten(1).T.contiguous().view(1, *values.shape[1:], -1).movedim(-1, 1)


def _in_groups(values: Tensor) -> Tensor:
    return values.unflatten(0, (-1, GROUP))


def _even_step(length: int, size: int, unit: int) -> int:
    """Return the step, a multiple of the unit, that cuts a length into equal parts of about a given size."""
    parts = max(1, round(length / size))
    return unit * math.ceil(length / parts / unit)


def _cut(values: Tensor, rows: tuple[int, int], columns: tuple[int, int]) -> Tensor:
    """Cut out a part, with zeros beyond the ends."""
    (top, bottom), (left, right) = rows, columns
    n_rows, n_columns = values.shape
    inside = values[max(top, 0) : bottom, max(left, 0) : right]
    beyond = (max(-left, 0), max(right - n_columns, 0), max(-top, 0), max(bottom - n_rows, 0))
    return functional.pad(inside, beyond)
