"""Read what a run left in its results folder: a missing file is normal, a broken one is named."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfseis.io.tables import read_table

if TYPE_CHECKING:
    import xarray as xr


OVERVIEW = "overview"


@dataclass(frozen=True)
class Event:
    """One row of ``catalogue.csv``.

    Attributes
    ----------
    event_id : str
        Name of the event, also the name of its snippet.
    start, end : float or None
        Seconds since 1970-01-01 UTC.
    score, p_value : float or None
        As written by the detector.
    n_channels : int or None
        Channels that recorded the event.
    origin : dict of str to str
        What is known of the source: time, latitude, longitude, depth_km, magnitude.
    n_picks : int
        Picks that the event is made of; 0 of one that was detected without picks. The score of the former is the sum
        of the picks' probabilities, that of the latter the detector's.
    """

    event_id: str
    start: float | None
    end: float | None
    score: float | None
    p_value: float | None
    n_channels: int | None
    origin: dict[str, str]
    n_picks: int = 0


@dataclass
class Results:
    """What a results folder holds.

    Attributes
    ----------
    folder : Path
        The results folder.
    run : dict
        ``run.json``, empty where missing.
    verdicts : list of dict
        ``verdict.json``, empty where missing.
    events : list of Event or None
        ``catalogue.csv``; None where no detection was asked for.
    snippets : dict of str to Path
        Waveform files by event, and the overview under its own name.
    problems : list of str
        Files that are there and could not be read.
    """

    folder: Path
    run: dict[str, Any] = field(default_factory=dict)
    verdicts: list[dict[str, Any]] = field(default_factory=list)
    events: list[Event] | None = None
    snippets: dict[str, Path] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def dataset(self, path: Path) -> xr.Dataset | None:
        """Load a NetCDF file of the folder.

        Parameters
        ----------
        path : Path
            The file.

        Returns
        -------
        xr.Dataset or None
            The loaded dataset; None where it is missing or broken (then noted in ``problems``).
        """
        import xarray as xr

        if not path.is_file():
            return None
        try:
            with xr.open_dataset(path, engine="h5netcdf") as stored:
                return stored.load()
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            self.problem(path, error)
            return None

    def problem(self, path: Path, error: Exception) -> None:
        """Remember, in one line, that a file could not be shown.

        Parameters
        ----------
        path : Path
            The file.
        error : Exception
            What went wrong.
        """
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        self.problems.append(f"{path.relative_to(self.folder)}: {first_line}")


def read_results(folder: Path) -> Results:
    """Read the small files of a results folder and list its waveform snippets.

    Parameters
    ----------
    folder : Path
        The results folder.

    Returns
    -------
    Results
        Whatever could be read.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"no results folder at {folder}: give the folder that a run wrote with --out")
    results = Results(folder)
    run = read_json(results, "run.json")
    if isinstance(run, dict):
        results.run = run
    verdicts = read_json(results, "verdict.json")
    if isinstance(verdicts, list):
        results.verdicts = [verdict for verdict in verdicts if isinstance(verdict, dict)]
    results.events = _read_catalogue(results)
    results.snippets = {path.stem: path for path in sorted((folder / "snippets").glob("*.nc"))}
    return results


def read_json(results: Results, name: str) -> Any:
    """Read a JSON file of the folder.

    Parameters
    ----------
    results : Results
        The results folder.
    name : str
        Name of the file.

    Returns
    -------
    object
        What it holds; None where it is missing or broken (then noted in the problems).
    """
    path = results.folder / name
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        results.problem(path, error)
        return None


def read_rows(results: Results, name: str) -> list[dict[str, str]] | None:
    """Read a CSV file of the folder.

    Parameters
    ----------
    results : Results
        The results folder.
    name : str
        Name of the file.

    Returns
    -------
    list of dict of str to str or None
        Its rows by column; None where it is missing or broken (then noted in the problems).
    """
    path = results.folder / name
    if not path.is_file():
        return None
    try:
        return list(read_table(path).records())
    except (OSError, ValueError, csv.Error) as error:
        results.problem(path, error)
        return None


def seconds_utc(text: str | None) -> float | None:
    """Seconds since 1970-01-01 UTC of an ISO time; a time without a zone is UTC.

    Parameters
    ----------
    text : str or None
        ISO 8601 time.

    Returns
    -------
    float or None
        None where the text is no time.
    """
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def finite(value: object) -> float | None:
    """Return the value as a float where it is a finite number, else None.

    Parameters
    ----------
    value : object
        A number, a text or nothing.

    Returns
    -------
    float or None
        The number.
    """
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def known(value: float | None, otherwise: float) -> float:
    """Return the value, or another where it is not known.

    Parameters
    ----------
    value : float or None
        The value.
    otherwise : float
        What to take in its place.

    Returns
    -------
    float
        One of the two.
    """
    return otherwise if value is None else value


def _read_catalogue(results: Results) -> list[Event] | None:
    rows = read_rows(results, "catalogue.csv")
    if rows is None:
        return None
    n_picks = _numbers_of_picks(results)
    return [_event(row, n_picks) for row in rows]


def _numbers_of_picks(results: Results) -> dict[str, int]:
    """Return how many picks each event is made of, as ``locations.json`` has it."""
    if not (results.folder / "locations.json").is_file():
        return {}
    content = read_json(results, "locations.json")
    entries = content.get("events") if isinstance(content, dict) else None
    return {
        str(entry.get("event_id")): int(finite(entry.get("n_picks")) or 0)
        for entry in entries or []
        if isinstance(entry, dict)
    }


def _event(row: dict[str, str], n_picks: dict[str, int]) -> Event:
    n_channels = finite(row.get("n_channels"))
    origin = ("time", "latitude", "longitude", "depth_km", "magnitude")
    return Event(
        event_id=row.get("event_id") or "",
        start=seconds_utc(row.get("start")),
        end=seconds_utc(row.get("end")),
        score=finite(row.get("score")),
        p_value=finite(row.get("p_value")),
        n_channels=None if n_channels is None else int(n_channels),
        origin={name: row[name] for name in origin if row.get(name)},
        n_picks=n_picks.get(row.get("event_id") or "", 0),
    )
