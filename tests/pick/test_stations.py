"""Grouping of channels into stations, and held-out stations."""

from __future__ import annotations

import numpy as np
import pytest

from selfseis.consensus.ps_pairs import Moveout
from selfseis.pick.evaluate import AT_STATIONS, MEASURE, counted_stations, evaluate_picker
from selfseis.pick.inference import OnsetCandidates
from selfseis.recording import recording_from_array
from selfseis.recording.components import held_out_stations, stations_of


def recording(*seed_ids):
    return recording_from_array(np.zeros((len(seed_ids), 10), np.float32), 100.0, seed_id=list(seed_ids))


def named(station, ids):
    return [None if row is None else ids[row][-1] for row in station.rows]


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ("ENZ", ["E", "N", "Z"]),
        ("12Z", ["2", "1", "Z"]),
        ("RTZ", ["T", "R", "Z"]),
        ("XYZ", ["X", "Y", "Z"]),
        ("123", ["2", "1", "3"]),
        ("Z", [None, None, "Z"]),
        ("E", [None, None, "E"]),
        ("EN", ["E", "N", None]),
        ("NZ", [None, "N", "Z"]),
        ("ABZ", ["B", "A", "Z"]),
        ("ABC", ["C", "B", "A"]),
        ("EQ", ["E", None, "Q"]),
        ("Q", [None, None, "Q"]),
    ],
)
def test_components(codes, expected):
    ids = sorted(f"XX.AAA..HH{code}" for code in codes)
    (station,) = stations_of(recording(*ids))
    assert named(station, ids) == expected


def test_stations_bands_and_locations_are_kept_apart():
    ids = ["XX.A..HHE", "XX.A..HHN", "XX.A..HHZ", "XX.A..HNZ", "XX.A.10.HHZ", "XX.B..HHZ"]
    stations = stations_of(recording(*ids))
    assert [(s.code, sum(row is not None for row in s.rows)) for s in stations] == [
        ("XX.A.", 3), ("XX.A.", 1), ("XX.A.10", 1), ("XX.B.", 1),
    ]  # fmt: skip


def test_sensors_of_one_site_never_confirm_each_other():
    ids = ["XX.A.00.HHZ", "XX.A.10.HHZ", "XX.A.00.HNZ", "XX.B.00.HHZ", "YY.A.00.HHZ"]
    sites = [station.site for station in stations_of(recording(*ids))]
    assert sites == ["XX.A", "XX.A", "XX.A", "XX.B", "YY.A"]
    limit = Moveout.without_coordinates(5, 100.0).separate_sites(sites).travel_limit
    never = limit < 0
    assert never.sum() == 6 and never[:3, :3].sum() == 6 and not never.diagonal().any()


def test_p_is_read_on_the_vertical_and_s_on_a_horizontal():
    (station,) = stations_of(recording("XX.A..HHE", "XX.A..HHN", "XX.A..HHZ"))
    assert (station.row_of("P"), station.row_of("S")) == (2, 1)
    (alone,) = stations_of(recording("XX.A..HHZ"))
    assert alone.row_of("S") == 0


def test_missing_components_are_zero():
    (station,) = stations_of(recording("XX.A..HHZ"))
    components = station.components(np.ones((1, 5), np.float32))
    np.testing.assert_array_equal(components, [[0] * 5, [0] * 5, [1] * 5])


def test_each_channel_of_a_fibre_is_a_station():
    fibre = recording_from_array(np.zeros((4, 10), np.float32), 100.0, distance=np.arange(4.0))
    stations = stations_of(fibre)
    assert [s.vertical for s in stations] == [0, 1, 2, 3]
    assert all(s.east is None and s.north is None for s in stations)


@pytest.mark.parametrize(("n_stations", "hidden"), [(1, []), (3, []), (4, [3]), (12, [3, 7, 11])])
def test_every_fourth_station_is_held_out(n_stations, hidden):
    ids = [f"XX.S{number:02d}..HH{code}" for number in range(n_stations) for code in "ENZ"]
    assert held_out_stations(stations_of(recording(*ids))) == hidden


def test_sensors_of_one_site_are_held_out_together():
    ids = [f"XX.S{number}.{sensor}.HHZ" for number in range(4) for sensor in ("00", "10")]
    assert held_out_stations(stations_of(recording(*ids))) == [6, 7]


def test_the_same_stations_count_for_all_methods():
    one = OnsetCandidates(np.array([[50.0, 0.9]]), np.zeros((0, 2)))
    none = OnsetCandidates(np.zeros((0, 2)), np.zeros((0, 2)))
    assert counted_stations([1, 3], [one, one, one, none], [(0, 100)]) == [1]
    assert counted_stations([1, 3], [one, one, one, none], [(100, 200)]) is None
    assert counted_stations([], [one, one], [(0, 100)]) is None


def test_the_measure_of_the_verdict_names_held_out_stations():
    at = np.arange(1, 40) * 1000.0
    found = [
        OnsetCandidates(np.column_stack([at, 0 * at + 0.9]), np.column_stack([at + 300, 0 * at + 0.9]))
    ] * 4
    spans = [(first, first + 5000) for first in range(0, 40_000, 5000)]
    both = {"the picker": found, "another": found}
    verdicts = [
        evaluate_picker(both, 100.0, (0.3, 13.0), Moveout.without_coordinates(4, 100.0), spans, {}, hidden)
        for hidden in ([3], [])
    ]
    assert [verdict.measure for verdict in verdicts] == [AT_STATIONS, MEASURE]
