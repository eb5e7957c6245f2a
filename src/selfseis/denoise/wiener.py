"""Wiener weights that combine the blind prediction of a channel with its own observation.

In each cell of time, line, frequency and wavenumber the observed power is noise plus signal. Two quantities that are
independent of the noise in the cell indicate the fraction of signal: the predicted power, and the observed power in
the surrounding frames. A wave crosses many frames along one slowness; noise does not. The observation gain is then
``signal / (signal + noise)``, the gain of Wiener, with its variance. No label is needed. Noise that neighbours share
through their gauge length occupies other wavenumbers than a wave. It is therefore separated even inside the blind
zone.

Where waves are transient, the prediction itself does not enter the estimate of a cell. The prediction of a channel
is free of the noise of that channel, but not the predictions of its neighbours, and a wavenumber combines them all.
There the prediction is the filtered observation. It serves to select the frames of noise and to locate waves. Where
waves never cease, no frame contains noise alone. The explained part of the prediction is then subtracted from the
noise, and the prediction is combined with the observation. The same holds for short lines and for stations, which
resolve few wavenumbers or none.

References
----------
Wiener, N. (1949). Extrapolation, interpolation, and smoothing of stationary time series. MIT Press.
Laine, S. et al. (2019). High-quality self-supervised deep image denoising. arXiv:1901.10277
Isken, M. P. et al. (2022). De-noising distributed acoustic sensing data using an adaptive frequency-wavenumber filter.
Geophys. J. Int. 231, 944-949. doi:10.1093/gji/ggac229
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from selfseis.denoise.options import FrameOptions, WienerOptions
from selfseis.denoise.windowed_fk import Block, Frames
from selfseis.training import one_thread
from selfseis.typing import BoolArray, Float32Array, FloatArray

Pair = tuple[Float32Array, Float32Array]


@dataclass(frozen=True)
class WienerWeights:
    """Weights of a prediction and an observation.

    Attributes
    ----------
    channels, samples : int
        Size of a frame; frames overlap by half.
    prediction_gain : ndarray, shape (n_predicted, n_observed)
        Factor of the prediction, by predicted power and by observed power around the cell; zero where only the
        observation enters.
    observation_gain : ndarray, same shape
        Fraction of the residual of the observation that is added.
    variance : ndarray, same shape
        Variance of the estimate, in units of the noise power.
    noise : ndarray, shape (n_rows, channels, n_frequencies)
        Noise power by row of frames along the line, wavenumber and frequency.
    options : WienerOptions
        Settings with which the weights were measured.
    """

    channels: int
    samples: int
    prediction_gain: Float32Array
    observation_gain: Float32Array
    variance: Float32Array
    noise: Float32Array
    options: WienerOptions = WienerOptions()

    @classmethod
    @one_thread()
    def measure(
        cls,
        pairs: Sequence[Pair],
        *,
        on_line: bool = True,
        times: Sequence[BoolArray] | None = None,
        options: WienerOptions = WienerOptions(),
    ) -> Self:
        """Measure the weights on pairs of conditioned data and their blind prediction.

        Parameters
        ----------
        pairs : sequence of (data, prediction)
            Both of shape (n_channels, n_samples), zero where there are no data.
        on_line : bool
            Whether neighbours in the array are neighbours on the ground.
        times : sequence of ndarray of bool, shape (n_samples,), optional
            Samples of each pair to measure on; by default all. All are used if too few frames lie within them.
        options : WienerOptions
            Settings.

        Returns
        -------
        WienerWeights
        """
        frames = _frames_for(pairs, on_line, options.frames)
        measured = _with_times(pairs, times, frames, options.min_cells)
        noise, steady_share = _noise_power(measured, frames, options)
        use_prediction = frames.channels <= options.few_channels or steady_share > options.min_steady_share
        blank = np.zeros((options.n_predicted, options.n_observed), np.float32)
        empty = cls(frames.channels, frames.samples, blank + use_prediction, blank, blank, noise, options)
        return empty._with_weights(_Sums.over(measured, empty), _null_power(frames, options))

    @property
    def frames(self) -> Frames:
        """The frames."""
        return Frames(self.channels, self.samples, self.options.frames)

    @property
    def halo(self) -> int:
        """Samples of context on each side that the result depends on."""
        return self.frames.halo

    def for_other_channels(self, n_channels: int) -> Self:
        """Return weights for other channels, each with the median noise."""
        n_rows = self.frames.n_rows(n_channels)
        return replace(self, noise=np.repeat(np.median(self.noise, axis=0)[None], n_rows, axis=0))

    @one_thread()
    def __call__(self, data: Float32Array, prediction: Float32Array, live: BoolArray) -> Float32Array:
        """Return the posterior mean of the signal.

        Parameters
        ----------
        data, prediction : ndarray, shape (n_channels, n_samples)
            Conditioned data and their blind prediction; the first sample lies on a frame.
        live : ndarray of bool, shape (n_channels,)
            Channels whose own observation is used.

        Returns
        -------
        ndarray, shape (n_channels, n_samples)
        """
        tables = [self.observation_gain]
        if self._uses_prediction:
            tables.append((1 - self.observation_gain) * self.prediction_gain)
        result = np.empty_like(data)
        for block in self.frames.blocks(data.shape):
            seen = _seen(data, prediction, live, block)
            observed, predicted = (self.frames.of(values, block.beyond) for values in seen)
            weights = _looked_up(np.stack(tables), self.levels(observed, predicted, block.rows))
            weighed = _scaled(observed, weights[0])
            if self._uses_prediction:
                weighed.add_(_scaled(predicted, weights[1]))
            mean = self.frames.joined(weighed, block.shape)
            result[block.inner] = mean[block.within].numpy()
        return result

    @one_thread()
    def standard_deviation(
        self, data: Float32Array, prediction: Float32Array, live: BoolArray
    ) -> Float32Array:
        """Return the posterior standard deviation of each sample.

        Parameters
        ----------
        data, prediction, live
            As for the posterior mean.

        Returns
        -------
        ndarray, shape (n_channels, n_samples)
        """
        result = np.empty_like(data)
        for block in self.frames.blocks(data.shape):
            seen = _seen(data, prediction, live, block)
            observed, predicted = (self.frames.of(values, block.beyond) for values in seen)
            levels = self.levels(observed, predicted, block.rows)
            power = _looked_up(self.variance[None], levels)[0] * self._noise_of(block.rows)
            spread = self.frames.spread(power, block.shape)
            result[block.inner] = spread[block.within].sqrt().numpy()
        return result

    def levels(self, observed: Tensor, predicted: Tensor, rows: slice) -> Tensor:
        """Return the fractional position of each cell in the tables.

        Parameters
        ----------
        observed, predicted : Tensor, shape (n_columns, n_frequencies, n_rows, channels)
            Spectra of frames.
        rows : slice
            Rows of frames of the spectra.

        Returns
        -------
        Tensor, shape (2, n_columns, n_frequencies, n_rows, channels)
            Positions by predicted and by observed power.
        """
        noise, options = self._noise_of(rows), self.options
        levels = torch.empty(2, *observed.shape)
        around = self.frames.with_neighbours if self._uses_prediction else self.frames.of_neighbours
        _octaves(around(_power(predicted).div_(noise)), out=levels[0])
        _octaves(self.frames.of_neighbours(_power(observed).div_(noise)), out=levels[1])
        levels[0].sub_(options.min_predicted).clamp_(0, options.n_predicted - 1)
        levels[1].sub_(options.min_observed).mul_(2).clamp_(0, options.n_observed - 1)
        return levels

    def _noise_of(self, rows: slice) -> Tensor:
        return torch.from_numpy(self.noise[rows]).permute(2, 0, 1).contiguous()

    @property
    def _uses_prediction(self) -> bool:
        """True if the prediction itself enters the estimate."""
        return bool(self.prediction_gain.any())

    def _with_weights(self, sums: _Sums, under_null: FloatArray) -> Self:
        options = self.options
        prediction_gain = (
            sums.by_predicted().prediction_gain(options)
            if self._uses_prediction
            else np.zeros((options.n_predicted, 1))
        )
        counts = np.maximum(sums.counts, 1)
        known = sums.counts >= options.min_cells
        residual = sums.residual(prediction_gain)
        error = residual / np.sqrt(np.maximum(counts / options.dependent_cells, 1))
        signal = _monotonic(residual - under_null, known)
        min_signal = _monotonic(residual - options.n_standard_errors * error - under_null, known)
        return replace(
            self,
            prediction_gain=np.broadcast_to(prediction_gain, counts.shape).astype(np.float32),
            observation_gain=(min_signal / (min_signal + 1)).astype(np.float32),
            variance=(signal / (signal + 1)).astype(np.float32),
        )


class _MeasuredPair(NamedTuple):
    data: Float32Array
    prediction: Float32Array
    times: BoolArray  # samples to measure on, shape (n_samples,)


@dataclass(frozen=True)
class _Sums:
    """Sums over the cells of each level, in units of the noise, each of shape (n_predicted, n_observed)."""

    counts: FloatArray
    products: FloatArray
    predicted: FloatArray
    observed: FloatArray

    def by_predicted(self) -> _Sums:
        """Return the sums by predicted power alone, each of shape (n_predicted, 1)."""
        return _Sums(*(v.sum(axis=1, keepdims=True) for v in vars(self).values()))

    def prediction_gain(self, options: WienerOptions) -> FloatArray:
        """Return the least-squares factor of the prediction, reduced by its expected random excess."""
        best = self.products / np.maximum(self.predicted, 1e-12)
        under_null = np.sqrt(
            self.residual(best) / np.maximum(self.predicted, 1e-12) * options.dependent_cells / 2
        )
        return np.clip(best - options.n_standard_errors * under_null, 0, options.max_gain)

    def residual(self, prediction_gain: FloatArray) -> FloatArray:
        """Return the mean power of the observation minus the scaled prediction."""
        left = self.observed - 2 * prediction_gain * self.products + prediction_gain**2 * self.predicted
        return np.maximum(left, 0) / np.maximum(self.counts, 1)

    @classmethod
    def over(cls, measured: Sequence[_MeasuredPair], wiener: WienerWeights) -> _Sums:
        shape = wiener.options.n_predicted, wiener.options.n_observed
        totals = np.zeros((4, shape[0] * shape[1]))
        for block, observed, predicted, times in _spectra(measured, wiener.frames):
            levels = wiener.levels(observed, predicted, block.rows).round_().long()
            index = block.own(levels[0] * shape[1] + levels[1]).flatten().numpy()
            observed, predicted = block.own(observed), block.own(predicted)
            noise = wiener._noise_of(block.rows)[:, block.own_rows]
            counted = (_power(observed).sum(dim=(1, 3)) > 0) & times
            values = (
                torch.ones_like(noise),
                (observed * predicted.conj()).real / noise,
                _power(predicted) / noise,
                # More than a million times the noise power carries no further information.
                (_power(observed) / noise).clamp(max=1e6),
            )
            for total, value in zip(totals, values, strict=True):
                total += np.bincount(index, (value * counted[:, None, :, None]).flatten().numpy(), len(total))
        return cls(*totals.reshape(4, *shape))


def _frames_for(pairs: Sequence[Pair], on_line: bool, options: FrameOptions) -> Frames:
    n_channels, min_length = pairs[0][0].shape[0], min(data.shape[1] for data, _ in pairs)
    channels, samples = options.max_channels, options.max_samples
    while channels > 1 and (channels > n_channels or not on_line):
        channels //= 2
    while samples > options.min_samples and 8 * samples > min_length:
        samples //= 2
    return Frames(channels, samples, options)


def _with_times(
    pairs: Sequence[Pair], times: Sequence[BoolArray] | None, frames: Frames, min_frames: int
) -> list[_MeasuredPair]:
    everywhere = [_MeasuredPair(*pair, np.ones(pair[0].shape[1], np.bool_)) for pair in pairs]
    if times is None:
        return everywhere
    some = [pair._replace(times=use) for pair, use in zip(everywhere, times, strict=True)]
    n_whole = [_own_times(s, frames, b).sum() for s in some for b in frames.blocks((1, len(s.times)))]
    return some if sum(n_whole) >= min_frames else everywhere


def _noise_power(
    measured: Sequence[_MeasuredPair], frames: Frames, options: WienerOptions
) -> tuple[Float32Array, float]:
    """Return the noise power by row, wavenumber and frequency, from the frames with the weakest prediction.

    Waves that never cease are also in these frames. The explained part of the predicted power is therefore
    subtracted. The second value is its share of the observed power.
    """
    n_rows = frames.n_rows(len(measured[0].data))
    powers, counts, explained = (
        np.zeros((2, n_rows, frames.channels, frames.n_frequencies)),
        np.zeros(n_rows),
        0.0,
    )
    max_power = np.quantile(
        np.concatenate([_predicted_power(pair, frames) for pair in measured]), options.noise_frames
    )
    for block, observed, predicted, times in _spectra(measured, frames):
        rows = slice(block.rows.start + block.own_rows.start, block.rows.start + block.own_rows.stop)
        observed, predicted = block.own(observed), block.own(predicted)
        recorded = (_power(observed).sum(dim=(1, 3)) > 0) & times
        noise_only = (recorded & (_power(predicted).sum(dim=(1, 3)) <= max_power))[:, None, :, None]
        # The prediction of a channel is free of its noise only in the sum over all wavenumbers.
        explained += float(((observed * predicted.conj()).real * noise_only).sum(dtype=torch.float64))
        for total, spectra in zip(powers, (observed, predicted), strict=True):
            noise_power = (_power(spectra) * noise_only).sum(dim=0, dtype=torch.float64)
            total[rows] += noise_power.permute(1, 2, 0).numpy()
        counts[rows] += noise_only.sum(dim=(0, 1, 3)).numpy()
    waves = np.clip(explained / max(powers[1].sum(), 1e-30), 0, 1) * powers[1]
    share = float(waves.sum() / max(powers[0].sum(), 1e-30))
    total = np.maximum(powers[0] - waves, options.min_noise * powers[0])
    common = total.sum(axis=0) / max(counts.sum(), 1)
    # A row with few noise frames takes the mean noise of all rows.
    prior = options.dependent_cells
    noise = (total + prior * common) / (counts[:, None, None] + prior)
    return np.maximum(noise, max(1e-9 * float(noise.max()), 1e-30)).astype(np.float32), share


def _predicted_power(pair: _MeasuredPair, frames: Frames) -> Float32Array:
    """Return the predicted power of each frame within the times to measure on."""
    values = []
    for block in frames.blocks(pair.prediction.shape):
        power = _power(block.own(frames.of(pair.prediction[block.seen], block.beyond))).sum(dim=(1, 3))
        values.append(power[_own_times(pair, frames, block)[:, 0]].flatten().numpy())
    return np.concatenate(values)


def _null_power(frames: Frames, options: WienerOptions) -> FloatArray:
    """Return the mean power of simulated noise by the power around it; overlapping frames are correlated."""
    shape = 4 * frames.channels, options.n_simulated // (4 * frames.channels)
    values = np.random.default_rng(0).standard_normal(shape, np.float32)
    power = _power(frames.of(values))[1:-1]
    power = power[:, :, 1:-1] if frames.channels > 1 else power
    power = power / power.mean(dim=(0, 2), keepdim=True)
    n_levels = options.n_observed
    around = 2 * (torch.log2(frames.of_neighbours(power).clamp_(min=1e-12)) - options.min_observed)
    level = around.clamp(0, n_levels - 1).round().long().flatten().numpy()
    counts = np.bincount(level, minlength=n_levels)
    mean = np.bincount(level, power.flatten().numpy(), n_levels) / np.maximum(counts, 1)
    return np.maximum.accumulate(np.where(counts > options.min_simulated_cells, np.maximum(mean, 1), 1))


def _monotonic(signal: FloatArray, known: BoolArray) -> FloatArray:
    """Make the signal power increase with both levels; levels with few cells take the value of a lower one."""
    positive = np.where(known, np.maximum(signal, 0), 0)
    return np.maximum.accumulate(np.maximum.accumulate(positive, axis=0), axis=1)


def _seen(data: Float32Array, prediction: Float32Array, live: BoolArray, block: Block) -> Pair:
    """Return a block of both, with the prediction in place of missing observations."""
    observed, predicted = data[block.seen].copy(), prediction[block.seen]
    np.copyto(observed, predicted, where=(observed == 0) | ~live[block.seen[0], None])
    return observed, predicted


def _spectra(
    measured: Sequence[_MeasuredPair], frames: Frames
) -> Iterator[tuple[Block, Tensor, Tensor, Tensor]]:
    for pair in measured:
        for block in frames.blocks(pair.data.shape):
            observed, predicted = (
                frames.of(values[block.seen], block.beyond) for values in (pair.data, pair.prediction)
            )
            yield block, observed, predicted, _own_times(pair, frames, block)


def _own_times(pair: _MeasuredPair, frames: Frames, block: Block) -> Tensor:
    """Return the mask of the columns of a block's own frames within the times to measure on, shape (n_columns, 1)."""
    return frames.within(pair.times, block)[block.own_columns, None]


def _looked_up(tables: Float32Array, levels: Tensor) -> Tensor:
    """Interpolate tables between levels, so that rounding cannot change a weight; the levels are overwritten."""
    for level, size in zip(levels, tables.shape[1:], strict=True):
        level.mul_(2 / (size - 1)).sub_(1)
    by_column = torch.from_numpy(tables).transpose(1, 2)[None]  # grid_sample wants the columns first
    values = functional.grid_sample(
        by_column, levels.flatten(1).T[None, None], align_corners=True, padding_mode="border"
    )
    return values.view(len(tables), *levels.shape[1:])


def _scaled(spectra: Tensor, weights: Tensor) -> Tensor:
    """Scale spectra in place; NumPy converts the weights to complex in parts, PyTorch all at once."""
    np.multiply(spectra.numpy(), weights.numpy(), out=spectra.numpy())
    return spectra


def _power(spectra: Tensor) -> Tensor:
    return torch.from_numpy(np.abs(spectra.numpy())).square_()


def _octaves(power: Tensor, out: Tensor) -> None:
    np.log2(power.clamp_(min=1e-12).numpy(), out=out.numpy())
