"""Reproducible Gaussian noise of unlimited length, addressed by channel and sample.

White noise is drawn in short blocks, each from a generator keyed by (seed, role, channel, block), and
filtered on a fixed grid with a halo from the neighbouring blocks. Any slice equals the same slice of the whole:
there are no seams, the order of reading does not matter, and memory is used only for the requested samples.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

import numpy as np
import numpy.typing as npt
import scipy.fft

from selfseis.typing import Float32Array, FloatArray

WHITE_BLOCK = 2048  # samples drawn from one generator
BLOCKS_BEFORE_START = 1 << 16  # the halo of a filter begins before sample 0, and keys must not be negative
MIN_FFT = 4096

CorrelationShape = Literal["gauge", "gaussian"]


class Role(IntEnum):
    """Purpose of a random generator: equal seeds give independent numbers in different roles."""

    CHANNEL_NOISE = 0
    COMMON_MODE = 1
    BURSTS = 2
    OCEAN = 3
    DEAD_CHANNELS = 4
    STATIONS = 5
    EVENT = 6
    EVENT_TIMES = 7


def keyed_generator(seed: int, role: Role, *keys: int) -> np.random.Generator:
    """Return the generator of a seed, a role and further non-negative keys (channel, block, ...)."""
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence((seed, int(role), *keys))))


def log_uniform(rng: np.random.Generator, bounds: tuple[float, float], size: int | None = None) -> FloatArray:
    """Draw numbers between two bounds, uniform in their logarithm."""
    return np.exp(rng.uniform(np.log(bounds[0]), np.log(bounds[1]), size))


def band_pass_taps(
    sampling_rate: float, band: tuple[float, float] | None, colour: float = 0.0
) -> Float32Array:
    """Design a symmetric FIR filter that turns unit white noise into unit noise of a band and colour.

    Parameters
    ----------
    sampling_rate : float
        Hz.
    band : tuple of float or None
        Minimum and maximum frequency (Hz); None keeps all frequencies.
    colour : float
        Power falls as ``frequency ** -colour`` inside the band: 0 white, 1 pink, 2 brown.

    Returns
    -------
    numpy.ndarray
        An odd number of taps with unit energy.

    Raises
    ------
    ValueError
        If the band is not 0 <= low < high <= Nyquist, or if there is a colour without a band.
    """
    if band is None:
        if colour:
            raise ValueError("coloured noise needs a band: power grows without limit towards 0 Hz")
        return np.ones(1, np.float32)
    low, high = band
    nyquist = sampling_rate / 2
    if not 0 <= low < high <= nyquist or (colour and low == 0):
        raise ValueError(
            f"band must obey 0 <= low < high <= {nyquist} Hz (low > 0 for coloured noise), got {band} Hz"
        )
    transition = max(low / 2, sampling_rate / 500)
    half = int(np.ceil(2 * sampling_rate / transition))
    frequencies = scipy.fft.rfftfreq(8 * half, 1 / sampling_rate)
    amplitude = ((frequencies >= low) & (frequencies <= high)).astype(float)
    amplitude *= np.maximum(frequencies, max(low, transition)) ** (-colour / 2)
    impulse = scipy.fft.irfft(amplitude)
    taps = np.concatenate([impulse[-half:], impulse[: half + 1]]) * np.hanning(2 * half + 3)[1:-1]
    return (taps / np.linalg.norm(taps)).astype(np.float32)


def filter_zero_phase(waveforms: Float32Array, taps: Float32Array) -> Float32Array:
    """Filter with a symmetric FIR filter, without delay; samples before and after the waveforms count as 0.

    Parameters
    ----------
    waveforms : numpy.ndarray
        Shape (..., samples).
    taps : numpy.ndarray
        An odd number of taps.

    Returns
    -------
    numpy.ndarray
        Same shape, float32.
    """
    n_samples, half = waveforms.shape[-1], taps.size // 2
    padded = scipy.fft.next_fast_len(n_samples + taps.size, real=True)
    filtered = scipy.fft.irfft(scipy.fft.rfft(waveforms, padded) * scipy.fft.rfft(taps, padded), padded)
    return np.asarray(filtered[..., half : half + n_samples], dtype=np.float32)


def channel_weights(correlation_length: float, shape: CorrelationShape) -> Float32Array:
    """Weights of the moving sum over channels that gives noise its correlation across channels.

    Parameters
    ----------
    correlation_length : float
        In channels. ``"gauge"``: gauge length / channel spacing, rounded; the correlation at a lag is the
        triangle ``max(0, 1 - lag / length)`` that a sliding gauge gives. ``"gaussian"``: ``exp(-(lag /
        length) ** 2)``.
    shape : {"gauge", "gaussian"}
        Shape of the correlation.

    Returns
    -------
    numpy.ndarray
        Weights with unit energy; one weight when channels are independent.
    """
    if shape == "gauge":
        weights = np.ones(max(1, round(correlation_length)))
    else:
        reach = int(np.ceil(2 * correlation_length))
        lags = np.arange(-reach, reach + 1)
        weights = np.exp(-2 * (lags / correlation_length) ** 2) if reach else np.ones(1)
    return (weights / np.linalg.norm(weights)).astype(np.float32)


@dataclass(frozen=True)
class NoiseStream:
    """Stationary Gaussian noise of unit variance on any number of channels, without beginning or end.

    Parameters
    ----------
    seed : int
        Non-negative. Equal seeds give equal noise.
    sampling_rate : float
        Hz.
    band : tuple of float or None
        Pass band (Hz) of the noise; None for all frequencies.
    colour : float
        Power falls as ``frequency ** -colour`` inside the band.
    correlation_length : float
        In channels; 1 or less (gauge) or 0 (gaussian) for independent channels.
    correlation_shape : {"gauge", "gaussian"}
        See `channel_weights`.
    stride : int
        Channels between neighbours: 3 when the three components of a station follow each other and
        neighbouring stations, not components, are correlated.
    role : Role
        Roles with equal seeds give independent noise.
    """

    seed: int
    sampling_rate: float
    band: tuple[float, float] | None = None
    colour: float = 0.0
    correlation_length: float = 1.0
    correlation_shape: CorrelationShape = "gauge"
    stride: int = 1
    role: Role = Role.CHANNEL_NOISE
    _taps: Float32Array = field(init=False, repr=False, compare=False)
    _weights: Float32Array = field(init=False, repr=False, compare=False)
    _taps_spectrum: npt.NDArray[np.complex64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Design the filters once."""
        taps = band_pass_taps(self.sampling_rate, self.band, self.colour)
        fft_samples = max(MIN_FFT, 1 << (8 * taps.size).bit_length())
        object.__setattr__(self, "_taps", taps)
        object.__setattr__(self, "_taps_spectrum", scipy.fft.rfft(taps, fft_samples))
        object.__setattr__(self, "_weights", channel_weights(self.correlation_length, self.correlation_shape))

    def read(self, channels: npt.ArrayLike, first: int, last: int) -> Float32Array:
        """Return the noise of the given channels.

        Parameters
        ----------
        channels : array_like of int
            Channel numbers, from 0, in any order.
        first, last : int
            Samples, from 0; `last` excluded.

        Returns
        -------
        numpy.ndarray
            Shape (channels, last - first), float32.
        """
        numbers = np.asarray(channels, dtype=np.int64)
        offsets = np.arange(self._weights.size) * self.stride
        sources, rows = np.unique(numbers[:, None] + offsets, return_inverse=True)
        rows = rows.reshape(numbers.size, offsets.size)
        noise = np.zeros((numbers.size, last - first), np.float32)
        step = self._samples_per_filtered_block
        for block in range(first // step, -(-last // step)):
            begin, end = max(first, block * step), min(last, (block + 1) * step)
            filtered = np.empty((sources.size, end - begin), np.float32)
            for row, source in enumerate(sources):
                filtered[row] = self._filtered_block(int(source), block)[
                    begin - block * step : end - block * step
                ]
            part = noise[:, begin - first : end - first]
            for weight, source_rows in zip(self._weights, rows.T, strict=True):
                part += weight * filtered[source_rows]
        return noise

    @property
    def _samples_per_filtered_block(self) -> int:
        fft_samples = 2 * (self._taps_spectrum.size - 1)
        return fft_samples - self._taps.size + 1

    def _filtered_block(self, source: int, block: int) -> Float32Array:
        """One source channel, filtered on a fixed grid (overlap-save), so that rounding is the same in every slice."""
        step, half = self._samples_per_filtered_block, self._taps.size // 2
        white = self._white(source, block * step - half, (block + 1) * step + half)
        if self._taps.size == 1:
            return white
        filtered = scipy.fft.irfft(scipy.fft.rfft(white) * self._taps_spectrum)
        return filtered[self._taps.size - 1 :]

    def _white(self, source: int, first: int, last: int) -> Float32Array:
        first_block, last_block = first // WHITE_BLOCK, -(-last // WHITE_BLOCK)
        white = np.empty((last_block - first_block, WHITE_BLOCK), np.float32)
        for row, block in enumerate(range(first_block, last_block)):
            generator = keyed_generator(self.seed, self.role, source, block + BLOCKS_BEFORE_START)
            generator.standard_normal(out=white[row], dtype=np.float32)
        return white.reshape(-1)[first - first_block * WHITE_BLOCK : last - first_block * WHITE_BLOCK]
