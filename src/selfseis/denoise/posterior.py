"""A channel's own observation brought back: the best guess from what others say of it and from itself.

What the others predict leaves a residual. In each cell of time and frequency its power is noise plus what the
prediction missed; how much that is follows, without a label, from the power that residuals have where little and where
much was predicted. The own observation is then worth ``missed / (missed + noise)`` of the residual: Wiener's gain, with
its variance.

References
----------
Wiener, N. (1949). Extrapolation, interpolation, and smoothing of stationary time series. MIT Press.
Laine, S. et al. (2019). High-quality self-supervised deep image denoising. arXiv:1901.10277
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Samples = NDArray[np.float32]
Pair = tuple[Samples, Samples]

WINDOW, SHORTEST_WINDOW = 128, 32  # samples of a frame: a few periods of what passes the default band
N_LEVELS = 16  # of predicted power
QUIET_LEVELS = 4  # the lowest, where residuals are taken for noise
DEPENDENT = 16  # cells that see the same event count as one
DOUBT = 2.0  # standard errors by which what was missed must exceed nothing
ROWS = 64  # channels worked on at once


@dataclass(frozen=True)
class Posterior:
    """How a prediction and an observation are weighed, by frequency and by how much was predicted.

    Attributes
    ----------
    window : int
        Samples of a frame; frames overlap by half.
    floor : ndarray, shape (n_frequencies,)
        Predicted power below which the lowest level lies.
    octaves : ndarray, shape (n_frequencies,)
        Factor of predicted power between levels, as its logarithm to base 2.
    shrink : ndarray, shape (N_LEVELS, n_frequencies)
        What the prediction is multiplied by.
    trust : ndarray, shape (N_LEVELS, n_frequencies)
        Share of the residual that is added to it.
    variance : ndarray, shape (N_LEVELS, n_frequencies)
        Of the result, in units of the noise power.
    noise : ndarray, shape (n_channels, n_frequencies)
        Noise power of each channel.
    """

    window: int
    floor: NDArray[np.float32]
    octaves: NDArray[np.float32]
    shrink: NDArray[np.float32]
    trust: NDArray[np.float32]
    variance: NDArray[np.float32]
    noise: NDArray[np.float32]

    @classmethod
    def measure(cls, pairs: Sequence[Pair]) -> Self:
        """Measure the weights on pairs of conditioned data and their blind prediction.

        Parameters
        ----------
        pairs : sequence of (data, prediction)
            Both of the shape (n_channels, n_samples), zero where there are no data.

        Returns
        -------
        Posterior
        """
        shortest = min(data.shape[1] for data, _ in pairs)
        window = WINDOW
        while window > SHORTEST_WINDOW and 8 * window > shortest:
            window //= 2
        frames = _Frames(window)
        floor, octaves = _levels(pairs, frames)
        blank = np.zeros((N_LEVELS, window // 2 + 1), np.float32)
        empty = cls(window, floor, octaves, blank, blank, blank, blank[:1])
        sums = _Sums.over(pairs, frames, empty.level_of, None, None)
        shrink = np.clip(_smooth(sums.products) / np.maximum(_smooth(sums.predicted), 1e-12), 0, 1.25)
        noise = _noise_of_channels(pairs, frames, empty.level_of, shrink)
        sums = _Sums.over(pairs, frames, empty.level_of, shrink, noise)
        missed, doubtless = _missed(sums)
        variance = missed / (missed + 1)
        return replace(
            empty,
            shrink=shrink.astype(np.float32),
            trust=(doubtless / (doubtless + 1)).astype(np.float32),
            variance=variance.astype(np.float32),
            noise=noise.astype(np.float32),
        )

    @property
    def halo(self) -> int:
        """Samples of context on each side that the result depends on."""
        return self.window

    def for_other_channels(self, n_channels: int) -> Self:
        """Return the same weights with the median noise for every channel."""
        return replace(self, noise=np.repeat(np.median(self.noise, axis=0)[None], n_channels, axis=0))

    def level_of(self, prediction: Tensor) -> Tensor:
        """Return the level of predicted power of each cell, not rounded: (n_channels, n_frames, n_frequencies)."""
        power = _power(prediction)
        beside = torch.nn.functional.pad(power, (1, 1), mode="replicate")
        power = (beside[..., :-2] + beside[..., 1:-1] + beside[..., 2:]) / 3
        level = torch.log2(power / torch.from_numpy(self.floor) + 1e-12) / torch.from_numpy(self.octaves)
        return level.clamp(0, N_LEVELS - 1)

    def __call__(self, data: Samples, prediction: Samples, live: NDArray[np.bool_]) -> Samples:
        """Return the posterior mean.

        Parameters
        ----------
        data, prediction : ndarray, shape (n_channels, n_samples)
            Conditioned data and their blind prediction; the first sample lies on a frame.
        live : ndarray of bool, shape (n_channels,)
            Channels whose own observation counts.

        Returns
        -------
        ndarray, shape (n_channels, n_samples)
        """
        frames = _Frames(self.window)
        tables = torch.from_numpy((1 - self.trust) * self.shrink), torch.from_numpy(self.trust)
        alone = torch.from_numpy(self.shrink)
        result = np.empty_like(data)
        for rows in _row_slices(len(data)):
            observed, predicted = frames.of(data[rows]), frames.of(prediction[rows])
            at = _Between(self.level_of(predicted))
            own = torch.from_numpy(live[rows].astype(np.float32))[:, None, None]
            weight = own * at(tables[0]) + (1 - own) * at(alone)
            mean = weight * predicted + own * at(tables[1]) * observed
            result[rows] = frames.joined(mean, data.shape[1]).numpy()
        return result

    def standard_deviation(self, prediction: Samples) -> Samples:
        """Return the standard deviation of the posterior of each sample, shape (n_channels, n_samples)."""
        frames = _Frames(self.window)
        variance = torch.from_numpy(self.variance)
        result = np.empty_like(prediction)
        for rows in _row_slices(len(prediction)):
            at = _Between(self.level_of(frames.of(prediction[rows])))
            power = at(variance) * torch.from_numpy(self.noise[rows])[:, None]
            result[rows] = frames.spread(power, prediction.shape[1]).sqrt().numpy()
        return result


class _Frames:
    """Spectra of frames that overlap by half and add up to the signal again."""

    def __init__(self, window: int) -> None:
        self.window, self.hop = window, window // 2
        self.taper = torch.sin(torch.pi * (torch.arange(window) + 0.5) / window)

    def of(self, values: Samples) -> Tensor:
        """Return spectra, shape (n_channels, n_frames, n_frequencies)."""
        more = -values.shape[1] % self.hop
        padded = torch.nn.functional.pad(
            torch.from_numpy(np.ascontiguousarray(values)), (self.hop, self.hop + more)
        )
        return torch.fft.rfft(padded.unfold(1, self.window, self.hop) * self.taper)

    def joined(self, spectra: Tensor, n_samples: int) -> Tensor:
        """Return the signal of spectra, shape (n_channels, n_samples)."""
        return self._overlapped(torch.fft.irfft(spectra, n=self.window) * self.taper, n_samples)

    def spread(self, power: Tensor, n_samples: int) -> Tensor:
        """Return the variance in time of power in cells, shape (n_channels, n_samples)."""
        both_signs = 2 * power.sum(dim=2) - power[..., 0] - power[..., -1]
        variance = both_signs / (self.window * self.window / 2)
        return self._overlapped(variance[..., None] * self.taper**2, n_samples)

    def _overlapped(self, frames: Tensor, n_samples: int) -> Tensor:
        first, second = frames[:, 1:, : self.hop], frames[:, :-1, self.hop :]
        return (first + second).flatten(1)[:, :n_samples]


@dataclass(frozen=True)
class _Sums:
    """Sums over the cells of a level and frequency, each of the shape (N_LEVELS, n_frequencies)."""

    counts: NDArray[np.float64]
    products: NDArray[np.float64]
    predicted: NDArray[np.float64]
    residual: NDArray[np.float64]
    residual_squared: NDArray[np.float64]

    @classmethod
    def over(
        cls,
        pairs: Sequence[Pair],
        frames: _Frames,
        level_of: Callable[[Tensor], Tensor],
        shrink: NDArray | None,
        noise: NDArray | None,
    ) -> _Sums:
        n_frequencies = frames.window // 2 + 1
        totals = np.zeros((5, N_LEVELS * n_frequencies))
        factor = torch.ones(N_LEVELS, n_frequencies) if shrink is None else torch.from_numpy(shrink).float()
        for rows, observed, predicted in _spectra(pairs, frames):
            cells = _cells(level_of(predicted).round())
            residual = _power(observed - factor.take(cells) * predicted)
            if noise is not None:
                # Beyond a million times the noise the power says no more, and its square would overflow.
                residual = (residual / torch.from_numpy(noise[rows])[:, None].float()).clamp(max=1e6)
            products = (observed * predicted.conj()).real
            used = (_power(observed).sum(dim=2) > 0).expand(cells.shape[2], *cells.shape[:2]).permute(1, 2, 0)
            index = cells[used].numpy()
            for total, values in zip(
                totals,
                (torch.ones_like(products), products, _power(predicted), residual, residual.square()),
                strict=True,
            ):
                total += np.bincount(index, values[used].numpy(), len(total))
        return cls(*totals.reshape(5, N_LEVELS, n_frequencies))


def _missed(sums: _Sums) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what the prediction missed in units of the noise: as estimated, and as far as is beyond doubt."""
    counts = np.maximum(_smooth(sums.counts), 1e-9)
    power = _smooth(sums.residual) / counts
    quiet = power[:QUIET_LEVELS].mean(axis=0)
    error = np.sqrt(_smooth(sums.residual_squared) / counts) / np.sqrt(np.maximum(counts / DEPENDENT, 1))
    missed = np.maximum(power / np.maximum(quiet, 1e-9) - 1, 0)
    doubtless = np.maximum(missed - DOUBT * error / np.maximum(quiet, 1e-9), 0)
    # More predicted, more missed: a level that few cells reach borrows from the one below.
    return np.maximum.accumulate(missed, axis=0), np.maximum.accumulate(doubtless, axis=0)


