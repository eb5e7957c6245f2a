"""Point double couples in a homogeneous body: far-field amplitudes, pulses, attenuation, arrival times.

Physical: straight rays, hence hyperbolic moveouts; the far-field radiation pattern and polarisation of a
double couple for P and S; spreading as 1 / r; attenuation ``exp(-pi f t / Q)``; S has more energy and less
high-frequency content than P. Not physical: no layers, so no refracted or converted phases, no surface waves and
no near field. Source: Aki and Richards, Quantitative Seismology, 2nd edition, 2002, chapter 4 (equation 4.29)
and box 5.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from selfseis.simulate.stream import log_uniform
from selfseis.typing import FloatArray

Pulse = Literal["brune", "ricker"]
Phase = Literal["P", "S"]


@dataclass(frozen=True)
class PointSource:
    """A double couple at a point.

    Parameters
    ----------
    position : tuple of float
        East, north, up (m) in the coordinate system of the receivers; for a straight fibre: along it, across it, up.
    origin_time : float
        s after the first sample.
    strike, dip, rake : float
        Degrees, as in Aki and Richards.
    corner_frequency : float
        Of P, Hz; that of S is ``vs / vp`` times as high.
    vp, vs : float
        m/s.
    qp, qs : float
        Quality factors.
    kappa : float
        Attenuation ``exp(-pi f kappa)`` near the surface, s (Anderson and Hough, 1984,
        10.1785/BSSA0740051969).
    pulse : {"brune", "ricker"}
        Far-field displacement pulse: ``exp(-t / tau)``-like with an onset (Brune, 1970), or a zero-phase
        Ricker whose peak lies on the arrival.
    """

    position: tuple[float, float, float]
    origin_time: float
    strike: float = 30.0
    dip: float = 60.0
    rake: float = -70.0
    corner_frequency: float = 5.0
    vp: float = 5000.0
    vs: float = 2900.0
    qp: float = 200.0
    qs: float = 100.0
    kappa: float = 0.0
    pulse: Pulse = "brune"

    def velocity(self, phase: Phase) -> float:
        """Return the speed of a phase, m/s."""
        return self.vp if phase == "P" else self.vs

    def quality(self, phase: Phase) -> float:
        """Return the quality factor of a phase."""
        return self.qp if phase == "P" else self.qs

    def corner(self, phase: Phase) -> float:
        """Return the corner frequency of a phase, Hz."""
        return self.corner_frequency if phase == "P" else self.corner_frequency * self.vs / self.vp


def moment_tensor(strike: float, dip: float, rake: float) -> FloatArray:
    """Return the unit moment tensor of a double couple.

    Parameters
    ----------
    strike, dip, rake : float
        Degrees.

    Returns
    -------
    numpy.ndarray
        Shape (3, 3), axes east, north, up (Aki and Richards, box 4.4, turned from north, east, down).
    """
    phi, delta, lam = np.radians([strike, dip, rake])
    normal = np.array([np.cos(phi) * np.sin(delta), -np.sin(phi) * np.sin(delta), np.cos(delta)])
    along_strike = np.array([np.sin(phi), np.cos(phi), 0.0])
    up_dip = np.cross(normal, along_strike)
    slip = np.cos(lam) * along_strike + np.sin(lam) * up_dip
    tensor: FloatArray = np.outer(slip, normal) + np.outer(normal, slip)
    return tensor


def rays(source: npt.ArrayLike, receivers: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Straight rays from a point to receivers.

    Parameters
    ----------
    source : array_like
        East, north, up, m.
    receivers : numpy.ndarray
        Shape (receivers, 3), m.

    Returns
    -------
    lengths : numpy.ndarray
        Shape (receivers,), m; at least 1 m, so that spreading stays finite.
    directions : numpy.ndarray
        Shape (receivers, 3), unit vectors away from the source.
    """
    difference = receivers - np.asarray(source, dtype=float)
    lengths = np.maximum(np.linalg.norm(difference, axis=1), 1.0)
    return lengths, difference / lengths[:, None]


