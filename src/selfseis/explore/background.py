"""What each station usually shows, and what a window holds above it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from selfseis.explore.features import WindowTable
from selfseis.explore.scattering import PER_OCTAVE
from selfseis.typing import BoolArray, Float32Array

FLOOR = 0.5  # of the background, that is added to a window's power: what is weaker is not told apart
MIN_MODULATION = 1e-3  # of the first order, below which the second is rounding
FEWEST = 100  # windows of a site, from which its own background is measured rather than looked up
WEIGHT_OF_ALONG = 2.0  # coherences lie within 1, logarithms of power do not
COMPONENTS_WITH_DIRECTION = 3
NUMERICAL_NOISE = 1e-11  # of the loudest band's power: single precision holds no more


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
        The bands that hold more than rounding at some site.
    """

    power: dict[str, Float32Array]
    along: dict[str, Float32Array]
    modulation: dict[str, Float32Array]
    bands: BoolArray

    @classmethod
    def measure(cls, table: WindowTable, names: list[str]) -> Self:
        """Measure what the sites of a recording usually show."""
        power, along, modulation = {}, {}, {}
        for site in np.unique(table.site):
            mine = table.site == site
            power[names[site]] = _median(table.power[mine])
            along[names[site]] = np.median(table.along[mine], axis=0)
            rhythm = table.modulation[mine][:, np.isfinite(table.modulation[0])]
            modulation[names[site]] = np.median(np.log(rhythm + MIN_MODULATION), axis=0)
        loudest = np.nan_to_num(np.stack(list(power.values()))).max(axis=(0, 1))
        return cls(power, along, modulation, loudest > NUMERICAL_NOISE * loudest.max())

    def for_sites(self, table: WindowTable, names: list[str]) -> Background:
        """Return the background of a recording's sites: measured on it, or the known one where it is short."""
        here = Background.measure(table, names)
        for site in np.unique(table.site):
            name = names[site]
            if (table.site == site).sum() < FEWEST and name in self.power:
                here.power[name], here.along[name] = self.power[name], self.along[name]
                here.modulation[name] = self.modulation[name]
        return Background(here.power, here.along, here.modulation, self.bands)

    def excess(self, table: WindowTable, names: list[str]) -> Float32Array:
        """Return what windows hold above the background, shape (n, n_features), without units.

        First the logarithm of power over the background's in each band, then how peaked the power is along the
        window. Both level off where the window is no louder than the background, so that neither the background's
        own ups and downs nor a station's gain matter. Then the second order, as far as the window stands out, and
        direction: vertical over horizontal where all stations have three components, coherence along a fibre.
        """
        ratio = self._ratio(table, names)
        louder = mean_of_known(ratio)
        level = np.log(louder + FLOOR)
        peaked = np.log((louder * table.peak + FLOOR) / (louder + FLOOR))
        blocks = [
            level[:, self.bands],
            peaked[:, self.bands],
            self._rhythm(louder, table, names),
            self._direction(ratio, table, names),
        ]
        return np.nan_to_num(np.hstack(blocks)).astype(np.float32)

    def _rhythm(self, louder: Float32Array, table: WindowTable, names: list[str]) -> Float32Array:
        """Return how power comes and goes, by octave and rate, weighted by the share that is not background."""
        known = np.isfinite(table.modulation[0])
        usual = np.stack([self.modulation.get(name, np.zeros(known.sum())) for name in names])
        unusual = np.log(table.modulation[:, known] + MIN_MODULATION) - usual[table.site]
        share = np.where(self.bands, louder / (louder + 1), 0)
        of_octave = np.stack([part.mean(axis=1) for part in _octaves(share)], axis=1)
        return of_octave[:, np.nonzero(known)[0]] * unusual

    def _direction(self, ratio: Float32Array, table: WindowTable, names: list[str]) -> Float32Array:
        if table.along.shape[1]:
            usual = np.stack([self.along.get(name, np.zeros_like(table.along[0])) for name in names])
            return WEIGHT_OF_ALONG * (table.along - usual[table.site])
        if ratio.shape[1] < COMPONENTS_WITH_DIRECTION or np.isnan(ratio).all(axis=(0, 2)).any():
            return np.zeros((len(ratio), 0), np.float32)
        vertical, horizontal = ratio[:, 0], ratio[:, 1:].mean(axis=1)
        return np.log((vertical + FLOOR) / (horizontal + FLOOR))[:, self.bands]

    def louder(self, table: WindowTable, names: list[str]) -> Float32Array:
        """Return the power of each window over its site's, mean over components, shape (n, n_bands)."""
        return mean_of_known(self._ratio(table, names))[:, self.bands]

    def _ratio(self, table: WindowTable, names: list[str]) -> Float32Array:
        usual = np.stack([self.power.get(name, np.full_like(table.power[0], np.nan)) for name in names])
        return table.power / usual[table.site]

    def level_db(self, table: WindowTable, names: list[str]) -> Float32Array:
        """Return the level of each window above its site's, in dB: the median over bands."""
        ratio = self.louder(table, names)
        return (10 * np.log10(np.maximum(np.median(ratio, axis=1), 1e-12))).astype(np.float32)


def _octaves(bands: Float32Array) -> list[Float32Array]:
    return np.split(bands, range(PER_OCTAVE, bands.shape[1], PER_OCTAVE), axis=1)


def mean_of_known(power: Float32Array) -> Float32Array:
    """Return the mean over the components that live, shape (n, n_bands); 0 where none does."""
    known = np.isfinite(power)
    return np.where(known, power, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)


def _median(power: Float32Array) -> Float32Array:
    """Return the median over windows; a component that never lives stays NaN."""
    known = np.isfinite(power).any(axis=(0, 2))
    median = np.full(power.shape[1:], np.nan, np.float32)
    median[known] = np.nanmedian(power[:, known], axis=0)
    return np.where(median > 0, median, np.nan).astype(np.float32)
