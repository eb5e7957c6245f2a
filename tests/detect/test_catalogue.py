"""Catalogue files: columns, times and valid QuakeML."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from selfseis.catalogue.quakeml import to_quakeml
from selfseis.catalogue.records import Event, Pick, format_utc
from selfseis.catalogue.tables import write_catalogue
from selfseis.io.obspy_import import obspy

COLUMNS = ["event_id", "start", "end", "score", "p_value", "n_channels"]


def event(second: int, score: float = 7.5) -> Event:
    start, end, peak = (
        np.datetime64(f"2020-01-01T00:00:{s:02d}.250", "ns") for s in (second, second + 3, second + 1)
    )
    return Event(f"ev20200101T0000{second:02d}", start, end, peak, score, 1.5e-7, 12)


@pytest.mark.parametrize("events", [[], [event(5), event(30, 9.25)]], ids=["empty", "two"])
def test_catalogues_are_valid_and_complete(tmp_path, events) -> None:
    write_catalogue(events, tmp_path, detected_by="a test")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["catalogue.csv", "catalogue.xml"]
    with (tmp_path / "catalogue.csv").open(newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    assert reader.fieldnames == COLUMNS
    assert [row["event_id"] for row in rows] == [e.event_id for e in events]
    catalogue = obspy().read_events(str(tmp_path / "catalogue.xml"))
    assert [e.event_descriptions[0].text for e in catalogue] == [e.event_id for e in events]
    from obspy.io.quakeml.core import _validate

    assert _validate(str(tmp_path / "catalogue.xml"))


def test_numbers_are_written_to_be_read() -> None:
    comment = to_quakeml([event(5)], detected_by="a test")[0].comments[0].text
    for part in (
        "peak 2020-01-01T00:00:06.250Z",
        "score 7.500",
        "p_value 1.5e-07",
        "n_channels 12",
        "a test",
    ):
        assert part in comment


def test_rows_hold_times_in_utc(tmp_path) -> None:
    write_catalogue([event(5)], tmp_path, detected_by="a test")
    row = (tmp_path / "catalogue.csv").read_text().splitlines()[1]
    assert row == "ev20200101T000005,2020-01-01T00:00:05.250Z,2020-01-01T00:00:08.250Z,7.500,1.5e-07,12"
    assert obspy().UTCDateTime(format_utc(event(5).start, "ms")) == obspy().UTCDateTime(
        2020, 1, 1, 0, 0, 5, 250_000
    )


def test_writing_again_replaces(tmp_path) -> None:
    write_catalogue([event(5), event(30)], tmp_path, detected_by="a test")
    write_catalogue([event(9)], tmp_path, detected_by="a test")
    assert len((tmp_path / "catalogue.csv").read_text().splitlines()) == 2
    assert len(obspy().read_events(str(tmp_path / "catalogue.xml"))) == 1


def test_codes_with_blanks_make_valid_quakeml() -> None:
    """SEISAN writes channel codes such as ``S Z``, which no identifier of QuakeML may hold."""
    pick = Pick(".MBLG.J.S Z", "P", np.datetime64("1997-01-30T10:49:05.037281", "ns"), 0.95, 0.07)
    catalogue = to_quakeml(picks=[pick])
    (written,) = catalogue[0].picks
    assert written.waveform_id.channel_code == "S Z"
    for identified in (written, *written.comments, catalogue[0]):
        identifier = identified.resource_id
        assert identifier.get_quakeml_uri_str() == identifier.id
