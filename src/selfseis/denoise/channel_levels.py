"""The channels as they are: how loud each one's noise and signal are, which record nothing, and what fills those in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.denoise.line_filter import LineRidge
from selfseis.denoise.station_filter import StationRidge
from selfseis.denoise.training_data import Span, is_line
from selfseis.recording.dataarray import is_fibre
from selfseis.recording.despike import REACH, bridge_spikes
from selfseis.recording.preprocessing import Conditioner
from selfseis.recording.shrinkage import drawn_together, outer_quarters
from selfseis.typing import BoolArray, Float32Array, FloatArray, IndexArray

Ridge = LineRidge | StationRidge
CHANGED = 2  # octaves beyond what all channels changed by, from which on a channel's noise is another one
REFERENCE_SPREAD = 0.5  # of gains about one, before anything was measured


def measured_levels(recording: xr.DataArray, band: tuple[float, float] | None) -> Conditioner:
    """Measure offset and noise level of each channel; the channels of a line are taken for alike until they differ.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    band : tuple of float or None
        Pass band in Hz; None for the usual one.

    Returns
    -------
    Conditioner
    """
    return Conditioner.measure(recording, band, alike=is_line(recording))


def measured_gains(spans: list[Span], predict: Callable[[Float32Array], Float32Array]) -> Float32Array:
    """Measure what the prediction of each channel must be multiplied by: one filter serves a whole line.

    A channel of more noise than its neighbours has less signal in units of its noise. The least-squares factor is drawn
    towards one as far as its error allows, and all of them together as far as two halves of the time disagree.

    Parameters
    ----------
    spans : list of Span
        Measured on what is learnt from.
    predict : callable
        Maps conditioned data to a blind prediction of the same shape.

    Returns
    -------
    ndarray, shape (n_channels,)
    """
    halves = np.zeros((2, 4, len(spans[0].data)))
    for span in spans:
        guess, outer = predict(span.data), outer_quarters(span.data.shape[1])
        halves += np.stack([_sums(span, guess, half) for half in (outer, ~outer)])
    gains = drawn_together(_factors(halves.sum(axis=0)), np.stack([_factors(half) for half in halves]))
    return gains.astype(np.float32)


def _sums(span: Span, guess: Float32Array, times: BoolArray) -> FloatArray:
    """Return data times prediction, prediction squared, data squared and the number of samples, each by channel."""
    train = span.train[:, times]
    data, guess = (np.where(train, values[:, times], 0) for values in (span.data, guess))
    pairs = ((data, guess), (guess, guess), (data, data))
    return np.stack([*(np.einsum("ct,ct->c", a, b, dtype=np.float64) for a, b in pairs), train.sum(axis=1)])


def _factors(sums: FloatArray) -> FloatArray:
    products, powers, energy, counts = sums
    residual = np.maximum(energy - 2 * products + powers, 0) / np.maximum(counts, 1)
    doubt = residual / REFERENCE_SPREAD**2
    return np.divide(products + doubt, powers + doubt, out=np.ones_like(powers), where=powers + doubt > 0)


@dataclass(frozen=True)
class ChannelNoiseLevels(Conditioner):
    """A conditioner that knows the channels of one day, and lets dead ones through where they can be predicted.

    Attributes
    ----------
    gain : ndarray, shape (n_channels,)
        What the prediction of a channel is multiplied by: its signal relative to its neighbours', in units of noise.
    level : ndarray, shape (n_channels,)
        What brings a channel back to its units: its scale, or for a dead one the level of its neighbours' signal.
    sources : mapping of int to ndarray of int
        For each dead channel that is predicted, the live channels that it is predicted from.
    """

    gain: Float32Array
    level: Float32Array
    sources: Mapping[int, IndexArray]

    @classmethod
    def as_trained(
        cls, trained: Conditioner, gain: Float32Array, ridge: Ridge, recording: xr.DataArray
    ) -> Self:
        """Return the levels of the recording that was learnt from, or of one whose channels are like its."""
        return cls._filled(trained, gain, trained.scale * gain, ridge, recording)

    @classmethod
    def of_today(
        cls,
        trained: Conditioner,
        gain: Float32Array,
        today: Conditioner,
        ridge: Ridge,
        recording: xr.DataArray,
    ) -> Self:
        """Return the levels learnt, but for channels that are dead today or have quite another noise.

        A change that all channels share is the weather's and leaves the levels alone. The others go by whole octaves,
        so that a recording that grows keeps its levels, and its cleaned part stays as it is. More noise leaves the
        signal as it was; less noise is taken for a loss of coupling, which takes the signal along.

        Parameters
        ----------
        learnt, today : Conditioner
            Levels of the recording that was learnt from, and of another one of the same channels.
        gain : ndarray, shape (n_channels,)
            As learnt.
        ridge : LineRidge or StationRidge
            What predicts: on a line a channel that has come back to life is used again; a station that was never
            heard cannot be.
        recording : xarray.DataArray
            Where the channels are.
        """
        both = np.isfinite(trained.scale) & np.isfinite(today.scale)
        change = np.zeros(len(both))
        change[both] = np.log2(today.scale[both] / trained.scale[both])
        weather = np.median(change[both]) if both.any() else 0.0
        octaves = np.round(change - weather)
        octaves[~both | (np.abs(octaves) < CHANGED)] = 0
        scale = trained.scale * 2.0**octaves
        scale[~np.isfinite(today.scale)] = np.nan
        if isinstance(ridge, LineRidge):
            revived = np.isfinite(today.scale) & ~np.isfinite(trained.scale)
            scale[revived] = 2.0 ** np.round(np.log2(today.scale[revived]) - weather)
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
            int(channel): seen
            for channel in np.flatnonzero(~live & np.isfinite(signal))
            if len(seen := _seen_from(int(channel), ridge, live))
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
        """Channels that record nothing and are predicted, shape (n_channels,)."""
        mask = np.zeros(len(self.scale), bool)
        mask[list(self.sources)] = True
        return mask

    @property
    def halo(self) -> int:
        """Samples of context on each side that make a tile equal to the whole."""
        return super().halo + REACH + 1

    @property
    def observed(self) -> Conditioner:
        """The same without what is predicted."""
        return Conditioner(self.rate, self.band, self.offset, self.scale)

    def __call__(self, data: Float32Array) -> tuple[Float32Array, BoolArray]:
        """Condition a tile without its spikes; a dead channel counts as valid where any of its sources is."""
        conditioned, valid = super().__call__(bridge_spikes(data)[0])
        for channel, seen in self.sources.items():
            valid[channel] = valid[seen].any(axis=0)
        return conditioned, valid

    def restore(self, conditioned: Float32Array) -> Float32Array:
        """Bring conditioned data back to the units of the recording, band-passed still."""
        return conditioned * self.level[:, None]


def _seen_from(channel: int, ridge: Ridge, live: BoolArray) -> IndexArray:
    """List the live channels that a channel is predicted from."""
    if isinstance(ridge, StationRidge):
        return np.flatnonzero((ridge.weights[channel] != 0).any(axis=1) & live)
    neighbours = channel + ridge.offsets
    inside = neighbours[(neighbours >= 0) & (neighbours < len(live))]
    return inside[live[inside]]


def _between_neighbours(signal: NDArray, recording: xr.DataArray) -> NDArray:
    """Interpolate the logarithm of the signal's level along the line where it is not known."""
    where = recording["distance"].values if is_fibre(recording) else np.arange(len(signal))
    known = np.isfinite(signal) & (signal > 0)
    if not known.any():
        return signal
    between = np.exp(np.interp(where, where[known], np.log(signal[known])))
    return np.where(np.isfinite(signal), signal, between)
