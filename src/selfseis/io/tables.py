"""Reader of text tables with any separator, comments and alternative column names in any case."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from selfseis.errors import InputError
from selfseis.typing import FloatArray

MAX_DISPLACEMENT_M = 60.0
COMMENTS = ("#", "%", "!", "//")
METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001, "km": 1000.0}
UNIT = re.compile(r"[_ ]*[\[(](m|cm|mm|km|deg|degrees?|°)[\])]$|_(cm|mm)$")
Bare = tuple[str, ...] | Callable[[list[str]], tuple[str, ...]]


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises
    ------
    InputError
        If the file does not exist or is not text.
    """
    try:
        return path.read_text(encoding="utf-8-sig", errors="strict")
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: check the name") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder: give the file in it") from None
    except UnicodeDecodeError:
        try:
            return path.read_text(encoding="latin-1")
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}") from None


@dataclass(frozen=True)
class Columns:
    """A table by the names of its columns.

    Attributes
    ----------
    cells : dict of str to list of str
        By name; absent columns are missing.
    comments : str
        The comment lines.
    metres : dict of str to float
        Metres per unit, for columns whose header names a unit.
    """

    cells: dict[str, list[str]]
    comments: str
    metres: dict[str, float]


def read_columns(path: Path, aliases: Mapping[str, tuple[str, ...]], bare: Bare) -> Columns:
    """Read a table by the names in its header, or by position where it has none.

    The header may be a comment itself, and may name units in brackets or at the end of a name.

    Parameters
    ----------
    path : Path
    aliases : mapping of str to tuple of str
        Name of a column and all its spellings, in lower case.
    bare : tuple of str, or callable
        Column names of a file without a header, or a function that derives them from its first row.
    """
    lines = [line.strip() for line in read_text(path).splitlines()]
    comments = [line for line in lines if line.startswith(COMMENTS)]
    rows = [cells for line in lines if line and not line.startswith(COMMENTS) and (cells := _cells(line))]
    if not rows:
        raise InputError(f"{path.name} holds no data: check the file")
    header = None
    if _is_header(rows[0]):
        header, rows = rows[0], rows[1:]
    else:
        commented = [_cells(line.lstrip("#%! ")) for line in comments if line.lstrip("#%! ")]
        header = next(
            (cells for cells in reversed(commented) if _names_columns(cells, rows[0], aliases)), None
        )
    metres: dict[str, float] = {}
    if header is None:
        names = list(bare(rows[0]) if callable(bare) else bare)
    else:
        names, metres = _named(header, aliases)
    table = {name: [row[n] if n < len(row) else "" for row in rows] for n, name in enumerate(names)}
    return Columns(table, "\n".join(comments), metres)


def _is_header(row: list[str]) -> bool:
    return not any(is_number(cell) for cell in row)


def _names_columns(cells: list[str], row: list[str], aliases: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether a comment is the header: as many names as cells, with longitude and latitude among them."""
    names = _named(cells, aliases)[0]
    return {"lon", "lat"} <= set(names) and len(row) == len(names) == len(set(names))


def _named(header: list[str], aliases: Mapping[str, tuple[str, ...]]) -> tuple[list[str], dict[str, float]]:
    """Return the standard names of columns, and the units given in their headers."""
    spelt = {spelling: name for name, spellings in aliases.items() for spelling in (name, *spellings)}
    names, metres = [], {}
    for cell in header:
        plain = re.sub(r"\s+", "_", cell.strip().strip("\"'").lower())
        found = UNIT.search(plain)
        short = re.sub(r"[^a-z0-9]+", "_", UNIT.sub("", plain)).strip("_")
        name = spelt.get(plain) or spelt.get(short) or plain
        names.append(name)
        if found and (unit := METRES.get(found.group(1) or found.group(2))):
            metres[name] = unit
    return names, metres


def _cells(line: str) -> list[str]:
    for separator in (";", "\t", ","):
        if separator in line:
            cells = next(csv.reader(io.StringIO(line), delimiter=separator, skipinitialspace=True))
            cells = [cell.strip() for cell in cells]
            # A comma that separates nothing is a decimal one.
            return cells if separator == "," else [_with_point(cell) for cell in cells]
    return line.split()


def _with_point(cell: str) -> str:
    changed = cell.replace(",", ".")
    return changed if cell.count(",") == 1 and is_number(changed) else cell


def is_number(cell: str) -> bool:
    """Whether a cell holds a finite number."""
    try:
        float(cell)
    except ValueError:
        return False
    return cell.strip().lower() not in ("nan", "inf", "infinity")


def numbers(cells: list[str]) -> FloatArray:
    """Return cells as numbers, NaN where a cell is not a number; shape (n,)."""
    return np.array([float(cell) if is_number(cell) else np.nan for cell in cells], float)


def required(columns: Mapping[str, list[str]], names: tuple[str, ...], path: Path) -> None:
    """Check that a table has the required columns.

    Raises
    ------
    InputError
        If columns are missing; the message names them.
    """
    if missing := [name for name in names if name not in columns]:
        raise InputError(f"{path.name} has no column {', '.join(missing)}: it has {', '.join(columns)}")


def metres_per_unit(displacement: FloatArray, sd: FloatArray) -> tuple[float, str]:
    """Infer the unit of displacements that are too large, or too uncertain, to be metres.

    Parameters
    ----------
    displacement, sd : ndarray
        Values and uncertainties as in the file; NaN where unknown.

    Returns
    -------
    factor : float
        Metres per unit.
    name : str
        Name of the unit.
    """
    largest = float(np.nanmax(np.abs(displacement), initial=0.0))
    known = sd[np.isfinite(sd) & (sd > 0)]
    typical = float(np.median(known)) if known.size else np.nan
    if largest <= MAX_DISPLACEMENT_M and not typical > 0.3:
        return 1.0, "m"
    # Uncertainties are a few millimetres: below 1 if the unit is cm, a few if it is mm.
    centimetres = largest <= 100 * MAX_DISPLACEMENT_M and typical < 0.7
    return (0.01, "cm") if centimetres else (0.001, "mm")
