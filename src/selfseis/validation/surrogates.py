"""Surrogate data for the null: each channel keeps its properties, and relations between channels are lost."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def circular_shifts(data: NDArray, rng: np.random.Generator, *, minimum: int = 1) -> NDArray:
    """Shift each row in time by its own amount, with wrap-around.

    Each channel keeps its spectrum, its bursts and its gaps; only the timing between channels is lost.

    Parameters
    ----------
    data : ndarray, shape (n_channels, n_samples)
        The data; NaN is shifted with the data.
    rng : numpy.random.Generator
        Source of the shifts.
    minimum : int
        Minimum shift of any two rows against each other in samples, also around the wrap. In a shorter record the
        minimum is as large as the record allows.

    Returns
    -------
    ndarray, shape (n_channels, n_samples)
    """
    n_channels, n_samples = data.shape
    if n_samples == 0:
        return data.copy()
    spacing = min(minimum, n_samples // max(n_channels, 1))
    slack = n_samples - spacing * n_channels
    offsets = np.sort(rng.integers(0, slack + 1, n_channels)) + spacing * np.arange(n_channels)
    shifts = (rng.permutation(offsets) + rng.integers(n_samples)) % n_samples
    columns = (np.arange(n_samples)[None] - shifts[:, None]) % n_samples
    return np.take_along_axis(data, columns, axis=1)


def shuffled_channels(data: NDArray, rng: np.random.Generator) -> NDArray:
    """Put the channels in random order.

    Parameters
    ----------
    data : ndarray, shape (n_channels, ...)
        The data.
    rng : numpy.random.Generator
        Source of the order.

    Returns
    -------
    ndarray, shape (n_channels, ...)
    """
    return data[rng.permutation(len(data))]


def phase_randomised(data: NDArray, rng: np.random.Generator, *, together: bool = False) -> NDArray:
    """Keep the amplitude spectrum of each row and draw its phases at random.

    The result is stationary and Gaussian: transients are spread over the whole record.

    Parameters
    ----------
    data : ndarray, shape (n_channels, n_samples)
        The data, without NaN.
    rng : numpy.random.Generator
        Source of the phases.
    together : bool
        Add the same phases to all rows. This keeps every cross-spectrum, and so any stationary coherence between
        channels.

    Returns
    -------
    ndarray, shape (n_channels, n_samples)

    References
    ----------
    Prichard, D. and Theiler, J. (1994). Generating surrogate data for time series with several simultaneously
    measured variables. Physical Review Letters 73, 951. doi:10.1103/PhysRevLett.73.951
    """
    if not np.isfinite(data).all():
        raise ValueError("phase randomisation needs data without NaN: fill or cut the gaps first")
    n_channels, n_samples = data.shape
    spectrum = np.fft.rfft(data, axis=1)
    rows = 1 if together else n_channels
    phases = rng.uniform(0, 2 * np.pi, (rows, spectrum.shape[1]))
    phases[:, 0] = 0
    if n_samples % 2 == 0:
        phases[:, -1] = 0
    return np.fft.irfft(spectrum * np.exp(1j * phases), n_samples, axis=1).astype(data.dtype, copy=False)
