"""Displacements in tables: codes for missing values, impossible values, and the unit where a file states none."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from selfseis.errors import InputError
from selfseis.io.tables import METRES
from selfseis.quality_log import QualityLog
from selfseis.slip.options import ReadingOptions
from selfseis.typing import BoolArray, FloatArray

CODES = (99.99, 999.0, 999.99, 9999.0, 9999.99, 99999.0, 999999.0, 32767.0, 32768.0)
"""Magnitudes of values that stand for missing ones; NetCDF's and GMT's fill values are larger than any displacement."""
MAX_POSSIBLE = 1e6  # in any unit of length from mm to m
CODE_GAP = 10.0  # a code is this many times as large as every other value, or occurs often
MIN_REPEATS = 3
MAX_STRAY_SHARE = 0.05
STRAY_GAP = 30.0


def without_codes(
    values: FloatArray, unit: str, quality_log: QualityLog, what: str = "displacements"
) -> FloatArray:
    """Return values with NaN for the codes of missing ones, such as -9999; the log counts them.

    Parameters
    ----------
    values : ndarray
        Of any shape, as in the file.
    unit : str
        The file, for the log.
    quality_log : QualityLog
    what : str
        The quantity, for the log.

    Examples
    --------
    >>> import numpy as np
    >>> from selfseis.quality_log import QualityLog
    >>> from selfseis.slip.displacements import without_codes
    >>> without_codes(np.array([0.1, -9999.0, 0.2]), "gnss.csv", QualityLog())
    array([0.1, nan, 0.2])
    """
    coded = _codes(values)
    if coded.any():
        listed = ", ".join(f"{code:g}" for code in np.unique(values[coded])[:3])
        detail = f"{what} of {listed} are codes for missing values: left out"
        quality_log.add("nan", unit, detail, int(coded.sum()))
    return np.where(coded, np.nan, values)


def _codes(values: FloatArray) -> BoolArray:
    size = np.abs(np.nan_to_num(values))
    coded = (size > MAX_POSSIBLE) | np.isin(size, CODES)
    others = float(size[~coded].max(initial=0.0))
    kinds, counts = np.unique(values[coded], return_counts=True)
    is_repeated = np.isin(values, kinds[counts >= MIN_REPEATS])
    zero = _zeros_are_missing(values)
    return (coded & ((size > CODE_GAP * others) | is_repeated)) | ((values == 0) & zero)


def _zeros_are_missing(values: FloatArray) -> bool:
    """Whether exact zeros are so frequent that they stand for masked pixels, as scenes without NaN have them."""
    finite = values[np.isfinite(values)]
    kinds, counts = np.unique(finite, return_counts=True)
    n_zero = int(counts[kinds == 0].sum())
    n_next = int(counts[kinds != 0].max(initial=0))
    return n_zero > max(MAX_STRAY_SHARE * len(finite), 10 * n_next, 10) and n_zero < len(finite)


def metres_per_unit(
    values: FloatArray,
    sd: FloatArray,
    path: Path,
    option: str,
    max_m: float,
    options: ReadingOptions = ReadingOptions(),
) -> tuple[float, str]:
    """Find the unit of displacements whose file states none: metres, unless they are impossible in metres.

    In metres the largest displacement must be possible for the fault. In another unit it must be possible too, and
    the stated errors must be those of the method.

    Parameters
    ----------
    values, sd : ndarray
        Displacements and errors as in the file, NaN where unknown.
    path : Path
        The file.
    option : str
        The option of the command line that states the unit.
    max_m : float
        Largest possible displacement in m.
    options : ReadingOptions

    Returns
    -------
    factor : float
        Metres per unit.
    name : str
        Name of the unit.

    Raises
    ------
    InputError
        If no unit is possible, or several other than metres are.
    """
    largest = float(np.nanmax(np.abs(values), initial=0.0))
    known = sd[np.isfinite(sd) & (sd > 0)]
    typical = float(np.median(known)) if known.size else np.nan
    max_as_metres = max_m if known.size else max_m * options.max_without_errors
    if largest <= max_as_metres and not typical > options.max_sd_of_metres:
        return 1.0, "m"
    low, high = options.sd_range_m
    possible = [
        unit
        for unit in ("cm", "mm")
        if METRES[unit] * largest <= max_as_metres
        and not (typical * METRES[unit] < low or typical * METRES[unit] > high)
    ]
    if len(possible) == 1:
        return METRES[possible[0]], possible[0]
    found = f"displacements up to {largest:.4g}" + (
        "" if np.isnan(typical) else f" and errors of {typical:.3g}"
    )
    limit = f"more than {max_as_metres:.3g} m is not to be expected on this fault"
    if possible:
        raise InputError(f"{path.name}: {found} may be cm or mm ({limit}): state the unit with {option}")
    raise InputError(
        f"{path.name}: {found} are possible in no unit from m to mm ({limit}): check the columns, or state the unit "
        f"with {option}"
    )


def without_strays(values: FloatArray, max_value: float, unit: str, quality_log: QualityLog) -> FloatArray:
    """Return values with NaN for a few impossible ones that all others are far below; the log counts them.

    Parameters
    ----------
    values : ndarray
        Displacements.
    max_value : float
        Largest possible one in the same unit.
    unit : str
        The file, for the log.
    quality_log : QualityLog
    """
    size = np.sort(np.abs(values[np.isfinite(values)]))[::-1]
    n_max = max(1, int(MAX_STRAY_SHARE * len(size)))
    for n_stray in range(min(n_max, len(size) - 1), 0, -1):
        if size[n_stray - 1] > max(max_value, STRAY_GAP * size[n_stray]):
            stray = np.abs(np.nan_to_num(values)) >= size[n_stray - 1]
            detail = (
                f"impossible displacements of {size[n_stray - 1]:.4g} or more, far above all others: left out"
            )
            quality_log.add("impossible", unit, detail, int(stray.sum()))
            return np.where(stray, np.nan, values)
    return values


def checked_sds(sd: FloatArray, path: Path) -> FloatArray:
    """Refuse a column of errors that is none.

    Raises
    ------
    InputError
        If different negative values occur in it.
    """
    negative = sd[np.isfinite(sd) & (sd < 0)]
    if len(np.unique(negative)) > 1 and len(negative) > 0.1 * sd.size:
        raise InputError(
            f"{path.name}: the column of errors is negative in {len(negative):,} places (such as {negative[0]:.4g}): "
            "check the columns, and name them in a header"
        )
    return sd
