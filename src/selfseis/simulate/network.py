"""Synthetic earthquakes on a network of three-component stations: ground velocity with P, S and coda.

Physical: moveouts, polarisation along and across a straight ray, spreading, attenuation (see
`selfseis.simulate.source`), and the factor 2 of the free surface. Invented: the coda, independent noise with
the spectrum of the pulse and a decaying envelope (stations farther apart than a wavelength), and lognormal
site amplification. Amplitudes are relative: the largest is 1.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.fft

from selfseis.simulate.source import PointSource, far_field, rays
from selfseis.simulate.wavefield import (
    PHASES,
    Coda,
    Wavefield,
    Window,
    finished_wavefield,
    recorded_pulse,
    travel_response,
)
from selfseis.typing import FloatArray

FREE_SURFACE = 2.0  # amplification of a wave that arrives from below


def network_event(
    coordinates: npt.ArrayLike,
    n_samples: int,
    sampling_rate: float,
    source: PointSource,
    rng: np.random.Generator,
    *,
    coda: Coda | None = Coda(),  # noqa: B008 - a frozen dataclass
    site_spread: float = 0.2,
) -> Wavefield:
    """Ground velocity of an earthquake at three-component stations.

    Parameters
    ----------
    coordinates : array_like
        Shape (stations, 3): east, north, up, m.
    n_samples : int
        Length.
    sampling_rate : float
        Hz.
    source : PointSource
        Position, time and mechanism; in the coordinate system of `coordinates`.
    rng : numpy.random.Generator
        Generator of the coda and the site amplification.
    coda : Coda or None
        None for P and S only.
    site_spread : float
        Standard deviation of the logarithm of the amplification of a station.

    Returns
    -------
    Wavefield
        Waveforms (stations, 3, samples): east, north, up.
    """
    receivers = np.asarray(coordinates, dtype=float)
    lengths, directions = rays(source.position, receivers)
    window = Window(n_samples, sampling_rate, 1 / source.corner("S"))
    frequencies = window.frequencies
    arrivals = {phase: source.origin_time + lengths / source.velocity(phase) for phase in PHASES}
    waveforms = np.zeros((len(receivers), 3, n_samples))
    for phase in PHASES:
        vectors = far_field(source, phase, lengths, directions)
        pulse = recorded_pulse(source, phase, frequencies, derivatives=1)
        spectra = pulse * travel_response(source, phase, arrivals[phase], window)
        direct = scipy.fft.irfft(spectra, window.padded)[:, :n_samples]
        waveforms += vectors[:, :, None] * direct[:, None, :]
        if coda is not None:
            scattered = _decaying_noise(arrivals[phase], coda, pulse, window, rng)
            scattered *= np.linalg.norm(vectors, axis=1)[:, None, None] * np.abs(direct).max()
            waveforms += scattered
    site = FREE_SURFACE * np.exp(site_spread * rng.standard_normal(len(receivers)))
    return finished_wavefield(waveforms * site[:, None, None], arrivals, source, coda, sampling_rate)


def _decaying_noise(
    arrivals: FloatArray,
    coda: Coda,
    pulse: npt.NDArray[np.complex128],
    window: Window,
    rng: np.random.Generator,
) -> FloatArray:
    """Independent noise of each station and component, with the pulse's spectrum and a decaying envelope."""
    white = rng.standard_normal((arrivals.size, 3, window.padded))
    noise = scipy.fft.irfft(scipy.fft.rfft(white) * np.abs(pulse), window.padded)[..., : window.n_samples]
    lapse = np.arange(window.n_samples) / window.sampling_rate - arrivals[:, None]
    envelope = np.where(lapse > 0, np.exp(-np.maximum(lapse, 0) / coda.decay), 0.0)
    return np.asarray(coda.level * noise / noise.std() * envelope[:, None, :])
