"""Background level of each station, and the excess of windows over it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from selfseis.explore.features import WindowTable
from selfseis.explore.options import BackgroundOptions
from selfseis.typing import BoolArray, Float32Array

COMPONENTS_WITH_DIRECTION = 3
NUMERICAL_NOISE = 1e-11  # of the power of the loudest band: the limit of single precision


@dataclass(frozen=True)
class Background:
    """Median power, peak and modulation of each site's windows.

    Attributes
    ----------
    power : dict of str to ndarray, shape (n_components, n_bands)
        By name of the site, in units squared.
    along : dict of str to ndarray, shape (n_along,)
        Median coherence along the fibre.
    modulation : dict of str to ndarray, shape (n_modulations,)
        Median logarithm of the second order.
    bands : ndarray of bool, shape (n_bands,)
        Bands with power above rounding noise at any site.
    bands_per_octave : int
        Number of bands in an octave.
    options : BackgroundOptions
        How excess is measured.
    """

    power: dict[str, Float32Array]
    along: dict[str, Float32Array]
    modulation: dict[str, Float32Array]
    bands: BoolArray
    bands_per_octave: int
    options: BackgroundOptions

    @classmethod
    def measure(
        cls, table: WindowTable, names: list[str], options: BackgroundOptions, bands_per_octave: int
    ) -> Self:
        """Measure the medians over the windows of each site of a recording.

        Parameters
        ----------
        table : WindowTable
            The windows.
        names : list of str
            Names of the sites.
        options : BackgroundOptions
            How excess is measured.
        bands_per_octave : int
            Number of bands in an octave.
        """
        power, along, modulation = {}, {}, {}
        for site in np.unique(table.site):
            mine = table.site == site
            power[names[site]] = _median(table.power[mine])
            along[names[site]] = np.median(table.along[mine], axis=0)
            second = table.modulation[mine][:, np.isfinite(table.modulation[0])]
            modulation[names[site]] = np.median(np.log(second + options.min_modulation), axis=0)
        loudest = np.nan_to_num(np.stack(list(power.values()))).max(axis=(0, 1))
        bands = loudest > NUMERICAL_NOISE * loudest.max()
        return cls(power, along, modulation, bands, bands_per_octave, options)

    def measured_on(self, table: WindowTable, names: list[str]) -> Background:
        """Return the background of other windows in the same bands."""
        measured = Background.measure(table, names, self.options, self.bands_per_octave)
        return replace(measured, bands=self.bands)

    def for_sites(self, table: WindowTable, names: list[str]) -> Background:
        """Return the background of the sites of a recording: measured on it, or the fitted one where it is short."""
        background = self.measured_on(table, names)
        for site in np.unique(table.site):
            name = names[site]
            if (table.site == site).sum() < self.options.min_windows_of_site and name in self.power:
                background.power[name], background.along[name] = self.power[name], self.along[name]
                background.modulation[name] = self.modulation[name]
        return background

    def excess(self, table: WindowTable, names: list[str]) -> Float32Array:
        """Return the excess of windows over the background, shape (n, n_features), dimensionless.

        The columns are, in this order: the logarithm of the power ratio to the background in each band; the
        peakedness of the power along the window; the second order, weighted by the excess power; and direction. The
        first two saturate where the window is no louder than the background, so that fluctuations of the background
        and the gain of a station do not matter. Direction is the ratio of vertical to horizontal power where all
        stations have three components, and the coherence of neighbouring channels along a fibre.
        """
        ratio = self._ratio(table, names)
        power_ratio = mean_of_known(ratio)
        floor = self.options.floor
        level = np.log(power_ratio + floor)
        peaked = np.log((power_ratio * table.peak + floor) / (power_ratio + floor))
        blocks = [
            level[:, self.bands],
            peaked[:, self.bands],
            self._modulation_excess(power_ratio, table, names),
            self._direction(ratio, table, names),
        ]
        return np.nan_to_num(np.hstack(blocks)).astype(np.float32)

    def _modulation_excess(
        self, power_ratio: Float32Array, table: WindowTable, names: list[str]
    ) -> Float32Array:
        """Return the modulation of power by octave and rate, weighted by the share of power above background."""
        known = np.isfinite(table.modulation[0])
        median = np.stack([self.modulation.get(name, np.zeros(known.sum())) for name in names])
        excess = np.log(table.modulation[:, known] + self.options.min_modulation) - median[table.site]
        share = np.where(self.bands, power_ratio / (power_ratio + 1), 0)
        of_octave = np.stack([part.mean(axis=1) for part in self._octaves(share)], axis=1)
        return of_octave[:, np.nonzero(known)[0]] * excess

    def _direction(self, ratio: Float32Array, table: WindowTable, names: list[str]) -> Float32Array:
        if table.along.shape[1]:
            median = np.stack([self.along.get(name, np.zeros_like(table.along[0])) for name in names])
            return self.options.coherence_weight * (table.along - median[table.site])
        if ratio.shape[1] < COMPONENTS_WITH_DIRECTION or np.isnan(ratio).all(axis=(0, 2)).any():
            return np.zeros((len(ratio), 0), np.float32)
        vertical, horizontal = ratio[:, 0], ratio[:, 1:].mean(axis=1)
        floor = self.options.floor
        return np.log((vertical + floor) / (horizontal + floor))[:, self.bands]

    def _octaves(self, bands: Float32Array) -> list[Float32Array]:
        return np.split(bands, range(self.bands_per_octave, bands.shape[1], self.bands_per_octave), axis=1)

    def power_ratio(self, table: WindowTable, names: list[str]) -> Float32Array:
        """Return the power of each window over that of its site, mean over components, shape (n, n_bands)."""
        return mean_of_known(self._ratio(table, names))[:, self.bands]

    def _ratio(self, table: WindowTable, names: list[str]) -> Float32Array:
        median = np.stack([self.power.get(name, np.full_like(table.power[0], np.nan)) for name in names])
        return table.power / median[table.site]

    def level_db(self, table: WindowTable, names: list[str]) -> Float32Array:
        """Return the level of each window above that of its site in dB, the median over bands."""
        ratio = self.power_ratio(table, names)
        return (10 * np.log10(np.maximum(np.median(ratio, axis=1), 1e-12))).astype(np.float32)


def mean_of_known(power: Float32Array) -> Float32Array:
    """Return the mean over the live components, shape (n, n_bands); 0 where there is none."""
    known = np.isfinite(power)
    return np.where(known, power, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)


def _median(power: Float32Array) -> Float32Array:
    """Return the median over windows; NaN for a component without data."""
    known = np.isfinite(power).any(axis=(0, 2))
    median = np.full(power.shape[1:], np.nan, np.float32)
    median[known] = np.nanmedian(power[:, known], axis=0)
    return np.where(median > 0, median, np.nan).astype(np.float32)
