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

from selfseis.typing import Float32Array, FloatArray, IndexArray

REFERENCE_RATE = 100.0  # Hz, at which the defaults below are stated in seconds
S_MINUS_P = (0.3, 13.0)
BELOW_CORNER = 0.7  # of the corner of a high-pass: the lowest frequency of onsets
MAX_LOW_CORNER = 0.08  # cycles per sample
BANDWIDTH = (2.5, 12.0)  # upper corner over the lower one
DECAY = (0.15, 6.0)  # s
N_BANDS = 600
MARGIN = 1.3  # by which S - P may exceed the observed range
RISES = (0.0, 0.02, 0.1, 0.3)  # s
RISE_SHARES = (0.5, 0.2, 0.2, 0.1)


@dataclass(frozen=True)
class OnsetPrior:
    """Prior distribution of the arrivals at a station.

    Attributes
    ----------
    rate : float
        Sampling rate in Hz.
    s_minus_p : tuple of float
        Minimum and maximum time between P and S in s.
    snr : tuple of float
        Minimum and maximum amplitude of P in noise levels.
    """

    rate: float
    s_minus_p: tuple[float, float]
    snr: tuple[float, float] = (1.5, 150.0)

    @classmethod
    def at(cls, rate: float, s_minus_p: tuple[float, float] | None = None) -> OnsetPrior:
        """Return the prior for a sampling rate: that of a local network, with times scaled by the rate."""
        scale = REFERENCE_RATE / rate
        return cls(rate, s_minus_p or (S_MINUS_P[0] * scale, S_MINUS_P[1] * scale))

    def widened_to(self, s_minus_p_samples: IndexArray) -> OnsetPrior:
        """Return the prior extended to cover observed S - P times, with a margin."""
        low, high = np.quantile(s_minus_p_samples, (0.02, 0.98)) / self.rate
        observed = (max(float(low) / MARGIN, 1 / self.rate), float(high) * MARGIN)
        return replace(
            self, s_minus_p=(min(self.s_minus_p[0], observed[0]), max(self.s_minus_p[1], observed[1]))
        )

    @property
    def s_minus_p_samples(self) -> tuple[float, float]:
        """Minimum and maximum time between P and S in samples."""
        return self.s_minus_p[0] * self.rate, self.s_minus_p[1] * self.rate


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
        """
        from scipy.signal import butter, sosfilt

        decay = _log_uniform(rng, DECAY, n_wavelets) * REFERENCE_RATE
        lowest = BELOW_CORNER * high_pass
        low = np.minimum(0.4, _log_uniform(rng, (lowest, max(MAX_LOW_CORNER, 2 * lowest)), N_BANDS))
        high = np.minimum(0.45, low * _log_uniform(rng, BANDWIDTH, N_BANDS))
        filters = [
            butter(2, (2 * first, 2 * last), "bandpass", output="sos")
            for first, last in zip(low, high, strict=True)
        ]
        band = rng.integers(N_BANDS, size=n_wavelets)
        rise = rng.choice(RISES, n_wavelets, p=RISE_SHARES) * REFERENCE_RATE
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
    delay = float(_log_uniform(rng, prior.s_minus_p_samples))
    p = int(rng.integers(-n_samples // 6, n_samples - n_samples // 30))
    s = p + round(delay)
    amplitude = noise_level * float(_log_uniform(rng, prior.snr))
    back_azimuth = rng.uniform(0, 2 * np.pi)
    upright = rng.beta(6, 1.3)  # P mostly arrives steeply
    p_direction = _polarisation(back_azimuth, upright)
    s_direction = _polarisation(back_azimuth + rng.normal(np.pi / 2, 0.8), rng.beta(1.2, 4))
    p_wave, frequency = bank.choose(rng, (max(15.0, 0.15 * delay), max(40.0, 0.9 * delay)))
    _add(window, p, _projected(p_wave, p_direction, rng.uniform(0.05, 0.5)) * amplitude)
    s_amplitude = amplitude * float(_log_uniform(rng, (0.8, 6.0)))
    duration = np.sqrt(delay * REFERENCE_RATE)  # codas grow with distance, but less than proportionally
    s_wave, _ = bank.choose(rng, (20 + 0.2 * duration, 60 + 1.6 * duration), 1.2 * frequency)
    _add(window, s, _projected(s_wave, s_direction, rng.uniform(0.2, 0.7)) * s_amplitude)
    if rng.random() < 0.25:
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


def _log_uniform(
    rng: np.random.Generator, bounds: tuple[float, float], size: int | None = None
) -> FloatArray:
    return np.exp(rng.uniform(np.log(bounds[0]), np.log(bounds[1]), size))
