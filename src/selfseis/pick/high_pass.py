"""Causal high-pass filter: no ringing before an onset, and equal samples in tiles and in the whole recording."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import xarray as xr

from selfseis.errors import InputError
from selfseis.pick.options import FilterOptions
from selfseis.recording import bridge_gaps
from selfseis.recording.preprocessing import Conditioner
from selfseis.typing import BoolArray, Float32Array, FloatArray, IndexArray

SETTLING = 8.0  # periods of the corner after which the transient is below float32 precision


@dataclass(frozen=True)
class CausalHighPass:
    """Second-order Butterworth high-pass, run forwards only; a band-pass if a band is given.

    A zero-phase filter would move energy to before the onset.

    Attributes
    ----------
    rate : float
        Sampling rate in Hz.
    offset : ndarray, shape (n_channels,)
        Median of each channel, which is removed so that gaps are bridged near zero.
    band : tuple of float or None
        Corners in Hz. By default there is no upper corner, and the lower one is 1 Hz, above the microseism, limited
        to between 1% and 5% of the sampling rate.
    options : FilterOptions
        The default of the lower corner.
    """

    rate: float
    offset: Float32Array
    band: tuple[float, float] | None = None
    options: FilterOptions = FilterOptions()

    @classmethod
    def measure(
        cls,
        recording: xr.DataArray,
        band: tuple[float, float] | None = None,
        options: FilterOptions = FilterOptions(),
    ) -> CausalHighPass:
        """Measure the offset of each channel on spans spread over a recording."""
        conditioner = Conditioner.measure(recording)
        return cls(conditioner.rate, conditioner.offset, band, options)

    def __post_init__(self) -> None:
        low, high = self.band or (self.low, self.rate / 2)
        if not 0 < low < high <= self.rate / 2:
            raise InputError(
                f"band must rise and lie between 0 and the Nyquist frequency, {self.rate / 2:g} Hz, got {low:g} to "
                f"{high:g} Hz"
            )

    @property
    def low(self) -> float:
        """Lower corner in Hz."""
        return self.band[0] if self.band else default_corner(self.rate, self.options)

    @property
    def halo(self) -> int:
        """Samples of context after which tiles are equal to the whole."""
        return int(np.ceil(SETTLING * self.rate / self.low))

    def for_channels(self, rows: IndexArray) -> CausalHighPass:
        """Return the filter of some of the channels."""
        return replace(self, offset=self.offset[rows])

    @cached_property
    def sections(self) -> FloatArray:
        """Second-order sections."""
        from scipy.signal import butter

        if self.band is None or self.band[1] >= 0.98 * self.rate / 2:
            return butter(2, self.low, "highpass", fs=self.rate, output="sos")
        return butter(2, self.band, "bandpass", fs=self.rate, output="sos")

    def __call__(self, data: Float32Array) -> tuple[Float32Array, BoolArray]:
        """Filter channels.

        Parameters
        ----------
        data : ndarray, shape (n_channels, n_samples)
            NaN where there are no data.

        Returns
        -------
        filtered : ndarray, shape (n_channels, n_samples)
            Zero where there are no data.
        valid : ndarray of bool, shape (n_channels, n_samples)
        """
        from scipy.signal import sosfilt

        filled, valid = bridge_gaps(data - self.offset[:, None], self.halo)
        # The first sample is extended into the past, so that an offset causes no ringing.
        started = filled - filled[:, :1]
        passed = sosfilt(self.sections, started, axis=1)
        return np.where(valid, passed, 0).astype(np.float32), valid


def default_corner(rate: float, options: FilterOptions = FilterOptions()) -> float:
    """Return the lower corner in Hz at a sampling rate: 1 Hz from 20 to 100 Hz, 5 Hz at 500 Hz.

    Parameters
    ----------
    rate : float
        Sampling rate in Hz.
    options : FilterOptions
        The corner, and its limits as shares of the rate.
    """
    lowest, highest = options.min_corner_share * rate, options.max_corner_share * rate
    return float(np.clip(options.corner, lowest, highest))
