"""Events and the files that hold them: CSV and QuakeML."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from selfseis.recording.atomic import replacing
from selfseis.recording.obspy_import import obspy

if TYPE_CHECKING:
    from obspy import Catalog

COLUMNS = ("event_id", "start", "end", "score", "p_value", "n_channels")


@dataclass(frozen=True)
class Event:
    """A time at which a recording holds more than chance would bring.

    Attributes
    ----------
    event_id : str
        Name made of the time.
    start, end : numpy.datetime64
        Interval in UTC.
    peak : numpy.datetime64
        Time of the highest score.
    score : float
        Highest score, in standard deviations of chance.
    p_value : float
        Share of chance peaks that score as high.
    n_channels : int
        Channels that take part.
    """

    event_id: str
    start: np.datetime64
    end: np.datetime64
    peak: np.datetime64
    score: float
    p_value: float
    n_channels: int


def write_catalogue(events: list[Event], folder: Path, *, resource: str = "selfseis") -> None:
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
    write_rows(folder / "catalogue.csv", COLUMNS, [row_of(event) for event in events])
    with replacing(folder / "catalogue.xml") as path:
        to_quakeml(events, resource).write(str(path), format="QUAKEML")


def row_of(event: Event) -> dict[str, object]:
    """Return the columns of ``catalogue.csv`` that every event has, as they are written."""
    return {
        "event_id": event.event_id,
        "start": iso(event.start),
        "end": iso(event.end),
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


def to_quakeml(events: list[Event], method: str) -> Catalog:
    """Return the events as an ObsPy catalogue.

    QuakeML has no event without an origin that readers agree on, and these are not located: the time of the
    highest score is kept in a comment, with the interval, score and p-value.
    """
    obspy()
    from obspy.core.event import Catalog, Comment, CreationInfo, EventDescription, ResourceIdentifier
    from obspy.core.event import Event as QuakeMLEvent

    catalogue = Catalog(resource_id=ResourceIdentifier("smi:local/selfseis/catalogue"))
    for event in events:
        text = (
            f"detected by {method}; not located; peak {iso(event.peak)}; start {iso(event.start)}; "
            f"end {iso(event.end)}; score {event.score:.3f}; p_value {event.p_value:.3g}; "
            f"n_channels {event.n_channels}"
        )
        identifier = ResourceIdentifier(f"smi:local/selfseis/{event.event_id}")
        catalogue.append(
            QuakeMLEvent(
                resource_id=identifier,
                event_type="not reported",
                event_descriptions=[EventDescription(text=event.event_id)],
                comments=[Comment(text=text, resource_id=ResourceIdentifier(f"{identifier.id}/comment"))],
                creation_info=CreationInfo(agency_id="selfseis"),
            )
        )
    return catalogue


def iso(time: np.datetime64) -> str:
    """Return a time as ISO 8601 in UTC, to the millisecond."""
    return f"{np.datetime_as_string(time.astype('datetime64[ms]'))}Z"
