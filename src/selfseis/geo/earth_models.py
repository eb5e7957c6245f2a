"""One-dimensional velocity models: from files, homogeneous, a typical crust, and global references."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from selfseis.errors import InputError
from selfseis.geo.sphere import EARTH_RADIUS_KM
from selfseis.geo.velocity_files import read_layers
from selfseis.io.obspy_import import obspy, without_warnings
from selfseis.typing import FloatArray

POISSON_VP_VS = 3.0**0.5
_MANTLE_VP = 7.7  # km/s; rays below the first such depth are mantle rays


@dataclass(frozen=True)
class VelocityModel1D:
    """Velocities of P and S against depth.

    Velocities run linearly from one depth to the next and are constant above the first and below the last. A
    discontinuity is a depth that occurs twice.

    Attributes
    ----------
    depth_km : ndarray, shape (n,)
        Depths below sea level in km, ascending; negative above sea level.
    vp, vs : ndarray, shape (n,)
        Velocities in km/s.
    source : str
        Origin of the model, in words.
    """

    depth_km: FloatArray
    vp: FloatArray
    vs: FloatArray
    source: str = "given"

    def __post_init__(self) -> None:
        columns = [np.atleast_1d(np.asarray(column, float)) for column in (self.depth_km, self.vp, self.vs)]
        depth, vp, vs = columns
        if not len(depth) == len(vp) == len(vs) or len(depth) == 0:
            raise InputError("a velocity model needs as many vp and vs as depths, and at least one")
        if not np.isfinite(np.stack(columns)).all() or np.any(np.diff(depth) < 0):
            raise InputError("the depths of a velocity model must be numbers in ascending order")
        if np.any(vs <= 0) or np.any(vp <= vs):
            raise InputError("a velocity model needs vp > vs > 0 at each depth, in km/s: no layers of water")
        if vp.max() > 20:
            raise InputError(f"vp of {vp.max():g} is too large for km/s: give velocities in km/s, not in m/s")
        for name, column in zip(("depth_km", "vp", "vs"), columns, strict=True):
            object.__setattr__(self, name, column)

    @classmethod
    def from_file(cls, path: Path | str) -> VelocityModel1D:
        """Read a model from a table, NonLinLoc's ``LAYER`` lines, or a ``.tvel`` or ``.nd`` file.

        In a table with a header, velocities run linearly between values of ``depth_km``, and are constant below each
        ``top_km``. `selfseis.geo.velocity_files` describes all forms. Without vs, vp / vs is the square root of 3.
        Models of the whole Earth are read down to the core, where vs ends.

        Raises
        ------
        InputError
            If the file cannot be read, or is not a velocity model in km and km/s.
        """
        place = Path(path)
        layers = read_layers(place)
        vs = np.where(np.isnan(layers.vs), layers.vp / POISSON_VP_VS, layers.vs)
        core = np.flatnonzero(vs == 0)
        solid = slice(0, int(core[0]) if core.size else None)
        source = f"read from {place.name}" + (f", {layers.meaning}" if layers.meaning else "")
        return cls(layers.depth_km[solid], layers.vp[solid], vs[solid], source)

    @classmethod
    def homogeneous(
        cls, vp: float, vp_vs: float = POISSON_VP_VS, source: str = "homogeneous"
    ) -> VelocityModel1D:
        """Return the same velocity everywhere, vp in km/s."""
        return cls(np.zeros(1), np.array([vp]), np.array([vp / vp_vs]), source)

    @classmethod
    def typical_crust(cls, scale: float = 1.0, vp_vs: float = POISSON_VP_VS) -> VelocityModel1D:
        """Return the crust and uppermost mantle of IASP91, its velocities times ``scale``.

        References
        ----------
        Kennett and Engdahl (1991), doi:10.1111/j.1365-246X.1991.tb06724.x
        """
        depth = np.array([0.0, 20.0, 20.0, 35.0, 35.0, 120.0, 410.0])
        vp = scale * np.array([5.8, 5.8, 6.5, 6.5, 8.04, 8.05, 9.03])
        return cls(depth, vp, vp / vp_vs, f"IASP91 crust with velocities times {scale:.2f}")

    def velocity(self, phase: str) -> FloatArray:
        """Velocities of a phase at `depth_km` in km/s."""
        return self.vp if phase == "P" else self.vs

    def at(self, depth_km: npt.ArrayLike, phase: str) -> FloatArray:
        """Velocity of a phase at depths in km/s; at a discontinuity the value below it."""
        depth = np.asarray(depth_km, float)
        below = np.clip(np.searchsorted(self.depth_km, depth, side="right"), 0, len(self.depth_km))
        low, high = np.maximum(below - 1, 0), np.minimum(below, len(self.depth_km) - 1)
        values = self.velocity(phase)
        step = self.depth_km[high] - self.depth_km[low]
        share = np.divide(depth - self.depth_km[low], step, out=np.zeros(depth.shape), where=step > 0)
        return np.asarray(values[low] + np.clip(share, 0, 1) * (values[high] - values[low]))

    @property
    def vp_vs(self) -> float:
        """Median ratio of vp to vs."""
        return float(np.median(self.vp / self.vs))

    @property
    def moho_km(self) -> float:
        """Depth below which P is a mantle ray; 35 km if the model has no such depth."""
        fast = np.flatnonzero(self.vp >= _MANTLE_VP)
        return float(self.depth_km[fast[0]]) if fast.size and fast[0] else 35.0

    @property
    def floor_km(self) -> float:
        """Depth of the deepest value."""
        return float(self.depth_km[-1])

    def to_dict(self) -> dict[str, Any]:
        """Return depths and velocities as lists, for JSON."""
        return {
            "depth_km": self.depth_km.tolist(),
            "vp": self.vp.tolist(),
            "vs": self.vs.tolist(),
            "source": self.source,
        }


CORE_KM = 3479.5
GLOBAL_MODELS = ("ak135", "prem", "iasp91")


def read_reference(name: str) -> VelocityModel1D:
    """Return a model of the crust and the mantle, from the surface to the core, by name or from a file.

    Parameters
    ----------
    name : str
        ``ak135``, ``prem`` or ``iasp91`` (through obspy.taup), or a file of depth (km), vp and vs (km/s).

    Raises
    ------
    InputError
        If neither a model nor a file has this name.
    """
    if name.lower() in GLOBAL_MODELS:
        return _from_taup(name.lower())
    if not Path(name).is_file():
        raise InputError(
            f"there is no reference {name}: give {', '.join(GLOBAL_MODELS)}, or a file of depth_km, vp, vs"
        )
    model = VelocityModel1D.from_file(name)
    inside = (model.depth_km > 0) & (model.depth_km < EARTH_RADIUS_KM - CORE_KM)
    depth = np.concatenate([[0.0], model.depth_km[inside], [EARTH_RADIUS_KM - CORE_KM]])
    at_surface, at_floor = (np.array([edge]) for edge in (max(0.0, model.depth_km[0]), depth[-1]))
    columns = [
        np.concatenate([model.at(at_surface, wave), values[inside], model.at(at_floor, wave)])
        for wave, values in (("P", model.vp), ("S", model.vs))
    ]
    return VelocityModel1D(depth, columns[0], columns[1], Path(name).name)


@lru_cache(maxsize=4)
def _from_taup(name: str) -> VelocityModel1D:
    obspy()
    with without_warnings():
        from obspy.taup import TauPyModel

        layers = TauPyModel(name).model.s_mod.v_mod.layers
    is_solid = layers["top_s_velocity"] > 0  # the core of IASP91 begins 2.5 km above `CORE_KM`
    layers = layers[(layers["top_depth"] < EARTH_RADIUS_KM - CORE_KM - 1) & is_solid]
    columns = [
        np.stack([layers[f"top_{quantity}"], layers[f"bot_{quantity}"]], axis=1).ravel()
        for quantity in ("depth", "p_velocity", "s_velocity")
    ]
    columns[0] = columns[0].clip(max=EARTH_RADIUS_KM - CORE_KM)
    changed = np.append(True, np.any(np.diff(np.stack(columns), axis=1) != 0, axis=0))
    depth, vp, vs = (column[changed] for column in columns)
    return VelocityModel1D(depth, vp, vs, name)
