"""Files of picks and events: CSV tables, each with its QuakeML twin."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from selfseis.catalogue.quakeml import to_quakeml
from selfseis.catalogue.records import PHASES, Event, Pick, format_utc, in_time
from selfseis.errors import InputError
from selfseis.io.atomic import replacing
from selfseis.io.tables import read_table

DETECTION_COLUMNS = ("event_id", "start", "end", "score", "p_value", "n_channels")
SURENESS_COLUMNS = ("false_discovery_rate", "calibrated")
CATALOGUE_COLUMNS = (*DETECTION_COLUMNS, "time", "latitude", "longitude", "depth_km", "magnitude")
PICK_COLUMNS = ("seed_id", "phase", "time", "probability", "sd_s")


def write_catalogue(events: Sequence[Event], folder: Path, *, detected_by: str | None = None) -> None:
    """Write ``catalogue.csv`` and ``catalogue.xml`` (QuakeML), each whole or not at all.

    Parameters
    ----------
    events : sequence of Event
        The events; may be empty.
    folder : Path
        Folder to write to; created if necessary.
    detected_by : str, optional
        Name of the detection method, if the events were detected on waveforms and not located. The table then has no
        columns for origin time, location and magnitude, but says how sure each event is; QuakeML names the method.
    """
    if detected_by is None:
        columns: tuple[str, ...] = CATALOGUE_COLUMNS
        rows = [_event_row(event) for event in events]
    else:
        columns = DETECTION_COLUMNS + SURENESS_COLUMNS
        rows = [_detection_row(event) for event in events]
    _write_csv(folder / "catalogue.csv", columns, rows)
    with replacing(folder / "catalogue.xml") as path:
        to_quakeml(events, detected_by=detected_by).write(str(path), format="QUAKEML")


def _event_row(event: Event) -> tuple[object, ...]:
    """Values of `CATALOGUE_COLUMNS`; empty if not known."""
    location, magnitude = event.location, event.magnitude
    return (
        event.event_id,
        format_utc(event.start, "ms"),
        format_utc(event.end, "ms"),
        f"{event.score:.3f}",
        "" if np.isnan(event.p_value) else f"{event.p_value:.3g}",
        event.n_channels,
        "" if location is None else format_utc(event.peak),
        "" if location is None else f"{location.latitude:.5f}",
        "" if location is None else f"{location.longitude:.5f}",
        "" if location is None else f"{location.depth_km:.3f}",
        "" if magnitude is None else f"{magnitude.value:.2f}",
    )


def _detection_row(event: Event) -> tuple[object, ...]:
    """Values of `DETECTION_COLUMNS` and `SURENESS_COLUMNS`."""
    rate = event.false_discovery_rate
    sureness = "" if np.isnan(rate) else f"{rate:.3g}", "yes" if event.is_calibrated else "no"
    return _event_row(event)[: len(DETECTION_COLUMNS)] + sureness


def write_picks(picks: Sequence[Pick], folder: Path, *, name: str = "picks") -> None:
    """Write ``picks.csv`` and ``picks.xml`` (QuakeML) in order of time, each whole or not at all.

    Parameters
    ----------
    picks : sequence of Pick
        The picks; may be empty.
    folder : Path
        Folder to write to; created if necessary.
    name : str
        Name of the files without suffix.
    """
    ordered = in_time(picks)
    rows = [
        (pick.seed_id, pick.phase, format_utc(pick.time), f"{pick.probability:.4f}", f"{pick.sd_s:.4f}")
        for pick in ordered
    ]
    _write_csv(folder / f"{name}.csv", PICK_COLUMNS, rows)
    with replacing(folder / f"{name}.xml") as path:
        to_quakeml(picks=ordered).write(str(path), format="QUAKEML")


def read_picks(path: Path | str) -> list[Pick]:
    """Read picks from a CSV file with the columns that `write_picks` writes.

    Parameters
    ----------
    path : Path or str
        A file, or a folder with ``picks.csv``. Further columns are ignored.

    Returns
    -------
    list of Pick
        In the order of the file.

    Raises
    ------
    InputError
        If the file does not exist, a column is missing, or a line is not a pick.
    """
    place = Path(path)
    place = place / "picks.csv" if place.is_dir() else place
    try:
        table = read_table(place)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"the picks in {place} cannot be read ({error}): give a picks.csv") from error
    missing = [column for column in PICK_COLUMNS if column not in table.columns]
    if missing:
        raise InputError(f"{place} has no column {', '.join(missing)}: picks need {', '.join(PICK_COLUMNS)}")
    return [_parse_pick(row, place, number) for number, row in enumerate(table.records(), start=2)]


def _parse_pick(row: dict[str, str], place: Path, number: int) -> Pick:
    try:
        phase = row["phase"]
        if phase not in PHASES:
            raise ValueError(f"phase {phase!r} is neither P nor S")
        time = np.datetime64(row["time"].removesuffix("Z"), "ns")
        if np.isnat(time):
            raise ValueError("no time")
        return Pick(row["seed_id"], phase, time, float(row["probability"]), float(row["sd_s"]))
    except ValueError as error:
        raise InputError(f"line {number} of {place} is not a pick ({error}): correct or remove it") from error


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table as CSV, whole or not at all."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
