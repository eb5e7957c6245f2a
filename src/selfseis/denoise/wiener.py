"""A channel's own observation brought back: the best guess from what others say of it and from itself.

In each cell of time, line, frequency and wavenumber the observed power is noise plus signal. How much of it is signal
follows, without a label, from two things that do not know the noise of the cell: the power predicted and the power
observed in the frames around it, for a wave crosses many frames along one slowness and noise does not. The own
observation is then worth ``signal / (signal + noise)``: Wiener's gain, with its variance. Noise that neighbours share
through their gauge fills other wavenumbers than a wave, so it is told apart here even inside the blind zone.

Where waves come and go, the prediction of a cell itself is not weighed in. A channel is predicted without its own
noise, but that noise is in what is predicted of its neighbours, and a wavenumber is made of them all: there the
prediction is the observation again, filtered. It tells which frames are quiet and where waves are about. Where waves
never cease, no frame is quiet: what the prediction explains is taken off the noise, and it is weighed in with the own
observation, as it is on short lines and among stations, which know few wavenumbers or none.

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

from selfseis.denoise.windowed_fk import Block, Frames
from selfseis.training import one_thread
from selfseis.typing import BoolArray, Float32Array, FloatArray

Pair = tuple[Float32Array, Float32Array]
CHANNELS, SAMPLES = 64, 64  # of a frame, at most: a few wavelengths and periods of the default band
SHORTEST = 32  # samples
FEW = 16  # channels of a frame, in which waves stand out in a prediction rather than among wavenumbers
N_PREDICTED, MIN_PREDICTED = 20, -10.0  # levels an octave apart, and the lowest, in octaves above the noise
N_OBSERVED, MIN_OBSERVED = 16, -1.5  # levels half an octave apart
QUIET = 0.5  # share of the frames, those in which least is predicted, that are taken for noise
DEPENDENT = 16  # cells that see the same event count as one
STEADY = 0.1  # share of what is observed in quiet frames from which waves are said never to cease
MIN_NOISE = 0.05  # share of what is observed in quiet frames, however well it was predicted
DOUBT = 2.0  # standard errors by which a signal must exceed nothing
MOST = 2.0  # that a prediction is multiplied by
FEWEST = 16  # cells of a level from which it says anything
SIMULATED = 1 << 21  # values of noise
ENOUGH = 100  # simulated cells of a level from which its mean is known


@dataclass(frozen=True)
class WienerWeights:
    """How a prediction and an observation are weighed.

    Attributes
    ----------
    channels, samples : int
        Size of a frame; frames overlap by half.
    shrink : ndarray, shape (N_PREDICTED, N_OBSERVED)
        What the prediction is multiplied by, by predicted power and by observed power around the cell; zero where
        the own observation alone is weighed.
    trust : ndarray, same shape
        Share of the residual that is added to it.
    variance : ndarray, same shape
        Of the result, in units of the noise power.
    noise : ndarray, shape (n_rows, channels, n_frequencies)
        Noise power by row of frames along the line, wavenumber and frequency.
    """

    channels: int
    samples: int
    prediction_gain: Float32Array
    trust: Float32Array
    variance: Float32Array
    noise: Float32Array

    @classmethod
    @one_thread()
    def measure(
        cls, pairs: Sequence[Pair], *, on_line: bool = True, times: Sequence[BoolArray] | None = None
    ) -> Self:
        """Measure the weights on pairs of conditioned data and their blind prediction.

        Parameters
        ----------
        pairs : sequence of (data, prediction)
            Both of the shape (n_channels, n_samples), zero where there are no data.
        on_line : bool
            Whether neighbours in the array are neighbours on the ground.
        times : sequence of ndarray of bool, shape (n_samples,), optional
            Samples of each pair that are measured on; by default all. Where hardly a frame lies within them, in
            records of a few frames, all are.

        Returns
        -------
        Posterior
        """
        frames = _frames_for(pairs, on_line)
        studied = _studied(pairs, times, frames)
        noise, waves = _quiet_power(studied, frames)
        lean = frames.channels <= FEW or waves > STEADY
        blank = np.zeros((N_PREDICTED, N_OBSERVED), np.float32)
        empty = cls(frames.channels, frames.samples, blank + lean, blank, blank, noise)
        return empty._with_weights(_Sums.over(studied, empty), _null_power(frames))

    @property
    def frames(self) -> Frames:
        """The frames."""
        return Frames(self.channels, self.samples)

    @property
    def halo(self) -> int:
        """Samples of context on each side that the result depends on."""
        return self.frames.halo

    def for_other_channels(self, n_channels: int) -> Self:
        """Return the same weights with the median noise for every channel."""
        n_rows = self.frames.n_rows(n_channels)
        return replace(self, noise=np.repeat(np.median(self.noise, axis=0)[None], n_rows, axis=0))

    @one_thread()
    def __call__(self, data: Float32Array, prediction: Float32Array, live: BoolArray) -> Float32Array:
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
        tables = [self.trust, (1 - self.trust) * self.prediction_gain] if self._leans else [self.trust]
        result = np.empty_like(data)
        for block in self.frames.blocks(data.shape):
            seen = _seen(data, prediction, live, block)
            observed, predicted = (self.frames.of(values, block.beyond) for values in seen)
            weights = _looked_up(np.stack(tables), self.levels(observed, predicted, block.rows))
            weighed = _scaled(observed, weights[0])
            if self._leans:
                weighed.add_(_scaled(predicted, weights[1]))
            mean = self.frames.joined(weighed, block.shape)
            result[block.inner] = mean[block.within].numpy()
        return result

    @one_thread()
    def standard_deviation(
        self, data: Float32Array, prediction: Float32Array, live: BoolArray
    ) -> Float32Array:
        """Return the standard deviation of the posterior of each sample.

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
        """Return where each cell lies in the tables, not rounded.

        Parameters
        ----------
        observed, predicted : Tensor, shape (n_columns, n_frequencies, n_rows, channels)
            Spectra of frames.
        rows : slice
            Which rows of frames they are.

        Returns
        -------
        Tensor, shape (2, n_columns, n_frequencies, n_rows, channels)
            By predicted and by observed power.
        """
        noise = self._noise_of(rows)
        levels = torch.empty(2, *observed.shape)
        around = self.frames.with_neighbours if self._leans else self.frames.of_neighbours
        _octaves(around(_power(predicted).div_(noise)), out=levels[0])
        _octaves(self.frames.of_neighbours(_power(observed).div_(noise)), out=levels[1])
        levels[0].sub_(MIN_PREDICTED).clamp_(0, N_PREDICTED - 1)
        levels[1].sub_(MIN_OBSERVED).mul_(2).clamp_(0, N_OBSERVED - 1)
        return levels

    def _noise_of(self, rows: slice) -> Tensor:
        return torch.from_numpy(self.noise[rows]).permute(2, 0, 1).contiguous()

    @property
    def _leans(self) -> bool:
        """Whether the prediction itself is weighed in."""
        return bool(self.prediction_gain.any())

    def _with_weights(self, sums: _Sums, under_null: FloatArray) -> Self:
        by_predicted = _Sums(*(v.sum(axis=1, keepdims=True) for v in vars(sums).values()))
        prediction_gain = by_predicted.prediction_gain() if self._leans else np.zeros((N_PREDICTED, 1))
        counts = np.maximum(sums.counts, 1)
        residual = sums.residual(prediction_gain)
        error = residual / np.sqrt(np.maximum(counts / DEPENDENT, 1))
        missed = _growing(residual - under_null, sums.counts)
        doubtless = _growing(residual - DOUBT * error - under_null, sums.counts)
        return replace(
            self,
            prediction_gain=np.broadcast_to(prediction_gain, counts.shape).astype(np.float32),
            trust=(doubtless / (doubtless + 1)).astype(np.float32),
            variance=(missed / (missed + 1)).astype(np.float32),
        )


