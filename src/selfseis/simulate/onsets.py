"""Onsets of P and S as a station records them, to be added to its own noise.

Physical are: a P onset followed by its scattered coda, conversions between P and S, an S onset that is larger, of lower
frequency and more horizontal than P, codas that last longer the farther the source is, and attenuation that takes the
high frequencies. Made up are the shapes: band-passed random series under an envelope stand for source time function,
path and site together. Times follow from the sampling rate: instruments are sampled for what they were put out
to record, so that an event takes as many samples at 20 Hz (regional) as at 500 Hz (in a mine).

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
BELOW_CORNER = 0.7  # of the corner of a high-pass: where onsets begin to show
HIGHEST_LOW_CORNER = 0.08  # cycles per sample
BANDWIDTH = (2.5, 12.0)  # upper corner over the lower one
DECAY = (0.15, 6.0)  # s
N_BANDS = 600
ROOM = 1.3  # by which S - P may exceed what was seen
RISES = (0.0, 0.02, 0.1, 0.3)  # s
RISE_SHARES = (0.5, 0.2, 0.2, 0.1)


@dataclass(frozen=True)
class OnsetPrior:
    """What is assumed of the arrivals at a station before any was seen.

    Attributes
    ----------
    rate : float
        Sampling rate in Hz.
    s_minus_p : tuple of float
        Shortest and longest time between P and S in s.
    snr : tuple of float
        Smallest and largest amplitude of P in noise levels.
    """

    rate: float
    s_minus_p: tuple[float, float]
    snr: tuple[float, float] = (1.5, 150.0)

    @classmethod
    def at(cls, rate: float, s_minus_p: tuple[float, float] | None = None) -> OnsetPrior:
        """Return the prior of a sampling rate: that of a local network, its times scaled with the rate."""
        scale = REFERENCE_RATE / rate
        return cls(rate, s_minus_p or (S_MINUS_P[0] * scale, S_MINUS_P[1] * scale))

    def widened_to(self, s_minus_p_samples: IndexArray) -> OnsetPrior:
        """Return the prior that also covers S - P times that were seen, with some room beyond."""
        low, high = np.quantile(s_minus_p_samples, (0.02, 0.98)) / self.rate
        seen = (max(float(low) / ROOM, 1 / self.rate), float(high) * ROOM)
        return replace(self, s_minus_p=(min(self.s_minus_p[0], seen[0]), max(self.s_minus_p[1], seen[1])))

    @property
    def s_minus_p_samples(self) -> tuple[float, float]:
        """Shortest and longest time between P and S in samples."""
        return self.s_minus_p[0] * self.rate, self.s_minus_p[1] * self.rate


@dataclass(frozen=True, eq=False)
class OnsetBank:
    """Wavelets that begin at their first sample, from which arrivals are drawn.

    Attributes
    ----------
    wavelets : ndarray, shape (n_wavelets, 4, n_samples)
        Each as one series that all components share and one of each component alone; the largest sample is one.
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
        """Make wavelets of every kind.

        Parameters
        ----------
        rng : Generator
            Random numbers.
        n_wavelets, n_samples : int
            Number and length of wavelets.
        high_pass : float
            Corner, in cycles per sample, of the filter that real onsets have passed: none has much below it.
        """
        from scipy.signal import butter, sosfilt

        decay = _log_uniform(rng, DECAY, n_wavelets) * REFERENCE_RATE
        lowest = BELOW_CORNER * high_pass
        low = np.minimum(0.4, _log_uniform(rng, (lowest, max(HIGHEST_LOW_CORNER, 2 * lowest)), N_BANDS))
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
        self, rng: np.random.Generator, decay: tuple[float, float], highest: float = np.inf
    ) -> tuple[Float32Array, float]:
        """Draw a wavelet by the range of its decay (samples) and its highest frequency; and that frequency."""
        first, last = np.searchsorted(self.decay[self._order], decay)
        candidates = self._order[first:last] if last > first else self._order
        low_enough = candidates[self.frequency[candidates] <= highest]
        number = rng.choice(low_enough if len(low_enough) else candidates)
        return self.wavelets[number] * np.float32(rng.choice((-1, 1))), float(self.frequency[number])


@dataclass(frozen=True)
class Onsets:
    """When an event that was added begins, in samples; it may lie outside the window."""

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
        Level of the noise, in its units.
    prior : OnsetPrior
        What is assumed.
    bank : OnsetBank
        Wavelets.
    rng : Generator
        Random numbers.

    Returns
    -------
    Onsets
    """
    n_samples = window.shape[1]
    shortest, longest = prior.s_minus_p_samples
    delay = float(_log_uniform(rng, (shortest, longest)))
    p = int(rng.integers(-n_samples // 6, n_samples - n_samples // 30))
    s = p + round(delay)
    amplitude = noise_level * float(_log_uniform(rng, prior.snr))
    back_azimuth = rng.uniform(0, 2 * np.pi)
    upright = rng.beta(6, 1.3)  # P arrives steeply more often than not
    p_direction = _polarisation(back_azimuth, upright)
    s_direction = _polarisation(back_azimuth + rng.normal(np.pi / 2, 0.8), rng.beta(1.2, 4))
    p_wave, frequency = bank.choose(rng, (max(15.0, 0.15 * delay), max(40.0, 0.9 * delay)))
    _add(window, p, _projected(p_wave, p_direction, rng.uniform(0.05, 0.5)) * amplitude)
    s_amplitude = amplitude * float(_log_uniform(rng, (0.8, 6.0)))
    lasting = np.sqrt(delay * REFERENCE_RATE)  # codas grow with distance, less than in proportion
    s_wave, _ = bank.choose(rng, (20 + 0.2 * lasting, 60 + 1.6 * lasting), 1.2 * frequency)
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
    """Mix the series that all components share, along a direction, with each component's own."""
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
