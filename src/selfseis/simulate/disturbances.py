"""Disturbances without a local onset: glitches, steps, bursts, footsteps, trains, far earthquakes, clipping."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from selfseis.simulate.stream import log_uniform
from selfseis.typing import Float32Array, FloatArray

Disturbance = Callable[[int, np.random.Generator], FloatArray]


def add_disturbance(
    window: Float32Array,
    noise_level: float,
    rng: np.random.Generator,
    *,
    log_strength: tuple[float, float] = (0.0, 3.5),
) -> None:
    """Add one disturbance of a random kind to a window, in place.

    All kinds are invented; their times are in samples of the window. Bursts are drawn three times as often as others.

    Parameters
    ----------
    window : ndarray, shape (3, n_samples)
        East, north, vertical, high-passed.
    noise_level : float
        Noise level, in the units of the window.
    rng : Generator
        Random numbers.
    log_strength : tuple of float
        Minimum and maximum of the natural logarithm of the amplitude over the noise level, uniform.
    """
    kinds: tuple[Disturbance, ...] = (
        _glitch,
        _step,
        _burst,
        _burst,
        _burst,
        _footsteps,
        _train,
        _far_earthquake,
    )
    shape = kinds[rng.integers(len(kinds))](window.shape[1], rng)
    window += np.float32(noise_level * np.exp(rng.uniform(*log_strength))) * shape.astype(np.float32)


def clip_window(
    window: Float32Array, rng: np.random.Generator, *, shares: tuple[float, float] = (0.2, 0.8)
) -> None:
    """Clip a window at a random share of its largest sample, in place; the share is uniform between two shares."""
    limit = np.abs(window).max() * rng.uniform(*shares)
    np.clip(window, -limit, limit, out=window)


def _on_one_component(series: FloatArray, rng: np.random.Generator) -> FloatArray:
    shape = np.zeros((3, len(series)))
    shape[rng.integers(3)] = series
    return shape


def _glitch(n_samples: int, rng: np.random.Generator) -> FloatArray:
    series = np.zeros(n_samples)
    series[rng.integers(n_samples)] = 3.0 * rng.choice((-1, 1))
    return _on_one_component(series, rng)


def _step(n_samples: int, rng: np.random.Generator) -> FloatArray:
    """Return a high-passed step, which decays within a period of the corner frequency."""
    age = np.arange(n_samples) - rng.integers(n_samples)
    series = np.where(age >= 0, np.exp(-np.maximum(age, 0) / 22.0) * np.cos(np.maximum(age, 0) / 22.0), 0.0)
    return _on_one_component(3.0 * series, rng)


def _burst(n_samples: int, rng: np.random.Generator) -> FloatArray:
    """Return noise with a Gaussian envelope, such as a gust or a vehicle."""
    width = log_uniform(rng, (15, 500))
    middle = rng.integers(n_samples)
    envelope = np.exp(-0.5 * ((np.arange(n_samples) - middle) / width) ** 2)
    return _coloured(n_samples, rng) * envelope


def _footsteps(n_samples: int, rng: np.random.Generator) -> FloatArray:
    """Return short pulses at regular intervals."""
    pace, first = int(rng.integers(40, 120)), int(rng.integers(n_samples))
    beats = np.arange(first, min(n_samples, first + pace * int(rng.integers(4, 25))), pace)
    age = np.arange(n_samples)[:, None] - beats
    amplitude = rng.uniform(0.5, 1.0, len(beats))
    envelope = (np.where(age >= 0, np.exp(-np.maximum(age, 0) / 6.0), 0.0) * amplitude).sum(axis=1)
    return 2.0 * _coloured(n_samples, rng) * envelope


def _train(n_samples: int, rng: np.random.Generator) -> FloatArray:
    """Return a few spectral lines under a flat-topped envelope."""
    time = np.arange(n_samples)
    width = rng.uniform(300, 2000)
    envelope = np.exp(-0.5 * ((time - rng.integers(n_samples)) / width) ** 4)
    base = rng.uniform(0.01, 0.1)
    phase = rng.uniform(0, 2 * np.pi, (3, 4, 1))
    lines = np.sin(2 * np.pi * base * np.arange(1, 5)[:, None] * time + phase)
    return 0.7 * (rng.uniform(0, 1, (3, 4, 1)) * lines).sum(axis=1) * envelope


def _far_earthquake(n_samples: int, rng: np.random.Generator) -> FloatArray:
    """Return a low-frequency wave train that builds up over seconds."""
    time = np.arange(n_samples)
    age = np.maximum(time - rng.integers(-n_samples // 2, n_samples), 0)
    rise = rng.uniform(200, 800)
    frequency = rng.uniform(0.006, 0.02)
    phase = rng.uniform(0, 2 * np.pi, (3, 1))
    return (
        rng.uniform(0.3, 1, (3, 1))
        * np.sin(2 * np.pi * frequency * time + phase)
        * (age / rise)
        * np.exp(1 - age / rise)
    )


def _coloured(n_samples: int, rng: np.random.Generator) -> FloatArray:
    """Return noise in a random band with equal variance on all components and a random common share."""
    from scipy.signal import butter, sosfilt

    low = float(log_uniform(rng, (0.007, 0.08)))
    high = min(0.45, low * float(log_uniform(rng, (1.5, 10))))
    noise = sosfilt(
        butter(2, (2 * low, 2 * high), "bandpass", output="sos"), rng.normal(size=(3, n_samples)), axis=1
    )
    shared = rng.uniform(0, 0.8)
    mixed = (1 - shared) * noise + shared * rng.normal(size=(3, 1)) * noise[:1]
    return mixed / np.maximum(mixed.std(axis=1, keepdims=True), 1e-12)
