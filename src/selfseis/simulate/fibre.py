"""Synthetic earthquakes on a fibre: strain rate along the fibre with P, S and coda.

A fibre along ``d`` records ``-(d . u)(d . k) / v`` times the second time derivative of the displacement pulse
of a ray along ``k``: cos^2 of the angle for P and sin(2 angle) / 2 for S, which changes its sign where the
ray is perpendicular to the fibre (Lior et al., 2021, 10.5194/se-12-1421-2021). The gauge averages along the fibre.

Physical: moveouts, polarity, spreading, attenuation (see `selfseis.simulate.source`). Invented, but plausible:
point scatterers near the fibre produce the coda at random times with exponentially decaying amplitude, so
that each arrival is a hyperbola and their sum is partly coherent; site amplification is lognormal.
Amplitudes are relative: the largest is 1.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.fft

from selfseis.simulate.source import Phase, PointSource, far_field, rays
from selfseis.simulate.wavefield import (
    PHASES,
    Coda,
    Wavefield,
    Window,
    finished_wavefield,
    recorded_pulse,
    travel_response,
)
from selfseis.typing import Float32Array, FloatArray

SPIKE_OVERSAMPLING = 2  # positions of spikes lie between samples


def straight_fibre(distance: npt.ArrayLike) -> FloatArray:
    """Coordinates of a straight level fibre.

    Parameters
    ----------
    distance : array_like
        Along the fibre, m.

    Returns
    -------
    numpy.ndarray
        Shape (channels, 3): the distance, 0, 0.
    """
    along = np.asarray(distance, dtype=float)
    return np.stack([along, np.zeros_like(along), np.zeros_like(along)], axis=1)


def fibre_event(
    coordinates: npt.ArrayLike,
    n_samples: int,
    sampling_rate: float,
    source: PointSource,
    rng: np.random.Generator,
    *,
    gauge_length: float = 0.0,
    coda: Coda | None = Coda(),  # noqa: B008 - a frozen dataclass
    site_spread: float = 0.2,
) -> Wavefield:
    """Strain rate of an earthquake along a fibre.

    Parameters
    ----------
    coordinates : array_like
        Shape (channels, 3), m, or (channels,): distance along a straight level fibre. At least two channels;
        bends are followed.
    n_samples : int
        Length.
    sampling_rate : float
        Hz.
    source : PointSource
        Position, time and mechanism; in the coordinate system of `coordinates`.
    rng : numpy.random.Generator
        Generator of the scatterers and the site amplification.
    gauge_length : float
        m; 0 for a point measurement.
    coda : Coda or None
        None for P and S only.
    site_spread : float
        Standard deviation of the logarithm of the amplification of a channel.

    Returns
    -------
    Wavefield
        Waveforms (channels, samples); arrivals outside the window are cut off.

    Raises
    ------
    ValueError
        If there are fewer than two channels.
    """
    receivers = np.asarray(coordinates, dtype=float)
    if receivers.ndim == 1:
        receivers = straight_fibre(receivers)
    if len(receivers) < 2:
        raise ValueError(
            f"a fibre needs at least two channels, which define its direction, got {len(receivers)}"
        )
    tangents = np.gradient(receivers, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    lengths, directions = rays(source.position, receivers)
    window = Window(n_samples, sampling_rate, 1 / source.corner("S"))
    frequencies = window.frequencies
    arrivals = {phase: source.origin_time + lengths / source.velocity(phase) for phase in PHASES}
    spectra = np.zeros((len(receivers), frequencies.size), np.complex64)
    amplitudes = {}
    for phase in PHASES:
        along_ray = np.sum(tangents * directions, axis=1)
        displacement = np.sum(tangents * far_field(source, phase, lengths, directions), axis=1)
        amplitudes[phase] = -displacement * along_ray / source.velocity(phase)
        gauge_delays = gauge_length * along_ray / source.velocity(phase)
        gauge = np.sinc(frequencies * gauge_delays[:, None])
        pulse = recorded_pulse(source, phase, frequencies, derivatives=2)
        travel = travel_response(source, phase, arrivals[phase], window)
        spectra += amplitudes[phase][:, None] * gauge * pulse * travel
    if coda is not None:
        spectra += _scattered(receivers, tangents, source, amplitudes, coda, rng, window)
    site = np.exp(site_spread * rng.standard_normal(len(receivers)))
    waveforms = scipy.fft.irfft(spectra, window.padded)[:, :n_samples] * site[:, None]
    return finished_wavefield(waveforms, arrivals, source, coda, sampling_rate)


def _scattered(
    receivers: FloatArray,
    tangents: FloatArray,
    source: PointSource,
    amplitudes: dict[Phase, FloatArray],
    coda: Coda,
    rng: np.random.Generator,
    window: Window,
) -> npt.NDArray[np.complex64]:
    """Spectra of the scattered waves along the fibre; some scatterers radiate from P, the others from S."""
    extent = np.ptp(receivers, axis=0).max()
    rate = SPIKE_OVERSAMPLING * window.sampling_rate
    spectra = np.zeros((len(receivers), window.frequencies.size), np.complex64)
    max_lapse = 3 * coda.decay
    for phase in PHASES:
        spikes = np.zeros((len(receivers), SPIKE_OVERSAMPLING * window.padded), np.float32)
        share = coda.p_share if phase == "P" else 1 - coda.p_share
        for _ in range(round(coda.scatterers * share)):
            nearest = receivers[rng.integers(len(receivers))]
            scatterer = nearest + rng.normal(0, coda.spread * extent, 3) * (1, 1, 0.3)
            lapse = rng.uniform(0, max_lapse)
            lengths, directions = rays(scatterer, receivers)
            excited = source.origin_time + rays(source.position, scatterer[None])[0][0] / source.velocity(
                phase
            )
            delays = lapse + lengths / (source.vs * rng.uniform(*coda.velocities))
            sensitivity = np.sum(tangents * directions, axis=1) ** 2
            spreading = np.sqrt(0.1 * extent / (0.1 * extent + lengths))
            strengths = rng.standard_normal() * sensitivity * spreading * np.exp(-delays / coda.decay)
            _add_spikes(spikes, (excited + delays) * rate, strengths, window.last_arrival * rate)
        travel_time = rays(source.position, receivers)[0].mean() / source.velocity(phase) + coda.decay
        attenuation = np.exp(-np.pi * window.frequencies * travel_time / source.quality(phase))
        pulse = recorded_pulse(source, phase, window.frequencies, derivatives=2) * attenuation
        in_time = scipy.fft.irfft(pulse, window.padded)
        # Campbell's theorem: the power of a pulse train is the energy of the pulse times the spike power per second
        spikes_power = np.square(spikes, dtype=float).sum() / len(receivers) * 2 / coda.decay
        power = max(spikes_power * np.sum(in_time**2) / window.sampling_rate, np.finfo(float).tiny)
        gain = coda.level * np.sqrt(np.mean(amplitudes[phase] ** 2)) * np.abs(in_time).max() / np.sqrt(power)
        spectra += scipy.fft.rfft(spikes)[:, : window.frequencies.size] * (gain * pulse).astype(np.complex64)
    return spectra


def _add_spikes(spikes: Float32Array, positions: FloatArray, amplitudes: FloatArray, end: float) -> None:
    """Add one spike per row, at a position between two samples; none before the first or after `end`."""
    rows = np.flatnonzero((positions >= 0) & (positions < min(end, spikes.shape[1] - 1)))
    whole = positions[rows].astype(int)
    part = positions[rows] - whole
    spikes[rows, whole] += amplitudes[rows] * (1 - part)
    spikes[rows, whole + 1] += amplitudes[rows] * part
