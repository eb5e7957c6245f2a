"""Picks, the files that hold them (CSV and QuakeML), and the peaks of a probability that they are."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from selfseis.catalogue.quakeml import detections_to_quakeml, located_to_quakeml, picks_to_quakeml
from selfseis.catalogue.records import (
    PHASES,
    Event,
    LocatedEvent,
    Pick,
    in_time,
    iso,
    iso_milliseconds,
)
from selfseis.errors import InputError
from selfseis.io.atomic import replacing

DETECTION_COLUMNS = ("event_id", "start", "end", "score", "p_value", "n_channels")
CATALOGUE_COLUMNS = (*DETECTION_COLUMNS, "time", "latitude", "longitude", "depth_km", "magnitude")


def write_located_catalogue(events: Sequence[LocatedEvent], folder: Path) -> None:
    """Write ``catalogue.csv`` and ``catalogue.xml`` (QuakeML), each whole or not at all.

    Parameters
    ----------
    events : sequence of LocatedEvent
        The events; may be empty.
    folder : Path
        Where to write; made if need be.
    """
    write_rows(folder / "catalogue.csv", CATALOGUE_COLUMNS, [_row(event) for event in events])
    with replacing(folder / "catalogue.xml") as path:
        located_to_quakeml(events).write(str(path), format="QUAKEML")


def _row(event: LocatedEvent) -> dict[str, object]:
    place = event.location
    return row_of(event) | {
        "time": "" if place is None else iso(event.peak),
        "latitude": "" if place is None else f"{place.latitude:.5f}",
        "longitude": "" if place is None else f"{place.longitude:.5f}",
        "depth_km": "" if place is None else f"{place.depth_km:.3f}",
        "magnitude": "" if event.magnitude is None else f"{event.magnitude.value:.2f}",
    }


PICK_COLUMNS = ("seed_id", "phase", "time", "probability", "sd_s")


def write_picks(picks: Sequence[Pick], folder: Path, *, name: str = "picks") -> None:
    """Write ``picks.csv`` and ``picks.xml`` (QuakeML) in the order of time, each whole or not at all.

    Parameters
    ----------
    picks : sequence of Pick
        The picks; may be empty.
    folder : Path
        Where to write; made if need be.
    name : str
        Name of the files without suffix.
    """
    ordered = in_time(picks)
    with replacing(folder / f"{name}.csv") as path, path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(PICK_COLUMNS)
        for pick in ordered:
            rows.writerow(
                (pick.seed_id, pick.phase, iso(pick.time), f"{pick.probability:.4f}", f"{pick.sd_s:.4f}")
            )
    with replacing(folder / f"{name}.xml") as path:
        picks_to_quakeml(ordered).write(str(path), format="QUAKEML")


def read_picks(path: Path | str) -> list[Pick]:
    """Read picks from a CSV file with the columns that `write_picks` writes.

    Parameters
    ----------
    path : Path or str
        A file, or a folder that holds ``picks.csv``. More columns do no harm.

    Returns
    -------
    list of Pick
        In the order of the file.

    Raises
    ------
    InputError
        If there is no such file, a column is missing, or a line makes no sense.
    """
    place = Path(path)
    place = place / "picks.csv" if place.is_dir() else place
    try:
        with place.open(newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file)
            missing = [column for column in PICK_COLUMNS if column not in (rows.fieldnames or ())]
            if missing:
                raise InputError(
                    f"{place} has no column {', '.join(missing)}: picks need {', '.join(PICK_COLUMNS)}"
                )
            return [_pick_of(row, place, number) for number, row in enumerate(rows, start=2)]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the picks in {place} cannot be read ({error}): give a picks.csv") from error


def _pick_of(row: dict[str, str], place: Path, number: int) -> Pick:
    try:
        phase = row["phase"]
        if phase not in PHASES:
            raise ValueError(f"phase {phase!r} is neither P nor S")
        time = np.datetime64(row["time"].removesuffix("Z"), "ns")
        if np.isnat(time):
            raise ValueError("no time")
        return Pick(row["seed_id"], phase, time, float(row["probability"]), float(row["sd_s"]))
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f"line {number} of {place} is no pick ({error}): correct or remove it") from error


def write_detections(events: list[Event], folder: Path, *, resource: str = "selfseis") -> None:
    """Write ``catalogue.csv`` and ``catalogue.xml`` (QuakeML), each whole or not at all.

    Parameters
    ----------
    events : list of Event
        The events; may be empty.
    folder : Path
        Where to write.
    resource : str
        Name of the detection method, for QuakeML.
    """
    write_rows(folder / "catalogue.csv", DETECTION_COLUMNS, [row_of(event) for event in events])
    with replacing(folder / "catalogue.xml") as path:
        detections_to_quakeml(events, resource).write(str(path), format="QUAKEML")


def row_of(event: Event) -> dict[str, object]:
    """Return the columns of ``catalogue.csv`` that every event has, as they are written."""
    return {
        "event_id": event.event_id,
        "start": iso_milliseconds(event.start),
        "end": iso_milliseconds(event.end),
        "score": f"{event.score:.3f}",
        "p_value": "" if np.isnan(event.p_value) else f"{event.p_value:.3g}",
        "n_channels": event.n_channels,
    }


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Write a table as CSV, whole or not at all."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
