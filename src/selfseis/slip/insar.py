"""Reader of line-of-sight displacements of InSAR scenes: tables, interferograms of the USGS, kite scenes."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfseis.errors import InputError
from selfseis.io.tables import (
    METRES,
    Columns,
    is_number,
    number_of,
    numbers,
    read_columns,
    read_text,
    required,
)
from selfseis.quality_log import QualityLog
from selfseis.slip.displacements import checked_sds, metres_per_unit, without_codes, without_strays
from selfseis.slip.kite import SUFFIXES, read_kite
from selfseis.slip.look_vectors import ASK, is_radar, look_of, usable_looks
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
    "incidence": ("inc", "incidence_angle", "inc_angle"),
    "heading": ("head", "satellite_heading", "flight_direction"),
    "azimuth": ("azi", "azimuth_angle"),
    "sigma": ("sd", "err", "error", "std", "sig", "sigma_m", "uncertainty"),
}
BARE = ("lon", "lat", "los", "look_e", "look_n", "look_u", "sigma")
GMTSAR = ("lon", "lat", "height", "look_e", "look_n", "look_u", "los", "sigma")
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
    by_position : bool
        Whether the file has no header, so that its first coordinate could also be the latitude.
    """

    name: str
    longitude: FloatArray
    latitude: FloatArray
    los: FloatArray
    look: FloatArray
    sd: FloatArray
    by_position: bool = False

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
            self.by_position,
        )


def read_insar(
    path: str | Path,
    quality_log: QualityLog | None = None,
    options: ReadingOptions = ReadingOptions(),
    *,
    unit: str | None = None,
    max_displacement_m: float | None = None,
) -> Insar:
    """Read a scene, and correct or mask faulty entries.

    Parameters
    ----------
    path : str or Path
        Table with the columns ``lon, lat, los, look_e, look_n, look_u, sigma`` in m, separated by commas, tabs or
        spaces, or with ``incidence, heading`` for the look vectors. Without a header, the columns are in this order
        and sigma may be missing, as in the resampled interferograms of the USGS; or they are the eight of GMTSAR's
        ``lltnde``. The sign is reversed if a comment defines negative as towards the satellite.
        Alternatively one of the two files of a kite scene, ``NAME.npz`` and ``NAME.yml`` in the same folder.
    quality_log : QualityLog, optional
        Log of masks and assumptions.
    options : ReadingOptions
    unit : {"m", "cm", "mm"}, optional
        Unit of the displacements and errors of a table; by default that of the header, or metres where these are
        possible.
    max_displacement_m : float, optional
        Largest possible displacement in m; by default that of the options.

    Returns
    -------
    Insar

    Raises
    ------
    InputError
        If the file holds no usable pixel, or if its unit or look vectors are in doubt.
    """
    path = Path(path)
    quality_log = QualityLog() if quality_log is None else quality_log
    max_m = options.max_displacement_m if max_displacement_m is None else max_displacement_m
    if path.suffix.lower() in SUFFIXES:
        longitude, latitude, los, look = read_kite(path)
        los = without_strays(without_codes(los, path.name, quality_log), max_m, path.name, quality_log)
        scene = Insar(path.stem, longitude, latitude, los, look, np.full(len(los), np.nan))
        scene = _without_bad_rows(scene, path.name, quality_log, options)
        if not is_radar(scene.look, options):
            raise InputError(
                f"{path.name}: theta and phi are not the elevation and direction of a radar satellite: {ASK} in a table"
            )
        return _with_upward_look(scene, path.name, quality_log)
    return _from_table(path, quality_log, unit, max_m, options)


def _from_table(
    path: Path, quality_log: QualityLog, unit: str | None, max_m: float, options: ReadingOptions
) -> Insar:
    if "focal_point" in read_text(path):
        raise InputError(
            f"{path.name}: positions in a quadtree of kite are relative to a corner: give its scene (.npz and .yml)"
        )
    table = read_columns(path, ALIASES, _bare, quality_log)
    columns = table.cells
    angles = {"incidence", "heading"} <= set(columns) or {"incidence", "azimuth"} <= set(columns)
    required(columns, BARE[:3] if angles else BARE[:6], path)
    if "height" in columns and not table.has_header:
        detail = "eight columns without header: lon, lat, height, look vector, displacement, error, as GMTSAR's lltnde"
        quality_log.add("assumed", path.name, detail, len(columns["lon"]))
    los, sd = _in_metres(table, path, quality_log, unit, max_m, options)
    look = look_of(table, path.name, quality_log, options)
    scene = Insar(
        path.stem, numbers(columns["lon"]), numbers(columns["lat"]), los, look, sd, not table.has_header
    )
    scene = _without_bad_rows(scene, path.name, quality_log, options)
    if AWAY_IS_POSITIVE.search(re.sub(r"[#%\s]+", " ", table.comments)):
        quality_log.add(
            "assumed", path.name, "its header defines negative as towards the satellite: sign reversed"
        )
        scene = replace(scene, los=-scene.los)
    return _with_upward_look(scene, path.name, quality_log)


