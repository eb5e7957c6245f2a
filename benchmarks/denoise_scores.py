"""How close a denoised record comes to the truth: signal-to-noise ratio, times of P, amplitudes.

Waveform coherence is no score here: it rewards smoothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from benchmarks.common import Row
from benchmarks.denoise_data import Records
from benchmarks.denoise_wavefields import Mask
from benchmarks.fibre_noise import Samples

BEFORE_P, AFTER_P = 1.0, 2.0  # dominant periods of the window in which onsets are compared
UPSAMPLING = 8
QUIETEST = 1e-20
ALIKE = 0.7  # correlation with the truth, where best, from which P is there to be timed


def score_records(records: Records, denoised: Samples) -> list[Row]:
    """Score each record.

    Parameters
    ----------
    records : Records
        What is true.
    denoised : ndarray, shape (n_records, n_channels, n_samples)
        What a method made of it.

    Returns
    -------
    list of dict
        By record: its kind and level; `output_db` and `overall_db`, signal over remaining error where the signal
        is and everywhere; `amplitude`, the regression slope of output on truth where the signal is, and
        `loud_amplitude`, the same where the signal is louder than the noise, with `loud_expected`, what the
        mean of a posterior has by its error there, one less error over power; `p_shift`, the median delay of
        the first P in dominant periods, `p_scatter`, the median of its absolute value, and `p_channels`, the share
        of channels on which a P like the true one is there to be timed.
    """
    rate = records.scenario.site.rate
    rows = []
    for i, kind in enumerate(records.kinds):
        truth, active, output = records.truth[i], records.active[i], denoised[i]
        loud = active & louder_than_noise(
            truth, records.noise[i], round(rate / records.scenario.site.band[0] / 4)
        )
        rows.append(
            {
                "kind": kind,
                "level": float(records.levels[i]),
                "output_db": decibels(truth, output, active),
                "overall_db": decibels(truth, output, np.ones_like(active)),
                "amplitude": slope(truth, output, active),
                "loud_amplitude": slope(truth, output, loud),
                "loud_expected": 1 - 10 ** (-decibels(truth, output, loud) / 10),
                **p_delays(truth, output, records.p_samples[i]),
            }
        )
    return rows


def decibels(truth: Samples, output: Samples, where: Mask) -> float:
    """Return the power of the truth over that of the error in dB; 0 for an output of zeros."""
    signal = float(np.sum(truth[where].astype(np.float64) ** 2))
    error = float(np.sum((output[where] - truth[where]).astype(np.float64) ** 2))
    return float(10 * np.log10(max(signal, QUIETEST) / max(error, QUIETEST)))


def slope(truth: Samples, output: Samples, where: Mask) -> float | None:
    """Return the regression slope of an output on the truth, which tells lost amplitude from remaining noise."""
    power = float(np.sum(truth[where].astype(np.float64) ** 2))
    return float(np.sum(truth[where].astype(np.float64) * output[where])) / power if power > 0 else None


def louder_than_noise(truth: Samples, noise: Samples, window: int) -> Mask:
    """Return where the power of the truth over some samples exceeds that of the channel's noise."""
    return uniform_filter1d(truth**2, max(window, 1), axis=1) > np.mean(noise**2, axis=1, keepdims=True)


def p_delays(truth: Samples, output: Samples, p_samples: NDArray[np.float64]) -> Row:
    """Measure by cross-correlation by how much an output delays the first P.

    Parameters
    ----------
    truth, output : ndarray, shape (n_channels, n_samples)
        What is compared.
    p_samples : ndarray, shape (n_channels,)
        First P in samples; NaN where there is none.

    Returns
    -------
    dict
        `p_shift`, `p_scatter` (dominant periods) and `p_channels`, as in `score_records`.
    """
    usable = np.isfinite(p_samples) & (p_samples > 64) & (p_samples < truth.shape[1] - 256)
    if not usable.any():
        return {}
    period = dominant_period(_windows(truth[usable], p_samples[usable], 8, 56))
    before, after = round(BEFORE_P * period), round(AFTER_P * period)
    true, made = (_windows(values[usable], p_samples[usable], before, after) for values in (truth, output))
    delays, likeness = delay(true, made, period)
    seen = likeness > ALIKE
    if not seen.any():
        return {"p_channels": 0.0}
    return {
        "p_shift": float(np.median(delays[seen]) / period),
        "p_scatter": float(np.median(np.abs(delays[seen])) / period),
        "p_channels": float(seen.mean()),
    }


def dominant_period(windows: Samples) -> float:
    """Return the period (samples) at the centre of the power spectrum of windows."""
    tapered = windows * np.hanning(windows.shape[1])
    power = np.sum(np.abs(np.fft.rfft(tapered, axis=1)) ** 2, axis=0)
    frequencies = np.fft.rfftfreq(windows.shape[1])
    return float(np.sum(power) / max(np.sum(frequencies * power), QUIETEST))


def delay(true: Samples, made: Samples, most: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find by how many samples each row of `made` lags that of `true`, at most `most` either way.

    Returns
    -------
    delays : ndarray, shape (n_rows,)
        In samples.
    likeness : ndarray, shape (n_rows,)
        Correlation at that delay.
    """
    length = 2 * true.shape[1]
    cross = np.fft.rfft(made, length, axis=1) * np.conj(np.fft.rfft(true, length, axis=1))
    correlation = UPSAMPLING * np.fft.irfft(cross, UPSAMPLING * length, axis=1)
    reach = round(UPSAMPLING * most)
    lags = np.arange(-reach, reach + 1)
    best = np.argmax(correlation[:, lags], axis=1)
    power = np.linalg.norm(true, axis=1) * np.linalg.norm(made, axis=1)
    return lags[best] / UPSAMPLING, correlation[np.arange(len(true)), lags[best]] / np.maximum(
        power, QUIETEST
    )


def _windows(values: Samples, centres: NDArray[np.float64], before: int, after: int) -> Samples:
    columns = np.round(centres).astype(int)[:, None] + np.arange(-before, after)
    return np.take_along_axis(values, np.clip(columns, 0, values.shape[1] - 1), axis=1)
