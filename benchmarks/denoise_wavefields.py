"""Wavefields along a fibre whose truth is known: earthquakes near and far, bent fibres, surface waves, real events.

None favours a method by its making: moveouts are those of points in a body (curved near by, plane far off) and of
bends in the fibre, amplitudes vary along it, polarities turn, coda is scattered; and two wavefields are real.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, uniform_filter1d

from benchmarks.fibre_noise import Samples, Site, data_folder
from selfseis.recording import open_recording
from selfseis.recording.preprocessing import Conditioner
from selfseis.samples import porotomo_earthquake
from selfseis.simulate import Coda, fibre_event, random_source

UNIT = 1 / 41  # of a record; durations are in these, a second of the record of PoroTomo
SLOW = {"FORGE": (800.0, 2500.0), "PoroTomo": (400.0, 1200.0)}  # m/s of surface waves
ENERGETIC = 0.02  # share of a channel's largest power from which a wave counts as there
EARTHQUAKE = slice(0, 4500)  # samples of the PoroTomo recording
EARTHQUAKE_BAND = (1.0, 6.0)  # Hz, in which it stands 20 dB above what is there before it, and S 33 dB
SHOT_BAND = (20.0, 200.0)  # Hz, in which the shot stands 33 dB above what is there before it
SHOT_QUIET = 120  # samples before it
GAUGE_CHANNELS = 2  # apart, of the shot: differences of particle velocity along the fibre are strain rate

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Signal:
    """What noise is added to.

    Attributes
    ----------
    waveforms : ndarray, shape (n_channels, n_samples)
        Any unit.
    active : ndarray of bool, same shape
        Where the signal is.
    p_samples : ndarray, shape (n_channels,)
        Arrival of the first P in samples; NaN where there is none.
    """

    waveforms: Samples
    active: Mask
    p_samples: NDArray[np.float64]

    def __add__(self, other: Signal) -> Signal:
        return Signal(self.waveforms + other.waveforms, self.active | other.active, self.p_samples)


@dataclass(frozen=True)
class Fibre:
    """What a wavefield is drawn for."""

    site: Site
    spacing: float  # m
    n_channels: int
    n_samples: int

    @property
    def seconds(self) -> float:
        """Length of a record."""
        return self.n_samples / self.site.rate

    @property
    def near(self) -> float:
        """A distance (m) at which moveouts along the fibre are curved."""
        return max(self.n_channels * self.spacing, 0.5 * self.site.distances[0])

    def straight(self) -> NDArray[np.float64]:
        """Coordinates of the channels of a straight fibre, shape (n_channels, 3), m."""
        return np.outer(self.spacing * np.arange(self.n_channels), [1.0, 0.0, 0.0])

    def bent(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Coordinates along a fibre that turns sharply twice and wanders a little."""
        turns = np.zeros(self.n_channels)
        where = np.sort(rng.choice(np.arange(1, 8), 2, replace=False)) * self.n_channels // 8
        turns[where] = rng.uniform(1.0, 2.4, 2) * rng.choice([-1, 1], 2)
        heading = np.cumsum(turns + 0.02 * rng.standard_normal(self.n_channels))
        steps = np.stack([np.cos(heading), np.sin(heading), np.zeros(self.n_channels)], axis=1)
        return self.spacing * np.cumsum(steps, axis=0)


def plane(fibre: Fibre, rng: np.random.Generator) -> Signal:
    """Draw an earthquake far off: P, S and some coda, moveouts almost plane."""
    far = fibre.site.distances[1]
    return _earthquake(fibre, fibre.straight(), rng, (0.3 * far, far), Coda(0.2, 2 * _unit(fibre)))


def near(fibre: Fibre, rng: np.random.Generator) -> Signal:
    """Draw an earthquake beside the fibre: curved moveouts, nodes of the focal sphere on the fibre."""
    return _earthquake(
        fibre, fibre.straight(), rng, (0.3 * fibre.near, fibre.near), Coda(0.2, 2 * _unit(fibre))
    )


