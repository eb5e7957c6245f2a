"""Power spectral densities of windows, groups of windows and stations, from the power in bands."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from selfseis.explore.background import mean_of_known
from selfseis.explore.features import WindowTable
from selfseis.explore.scattering import WIDTH, Scattering
from selfseis.explore.windows import Grid
from selfseis.typing import Float32Array

PERCENTILES = (10, 50, 90)


def band_frequencies(grid: Grid) -> Float32Array:
    """Return the centres of the bands in Hz, rising."""
    return (Scattering(grid.length).centres[::-1] * grid.rate).astype(np.float32)


def densities_db(table: WindowTable, grid: Grid) -> Float32Array:
    """Return the power spectral density of each window, mean over components, dB re (units)^2/Hz, rising frequency.

    A band of Gaussian shape with standard deviation s passes ``2 sqrt(pi) s`` times the density as the squared modulus.
    """
    centres = Scattering(grid.length).centres
    density = mean_of_known(table.power) / (2 * np.sqrt(np.pi) * WIDTH * centres * grid.rate)
    return (10 * np.log10(np.maximum(density, np.finfo(np.float32).tiny)))[:, ::-1].astype(np.float32)


def percentiles(density_db: Float32Array, group: NDArray, n_groups: int) -> Float32Array:
    """Return the 10th, 50th and 90th percentile of each group's windows, shape (n_groups, 3, n_bands)."""
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
