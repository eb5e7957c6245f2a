"""Common parts of the wavefields of fibres and networks: window, recorded pulse, travel response, mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.fft

from selfseis.simulate.source import Phase, PointSource, pulse_spectrum
from selfseis.typing import BoolArray, Float32Array, FloatArray

PHASES: tuple[Phase, Phase] = ("P", "S")


@dataclass(frozen=True)
class Wavefield:
    """Waveforms and arrival times of an event.

    Attributes
    ----------
    waveforms : numpy.ndarray
        Shape (channels, samples) for a fibre, (stations, 3, samples) as east, north, up for a network;
        float32.
    arrivals : dict of str to numpy.ndarray
        For "P" and "S": arrival time at each channel or station, s after the first sample.
    active : numpy.ndarray of bool
        Same shape as `waveforms`: from just before P until the coda has died out.
    """

    waveforms: Float32Array
    arrivals: dict[str, FloatArray]
    active: BoolArray


@dataclass(frozen=True)
class Coda:
    """Parameters of the coda of P and S; all are invented.

    Parameters
    ----------
    level : float
        Its root-mean-square amplitude at the start, over the peak amplitude of the P or S pulse.
    decay : float
        Time in which the amplitude falls to 1 / e, s.
    scatterers : int
        Point scatterers along a fibre. The next three parameters are theirs; a network's coda has none.
    p_share : float
        Share of the scatterers that radiate from P, the others from S.
    spread : float
        Standard deviation of the positions of scatterers around the fibre, over its extent.
    velocities : tuple of float
        Minimum and maximum velocity of scattered waves, over that of S.
    """

    level: float = 0.3
    decay: float = 3.0
    scatterers: int = 200
    p_share: float = 0.25
    spread: float = 0.3
    velocities: tuple[float, float] = (0.5, 1.0)


@dataclass(frozen=True)
class Window:
    """Samples and frequencies of a window, padded against wrap-around of the FFT."""

    n_samples: int
    sampling_rate: float
    max_period: float

    @property
    def tail(self) -> float:
        """Time (s) after which a pulse is over."""
        return 5 * self.max_period

    @property
    def padded(self) -> int:
        """Samples of the padded window."""
        needed = self.n_samples + int(np.ceil(2 * self.tail * self.sampling_rate))
        return int(scipy.fft.next_fast_len(needed, real=True))

    @property
    def frequencies(self) -> FloatArray:
        """Of the padded window, Hz."""
        return np.asarray(scipy.fft.rfftfreq(self.padded, 1 / self.sampling_rate))

    @property
    def last_arrival(self) -> float:
        """Time (s) after which an arrival does not reach the window."""
        return self.n_samples / self.sampling_rate + self.tail

    def reaches(self, arrivals: FloatArray) -> BoolArray:
        """Return whether a pulse arriving at these times (s) reaches into the window."""
        return (arrivals > -self.tail) & (arrivals < self.last_arrival)


def recorded_pulse(
    source: PointSource, phase: Phase, frequencies: FloatArray, derivatives: int
) -> npt.NDArray[np.complex128]:
    """Displacement pulse, differentiated in time and tapered near the Nyquist frequency."""
    pulse = pulse_spectrum(source.pulse, source.corner(phase), frequencies)
    anti_alias = np.cos(np.pi / 2 * np.clip(frequencies / frequencies[-1] * 5 - 4, 0, 1)) ** 2
    near_surface = np.exp(-np.pi * frequencies * source.kappa)
    return np.asarray(pulse * (2j * np.pi * frequencies) ** derivatives * near_surface * anti_alias)


def travel_response(
    source: PointSource, phase: Phase, arrivals: FloatArray, window: Window
) -> npt.NDArray[np.complex64]:
    """Delay and attenuation of each receiver; 0 where the arrival does not reach the window."""
    attenuation = (arrivals - source.origin_time) / source.quality(phase)
    response = np.exp(np.outer(-np.pi * attenuation - 2j * np.pi * arrivals, window.frequencies))
    return np.asarray(response * window.reaches(arrivals)[:, None], dtype=np.complex64)


def finished_wavefield(
    waveforms: npt.NDArray[np.floating],
    arrivals: dict[Phase, FloatArray],
    source: PointSource,
    coda: Coda | None,
    sampling_rate: float,
) -> Wavefield:
    """Normalise waveforms; the active part spans one period before P to two decay times (or three periods) after S."""
    period = 1 / source.corner("S")
    tail = 3 * period if coda is None else max(3 * period, 2 * coda.decay)
    seconds = np.arange(waveforms.shape[-1]) / sampling_rate
    active = (seconds >= arrivals["P"][:, None] - period) & (seconds <= arrivals["S"][:, None] + tail)
    if waveforms.ndim == 3:
        active = np.repeat(active[:, None, :], waveforms.shape[1], axis=1)
    peak = np.abs(waveforms).max() or 1.0
    return Wavefield(
        (waveforms / peak).astype(np.float32),
        {str(phase): times for phase, times in arrivals.items()},
        active,
    )
