"""The network of a picker with everything that inference does to a window, as one module for other programs.

Inference averages the probabilities of a window at several sampling rates (`InferenceOptions.reductions`). Here the
same is written in PyTorch alone, so that an exported picker gives the same probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from selfseis.networks.picking_unet import ALIGNMENT

HALF_LENGTH, KAISER_BETA = 10, 5.0  # of the anti-alias filter of scipy.signal.resample_poly


class ExportedNetwork(nn.Module):
    """Mean probabilities of P and S at several reductions of the sampling rate.

    Parameters
    ----------
    net : nn.Module
        Maps windows to logits.
    n_samples : int
        Length of a window.
    reductions : sequence of int
        Factors by which the rate of a window is reduced.
    """

    def __init__(self, net: nn.Module, n_samples: int, reductions: Sequence[int] = (1,)) -> None:
        super().__init__()
        self.net, self.n_samples, self.reductions = net, n_samples, tuple(reductions)
        for factor in self.reductions:
            before, share = _positions(n_samples, factor)
            self.register_buffer(f"filter_{factor}", _anti_alias_filter(factor), persistent=False)
            self.register_buffer(f"before_{factor}", before, persistent=False)
            self.register_buffer(f"share_{factor}", share, persistent=False)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Return probabilities of P and S, shape (n_windows, 2, n_samples).

        Parameters
        ----------
        waveforms : Tensor, shape (n_windows, 3, n_samples)
            East, north and vertical, filtered.
        """
        found = [self._at_reduced_rate(waveforms, factor) for factor in self.reductions]
        return torch.stack(found).mean(dim=0)

    def _at_reduced_rate(self, waveforms: Tensor, factor: int) -> Tensor:
        if factor == 1:
            return torch.sigmoid(self.net(waveforms))
        reduced = self._reduced(waveforms, factor)
        probability = torch.sigmoid(self.net(reduced))
        before, share = self.get_buffer(f"before_{factor}"), self.get_buffer(f"share_{factor}")
        return (1 - share) * probability[..., before] + share * probability[..., before + 1]

    def _reduced(self, waveforms: Tensor, factor: int) -> Tensor:
        """Reduce the rate as `scipy.signal.resample_poly` does, which extends a line through the ends."""
        first, last = waveforms[..., :1], waveforms[..., -1:]
        n_reduced = -(-self.n_samples // factor)
        rise = (last - first) / (self.n_samples - 1)
        flat = waveforms - (first + rise * torch.arange(self.n_samples))
        taps = self.get_buffer(f"filter_{factor}")
        passed = nn.functional.conv1d(
            flat.flatten(0, 1)[:, None], taps, stride=factor, padding=HALF_LENGTH * factor
        )
        passed = passed[..., :n_reduced].reshape(-1, waveforms.shape[1], n_reduced)
        reduced = passed + first + rise * factor * torch.arange(n_reduced)
        beyond = -n_reduced % ALIGNMENT
        return torch.cat([reduced, reduced[..., n_reduced - beyond :].flip(-1)], -1) if beyond else reduced


def _anti_alias_filter(factor: int) -> Tensor:
    from scipy.signal import firwin

    taps = (
        firwin(2 * HALF_LENGTH * factor + 1, 1 / factor, window=("kaiser", KAISER_BETA))
        if factor > 1
        else [1.0]
    )
    return torch.from_numpy(np.asarray(taps, np.float32))[None, None]


def _positions(n_samples: int, factor: int) -> tuple[Tensor, Tensor]:
    """Return for each sample the reduced one before it, and the share of the one after."""
    n_reduced = -(-n_samples // factor)
    n_reduced += -n_reduced % ALIGNMENT
    positions = np.arange(n_samples) / factor
    before = np.minimum(positions.astype(np.int64), n_reduced - 2)
    return torch.from_numpy(before), torch.from_numpy((positions - before).astype(np.float32))
