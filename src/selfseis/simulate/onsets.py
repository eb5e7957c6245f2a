"""Synthetic P and S onsets of a station, for injection into its own noise.

Physical: a P onset followed by its scattered coda, conversions between P and S, an S onset that is larger, of lower
frequency and more horizontal than P, longer codas at larger distances, and attenuation of high frequencies. Invented:
the waveforms, band-passed random series under an envelope, which stand for source time function, path and site. Times
scale with the sampling rate. Sampling rates are chosen for the target events, so an event has a similar number of
samples at 20 Hz (regional) and at 500 Hz (in a mine).

References
----------
Sato, H., Fehler, M. C. and Maeda, T. (2012). Seismic wave propagation and scattering in the heterogeneous earth.
doi:10.1007/978-3-642-23029-5
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from selfseis.simulate.stream import log_uniform
from selfseis.typing import Float32Array, FloatArray, IndexArray

REFERENCE_RATE = 100.0  # Hz, at which times in s and frequencies in Hz below are stated


@dataclass(frozen=True)
class OnsetPrior:
    """Prior distribution of the arrivals at a station; the defaults are invented and suit a local network.

    Attributes
    ----------
    rate : float
        Sampling rate in Hz.
    s_minus_p : tuple of float
        Minimum and maximum time between P and S in s, log-uniform.
    snr : tuple of float
        Minimum and maximum amplitude of P in noise levels, log-uniform.
    s_over_p : tuple of float
        Minimum and maximum amplitude of S over that of P, log-uniform.
    conversion_share : float
        Share of the events with a wave converted beneath the station.
    """

    rate: float
    s_minus_p: tuple[float, float]
    snr: tuple[float, float] = (1.5, 150.0)
    s_over_p: tuple[float, float] = (0.8, 6.0)
    conversion_share: float = 0.25

    @classmethod
    def at(
        cls,
        rate: float,
        s_minus_p: tuple[float, float] | None = None,
        *,
        reference_s_minus_p: tuple[float, float] = (0.3, 13.0),
    ) -> OnsetPrior:
        """Return the prior for a sampling rate: times that are not given are those at 100 Hz, scaled by the rate."""
        scale = REFERENCE_RATE / rate
        low, high = reference_s_minus_p
        return cls(rate, s_minus_p or (low * scale, high * scale))

    def widened_to(self, s_minus_p_samples: IndexArray, margin: float = 1.3) -> OnsetPrior:
        """Return the prior extended to cover observed S - P times and, by a factor `margin`, more."""
        low, high = np.quantile(s_minus_p_samples, (0.02, 0.98)) / self.rate
        observed = (max(float(low) / margin, 1 / self.rate), float(high) * margin)
        return replace(
            self, s_minus_p=(min(self.s_minus_p[0], observed[0]), max(self.s_minus_p[1], observed[1]))
        )

    @property
    def s_minus_p_samples(self) -> tuple[float, float]:
        """Minimum and maximum time between P and S in samples."""
        return self.s_minus_p[0] * self.rate, self.s_minus_p[1] * self.rate


@dataclass(frozen=True)
class WaveletPrior:
    """Prior distribution of the wavelets of onsets; the defaults are invented unless a source is named.

    Attributes
    ----------
    decay : tuple of float
        Minimum and maximum time constant of the envelope in s at 100 Hz, log-uniform.
    rises : tuple of float
        Times in which the envelope rises, in s at 100 Hz.
    rise_shares : tuple of float
        Share of the wavelets with each of these times.
    n_bands : int
        Number of frequency bands. With 600 instead of 120, and fewer missing components in its training examples, a
        picker found more events that stations agree on at held-out times.
    lowest_corner : float
        Lowest lower corner of a band over the corner of the high-pass: real onsets have little power below it.
    max_low_corner : float
        Highest lower corner of a band in cycles per sample.
    bandwidth : tuple of float
        Minimum and maximum of the upper corner of a band over the lower one, log-uniform.
    """

    decay: tuple[float, float] = (0.15, 6.0)
    rises: tuple[float, ...] = (0.0, 0.02, 0.1, 0.3)
    rise_shares: tuple[float, ...] = (0.5, 0.2, 0.2, 0.1)
    n_bands: int = 600
    lowest_corner: float = 0.7
    max_low_corner: float = 0.08
    bandwidth: tuple[float, float] = (2.5, 12.0)

    def draw_bands(self, rng: np.random.Generator, high_pass: float) -> tuple[FloatArray, FloatArray]:
        """Draw the corners of the bands in cycles per sample, above the corner of a high-pass."""
        lowest = self.lowest_corner * high_pass
        highest = max(self.max_low_corner, 2 * lowest)
        low = np.minimum(0.4, log_uniform(rng, (lowest, highest), self.n_bands))
        return low, np.minimum(0.45, low * log_uniform(rng, self.bandwidth, self.n_bands))


@dataclass(frozen=True, eq=False)
class OnsetBank:
    """Wavelets that begin at their first sample, from which arrivals are drawn.

    Attributes
    ----------
    wavelets : ndarray, shape (n_wavelets, 4, n_samples)
        For each wavelet one series common to all components and one per component; the largest sample is one.
    decay : ndarray, shape (n_wavelets,)
        Time constant of the envelope in samples.
    frequency : ndarray, shape (n_wavelets,)
        Geometric centre of the band in cycles per sample.
    """

    wavelets: Float32Array
    decay: FloatArray
    frequency: FloatArray

    @classmethod
    def draw(
        cls,
        rng: np.random.Generator,
        n_wavelets: int = 2000,
        n_samples: int = 3072,
        *,
        high_pass: float = 1.0 / REFERENCE_RATE,
        prior: WaveletPrior = WaveletPrior(),
    ) -> OnsetBank:
        """Draw random wavelets.

        Parameters
        ----------
        rng : Generator
            Random numbers.
        n_wavelets, n_samples : int
            Number and length of wavelets.
        high_pass : float
            Corner frequency, in cycles per sample, of the high-pass applied to real onsets.
        prior : WaveletPrior
            Prior distribution of the wavelets.
        """
        from scipy.signal import butter, sosfilt

        decay = log_uniform(rng, prior.decay, n_wavelets) * REFERENCE_RATE
        low, high = prior.draw_bands(rng, high_pass)
        filters = [
            butter(2, (2 * first, 2 * last), "bandpass", output="sos")
            for first, last in zip(low, high, strict=True)
        ]
        band = rng.integers(prior.n_bands, size=n_wavelets)
        rise = rng.choice(prior.rises, n_wavelets, p=prior.rise_shares) * REFERENCE_RATE
        wavelets = np.empty((n_wavelets, 4, n_samples), np.float32)
        for i in range(n_wavelets):
            white = rng.normal(size=(4, n_samples)) * _envelope(n_samples, decay[i], rise[i])
            series = sosfilt(filters[band[i]], white, axis=1)
            wavelets[i] = series / np.abs(series).max()
        return cls(wavelets, decay, np.sqrt(low * high)[band])

    @cached_property
    def _order(self) -> IndexArray:
        return np.argsort(self.decay)

    def choose(
        self, rng: np.random.Generator, decay: tuple[float, float], max_frequency: float = np.inf
    ) -> tuple[Float32Array, float]:
        """Draw a wavelet within a range of decay (samples) up to a frequency; return it and its frequency."""
        first, last = np.searchsorted(self.decay[self._order], decay)
        candidates = self._order[first:last] if last > first else self._order
        low_enough = candidates[self.frequency[candidates] <= max_frequency]
        number = rng.choice(low_enough if len(low_enough) else candidates)
        return self.wavelets[number] * np.float32(rng.choice((-1, 1))), float(self.frequency[number])


@dataclass(frozen=True)
class Onsets:
    """Onsets of an injected event in samples; they may lie outside the window."""

    p: int
    s: int


def add_event(
    window: Float32Array, noise_level: float, prior: OnsetPrior, bank: OnsetBank, rng: np.random.Generator
) -> Onsets:
    """Add an event to a window of noise, in place.

    Parameters
    ----------
    window : ndarray, shape (3, n_samples)
        East, north, vertical.
    noise_level : float
        Noise level, in the units of the window.
    prior : OnsetPrior
        Prior distribution of the arrivals.
    bank : OnsetBank
        Wavelets.
    rng : Generator
        Random numbers.

    Returns
    -------
    Onsets
    """
    n_samples = window.shape[1]
    delay = float(log_uniform(rng, prior.s_minus_p_samples))
    p = int(rng.integers(-n_samples // 6, n_samples - n_samples // 30))
    s = p + round(delay)
    amplitude = noise_level * float(log_uniform(rng, prior.snr))
    back_azimuth = rng.uniform(0, 2 * np.pi)
    upright = rng.beta(6, 1.3)  # P mostly arrives steeply
    p_direction = _polarisation(back_azimuth, upright)
    s_direction = _polarisation(back_azimuth + rng.normal(np.pi / 2, 0.8), rng.beta(1.2, 4))
    p_wave, frequency = bank.choose(rng, (max(15.0, 0.15 * delay), max(40.0, 0.9 * delay)))
    _add(window, p, _projected(p_wave, p_direction, rng.uniform(0.05, 0.5)) * amplitude)
    s_amplitude = amplitude * float(log_uniform(rng, prior.s_over_p))
    duration = np.sqrt(delay * REFERENCE_RATE)  # codas grow with distance, but less than proportionally
    s_wave, _ = bank.choose(rng, (20 + 0.2 * duration, 60 + 1.6 * duration), 1.2 * frequency)
    _add(window, s, _projected(s_wave, s_direction, rng.uniform(0.2, 0.7)) * s_amplitude)
    if rng.random() < prior.conversion_share:
        _add_conversion(window, p, delay, amplitude, s_amplitude, bank, rng)
    return Onsets(p, s)


def _add_conversion(
    window: Float32Array,
    p: int,
    delay: float,
    amplitude: float,
    s_amplitude: float,
    bank: OnsetBank,
    rng: np.random.Generator,
) -> None:
    """Add a wave converted beneath the station: P to S soon after P, or S to P shortly before S."""
    wave, _ = bank.choose(rng, (15.0, 80.0))
    before_s = rng.random() < 0.5
    at = p + round(delay * (rng.uniform(0.75, 0.95) if before_s else rng.uniform(0.05, 0.4)))
    share = rng.uniform(0.1, 0.4) * (s_amplitude if before_s else amplitude)
    direction = _polarisation(rng.uniform(0, 2 * np.pi), rng.beta(4, 1.5) if before_s else rng.beta(1.2, 4))
    _add(window, at, _projected(wave, direction, 0.4) * share)


def _polarisation(azimuth: float, upright: float) -> FloatArray:
    flat = np.sqrt(1 - upright**2)
    direction = np.array([flat * np.sin(azimuth), flat * np.cos(azimuth), upright])
    return direction / np.abs(direction).max()


def _projected(wave: Float32Array, direction: FloatArray, own: float) -> FloatArray:
    """Mix the common series, along a direction, with the series of each component."""
    return (1 - own) * direction[:, None] * wave[0] + own * wave[1:]


def _add(window: Float32Array, first: int, wave: FloatArray) -> None:
    begin, end = max(first, 0), min(window.shape[1], first + wave.shape[1])
    if begin < end:
        window[:, begin:end] += wave[:, begin - first : end - first]


def _envelope(n_samples: int, decay: float, rise: float) -> FloatArray:
    time = np.arange(n_samples)
    envelope = np.exp(-time / decay) + 0.12 * np.exp(-time / (5 * decay))
    return envelope * np.clip(time / rise, 0, 1) if rise > 0 else envelope
