"""Look vectors of InSAR scenes: from columns of vectors or angles, and checked to be those of a radar satellite."""

from __future__ import annotations

import numpy as np

from selfseis.errors import InputError
from selfseis.io.tables import Columns, numbers
from selfseis.quality_log import QualityLog
from selfseis.slip.options import ReadingOptions
from selfseis.typing import BoolArray, FloatArray

VECTOR = ("look_e", "look_n", "look_u")
CLEAR_NAMES = frozenset({"look_e", "look_n", "look_u", "look_east", "look_north", "look_up"})
MAX_RADIANS = 2 * np.pi + 0.01
MAX_INCIDENCE_RADIANS = 1.4  # 80 degrees; no radar looks as steeply as 1.4 degrees
ASK = "give the unit vectors to the satellite as look_e, look_n, look_u"


def look_of(
    columns: Columns, name: str, quality_log: QualityLog, options: ReadingOptions = ReadingOptions()
) -> FloatArray:
    """Return unit vectors from the ground to the satellite.

    Vectors that point down are those from the satellite to the ground, and are reversed later. Angles are the
    incidence at the ground and the heading of a satellite that looks to the right, in degrees, or in radians where
    the header states or the incidence shows it. An azimuth is a heading for some programs and the direction of the
    line of sight for others, so that it is taken only if it is the heading of a satellite in a near-polar orbit.

    Parameters
    ----------
    columns : Columns
        Table of the scene.
    name : str
        The file, for messages.
    quality_log : QualityLog
        Log of the assumptions.
    options : ReadingOptions

    Returns
    -------
    ndarray, shape (n_pixels, 3)
        East, north, up; not yet normalised.

    Raises
    ------
    InputError
        If the angles are not those of a radar satellite.
    """
    cells = columns.cells
    if set(VECTOR) <= set(cells):
        look = np.stack([numbers(cells[part]) for part in VECTOR], axis=1)
        if not columns.has_header and not is_radar(look, options):
            raise InputError(
                f"{name}: without a header, columns 4 to 6 must be look vectors of a radar satellite, got "
                f"{_listed(look)}: name the columns in a header"
            )
        return look
    incidence = _degrees(columns, "incidence", name, quality_log)
    direction = "heading" if "heading" in cells else "azimuth"
    heading = _degrees(columns, direction, name, quality_log)
    across, turned = np.sin(np.radians(incidence)), np.radians(heading)
    look = np.stack(
        [-across * np.cos(turned), across * np.sin(turned), np.cos(np.radians(incidence))], axis=1
    )
    if not is_radar(look, options):
        middle = (
            f"incidence {np.nanmedian(incidence):.4g} and {direction} {np.nanmedian(heading):.4g} degrees"
        )
        raise InputError(
            f"{name}: {middle} are not the incidence and heading of a radar satellite (azimuth of the line of sight? "
            f"elevation? radians?): {ASK}"
        )
    if direction == "azimuth":
        detail = f"azimuth of {np.nanmedian(heading):.1f} degrees taken as the heading of a satellite looking right"
        quality_log.add("assumed", name, detail, len(heading))
    return look


def _degrees(columns: Columns, column: str, name: str, quality_log: QualityLog) -> FloatArray:
    """Return angles in degrees.

    Raises
    ------
    InputError
        If their unit is in doubt.
    """
    values = numbers(columns.cells[column])
    unit = columns.units.get(column)
    size = float(np.nanmedian(np.abs(values))) if np.isfinite(values).any() else np.nan
    if unit == "rad":
        return np.asarray(np.degrees(values))
    if unit == "deg":
        return values
    if column == "incidence":
        if size > MAX_INCIDENCE_RADIANS:
            return values
        quality_log.add(
            "assumed",
            name,
            f"incidence of {size:.3g} is read as radians: no radar looks so steeply",
            len(values),
        )
        return np.asarray(np.degrees(values))
    if size > MAX_RADIANS:
        return values
    steep = numbers(columns.cells["incidence"])
    if float(np.nanmedian(np.abs(steep))) <= MAX_INCIDENCE_RADIANS:
        quality_log.add("assumed", name, f"{column} is read as radians, like the incidence", len(values))
        return np.asarray(np.degrees(values))
    raise InputError(
        f"{name}: {column} of {size:.3g} may be degrees or radians: name the column '{column} (deg)' or "
        f"'{column} (rad)'"
    )


def is_radar(look: FloatArray, options: ReadingOptions = ReadingOptions()) -> bool:
    """Return whether the median of vectors is one from the ground to a radar satellite, or the reverse.

    Such a satellite flies roughly from pole to pole and looks sideways, so that the vector lies between 10 and 70
    degrees from the vertical, nearer to east or west than to north or south.

    Parameters
    ----------
    look : ndarray, shape (n, 3)
        East, north, up.
    options : ReadingOptions
        The limits.

    Examples
    --------
    >>> import numpy as np
    >>> from selfseis.slip.look_vectors import is_radar
    >>> is_radar(np.array([[-0.6, -0.14, 0.79]])), is_radar(np.array([[0.14, 0.6, 0.79]]))
    (True, False)
    """
    known = look[np.isfinite(look).all(axis=1)]
    if not len(known):
        return False
    east, north, up = np.median(known, axis=0)
    across, length = np.hypot(east, north), np.sqrt(east**2 + north**2 + up**2)
    if abs(length - 1) > options.max_look_error:
        return False
    low, high = options.incidence_range
    incidence = np.degrees(np.arctan2(across, abs(up)))
    return bool(low <= incidence <= high and abs(north) <= across * np.sin(np.radians(options.max_look_turn)))


def usable_looks(
    look: FloatArray, name: str, quality_log: QualityLog, options: ReadingOptions = ReadingOptions()
) -> BoolArray:
    """Return which look vectors belong to the scene: of length 1, or all of one other length, and in its direction.

    Parameters
    ----------
    look : ndarray, shape (n, 3)
        Finite, not zero.
    name : str
        The file, for messages.
    quality_log : QualityLog
    options : ReadingOptions

    Raises
    ------
    InputError
        If the lengths differ, so that these columns are not look vectors.
    """
    length = np.linalg.norm(look, axis=1)
    middle = float(np.median(length))
    wrong = np.abs(length / middle - 1) > options.max_look_error
    if wrong.mean() > options.max_wrong_looks:
        raise InputError(
            f"{name}: look vectors have lengths from {length.min():.3g} to {length.max():.3g}: {ASK}"
        )
    if abs(middle - 1) > options.max_look_error:
        quality_log.add("assumed", name, "look vectors are not unit vectors: normalised", int((~wrong).sum()))
    unit = look / length[:, None]
    towards = np.median(unit, axis=0)
    away = unit @ (towards / np.linalg.norm(towards)) < np.cos(np.radians(options.max_look_spread))
    bad = wrong | away
    if bad.any():
        detail = "look vectors of another length or direction than those of the scene: left out"
        quality_log.add("impossible", name, detail, int(bad.sum()))
    return ~bad


def _listed(look: FloatArray) -> str:
    return ", ".join(f"{value:.3g}" for value in np.nanmedian(look, axis=0))
