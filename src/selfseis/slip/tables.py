"""Reading tables of numbers as people write them: any separator, comments, names in capitals or not."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from selfseis.recording import UnusableInput

LARGEST_DISPLACEMENT_M = 60.0


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises
    ------
    UnusableInput
        If there is none, or if it is not text.
    """
    try:
        return path.read_text(encoding="utf-8-sig", errors="strict")
    except FileNotFoundError:
        raise UnusableInput(f"{path} does not exist: check the name") from None
    except IsADirectoryError:
        raise UnusableInput(f"{path} is a folder: give the file in it") from None
    except UnicodeDecodeError:
        try:
            return path.read_text(encoding="latin-1")
        except OSError as error:
            raise UnusableInput(f"{path} cannot be read: {error.strerror}") from None


def read_columns(
    path: Path, aliases: Mapping[str, tuple[str, ...]], bare: tuple[str, ...]
) -> tuple[dict[str, list[str]], str]:
    """Read a table by the names in its header, or by position where it has none.

    Parameters
    ----------
    path : Path
    aliases : mapping of str to tuple of str
        Name of a column and all spellings that mean it, in lower case.
    bare : tuple of str
        Names of the columns of a file that has only numbers.

    Returns
    -------
    columns : dict of str to list of str
        Cells by name; columns that are not there are missing.
    comments : str
        The lines that start with ``#`` or ``%``.
    """
    lines = [line.strip() for line in read_text(path).splitlines()]
    comments = "\n".join(line for line in lines if line[:1] in ("#", "%"))
    rows = [cells for line in lines if line and line[:1] not in ("#", "%") and (cells := _cells(line))]
    if not rows:
        raise UnusableInput(f"{path.name} holds no data: check the file")
    names: tuple[str, ...] | list[str] = bare
    if not _is_number(rows[0][0]) and not any(_is_number(cell) for cell in rows[0][1:]):
        spelt = {spelling: name for name, spellings in aliases.items() for spelling in (name, *spellings)}
        names = [spelt.get(cell.strip().lower(), cell.strip().lower()) for cell in rows[0]]
        rows = rows[1:]
    return {
        name: [row[place] if place < len(row) else "" for row in rows] for place, name in enumerate(names)
    }, comments


def _cells(line: str) -> list[str]:
    for separator in (",", ";", "\t"):
        if separator in line:
            return [cell.strip() for cell in next(csv.reader(io.StringIO(line), delimiter=separator))]
    return line.split()


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def numbers(cells: list[str]) -> NDArray[np.float64]:
    """Return cells as numbers, NaN where they are none; (n,)."""
    return np.array([float(cell) if _is_number(cell) else np.nan for cell in cells], float)


def required(columns: Mapping[str, list[str]], names: tuple[str, ...], path: Path) -> None:
    """Insist on columns.

    Raises
    ------
    UnusableInput
        Naming those that are missing.
    """
    if missing := [name for name in names if name not in columns]:
        raise UnusableInput(f"{path.name} has no column {', '.join(missing)}: it has {', '.join(columns)}")


def metres_per_unit(displacement: NDArray[np.float64], sd: NDArray[np.float64]) -> tuple[float, str]:
    """Guess the unit of displacements that are too large, or known too badly, to be metres.

    Parameters
    ----------
    displacement, sd : ndarray
        As they stand in the file; NaN where unknown.

    Returns
    -------
    factor : float
        Metres in a unit.
    name : str
        Name of the unit.
    """
    largest = float(np.nanmax(np.abs(displacement), initial=0.0))
    known = sd[np.isfinite(sd) & (sd > 0)]
    typical = float(np.median(known)) if known.size else np.nan
    if largest <= LARGEST_DISPLACEMENT_M and not typical > 0.3:
        return 1.0, "m"
    # Solutions are good to millimetres: in centimetres their error is a fraction of one, in millimetres a few.
    centimetres = largest <= 100 * LARGEST_DISPLACEMENT_M and typical < 0.7
    return (0.01, "cm") if centimetres else (0.001, "mm")
