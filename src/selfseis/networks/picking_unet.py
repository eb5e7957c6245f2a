"""Small U-Net that picks P and S onsets, with a recurrent bottleneck over the whole window.

References
----------
Zhu, W. and Beroza, G. C. (2019). PhaseNet: a deep-neural-network-based seismic arrival-time picking method.
Geophysical Journal International 216, 261. doi:10.1093/gji/ggy423

Zhang, R. (2019). Making convolutional networks shift-invariant again. arXiv:1904.11486
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

# The shape of the network: saved weights fit no other.
STRIDE = 4
DEPTH = 3
ALIGNMENT = 2 * STRIDE**DEPTH  # the length of a window is a multiple of it
# Smoothing filters by stride, after Zhang (2019): amplitudes of 0.25 and 0.42 at the Nyquist frequency of the output.
SMOOTHING = {2: [1.0, 4.0, 6.0, 4.0, 1.0], 4: [1.0, 4.0, 10.0, 16.0, 19.0, 16.0, 10.0, 4.0, 1.0]}
MIN_AMPLITUDE = 0.01  # relative to the rms of a component, added before the logarithm


def onset_features(windows: Tensor) -> Tensor:
    """Return each window in two versions: scaled linearly, and with a compressed dynamic range.

    Linear scaling by the strongest component preserves the polarisation, but weak onsets before strong ones vanish.
    Compression of each component preserves weak onsets, but not the polarisation. The network uses both versions.

    Parameters
    ----------
    windows : Tensor, shape (n_windows, 3, n_samples)
        East, north and vertical components in any unit; a component without data is zero.

    Returns
    -------
    Tensor, shape (n_windows, 6, n_samples)
    """
    centred = windows - windows.mean(dim=-1, keepdim=True)
    power = centred.square().mean(dim=-1, keepdim=True)
    rms = power.sqrt().clamp_min(1e-20)
    level = torch.exp(torch.log(centred.abs() + MIN_AMPLITUDE * rms).mean(dim=-1, keepdim=True))
    max_rms = power.amax(dim=1, keepdim=True).sqrt().clamp_min(1e-20)
    return torch.cat([centred / max_rms, 0.5 * torch.asinh(centred / level)], dim=1)


class OnsetNet(nn.Module):
    """Network that returns logits of a P and an S onset at each sample.

    It works at half the sampling rate, which takes a third of the time. The logits are interpolated, so that onset
    times still have sub-sample resolution.

    Parameters
    ----------
    width : int
        Number of channels at half the rate; it doubles with each reduction of the rate by four.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(DEPTH + 1)]
        self.enter = _layer(6, widths[0], 9, 2)
        self.down = nn.ModuleList(
            nn.Sequential(_layer(a, b, 7, STRIDE), _layer(b, b, 5)) for a, b in itertools.pairwise(widths)
        )
        self.along = nn.GRU(widths[-1], widths[-1] // 2, batch_first=True, bidirectional=True)
        self.up = nn.ModuleList(
            _layer(a + b, b, 7) for a, b in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.leave = nn.Conv1d(widths[0], 2, 1)
        nn.init.constant_(self.leave.bias, -4.0)  # type: ignore[arg-type]

    def forward(self, windows: Tensor) -> Tensor:
        """Return logits, shape (n_windows, 2, n_samples), of windows, shape (n_windows, 3, n_samples)."""
        hidden = self.enter(onset_features(windows))
        finer = []
        for layer in self.down:
            finer.append(hidden)
            hidden = layer(hidden)
        hidden = hidden + self.along(hidden.transpose(1, 2))[0].transpose(1, 2)
        for layer in self.up:
            skipped = finer.pop()
            hidden = nn.functional.interpolate(hidden, size=skipped.shape[-1], mode="linear")
            hidden = layer(torch.cat([hidden, skipped], dim=1))
        return nn.functional.interpolate(self.leave(hidden), size=windows.shape[-1], mode="linear")


class AntialiasedConv1d(nn.Conv1d):
    """Strided convolution of a smoothed input, so that its output depends little on the first sample of a window.

    Smoothing and convolution are one convolution with a longer kernel, which costs no second pass over the samples.

    Parameters
    ----------
    n_in, n_out : int
        Numbers of channels.
    length : int
        Samples of the learned kernel, odd.
    stride : int
        Samples of the input per sample of the output: 2 or 4.
    """

    smoothing: Tensor

    def __init__(self, n_in: int, n_out: int, length: int, stride: int) -> None:
        super().__init__(n_in, n_out, length, stride, bias=False)
        smoothing = torch.tensor(SMOOTHING[stride])
        self.register_buffer("smoothing", smoothing / smoothing.sum(), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """Return the convolution, shape (n_windows, n_out, n_samples / stride)."""
        reach = len(self.smoothing) - 1
        rows = self.weight.reshape(-1, 1, self.kernel_size[0])
        kernel = nn.functional.conv1d(rows, self.smoothing[None, None].to(rows.dtype), padding=reach)
        kernel = kernel.reshape(self.out_channels, self.in_channels, -1)
        return nn.functional.conv1d(samples, kernel, stride=self.stride, padding=kernel.shape[-1] // 2)


def _layer(n_in: int, n_out: int, length: int, stride: int = 1) -> nn.Sequential:
    convolution = (
        nn.Conv1d(n_in, n_out, length, padding=length // 2, bias=False)
        if stride == 1
        else AntialiasedConv1d(n_in, n_out, length, stride)
    )
    return nn.Sequential(convolution, nn.BatchNorm1d(n_out), nn.ReLU())
