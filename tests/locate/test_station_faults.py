"""Stations with wrong coordinates or a slightly wrong clock are found by their residuals and named; others are not."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from simulated_picks import LAYERED, array_of_stations, events_below, false_picks, picks_of

from selfseis.geo.stations import StationTable
from selfseis.locate import LocatedCatalogue, SearchVolume, locate_events
from selfseis.locate.station_faults import MisplacedStation

STATIONS = array_of_stations(8)
FAULTY = "XX.S03."


@pytest.fixture(scope="module")
def search_volume() -> SearchVolume:
    return SearchVolume.around(STATIONS, LAYERED)


def catalogue_of(
    search_volume: SearchVolume, shift: dict[str, float], moved_km: float = 0.0
) -> LocatedCatalogue:
    """Locate 12 events, with delays of the picks of one station by phase, or its coordinates moved to the north."""
    rng = np.random.default_rng(7)
    truth = events_below(search_volume, 12, 60.0)
    picks = [pick for event in truth for pick in picks_of(event, search_volume, rng, missing=0.1)]
    picks += false_picks(STATIONS, 60, 750, rng)
    picks = [
        replace(pick, time=pick.time + np.timedelta64(int(shift.get(pick.phase, 0) * 1e9), "ns"))
        if pick.station == FAULTY
        else pick
        for pick in picks
    ]
    latitude = STATIONS.latitude + np.where([code == FAULTY for code in STATIONS.codes], moved_km / 111.15, 0)
    stated = StationTable(STATIONS.codes, latitude, STATIONS.longitude, STATIONS.elevation_m)
    return locate_events(picks, stated, LAYERED, n_shifts=0)


def test_a_good_network_has_no_faults(search_volume: SearchVolume) -> None:
    notes = catalogue_of(search_volume, {}).notes
    assert not any("check" in note for note in notes)


def test_wrong_coordinates_are_named_and_the_picks_left_out(search_volume: SearchVolume) -> None:
    catalogue = catalogue_of(search_volume, {}, moved_km=12.0)
    (note,) = [note for note in catalogue.notes if "check" in note]
    assert re.search(r"XX\.S03\. fit a position about 1[123] km south of its coordinates in 1\d events", note)
    assert not any(pick.station == FAULTY for event in catalogue.events for pick in event.picks)


@pytest.mark.parametrize("shift", [0.4, -0.4])
def test_a_clock_error_of_less_than_half_a_second_is_named(search_volume: SearchVolume, shift: float) -> None:
    catalogue = catalogue_of(search_volume, {"P": shift, "S": shift})
    (note,) = [note for note in catalogue.notes if "check" in note]
    assert FAULTY in note and "clock" in note and ("late" if shift > 0 else "early") in note


def test_slow_rocks_below_a_station_are_no_clock_error(search_volume: SearchVolume) -> None:
    notes = catalogue_of(search_volume, {"P": 0.25, "S": 0.25 * 1.75}).notes
    assert not any("clock" in note for note in notes)


def test_the_direction_is_a_compass_point() -> None:
    assert "10 km north-west of" in str(MisplacedStation("A", -7.0, 7.0, 9, 0))