def bent(fibre: Fibre, rng: np.random.Generator) -> Signal:
    """Draw an earthquake on a fibre that turns: broken moveouts, polarities and amplitudes that jump."""
    distances = (fibre.near, fibre.site.distances[1])
    return _earthquake(fibre, fibre.bent(rng), rng, distances, Coda(0.2, 2 * _unit(fibre)))


def scattered(fibre: Fibre, rng: np.random.Generator) -> Signal:
    """Draw an earthquake whose coda, made by scatterers beside the fibre, is as loud as P and S."""
    coda = Coda(1.0, 4 * _unit(fibre), 400)
    return _earthquake(fibre, fibre.straight(), rng, (fibre.near, fibre.site.distances[1]), coda)


def surface(fibre: Fibre, rng: np.random.Generator) -> Signal:
    """Draw dispersive surface waves of two modes, radial and transverse, from a point beside the fibre."""
    beside = rng.uniform(-0.5, 1.5) * fibre.n_channels * fibre.spacing
    apart = rng.choice([-1, 1]) * rng.uniform(0.1, 1.5) * fibre.near
    ray = fibre.straight()[:, :2] - np.array([beside, apart])
    distance = np.linalg.norm(ray, axis=1)
    along = ray[:, 0] / distance
    frequencies = np.fft.rfftfreq(2 * fibre.n_samples, 1 / fibre.site.rate)
    peak = fibre.site.corners[0] * rng.uniform(1.2, 2.5)
    source = (frequencies / peak) ** 2 * np.exp(1 - (frequencies / peak) ** 2)
    slowest, spread = rng.uniform(*SLOW[fibre.site.name]), rng.uniform(0.15, 0.35)
    spectra = np.zeros((fibre.n_channels, len(frequencies)), complex)
    for faster, sensitivity in ((1.0, along**2), (1.1, along * np.sqrt(1 - along**2)), (1.6, along**2)):
        velocity = slowest * faster * (np.maximum(frequencies, 0.2 * peak) / peak) ** -spread
        delay = np.outer(distance, 1 / velocity) + rng.uniform(0.1, 0.4) * fibre.seconds
        strength = rng.normal() * sensitivity / np.sqrt(distance)
        spectra += strength[:, None] * source * np.exp(-2j * np.pi * frequencies * delay)
    waveforms = np.fft.irfft(spectra)[:, : fibre.n_samples].astype(np.float32)
    return Signal(
        _varied(waveforms, rng), _energetic(waveforms, fibre.site.rate / peak), _nowhere(fibre.n_channels)
    )


def two_events(fibre: Fibre, rng: np.random.Generator) -> Signal:
    """Draw two earthquakes from different sides."""
    return plane(fibre, rng) + near(fibre, rng)


def body_and_surface(fibre: Fibre, rng: np.random.Generator) -> Signal:
    """Draw an earthquake near by, and surface waves."""
    first, second = near(fibre, rng), surface(fibre, rng)
    loudness = np.abs(first.waveforms).max() / np.abs(second.waveforms).max()
    return first + Signal(
        np.float32(rng.uniform(0.5, 1) * loudness) * second.waveforms, second.active, second.p_samples
    )


def real(fibre: Fibre, rng: np.random.Generator) -> Signal:
    """Take a real event, its channels as they are: a shot at 2000 Hz, the PoroTomo earthquake at 100 Hz."""
    recorded, band, rate = _shot() if fibre.site.name == "FORGE" else _earthquake_record()
    first = rng.integers(len(recorded) - fibre.n_channels + 1)
    part = recorded[first : first + fibre.n_channels][:: rng.choice([-1, 1])] * rng.choice([-1.0, 1.0])
    raw = np.concatenate([part[:, :1].repeat(fibre.n_samples, axis=1), part], axis=1).astype(np.float32)
    passed = _passed(raw, rate, band)[:, fibre.n_samples :]
    p_samples = _onset(passed, SHOT_QUIET if fibre.site.name == "FORGE" else 700)
    samples = np.arange(passed.shape[1])
    # What is there before P is noise and no part of the truth.
    fade = np.clip((samples - p_samples[:, None]) / (0.5 * rate / band[1]) + 1, 0, 1)
    longest = min(passed.shape[1], fibre.n_samples)
    later = rng.integers(fibre.n_samples - longest + 1)
    waveforms = np.zeros((fibre.n_channels, fibre.n_samples), np.float32)
    waveforms[:, later : later + longest] = (passed * fade)[:, :longest]
    active = np.arange(fibre.n_samples) - later >= p_samples[:, None]
    return Signal(waveforms, active & (np.arange(fibre.n_samples) < later + longest), p_samples + later)


