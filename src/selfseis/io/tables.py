"""Reader of text tables: cells of any separator, column names with aliases in any case, comments and units.

`read_table` reads the CSV files that selfseis writes, `parse_table` the lines of other tables with a header line, and
`read_columns` tables of displacements, whose header may be a comment or missing and may name units.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from selfseis.errors import InputError
from selfseis.typing import FloatArray

if TYPE_CHECKING:  # it loads xarray
    from selfseis.quality_log import QualityLog

COMMENTS = ("#", "%", "!", "//")
SEPARATORS = (";", "\t", ",")
METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001, "km": 1000.0}
_UNITS = "m|cm|mm|km|deg|degrees?|°|rad|radians?"
UNIT = re.compile(rf"[_ ]*[\[(]({_UNITS})[\])]$|_(m|cm|mm|km|deg|rad)$")
_UNIT_ALONE = re.compile(rf"[\[(](?:{_UNITS})[\])]")
_SPOKEN = {"millimet": "mm", "centimet": "cm", "met": "m", "mm": "mm", "cm": "cm", "m": "m"}
_UNIT_IN_WORDS = re.compile(
    r"\b(?:units?(?:\s+(?:is|are))?\s*[:=]?|in)\s*[\[(]?(mm|cm|m|(?:milli|centi)?met)(?:(?:er|re)s?)?\b", re.I
)
NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eEdD][-+]?[0-9]{1,3})?")
_BRACKETS = re.compile(r"_?[\[(]([a-z]+)[\])]$")
MAX_NUMBER = 1e100  # beyond all codes for missing values
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
    try:
        cells = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    except csv.Error:  # a cell of more than 131,072 letters is no cell of a table
        cells = line.split(separator)
    return [cell.strip() for cell in cells]


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
    # A unit in brackets is one at the end of the name: "depth (km)" is depth_km. Otherwise it is left out.
    joined = [_BRACKETS.sub(r"_\1", name) for name in plain]
    bare = [_BRACKETS.sub("", name) for name in plain]
    found: dict[str, int] = {}
    for names in (plain, joined, bare):
        claimed = set(found.values())
        for column, spellings in aliases.items():
            spelling = next((name for name in (column, *spellings) if name in names), None)
            if spelling is not None and column not in found and names.index(spelling) not in claimed:
                found[column] = names.index(spelling)
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
    units : dict of str to str
        Unit of the columns whose header names one: ``m``, ``cm``, ``mm``, ``km``, ``deg`` or ``rad``.
    unit_in_words : str
        The unit of length that the comments name, such as "displacements in mm"; empty if none or several.
    has_header : bool
        Whether the file names its columns.
    """

    cells: dict[str, list[str]]
    comments: str
    units: dict[str, str]
    unit_in_words: str = ""
    has_header: bool = True

    @property
    def metres(self) -> dict[str, float]:
        """Metres per unit, for columns whose header names a unit of length."""
        return {name: METRES[unit] for name, unit in self.units.items() if unit in METRES}


def read_columns(path: Path, aliases: Aliases, bare: Bare, quality_log: QualityLog | None = None) -> Columns:
    """Read a table by the names in its header, or by position where it has none.

    The header may be a comment itself, and may name units in brackets or at the end of a name. Rows with more or fewer
    cells than the header are left out.

    Parameters
    ----------
    path : Path
        The file.
    aliases : mapping of str to tuple of str
        Name of a column and its other spellings, in lower case; the first spelling in a header counts.
    bare : tuple of str, or callable
        Column names of a file without a header, or a function that derives them from its first row.
    quality_log : QualityLog, optional
        Log of the rows that are left out.

    Raises
    ------
    InputError
        If the file holds no data, or if its header names more or fewer columns than the rows have.
    """
    lines = [line.strip() for line in read_text(path).splitlines()]
    comments = [line for line in lines if line.startswith(COMMENTS)]
    rows = [cells for line in lines if line and not line.startswith(COMMENTS) and (cells := _cells(line))]
    if not rows:
        raise InputError(f"{path.name} holds no data: check the file")
    header = None
    if _is_header(rows[0]):
        header, rows = _with_units(rows[0], len(rows[1]) if len(rows) > 1 else 0), rows[1:]
    else:
        header = _header_in_comments(path, comments, rows[0], aliases)
    units: dict[str, str] = {}
    if header is None:
        names = list(bare(rows[0]) if callable(bare) else bare)
    else:
        names, units = _named(header, aliases)
    rows = _of_length(rows, len(names), path, quality_log)
    table = {name: [row[n] for row in rows] for n, name in enumerate(names)}
    text = "\n".join(comments)
    return Columns(table, text, units, _unit_in_words(text), header is not None)


def _of_length(
    rows: list[list[str]], n_cells: int, path: Path, quality_log: QualityLog | None
) -> list[list[str]]:
    """Return the rows that have as many cells as there are names; empty cells at the end do not count."""
    filled = [_without_empty_end(row, n_cells) for row in rows]
    kept = [row for row in filled if len(row) == n_cells]
    if rows and not kept:
        raise InputError(
            f"{path.name}: its rows have {len(filled[0])} cells and its header names {n_cells} columns: "
            "correct the header"
        )
    if len(kept) < len(rows) and quality_log is not None:
        detail = f"rows with more or fewer than {n_cells} cells: left out"
        quality_log.add("unusable_row", path.name, detail, len(rows) - len(kept))
    return kept


