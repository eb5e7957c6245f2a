"""The windows of a recording with their coordinates, classes and novelty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfseis.errors import InputError
from selfseis.explore.clustering import Labels
from selfseis.explore.features import Gaps, WindowTable
from selfseis.explore.novelty import nearest_windows
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
