"""Noise with known statistics: band-limited, correlated across channels, bursty, common mode; dead channels.

Physical: the triangular correlation of a sliding gauge; the noise of the laser, equal on all channels. Not
physical: noise is Gaussian and stationary between bursts. A burst is a louder stretch of the noise of each
channel, so it is as incoherent across channels as that noise and has no source position.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from selfseis.simulate.stream import CorrelationShape, NoiseStream, Role, keyed_generator, log_uniform
from selfseis.typing import Float32Array, IntArray

BurstReach = Literal["all", "neighbours", "station"]
BURST_EPOCH = 600.0  # seconds drawn from one generator, so that the bursts of any span can be computed
MAX_BURST = 60.0  # seconds before a span in which a burst may have begun


def band_limited_noise(
    n_channels: int,
    n_samples: int,
    sampling_rate: float,
    band: tuple[float, float] | None,
    seed: int,
    *,
    colour: float = 0.0,
    correlation_length: float = 1.0,
    correlation_shape: CorrelationShape = "gauge",
) -> Float32Array:
    """Gaussian noise of unit variance in a band, with a chosen correlation across channels.

    Parameters
    ----------
    n_channels, n_samples : int
        Size.
    sampling_rate : float
        Hz.
    band : tuple of float or None
        Frequencies (Hz) to keep; None for white noise up to Nyquist.
    seed : int
        Non-negative. Equal seeds give equal noise.
    colour : float
        Power falls as ``frequency ** -colour`` inside the band.
    correlation_length : float
        In channels: for a DAS, gauge length / channel spacing.
    correlation_shape : {"gauge", "gaussian"}
        Triangle ``max(0, 1 - lag / length)`` or ``exp(-(lag / length) ** 2)``.

    Returns
    -------
    numpy.ndarray
        Shape (n_channels, n_samples), float32.

    Raises
    ------
    ValueError
        If the band does not fit the sampling rate.
    """
    stream = NoiseStream(
        seed,
        sampling_rate,
        band,
        colour=colour,
        correlation_length=correlation_length,
        correlation_shape=correlation_shape,
    )
    return stream.read(np.arange(n_channels), 0, n_samples)


def common_mode(
    n_samples: int, sampling_rate: float, band: tuple[float, float] | None, seed: int, *, first: int = 0
) -> Float32Array:
    """Noise of unit variance that all channels share, such as that of an interrogator's laser.

    Parameters
    ----------
    n_samples : int
        Length.
    sampling_rate : float
        Hz.
    band : tuple of float or None
        Frequencies (Hz) to keep.
    seed : int
        Non-negative; the same seed as the channels' own noise still gives independent numbers.
    first : int
        First sample, for a slice of a longer recording.

    Returns
    -------
    numpy.ndarray
        Shape (n_samples,), float32: add it to every channel.
    """
    stream = NoiseStream(seed, sampling_rate, band, role=Role.COMMON_MODE)
    return stream.read([0], first, first + n_samples)[0]


@dataclass(frozen=True)
class Burst:
    """A louder stretch of noise: up to ``1 + amplitude`` times as loud, in the shape of a Hann window."""

    start: float  # s after the first sample of the recording
    duration: float  # s
    amplitude: float
    first_channel: int
    last_channel: int  # included


def bursts(
    start: float,
    end: float,
    n_channels: int,
    rate_per_hour: float,
    seed: int,
    *,
    reach: Sequence[BurstReach] = ("all", "neighbours", "station"),
    amplitude: float = 4.0,
    amplitude_spread: float = 0.5,
    durations: tuple[float, float] = (0.5, 10.0),
    channels_per_station: int = 1,
) -> list[Burst]:
    """Bursts that begin in a span of time, at Poisson times.

    Parameters
    ----------
    start, end : float
        Span (s after the first sample of the recording, not negative); a burst belongs to it by its start.
    n_channels : int
        Channels of the recording.
    rate_per_hour : float
        Mean number of bursts per hour, all kinds together.
    seed : int
        Non-negative. The bursts of a span do not depend on other spans.
    reach : sequence of {"all", "neighbours", "station"}
        Kinds, drawn with equal probability: all channels at once; a run of at least 2 stations (or fibre channels)
        and at most a quarter of them; one station.
    amplitude : float
        Median amplitude over that of the noise.
    amplitude_spread : float
        Standard deviation of the logarithm of the amplitude.
    durations : tuple of float
        Minimum and maximum duration (s), log-uniform between.
    channels_per_station : int
        Components that follow each other in the recording.

    Returns
    -------
    list of Burst
        Ordered by epoch of 600 s, not by time.

    Raises
    ------
    ValueError
        If a burst could last longer than 60 s.
    """
    if durations[1] > MAX_BURST:
        raise ValueError(f"bursts must last {MAX_BURST:g} s at most, got {durations[1]:g} s")
    n_stations = n_channels // channels_per_station
    found = []
    for epoch in range(int(start // BURST_EPOCH), int(np.ceil(end / BURST_EPOCH))):
        rng = keyed_generator(seed, Role.BURSTS, epoch)
        for _ in range(rng.poisson(rate_per_hour * BURST_EPOCH / 3600)):
            onset = BURST_EPOCH * (epoch + rng.random())
            duration = float(log_uniform(rng, durations))
            factor = amplitude * float(np.exp(amplitude_spread * rng.standard_normal()))
            kind = reach[int(rng.integers(len(reach)))]
            first, last = _stations_reached(kind, n_stations, rng)
            if start <= onset < end:
                last_channel = (last + 1) * channels_per_station - 1
                found.append(Burst(onset, duration, factor, first * channels_per_station, last_channel))
    return found


def _stations_reached(kind: BurstReach, n_stations: int, rng: np.random.Generator) -> tuple[int, int]:
    """First and last station (or fibre channel) of a burst."""
    if kind == "all":
        return 0, n_stations - 1
    if kind == "station" or n_stations < 2:
        station = int(rng.integers(n_stations))
        return station, station
    length = int(rng.integers(2, max(3, n_stations // 4 + 1)))
    first = int(rng.integers(n_stations - length + 1))
    return first, first + length - 1


def amplify(
    noise: Float32Array,
    bursts: Sequence[Burst],
    sampling_rate: float,
    *,
    channels: IntArray | None = None,
    first: int = 0,
) -> Float32Array:
    """Make noise louder where bursts are.

    Parameters
    ----------
    noise : numpy.ndarray
        Shape (channels, samples).
    bursts : sequence of Burst
        Bursts to apply; those outside the span or the channels are ignored.
    sampling_rate : float
        Hz.
    channels : numpy.ndarray of int, optional
        Channel number of each row; by default 0, 1, 2, ...
    first : int
        Number of the first sample in the recording.

    Returns
    -------
    numpy.ndarray
        Same shape, float32.
    """
    numbers = np.arange(noise.shape[0]) if channels is None else np.asarray(channels)
    louder = noise.astype(np.float32, copy=True)
    for burst in bursts:
        begin = max(first, int(np.ceil(burst.start * sampling_rate)))
        end = min(first + noise.shape[1], int(np.ceil((burst.start + burst.duration) * sampling_rate)))
        rows = np.flatnonzero((numbers >= burst.first_channel) & (numbers <= burst.last_channel))
        if begin >= end or not rows.size:
            continue
        phase = (np.arange(begin, end) / sampling_rate - burst.start) / burst.duration
        gain = (1 + burst.amplitude * np.sin(np.pi * phase) ** 2).astype(np.float32)
        louder[rows, begin - first : end - first] *= gain
    return louder


def dead_channels(n_channels: int, fraction: float, seed: int) -> IntArray:
    """Draw the numbers of dead channels.

    Parameters
    ----------
    n_channels : int
        Channels of the recording.
    fraction : float
        Share of dead channels, 0 to 1; rounded to whole channels.
    seed : int
        Non-negative.

    Returns
    -------
    numpy.ndarray
        Sorted channel numbers, int64.

    Raises
    ------
    ValueError
        If the fraction is not between 0 and 1.
    """
    if not 0 <= fraction <= 1:
        raise ValueError(f"the fraction of dead channels must be 0 to 1, got {fraction}")
    rng = keyed_generator(seed, Role.DEAD_CHANNELS)
    return np.sort(rng.choice(n_channels, round(fraction * n_channels), replace=False)).astype(np.int64)
