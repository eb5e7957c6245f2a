"""Position and response of a channel are those of the time of its data; a change within the data is said."""

from __future__ import annotations

import numpy as np
import pytest

from selfseis.geo.channel_epochs import response_at
from selfseis.geo.stations import StationTable
from selfseis.io.obspy_import import obspy as import_obspy
from selfseis.quality_log import quality_log_of
from selfseis.recording import open_recording
from selfseis.recording.inventory import inventory_of, merge_inventories

obspy = import_obspy()
UTC = obspy.UTCDateTime
MOVE = UTC(2024, 3, 10)


def channel(latitude, gain, start, end, units="M/S"):
    from obspy.core.inventory import Channel, InstrumentSensitivity, Response

    sensitivity = InstrumentSensitivity(gain, 1.0, units, "COUNTS")
    return Channel("HHZ", "", latitude, 13.0, 100.0, 0.0, start_date=start, end_date=end,
                   response=Response(instrument_sensitivity=sensitivity))  # fmt: skip


def inventory(*channels, station="MOV"):
    from obspy.core.inventory import Inventory, Network, Station

    return Inventory(
        [Network("XX", [Station(station, 42.0, 13.0, 100.0, channels=list(channels))])], source="test"
    )


@pytest.fixture
def moved():
    """A station that moved by 5.6 km and changed its gain, with the later epoch first in the file."""
    return inventory(channel(42.05, 1e9, MOVE, None), channel(42.0, 1e8, UTC(2024, 3, 5), MOVE))


def recorded(start, minutes=1, rate=10.0):
    samples = np.random.default_rng(0).normal(size=int(minutes * 60 * rate))
    codes = {"network": "XX", "station": "MOV", "channel": "HHZ"}
    return obspy.Trace(samples, {**codes, "sampling_rate": rate, "starttime": start})


def assumptions(recording) -> str:
    return " ".join(issue.detail for issue in quality_log_of(recording).issues if issue.kind == "assumed")


@pytest.mark.parametrize(
    ("start", "latitude", "gain"),
    [
        (UTC(2024, 3, 5) - 0.05, 42.0, 1e8),  # the first record begins just before the epoch
        (UTC(2024, 3, 9), 42.0, 1e8),
        (MOVE, 42.05, 1e9),
        (UTC(2024, 5, 1), 42.05, 1e9),
    ],
)
def test_the_epoch_of_the_data_counts(moved, start, latitude, gain) -> None:
    recording = open_recording(obspy.Stream([recorded(start)]), inventory=moved)
    assert recording.latitude.values == [latitude] and recording.sensitivity.values == [gain]
    assert recording.input_units.values == ["m/s"] and not assumptions(recording)


def test_the_requested_span_counts_and_a_change_within_it_is_said(moved) -> None:
    stream = obspy.Stream([recorded(MOVE - 1200, minutes=30)])
    whole = open_recording(stream, inventory=moved)
    assert whole.latitude.values == [42.0] and whole.sensitivity.values == [1e8]
    assert "moves by 5.56 km" in assumptions(whole) and "1e+08 to 1e+09" in assumptions(whole)
    after = open_recording(stream, inventory=moved, start="2024-03-10")
    assert after.latitude.values == [42.05] and after.sensitivity.values == [1e9] and not assumptions(after)


def test_data_outside_all_epochs_have_no_response(moved) -> None:
    early = open_recording(obspy.Stream([recorded(UTC(2024, 3, 1))]), inventory=moved)
    assert early.latitude.values == [42.0] and "sensitivity" not in early.coords
    assert "no epoch" in assumptions(early)


@pytest.mark.parametrize(
    ("units", "gain", "name"),
    [("NM/S", 1e8, "m/s"), ("m/s**2", 0.1, "m/s**2"), ("PA", 0.1, "PA"), ("M", 0.1, "m")],
)
def test_the_sensitivity_is_per_si_unit(units, gain, name) -> None:
    stated = inventory(channel(42.0, 0.1, None, None, units))
    recording = open_recording(obspy.Stream([recorded(MOVE)]), inventory=stated)
    assert recording.sensitivity.values == pytest.approx([gain]) and recording.input_units.values == [name]


def test_the_inventory_stays_with_the_recording_and_knows_the_time(moved) -> None:
    part = open_recording(obspy.Stream([recorded(MOVE - 60, minutes=2)]), inventory=moved)[:, 100:]
    gains = [
        response_at(inventory_of(part), "XX.MOV..HHZ", (MOVE + shift)._ns).instrument_sensitivity.value
        for shift in (-1, 0, 1)
    ]
    assert gains == [1e8, 1e9, 1e9]
    assert response_at(inventory_of(part), "XX.MOV..HHZ", UTC(2020, 1, 1)._ns) is None


def test_files_of_one_epoch_each_are_merged_and_a_named_inventory_wins(tmp_path, moved) -> None:
    later, earlier = moved[0][0].channels
    for name, entry in (("a", later), ("b", earlier)):
        inventory(entry).write(str(tmp_path / f"{name}.xml"), format="STATIONXML")
    recorded(UTC(2024, 3, 9)).write(str(tmp_path / "x.mseed"), format="MSEED")
    assert open_recording(tmp_path).latitude.values == [42.0]
    named = open_recording(tmp_path, inventory=inventory(channel(41.0, 5.0, None, None)))
    assert named.latitude.values == [41.0] and named.sensitivity.values == [5.0]
    assert merge_inventories([]) is None


def test_a_table_from_an_inventory_takes_a_time_or_says_that_a_station_moved(moved) -> None:
    last = StationTable.from_inventory(moved)
    row = last.row_of("XX.MOV.")
    assert last.latitude[row] == 42.05 and "XX.MOV" in last.notes[0]
    then = StationTable.from_inventory(moved, time="2024-03-06")
    assert then.latitude[then.row_of("XX.MOV.")] == 42.0 and not then.notes
