"""Channels become sensors: spellings of components, several sensors of a site, location codes, hydrophones, U V W."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from selfseis.quality_log import quality_log_of
from selfseis.recording import recording_from_array, station_codes
from selfseis.recording.components import stations_of
from selfseis.recording.open import open_recording
from selfseis.recording.sensors import describe_sensors, group_sensors, parse_channel, station_names

obspy = pytest.importorskip("obspy")


def components(*channels: str, site: str = "XX.A.") -> list[list[str | None]]:
    """Return the channels of each sensor as east, north and vertical."""
    ids = [f"{site}.{channel}" if channel.count(".") == 0 else f"XX.A.{channel}" for channel in channels]
    return [
        [None if row is None else channels[row].rpartition(".")[2] for row in sensor.axes]
        for sensor in group_sensors(ids)
    ]


@pytest.mark.parametrize(
    "channels",
    [
        "HHE HHN HHZ", "HE HN HZ", "E N Z", "EW NS UD", "hhe hhn hhz", "EAST NORTH VERT", "E N U", "B_H_E B_H_N B_H_Z",
        "HH2 HH1 HHZ", "HHX HHY HHZ", "HHT HHR HHZ", "2 1 3", "EW2 NS2 UD2",
    ],
)  # fmt: skip
def test_one_sensor_in_any_spelling_and_order(channels: str) -> None:
    wanted = channels.split()
    for order in itertools.permutations(wanted):
        assert components(*order) == [wanted]


def test_borehole_and_surface_sensors_are_kept_apart() -> None:
    found = components("EW1", "EW2", "NS1", "NS2", "UD1", "UD2")
    assert found == [["EW1", "NS1", "UD1"], ["EW2", "NS2", "UD2"]]


def test_each_channel_belongs_to_one_sensor() -> None:
    channels = "HHE HHN HHZ HH1 HH2 HNE HNN HNZ HDH BDH 001 002 003 004 CH0 CH1 CH2 CH3 Z 1 2"
    ids = [f"XX.A..{channel}" for channel in channels.split()]
    rows = sorted(row for sensor in group_sensors(ids) for row in sensor.rows.values())
    assert rows == list(range(len(ids)))
    taken = [row for station in stations_of(recording(ids)) for row in station.rows if row is not None]
    assert sorted(taken) == list(
        range(len(ids))
    )  # renamed components, HH1 and HH2 beside HHE and HHN, are not lost


def recording(ids):
    return recording_from_array(np.zeros((len(ids), 10), np.float32), 100.0, seed_id=sorted(ids))


def test_location_codes_of_components_are_joined_into_triplets() -> None:
    ids = [f"NP.1.{location}.HN{code}" for location, code in zip(range(37, 43), "ZNEZNE", strict=True)]
    sensors = group_sensors(ids)
    assert [(sensor.code, sensor.axes) for sensor in sensors] == [
        ("NP.1.37", (2, 1, 0)),
        ("NP.1.40", (5, 4, 3)),
    ]
    assert all("37, 38, 39" in sensor.note or "40, 41, 42" in sensor.note for sensor in sensors)
    assert station_names(ids) == ["NP.1.37"] * 3 + ["NP.1.40"] * 3
    assert station_codes(recording(ids)).tolist() == station_names(ids)


@pytest.mark.parametrize("ids", [
    ["XX.A.00.HHZ", "XX.A.10.HHZ"], ["XX.A.00.HHZ", "XX.A.00.HHN", "XX.A.10.HHZ", "XX.A.10.HHN"],
    ["XX.A.01.HNN", "XX.A.02.HNN", "XX.A.03.HNE", "XX.A.04.HNE"], ["XX.A.00.HHZ", "XX.B.10.HHN"],
])  # fmt: skip
def test_sensors_with_locations_of_their_own_are_not_joined(ids) -> None:
    assert len(group_sensors(ids)) == len({seed_id.rpartition(".")[0] for seed_id in ids})


def test_a_hydrophone_is_no_vertical_of_the_seismometer() -> None:
    assert components("HH1", "HH2", "HHZ", "HDH") == [["HH2", "HH1", "HHZ"], [None, None, "HDH"]]
    alone = stations_of(recording(["XX.A..EDH", "XX.A..EH1", "XX.A..EH2"]))
    assert [(s.is_pressure, s.vertical) for s in alone] == [(True, 0), (False, None)]


def test_inclined_components_are_named() -> None:
    assert "orientation is unknown" in group_sensors(["XX.A..HHU", "XX.A..HHV", "XX.A..HHW"])[0].note
    assert "(U, V, W" in describe_sensors(["XX.A..HHU", "XX.A..HHV", "XX.A..HHW"])[0]
    assert group_sensors(["XX.A..E", "XX.A..N", "XX.A..U"])[0].note == ""


def test_numbers_are_channels_of_a_cable_unless_there_are_three() -> None:
    assert len(group_sensors([f"XX.A..{number:03d}" for number in range(1, 25)])) == 24
    (three,) = group_sensors([f"XX.A..{number:03d}" for number in (1, 2, 3)])
    assert three.axes == (1, 0, 2) and "numbered" in three.note


def test_the_component_coordinate_and_the_log_follow_the_grouping() -> None:
    begin = obspy.UTCDateTime(2024, 1, 1)
    stream = obspy.Stream([
        obspy.Trace(np.random.default_rng(row).normal(size=500), {"network": "XX", "station": "A", "channel": channel,
                    "location": location, "sampling_rate": 100.0, "starttime": begin})
        for row, (location, channel) in enumerate([("01", "EW"), ("02", "NS"), ("03", "UD"), ("", "HDH")])
    ])  # fmt: skip
    opened = open_recording(stream)
    assert dict(zip(opened.seed_id.values, opened.component.values, strict=True)) == {
        "XX.A.01.EW": "E", "XX.A.02.NS": "N", "XX.A.03.UD": "Z", "XX.A..HDH": "H",
    }  # fmt: skip
    details = " ".join(issue.detail for issue in quality_log_of(opened).issues if issue.kind == "assumed")
    assert "01, 02, 03" in details and "pressure" in details


def test_codes_are_parsed_into_parts() -> None:
    assert parse_channel("S Z")[:2] == ("S", "Z") and parse_channel("")[:2] == ("", "")
    assert parse_channel("HDH").is_pressure and not parse_channel("HHZ").is_pressure
