"""The reference earth: spherical, one-dimensional, velocities linear in depth between its depths."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from selfseis.locate import VelocityModel1D
from selfseis.recording import UnusableInput
from selfseis.recording.obspy_import import obspy
from selfseis.tomography.phases import Wave

Floats = NDArray[np.float64]

EARTH_KM = 6371.0
CORE_KM = 3479.5
GLOBAL_MODELS = ("ak135", "prem", "iasp91")
_MANTLE_VP = 7.7  # km/s; rays below the first such depth are mantle rays


@dataclass(frozen=True)
class Reference:
    """Velocities of the crust and the mantle against depth.

    Attributes
    ----------
    name : str
        Where it comes from.
    depth_km : ndarray, shape (n,)
        From 0 to the core, ascending; a discontinuity stands twice.
    vp, vs : ndarray, shape (n,)
        In km/s.
    """

    name: str
    depth_km: Floats
    vp: Floats
    vs: Floats

    @property
    def moho_km(self) -> float:
        """Depth below which P is a mantle ray; 35 km where the model does not say."""
        fast = np.flatnonzero(self.vp >= _MANTLE_VP)
        return float(self.depth_km[fast[0]]) if fast.size and fast[0] else 35.0

    @property
    def floor_km(self) -> float:
        """Depth of the deepest value."""
        return float(self.depth_km[-1])

    def velocity(self, wave: Wave) -> Floats:
        """Velocities of a wave at `depth_km`."""
        return self.vp if wave == "P" else self.vs

    def at(self, depth_km: Floats, wave: Wave) -> Floats:
        """Velocity at depths in km/s; constant above and below the model, the lower side of a discontinuity."""
        depth = np.asarray(depth_km, float)
        below = np.clip(np.searchsorted(self.depth_km, depth, side="right"), 1, len(self.depth_km) - 1)
        low, high = self.depth_km[below - 1], self.depth_km[below]
        share = np.divide(depth - low, high - low, out=np.ones(depth.shape), where=high > low)
        values = self.velocity(wave)
        return np.asarray(values[below - 1] + np.clip(share, 0, 1) * (values[below] - values[below - 1]))


def read_reference(name: str) -> Reference:
    """Return a reference earth by name or from a file.

    Parameters
    ----------
    name : str
        ``ak135``, ``prem`` or ``iasp91`` (through obspy.taup), or a file of depth (km), vp and vs (km/s).

    Raises
    ------
    UnusableInput
        If there is no such model or file.
    """
    if name.lower() in GLOBAL_MODELS:
        return _from_taup(name.lower())
    if not Path(name).is_file():
        raise UnusableInput(
            f"there is no reference {name}: give {', '.join(GLOBAL_MODELS)}, or a file of depth_km, vp, vs"
        )
    model = VelocityModel1D.from_file(name)
    inside = (model.depth_km > 0) & (model.depth_km < EARTH_KM - CORE_KM)
    depth = np.concatenate([[0.0], model.depth_km[inside], [EARTH_KM - CORE_KM]])
    at_surface, at_floor = (np.array([edge]) for edge in (max(0.0, model.depth_km[0]), depth[-1]))
    columns = [
        np.concatenate([model.at(at_surface, wave), values[inside], model.at(at_floor, wave)])
        for wave, values in (("P", model.vp), ("S", model.vs))
    ]
    return Reference(Path(name).name, depth, columns[0], columns[1])


@lru_cache(maxsize=4)
def _from_taup(name: str) -> Reference:
    obspy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from obspy.taup import TauPyModel

        layers = TauPyModel(name).model.s_mod.v_mod.layers
    layers = layers[layers["top_depth"] < EARTH_KM - CORE_KM - 1]
    columns = [
        np.stack([layers[f"top_{what}"], layers[f"bot_{what}"]], axis=1).ravel()
        for what in ("depth", "p_velocity", "s_velocity")
    ]
    columns[0] = columns[0].clip(max=EARTH_KM - CORE_KM)
    changed = np.append(True, np.any(np.diff(np.stack(columns), axis=1) != 0, axis=0))
    depth, vp, vs = (column[changed] for column in columns)
    return Reference(name, depth, vp, vs)