def _without_empty_end(row: list[str], n_cells: int) -> list[str]:
    while len(row) > n_cells and not row[-1]:
        row = row[:-1]
    return row


def _is_header(row: list[str]) -> bool:
    return not any(is_number(cell) for cell in row)


def _header_in_comments(
    path: Path, comments: list[str], row: list[str], aliases: Aliases
) -> list[str] | None:
    """Return the last comment that names longitude, latitude and other columns, if there is one.

    Raises
    ------
    InputError
        If it names more or fewer columns than the first row has.
    """
    for line in reversed(comments):
        cells = _with_units(_cells(line.lstrip("#%!/ ")), len(row)) if line.lstrip("#%!/ ") else []
        names = _named(cells, aliases)[0]
        plain = [_plain(cell) for cell in cells]
        if not {"lon", "lat"} <= set(names) or len(set(names) & set(aliases)) < min(4, len(row)):
            continue
        if len(set(plain)) < len(plain):  # the USGS calls two components sx: the order counts
            continue
        if len(names) != len(row):
            raise InputError(
                f"{path.name}: its header names {len(names)} columns ({', '.join(cells)}) and its rows have "
                f"{len(row)} cells: correct the header"
            )
        return cells
    return None


def _with_units(cells: list[str], n_cells: int) -> list[str]:
    """Join units that stand alone with their names: one at the end of the header holds for all columns without."""
    alone = [place for place, cell in enumerate(cells) if _UNIT_ALONE.fullmatch(cell.lower())]
    if not alone or len(cells) <= n_cells:
        return cells
    if alone == [len(cells) - 1]:
        return [cell if UNIT.search(_plain(cell)) else f"{cell} {cells[-1]}" for cell in cells[:-1]]
    joined: list[str] = []
    for place, cell in enumerate(cells):
        if place in alone and joined:
            joined[-1] = f"{joined[-1]} {cell}"
        else:
            joined.append(cell)
    return joined


def _named(header: list[str], aliases: Aliases) -> tuple[list[str], dict[str, str]]:
    """Return the standard names of columns, and the units given in their headers.

    Of several columns with one meaning the one with the first spelling counts; the others keep their own names.
    """
    ranks = {
        spelling: (name, rank)
        for name, spellings in aliases.items()
        for rank, spelling in reversed(list(enumerate((name, *spellings))))
    }
    names: list[str] = []
    units: dict[str, str] = {}
    best: dict[str, tuple[int, int]] = {}
    for place, cell in enumerate(header):
        plain = _plain(cell)
        found = UNIT.search(plain)
        short = re.sub(r"[^a-z0-9]+", "_", UNIT.sub("", plain)).strip("_")
        name, rank = ranks.get(plain) or ranks.get(short) or (plain, 0)
        if name in best and best[name][0] <= rank:
            name = f"{plain} ({place + 1})" if plain == name else plain
        elif name in best:
            before = best[name][1]
            names[before] = f"{_plain(header[before])} ({before + 1})"
        names.append(name)
        best[name] = (rank, place)
        if found and (unit := found.group(1) or found.group(2)):
            units[name] = {"°": "deg", "r": "rad", "d": "deg"}.get(unit[0], unit)
    return names, units


def _unit_in_words(comments: str) -> str:
    """Return the unit of length that comments name, such as "displacements in mm"; empty if none or several."""
    found = {_SPOKEN[word.lower()] for word in _UNIT_IN_WORDS.findall(comments)}
    return found.pop() if len(found) == 1 else ""


def _cells(line: str) -> list[str]:
    """Return the cells of a line by its own separator; a comma that separates nothing is a decimal one."""
    separator = find_separator(line)
    cells = split_cells(line, separator)
    return cells if separator in (None, ",") else [_with_point(cell) for cell in cells]


def _with_point(cell: str) -> str:
    changed = cell.replace(",", ".")
    return changed if cell.count(",") == 1 and is_number(changed) else cell


def number_of(cell: str) -> float:
    """Return the number in a cell; D is an exponent, as in Fortran.

    Raises
    ------
    ValueError
        If the cell is not a finite number in ASCII digits: neither ``nan`` nor ``1_000``, which `float` takes.

    Examples
    --------
    >>> from selfseis.io.tables import number_of
    >>> number_of(" 1.5D-3 ")
    0.0015
    """
    plain = cell.strip()
    value = float(plain.lower().replace("d", "e")) if NUMBER.fullmatch(plain) else math.nan
    if not math.isfinite(value):
        raise ValueError(f"{plain[:40]!r} is not a finite number")
    return value


def is_number(cell: str) -> bool:
    """Whether a cell holds a finite number."""
    try:
        number_of(cell)
    except ValueError:
        return False
    return True


def numbers(cells: list[str]) -> FloatArray:
    """Return cells as numbers, NaN where a cell is not a number or is one whose square is none; shape (n,)."""
    values = np.array([number_of(cell) if is_number(cell) else np.nan for cell in cells], float)
    return np.where(np.abs(values) < MAX_NUMBER, values, np.nan)


def required(columns: Mapping[str, list[str]], names: tuple[str, ...], path: Path) -> None:
    """Check that a table has the required columns.

    Raises
    ------
    InputError
        If columns are missing; the message names them.
    """
    if missing := [name for name in names if name not in columns]:
        raise InputError(f"{path.name} has no column {', '.join(missing)}: it has {', '.join(columns)}")
