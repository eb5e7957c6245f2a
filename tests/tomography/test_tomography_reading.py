"""Readers of all formats of arrivals and stations, and faulty files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfseis.errors import InputError
from selfseis.geo.phases import KNOWN, canonical
from selfseis.geo.station_files import StationList
from selfseis.quality_log import QualityLog
from selfseis.tomography.arrivals import screen, table_of
from selfseis.tomography.read import read_arrivals

CSV = (
    "event_id,event_time,event_latitude,event_longitude,event_depth_km,station,phase,travel_time_s,sigma_s\n"
    "a,2020-01-01T00:00:00,10,20,5,ST1,P,10.5,0.1\n"
    "a,2020-01-01T00:00:00,10,20,5,ST1,P,10.4,0.1\n"
    "a,2020-01-01T00:00:00,10,20,5,ST2,S,20,0\n"
    "a,2020-01-01T00:00:00,10,20,5,GONE,P,9,0.1\n"
    "b,2020-01-01T00:00:00,,,5,ST1,P,9,0.1\n"
    "c,2020-01-01T00:00:00,10,20,5,ST1,LR,9,0.1\n"
    "c,2020-01-01T00:00:00,10,20,5,ST1,P,-9,0.1\n"
    "c,2020-01-01T00:00:00,10,20,9000,ST1,P,9,0.1\n"
)
STATIONS = "station,latitude,longitude,elevation_m\nST1,10.5,20.5,100\nXX.ST2,9.5,19.5,200\n"


def kinds(quality_log: QualityLog) -> dict[str, int]:
    return {kind: found["count"] for kind, found in quality_log.to_dict()["kinds"].items()}


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "arrivals.csv").write_text(CSV)
    (tmp_path / "stations.csv").write_text(STATIONS)
    return tmp_path / "arrivals.csv", tmp_path / "stations.csv"


def test_bad_rows_are_left_out_and_counted(files: tuple[Path, Path]) -> None:
    found = read_arrivals(*files)
    assert found.arrivals[["station", "travel_time_s"]].values.tolist() == [["ST1", 10.4], ["ST2", 20.0]]
    assert kinds(found.quality_log) == {
        "unknown_phase": 1, "no_location": 1, "no_station": 1, "impossible": 2, "duplicate": 1, "assumed": 1,
    }  # fmt: skip
    assert found.arrivals["sigma_s"].tolist() == [0.1, 1.0]
    assert found.arrivals["station_elevation_m"].tolist() == [100.0, 200.0]


def test_arrival_times_replace_travel_times(tmp_path: Path, files: tuple[Path, Path]) -> None:
    place = tmp_path / "times.csv"
    place.write_text(
        "Event_ID, Origin_Time, Event_Lat, Event_Lon, Event_Depth, STA, Phase, Arrival_Time\n"
        "a, 2020-01-01T00:00:00Z, 10, 20, 5, ST1, iP, 2020-01-01T00:00:12.5Z\n"
    )
    found = read_arrivals(place, files[1]).arrivals
    assert found["travel_time_s"].tolist() == [12.5]
    assert found["phase"].tolist() == ["P"]


def test_swapped_coordinates_are_refused(tmp_path: Path) -> None:
    place = tmp_path / "swapped.csv"
    place.write_text(CSV.replace(",10,20,", ",140,-20,"))
    stations = tmp_path / "stations.csv"
    stations.write_text(STATIONS)
    with pytest.raises(InputError, match="are swapped"):
        read_arrivals(place, stations)
    stations.write_text("station,latitude,longitude\nST1,140.5,20.5\n")
    with pytest.raises(InputError, match="swapped"):
        read_arrivals(place, stations)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nothing of use", "unknown format"),
        (CSV.splitlines()[0] + "\n", "holds none"),
        ("", "unknown format"),
    ],
)
def test_unusable_files_are_refused_with_advice(
    tmp_path: Path, files: tuple[Path, Path], text: str, words: str
) -> None:
    place = tmp_path / "wrong.csv"
    place.write_text(text)
    with pytest.raises(InputError, match=words):
        read_arrivals(place, files[1])


def test_missing_files_and_stations(files: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_arrivals(tmp_path / "gone.csv")
    with pytest.raises(InputError, match="give --stations"):
        read_arrivals(files[0])
    with pytest.raises(InputError, match="is not a file"):
        read_arrivals(files[0], tmp_path / "gone.csv")
    (tmp_path / "none.txt").write_text("no stations here\n")
    with pytest.raises(InputError, match="is not a list of stations"):
        read_arrivals(files[0], tmp_path / "none.txt")


def test_a_station_that_moved_is_found_where_it_stood(tmp_path: Path) -> None:
    place = tmp_path / "moved.stn"
    place.write_text(
        "AAA      10.0000   20.0000    50.0 2000-01-01 00:00:00 2010-01-01 00:00:00\n"
        "             FDSN AAA   TA -- BHZ 2004-05-04 23:00:00 2005-03-03 23:59:59\n"
        "AAA      11.0000   20.0000    70.0 2010-01-01 00:00:00\n"
    )
    listed = StationList.from_file(place)
    assert [listed.find("AAA", pd.Timestamp(when)).latitude for when in ("2005-01-01", "2015-01-01")] == [
        10.0,
        11.0,
    ]  # type: ignore[union-attr]
    assert listed.find("XX.AAA.00.HHZ", pd.Timestamp("2005-01-01")) is not None
    assert listed.find("BBB", pd.Timestamp("2005-01-01")) is None


def test_fdsn_text(tmp_path: Path) -> None:
    place = tmp_path / "fdsn.txt"
    place.write_text(
        "#Network|Station|Latitude|Longitude|Elevation|SiteName\nAU|BBOO|-32.8|136.0|285.0|B\nAU|X|bad|1|2|c\n"
    )
    quality_log = QualityLog()
    (epoch,) = StationList.from_file(place, quality_log).epochs
    assert (epoch.code, epoch.elevation_m) == ("AU.BBOO", 285.0)
    assert kinds(quality_log) == {"unusable_row": 1}


def test_quakeml_and_the_folder_of_a_catalogue(tmp_path: Path, files: tuple[Path, Path]) -> None:
    from obspy import UTCDateTime
    from obspy.core.event import Arrival, Catalog, Event, Origin, Pick, WaveformStreamID

    start = UTCDateTime(2020, 1, 1)
    picks = [
        Pick(time=start + 7.5, waveform_id=WaveformStreamID("XX", "ST1"), phase_hint="P"),
        Pick(time=start + 13.0, waveform_id=WaveformStreamID("XX", "ST2"), phase_hint="S"),
    ]
    located = Origin(time=start, latitude=10.0, longitude=20.0, depth=8000.0)
    located.arrivals = [Arrival(pick_id=picks[0].resource_id, phase="Pn", time_weight=1.0)]
    located.arrivals.append(Arrival(pick_id=picks[1].resource_id, phase="S", time_weight=0.0))
    events = [
        Event(origins=[located], picks=picks),
        Event(picks=[Pick(time=start, waveform_id=WaveformStreamID("X", "Y"))]),
    ]
    Catalog(events).write(str(tmp_path / "catalogue.xml"), format="QUAKEML")
    for place in (tmp_path / "catalogue.xml", tmp_path):
        found = read_arrivals(place, files[1])
        assert found.arrivals[["phase", "travel_time_s", "event_depth_km"]].values.tolist() == [
            ["Pn", 7.5, 8.0]
        ]
        assert kinds(found.quality_log)["no_location"] == 1


@given(st.text(max_size=8))
def test_any_text_is_a_known_phase_or_none(name: str) -> None:
    assert canonical(name) in {*KNOWN, ""}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("P", "P"), ("iPn", "Pn"), ("eSg", "Sg"), ("P*", "Pg"), ("PN", "Pn"), ("P?", "P"), ("(S)", "S"), ("PcP", "PcP"),
        ("pP", ""), ("sS", ""), ("LR", ""), ("PKPdf", ""), ("PP", ""), (None, ""), ("Pdiff", ""),
    ],
)  # fmt: skip
def test_names_of_phases(written: str | None, meant: str) -> None:
    assert canonical(written) == meant


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(*[st.one_of(st.none(), st.floats(allow_nan=True), st.text(max_size=5))] * 4), max_size=5
    )
)
def test_screening_never_breaks_on_odd_cells(cells: list[tuple[object, ...]]) -> None:
    names = ("event_latitude", "travel_time_s", "phase", "event_time")
    table = table_of([dict(zip(names, row, strict=True)) for row in cells])
    with pytest.raises(InputError):
        screen(table)


def test_real_bulletins(shared_data: Path) -> None:
    isc = shared_data / "tomography" / "isc"
    found = read_arrivals(isc / "test_ISC.csv")
    assert (len(found.arrivals), found.arrivals["event_id"].nunique()) == (978, 32)
    ehb = read_arrivals(isc / "test_EHB.csv", isc / "ehb.stn")
    assert ehb.arrivals["event_id"].nunique() == 10
    assert set(ehb.arrivals["phase"]) == {"P", "Pn", "S", "Sn", "PcP", "ScS"}
    assert kinds(ehb.quality_log)["duplicate"] > 100
    web = read_arrivals(isc / "Arrivals_ISC_2016-03_2016-04")
    assert (web.arrivals["event_id"].nunique(), len(web.arrivals)) == (2, 743)


def test_real_local_picks_with_swapped_roles(shared_data: Path) -> None:
    folder = shared_data / "tomography" / "flinders"
    found = read_arrivals(folder)
    counts = found.arrivals["phase"].value_counts()
    assert (counts["P"], counts["S"]) == (2646, 2026)
    assert found.arrivals["event_id"].nunique() == 411
    assert found.arrivals["station_elevation_m"].max() == 619.0
    assert kinds(found.quality_log)["no_station"] == 342
    assert np.isfinite(found.arrivals["travel_time_s"]).all()
