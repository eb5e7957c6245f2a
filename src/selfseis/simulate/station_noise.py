"""Noise of a three-component station of any colour, made of random numbers alone.

Times are in samples, because a network of onsets sees samples. Physical: noise falls with frequency, has resonances and
changes slowly; components share a part of it. Invented: the ranges, which are wide.
"""

from __future__ import annotations

import numpy as np

from selfseis.simulate.stream import log_uniform
from selfseis.typing import Float32Array, FloatArray


def draw_noise_window(rng: np.random.Generator, n_samples: int) -> Float32Array:
    """Draw three components of noise after a high-pass, standard deviation 1.

    Parameters
    ----------
    rng : Generator
        Random numbers.
    n_samples : int
        Length.

    Returns
    -------
    ndarray, shape (3, n_samples)
    """
    frequency: FloatArray = np.fft.rfftfreq(2 * n_samples).astype(np.float64)
    frequency[0] = frequency[1]
    spectrum = _spectrum(frequency, rng)
    random = rng.normal(size=(4, len(frequency))) + 1j * rng.normal(size=(4, len(frequency)))
    shared = rng.uniform(0, 0.7)
    mixed = np.sqrt(1 - shared**2) * random[1:] + shared * rng.normal(size=(3, 1)) * random[:1]
    of_component = np.sqrt(log_uniform(rng, (0.3, 3.0), 3))[:, None]
    noise = np.fft.irfft(mixed * spectrum * of_component, 2 * n_samples, axis=1)[:, :n_samples]
    if rng.random() < 0.5:
        noise = noise * _slow_changes(n_samples, rng)
    if rng.random() < 0.15:
        noise = noise + noise.std() * _tone(n_samples, rng)
    return (noise / noise.std()).astype(np.float32)


def _spectrum(frequency: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return amplitudes: a power law between a high-pass and a random low-pass, with resonances."""
    amplitude = frequency ** -rng.uniform(0, 1.6)
    corner = log_uniform(rng, (0.01, 0.05))
    amplitude = amplitude / np.sqrt(1 + (corner / frequency) ** 4)
    if rng.random() < 0.5:
        low_pass, order = log_uniform(rng, (0.1, 0.5)), int(rng.integers(2, 7))
        amplitude = amplitude / np.sqrt(1 + (frequency / low_pass) ** (2 * order))
    for _ in range(rng.poisson(1.5)):
        centre, quality = log_uniform(rng, (0.01, 0.45)), log_uniform(rng, (3.0, 60.0))
        away = quality * (frequency / centre - centre / frequency)
        amplitude = amplitude * (1 + log_uniform(rng, (0.5, 12.0)) / (1 + away**2))
    return np.asarray(amplitude)


def _slow_changes(n_samples: int, rng: np.random.Generator) -> FloatArray:
    n_knots = int(rng.integers(3, 13))
    level = np.exp(rng.normal(0, rng.uniform(0.1, 0.6), n_knots))
    return np.interp(np.arange(n_samples), np.linspace(0, n_samples, n_knots), level)


def _tone(n_samples: int, rng: np.random.Generator) -> FloatArray:
    phase = rng.uniform(0, 2 * np.pi, (3, 1))
    turns = 2 * np.pi * log_uniform(rng, (0.01, 0.45)) * np.arange(n_samples)
    return np.asarray(rng.uniform(0.2, 2) * rng.uniform(0, 1, (3, 1)) * np.sin(turns + phase))