def far_field(source: PointSource, phase: Phase, lengths: FloatArray, directions: FloatArray) -> FloatArray:
    """Amplitude and polarisation of the far-field displacement, without the pulse and the density.

    Parameters
    ----------
    source : PointSource
        Double couple.
    phase : {"P", "S"}
        Body wave.
    lengths, directions : numpy.ndarray
        Rays, as `rays` gives them.

    Returns
    -------
    numpy.ndarray
        Shape (receivers, 3): displacement vector, relative units, equal for P and S.
    """
    traction = directions @ moment_tensor(source.strike, source.dip, source.rake)
    along_ray = np.sum(traction * directions, axis=1, keepdims=True) * directions
    radiated = along_ray if phase == "P" else traction - along_ray
    vector: FloatArray = radiated / (source.velocity(phase) ** 3 * lengths[:, None])
    return vector


def pulse_spectrum(pulse: Pulse, corner: float, frequencies: FloatArray) -> npt.NDArray[np.complex128]:
    """Spectrum of the far-field displacement pulse, 1 at low frequency (Brune) or zero-mean (Ricker).

    Parameters
    ----------
    pulse : {"brune", "ricker"}
        Kind.
    corner : float
        Corner frequency (Brune) or peak frequency (Ricker), Hz.
    frequencies : numpy.ndarray
        Hz.

    Returns
    -------
    numpy.ndarray
        Complex, same shape. Brune: ``1 / (1 + i f / fc) ** 2``, causal (Brune, 1970,
        10.1029/JB075i026p04997).
    """
    ratio = frequencies / corner
    if pulse == "brune":
        return np.asarray(1 / (1 + 1j * ratio) ** 2)
    return np.asarray(ratio**2 * np.exp(1 - ratio**2), dtype=complex)


def random_source(
    rng: np.random.Generator,
    receivers: npt.ArrayLike,
    origin_time: float,
    *,
    distances: tuple[float, float],
    corner_frequencies: tuple[float, float],
    depth_fraction: tuple[float, float] = (0.2, 1.0),
    vp: tuple[float, float] = (3000.0, 6500.0),
    vp_over_vs: tuple[float, float] = (1.65, 1.9),
    kappa_corners: tuple[float, float] = (1.0, 3.0),
) -> PointSource:
    """Draw a source around receivers: any azimuth, mechanism and corner frequency.

    Parameters
    ----------
    rng : numpy.random.Generator
        Generator.
    receivers : array_like
        Shape (receivers, 3), m.
    origin_time : float
        s after the first sample.
    distances : tuple of float
        Minimum and maximum distance (m) from a random receiver; log-uniform.
    corner_frequencies : tuple of float
        Minimum and maximum corner frequency of P, Hz; log-uniform.
    depth_fraction : tuple of float
        Depth over distance, uniform.
    vp, vp_over_vs : tuple of float
        Minimum and maximum of the velocity of P (m/s) and of its ratio to that of S, uniform. The defaults are
        invented and suit crustal rocks.
    kappa_corners : tuple of float
        Range of the frequency above which kappa attenuates, over the corner frequency, uniform.

    Returns
    -------
    PointSource
    """
    coordinates = np.asarray(receivers, dtype=float)
    distance = log_uniform(rng, distances)
    depth = distance * rng.uniform(*depth_fraction)
    azimuth = rng.uniform(0, 2 * np.pi)
    across = np.sqrt(distance**2 - depth**2)
    east, north, up = coordinates[rng.integers(len(coordinates))]
    velocity = rng.uniform(*vp)
    corner = float(log_uniform(rng, corner_frequencies))
    return PointSource(
        position=(
            float(east + across * np.cos(azimuth)),
            float(north + across * np.sin(azimuth)),
            float(up - depth),
        ),
        origin_time=origin_time,
        strike=rng.uniform(0, 360),
        dip=float(np.degrees(np.arccos(rng.random()))),
        rake=rng.uniform(-180, 180),
        corner_frequency=corner,
        vp=velocity,
        vs=velocity / rng.uniform(*vp_over_vs),
        kappa=1 / (np.pi * corner * rng.uniform(*kappa_corners)),
    )