class _Study(NamedTuple):
    data: Float32Array
    prediction: Float32Array
    times: BoolArray  # that are measured on, shape (n_samples,)


@dataclass(frozen=True)
class _Sums:
    """Sums over the cells of each level, in units of the noise, each of the shape (N_PREDICTED, N_OBSERVED)."""

    counts: FloatArray
    products: FloatArray
    predicted: FloatArray
    observed: FloatArray

    def prediction_gain(self) -> FloatArray:
        """Return the factor of the prediction that comes closest to what is observed, less what chance may add."""
        best = self.products / np.maximum(self.predicted, 1e-12)
        under_null = np.sqrt(self.residual(best) / np.maximum(self.predicted, 1e-12) * DEPENDENT / 2)
        return np.clip(best - DOUBT * under_null, 0, MOST)

    def residual(self, prediction_gain: FloatArray) -> FloatArray:
        """Return the mean power that is left where the prediction is taken off with a factor."""
        left = self.observed - 2 * prediction_gain * self.products + prediction_gain**2 * self.predicted
        return np.maximum(left, 0) / np.maximum(self.counts, 1)

    @classmethod
    def over(cls, studied: Sequence[_Study], wiener: WienerWeights) -> _Sums:
        totals = np.zeros((4, N_PREDICTED * N_OBSERVED))
        for block, observed, predicted, times in _spectra(studied, wiener.frames):
            levels = wiener.levels(observed, predicted, block.rows).round_().long()
            index = block.own(levels[0] * N_OBSERVED + levels[1]).flatten().numpy()
            observed, predicted = block.own(observed), block.own(predicted)
            noise = wiener._noise_of(block.rows)[:, block.own_rows]
            counted = (_power(observed).sum(dim=(1, 3)) > 0) & times
            values = (
                torch.ones_like(noise),
                (observed * predicted.conj()).real / noise,
                _power(predicted) / noise,
                # Beyond a million times the noise the power says no more.
                (_power(observed) / noise).clamp(max=1e6),
            )
            for total, value in zip(totals, values, strict=True):
                total += np.bincount(index, (value * counted[:, None, :, None]).flatten().numpy(), len(total))
        return cls(*totals.reshape(4, N_PREDICTED, N_OBSERVED))


