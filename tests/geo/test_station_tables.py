"""Station tables: coordinates from files and recordings, names as in picks, and a map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from selfseis.errors import InputError
from selfseis.geo.projection import FlatMap
from selfseis.geo.station_files import Site, StationList, channel_coordinates, sites_from_table
from selfseis.geo.stations import StationTable, far_outside
from selfseis.io.obspy_import import obspy
from selfseis.quality_log import QualityLog, quality_log_of
from selfseis.recording import open_recording, recording_from_array, station_table, write_recording


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


ROWS = (("ST1", 42.0, 13.0, 4.5), ("ST2", 42.1, 13.1, 7.25), ("ST3", 42.0, 13.1, 2.0))


def lines(form: str) -> str:
    return "\n".join(form.format(*row) for row in ROWS) + "\n"


TABLES = {
    "metres": "station,latitude,longitude,elevation_m\n" + lines("{0},{1},{2},{3}"),
    "permuted": "elevation_m,longitude,station,latitude\n" + lines("{3},{2},{0},{1}"),
    "bare": "station,lat,lon,elev\n" + lines("{0},{1},{2},{3}"),
    "unit": "Station Name\tLatitude (deg)\tLongitude (deg)\tElevation (m)\n".replace(
        "Station Name", "Station"
    )
    + lines("{0}\t{1}\t{2}\t{3}"),
    "pyocto": "id,longitude,latitude,elevation\n" + lines("XX.{0}.,{2},{1},{3}"),
    "semicolon": "\ufeffStation;Latitude;Longitude;Elevation_m\r\n"
    + lines("{0};{1};{2};{3}").replace(".", ","),
    "fdsn": "#Network | Station | Latitude | Longitude | Elevation | SiteName | StartTime | EndTime\n"
    + lines("XX|{0}|{1}|{2}|{3}|Site|2000-01-01T00:00:00|"),
    "blanks": "# a comment\nstation latitude longitude elevation_m\n" + lines("{0} {1} {2} {3}"),
    "code": "network,code,latitude,longitude,elevation_m\n" + lines("XX,{0},{1},{2},{3}"),
    "lower": "station,latitude,longitude,elevation_m\n" + lines("{0},{1},{2},{3}").lower(),
    "km": "station,latitude,longitude,elevation_km\nST1,42,13,0.0045\nST2,42.1,13.1,0.00725\nST3,42,13.1,0.002\n",
}
SEED_IDS = [f"XX.{row[0]}..HHZ" for row in ROWS]


@pytest.mark.parametrize("form", list(TABLES))
def test_the_same_stations_in_any_spelling(tmp_path, form) -> None:
    path = tmp_path / "stations.csv"
    path.write_text(TABLES[form])
    quality_log = QualityLog()
    found = channel_coordinates(SEED_IDS, sites_from_table(path, quality_log), quality_log)
    for column, name in enumerate(("latitude", "longitude", "elevation"), start=1):
        np.testing.assert_allclose(found[name], [row[column] for row in ROWS])
    listed = StationList.from_file(path)
    epoch = listed.find("XX.ST2", pd.Timestamp("2020-01-01")) or listed.find(
        "st2", pd.Timestamp("2020-01-01")
    )
    assert epoch.elevation_m == pytest.approx(7.25)


def test_a_station_of_another_network_is_another_station(tmp_path) -> None:
    path = tmp_path / "s.csv"
    path.write_text("network,station,latitude,longitude\nXX,S,42,13\nYY,S,47,13\nZZ,T,1,2\n")
    quality_log = QualityLog()
    ids = ["XX.S..HHZ", "YY.S..HHZ", "XX.T..HHZ"]
    found = channel_coordinates(ids, sites_from_table(path, quality_log), quality_log)
    assert found["latitude"][:2].tolist() == [42, 47] and np.isnan(found["latitude"][2])
    assert [issue.unit for issue in quality_log.issues] == ["XX.T"]
    when, listed = pd.Timestamp("2020-01-01"), StationList.from_file(path)
    assert listed.find("YY.S", when).latitude == 47 and listed.find("XX.T", when) is None
    assert listed.find("T", when).latitude == 1 and listed.find("S", when) is None


def test_faulty_rows_are_left_out_and_named(tmp_path) -> None:
    path = tmp_path / "s.csv"
    path.write_text(
        "station,latitude,longitude,elevation_m\nA,42,13,n/a\nB,north,13,1\nC,1,2,3\nC,4,2,3\nD,5,6,7\n"
    )
    quality_log = QualityLog()
    sites = sites_from_table(path, quality_log)
    assert list(sites) == ["A", "D"] and np.isnan(sites["A"].elevation) and sites["D"] == Site(5.0, 6.0, 7.0)
    details = [issue.detail for issue in quality_log.issues]
    assert len(details) == 2 and "north" in details[0] and "C has 2 positions" in details[1]


@pytest.mark.parametrize(
    ("elevation", "metres"), [("1.381", 1381.0), ("4.25", 4.25), ("1381", 1381.0), ("9.5", 9.5)]
)
def test_a_bare_elevation_is_metres_unless_it_is_written_like_kilometres(tmp_path, elevation, metres) -> None:
    path = tmp_path / "s.csv"
    path.write_text(f"station,latitude,longitude,elevation\nA,42,13,{elevation}\n")
    quality_log = QualityLog()
    assert sites_from_table(path, quality_log)["A"].elevation == pytest.approx(metres)
    assert len(quality_log) == (float(elevation) < 9)


@pytest.mark.parametrize("row", ["A,142.0,13.0,1", "A,514000,5100000,1"])
def test_coordinates_that_are_no_degrees_are_refused(tmp_path, row) -> None:
    (tmp_path / "s.csv").write_text(f"station,latitude,longitude,elevation_m\n{row}\n")
    with pytest.raises(InputError, match="latitude"):
        StationTable.from_file(tmp_path / "s.csv")


def test_a_table_in_a_data_folder_is_never_ignored_without_a_word(tmp_path) -> None:
    recording = recording_from_array(
        np.random.default_rng(0).normal(size=(1, 500)), 100.0, seed_id=["XX.A..HHZ"]
    )
    write_recording(recording, tmp_path / "a.mseed")
    (tmp_path / "stations.txt").write_text("A 46.0 8.0 500\n")
    (tmp_path / "others.csv").write_text("sta,lat,lon\nB,46,8\n")
    found = [(issue.kind, Path(issue.unit).name) for issue in quality_log_of(open_recording(tmp_path)).issues]
    assert ("unreadable", "stations.txt") in found and ("no_coordinates", "XX.A") in found


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
