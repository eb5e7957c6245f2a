"""Reader of line-of-sight displacements of InSAR scenes: tables, interferograms of the USGS, kite scenes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfseis.errors import InputError
from selfseis.io.tables import metres_per_unit, numbers, read_columns, required
from selfseis.quality_log import QualityLog
from selfseis.slip.kite import SUFFIXES, read_kite
from selfseis.slip.options import ReadingOptions
from selfseis.typing import FloatArray

ALIASES = {
    "lon": ("longitude", "long", "x"),
    "lat": ("latitude", "y"),
    "los": ("displacement", "disp", "los_m", "dlos", "los_displacement", "los_disp", "d_los", "ulos", "d"),
    "look_e": ("sx", "le", "look_x", "e", "ue", "los_e", "look_east", "unit_e", "ve", "unite", "east", "l_e"),
    "look_n": (
        "sy",
        "ln",
        "look_y",
        "n",
        "un",
        "los_n",
        "look_north",
        "unit_n",
        "vn",
        "unitn",
        "north",
        "l_n",
    ),
    "look_u": ("sz", "lu", "look_z", "u", "uu", "los_u", "look_up", "unit_u", "vu", "unitu", "up", "l_u"),
    "incidence": ("inc", "incidence_angle", "inc_angle", "look_angle"),
    "heading": ("head", "azimuth", "azi", "satellite_heading", "flight_direction"),
    "sigma": ("sd", "err", "error", "std", "sig", "sigma_m", "uncertainty"),
}
BARE = ("lon", "lat", "los", "look_e", "look_n", "look_u", "sigma")
AWAY_IS_POSITIVE = re.compile(
    r"negative\s+(displacements?|values?)?[^.;]*?\btowards?\b|positive[^.;]*?\baway\b", re.I
)


@dataclass(frozen=True)
class Insar:
    """One InSAR scene.

    Attributes
    ----------
    name : str
    longitude, latitude : ndarray, shape (n_pixels,)
    los : ndarray, shape (n_pixels,)
        Displacement in m, positive towards the satellite.
    look : ndarray, shape (n_pixels, 3)
        Unit vector from the ground to the satellite: east, north, up.
    sd : ndarray, shape (n_pixels,)
        Stated standard deviation in m; NaN if none is stated.
    """

    name: str
    longitude: FloatArray
    latitude: FloatArray
    los: FloatArray
    look: FloatArray
    sd: FloatArray

    def __len__(self) -> int:
        return len(self.los)

    def take(self, rows: NDArray[Any]) -> Insar:
        """Return selected pixels, by mask or by number."""
        return Insar(
            self.name,
            self.longitude[rows],
            self.latitude[rows],
            self.los[rows],
            self.look[rows],
            self.sd[rows],
        )


def read_insar(
    path: str | Path,
    quality_log: QualityLog | None = None,
    options: ReadingOptions = ReadingOptions(),
) -> Insar:
    """Read a scene, and correct or mask faulty entries.

    Parameters
    ----------
    path : str or Path
        Table with the columns ``lon, lat, los, look_e, look_n, look_u, sigma`` in m, separated by commas, tabs or
        spaces. Without a header, the columns are in this order and sigma may be missing, as in the resampled
        interferograms of the USGS. The sign is reversed if a comment defines negative as towards the satellite.
        Alternatively one of the two files of a kite scene, ``NAME.npz`` and ``NAME.yml`` in the same folder.
    quality_log : QualityLog, optional
        Log of masks and assumptions.
    options : ReadingOptions

    Returns
    -------
    Insar

    Raises
    ------
    InputError
        If the file holds no usable pixel.
    """
    path = Path(path)
    quality_log = QualityLog() if quality_log is None else quality_log
    if path.suffix.lower() in SUFFIXES:
        longitude, latitude, los, look = read_kite(path)
        scene = Insar(path.stem, longitude, latitude, los, look, np.full(len(los), np.nan))
        scene = _without_bad_rows(scene, path.name, quality_log, options)
        return _with_upward_look(scene, path.name, quality_log)
    return _from_table(path, quality_log, options)


def _from_table(path: Path, quality_log: QualityLog, options: ReadingOptions) -> Insar:
    table = read_columns(path, ALIASES, BARE)
    columns = table.cells
    if "focal_point" in table.comments:
        raise InputError(
            f"{path.name}: positions in a quadtree of kite are relative to a corner: give its scene (.npz and .yml)"
        )
    angles = {"incidence", "heading"} <= set(columns)
    required(columns, BARE[:3] if angles else BARE[:6], path)
    los = numbers(columns["los"])
    sd = numbers(columns.get("sigma", [""] * len(los)))
    factor, unit = table.metres.get("los", 0.0), ""
    if not factor:
        factor, unit = metres_per_unit(los, np.array([]))
    if unit and factor != 1:
        quality_log.add("assumed", path.name, f"displacements cannot be metres: read as {unit}", len(los))
    look = (
        _look_of_angles(columns)
        if angles
        else np.stack([numbers(columns[name]) for name in BARE[3:6]], axis=1)
    )
    scene = Insar(
        path.stem, numbers(columns["lon"]), numbers(columns["lat"]), los * factor, look,
        sd * table.metres.get("sigma", factor),
    )  # fmt: skip
    scene = _without_bad_rows(scene, path.name, quality_log, options)
    if AWAY_IS_POSITIVE.search(re.sub(r"[#%\s]+", " ", table.comments)):
        quality_log.add(
            "assumed", path.name, "its header defines negative as towards the satellite: sign reversed"
        )
        scene = replace(scene, los=-scene.los)
    return _with_upward_look(scene, path.name, quality_log)


def _look_of_angles(columns: Mapping[str, list[str]]) -> FloatArray:
    """Return unit vectors to a right-looking satellite, from heading and incidence in degrees."""
    incidence, heading = (np.radians(numbers(columns[name])) for name in ("incidence", "heading"))
    across = np.sin(incidence)
    return np.stack([-across * np.cos(heading), across * np.sin(heading), np.cos(incidence)], axis=1)


def _without_bad_rows(scene: Insar, unit: str, quality_log: QualityLog, options: ReadingOptions) -> Insar:
    length = np.linalg.norm(scene.look, axis=1)
    finite = (
        np.isfinite(scene.longitude) & np.isfinite(scene.latitude) & np.isfinite(scene.los) & (length > 0)
    )
    if not finite.all():
        quality_log.add(
            "nan", unit, "pixels without a place, a value or a look vector: left out", int((~finite).sum())
        )
    if not finite.any():
        raise InputError(f"{unit} holds no pixel with a place, a value and a look vector: check its columns")
    scene, length = scene.take(finite), length[finite]
    not_unit = np.abs(length - 1) > options.max_look_error
    if not_unit.any():
        detail = "look vectors are not unit vectors: normalised"
        quality_log.add("assumed", unit, detail, int(not_unit.sum()))
    bad_sd = (scene.sd <= 0) | ~np.isfinite(scene.sd)
    if bad_sd.any() and not bad_sd.all():
        quality_log.add("assumed", unit, "sigma zero or missing: the median of the others", int(bad_sd.sum()))
        scene = replace(scene, sd=np.where(bad_sd, np.median(scene.sd[~bad_sd]), scene.sd))
    elif bad_sd.all():
        scene = replace(scene, sd=np.full(len(scene), np.nan))
    places = np.stack([scene.longitude, scene.latitude], axis=1)
    _, first = np.unique(np.round(places, 6), axis=0, return_index=True)
    if len(first) < len(scene):
        quality_log.add(
            "duplicate", unit, "pixels at the same place: the first is kept", len(scene) - len(first)
        )
    kept = np.sort(first)
    return replace(scene.take(kept), look=scene.look[kept] / length[kept, None])


def _with_upward_look(scene: Insar, unit: str, quality_log: QualityLog) -> Insar:
    if np.median(scene.look[:, 2]) > 0:
        return scene
    quality_log.add("assumed", unit, "look vectors point down, from the satellite: reversed", len(scene))
    return replace(scene, look=-scene.look)
