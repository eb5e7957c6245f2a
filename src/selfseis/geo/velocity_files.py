"""Readers of one-dimensional velocity models: tables, NonLinLoc layers, and the files of TauP (``.tvel``, ``.nd``)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from selfseis.errors import InputError
from selfseis.io.tables import find_columns, find_separator, is_number, split_cells
from selfseis.typing import FloatArray

_SEPARATORS = (";", "\t", ",")
_COLUMNS: dict[str, tuple[str, ...]] = {
    "depth_km": ("depth", "z", "z_km"),
    "depth_m": ("z_m",),
    "top_km": ("top", "top_depth", "top_depth_km", "layer_top"),
    "thickness_km": ("thickness", "h_km"),
    "vp": ("vp_km_s", "vp_km/s", "p", "velocity_p", "alpha"),
    "vs": ("vs_km_s", "vs_km/s", "s", "velocity_s", "beta"),
}
_NEEDED = "give the columns depth_km (or top_km of layers), vp and vs, with a header line"
_EARTH_KM = 6371.0
_MIN_VP_BELOW = ((20.0, 3.0), (100.0, 6.5))  # km and km/s; no rock there is slower, so such depths are metres
_ND_ENDS = ("outer-core", "inner-core")


class Layers(NamedTuple):
    """Velocities against depth, as `VelocityModel1D` takes them, and the way in which they were read.

    Attributes
    ----------
    depth_km, vp, vs : ndarray, shape (n,)
        Depths in km and velocities in km/s; vs is NaN if the file gives none.
    meaning : str
        An assumption on the meaning of the depths, in words; empty if they leave no choice.
    """

    depth_km: FloatArray
    vp: FloatArray
    vs: FloatArray
    meaning: str = ""


def read_layers(place: Path) -> Layers:
    """Read the layers of a velocity model.

    Parameters
    ----------
    place : Path
        A table with a header: ``depth_km`` (or ``depth_m``) of points between which velocities run linearly, ``top_km``
        or ``thickness_km`` of layers of constant velocity, ``vp``, and ``vs`` if known; ``LAYER`` lines of NonLinLoc;
        ``.tvel`` or ``.nd`` of TauP; or columns of depth, vp, vs without a header that begin at the surface.

    Raises
    ------
    InputError
        If the file cannot be read, is no velocity model, or its depths cannot be kilometres.
    """
    try:
        lines = place.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the velocity model {place} cannot be read ({error}): give a text file") from error
    lines = [line for line in lines if line.strip() and not line.lstrip().startswith(("#", "%", "!"))]
    if place.suffix.lower() == ".tvel":
        lines = lines[2:]
    if not lines:
        raise InputError(f"the velocity model {place} is empty: {_NEEDED}")
    try:
        if any(line.split()[0] == "LAYER" for line in lines):
            layers = _of_nonlinloc(lines)
        elif place.suffix.lower() == ".nd":
            layers = _of_columns(_crust_and_mantle(lines), place)
        else:
            layers = _of_table(lines, place)
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"{place} contains a value that is not a number: {error}") from error
    _check_depths(layers, place)
    return layers


def _of_table(lines: list[str], place: Path) -> Layers:
    separator = find_separator(lines[0], _SEPARATORS)
    rows = [_cells(line, separator) for line in lines]
    if is_number(rows[0][0]):
        return _of_columns(rows, place)
    columns = find_columns(rows[0], _COLUMNS)
    depths = [name for name in ("depth_km", "depth_m", "top_km", "thickness_km") if name in columns]
    if len(depths) != 1 or "vp" not in columns:
        raise InputError(f"the velocity model {place} cannot be understood: {_NEEDED}")
    if len(rows) < 2:
        raise InputError(f"the velocity model {place} holds no values: {_NEEDED}")
    values = {
        name: np.array([_finite(row[column] if column < len(row) else "") for row in rows[1:]])
        for name, column in columns.items()
    }
    vp = values["vp"]
    vs = values.get("vs", np.full(len(vp), np.nan))
    name = depths[0]
    if name == "thickness_km":
        return _steps(np.append(0.0, np.cumsum(values[name])[:-1]), vp, vs)
    if name == "top_km":
        return _steps(values[name], vp, vs)
    return _points(values[name] / (1000 if name == "depth_m" else 1), vp, vs)


def _of_columns(rows: list[list[str]], place: Path) -> Layers:
    """Read depth, vp and vs by position; other orders are common, so the depths must begin at the surface or above."""
    numbers = [[_finite(cell) for cell in row[:3]] for row in rows]
    n_columns = min(map(len, numbers))
    if n_columns < 2 or numbers[0][0] > 0:
        raise InputError(f"the first column of {place} is not a depth from the surface downwards: {_NEEDED}")
    depth, vp = (np.array([row[column] for row in numbers]) for column in (0, 1))
    return _points(depth, vp, np.array([row[2] if n_columns > 2 else np.nan for row in numbers]))


def _finite(cell: str) -> float:
    number = float(cell)
    if not np.isfinite(number):
        raise ValueError(f"could not convert {cell!r} to a finite number")
    return number


def _points(depth: FloatArray, vp: FloatArray, vs: FloatArray) -> Layers:
    is_gradient = len(depth) > 1 and bool(np.all(np.diff(depth) != 0)) and bool(np.any(np.diff(vp)))
    meaning = "velocities linear between its depths; for layers of constant velocity name the column top_km"
    return Layers(depth, vp, vs, meaning if is_gradient else "")


def _steps(tops: FloatArray, vp: FloatArray, vs: FloatArray, gradients: FloatArray | None = None) -> Layers:
    """Return layers of constant velocity, or with gradients of vp and vs within each."""
    gradients = np.zeros((2, len(tops))) if gradients is None else gradients
    thickness = np.diff(tops)
    bottoms = [speed[:-1] + slope[:-1] * thickness for speed, slope in zip((vp, vs), gradients, strict=True)]
    columns = [_interleaved(tops, tops[1:]), _interleaved(vp, bottoms[0]), _interleaved(vs, bottoms[1])]
    return Layers(columns[0], columns[1], columns[2])


def _interleaved(top: FloatArray, bottom: FloatArray) -> FloatArray:
    both = np.empty(len(top) + len(bottom))
    both[::2], both[1::2] = top, bottom
    return both


def _of_nonlinloc(lines: list[str]) -> Layers:
    """Read ``LAYER depth vp_top vp_gradient vs_top vs_gradient ...``."""
    rows = np.array(
        [[float(cell) for cell in line.split()[1:6]] for line in lines if line.split()[0] == "LAYER"]
    )
    return _steps(rows[:, 0], rows[:, 1], rows[:, 3], rows[:, [2, 4]].T)


def _crust_and_mantle(lines: list[str]) -> list[list[str]]:
    """Return the rows above the core; names of discontinuities stand alone in their lines."""
    rows = []
    for line in lines:
        if line.strip().lower() in _ND_ENDS:
            break
        if is_number(line.split()[0]):
            rows.append(line.split())
    return rows


def _cells(line: str, separator: str | None) -> list[str]:
    cells = split_cells(line, separator)
    if separator in {";", "\t"}:  # then a comma within a number is a decimal comma
        cells = [re.sub(r"^(-?\d+),(\d+)$", r"\1.\2", cell) for cell in cells]
    return cells


def _check_depths(layers: Layers, place: Path) -> None:
    depth, vp = layers.depth_km, layers.vp
    slow = np.any([(depth > below) & (vp < min_vp) for below, min_vp in _MIN_VP_BELOW], axis=0)
    if slow.any() or depth.max() > _EARTH_KM:
        at = int(np.argmax(slow)) if slow.any() else int(np.argmax(depth))
        raise InputError(
            f"{place} has a vp of {vp[at]:g} km/s at a depth of {depth[at]:g} km: depths in metres need the column "
            "name depth_m"
        )
    if len(depth) > 1 and depth[-1] < depth[0]:
        raise InputError(
            f"the depths of {place} decrease from {depth[0]:g} to {depth[-1]:g}: give them ascending, positive down"
        )
    if layers.vs[0] == 0:
        raise InputError(f"{place} begins with a layer of water (vs = 0): begin the model at the sea floor")