def _frames_for(pairs: Sequence[Pair], on_line: bool) -> Frames:
    n_channels, shortest = pairs[0][0].shape[0], min(data.shape[1] for data, _ in pairs)
    channels, samples = CHANNELS, SAMPLES
    while channels > 1 and (channels > n_channels or not on_line):
        channels //= 2
    while samples > SHORTEST and 8 * samples > shortest:
        samples //= 2
    return Frames(channels, samples)


def _studied(pairs: Sequence[Pair], times: Sequence[BoolArray] | None, frames: Frames) -> list[_Study]:
    everywhere = [_Study(*pair, np.ones(pair[0].shape[1], np.bool_)) for pair in pairs]
    if times is None:
        return everywhere
    some = [study._replace(times=use) for study, use in zip(everywhere, times, strict=True)]
    n_whole = [_own_times(s, frames, b).sum() for s in some for b in frames.blocks((1, len(s.times)))]
    return some if sum(n_whole) >= FEWEST else everywhere


def _quiet_power(studied: Sequence[_Study], frames: Frames) -> tuple[Float32Array, float]:
    """Return the noise power by row, wavenumber and frequency, from the frames in which least is predicted.

    Waves that never cease are in these frames, too: as much of the predicted power as comes true is taken off, and
    returned as a share of what is observed.
    """
    n_rows = frames.n_rows(len(studied[0].data))
    powers, counts, true = np.zeros((2, n_rows, frames.channels, frames.n_frequencies)), np.zeros(n_rows), 0.0
    loudest = np.quantile(np.concatenate([_loudness(study, frames) for study in studied]), QUIET)
    for block, observed, predicted, times in _spectra(studied, frames):
        rows = slice(block.rows.start + block.own_rows.start, block.rows.start + block.own_rows.stop)
        observed, predicted = block.own(observed), block.own(predicted)
        recorded = (_power(observed).sum(dim=(1, 3)) > 0) & times
        quiet = (recorded & (_power(predicted).sum(dim=(1, 3)) <= loudest))[:, None, :, None]
        # Only over all wavenumbers is a channel's noise no part of its prediction.
        true += float(((observed * predicted.conj()).real * quiet).sum(dtype=torch.float64))
        for total, spectra in zip(powers, (observed, predicted), strict=True):
            of_quiet = (_power(spectra) * quiet).sum(dim=0, dtype=torch.float64)
            total[rows] += of_quiet.permute(1, 2, 0).numpy()
        counts[rows] += quiet.sum(dim=(0, 1, 3)).numpy()
    waves = np.clip(true / max(powers[1].sum(), 1e-30), 0, 1) * powers[1]
    share = float(waves.sum() / max(powers[0].sum(), 1e-30))
    total = np.maximum(powers[0] - waves, MIN_NOISE * powers[0])
    common = total.sum(axis=0) / max(counts.sum(), 1)
    # A row with few quiet frames has the noise of all.
    noise = (total + DEPENDENT * common) / (counts[:, None, None] + DEPENDENT)
    return np.maximum(noise, max(1e-9 * float(noise.max()), 1e-30)).astype(np.float32), share