def _noise_of_channels(
    pairs: Sequence[Pair], frames: _Frames, level_of: Callable[[Tensor], Tensor], shrink: NDArray
) -> NDArray[np.float64]:
    """Return the residual power of each channel where little was predicted, shape (n_channels, n_frequencies)."""
    n_channels, n_frequencies = pairs[0][0].shape[0], frames.window // 2 + 1
    totals, counts = np.zeros((2, n_channels, n_frequencies))
    factor = torch.from_numpy(shrink).float()
    for rows, observed, predicted in _spectra(pairs, frames):
        levels = level_of(predicted).round()
        quiet = (levels < QUIET_LEVELS) & (_power(observed).sum(dim=2, keepdim=True) > 0)
        residual = _power(observed - factor.take(_cells(levels)) * predicted)
        totals[rows] += (residual * quiet).sum(dim=1).numpy()
        counts[rows] += quiet.sum(dim=1).numpy()
    common = totals.sum(axis=0) / np.maximum(counts.sum(axis=0), 1)
    # A channel with few quiet cells has the noise of all.
    noise = (totals + DEPENDENT * common) / (counts + DEPENDENT)
    return np.maximum(noise, 1e-9 * max(float(noise.max()), 1e-30))


def _levels(pairs: Sequence[Pair], frames: _Frames) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return by frequency the predicted power of the quiet fifth, and octaves a level up to the loudest cells."""
    powers = [_power(predicted) for _, _, predicted in _spectra(pairs, frames, every=4)]
    flat = torch.cat([p.flatten(0, 1) for p in powers]).numpy()
    positive = flat[flat.sum(axis=1) > 0]
    if not len(positive):
        return np.ones(flat.shape[1], np.float32), np.ones(flat.shape[1], np.float32)
    floor = np.maximum(np.quantile(positive, 0.2, axis=0), 1e-12 * positive.max()).astype(np.float32)
    loudest = np.quantile(np.log2(positive / floor + 1e-12), 0.9995, axis=0)
    return floor, (np.maximum(loudest, 1.0) / (N_LEVELS - 1)).astype(np.float32)


def _spectra(
    pairs: Sequence[Pair], frames: _Frames, every: int = 1
) -> Iterator[tuple[slice, Tensor, Tensor]]:
    for data, prediction in pairs:
        for rows in list(_row_slices(len(data)))[::every]:
            yield rows, frames.of(data[rows]), frames.of(prediction[rows])


def _row_slices(n_channels: int) -> Iterator[slice]:
    for row in range(0, n_channels, ROWS):
        yield slice(row, row + ROWS)


def _power(spectra: Tensor) -> Tensor:
    return spectra.real.square() + spectra.imag.square()


class _Between:
    """Looks tables up between levels, so that a rounding error cannot change a weight."""

    def __init__(self, levels: Tensor) -> None:
        below = levels.floor().clamp(max=N_LEVELS - 2)
        self.below, self.share = _cells(below), levels - below

    def __call__(self, table: Tensor) -> Tensor:
        low = table.take(self.below)
        return low + self.share * (table.take(self.below + table.shape[1]) - low)


def _cells(levels: Tensor) -> Tensor:
    return levels.long() * levels.shape[2] + torch.arange(levels.shape[2])


def _smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smooth over three frequencies."""
    wide = np.pad(values, ((0, 0), (1, 1)), mode="edge")
    return 0.25 * wide[:, :-2] + 0.5 * wide[:, 1:-1] + 0.25 * wide[:, 2:]
