"""A small network that predicts every channel of a line in one pass from slant stacks outside its blind zone.

Moveout is the physics: the candidates are steered means on each side of the zone, and only their weights, in time,
are learnt. The weights of a few neighbouring channels come from what lies outside the zones of all of them, so the
blind zone holds exactly, as between the branches of Laine et al. (2019) in images.

References
----------
Laine, S., Karras, T., Lehtinen, J., Aila, T. (2019). High-quality self-supervised deep image denoising.
arXiv:1901.10277
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from selfseis.nets.slant_stacks import AHEAD, BEHIND, FRAME, GROUP, SlantStack, SlantStacks

TILE_CHANNELS, TILE_SAMPLES = 192, 1024  # what stays in a processor's cache


class BlindSlantNet(nn.Module):
    """Predict each channel from the channels outside its blind zone.

    The prediction is a weighted mean of slant stacks and of a reference prediction (the ridge filter's), passed
    through a short filter. It starts as half of each.

    Parameters
    ----------
    blind_zone : int
        Half-width in channels of the zone that is not seen.
    slownesses : sequence of float
        Slownesses of the stacks, samples a channel.
    apertures : sequence of int
        Channels of the stacks, powers of two.
    hidden : int
        Width of the weighting network.
    taps : int
        Length of the filter in samples; odd.
    """

    def __init__(
        self,
        blind_zone: int,
        slownesses: Sequence[float],
        apertures: Sequence[int] = (8, 32),
        hidden: int = 24,
        taps: int = 33,
    ) -> None:
        super().__init__()
        self.stacks = SlantStacks(blind_zone, tuple(slownesses), tuple(apertures))
        n_stacks, n_sizes = self.stacks.n_stacks, len(self.stacks.apertures)
        self.enter = nn.Conv1d(3 * n_stacks + n_sizes, hidden, 5, padding=2)
        self.middle = nn.Conv1d(hidden, hidden, 5, padding=2)
        self.wide = nn.Conv1d(hidden, hidden, 5, padding=4, dilation=2)
        self.leave = nn.Conv1d(hidden, 2 * n_stacks + 2, 1)
        self.trust = nn.Parameter(torch.ones(n_sizes, 1))
        self.filter = nn.Parameter(0.02 * torch.randn(taps))
        nn.init.zeros_(self.leave.weight)
        with torch.no_grad():
            self.filter[taps // 2] += 1
            bias = self.leave.get_parameter("bias")
            bias.zero_()
            bias[-2:] = 0.5

    @property
    def halo(self) -> int:
        """Samples of context on each side that the output depends on."""
        return self.stacks.samples_beside + self._weighting_halo

    @property
    def _weighting_halo(self) -> int:
        frames = 2 + 2 + 4 + 2  # of the convolutions, the averaging and the interpolation
        return FRAME * (frames + -(-(len(self.filter) // 2) // FRAME))

    def forward(self, data: Tensor, live: Tensor, reference: Tensor) -> Tensor:
        """Predict a tile; it is worked on in parts that fit into a processor's cache.

        Parameters
        ----------
        data : Tensor, shape (n_channels, n_samples)
            Conditioned data; zero where there is none.
        live : Tensor of bool, shape (n_channels,)
            Channels that record at all.
        reference : Tensor, shape (n_channels, n_samples)
            A prediction of the same data with the same blind zone or a wider one.

        Returns
        -------
        Tensor, shape (n_channels, n_samples)
        """
        n_channels, n_samples = data.shape
        channels, samples = self.stacks.channels_beside, self.stacks.samples_beside
        around, more_rows, more = self._weighting_halo, -n_channels % GROUP, -n_samples % FRAME
        before = samples + around
        padded = functional.pad(data, (before, before + more, channels, channels + more_rows))
        alive = functional.pad(live.to(data.dtype), (channels, channels + more_rows))
        reference = functional.pad(reference, (around, around + more, 0, more_rows))
        rows = []
        for row in range(0, n_channels, TILE_CHANNELS):
            high = min(row + TILE_CHANNELS, n_channels + more_rows)
            parts = []
            for column in range(0, n_samples, TILE_SAMPLES):
                last = min(column + TILE_SAMPLES, n_samples + more)
                part = self.within(
                    padded[row : high + 2 * channels, column : last + 2 * before],
                    alive[row : high + 2 * channels],
                    reference[row:high, column : last + 2 * around],
                )
                parts.append(part[:, around:-around])
            rows.append(torch.cat(parts, dim=1))
        return torch.cat(rows)[:n_channels, :n_samples]

    def within(self, padded: Tensor, alive: Tensor, reference: Tensor) -> Tensor:
        """Predict the inner part of a tile that brings its context along.

        Parameters
        ----------
        padded : Tensor, shape (n_channels + 2 * channels_beside, n_samples + 2 * samples_beside)
            Conditioned data, the numbers of channels and samples whole multiples of `GROUP` and `FRAME`.
        alive : Tensor, shape (n_channels + 2 * channels_beside,)
            One for channels that record at all, else zero.
        reference : Tensor, shape (n_channels, n_samples)

        Returns
        -------
        Tensor, shape (n_channels, n_samples)
        """
        size = reference.shape[0], reference.shape[1]
        with torch.no_grad():
            stacks = self.stacks(padded)
            seen, agreement = self._features(stacks, alive, size)
        hidden = functional.silu(self.enter(seen))
        hidden = hidden + functional.silu(self.middle(hidden))
        hidden = hidden + functional.silu(self.wide(hidden))
        logits, stacked, referred = self.leave(hidden).split([2 * self.stacks.n_stacks, 1, 1], dim=1)
        trusted = (self.trust[None, :, :, None] * agreement).flatten(1, 2)
        weights = torch.softmax(logits + torch.cat([trusted, trusted], 1), 1) * stacked
        mixed = self._mixed(stacks, alive, _unframed(weights), size)
        mixed = functional.conv1d(mixed[:, None], self.filter[None, None], padding=len(self.filter) // 2)[
            :, 0
        ]
        return mixed + (_unframed(referred) * reference.unflatten(0, (-1, GROUP))).flatten(0, 1)

    def _features(
        self, stacks: list[SlantStack], alive: Tensor, size: tuple[int, int]
    ) -> tuple[Tensor, Tensor]:
        """Say how loud the stacks of both sides are and how they agree, by group of channels and frame."""
        sizes, n_groups = len(self.stacks.apertures), size[0] // GROUP
        energies = []
        for stack in stacks:
            ends = [
                self.stacks.seen_from(stack, side, *size, group=True)
                * self._group_share(alive, stack.aperture, side, size[0])[:, None]
                for side in (BEHIND, AHEAD)
            ]
            energies.append(_frames(torch.stack([ends[0] * ends[1], ends[0].square(), ends[1].square()])))
        energy = torch.stack(energies).view(sizes, -1, 3, n_groups, energies[0].shape[-1])
        level = energy[:, :, 1:].mean(dim=(1, 2)) + 1e-6
        relative = energy / level[:, None, None]
        agreement = relative[:, :, 0].sign() * torch.log1p(2 * relative[:, :, 0].abs())
        loudness = torch.log1p(relative[:, :, 1:])
        agreement, loudness = agreement.permute(2, 0, 1, 3), loudness.permute(3, 0, 1, 2, 4)
        level = torch.log(level + 1e-3).permute(1, 0, 2)
        return torch.cat([agreement.flatten(1, 2), loudness.flatten(1, 3), level], dim=1), agreement

    def _group_share(self, alive: Tensor, aperture: int, side: int, n_channels: int) -> Tensor:
        farther = GROUP - 1 if side == AHEAD else 0
        shares = self.stacks.shares(functional.pad(alive, (0, farther))[farther:], aperture, side, n_channels)
        return shares[::GROUP]

    def _mixed(
        self, stacks: list[SlantStack], alive: Tensor, weights: Tensor, size: tuple[int, int]
    ) -> Tensor:
        """Add up the stacks of both sides; weights are of the shape (n_groups, 2 * n_stacks, n_samples)."""
        each = iter(weights.unbind(1))
        total: Tensor | None = None
        for side in (BEHIND, AHEAD):
            for aperture in self.stacks.apertures:
                share = self.stacks.shares(alive, aperture, side, size[0])
                part: Tensor | None = None
                for stack in (s for s in stacks if s.aperture == aperture):
                    steered = self.stacks.seen_from(stack, side, *size).unflatten(0, (-1, GROUP))
                    part = _plus(part, steered, next(each)[:, None])
                assert part is not None
                part = part * share.view(-1, GROUP, 1)
                total = part if total is None else total + part
        assert total is not None
        return total.flatten(0, 1)


def _plus(total: Tensor | None, values: Tensor, weights: Tensor) -> Tensor:
    if total is None:
        return values * weights
    return (
        torch.addcmul(total, values, weights) if torch.is_grad_enabled() else total.addcmul_(values, weights)
    )


def _frames(values: Tensor) -> Tensor:
    """Average over overlapping frames of two steps, one value a step."""
    flat = values.reshape(-1, 1, values.shape[-1])
    return functional.avg_pool1d(flat, 2 * FRAME, FRAME, padding=FRAME // 2).view(*values.shape[:-1], -1)


def _unframed(values: Tensor) -> Tensor:
    """Interpolate between frames back to samples."""
    return functional.interpolate(values, scale_factor=float(FRAME), mode="linear", align_corners=False)
