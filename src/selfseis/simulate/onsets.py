"""Synthetic P and S onsets of a station, for injection into its own noise.

Physical: a P onset followed by its scattered coda, conversions between P and S, an S onset that is larger, of lower
frequency and more horizontal than P, longer codas and more emergent onsets at larger distances, weak refracted arrivals
before the main ones, and attenuation of high frequencies. Invented:
the waveforms, band-passed random series under an envelope, which stand for source time function, path and site. Times
scale with the sampling rate. Sampling rates are chosen for the target events, so an event has a similar number of
samples at 20 Hz (regional) and at 500 Hz (in a mine).

References
----------
Sato, H., Fehler, M. C. and Maeda, T. (2012). Seismic wave propagation and scattering in the heterogeneous earth.
doi:10.1007/978-3-642-23029-5
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from selfseis.simulate.stream import log_uniform
from selfseis.typing import Float32Array, FloatArray, IndexArray

REFERENCE_RATE = 100.0  # Hz, at which times in s and frequencies in Hz below are stated
Range = tuple[float, float]


@dataclass(frozen=True)
class OnsetPrior:
    """Prior distribution of the arrivals at a station; all ranges are log-uniform, and invented.

    Attributes
    ----------
    rate : float
        Sampling rate in Hz.
    s_minus_p : tuple of float
        Minimum and maximum time between P and S in s.
    snr : tuple of float
        Amplitude of P in noise levels.
    s_over_p : tuple of float
        Amplitude of S over that of P.
    p_rise, s_rise : tuple of float
        Time over which an onset emerges, as a share of S - P: scattering makes it grow with distance.
    max_rise : float
        Its maximum in samples.
    weak_p_share, weak_s_share : float
        Share of the events with a weak arrival before the main P or S (Pn before Pg, Sn before Lg).
    p_lead, s_lead : tuple of float
        Time between the weak and the main arrival, as a share of S - P.
    p_weakness, s_weakness : tuple of float
        Amplitude of the weak arrival over that of the main one.
    min_weak_snr : float
        Minimum amplitude of a weak P in noise levels; a weaker one cannot be seen and is not labelled.
    min_weak_s_over_p : float
        Minimum amplitude of a weak S over that of P, whose coda would hide a weaker one.
    min_s_over_coda : float
        An S is labelled where its amplitude first exceeds this multiple of the rms of what arrives before it: nobody
        sees the beginning of an S that rises slowly in the coda of P.
    coda_reach : int
        Samples before S over which that rms is taken.
    second_p_share : float
        Share of the distant events with a later P, which is labelled where it is the stronger one.
    min_distant : float
        Minimum S - P of a distant event in samples.
    conversion_share : float
        Share of the events with a wave converted beneath the station.
    placed_by_s_share : float
        Share of the events whose S, not P, is placed in the window, so that the S of distant events is seen too.
    """

    rate: float
    s_minus_p: Range
    snr: Range = (1.5, 150.0)
    s_over_p: Range = (0.8, 6.0)
    p_rise: Range = (0.001, 0.03)
    s_rise: Range = (0.005, 0.12)
    max_rise: float = 240.0
    weak_p_share: float = 0.35
    weak_s_share: float = 0.5
    p_lead: Range = (0.004, 0.04)
    s_lead: Range = (0.008, 0.1)
    p_weakness: Range = (0.12, 0.7)
    s_weakness: Range = (0.2, 0.9)
    min_weak_snr: float = 1.2
    min_weak_s_over_p: float = 0.5
    min_s_over_coda: float = 2.0
    coda_reach: int = 100
    second_p_share: float = 0.4
    min_distant: float = 400.0
    conversion_share: float = 0.25
    placed_by_s_share: float = 0.4

    @classmethod
    def at(
        cls, rate: float, s_minus_p: Range | None = None, *, reference_s_minus_p: Range = (0.25, 54.0)
    ) -> OnsetPrior:
        """Return the prior for a sampling rate: times that are not given are those at 100 Hz, scaled by the rate."""
        scale = REFERENCE_RATE / rate
        low, high = reference_s_minus_p
        return cls(rate, s_minus_p or (low * scale, high * scale))

    @property
    def s_minus_p_samples(self) -> Range:
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
    """Onsets of an injected event in samples; they may lie outside the window.

    Attributes
    ----------
    p, s : int
        First P and first S.
    second_p : int or None
        A later and stronger P, if there is one.
    """

    p: int
    s: int
    second_p: int | None = None

    @property
    def of_phases(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the onsets of P and those of S."""
        return (self.p,) if self.second_p is None else (self.p, self.second_p), (self.s,)


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
    return _Event.draw(window.shape[1], noise_level, prior, bank, rng).added_to(window)


