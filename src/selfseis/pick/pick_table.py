"""Tables of picks with scores from any picker: reading, and their place in a recording.

A table has no probabilities along the recording and no picks in reversed time. `selfseis.pick.confirmation` calibrates
its scores by other stations.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from selfseis.catalogue.records import PHASES, Phase
from selfseis.errors import InputError, one_line
from selfseis.geo.phases import canonical, wave_of
from selfseis.io.clocks import parse_utc
from selfseis.io.tables import Table, read_table
from selfseis.pick.inference import OnsetCandidates
from selfseis.recording import sampling_rate, start_time
from selfseis.recording.components import Station, channel_name
from selfseis.typing import FloatArray, IndexArray

ALIASES = {
    "station": ("seed_id", "trace_id", "station_id", "id", "sta", "station_code"),
    "network": ("net", "network_code"),
    "phase": ("phase_type", "phase_hint", "phase_name", "type"),
    "time": ("phase_time", "peak_time", "pick_time", "arrival_time", "datetime", "utc"),
    "score": (
        "probability",
        "phase_score",
        "peak_value",
        "prob",
        "phase_prob",
        "phase_probability",
        "confidence",
    ),
    "sd_s": ("uncertainty", "time_uncertainty", "std", "sd"),
}
NEEDED = ("station", "phase", "time", "score")
PARQUET = b"PAR1"  # first bytes


@dataclass(frozen=True, eq=False)
class PickTable:
    """Picks with scores.

    Attributes
    ----------
    station : ndarray of str, shape (n_picks,)
        Station as the table names it.
    phase : ndarray of str, shape (n_picks,)
        ``"P"`` or ``"S"``.
    time : ndarray of datetime64[ns], shape (n_picks,)
        UTC.
    score : ndarray, shape (n_picks,)
        Between 0 and 1, higher for better picks.
    sd_s : ndarray, shape (n_picks,)
        Standard deviation of the time in s; NaN where unknown.
    left_out : dict of str to int
        Number of rows that are not picks of P or S, by reason.
    """

    station: np.ndarray
    phase: np.ndarray
    time: np.ndarray
    score: FloatArray
    sd_s: FloatArray
    left_out: dict[str, int]


def read_pick_table(path: Path | str) -> PickTable:
    r"""Read a table of picks with scores: CSV or Parquet.

    Columns are found by their names in any case: station (or seed_id, trace_id, id, also with a column network),
    phase, time, and score (or probability, peak_value, phase_score). Further columns are ignored. Rows that are not a
    P or S with a time and a score are left out and counted. Scores above 1, such as signal-to-noise ratios, become
    score / (1 + score), which keeps their order.

    Parameters
    ----------
    path : Path or str
        The file; Parquet needs the extra ``parquet``.

    Raises
    ------
    InputError
        If the file cannot be read, has no column of scores or another one that is needed, or holds no pick.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from selfseis.pick.pick_table import read_pick_table
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "picks.csv"
    ...     _ = file.write_text("station,phase,time,score\nXX.A,Pg,2020-01-01T00:00:05Z,0.8\n")
    ...     table = read_pick_table(file)
    >>> table.phase.tolist(), table.score.tolist()
    (['P'], [0.8])
    """
    place = Path(path)
    table = _read(place)
    missing = [name for name in NEEDED if name not in table.columns]
    if "score" in missing:
        raise InputError(
            f"{place} has no column of scores, such as score or probability: without scores picks cannot be calibrated"
        )
    if missing:
        raise InputError(
            f"{place} has no column {', '.join(missing)}: it has {', '.join(table.header) or 'none'}"
        )
    left_out: Counter[str] = Counter()
    rows = [row for record in table.records() if (row := _row(record, left_out)) is not None]
    if not rows:
        why = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
        raise InputError(f"{place} holds no pick of P or S{f' ({why})' if why else ''}: check the table")
    station, phase, time, score, sd = (np.array(column) for column in zip(*rows, strict=True))
    if score.max() > 1:
        score = score / (1 + score)
    return PickTable(station, phase, time.astype("datetime64[ns]"), score, sd, dict(left_out))


def _read(path: Path) -> Table:
    try:
        with path.open("rb") as file:
            is_parquet = file.read(4) == PARQUET
        return _read_parquet(path) if is_parquet else read_table(path, ALIASES)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: give a table of picks") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"the picks in {path} cannot be read: {one_line(error)}") from error


def _read_parquet(path: Path) -> Table:
    import pandas

    try:
        frame = pandas.read_parquet(path)
    except ImportError as error:
        raise InputError("Parquet files need PyArrow: pip install 'selfseis[parquet]'") from error
    except Exception as error:  # PyArrow raises many kinds for damaged files
        raise InputError(f"the picks in {path} cannot be read: {one_line(error)}") from error
    cells: Iterable[list[str]] = frame.astype(str).to_numpy().tolist()
    return Table.from_cells([[str(name) for name in frame.columns], *cells], ALIASES)


def _row(record: dict[str, str], left_out: Counter[str]) -> tuple[Any, ...] | None:
    """Return station, phase, time, score and standard deviation of a row; None if it is not a pick."""
    phase = canonical(record["phase"])
    if not phase:
        left_out["of other phases"] += 1
        return None
    try:
        time = parse_utc(record["time"])
    except ValueError:
        left_out["without a time that can be read"] += 1
        return None
    score = _number(record["score"])
    if not score >= 0:  # also if it is not a number
        left_out["without a score of at least 0"] += 1
        return None
    station, network = record["station"], record.get("network", "")
    name = f"{network}.{station}" if network and "." not in station else station
    sd = _number(record.get("sd_s", ""))
    return name, wave_of(phase), time, score, sd if sd > 0 else np.nan


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return float("nan")
    return value if np.isfinite(value) else float("nan")


@dataclass(frozen=True, eq=False)
class PlacedPicks:
    """Picks of a table at the stations of a recording.

    Attributes
    ----------
    table : PickTable
        Those picks of the table that lie in the recording.
    number : ndarray of int, shape (n_picks,)
        Number of the station of each pick.
    at : ndarray, shape (n_picks,)
        Position in samples from the start of the recording.
    stations : list of Station
        Stations of the recording.
    left_out : dict of str to int
        Number of rows of the table that are not used, by reason.
    """

    table: PickTable
    number: IndexArray
    at: FloatArray
    stations: list[Station]
    left_out: dict[str, int]

    def candidates(self) -> list[OnsetCandidates]:
        """Return the picks of each station as onset candidates; their heights are the scores."""
        return [
            OnsetCandidates(*(self._onsets(number, phase) for phase in PHASES))
            for number in range(len(self.stations))
        ]

    def of_phase(self, phase: Phase) -> IndexArray:
        """Return the indices of the picks of a phase."""
        return np.flatnonzero(self.table.phase == phase)

    def _onsets(self, number: int, phase: Phase) -> FloatArray:
        rows = np.flatnonzero((self.number == number) & (self.table.phase == phase))
        rows = rows[np.argsort(self.at[rows], kind="stable")]
        return np.column_stack([self.at[rows], self.table.score[rows]])


def place_picks(table: PickTable, recording: xr.DataArray, stations: list[Station]) -> PlacedPicks:
    """Find the stations of a table's picks in a recording; the others are left out and counted.

    Parameters
    ----------
    table : PickTable
        The picks.
    recording : xarray.DataArray
        The recording.
    stations : list of Station
        Its stations. A name of the table may be a seed_id, NET.STA.LOC, NET.STA or, if only one network has it, STA.
        A site with several sensors takes the first.

    Raises
    ------
    InputError
        If no pick lies in the recording.
    """
    names = _names_of(recording, stations)
    number = np.array([_number_of(name, names) for name in table.station], np.intp)
    since = (table.time - start_time(recording)).astype("timedelta64[ns]").astype(np.float64) * 1e-9
    at = since * sampling_rate(recording)
    inside = (at >= 0) & (at <= recording.sizes["time"] - 1)
    left_out = Counter(table.left_out)
    left_out["at stations that are not in the recording"] += int(np.sum(number < 0))
    left_out["outside the time of the recording"] += int(np.sum((number >= 0) & ~inside))
    kept = np.flatnonzero((number >= 0) & inside)
    if not len(kept):
        shown = ", ".join(sorted(set(table.station.tolist()))[:3])
        ours = ", ".join(station.code for station in stations[:3])
        raise InputError(
            f"none of the {len(number)} picks lies in the recording: the table has the stations {shown} and begins at "
            f"{np.datetime_as_string(table.time.min(), 's')}, the recording has {ours}"
        )
    placed = PickTable(
        table.station[kept], table.phase[kept], table.time[kept], table.score[kept], table.sd_s[kept], {}
    )
    return PlacedPicks(placed, number[kept], at[kept], stations, {k: n for k, n in left_out.items() if n})


def _names_of(recording: xr.DataArray, stations: list[Station]) -> dict[str, int]:
    """Return the numbers of stations by all names that stand for one; -1 for a station code of several networks."""
    names: dict[str, int] = {}
    sites: dict[str, set[str]] = {}
    for number, station in enumerate(stations):
        rows = [row for row in station.rows if row is not None]
        for name in (
            *(channel_name(recording, row) for row in rows),
            station.code,
            station.code.rstrip("."),
            station.site,
        ):
            names.setdefault(name, number)
        if "." in station.site:
            sites.setdefault(station.site.partition(".")[2], set()).add(station.site)
    for code, of_code in sites.items():
        names.setdefault(code, names[next(iter(of_code))] if len(of_code) == 1 else -1)
    return names


def _number_of(name: str, names: dict[str, int]) -> int:
    """Return the number of a station by its name, of which a location or channel may be unknown here."""
    parts = name.split(".")
    tried = [name, name.rstrip("."), *(".".join(parts[:n]) for n in (3, 2) if len(parts) > n)]
    return next((names[text] for text in tried if text in names), -1)
