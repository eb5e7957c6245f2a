"""Published models (NetCDF of the IRIS Earth Model Collaboration), and their comparison with an image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from selfseis.errors import InputError
from selfseis.tomography.grid import CellGrid
from selfseis.tomography.options import PublishedModelOptions
from selfseis.typing import BoolArray, FloatArray

_AXES = {
    "depth": ("depth", "depth_km", "z"),
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon"),
}
_VALUES = ("dlnv", "dvp", "dvs", "dlnvp", "dlnvs", "v", "vp", "vs")


@dataclass(frozen=True)
class PublishedModel:
    """A model of velocity perturbations on a regular grid.

    Attributes
    ----------
    name : str
    depth_km, latitude, longitude : ndarray
        Ascending.
    percent : ndarray, shape (n_depths, n_latitudes, n_longitudes)
    """

    name: str
    depth_km: FloatArray
    latitude: FloatArray
    longitude: FloatArray
    percent: FloatArray

    @classmethod
    def from_file(
        cls, path: Path | str, options: PublishedModelOptions = PublishedModelOptions()
    ) -> PublishedModel:
        """Read a NetCDF file with a perturbation in percent over depth, latitude and longitude.

        Absolute velocities are taken as deviations from the mean of their depth.

        Raises
        ------
        InputError
            If the file holds no such model.
        """
        place = Path(path)
        try:
            with _opened(place) as stored:
                names = {key: _name(stored, known) for key, known in _AXES.items()}
                field = _name(stored, _VALUES)
                values = stored[field].transpose(*(stored[name].dims[0] for name in names.values()))
                axes = [stored[name].values.astype(float) for name in names.values()]
                percent = values.values.astype(float)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{place} is not a published model: give NetCDF with depth, latitude, longitude and a "
                "perturbation in percent"
            ) from error
        if np.nanmedian(percent) > options.min_velocity:
            mean = np.nanmean(percent, axis=(1, 2), keepdims=True)
            percent = 100 * (percent / mean - 1)
        for axis, values_ in enumerate(axes):
            order = np.argsort(values_)
            axes[axis], percent = values_[order], np.take(percent, order, axis)
        return cls(place.stem, axes[0], axes[1], axes[2], percent)

    def at(self, latitude: FloatArray, longitude: FloatArray, depth_km: FloatArray) -> FloatArray:
        """Return the perturbation (%) at points, linear between nodes; constant beyond the first and last depth."""
        from scipy.interpolate import RegularGridInterpolator

        east = np.concatenate([self.longitude[-1:] - 360, self.longitude, self.longitude[:1] + 360])
        values = np.concatenate([self.percent[..., -1:], self.percent, self.percent[..., :1]], axis=2)
        look_up = RegularGridInterpolator((self.depth_km, self.latitude, east), values)
        turned = (longitude - self.longitude[0]) % 360 + self.longitude[0]
        inside = [
            np.clip(depth_km, self.depth_km[0], self.depth_km[-1]),
            np.clip(latitude, self.latitude[0], self.latitude[-1]),
        ]
        return np.asarray(look_up(np.stack([*inside, turned], axis=-1)))

    def on(self, grid: CellGrid) -> FloatArray:
        """Return the perturbation (%) at the centres of the cells of a grid; shape (n_cells,)."""
        latitude, longitude = grid.centres
        layers = [self.at(latitude, longitude, np.full(latitude.size, depth)) for depth in grid.depths]
        return np.concatenate(layers)


def compare(model: FloatArray, published: FloatArray, grid: CellGrid, hit: BoolArray) -> dict[str, object]:
    """Correlate two models where there are rays, overall and layer by layer.

    Parameters
    ----------
    model, published : ndarray, shape (n_cells,)
    grid : CellGrid
    hit : ndarray of bool, shape (n_cells,)
    """
    layers = []
    for number, depth in enumerate(grid.depths):
        some = hit & (grid.layer == number)
        layers.append(
            {
                "depth_km": float(depth),
                "correlation": correlation(model[some], published[some]),
                "n_cells": int(some.sum()),
            }
        )
    return {"correlation": correlation(model[hit], published[hit]), "layers": layers}


def correlation(first: FloatArray, second: FloatArray) -> float | None:
    """Return the Pearson correlation; None if it is undefined."""
    if first.size < 3 or first.std() == 0 or second.std() == 0:
        return None
    return float(np.corrcoef(first, second)[0, 1])


def _opened(place: Path) -> xr.Dataset:
    try:
        return xr.open_dataset(place, engine="h5netcdf")
    except (OSError, ValueError):
        return xr.open_dataset(place, engine="scipy")  # classic NetCDF, which older models are


def _name(stored: xr.Dataset, known: tuple[str, ...]) -> str:
    lower = {str(name).lower(): str(name) for name in stored.variables}
    return (
        next(lower[name] for name in known if name in lower) if set(known) & set(lower) else _missing(known)
    )


def _missing(known: tuple[str, ...]) -> str:
    raise KeyError(f"no variable named {known[0]}")
