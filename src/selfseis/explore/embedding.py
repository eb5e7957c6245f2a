"""Coordinates in which windows are compared: whitened principal axes, or a self-supervised encoder (VICReg).

The encoder is trained on the recording itself. Each training pair has two views of one window: its band powers,
attenuated at random, plus those of another window. This imitates the same source at a larger distance, in the noise of
another time. Windows of neighbouring stations at the same time also form pairs, where both exceed the background. The
loss makes the views of a pair agree, keeps the variance of each coordinate up and decorrelates the coordinates.

References
----------
Bardes, A., Ponce, J. and LeCun, Y. (2022). VICReg: variance-invariance-covariance regularization for self-supervised
learning. ICLR. arXiv:2105.04906
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from selfseis.explore.options import EmbeddingOptions, EncoderOptions
from selfseis.explore.windows import training_windows
from selfseis.networks.window_encoder import WindowNet
from selfseis.training import FitProgress, fit
from selfseis.typing import BoolArray, Float32Array, FloatArray, IntArray


@dataclass(frozen=True)
class Axes:
    """Coordinates of windows.

    Features are whitened by the scatter of the noise windows, so that one standard deviation of the noise is 1 in any
    direction. The distance from the median then saturates: loud windows of one kind lie together, whatever their
    signal-to-noise ratio, and weak ones stay near the origin. The last step is a principal component analysis.

    Attributes
    ----------
    median : ndarray, shape (n_features,)
        Subtracted from features.
    whitening : ndarray, shape (n_features, n_features)
        Maps features to standard deviations of the noise.
    softness : float
        Distance at which saturation reaches one half.
    directions : ndarray, shape (n_directions, n_features)
        Orthonormal axes, the strongest first.
    options : EmbeddingOptions
        Number of axes.
    """

    median: Float32Array
    whitening: Float32Array
    softness: float
    directions: Float32Array
    options: EmbeddingOptions

    @classmethod
    def fit(cls, features: Float32Array, options: EmbeddingOptions) -> Self:
        """Find the principal axes of windows.

        Parameters
        ----------
        features : ndarray, shape (n, n_features)
            Features of the windows.
        options : EmbeddingOptions
            Whitening, saturation and number of axes.
        """
        median = np.median(features, axis=0)
        distance = np.linalg.norm(features - median, axis=1)
        noise = features[distance <= np.quantile(distance, options.noise_share)]
        values, vectors = np.linalg.eigh(_covariance(noise))
        ridge = options.ridge * float(values.mean()) + float(np.finfo(np.float32).tiny)
        whitening = (vectors / np.sqrt(np.maximum(values, 0) + ridge)).astype(np.float32)
        whitened = (features - median) @ whitening
        softness = options.softness * float(np.median(np.linalg.norm(whitened, axis=1)))
        _, vectors = np.linalg.eigh(_covariance(_saturated(whitened, softness)))
        strongest = vectors[:, ::-1][:, : max(options.n_axes, options.n_novelty_axes)]
        directions = np.ascontiguousarray(strongest.T).astype(np.float32)
        return cls(median, whitening, softness, directions, options)

    def __call__(self, features: Float32Array) -> Float32Array:
        """Return the coordinates for classes, shape (n, n_axes); all lie within 1 of the origin."""
        return self._along(self.directions[: self.options.n_axes], features)

    def for_novelty(self, features: Float32Array) -> Float32Array:
        """Return the coordinates for the novelty score, shape (n, n_novelty_axes)."""
        return self._along(self.directions[: self.options.n_novelty_axes], features)

    def _along(self, directions: Float32Array, features: Float32Array) -> Float32Array:
        whitened = (features - self.median) @ self.whitening
        return (_saturated(whitened, self.softness) @ directions.T).astype(np.float32)


def _saturated(whitened: NDArray[Any], softness: float) -> NDArray[Any]:
    """Shorten vectors to less than 1 without a change of direction."""
    distance = np.linalg.norm(whitened, axis=1, keepdims=True)
    return whitened / (distance + softness)


def _covariance(points: Float32Array) -> FloatArray:
    return np.atleast_2d(np.cov(points, rowvar=False)).astype(np.float64)


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
        """Train on `training_windows`; the loss on the held-out windows stops the training.

        Parameters
        ----------
        views : Views
            Draws training pairs; its options are those of the training.
        axes : Axes
            Axes of the features.
        seed : int
            Seed of weights and draws.
        """
        options = views.options
        torch.manual_seed(seed)
        net = WindowNet(len(axes.median), axes.options.n_axes, options.network)
        whiten = _whitener(axes)
        held_out = views.draw(np.random.default_rng(seed), options.n_validation, held_out=True)
        validation = [whiten(side) for side in held_out]

        def draw_loss(net: nn.Module, rng: np.random.Generator) -> Tensor:
            one, other = views.draw(rng, options.batch_size, held_out=False)
            return vicreg_loss(net(whiten(one)), net(whiten(other)), options)

        def validation_loss(net: nn.Module) -> float:
            return float(vicreg_loss(net(validation[0]), net(validation[1]), options))

        fit_progress = fit(
            net,
            draw_loss,
            validation_loss,
            max_steps=options.max_steps,
            check_every=options.check_every,
            patience=options.patience,
            seed=seed,
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
    """Pairs of views of windows for training and validation; no window has a part in both (`training_windows`).

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
    options : EncoderOptions
        Shares of the views, and the training.
    """

    def __init__(
        self,
        features: Float32Array,
        n_bands: int,
        floor: float,
        site: NDArray[np.int16],
        first: IntArray,
        options: EncoderOptions,
    ) -> None:
        self.features, self.n_bands, self.floor, self.options = features, n_bands, floor, options
        training = training_windows(first, options)
        self.sides = np.flatnonzero(training), np.flatnonzero(~training)
        loud = features[:, :n_bands].max(axis=1) > np.log(options.min_power_ratio + floor)
        neighbour = _neighbours(site, first, loud)
        self.neighbour = np.where(training[neighbour] == training, neighbour, np.arange(len(features)))

    def draw(self, rng: np.random.Generator, n: int, *, held_out: bool) -> tuple[Float32Array, Float32Array]:
        """Draw pairs of views of training or of held-out windows alone; features of shape (n, n_features) each."""
        side = self.sides[held_out]
        rows = rng.choice(side, n)
        other = np.where(rng.uniform(size=n) < self.options.neighbour_share, self.neighbour[rows], rows)
        return self._view(rng, rows, side), self._view(rng, other, side)

    def _view(self, rng: np.random.Generator, rows: IntArray, side: IntArray) -> Float32Array:
        """Attenuate windows and add the power of others of their side: powers of independent waves add up."""
        noise = self.features[rng.choice(side, len(rows))]
        lowest = np.log(self.options.min_power_share)
        weak = np.exp(rng.uniform(lowest, 0, (len(rows), 1))).astype(np.float32)
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


def vicreg_loss(one: Tensor, other: Tensor, options: EncoderOptions) -> Tensor:
    """Return the loss of two views: invariance, variance and covariance terms."""
    loss = options.invariance * nn.functional.mse_loss(one, other)
    for side in (one, other):
        centred = side - side.mean(dim=0)
        spread = (centred.square().mean(dim=0) + 1e-4).sqrt()
        covariance = centred.T @ centred / (len(side) - 1)
        crossed = covariance - torch.diag(covariance.diagonal())
        loss = loss + options.variance / 2 * nn.functional.relu(1 - spread).mean()
        loss = loss + options.covariance / 2 * crossed.square().sum() / side.shape[1]
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
