"""Noise and signal levels of channels, and the prediction of dead channels from live ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.denoise.line_filter import LineRidge
from selfseis.denoise.options import LevelOptions
from selfseis.denoise.station_filter import StationRidge
from selfseis.denoise.training_data import Span, is_line
from selfseis.recording.dataarray import is_fibre
from selfseis.recording.despike import bridge_spikes
from selfseis.recording.options import SpikeOptions
from selfseis.recording.preprocessing import Conditioner
from selfseis.recording.shrinkage import outer_quarters, shrink_to_median
from selfseis.typing import BoolArray, Float32Array, FloatArray, IndexArray

Ridge = LineRidge | StationRidge


def measured_levels(recording: xr.DataArray, band: tuple[float, float] | None) -> Conditioner:
    """Measure offset and noise level of each channel; on a line the levels are shrunk towards a common one.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    band : tuple of float or None
        Pass band in Hz; None for the default.

    Returns
    -------
    Conditioner
    """
    return Conditioner.measure(recording, band, shrink=is_line(recording))


def measured_gains(
    spans: list[Span],
    predict: Callable[[Float32Array], Float32Array],
    options: LevelOptions = LevelOptions(),
) -> Float32Array:
    """Measure the prediction gain of each channel, since one filter serves a whole line.

    A channel with more noise than its neighbours has less signal in units of its noise. The least-squares factors are
    shrunk towards one according to their errors, and towards each other as far as two halves of the time disagree.

    Parameters
    ----------
    spans : list of Span
        The training samples of these spans are used.
    predict : callable
        Maps conditioned data to a blind prediction of the same shape.
    options : LevelOptions
        Settings.

    Returns
    -------
    ndarray, shape (n_channels,)
    """
    halves = np.zeros((2, 4, len(spans[0].data)))
    for span in spans:
        prediction, outer = predict(span.data), outer_quarters(span.data.shape[1])
        halves += np.stack([_sums(span, prediction, half) for half in (outer, ~outer)])
    spread = options.prior_spread
    of_halves = np.stack([_factors(half, spread) for half in halves])
    return shrink_to_median(_factors(halves.sum(axis=0), spread), of_halves).astype(np.float32)


def _sums(span: Span, prediction: Float32Array, times: BoolArray) -> FloatArray:
    """Return the sums of products, predicted power, power and number of samples, each per channel."""
    train = span.train[:, times]
    data, predicted = (np.where(train, values[:, times], 0) for values in (span.data, prediction))
    pairs = ((data, predicted), (predicted, predicted), (data, data))
    return np.stack([*(np.einsum("ct,ct->c", a, b, dtype=np.float64) for a, b in pairs), train.sum(axis=1)])


def _factors(sums: FloatArray, prior_spread: float) -> FloatArray:
    """Return the least-squares factor of each channel, with a normal prior about one."""
    products, powers, energy, counts = sums
    residual = np.maximum(energy - 2 * products + powers, 0) / np.maximum(counts, 1)
    penalty = residual / prior_spread**2
    return np.divide(
        products + penalty, powers + penalty, out=np.ones_like(powers), where=powers + penalty > 0
    )


@dataclass(frozen=True)
class ChannelNoiseLevels(Conditioner):
    """A conditioner with the channel levels of one recording; it passes dead channels that can be predicted.

    Attributes
    ----------
    gain : ndarray, shape (n_channels,)
        Prediction gain: signal of a channel relative to its neighbours', in units of noise.
    level : ndarray, shape (n_channels,)
        Factor to the units of a channel: its scale, or for a dead channel the signal level of its neighbours.
    sources : mapping of int to ndarray of int
        Live channels that predict each dead channel.
    """

    gain: Float32Array
    level: Float32Array
    sources: Mapping[int, IndexArray]

    @classmethod
    def as_trained(
        cls, trained: Conditioner, gain: Float32Array, ridge: Ridge, recording: xr.DataArray
    ) -> Self:
        """Return the levels of the training data, for these or for similar channels."""
        return cls._filled(trained, gain, trained.scale * gain, ridge, recording)

    @classmethod
    def of_today(
        cls,
        trained: Conditioner,
        gain: Float32Array,
        today: Conditioner,
        ridge: Ridge,
        recording: xr.DataArray,
        options: LevelOptions,
    ) -> Self:
        """Return the trained levels, updated for channels that are dead today or have a very different noise level.

        A change common to all channels, as by weather, leaves the levels unchanged. Other changes are rounded to whole
        octaves. A growing recording thus keeps its levels, and its denoised part stays the same. More noise leaves the
        signal level unchanged. Less noise is attributed to a loss of coupling, which also reduces the signal.

        Parameters
        ----------
        trained, today : Conditioner
            Levels of the training data, and of another recording of the same channels.
        gain : ndarray, shape (n_channels,)
            Prediction gain of each channel in the training data.
        ridge : LineRidge or StationRidge
            The filter. On a line it can use a channel that was dead in the training data; a filter of stations cannot.
        recording : xarray.DataArray
            The recording, for the positions of the channels.
        options : LevelOptions
            Settings.
        """
        both = np.isfinite(trained.scale) & np.isfinite(today.scale)
        change = np.zeros(len(both))
        change[both] = np.log2(today.scale[both] / trained.scale[both])
        common = np.median(change[both]) if both.any() else 0.0
        octaves = np.round(change - common)
        octaves[~both | (np.abs(octaves) < options.min_change)] = 0
        scale = trained.scale * 2.0**octaves
        scale[~np.isfinite(today.scale)] = np.nan
        if isinstance(ridge, LineRidge):
            revived = np.isfinite(today.scale) & ~np.isfinite(trained.scale)
            scale[revived] = 2.0 ** np.round(np.log2(today.scale[revived]) - common)
        now = replace(trained, scale=scale.astype(np.float32))
        signal = trained.scale * gain * 2.0 ** np.minimum(octaves, 0)
        return cls._filled(now, gain / 2.0 ** np.maximum(octaves, 0), signal, ridge, recording)

    @classmethod
    def _filled(
        cls, levels: Conditioner, gain: NDArray, signal: NDArray, ridge: Ridge, recording: xr.DataArray
    ) -> Self:
        live = np.isfinite(levels.scale)
        if isinstance(ridge, LineRidge) and np.isfinite(signal).any():
            signal = _between_neighbours(signal, recording)
        sources = {
            int(channel): predictors
            for channel in np.flatnonzero(~live & np.isfinite(signal))
            if len(predictors := _predictors(int(channel), ridge, live))
        }
        return cls(
            levels.rate,
            levels.band,
            levels.offset,
            levels.scale,
            np.where(live, gain, 1).astype(np.float32),
            np.where(live, levels.scale, signal).astype(np.float32),
            sources,
        )

    @property
    def predicted(self) -> BoolArray:
        """Mask of the dead channels that are predicted, shape (n_channels,)."""
        mask = np.zeros(len(self.scale), bool)
        mask[list(self.sources)] = True
        return mask

    @property
    def halo(self) -> int:
        """Samples of context on each side that a tile needs to equal the whole recording."""
        return super().halo + SpikeOptions().reach + 1

    @property
    def observed(self) -> Conditioner:
        """The conditioner of the observed channels alone."""
        return Conditioner(self.rate, self.band, self.offset, self.scale)

    def __call__(self, data: Float32Array) -> tuple[Float32Array, BoolArray]:
        """Condition a tile without its spikes; a dead channel is valid where any of its sources is."""
        conditioned, valid = super().__call__(bridge_spikes(data)[0])
        for channel, predictors in self.sources.items():
            valid[channel] = valid[predictors].any(axis=0)
        return conditioned, valid

    def restore(self, conditioned: Float32Array) -> Float32Array:
        """Return conditioned data in the units of the recording, still band-passed."""
        return conditioned * self.level[:, None]


def _predictors(channel: int, ridge: Ridge, live: BoolArray) -> IndexArray:
    """Return the live channels that predict a channel."""
    if isinstance(ridge, StationRidge):
        return np.flatnonzero((ridge.weights[channel] != 0).any(axis=1) & live)
    neighbours = channel + ridge.offsets
    inside = neighbours[(neighbours >= 0) & (neighbours < len(live))]
    return inside[live[inside]]


def _between_neighbours(signal: NDArray, recording: xr.DataArray) -> NDArray:
    """Interpolate the logarithm of the signal level along the line where it is unknown."""
    where = recording["distance"].values if is_fibre(recording) else np.arange(len(signal))
    known = np.isfinite(signal) & (signal > 0)
    if not known.any():
        return signal
    between = np.exp(np.interp(where, where[known], np.log(signal[known])))
    return np.where(np.isfinite(signal), signal, between)
