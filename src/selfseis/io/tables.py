"""Reader of text tables: cells of any separator, column names with aliases in any case, comments and units.

`read_table` reads the CSV files that selfseis writes, `parse_table` the lines of other tables with a header line, and
`read_columns` tables of displacements, whose header may be a comment or missing and may name units.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from selfseis.errors import InputError
from selfseis.typing import FloatArray

MAX_DISPLACEMENT_M = 60.0
COMMENTS = ("#", "%", "!", "//")
SEPARATORS = (";", "\t", ",")
METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001, "km": 1000.0}
UNIT = re.compile(r"[_ ]*[\[(](m|cm|mm|km|deg|degrees?|°)[\])]$|_(cm|mm)$")
Aliases = Mapping[str, tuple[str, ...]]
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
class Table:
    """Rows of text cells below a header.

    Attributes
    ----------
    header : list of str
        Column names as in the file.
    columns : dict of str to int
        Position of each known column by its standard name; without aliases, of every column by its own name.
    rows : list of list of str
        Cells of each row; a row may have more or fewer cells than the header.
    """

    header: list[str]
    columns: dict[str, int]
    rows: list[list[str]]

    @classmethod
    def from_cells(cls, cells: Iterable[list[str]], aliases: Aliases | None = None) -> Table:
        """Take the first row of cells as the header, and the others as rows; empty rows are skipped."""
        header, *rows = [[cell.strip() for cell in row] for row in cells if row] or [[]]
        own = {name: n for n, name in enumerate(header)}
        return cls(header, own if aliases is None else find_columns(header, aliases), rows)

    def records(self) -> Iterator[dict[str, str]]:
        """Yield the cells of each row by the names of `columns`; a missing cell is empty.

        Examples
        --------
        >>> from selfseis.io import parse_table
        >>> table = parse_table(["Sta; Lat", "A; 46.5", "B"], {"station": ("sta",), "latitude": ("lat",)})
        >>> list(table.records())
        [{'station': 'A', 'latitude': '46.5'}, {'station': 'B', 'latitude': ''}]
        """
        for row in self.rows:
            yield {name: row[n] if n < len(row) else "" for name, n in self.columns.items()}


def read_table(path: Path, aliases: Aliases | None = None) -> Table:
    r"""Read a CSV file whose first line names the columns.

    Parameters
    ----------
    path : Path
        A file in UTF-8. Empty lines are skipped.
    aliases : mapping of str to tuple of str, optional
        As in `parse_table`.

    Raises
    ------
    OSError, UnicodeDecodeError, csv.Error
        If the file cannot be read, or is not text.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from selfseis.io import read_table
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "picks.csv"
    ...     _ = path.write_text("seed_id,phase\nA.B..HHZ,P\n")
    ...     list(read_table(path).records())
    [{'seed_id': 'A.B..HHZ', 'phase': 'P'}]
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        return Table.from_cells(csv.reader(file), aliases)


def parse_table(
    lines: Iterable[str], aliases: Aliases | None = None, *, separators: Sequence[str] = SEPARATORS
) -> Table:
    """Read the lines of a table whose first line names the columns.

    Parameters
    ----------
    lines : iterable of str
        Lines without comments. Empty lines are skipped.
    aliases : mapping of str to tuple of str, optional
        Standard name of a column, and its further spellings in lower case; the first that is in the header counts.
    separators : sequence of str
        Possible separators. The first of them in the header separates the cells; without any, blanks do.
    """
    filled = [line for line in lines if line.strip()]
    separator = find_separator(filled[0], separators) if filled else None
    return Table.from_cells((split_cells(line, separator) for line in filled), aliases)


def find_separator(line: str, separators: Sequence[str] = SEPARATORS) -> str | None:
    """Return the first of several separators that a line contains; None if blanks separate its cells."""
    return next((separator for separator in separators if separator in line), None)


def split_cells(line: str, separator: str | None) -> list[str]:
    """Return the cells of a line, which may be quoted; blanks separate them if the separator is None."""
    if separator is None:
        return line.split()
    return [cell.strip() for cell in next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])]


def find_columns(header: Sequence[str], aliases: Aliases) -> dict[str, int]:
    """Return the position of each known column in a header; the first of its spellings in the header counts.

    Parameters
    ----------
    header : sequence of str
        Column names in any case. Blanks in names count as underscores; a comment sign before the first is ignored.
    aliases : mapping of str to tuple of str
        Standard name of a column, and its further spellings in lower case.
    """
    plain = [_plain(name.lstrip("# ")) for name in header]
    found = {}
    for column, spellings in aliases.items():
        spelling = next((name for name in (column, *spellings) if name in plain), None)
        if spelling is not None:
            found[column] = plain.index(spelling)
    return found


def _plain(name: str) -> str:
    return re.sub(r"\s+", "_", name.strip().strip("\"'").lower())


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


def read_columns(path: Path, aliases: Aliases, bare: Bare) -> Columns:
    """Read a table by the names in its header, or by position where it has none.

    The header may be a comment itself, and may name units in brackets or at the end of a name.

    Parameters
    ----------
    path : Path
        The file.
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


def _names_columns(cells: list[str], row: list[str], aliases: Aliases) -> bool:
    """Whether a comment is the header: as many names as cells, with longitude and latitude among them."""
    names = _named(cells, aliases)[0]
    return {"lon", "lat"} <= set(names) and len(row) == len(names) == len(set(names))


def _named(header: list[str], aliases: Aliases) -> tuple[list[str], dict[str, float]]:
    """Return the standard names of columns, and the units given in their headers."""
    spelt = {spelling: name for name, spellings in aliases.items() for spelling in (name, *spellings)}
    names, metres = [], {}
    for cell in header:
        plain = _plain(cell)
        found = UNIT.search(plain)
        short = re.sub(r"[^a-z0-9]+", "_", UNIT.sub("", plain)).strip("_")
        name = spelt.get(plain) or spelt.get(short) or plain
        names.append(name)
        if found and (unit := METRES.get(found.group(1) or found.group(2))):
            metres[name] = unit
    return names, metres


def _cells(line: str) -> list[str]:
    """Return the cells of a line by its own separator; a comma that separates nothing is a decimal one."""
    separator = find_separator(line)
    cells = split_cells(line, separator)
    return cells if separator in (None, ",") else [_with_point(cell) for cell in cells]


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
