"""Wavelet scattering of windows by FFT: power in bands and its modulation in time.

The first order is the mean modulus of a window in bands of constant relative width. The second order is the mean
modulus in bands of that modulus, relative to the first order. The bands reach from just below the Nyquist frequency to
a few cycles per window, so they scale with the sampling rate.

References
----------
Andén, J. and Mallat, S. (2014). Deep scattering spectrum. IEEE Transactions on Signal Processing 62, 4114.
doi:10.1109/TSP.2014.2326991
Seydoux, L. et al. (2020). Clustering earthquake signals and background noises in continuous seismic data with
unsupervised deep learning. Nature Communications 11, 3972. doi:10.1038/s41467-020-17841-x
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from selfseis.explore.options import ScatteringOptions
from selfseis.typing import FloatArray


@dataclass(frozen=True)
class Scattered:
    """Scattering coefficients of windows.

    Attributes
    ----------
    modulus : Tensor, shape (n, n_rows, n_bands)
        Mean modulus in each band.
    power : Tensor, shape (n, n_rows, n_bands)
        Mean squared modulus in each band.
    modulation : Tensor, shape (n, n_rows, n_second)
        Mean modulus of the second order over that of the first order.
    shared : Tensor, complex, shape (n, n_rows - 1, n_bands)
        Coherence of each row with the next one.
    time_course : Tensor, shape (n, n_rows, n_bands, n_cells)
        Power in each band along the window.
    """

    modulus: Tensor
    power: Tensor
    modulation: Tensor
    shared: Tensor
    time_course: Tensor


class Scattering:
    """The wavelet scattering of windows of one length.

    Parameters
    ----------
    length : int
        Samples of a window; the transform takes twice as many, half a window on either side.
    options : ScatteringOptions
        The bands.
    """

    def __init__(self, length: int, options: ScatteringOptions) -> None:
        self.length = length
        self.options = options
        self.n_padded = 2 * length

    @cached_property
    def centres(self) -> FloatArray:
        """Centres of the first-order bands in cycles per sample, descending; shape (n_bands,)."""
        highest, per_octave = self.options.max_centre, self.options.bands_per_octave
        lowest = min(self.options.min_cycles / self.length, highest / 2)
        n_bands = max(2, 1 + int(per_octave * math.log2(highest / lowest)))
        return (highest * 2.0 ** (-np.arange(n_bands) / per_octave)).astype(np.float64)

    @cached_property
    def modulations(self) -> FloatArray:
        """Centres of the second-order bands in cycles per sample, descending, one per octave."""
        highest = self.options.max_centre / 2
        n_octaves = max(1, 1 + int(math.log2(highest * self.length / self.options.min_modulations)))
        return (highest * 2.0 ** -np.arange(n_octaves)).astype(np.float64)

    @cached_property
    def second(self) -> list[tuple[int, int]]:
        """Pairs of first- and second-order bands, the second below half the centre frequency of the first."""
        return [
            (band, slow)
            for band, centre in enumerate(self.centres)
            for slow, modulation in enumerate(self.modulations)
            if modulation <= centre / 2
        ]

    @cached_property
    def fade(self) -> Tensor:
        """Taper of the padded window: the outermost part of the halo falls to zero."""
        n_edge = max(1, int(self.options.tapered_share * self.length / 2))
        fade = np.ones(self.n_padded)
        fade[:n_edge] = 0.5 - 0.5 * np.cos(np.pi * (np.arange(n_edge) + 0.5) / n_edge)
        fade[-n_edge:] = fade[:n_edge][::-1]
        return torch.from_numpy(fade.astype(np.float32))

    def __call__(self, windows: Tensor) -> Scattered:
        """Return the scattering coefficients of windows.

        Parameters
        ----------
        windows : Tensor of float32, shape (n, n_rows, 2 * length)
            Windows with half a window on either side, without NaN.
        """
        spectrum = torch.fft.fft(windows * self.fade, dim=-1)
        moduli, time_courses, modulations, shared = [], [], [], []
        for band, centre in enumerate(self.centres):
            passed = self._band_passed(spectrum, centre, self.options.relative_width * centre)
            core = self._core(passed)
            envelope = passed.abs()
            modulus = self._core(envelope).mean(dim=-1)
            moduli.append(modulus)
            time_courses.append(_in_cells(core.abs().square(), self.options.n_time_cells))
            shared.append(_coherence(core))
            modulations += self._modulation(envelope, modulus, band)
        time_course = torch.stack(time_courses, -2)
        return Scattered(
            torch.stack(moduli, -1),
            time_course.mean(dim=-1),
            torch.stack(modulations, -1),
            torch.stack(shared, -1),
            time_course,
        )

    def _modulation(self, envelope: Tensor, modulus: Tensor, band: int) -> list[Tensor]:
        """Return the second order of one band, relative to its first order."""
        spectrum = torch.fft.fft(envelope, dim=-1)
        slower = [self.modulations[slow] for first, slow in self.second if first == band]
        width = self.options.modulation_width
        return [
            self._core(self._band_passed(spectrum, centre, width * centre).abs()).mean(dim=-1)
            / modulus.clamp_min(torch.finfo(torch.float32).tiny)
            for centre in slower
        ]

    def _band_passed(self, spectrum: Tensor, centre: float, width: float) -> Tensor:
        """Return one band, decimated and shifted in frequency, which leaves its modulus unchanged."""
        n_here = spectrum.shape[-1]
        reach = self.options.band_reach * width
        first = max(0, math.floor((centre - reach) * self.n_padded))
        last = min(n_here // 2, math.ceil((centre + reach) * self.n_padded)) + 1
        n_kept = min(2 ** math.ceil(math.log2(max(last - first, 8))), n_here)
        last = min(last, first + n_kept)
        frequency = torch.arange(first, last) / self.n_padded
        gain = torch.exp(-0.5 * ((frequency - centre) / width) ** 2).to(torch.float32)
        kept = spectrum.new_zeros((*spectrum.shape[:-1], n_kept))
        kept[..., : last - first] = spectrum[..., first:last] * gain
        return torch.fft.ifft(kept, dim=-1) * (2 * n_kept / n_here)

    def _core(self, passed: Tensor) -> Tensor:
        n_here = passed.shape[-1]
        return passed[..., n_here // 4 : n_here - n_here // 4]


def _coherence(rows: Tensor) -> Tensor:
    """Return the complex coherence of each row with the next one."""
    power = rows.abs().square().sum(dim=-1)
    cross = (rows[:, :-1] * rows[:, 1:].conj()).sum(dim=-1)
    scale = (power[:, :-1] * power[:, 1:]).sqrt().clamp_min(torch.finfo(torch.float32).tiny)
    return cross / scale


def _in_cells(power: Tensor, n_cells: int) -> Tensor:
    """Return the mean power in time cells; with fewer samples than cells, each sample fills several."""
    flat = power.reshape(1, -1, power.shape[-1])
    return torch.nn.functional.adaptive_avg_pool1d(flat, n_cells).reshape(*power.shape[:-1], n_cells)