def _loudness(study: _Study, frames: Frames) -> Float32Array:
    """Return the power predicted in each frame within the times measured on."""
    values = []
    for block in frames.blocks(study.prediction.shape):
        power = _power(block.own(frames.of(study.prediction[block.seen], block.beyond))).sum(dim=(1, 3))
        values.append(power[_own_times(study, frames, block)[:, 0]].flatten().numpy())
    return np.concatenate(values)


def _null_power(frames: Frames) -> FloatArray:
    """Return the mean power of noise by the power observed around it: frames overlap, so they are a little alike."""
    shape = 4 * frames.channels, SIMULATED // (4 * frames.channels)
    values = np.random.default_rng(0).standard_normal(shape, np.float32)
    power = _power(frames.of(values))[1:-1]
    power = power[:, :, 1:-1] if frames.channels > 1 else power
    power = power / power.mean(dim=(0, 2), keepdim=True)
    around = 2 * (torch.log2(frames.of_neighbours(power).clamp_(min=1e-12)) - MIN_OBSERVED)
    level = around.clamp(0, N_OBSERVED - 1).round().long().flatten().numpy()
    counts = np.bincount(level, minlength=N_OBSERVED)
    mean = np.bincount(level, power.flatten().numpy(), N_OBSERVED) / np.maximum(counts, 1)
    return np.maximum.accumulate(np.where(counts > ENOUGH, np.maximum(mean, 1), 1))


def _growing(missed: FloatArray, counts: FloatArray) -> FloatArray:
    """Let what was missed grow with what is predicted and observed: few cells borrow from the level below."""
    known = np.where(counts < FEWEST, 0, np.maximum(missed, 0))
    return np.maximum.accumulate(np.maximum.accumulate(known, axis=0), axis=1)


def _seen(data: Float32Array, prediction: Float32Array, live: BoolArray, block: Block) -> Pair:
    """Return a block of both, the prediction in the place of what was not recorded."""
    observed, predicted = data[block.seen].copy(), prediction[block.seen]
    np.copyto(observed, predicted, where=(observed == 0) | ~live[block.seen[0], None])
    return observed, predicted


def _spectra(studied: Sequence[_Study], frames: Frames) -> Iterator[tuple[Block, Tensor, Tensor, Tensor]]:
    for study in studied:
        for block in frames.blocks(study.data.shape):
            observed, predicted = (
                frames.of(values[block.seen], block.beyond) for values in (study.data, study.prediction)
            )
            yield block, observed, predicted, _own_times(study, frames, block)


def _own_times(study: _Study, frames: Frames, block: Block) -> Tensor:
    """Return which columns of a block's own frames are measured on, shape (n_columns, 1)."""
    return frames.within(study.times, block)[block.own_columns, None]


def _looked_up(tables: Float32Array, levels: Tensor) -> Tensor:
    """Look tables up between levels, so that a rounding error cannot change a weight; the levels are used up."""
    for level, size in zip(levels, tables.shape[1:], strict=True):
        level.mul_(2 / (size - 1)).sub_(1)
    by_column = torch.from_numpy(tables).transpose(1, 2)[None]  # grid_sample wants the columns first
    found = functional.grid_sample(
        by_column, levels.flatten(1).T[None, None], align_corners=True, padding_mode="border"
    )
    return found.view(len(tables), *levels.shape[1:])


def _scaled(spectra: Tensor, weights: Tensor) -> Tensor:
    """Scale spectra in place: NumPy makes the weights complex piece by piece, torch all of them at once."""
    np.multiply(spectra.numpy(), weights.numpy(), out=spectra.numpy())
    return spectra


def _power(spectra: Tensor) -> Tensor:
    return torch.from_numpy(np.abs(spectra.numpy())).square_()


def _octaves(power: Tensor, out: Tensor) -> None:
    np.log2(power.clamp_(min=1e-12).numpy(), out=out.numpy())
