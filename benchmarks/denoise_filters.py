"""Plain filters beside which denoisers are scored, each with the setting that the truth likes best.

References
----------
Isken, M. P., Vasyura-Bathke, H., Dahm, T., Heimann, S. (2022). De-noising distributed acoustic sensing data using an
adaptive frequency-wavenumber filter. Geophysical Journal International 231, 944. doi:10.1093/gji/ggac229
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import product
from typing import TypeVar

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from benchmarks.denoise_data import Records
from benchmarks.denoise_scores import decibels
from benchmarks.fibre_noise import Samples

AFK_SETTINGS = tuple(product((16, 32, 64, 128), (0.6, 1.0, 1.5), (False, True)))
RANKS = (1, 2, 3, 5, 8, 12, 20, 40)
FK_FACTORS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0)
FK_WINDOW = 512  # samples

Setting = TypeVar("Setting")


def adaptive_fk(data: Samples, window: int, exponent: float, levelled: bool = False) -> Samples:
    """Multiply each window's spectrum by its own amplitude to some power, as AFK filters do.

    Parameters
    ----------
    data : ndarray, shape (n_channels, n_samples)
        Noisy data.
    window : int
        Channels and samples of a window; windows overlap by half.
    exponent : float
        Of the amplitude; 0 changes nothing.
    levelled : bool
        Whether the amplitudes are divided by the largest of the window; where not, loud windows gain on quiet ones.
    """

    def weighted(spectra: NDArray[np.complex64]) -> NDArray[np.complex64]:
        weight = np.abs(spectra) ** exponent
        if levelled:
            weight = weight / np.maximum(weight.max(axis=(1, 2), keepdims=True), 1e-20)
        return spectra * weight

    return _by_windows(data, (window, window), weighted)


def median_fk(data: Samples, factor: float) -> Samples:
    """Take off the median amplitude over wavenumbers, times a factor, at each frequency of each window.

    Parameters
    ----------
    data : ndarray, shape (n_channels, n_samples)
        Noisy data.
    factor : float
        Larger takes off more.
    """

    def gated(spectra: NDArray[np.complex64]) -> NDArray[np.complex64]:
        power = np.abs(spectra) ** 2
        floor = np.median(power, axis=1, keepdims=True)
        return spectra * np.clip(1 - factor**2 * floor / np.maximum(power, 1e-20), 0, None)

    return _by_windows(data, (len(data), FK_WINDOW), gated)


def low_rank(data: Samples, rank: int) -> Samples:
    """Keep the largest singular vectors of a record."""
    left, values, right = np.linalg.svd(data, full_matrices=False)
    return (left[:, :rank] * values[:rank]) @ right[:rank]


def best_afk(records: Records) -> tuple[Samples, str]:
    """Filter with the window and exponent, the same for all records, and the factor that come nearest the truth."""
    return _best(
        records,
        AFK_SETTINGS,
        lambda data, s: adaptive_fk(data, *s),
        "window {0[0]}, exponent {0[1]}, levelled {0[2]}",
    )


def best_median_fk(records: Records) -> tuple[Samples, str]:
    """Filter with the floor, the same for all records, and the factor that come nearest the truth."""
    return _best(records, FK_FACTORS, median_fk, "{0} times the median")


def best_low_rank(records: Records) -> tuple[Samples, str]:
    """Keep the rank, of each record its own, that comes nearest the truth."""
    best, ranks = [], []
    for truth, noisy, active in zip(records.truth, records.noisy, records.active, strict=True):
        left, values, right = np.linalg.svd(noisy, full_matrices=False)
        tried = {rank: (left[:, :rank] * values[:rank]) @ right[:rank] for rank in RANKS}
        ranks.append(max(tried, key=lambda rank: decibels(truth, tried[rank], active)))
        best.append(tried[ranks[-1]])
    return np.stack(best), f"ranks {ranks}"


def _best(
    records: Records, settings: Iterable[Setting], apply: Callable[[Samples, Setting], Samples], words: str
) -> tuple[Samples, str]:
    kept: tuple[float, Samples, str] | None = None
    for setting in settings:
        output = np.stack([_scaled(records, i, apply(x, setting)) for i, x in enumerate(records.noisy)])
        mean = float(
            np.mean([decibels(*one) for one in zip(records.truth, output, records.active, strict=True)])
        )
        if kept is None or mean > kept[0]:
            kept = mean, output, words.format(setting)
    assert kept is not None
    return kept[1], kept[2]


def _scaled(records: Records, i: int, output: Samples) -> Samples:
    """Scale an output so that its error is least where the signal is: these filters do not keep amplitudes."""
    where = records.active[i]
    power = float(np.sum(output[where].astype(np.float64) ** 2))
    factor = float(np.sum(output[where] * records.truth[i][where].astype(np.float64))) / max(power, 1e-20)
    return np.float32(factor) * output


def _by_windows(
    data: Samples,
    shape: tuple[int, int],
    change: Callable[[NDArray[np.complex64]], NDArray[np.complex64]],
) -> Samples:
    """Change the spectra of windows that overlap by half, each tapered before and after, and add them up."""
    steps = tuple(max(1, size // 2) for size in shape)
    padding = [(step, size + step) for size, step in zip(shape, steps, strict=True)]
    padded = np.pad(data, padding)
    taper = np.outer(*(np.hanning(size + 2)[1:-1] for size in shape)).astype(np.float32)
    filtered, weight = np.zeros_like(padded), np.zeros_like(padded)
    for row in range(0, len(padded) - shape[0] + 1, steps[0]):
        block = padded[row : row + shape[0]]
        columns = range(0, padded.shape[1] - shape[1] + 1, steps[1])
        windows = np.stack([block[:, c : c + shape[1]] for c in columns])
        changed = scipy.fft.irfft2(change(scipy.fft.rfft2(windows * taper)), s=shape)
        for column, window in zip(columns, changed, strict=True):
            part = slice(row, row + shape[0]), slice(column, column + shape[1])
            filtered[part] += window * taper
            weight[part] += taper**2
    inside = tuple(slice(step, step + size) for step, size in zip(steps, data.shape, strict=True))
    return (filtered[inside] / np.maximum(weight[inside], 1e-6)).astype(np.float32)
