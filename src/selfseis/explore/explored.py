"""The windows of a recording with their coordinates, classes and novelty, and the nearest ones to a window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfseis.errors import InputError
from selfseis.explore.background import mean_of_known
from selfseis.explore.clustering import Labels
from selfseis.explore.features import Gaps, WindowTable
from selfseis.explore.options import ExplorerOptions
from selfseis.explore.scattering import Scattering
from selfseis.explore.windows import Grid, Site
from selfseis.typing import Float32Array, FloatArray


@dataclass(frozen=True)
class Explored:
    """The windows of a recording, described, grouped and ranked.

    Attributes
    ----------
    grid : Grid
        Length and sampling rate of the windows.
    sites : list of Site
        Stations, or groups of channels of a fibre.
    table : WindowTable
        Scattering coefficients, by site and time.
    gaps : Gaps
        Windows that could not be used.
    points : ndarray, shape (n, n_axes)
        Coordinates in which windows are compared.
    labels : ndarray of int16, shape (n,)
        Classes, -1 where unassigned.
    novelty : ndarray, shape (n,)
        Novelty score; higher is more unusual. Windows with only the edge of a neighbouring event get at most the
        median score.
    p_value : ndarray, shape (n,)
        Probability that a phase-randomised window has at least this score.
    level_db : ndarray, shape (n,)
        Level above the station's background.
    options : ExplorerOptions
        Options of the explorer.
    """

    grid: Grid
    sites: list[Site]
    table: WindowTable
    gaps: Gaps
    points: Float32Array
    labels: Labels
    novelty: Float32Array
    p_value: FloatArray
    level_db: Float32Array
    options: ExplorerOptions

    @property
    def frequency_hz(self) -> Float32Array:
        """Centre frequencies of the bands in Hz, ascending; shape (n_bands,)."""
        return (self._centres[::-1] * self.grid.rate).astype(np.float32)

    def density_db(self) -> Float32Array:
        """Return the power spectral density of each window, mean over components, in dB re (units)^2/Hz.

        Frequencies ascend. A Gaussian band with standard deviation s passes ``2 sqrt(pi) s`` times the density
        as the squared modulus.
        """
        width = self.options.scattering.relative_width
        bandwidths = 2 * np.sqrt(np.pi) * width * self._centres * self.grid.rate
        density = mean_of_known(self.table.power) / bandwidths
        return (10 * np.log10(np.maximum(density, np.finfo(np.float32).tiny)))[:, ::-1].astype(np.float32)

    @property
    def _centres(self) -> FloatArray:
        return Scattering(self.grid.length, self.options.scattering).centres

    def find_similar(self, row: int, n_windows: int = 20) -> NDArray[np.int32]:
        """Return the rows of the windows most similar to one, at any station and time, most similar first."""
        rows, _ = nearest_windows(self.points[[row]], self.points, n_windows + 1)
        return rows[0][rows[0] != row][:n_windows]

    def row_at(self, site: str, time_sample: int) -> int:
        """Return the row of the window of a site that holds a sample.

        Raises
        ------
        InputError
            If the site is unknown, or the sample lies in a gap or outside the recording.
        """
        names = [one.name for one in self.sites]
        here = np.array([names[s] == site for s in self.table.site])
        here &= (self.table.first <= time_sample) & (time_sample < self.table.first + self.grid.length)
        if not here.any():
            raise InputError(
                f"{site} has no window at sample {time_sample}: choose another sample, or one of the sites "
                f"{', '.join(names[:5])}"
            )
        return int(np.flatnonzero(here)[0])


def nearest_windows(
    points: Float32Array, among: Float32Array, n_neighbours: int
) -> tuple[NDArray[np.int32], Float32Array]:
    """Return the rows of the most similar windows and their distances, most similar first.

    Parameters
    ----------
    points : ndarray, shape (n, n_axes)
        Query windows.
    among : ndarray, shape (m, n_axes)
        Windows to search.
    n_neighbours : int
        Maximum number of windows to return.

    Returns
    -------
    rows : ndarray of int32, shape (n, n_neighbours)
    distance : ndarray of float32, shape (n, n_neighbours)
    """
    from sklearn.neighbors import NearestNeighbors

    n_neighbours = min(n_neighbours, len(among))
    distance, rows = NearestNeighbors(n_neighbors=n_neighbours).fit(among).kneighbors(points)
    return rows.astype(np.int32), distance.astype(np.float32)
