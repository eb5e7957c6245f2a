"""Reader of the ``.fsp`` files of SRCMOD and of the USGS: fault geometry and slip in one table."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from selfseis.errors import InputError
from selfseis.geo.projection import LocalMap
from selfseis.io.tables import read_text
from selfseis.slip.fault import Fault, Rectangle, directions
from selfseis.slip.options import FaultOptions
from selfseis.typing import FloatArray

NUMBER = r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"


@dataclass
class Segment:
    """One plane of an ``.fsp`` file during reading."""

    strike: float
    dip: float
    length_km: float
    width_km: float
    columns: list[str] = field(default_factory=list)
    rows: list[list[float]] = field(default_factory=list)


@dataclass(frozen=True)
class SlipModel:
    """A published slip model.

    Attributes
    ----------
    fault : Fault
    slip : ndarray, shape (n_patches,)
        In m; NaN if the file has none.
    rake : ndarray, shape (n_patches,)
        In degrees; NaN if the file has none.
    rigidity : ndarray, shape (n_layers, 2), optional
        Depth of the top in km and rigidity in Pa of each layer of the velocity model in the file.
    magnitude : float
        Mw of the header; NaN if it has none.
    """

    fault: Fault
    slip: FloatArray
    rake: FloatArray
    rigidity: FloatArray | None
    magnitude: float


def read_fsp(path: str | Path, options: FaultOptions = FaultOptions()) -> SlipModel:
    """Read a finite-source model.

    Parameters
    ----------
    path : str or Path
        File of SRCMOD or of the USGS, with one plane or several.
    options : FaultOptions
        Margin of the rake limits about the rake of the header.

    Returns
    -------
    SlipModel

    Raises
    ------
    InputError
        If the geometry of the patches is missing.

    References
    ----------
    Mai, P. M. and Thingbaijam, K. K. S. (2014). SRCMOD: an online database of finite-fault rupture models.
    Seismol. Res. Lett. 85. doi:10.1785/0220140077
    """
    path = Path(path)
    text = read_text(path)
    segments = [segment for segment in _segments(text, path.name) if segment.rows]
    if not segments:
        raise InputError(f"{path.name} holds no subfault: give an .fsp file")
    centred = bool(re.search(r"given\s+for\s+center", text, re.I))
    rectangles = [_rectangle(segment, row, centred) for segment in segments for row in segment.rows]
    slip, rake = (
        np.array([_cell(segment, row, name) for segment in segments for row in segment.rows])
        for name in ("SLIP", "RAKE")
    )
    mean_rake = _header(text, "RAKE")
    margin = options.rake_margin if np.isfinite(mean_rake) else np.nan
    n = len(rectangles)
    fault = Fault.of_rectangles(
        rectangles,
        np.full(n, mean_rake - margin),
        np.full(n, mean_rake + margin),
        np.repeat(np.arange(len(segments)), [len(segment.rows) for segment in segments]),
        ()
        if np.isnan(mean_rake)
        else (f"rake limits {mean_rake:.0f} ± {margin:.0f} from the header of {path.name}",),
    )
    return SlipModel(fault, slip, rake, _rigidity(text), _header(text, "Mw"))


def _header(text: str, name: str) -> float:
    """Return the first number after ``NAME =``; NaN if there is none."""
    found = re.search(rf"\b{name}\s*=\s*{NUMBER}", text, re.I)
    value = float(found.group(1)) if found else np.nan
    return np.nan if value in (-99.0, 999.0) else value


def _segments(text: str, name: str) -> list[Segment]:
    length_km, width_km = _header(text, "Dx"), _header(text, "Dz")
    strike, dip = _header(text, "STRK"), _header(text, "DIP")
    current = Segment(strike, dip, length_km, width_km)
    segments = [current]
    for line in text.splitlines():
        if line.lstrip().startswith("%"):
            if re.search(r"SEGMENT\s*#", line, re.I):
                current = Segment(_header(line, "STRIKE"), _header(line, "DIP"), length_km, width_km)
                segments.append(current)
            elif np.isfinite(step := _header(line, "Dx")) and len(segments) > 1:
                current.length_km, current.width_km = step, _header(line, "Dz")
            elif re.search(r"\bLAT\b.*\bLON\b.*\bSLIP\b", line):
                current.columns = line.replace("%", " ").split()
        elif line.strip() and current.columns:
            try:
                current.rows.append([float(cell) for cell in line.split()])
            except ValueError:
                raise InputError(f"{name}: a row must hold numbers only, got {line.strip()[:60]!r}") from None
    for segment in segments:
        if (
            segment.rows
            and not np.isfinite([segment.strike, segment.dip, segment.length_km, segment.width_km]).all()
        ):
            raise InputError(f"{name}: strike, dip, Dx or Dz of a segment is missing: add it to the header")
    return segments


def _cell(segment: Segment, row: list[float], name: str) -> float:
    upper = [column.upper() for column in segment.columns]
    return row[upper.index(name)] if name in upper and upper.index(name) < len(row) else np.nan


def _rectangle(segment: Segment, row: list[float], centred: bool) -> Rectangle:
    latitude, longitude, depth = (_cell(segment, row, name) for name in ("LAT", "LON", "Z"))
    if not centred:  # SRCMOD gives the middle of the upper edge
        _, down = directions(segment.strike, segment.dip)
        moved = LocalMap(longitude, latitude).to_degrees(down[None, :2] * segment.width_km / 2)
        longitude, latitude = float(moved[0][0]), float(moved[1][0])
        depth -= float(down[2]) * segment.width_km / 2
    return Rectangle(
        longitude, latitude, depth, segment.strike, segment.dip, segment.length_km, segment.width_km
    )


def _rigidity(text: str) -> FloatArray | None:
    """Return the rigidity of the layers under ``DEPTH P_VEL S_VEL DENS`` in the header."""
    layers: list[tuple[float, float]] = []
    inside = False
    for line in text.splitlines():
        if re.search(r"DEPTH\s+P.VEL\s+S.VEL\s+DENS", line, re.I):
            inside = True
        elif inside:
            cells = line.replace("%", " ").split()
            try:
                depth, _, s_velocity, density = (float(cell) for cell in cells[:4])
            except ValueError:
                if layers:
                    break
                continue
            layers.append((depth, 1000 * density * (1000 * s_velocity) ** 2))
    return np.array(layers) if len(layers) > 1 else None
