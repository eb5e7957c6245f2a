"""Catalogue files: columns, times and valid QuakeML."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

from selfseis.catalogue.quakeml import to_quakeml
from selfseis.catalogue.records import Event, Onset, Pick, Place, format_utc
from selfseis.catalogue.tables import write_catalogue
from selfseis.io.obspy_import import obspy

COLUMNS = ["event_id", "start", "end", "score", "p_value", "n_channels", "false_discovery_rate", "calibrated"]


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
    assert row == "ev20200101T000005,2020-01-01T00:00:05.250Z,2020-01-01T00:00:08.250Z,7.500,1.5e-07,12,,yes"
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


def detected(place: Place | None) -> Event:
    onsets = tuple(
        Onset(f"XX.S0{n}.00.BHZ", np.datetime64(f"2020-01-01T00:00:0{5 + n}", "ns"), 0.64) for n in range(2)
    )
    return replace(
        event(5), onsets=onsets, place=place, is_calibrated=place is None, false_discovery_rate=0.0125
    )


@pytest.mark.parametrize("place", [None, Place(46.0, 8.0, 20.0)], ids=["nowhere", "somewhere"])
def test_detections_have_a_pick_per_station_and_an_origin_where_stations_are_known(tmp_path, place) -> None:
    write_catalogue([detected(place)], tmp_path, detected_by="a test")
    catalogue = obspy().read_events(str(tmp_path / "catalogue.xml"))
    (read,) = catalogue
    codes = [(pick.waveform_id.network_code, pick.waveform_id.station_code) for pick in read.picks]
    assert codes == [("XX", "S00"), ("XX", "S01")]
    assert [pick.phase_hint for pick in read.picks] == [None, None]
    assert [pick.time.second for pick in read.picks] == [5, 6]
    assert len(read.origins) == (place is not None)
    if place is not None:
        origin = read.preferred_origin()
        assert (origin.latitude, origin.longitude, origin.time) == (46.0, 8.0, read.picks[0].time)
        assert origin.origin_uncertainty.horizontal_uncertainty == 20_000 and not origin.arrivals
    assert "None" not in (tmp_path / "catalogue.xml").read_text()
    assert "2020" in str(catalogue) or place is None
    catalogue.write(str(tmp_path / "again.xml"), format="QUAKEML", validate=True)
    row = (tmp_path / "catalogue.csv").read_text().splitlines()[1]
    assert row.endswith(",0.0125,yes" if place is None else ",0.0125,no")
    assert ("uncalibrated" in read.comments[0].text) == (place is not None)