KINDS: dict[str, Callable[[Fibre, np.random.Generator], Signal]] = {
    "earthquake far off": plane,
    "earthquake near by": near,
    "fibre that turns": bent,
    "scattered coda": scattered,
    "surface waves": surface,
    "two earthquakes": two_events,
    "body and surface waves": body_and_surface,
    "real event": real,
}


def _earthquake(
    fibre: Fibre,
    coordinates: NDArray[np.float64],
    rng: np.random.Generator,
    distances: tuple[float, float],
    coda: Coda,
) -> Signal:
    source = random_source(rng, coordinates, 0.0, distances=distances, corner_frequencies=fibre.site.corners)
    nearest = float(np.linalg.norm(coordinates - source.position, axis=1).min()) / source.vp
    start = rng.uniform(0.08, 0.45) * fibre.seconds
    shifted = type(source)(**{**source.__dict__, "origin_time": start - nearest})
    wave = fibre_event(
        coordinates, fibre.n_samples, fibre.site.rate, shifted, rng, coda=coda, site_spread=0.2
    )
    return Signal(_varied(wave.waveforms, rng), wave.active, wave.arrivals["P"] * fibre.site.rate)


def _unit(fibre: Fibre) -> float:
    return UNIT * fibre.seconds


def _varied(waveforms: Samples, rng: np.random.Generator) -> Samples:
    """Vary the amplitude smoothly along the fibre, as coupling does."""
    smooth = gaussian_filter1d(rng.standard_normal(len(waveforms)), 12)
    return waveforms * np.exp(0.4 * smooth / smooth.std())[:, None].astype(np.float32)


def _energetic(waveforms: Samples, period: float) -> Mask:
    power = uniform_filter1d(waveforms**2, max(3, round(2 * period)), axis=1)
    return power > ENERGETIC * power.max(axis=1, keepdims=True)


def _nowhere(n_channels: int) -> NDArray[np.float64]:
    return np.full(n_channels, np.nan)


def _onset(waveforms: Samples, quiet: int) -> NDArray[np.float64]:
    """Return when the power of each channel leaves what it is before, smoothed along the fibre."""
    power = uniform_filter1d(uniform_filter1d(waveforms**2, 5, axis=1), 5, axis=0)
    above = power > 10 * power[:, :quiet].mean(axis=1, keepdims=True)
    above[:, :quiet] = False
    onsets = np.where(above.any(axis=1), above.argmax(axis=1), waveforms.shape[1])
    return gaussian_filter1d(onsets.astype(float), 3)


def _passed(waveforms: Samples, rate: float, band: tuple[float, float]) -> Samples:
    n = len(waveforms)
    return Conditioner(rate, band, np.zeros(n, np.float32), np.ones(n, np.float32))(waveforms)[0]


def _shot() -> tuple[Samples, tuple[float, float], float]:
    recording = open_recording(str(data_folder() / "das" / "deformation_rate_event_1.hdf5"))
    velocity = np.asarray(recording.values, np.float32)
    return velocity[GAUGE_CHANNELS:] - velocity[:-GAUGE_CHANNELS], SHOT_BAND, 2000.0


def _earthquake_record() -> tuple[Samples, tuple[float, float], float]:
    recording = porotomo_earthquake()
    return np.asarray(recording.values, np.float32)[:, EARTHQUAKE], EARTHQUAKE_BAND, 100.0
