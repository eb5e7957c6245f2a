"""A small network for channels on a line that never sees a channel's blind zone, for all channels in one pass.

Two one-sided banks of linear predictors look along the line, one to each side, with shared (mirrored) weights, as
the branches of Laine et al. (2019) do in images. What they predict for a channel is then weighted, in time, by a
network that sees these predictions for this channel alone. Nothing else mixes channels, so the blind zone holds
exactly.

References
----------
Laine, S., Karras, T., Lehtinen, J., Aila, T. (2019). High-quality self-supervised deep image denoising.
arXiv:1901.10277
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

FRAME = 8  # samples between the times at which the weights are computed


class BlindLineNet(nn.Module):
    """Predict each channel from the channels outside its blind zone.

    The output starts as the reference prediction that is handed in (the ridge filter's) and learns to weight it
    in time and to add to it.

    Parameters
    ----------
    blind_zone : int
        Half-width in channels of the zone that is not seen.
    reach : int
        Channels seen beyond the zone, on each side.
    taps : int
        Samples of context of the linear predictors; odd.
    features : int
        Linear predictors for each side.
    hidden : int
        Width of the weighting network.
    """

    def __init__(
        self, blind_zone: int, reach: int = 10, taps: int = 15, features: int = 8, hidden: int = 32
    ) -> None:
        super().__init__()
        self.blind_zone, self.reach, self.taps = blind_zone, reach, taps
        self.predictors = nn.Conv1d(reach, features, taps, padding=taps // 2, bias=False)
        n_candidates = 2 * features + 1
        n_seen = 2 * n_candidates + features + 1
        self.enter = nn.Conv1d(n_seen, hidden, 5, padding=2)
        self.middle = nn.Conv1d(hidden, hidden, 5, padding=4, dilation=2)
        self.leave = nn.Conv1d(hidden, n_candidates, 1)
        nn.init.normal_(self.predictors.weight, std=(reach * taps) ** -0.5)
        nn.init.zeros_(self.leave.weight)
        nn.init.constant_(self.leave.get_parameter("bias"), 0.0)

    @property
    def halo(self) -> int:
        """Samples of context on each side that the output depends on."""
        return self.taps // 2 + FRAME * (2 + 4 + 2)

    def forward(self, data: Tensor, reference: Tensor) -> Tensor:
        """Predict a tile.

        Parameters
        ----------
        data : Tensor, shape (n_channels, n_samples)
            Conditioned data; zero where there is none.
        reference : Tensor, shape (n_channels, n_samples)
            A prediction of the same data with the same blind zone or a wider one.

        Returns
        -------
        Tensor, shape (n_channels, n_samples)
        """
        candidates = torch.cat(
            [reference[:, None], self._look_ahead(data), self._look_ahead(data.flip(0)).flip(0)], 1
        )
        weights = self._weights(candidates)
        # The reference starts with weight one, everything else with zero.
        return reference + (weights * candidates).sum(dim=1)

    def _look_ahead(self, data: Tensor) -> Tensor:
        """Predict each channel from those beyond its zone on one side, shape (n_channels, features, n_samples)."""
        beyond = functional.pad(data, (0, 0, 0, self.blind_zone + self.reach))[self.blind_zone + 1 :]
        return self.predictors(beyond.unfold(0, self.reach, 1).transpose(1, 2))

    def _weights(self, candidates: Tensor) -> Tensor:
        n_samples = candidates.shape[-1]
        n_sides = (candidates.shape[1] - 1) // 2
        ahead, behind = candidates[:, 1 : n_sides + 1], candidates[:, n_sides + 1 :]
        agreement = torch.cat([ahead * behind, candidates[:, :1] * (ahead + behind).mean(1, True)], dim=1)
        energy = _frames(candidates**2)
        level = energy.mean(dim=1, keepdim=True) + 1e-6
        seen = torch.cat(
            [torch.log(energy + 1e-4), torch.tanh(_frames(agreement) / level), energy / level], dim=1
        )
        hidden = functional.silu(self.enter(seen))
        hidden = hidden + functional.silu(self.middle(hidden))
        return _unframed(self.leave(hidden), n_samples)


def _frames(values: Tensor) -> Tensor:
    """Average over overlapping frames of two steps, one value a step."""
    padding = -values.shape[-1] % FRAME
    padded = functional.pad(values, (FRAME // 2, FRAME // 2 + padding))
    return functional.avg_pool1d(padded, 2 * FRAME, FRAME)


def _unframed(values: Tensor, n_samples: int) -> Tensor:
    """Interpolate between frames back to samples."""
    length = values.shape[-1] * FRAME
    return functional.interpolate(values, size=length, mode="linear", align_corners=False)[..., :n_samples]
