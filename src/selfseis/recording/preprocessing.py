"""Preprocessing for prediction: band-pass, offset and scale, with equal results by tiles and as a whole.

`sample_spans` reads the spans, spread over a recording, on which offsets and scales are measured. It also reads the
training data of the denoiser, and data from which detector and explorer measure their nulls.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from selfseis.errors import InputError
from selfseis.recording.coverage import stretches
from selfseis.recording.dataarray import sampling_rate
from selfseis.recording.gap_filling import continue_over_gaps
from selfseis.recording.options import PreprocessingOptions
from selfseis.recording.overlap_save import convolve_same
from selfseis.recording.shrinkage import outer_quarters, shrink_to_median
from selfseis.recording.tiling import Tile, tiles
from selfseis.typing import BoolArray, Float32Array, IndexArray

if TYPE_CHECKING:
    import xarray as xr


ROWS = 64  # channels processed together: it bounds the memory
MIN_SPAN, MAX_SPAN_VALUES = (
    1024,
    40_000_000,
)  # samples of a span; values of all spans, which are in memory together


def default_band(rate: float, options: PreprocessingOptions = PreprocessingOptions()) -> tuple[float, float]:
    """Return the default pass band in Hz: 2% to 80% of the Nyquist frequency."""
    low, high = options.band
    return low * rate / 2, high * rate / 2


@dataclass(frozen=True)
class Conditioner:
    """A zero-phase band-pass followed by division by each channel's own noise level.

    The filter has finite length, so that a tile with a halo of `halo` samples gives the same numbers as the
    whole recording.

    Attributes
    ----------
    rate : float
        Sampling rate in Hz.
    band : tuple of float
        Pass band in Hz.
    offset, scale : ndarray, shape (n_channels,)
        Median and noise level of each channel, in its units. The scale of a channel without data is NaN.
    """

    rate: float
    band: tuple[float, float]
    offset: Float32Array
    scale: Float32Array

    def __post_init__(self) -> None:
        low, high = self.band
        if not 0 < low < high < self.rate / 2:
            raise InputError(
                f"the band {low:g} to {high:g} Hz must rise and lie between 0 and the Nyquist frequency, "
                f"{self.rate / 2:g} Hz"
            )

    @cached_property
    def taps(self) -> Float32Array:
        """Coefficients of the linear-phase filter, odd in number."""
        from scipy.signal import firwin

        # 3.3 / N is the relative transition width of a Hamming window.
        length = 2 * int(np.ceil(1.65 * self.rate / self.band[0])) + 1
        return firwin(length, self.band, pass_zero=False, fs=self.rate).astype(np.float32)

    @property
    def halo(self) -> int:
        """Samples of context on each side that make a tile equal to the whole."""
        return 3 * (len(self.taps) // 2) + 1  # half the filter length, and twice that for the filling of gaps

    @classmethod
    def measure(
        cls,
        recording: xr.DataArray,
        band: tuple[float, float] | None = None,
        *,
        shrink: bool = False,
        options: PreprocessingOptions = PreprocessingOptions(),
    ) -> Self:
        """Measure offset and noise level on spans spread over the recording.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording, dims (channel, time).
        band : tuple of float, optional
            Pass band in Hz; by default `default_band`.
        shrink : bool
            Whether noise levels are shrunk to their median by the share of their spread that is measurement error.
        options : PreprocessingOptions
            Default band, and number and length of the spans.

        Returns
        -------
        Conditioner
        """
        rate = sampling_rate(recording)
        band = band or default_band(rate, options)
        spans = list(sample_spans(recording, n_spans=options.n_spans, length=options.span_samples))
        offset = _over_spans([_median(span.data) for span in spans])
        unscaled = cls(rate, band, np.nan_to_num(offset), np.ones_like(offset))
        levels = [_noise_levels(*unscaled(span.data), halves=shrink) for span in spans]
        scale = _over_spans([of_all for of_all, *_ in levels])
        if shrink:
            halves = [_over_spans([span[1 + half] for span in levels]) for half in (0, 1)]
            with np.errstate(divide="ignore"):  # level zero of a dead channel
                scale = np.exp(shrink_to_median(np.log(scale), np.log(halves)))
        return cls(rate, band, np.nan_to_num(offset), np.where(scale > 0, scale, np.nan).astype(np.float32))

    def for_channels(self, channels: IndexArray) -> Conditioner:
        """Return the conditioner of some of the channels."""
        return Conditioner(self.rate, self.band, self.offset[channels], self.scale[channels])

    def __call__(self, data: Float32Array) -> tuple[Float32Array, BoolArray]:
        """Condition a tile.

        Parameters
        ----------
        data : ndarray, shape (n_channels, n_samples)
            Raw data, NaN where there are none.

        Returns
        -------
        conditioned : ndarray, shape (n_channels, n_samples)
            Band-passed data in units of each channel's noise level; zero where there are no data.
        valid : ndarray of bool, shape (n_channels, n_samples)
            Where there are data.
        """
        conditioned, valid = np.empty(data.shape, np.float32), np.empty(data.shape, np.bool_)
        for first in range(0, len(data), ROWS):
            rows = slice(first, first + ROWS)
            centred = data[rows] - self.offset[rows, None]
            filled, valid[rows] = continue_over_gaps(centred, len(self.taps) // 2)
            conditioned[rows] = convolve_same(filled, self.taps[None]) / self.scale[rows, None]
        valid[~np.isfinite(self.scale)] = False
        conditioned[~valid] = 0
        return conditioned, valid

    def restore(self, conditioned: Float32Array) -> Float32Array:
        """Return conditioned data in the units of the recording; they stay band-passed."""
        return conditioned * self.scale[:, None]

    def to_dict(self) -> dict[str, Any]:
        """Return rate and band for JSON; the arrays are stored separately."""
        return {"rate": self.rate, "band": list(self.band)}


def sample_spans(recording: xr.DataArray, *, n_spans: int, length: int) -> list[Tile]:
    """Read spans spread evenly over a recording, or all of a short one.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    n_spans : int
        Number of spans, where the data are longer than all of them together. Otherwise all data are read, in at
        least one span per part between gaps; with many gaps these are more than `n_spans`.
    length : int
        Samples of a span, shortened for many channels so that all spans together stay below 40 million values.

    Returns
    -------
    list of Tile
    """
    max_length = MAX_SPAN_VALUES // (n_spans * max(recording.sizes["channel"], 1))
    length = max(MIN_SPAN, min(length, max_length))
    covered = stretches(recording, join=length // 4)
    n_covered = sum(last - first for first, last in covered)
    if n_covered <= n_spans * length:
        return [tile for first, last in covered for tile in _tiles_within(recording, first, last, length)]
    chosen = np.linspace(0, n_covered - length, n_spans).astype(int)
    starts = [_position(covered, offset) for offset in chosen]
    return [
        tile
        for first, last in starts
        for tile in _tiles_within(recording, first, min(first + length, last), length)
    ]


def _tiles_within(recording: xr.DataArray, first: int, last: int, length: int) -> list[Tile]:
    within = tiles(recording.isel(time=slice(first, last)), length)
    return [replace(tile, first=first + tile.first) for tile in within]


def _position(covered: list[tuple[int, int]], offset: int) -> tuple[int, int]:
    """Return the position of the covered sample number `offset`, and the end of its span."""
    for first, last in covered:
        if offset < last - first:
            return first + offset, last
        offset -= last - first
    raise IndexError(offset)


def _noise_levels(data: Float32Array, valid: BoolArray, *, halves: bool) -> list[Float32Array]:
    """Return the noise level of each channel, and on request those of both halves of the time."""
    sizes = np.abs(np.where(valid, data, np.nan))
    outer = outer_quarters(data.shape[1])
    parts = [sizes, sizes[:, outer], sizes[:, ~outer]] if halves else [sizes]
    return [1.4826 * _median(part) for part in parts]


def _median(data: Float32Array) -> Float32Array:
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice|Mean of empty slice", RuntimeWarning)
        return np.nanmedian(data, axis=1).astype(np.float32)


def _over_spans(values: list[Float32Array]) -> Float32Array:
    return _median(np.stack(values, axis=1))
