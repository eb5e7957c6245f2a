"""Reader of the ``.fsp`` files of SRCMOD and of the USGS: fault geometry and slip in one table."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from selfseis.errors import InputError
from selfseis.geo.projection import LocalMap
from selfseis.io.tables import number_of, read_text
from selfseis.slip.fault import Fault, Rectangle, directions, mean_angle
from selfseis.slip.options import FaultOptions
from selfseis.typing import BoolArray, FloatArray, IntArray

MAX_DEPTH_KM = 800.0  # no earthquake is deeper
MAX_STEP_KM = 2000.0  # no subfault is larger
MAX_VS_KM_S, MAX_DENSITY = 8.0, 7.0  # of the mantle, in km/s and g/cm3
MAX_OFFSET_KM = 20_000.0  # half way around the Earth
MIN_PLANE = 4
MAX_TURN = 10.0  # degrees between the plane of the subfaults and the header
NUMBER = r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"


@dataclass
class Segment:
    """One plane of an ``.fsp`` file during reading."""

    strike: float
    dip: float
    length_km: float
    width_km: float
    rake: float = np.nan
    n_patches: float = np.nan
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
    notes = [note for segment in segments for note in _contradictions(segment, segments, text)]
    centred = bool(re.search(r"given\s+for\s+center", text, re.I))
    try:
        rectangles = [_rectangle(segment, row, centred) for segment in segments for row in segment.rows]
    except ValueError as error:
        raise InputError(f"{path.name}: {error}") from None
    slip, rake = (
        np.array([_cell(segment, row, name) for segment in segments for row in segment.rows])
        for name in ("SLIP", "RAKE")
    )
    number = np.repeat(np.arange(len(segments)), [len(segment.rows) for segment in segments])
    mean_rake = _mean_rakes(segments, number, slip, rake, _header(text, "RAKE"))
    margin = options.rake_margin
    if (known := np.isfinite(mean_rake)).any():
        listed = ", ".join(f"{one:.0f}" for one in dict.fromkeys(np.round(mean_rake[known])))
        origin = "header" if len(segments) == 1 else "segments"
        notes.insert(0, f"rake limits {listed} ± {margin:.0f} from the {origin} of {path.name}")
    fault = Fault.of_rectangles(
        rectangles, mean_rake - margin, mean_rake + margin, number, tuple(dict.fromkeys(notes))
    )
    return SlipModel(fault, slip, rake, _rigidity(text), _header(text, "Mw"))


def _mean_rakes(
    segments: list[Segment], number: IntArray, slip: FloatArray, rake: FloatArray, of_event: float
) -> FloatArray:
    """Return the mean rake for each patch: of the header, or of each segment if there are several."""
    means = []
    for place, segment in enumerate(segments):
        rows = (number == place) & np.isfinite(rake)
        weight = np.where(np.isfinite(slip[rows]), np.abs(slip[rows]), 0.0)
        if len(segments) == 1 and np.isfinite(of_event):
            means.append(of_event)
        elif rows.any():
            means.append(mean_angle(rake[rows], weight if weight.sum() > 0 else np.ones(len(weight))))
        else:
            means.append(segment.rake if np.isfinite(segment.rake) else of_event)
    return np.array(means)[number]


def _contradictions(segment: Segment, segments: list[Segment], text: str) -> list[str]:
    """Return notes on numbers of a segment that contradict each other."""
    n = len(segment.rows)
    announced = segment.n_patches
    if not np.isfinite(announced) and len(segments) == 1:
        announced = _header(text, "Nx") * _header(text, "Nz")
    notes = []
    if np.isfinite(announced) and announced != n:
        notes.append(f"the file announces {announced:.0f} subfaults of a segment and has {n}")
    place, depth = (
        np.array([[_cell(segment, row, name) for name in names] for row in segment.rows])
        for names in (("LON", "LAT", "X==EW", "Y==NS"), ("Z",))
    )
    if (wrong := _off_grid(place)).any():
        notes.append(f"longitude and latitude of {int(wrong.sum())} subfaults contradict their X and Y")
    if n >= MIN_PLANE and (angles := _plane_of(place[:, :2], depth[:, 0])) is not None:
        turn = abs((angles[0] - segment.strike + 90) % 180 - 90)
        if max(turn, abs(angles[1] - segment.dip)) > MAX_TURN:
            notes.append(
                f"the subfaults of a segment lie on a plane of strike {angles[0]:.0f} and dip {angles[1]:.0f}, and its "
                f"header states {segment.strike:.0f} and {segment.dip:.0f}"
            )
    return notes


def _off_grid(place: FloatArray) -> BoolArray:
    """Return which rows have another offset than most between their degrees and their km from the hypocentre."""
    none = np.zeros(len(place), bool)
    possible = (
        np.isfinite(place).all() and (np.abs(place[:, 1]) <= 90).all() and (np.abs(place[:, 0]) <= 360).all()
    )
    if not possible or len(place) < MIN_PLANE or np.abs(place[:, 2:]).max() > MAX_OFFSET_KM:
        return none
    middle = np.median(place[:, :2], axis=0)
    offset = LocalMap(*middle).to_km(place[:, 0], place[:, 1]) - place[:, 2:]
    off = np.linalg.norm(offset - np.median(offset, axis=0), axis=1)
    size = np.linalg.norm(np.ptp(place[:, 2:], axis=0))
    wrong = np.asarray(off > np.maximum(1.0, 0.03 * size))
    return wrong if wrong.mean() < 0.5 else none


def _plane_of(place: FloatArray, depth: FloatArray) -> tuple[float, float] | None:
    """Return strike (to 180 degrees) and dip of the plane through the subfaults; None if they are on a line."""
    possible = (np.abs(place[:, 0]) <= 360) & (np.abs(place[:, 1]) <= 90) & (np.abs(depth) < MAX_DEPTH_KM)
    if not possible.all():
        return None
    points = np.column_stack([LocalMap(*np.median(place, axis=0)).to_km(place[:, 0], place[:, 1]), -depth])
    _, size, axes = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
    if not np.isfinite(size).all() or size[1] < 0.05 * size[0]:
        return None
    normal = axes[2] if axes[2][2] > 0 else -axes[2]
    dip = float(np.degrees(np.arccos(min(float(normal[2]), 1.0))))
    return float(np.degrees(np.arctan2(-normal[1], normal[0]))), dip


def _header(text: str, name: str) -> float:
    """Return the first number after ``NAME =``; NaN if there is none."""
    found = re.search(rf"\b{name}\s*=\s*{NUMBER}", text, re.I)
    value = float(found.group(1)) if found else np.nan
    return np.nan if value in (-99.0, 999.0) or not np.isfinite(value) else value


def _segments(text: str, name: str) -> list[Segment]:
    length_km, width_km = _header(text, "Dx"), _header(text, "Dz")
    strike, dip = _header(text, "STRK"), _header(text, "DIP")
    current = Segment(strike, dip, length_km, width_km)
    segments = [current]
    for line in text.splitlines():
        if line.lstrip().startswith("%"):
            if re.search(r"SEGMENT\s*#", line, re.I):
                angles = _header(line, "STRIKE"), _header(line, "DIP")
                current = Segment(*angles, length_km, width_km, _header(line, "RAKE"))
                segments.append(current)
            elif np.isfinite(n_patches := _header(line, "Nsbfs")):
                current.n_patches = n_patches
            elif np.isfinite(step := _header(line, "Dx")) and len(segments) > 1:
                current.length_km, current.width_km = step, _header(line, "Dz")
            elif re.search(r"\bLAT\b.*\bLON\b.*\bSLIP\b", line):
                current.columns = line.replace("%", " ").split()
        elif line.strip() and current.columns:
            try:
                current.rows.append([number_of(cell) for cell in line.split()])
            except ValueError:
                raise InputError(f"{name}: a row must hold numbers only, got {line.strip()[:60]!r}") from None
            if len(current.rows[-1]) != len(current.rows[0]):
                raise InputError(
                    f"{name}: a row has {len(current.rows[-1])} cells and the first of its segment "
                    f"{len(current.rows[0])}: {line.strip()[:60]!r}"
                )
    for segment in segments:
        if (
            segment.rows
            and not np.isfinite([segment.strike, segment.dip, segment.length_km, segment.width_km]).all()
        ):
            raise InputError(f"{name}: strike, dip, Dx or Dz of a segment is missing: add it to the header")
        if segment.rows and not (
            abs(segment.strike) <= 720
            and 0 <= segment.dip <= 90
            and 0 < segment.length_km < MAX_STEP_KM
            and 0 < segment.width_km < MAX_STEP_KM
        ):
            raise InputError(
                f"{name}: strike {segment.strike:g}, dip {segment.dip:g}, Dx {segment.length_km:g} or Dz "
                f"{segment.width_km:g} km of a segment is impossible: correct the header"
            )
    return segments


def _cell(segment: Segment, row: list[float], name: str) -> float:
    upper = [column.upper() for column in segment.columns]
    return row[upper.index(name)] if name in upper and upper.index(name) < len(row) else np.nan


def _rectangle(segment: Segment, row: list[float], centred: bool) -> Rectangle:
    latitude, longitude, depth = (_cell(segment, row, name) for name in ("LAT", "LON", "Z"))
    if not (abs(latitude) <= 90 and abs(longitude) <= 360 and -10 < depth < MAX_DEPTH_KM):
        raise ValueError(
            f"a subfault at latitude {latitude:g}, longitude {longitude:g} and depth {depth:g} km is impossible"
        )
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
                depth, _, s_velocity, density = (number_of(cell) for cell in cells[:4])
            except ValueError:
                if layers:
                    break
                continue
            if not (
                0 <= depth <= MAX_DEPTH_KM and 0 <= s_velocity < MAX_VS_KM_S and 0 < density < MAX_DENSITY
            ):
                return None
            layers.append((depth, 1000 * density * (1000 * s_velocity) ** 2))
    depths = [depth for depth, _ in layers]
    return np.array(layers) if len(layers) > 1 and depths == sorted(depths) else None
