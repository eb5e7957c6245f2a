"""Self-supervised encoder of windows, trained on the recording itself (VICReg).

Each training pair has two views of one window: its band powers, attenuated at random, plus those of another window.
This imitates the same source at a larger distance, in the noise of another time. Windows of neighbouring stations at
the same time also form pairs, where both exceed the background. The loss makes the views of a pair agree, keeps the
variance of each coordinate up and decorrelates the coordinates.

References
----------
Bardes, A., Ponce, J. and LeCun, Y. (2022). VICReg: variance-invariance-covariance regularization for self-supervised
learning. ICLR. arXiv:2105.04906
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from selfseis.explore.embedding import MAX_AXES, Axes
from selfseis.networks.window_encoder import WindowNet
from selfseis.training import FitProgress, fit
from selfseis.typing import BoolArray, Float32Array, IntArray

BATCH = 256
MAX_STEPS = 600
MIN_POWER_SHARE = 0.1  # of a window, left in a view
N_VALIDATION = 1024  # pairs of views that stop the training
INVARIANCE, VARIANCE, COVARIANCE = 25.0, 25.0, 1.0  # weights of the terms, as published
MIN_POWER_RATIO = 2.0  # to the background, from which neighbouring stations form a pair
NEIGHBOUR_SHARE = 0.3


class Encoder:
    """Coordinates trained on the windows of a recording.

    Parameters
    ----------
    axes : Axes
        Whitens the features that enter the network.
    net : WindowNet
        The network.
    """

    def __init__(self, axes: Axes, net: WindowNet) -> None:
        self.axes = axes
        self.net = net

    @classmethod
    def trained(cls, views: Views, axes: Axes, seed: int) -> tuple[Encoder, FitProgress]:
        """Train on four fifths of the windows; stop by the loss on the remaining fifth.

        Parameters
        ----------
        views : Views
            Draws training pairs.
        axes : Axes
            Axes of the features.
        seed : int
            Seed of weights and draws.
        """
        torch.manual_seed(seed)
        net = WindowNet(len(axes.median), MAX_AXES)
        whiten = _whitener(axes)
        validation = [
            whiten(side) for side in views.draw(np.random.default_rng(seed), N_VALIDATION, held_out=True)
        ]

        def draw_loss(net: nn.Module, rng: np.random.Generator) -> Tensor:
            one, other = views.draw(rng, BATCH, held_out=False)
            return vicreg_loss(net(whiten(one)), net(whiten(other)))

        def validation_loss(net: nn.Module) -> float:
            return float(vicreg_loss(net(validation[0]), net(validation[1])))

        fit_progress = fit(
            net, draw_loss, validation_loss, max_steps=MAX_STEPS, check_every=50, patience=3, seed=seed
        )
        net.eval()
        return cls(axes, net), fit_progress

    @torch.no_grad()
    def __call__(self, features: Float32Array) -> Float32Array:
        """Return coordinates, shape (n, n_axes)."""
        self.net.eval()
        whiten = _whitener(self.axes)
        return np.concatenate(
            [self.net(whiten(part)).numpy() for part in np.array_split(features, 1 + len(features) // 4096)]
        )


class Views:
    """Pairs of views of windows for training and validation.

    Parameters
    ----------
    features : ndarray, shape (n, n_features)
        From `Background.excess`: levels, peakedness, second order and direction.
    n_bands : int
        Number of bands.
    floor : float
        Share of the background that was added to powers.
    site, first : ndarray, shape (n,)
        Site and time of each window.
    """

    def __init__(
        self, features: Float32Array, n_bands: int, floor: float, site: NDArray[np.int16], first: IntArray
    ) -> None:
        self.features, self.n_bands, self.floor = features, n_bands, floor
        numbers = np.arange(len(features))
        self.sides = numbers[numbers % 5 != 4], numbers[numbers % 5 == 4]
        loud = features[:, :n_bands].max(axis=1) > np.log(MIN_POWER_RATIO + floor)
        self.neighbour = _neighbours(site, first, loud)

    def draw(self, rng: np.random.Generator, n: int, *, held_out: bool) -> tuple[Float32Array, Float32Array]:
        """Draw pairs of views of training or of held-out windows; features of shape (n, n_features) each."""
        rows = rng.choice(self.sides[held_out], n)
        other = np.where(rng.uniform(size=n) < NEIGHBOUR_SHARE, self.neighbour[rows], rows)
        return self._view(rng, rows), self._view(rng, other)

    def _view(self, rng: np.random.Generator, rows: IntArray) -> Float32Array:
        """Attenuate windows and add the power of others: powers of independent waves add up."""
        noise = self.features[rng.integers(len(self.features), size=len(rows))]
        weak = np.exp(rng.uniform(np.log(MIN_POWER_SHARE), 0, (len(rows), 1))).astype(np.float32)
        power, peak = self._powers(self.features[rows])
        other, other_peak = self._powers(noise)
        mixed = weak * power + (1 - weak) * other
        highest = np.maximum(weak * peak + (1 - weak) * other, weak * power + (1 - weak) * other_peak)
        level = np.log(mixed + self.floor)
        peaked = np.log((highest + self.floor) / (mixed + self.floor))
        signal = weak * power.sum(axis=1, keepdims=True)
        share = signal / np.maximum(signal + (1 - weak) * other.sum(axis=1, keepdims=True), 1e-9)
        rest = share * self.features[rows][:, 2 * self.n_bands :] + (1 - share) * noise[:, 2 * self.n_bands :]
        return np.hstack([level, peaked, rest]).astype(np.float32)

    def _powers(self, features: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Return mean and peak power in each band over the background."""
        mean = np.exp(features[:, : self.n_bands])
        peak = mean * np.exp(features[:, self.n_bands : 2 * self.n_bands])
        return np.maximum(mean - self.floor, 0), np.maximum(peak - self.floor, 0)


def vicreg_loss(one: Tensor, other: Tensor) -> Tensor:
    """Return the loss of two views: invariance, variance and covariance terms."""
    loss = INVARIANCE * nn.functional.mse_loss(one, other)
    for side in (one, other):
        centred = side - side.mean(dim=0)
        spread = (centred.square().mean(dim=0) + 1e-4).sqrt()
        covariance = centred.T @ centred / (len(side) - 1)
        crossed = covariance - torch.diag(covariance.diagonal())
        loss = loss + VARIANCE / 2 * nn.functional.relu(1 - spread).mean()
        loss = loss + COVARIANCE / 2 * crossed.square().sum() / side.shape[1]
    return loss


def _whitener(axes: Axes) -> Callable[[Float32Array], Tensor]:
    median, whitening = torch.from_numpy(axes.median), torch.from_numpy(axes.whitening)
    return lambda features: (
        (torch.from_numpy(np.ascontiguousarray(features)) - median) @ whitening / axes.softness
    )


def _neighbours(site: NDArray[np.int16], first: IntArray, loud: BoolArray) -> IntArray:
    """Return, for each loud window, a loud one of the next site at the same time, or itself without one."""
    row_of = {(int(f), int(s)): row for row, (f, s) in enumerate(zip(first, site, strict=True))}
    n_sites = int(site.max()) + 1
    rows = np.arange(len(first))
    for row in np.flatnonzero(loud):
        other = row_of.get((int(first[row]), (int(site[row]) + 1) % n_sites), row)
        rows[row] = other if loud[other] else row
    return rows