def _in_metres(
    table: Columns,
    path: Path,
    quality_log: QualityLog,
    unit: str | None,
    max_m: float,
    options: ReadingOptions,
) -> tuple[FloatArray, FloatArray]:
    """Return displacements and errors in m, without codes for missing values and impossible values."""
    los = without_codes(numbers(table.cells["los"]), path.name, quality_log)
    sd = numbers(table.cells.get("sigma", [""] * len(los)))
    sd = checked_sds(without_codes(sd, path.name, quality_log, "errors"), path)
    factor = METRES.get(unit or "", table.metres.get("los", 0.0))
    if not factor and table.unit_in_words:
        quality_log.add("assumed", path.name, f"its comments say {table.unit_in_words}: read so", len(los))
        factor = METRES[table.unit_in_words]
    if not factor:
        los = without_strays(los, max_m, path.name, quality_log)
        factor, name = metres_per_unit(los, sd, path, "--insar-unit", max_m, options)
        if factor != 1:
            quality_log.add("assumed", path.name, f"displacements cannot be metres: read as {name}", len(los))
    los = without_strays(factor * los, max_m, path.name, quality_log)
    largest = float(np.nanmax(np.abs(los), initial=0.0))
    if largest > max_m and unit is None:
        raise InputError(
            f"{path.name}: displacements of {largest:.4g} m, in the unit of its header, are impossible for this fault "
            f"(at most {max_m:.3g} m): correct the unit, or state it with --insar-unit"
        )
    return los, sd * (factor if unit else table.metres.get("sigma", factor))


def _bare(row: list[str]) -> tuple[str, ...]:
    """Return the columns of a file without header, from their number and the place of its look vectors.

    Raises
    ------
    InputError
        If they could have several meanings.
    """
    if len(row) in (6, 7, 8) and all(is_number(cell) for cell in row):
        length = float(np.linalg.norm([number_of(cell) for cell in row[3:6]]))
        if 0.9 < length < 1.1:
            return GMTSAR if len(row) == 8 else BARE[: len(row)]
    raise InputError(
        f"an InSAR table without header has {len(row)} columns ({' '.join(row)[:60]}), whose meaning is unclear: add a "
        f"header, such as {','.join(BARE)}"
    )


def _without_bad_rows(scene: Insar, unit: str, quality_log: QualityLog, options: ReadingOptions) -> Insar:
    length = np.linalg.norm(scene.look, axis=1)
    finite = (
        (np.abs(scene.longitude) <= 360)
        & (np.abs(scene.latitude) <= 360)
        & np.isfinite(scene.los)
        & (length > 0)
    )
    if not finite.all():
        quality_log.add(
            "nan", unit, "pixels without a place, a value or a look vector: left out", int((~finite).sum())
        )
    if not finite.any():
        raise InputError(f"{unit} holds no pixel with a place, a value and a look vector: check its columns")
    scene = scene.take(finite)
    scene = scene.take(usable_looks(scene.look, unit, quality_log, options))
    length = np.linalg.norm(scene.look, axis=1)
    bad_sd = (scene.sd <= 0) | ~np.isfinite(scene.sd)
    if bad_sd.all():
        scene = replace(scene, sd=np.full(len(scene), np.nan))
    else:
        typical = float(np.median(scene.sd[~bad_sd]))
        bad_sd |= scene.sd < options.min_sd * typical
        if bad_sd.any():
            detail = "sigma zero, missing or far below all others: the median of the others"
            quality_log.add("assumed", unit, detail, int(bad_sd.sum()))
            scene = replace(scene, sd=np.where(bad_sd, typical, scene.sd))
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
