"""Injection of a signal into noise, simulated or real, at a given signal-to-noise ratio."""

from __future__ import annotations

import numpy as np

from selfseis.typing import BoolArray, Float32Array


def inject(
    noise: Float32Array, signal: Float32Array, snr_db: float, active: BoolArray | None = None
) -> tuple[Float32Array, Float32Array]:
    """Scale a signal and add it to noise.

    Parameters
    ----------
    noise : numpy.ndarray
        Any shape; NaN = no data.
    signal : numpy.ndarray
        Same shape, any amplitude.
    snr_db : float
        ``10 log10(mean signal power / mean noise power)``, both where the signal is active and there are
        data.
    active : numpy.ndarray of bool, optional
        True where the signal counts as present; by default where it is not 0.

    Returns
    -------
    noisy : numpy.ndarray
        Noise + scaled signal, float32; NaN stays NaN.
    scaled : numpy.ndarray
        The signal as added, float32; finite also where there are no data.

    Raises
    ------
    ValueError
        If the shapes differ, or if signal or noise have no power where the signal is active.
    """
    if noise.shape != signal.shape:
        raise ValueError(f"noise {noise.shape} and signal {signal.shape} must have the same shape")
    counted = np.isfinite(noise) & (signal != 0 if active is None else active)
    noise_power = _power(noise[counted])
    signal_power = _power(signal[counted])
    if not (noise_power > 0 and signal_power > 0):
        raise ValueError(
            "no signal-to-noise ratio can be set: where the signal is active, "
            f"its power is {signal_power:g} and that of the noise {noise_power:g}"
        )
    scale = np.sqrt(10 ** (snr_db / 10) * noise_power / signal_power)
    scaled = (scale * signal).astype(np.float32)
    return (noise + scaled).astype(np.float32), scaled


def _power(values: Float32Array) -> float:
    return float(np.mean(np.square(values, dtype=float))) if values.size else 0.0
