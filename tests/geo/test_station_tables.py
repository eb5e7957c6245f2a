"""Station tables: coordinates from files and recordings, names as in picks, and a map."""

from __future__ import annotations

import numpy as np
import pytest

from selfseis.errors import InputError
from selfseis.geo.projection import FlatMap
from selfseis.geo.station_files import Site
from selfseis.geo.stations import StationTable, far_outside
from selfseis.io.obspy_import import obspy
from selfseis.recording import recording_from_array, station_table


def test_a_station_is_found_by_any_form_of_its_name(tmp_path) -> None:
    (tmp_path / "s.csv").write_text(
        "station,latitude,longitude,elevation_m\nABC,46,8,500\nXY.DEF,46.1,8.1,20\n"
    )
    table = StationTable.from_file(tmp_path / "s.csv")
    assert (
        table.row_of("XX.ABC.00") == 0 and table.row_of("XY.DEF.") == 1 and table.row_of("XX.ELSE.") is None
    )
    only = table.only(["XX.ABC.00", "XX.ELSE."])
    assert only.codes == ("XX.ABC.00",) and only.elevation_m.tolist() == [500]


def test_coordinates_are_read_from_a_recording() -> None:
    recording = recording_from_array(
        np.zeros((3, 10)), 100.0, seed_id=["A.B..HHE", "A.B..HHZ", "A.C..HHZ"],
        latitude=[1, 1, np.nan], longitude=[2, 2, np.nan], elevation=[3, 3, np.nan],
    )  # fmt: skip
    table = station_table(recording)
    assert table.codes == ("A.B.",) and table.latitude.tolist() == [1] and table.elevation_m.tolist() == [3]
    assert len(station_table(recording_from_array(np.zeros((1, 4)), 1.0))) == 0


def test_coordinates_are_read_from_station_xml(tmp_path) -> None:
    obspy().read_inventory().write(str(tmp_path / "stations.xml"), format="STATIONXML")
    table = StationTable.from_file(tmp_path / "stations.xml")
    row = table.row_of("GR.FUR.")
    assert table.latitude[row] == pytest.approx(48.163, abs=0.01) and table.elevation_m[row] == 565


def test_the_icelandic_table_is_read(shared_data) -> None:
    table = StationTable.from_file(shared_data / "stations" / "iceland_vt" / "iceland_stations.txt")
    assert len(table) == 12 and table.elevation_m[table.row_of("Z7.DYJN.")] == pytest.approx(1381)
    assert "kilometres" in table.notes[0]


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "station,latitude,longitude\nA,north,8\n"])
def test_a_file_without_a_table_is_an_error(tmp_path, text) -> None:
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(InputError, match="not a table of stations"):
        StationTable.from_file(tmp_path / "s.csv")


def test_metres_instead_of_degrees_are_an_error() -> None:
    with pytest.raises(InputError, match="not degrees"):
        StationTable.from_sites({"A": Site(514_000.0, 5_100_000.0, 10.0)})


def test_assumed_elevations_are_noted() -> None:
    table = StationTable.from_sites({"A": Site(46.0, 8.0, np.nan)})
    assert table.elevation_m.tolist() == [0] and "sea level" in table.notes[0]


@pytest.mark.parametrize("longitude", [8.0, 179.99, -179.99, 359.99])
def test_the_map_projection_is_invertible(longitude) -> None:
    sites = {str(k): Site(64 + 0.1 * k, (longitude + 0.1 * k + 180) % 360 - 180, 0.0) for k in range(4)}
    table = StationTable.from_sites(sites)
    plane = FlatMap.about(table)
    east, north = plane.flat(table.latitude, table.longitude)
    assert np.abs(east).max() < 20 and np.allclose(np.diff(north), 11.147, atol=0.01)
    latitude, back = plane.round(east, north)
    assert np.allclose(latitude, table.latitude) and np.allclose((back - table.longitude + 180) % 360, 180)


def test_only_a_distant_station_is_far_outside() -> None:
    angle = np.arange(6)
    east, north = np.append(10 * np.cos(angle), 200), np.append(10 * np.sin(angle), 0)
    assert far_outside(east, north).tolist() == [False] * 6 + [True]
    assert not far_outside(east[-3:], north[-3:]).any()