@dataclass(frozen=True)
class _Event:
    """One event: times in samples, amplitudes in the units of the window."""

    prior: OnsetPrior
    bank: OnsetBank
    rng: np.random.Generator
    noise_level: float
    p: int
    delay: float
    amplitude: float
    s_amplitude: float
    p_direction: FloatArray
    s_direction: FloatArray

    @classmethod
    def draw(
        cls,
        n_samples: int,
        noise_level: float,
        prior: OnsetPrior,
        bank: OnsetBank,
        rng: np.random.Generator,
    ) -> _Event:
        delay = float(log_uniform(rng, prior.s_minus_p_samples))
        p = int(rng.integers(-n_samples // 12, n_samples - n_samples // 40))
        if rng.random() < prior.placed_by_s_share:
            p = int(rng.integers(n_samples // 60, n_samples)) - round(delay)
        amplitude = noise_level * float(log_uniform(rng, prior.snr))
        s_amplitude = amplitude * float(log_uniform(rng, prior.s_over_p))
        back_azimuth = rng.uniform(0, 2 * np.pi)
        p_direction = _polarisation(back_azimuth, rng.beta(6, 1.3))  # P mostly arrives steeply
        s_direction = _polarisation(back_azimuth + rng.normal(np.pi / 2, 0.8), rng.beta(1.2, 4))
        return cls(prior, bank, rng, noise_level, p, delay, amplitude, s_amplitude, p_direction, s_direction)

    def added_to(self, window: Float32Array) -> Onsets:
        """Add all waves to a window and return the onsets."""
        prior, rng = self.prior, self.rng
        s = self.p + round(self.delay)
        wave, frequency = self.bank.choose(rng, self._p_decay)
        main_p = self.p
        weakness = float(log_uniform(rng, prior.p_weakness))
        visible = weakness * self.amplitude > prior.min_weak_snr * self.noise_level
        if rng.random() < prior.weak_p_share and visible:
            main_p = self.p + self._lead(prior.p_lead)
            first, _ = self.bank.choose(rng, self._p_decay)
            self._add_p(window, self.p, self._emerging(first, prior.p_rise), weakness)
        self._add_p(window, main_p, self._emerging(wave, prior.p_rise), 1.0)
        main_s, before = s, window.copy()
        weakness = float(log_uniform(rng, prior.s_weakness))
        visible = weakness * self.s_amplitude > prior.min_weak_s_over_p * self.amplitude
        if rng.random() < prior.weak_s_share and visible:
            main_s = s + self._lead(prior.s_lead)
            first, _ = self.bank.choose(rng, self._s_decay, 1.2 * frequency)
            self._add_s(window, s, self._emerging(first, prior.s_rise), weakness)
        wave, _ = self.bank.choose(rng, self._s_decay, 1.2 * frequency)
        self._add_s(window, main_s, self._emerging(wave, prior.s_rise), 1.0)
        visible_s = self._visible(window - before, before, s)
        if rng.random() < prior.conversion_share:
            _add_conversion(window, self.p, self.delay, self.amplitude, self.s_amplitude, self.bank, rng)
        return Onsets(self.p, visible_s, self._add_second_p(window))

    def _visible(self, wave: Float32Array, before: Float32Array, onset: int) -> int:
        """Return the first sample at which a wave exceeds the noise and the coda before it on any component."""
        reach = self.prior.coda_reach
        if onset < reach or onset >= wave.shape[1]:
            return onset
        level = np.sqrt(np.mean(np.square(before[:, onset - reach : onset]), axis=1, keepdims=True))
        visible = np.any(np.abs(wave[:, onset:]) > self.prior.min_s_over_coda * level, axis=0)
        return onset + int(visible.argmax())

    def _add_second_p(self, window: Float32Array) -> int | None:
        """Add a later P to some distant events; return its onset if it is stronger than the first."""
        if self.delay <= self.prior.min_distant or self.rng.random() >= self.prior.second_p_share:
            return None
        at = self.p + round(self.delay * self.rng.uniform(0.04, 0.3))
        wave, _ = self.bank.choose(self.rng, self._p_decay)
        ratio = float(log_uniform(self.rng, (0.5, 3.0)))
        self._add_p(window, at, wave, ratio)
        return at if ratio > 1 else None

    @property
    def _p_decay(self) -> Range:
        return max(15.0, 0.15 * self.delay), max(40.0, 0.9 * self.delay)

    @property
    def _s_decay(self) -> Range:
        duration = np.sqrt(self.delay * REFERENCE_RATE)  # codas grow less than proportionally with distance
        return 20 + 0.2 * duration, 60 + 1.6 * duration

    def _lead(self, shares: Range) -> int:
        return max(2, round(self.delay * float(log_uniform(self.rng, shares))))

    def _emerging(self, wave: Float32Array, shares: Range) -> Float32Array:
        rise = min(self.delay * float(log_uniform(self.rng, shares)), self.prior.max_rise)
        if rise <= 1:
            return wave
        return np.asarray(wave * np.clip(np.arange(wave.shape[1]) / rise, 0, 1), np.float32)

    def _add_p(self, window: Float32Array, at: int, wave: Float32Array, ratio: float) -> None:
        mixed = _projected(wave, self.p_direction, self.rng.uniform(0.05, 0.5))
        _add(window, at, mixed * self.amplitude * ratio)

    def _add_s(self, window: Float32Array, at: int, wave: Float32Array, ratio: float) -> None:
        mixed = _projected(wave, self.s_direction, self.rng.uniform(0.2, 0.7))
        _add(window, at, mixed * self.s_amplitude * ratio)


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
