"""One-dimensional velocity models: from files, homogeneous, a typical crust, and global references."""

from __future__ import annotations

import csv
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from selfseis.errors import InputError
from selfseis.geo.phases import Wave
from selfseis.geo.sphere import EARTH_RADIUS_KM
from selfseis.io.obspy_import import obspy
from selfseis.typing import FloatArray

POISSON_VP_VS = 3.0**0.5
_NAMES = {
    "depth": ("depth_km", "depth", "z", "z_km"),
    "vp": ("vp", "vp_km_s", "p"),
    "vs": ("vs", "vs_km_s", "s"),
}


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
        """Read a model from a CSV file (columns depth_km, vp and, if known, vs), or from a ``.tvel`` file.

        Column names may have any case; columns without names are depth, vp and vs in this order,
        separated by commas or blanks. Without vs, vp / vs is the square root of 3. Depths are in km below sea
        level, velocities in km/s. A ``.tvel`` file (TauP: two lines of title, then depth, vp, vs, density) is read down
        to the core, where vs ends.

        Raises
        ------
        InputError
            If the file cannot be read or is not a velocity model.
        """
        place = Path(path)
        try:
            lines = place.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"the velocity model {place} cannot be read ({error}): give a text file"
            ) from error
        lines = lines[2:] if place.suffix.lower() == ".tvel" else lines
        rows = [_cells(line) for line in lines if line.strip() and not line.lstrip().startswith("#")]
        if not rows:
            raise InputError(f"the velocity model {place} is empty: give lines of depth_km, vp, vs")
        named = not _is_number(rows[0][0])
        order = (
            _columns(rows[0], place)
            if named
            else {"depth": 0, "vp": 1, "vs": 2 if len(rows[0]) > 2 else None}
        )
        try:
            table = [_layer(row, order) for row in rows[named:]]
        except (ValueError, IndexError) as error:
            raise InputError(f"{place} contains a value that is not a number: {error}") from error
        solid = next((row for row, (_, _, vs) in enumerate(table) if vs == 0), len(table))
        if solid == 0:
            raise InputError(f"the velocity model {place} has no layer with vs > 0: give vs in km/s")
        depth, vp, vs = np.array(table[:solid], float).T
        return cls(depth, vp, vs, f"read from {place.name}")

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

    def at(self, depth_km: npt.ArrayLike, phase: str) -> FloatArray:
        """Velocity of a phase at depths in km/s; at a discontinuity the value below it."""
        depth = np.asarray(depth_km, float)
        below = np.clip(np.searchsorted(self.depth_km, depth, side="right"), 0, len(self.depth_km))
        low, high = np.maximum(below - 1, 0), np.minimum(below, len(self.depth_km) - 1)
        values = self.vp if phase == "P" else self.vs
        step = self.depth_km[high] - self.depth_km[low]
        share = np.divide(depth - self.depth_km[low], step, out=np.zeros(depth.shape), where=step > 0)
        return np.asarray(values[low] + np.clip(share, 0, 1) * (values[high] - values[low]))

    @property
    def vp_vs(self) -> float:
        """Median ratio of vp to vs."""
        return float(np.median(self.vp / self.vs))

    def to_dict(self) -> dict[str, Any]:
        """Return depths and velocities as lists, for JSON."""
        return {
            "depth_km": self.depth_km.tolist(),
            "vp": self.vp.tolist(),
            "vs": self.vs.tolist(),
            "source": self.source,
        }


def _cells(line: str) -> list[str]:
    cells = next(csv.reader([line])) if "," in line else line.split()
    return [cell.strip() for cell in cells]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _columns(names: list[str], place: Path) -> dict[str, int | None]:
    lower = [name.lower() for name in names]
    found = {
        key: next((lower.index(name) for name in known if name in lower), None)
        for key, known in _NAMES.items()
    }
    if found["depth"] is None or found["vp"] is None:
        raise InputError(f"the velocity model {place} needs the columns depth_km and vp, and vs if known")
    return found


def _layer(row: list[str], order: dict[str, int | None]) -> tuple[float, float, float]:
    depth, vp, vs = order["depth"], order["vp"], order["vs"]
    assert depth is not None and vp is not None
    fast = float(row[vp])
    return float(row[depth]), fast, fast / POISSON_VP_VS if vs is None else float(row[vs])


CORE_KM = 3479.5
GLOBAL_MODELS = ("ak135", "prem", "iasp91")
_MANTLE_VP = 7.7  # km/s; rays below the first such depth are mantle rays


@dataclass(frozen=True)
class Reference:
    """Velocities of the crust and the mantle against depth.

    Attributes
    ----------
    name : str
        Origin of the model.
    depth_km : ndarray, shape (n,)
        From 0 to the core, ascending; a discontinuity occurs twice.
    vp, vs : ndarray, shape (n,)
        In km/s.
    """

    name: str
    depth_km: FloatArray
    vp: FloatArray
    vs: FloatArray

    @property
    def moho_km(self) -> float:
        """Depth below which P is a mantle ray; 35 km if the model has no such depth."""
        fast = np.flatnonzero(self.vp >= _MANTLE_VP)
        return float(self.depth_km[fast[0]]) if fast.size and fast[0] else 35.0

    @property
    def floor_km(self) -> float:
        """Depth of the deepest value."""
        return float(self.depth_km[-1])

    def velocity(self, wave: Wave) -> FloatArray:
        """Velocities of a wave at `depth_km`."""
        return self.vp if wave == "P" else self.vs

    def at(self, depth_km: FloatArray, wave: Wave) -> FloatArray:
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
    return Reference(Path(name).name, depth, columns[0], columns[1])


@lru_cache(maxsize=4)
def _from_taup(name: str) -> Reference:
    obspy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from obspy.taup import TauPyModel

        layers = TauPyModel(name).model.s_mod.v_mod.layers
    layers = layers[layers["top_depth"] < EARTH_RADIUS_KM - CORE_KM - 1]
    columns = [
        np.stack([layers[f"top_{quantity}"], layers[f"bot_{quantity}"]], axis=1).ravel()
        for quantity in ("depth", "p_velocity", "s_velocity")
    ]
    columns[0] = columns[0].clip(max=EARTH_RADIUS_KM - CORE_KM)
    changed = np.append(True, np.any(np.diff(np.stack(columns), axis=1) != 0, axis=0))
    depth, vp, vs = (column[changed] for column in columns)
    return Reference(name, depth, vp, vs)
