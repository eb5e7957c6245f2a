"""Background level of each station, excess of windows over it, and power spectral densities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from selfseis.explore.features import WindowTable
from selfseis.explore.scattering import PER_OCTAVE, WIDTH, Scattering
from selfseis.explore.windows import Grid
from selfseis.typing import BoolArray, Float32Array

FLOOR = 0.5  # of the background, added to the power of a window to suppress weaker differences
MIN_MODULATION = 1e-3  # of the first order, below which the second order is rounding noise
MIN_WINDOWS_OF_SITE = 100  # from which the background of a site is measured again
WEIGHT_OF_ALONG = 2.0  # coherences lie within 1, logarithms of power exceed it
COMPONENTS_WITH_DIRECTION = 3
PERCENTILES = (10, 50, 90)
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
    """

    power: dict[str, Float32Array]
    along: dict[str, Float32Array]
    modulation: dict[str, Float32Array]
    bands: BoolArray

    @classmethod
    def measure(cls, table: WindowTable, names: list[str]) -> Self:
        """Measure the medians over the windows of each site of a recording."""
        power, along, modulation = {}, {}, {}
        for site in np.unique(table.site):
            mine = table.site == site
            power[names[site]] = _median(table.power[mine])
            along[names[site]] = np.median(table.along[mine], axis=0)
            second = table.modulation[mine][:, np.isfinite(table.modulation[0])]
            modulation[names[site]] = np.median(np.log(second + MIN_MODULATION), axis=0)
        loudest = np.nan_to_num(np.stack(list(power.values()))).max(axis=(0, 1))
        return cls(power, along, modulation, loudest > NUMERICAL_NOISE * loudest.max())

    def for_sites(self, table: WindowTable, names: list[str]) -> Background:
        """Return the background of the sites of a recording: measured on it, or the fitted one where it is short."""
        background = Background.measure(table, names)
        for site in np.unique(table.site):
            name = names[site]
            if (table.site == site).sum() < MIN_WINDOWS_OF_SITE and name in self.power:
                background.power[name], background.along[name] = self.power[name], self.along[name]
                background.modulation[name] = self.modulation[name]
        return Background(background.power, background.along, background.modulation, self.bands)

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
        level = np.log(power_ratio + FLOOR)
        peaked = np.log((power_ratio * table.peak + FLOOR) / (power_ratio + FLOOR))
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
        excess = np.log(table.modulation[:, known] + MIN_MODULATION) - median[table.site]
        share = np.where(self.bands, power_ratio / (power_ratio + 1), 0)
        of_octave = np.stack([part.mean(axis=1) for part in _octaves(share)], axis=1)
        return of_octave[:, np.nonzero(known)[0]] * excess

    def _direction(self, ratio: Float32Array, table: WindowTable, names: list[str]) -> Float32Array:
        if table.along.shape[1]:
            median = np.stack([self.along.get(name, np.zeros_like(table.along[0])) for name in names])
            return WEIGHT_OF_ALONG * (table.along - median[table.site])
        if ratio.shape[1] < COMPONENTS_WITH_DIRECTION or np.isnan(ratio).all(axis=(0, 2)).any():
            return np.zeros((len(ratio), 0), np.float32)
        vertical, horizontal = ratio[:, 0], ratio[:, 1:].mean(axis=1)
        return np.log((vertical + FLOOR) / (horizontal + FLOOR))[:, self.bands]

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


def _octaves(bands: Float32Array) -> list[Float32Array]:
    return np.split(bands, range(PER_OCTAVE, bands.shape[1], PER_OCTAVE), axis=1)


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


def band_frequencies(grid: Grid) -> Float32Array:
    """Return the centre frequencies of the bands in Hz, ascending."""
    return (Scattering(grid.length).centres[::-1] * grid.rate).astype(np.float32)


def densities_db(table: WindowTable, grid: Grid) -> Float32Array:
    """Return the power spectral density of each window, mean over components, in dB re (units)^2/Hz.

    Frequencies ascend. A Gaussian band with standard deviation s passes ``2 sqrt(pi) s`` times the density
    as the squared modulus.
    """
    centres = Scattering(grid.length).centres
    density = mean_of_known(table.power) / (2 * np.sqrt(np.pi) * WIDTH * centres * grid.rate)
    return (10 * np.log10(np.maximum(density, np.finfo(np.float32).tiny)))[:, ::-1].astype(np.float32)


def percentiles(density_db: Float32Array, group: NDArray, n_groups: int) -> Float32Array:
    """Return the 10th, 50th and 90th percentile over the windows of each group, shape (n_groups, 3, n_bands)."""
    return np.array(
        [np.percentile(density_db[group == k], PERCENTILES, axis=0) for k in range(n_groups)], np.float32
    ).reshape(n_groups, len(PERCENTILES), density_db.shape[1])


def backgrounds_db(density_db: Float32Array, site: NDArray[np.int16], n_sites: int) -> Float32Array:
    """Return the median density of each site; NaN where it has no window."""
    empty = np.full(density_db.shape[1], np.nan, np.float32)
    return np.array(
        [np.median(density_db[site == k], axis=0) if (site == k).any() else empty for k in range(n_sites)],
        np.float32,
    )
