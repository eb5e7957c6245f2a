"""Which channels of a recording make a station: east, north and vertical of one site."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.recording import is_fibre, station_codes

Samples = NDArray[np.float32]

# SEED codes of horizontals that are not aligned to north and east, as the axes that they stand for.
EAST, NORTH, VERTICAL = "E2TXR", "N1RY", "Z3V"


@dataclass(frozen=True)
class Station:
    """A site with up to three components.

    Attributes
    ----------
    code : str
        Network, station and location; for a channel of a fibre its distance.
    east, north, vertical : int or None
        Rows of the recording; None where there is no such component. A single component of any
        orientation counts as vertical.
    """

    code: str
    east: int | None
    north: int | None
    vertical: int | None

    @property
    def rows(self) -> tuple[int | None, int | None, int | None]:
        """East, north and vertical."""
        return self.east, self.north, self.vertical

    def row_of(self, phase: str) -> int:
        """Return the row on which a phase is read: the vertical for P, a horizontal for S, or what there is."""
        order = (
            (self.vertical, self.north, self.east) if phase == "P" else (self.north, self.east, self.vertical)
        )
        return next(row for row in order if row is not None)

    def components(self, data: Samples) -> Samples:
        """Return east, north and vertical, shape (3, n_samples), of data of all channels; zero where missing."""
        return np.stack(
            [np.zeros(data.shape[1], np.float32) if row is None else data[row] for row in self.rows]
        )


def stations_of(recording: xr.DataArray) -> list[Station]:
    """List the stations of a recording, in the order of their first channels.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording. Each channel of a fibre is a station of one component.
    """
    codes = np.asarray(station_codes(recording)).astype(str)
    if is_fibre(recording) or "seed_id" not in recording.coords:
        return [Station(str(code), None, None, row) for row, code in enumerate(codes)]
    letters = [str(seed_id)[-1:].upper() for seed_id in recording["seed_id"].values]
    bands = [str(seed_id).rsplit(".", 1)[-1][:2] for seed_id in recording["seed_id"].values]
    stations = []
    for code, band in dict.fromkeys(zip(codes, bands, strict=True)):
        rows = [row for row in range(len(codes)) if codes[row] == code and bands[row] == band]
        stations.append(_station(str(code), {letters[row]: row for row in reversed(rows)}))
    return stations


def _station(code: str, row_of: dict[str, int]) -> Station:
    north = _first(NORTH, row_of)
    east = _first(EAST, {letter: row for letter, row in row_of.items() if row != north})
    vertical = _first(VERTICAL, row_of)
    if vertical is None and (east is None or north is None):
        return Station(code, None, None, next(iter(row_of.values())))
    return Station(code, east, north, vertical)


def _first(letters: str, row_of: dict[str, int]) -> int | None:
    return next((row_of[letter] for letter in letters if letter in row_of), None)
