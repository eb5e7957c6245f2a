"""Ocean surface gravity waves along a fibre or a network: dispersive, bidirectional and aperiodic.

Physical: linear (Airy) waves, whose frequency and wavenumber obey ``omega ** 2 = g k tanh(k h)``, and whose
pressure at the sea floor falls with depth as ``1 / cosh(k h)``. Not physical: waves travel only along the line (no
swell from the side), and the sea state is constant. Source: Lamb, Hydrodynamics, 1932, paragraphs 227-229.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from selfseis.simulate.stream import Role, keyed_generator
from selfseis.typing import Float32Array, FloatArray

GRAVITY = 9.81  # m/s2
SAMPLES_AT_A_TIME = 16384  # bounds the memory of long reads


def gravity_wavenumber(frequency: npt.ArrayLike, depth: float) -> FloatArray:
    """Wavenumber of a surface gravity wave over water of constant depth.

    Parameters
    ----------
    frequency : array_like
        Hz, greater than 0.
    depth : float
        Water depth, m.

    Returns
    -------
    numpy.ndarray
        rad/m; solves ``omega ** 2 = g k tanh(k depth)`` by Newton's method.
    """
    omega2 = (2 * np.pi * np.asarray(frequency, dtype=float)) ** 2
    deep = omega2 / GRAVITY
    k: FloatArray = deep / np.sqrt(np.tanh(deep * depth))
    for _ in range(20):
        tanh = np.tanh(k * depth)
        slope = GRAVITY * (tanh + k * depth * (1 - tanh**2))
        k = k - (GRAVITY * k * tanh - omega2) / slope
    return k


@dataclass(frozen=True)
class OceanWaves:
    """Waves of unit variance, addressed by position and sample.

    Parameters
    ----------
    seed : int
        Non-negative.
    sampling_rate : float
        Hz.
    band : tuple of float
        Minimum and maximum frequency of the waves, Hz.
    depth : float
        Water depth, m.
    backward : float
        Share of the power that travels towards smaller positions, 0 to 1.
    waves_per_sea : int
        Sinusoids at a time: the default is enough for Gaussian statistics.
    sea_seconds : float
        Time after which a new set of waves fades in (s), so that no wave is predictable for hours.
    """

    seed: int
    sampling_rate: float
    band: tuple[float, float] = (0.05, 0.3)
    depth: float = 50.0
    backward: float = 0.3
    waves_per_sea: int = 48
    sea_seconds: float = 600.0

    def read(self, positions: npt.ArrayLike, first: int, last: int) -> Float32Array:
        """Return the waves at some positions.

        Parameters
        ----------
        positions : array_like
            Along the line, m.
        first, last : int
            Samples, from 0; `last` excluded.

        Returns
        -------
        numpy.ndarray
            Shape (positions, last - first), float32; a slice equals the same slice of the whole to rounding.
        """
        x = np.asarray(positions, dtype=float)
        waves = np.zeros((x.size, last - first), np.float32)
        sea = max(1, round(self.sea_seconds * self.sampling_rate))
        for number in range(
            first // sea, -(-last // sea) + 1
        ):  # set n contributes from (n - 1) to (n + 1) sea lengths
            begin, end = max(first, (number - 1) * sea), min(last, (number + 1) * sea)
            for piece in range(begin, end, SAMPLES_AT_A_TIME):
                times = np.arange(piece, min(end, piece + SAMPLES_AT_A_TIME))
                fade = np.cos(np.pi / 2 * (times / sea - number))
                waves[:, times - first] += self._one_sea(number, x, times / self.sampling_rate, fade)
        return waves

    def _one_sea(self, number: int, x: FloatArray, seconds: FloatArray, fade: FloatArray) -> Float32Array:
        """Sum of sinusoids, as one product of a (position, wave) and a (wave, sample) matrix."""
        rng = keyed_generator(self.seed, Role.OCEAN, number)
        n_waves = self.waves_per_sea
        frequency = rng.uniform(*self.band, n_waves)
        direction = np.where(rng.random(n_waves) < self.backward, -1.0, 1.0)
        phase = rng.uniform(0, 2 * np.pi, n_waves)
        k = gravity_wavenumber(frequency, self.depth)
        amplitude = rng.rayleigh(size=n_waves) / np.cosh(np.minimum(k * self.depth, 50.0))
        amplitude *= np.sqrt(2 / np.sum(amplitude**2))
        in_time = 2 * np.pi * frequency[:, None] * seconds + phase[:, None]
        in_space = x[:, None] * (k * direction)
        cosines = (amplitude * np.cos(in_space)).astype(np.float32) @ (fade * np.cos(in_time)).astype(
            np.float32
        )
        sines = (amplitude * np.sin(in_space)).astype(np.float32) @ (fade * np.sin(in_time)).astype(
            np.float32
        )
        return cosines + sines


def ocean_waves(positions: npt.ArrayLike, n_samples: int, sampling_rate: float, seed: int) -> Float32Array:
    """Ocean waves of unit variance over 50 m of water; see `OceanWaves` for other seas and for slices.

    Parameters
    ----------
    positions : array_like
        Along the line, m.
    n_samples : int
        Length.
    sampling_rate : float
        Hz.
    seed : int
        Non-negative.

    Returns
    -------
    numpy.ndarray
        Shape (positions, n_samples), float32.
    """
    return OceanWaves(seed, sampling_rate).read(positions, 0, n_samples)
