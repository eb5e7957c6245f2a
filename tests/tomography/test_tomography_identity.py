"""Bulletins as strangers have them: clocks, networks, depths, twin events, impossible waves, and damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mutations import outcomes
from selfseis.errors import InputError
from selfseis.io import obspy_import
from selfseis.quality_log import QualityLog
from selfseis.tomography.arrivals import COLUMNS, screen, table_of
from selfseis.tomography.origins import merge_twins, with_one_origin_each
from selfseis.tomography.read import read_arrivals

ORIGIN = pd.Timestamp("2020-03-31 23:59:57.5")
STATIONS = {f"S{n}": (42.0 + 0.1 * n, 13.0 + 0.15 * (n % 3)) for n in range(8)}


def bulletin(n_events: int = 3, depth_km: float = 8.0) -> pd.DataFrame:
    """Return arrivals at eight stations with a speed of 6 km/s, and the places of the stations."""
    rows = []
    for event in range(n_events):
        origin = ORIGIN + pd.Timedelta(hours=7 * event)
        for station, (latitude, longitude) in STATIONS.items():
            north, east = 111.2 * (latitude - 42.3), 111.2 * 0.74 * (longitude - 13.1 - 0.1 * event)
            seconds = np.sqrt(north**2 + east**2 + depth_km**2) / 6
            rows.append(
                dict(
                    zip(
                        COLUMNS,
                        [f"e{event}", origin.isoformat(), 42.3, 13.1 + 0.1 * event, depth_km, station, "P",
                         round(float(seconds), 3), 0.1, latitude, longitude, 500.0],
                        strict=True,
                    )
                )
            )  # fmt: skip
    return pd.DataFrame(rows)


def read(path: Path, table: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    table.to_csv(path, index=False)
    found = read_arrivals(path)
    kinds = {kind: entry["count"] for kind, entry in found.quality_log.to_dict()["kinds"].items()}
    return found.arrivals, kinds


def spelling(name: str, moment: pd.Timestamp, origin: pd.Timestamp) -> str:
    counted_on = 3600 * 24 + (moment - origin.normalize()).total_seconds() - 86_400
    minutes, seconds = divmod(counted_on, 60)
    early = moment - pd.Timedelta(minutes=1)
    return {
        "plain": moment.isoformat(),
        "hour 24": f"{origin:%Y-%m-%d}T{int(minutes // 60):02d}:{int(minutes % 60):02d}:{seconds:06.3f}",
        "second 60": f"{early:%Y-%m-%dT%H:%M}:{60 + moment.second + moment.microsecond / 1e6:.3f}"
        if moment.second < 39
        else moment.isoformat(),
        "date of the event": f"{origin:%Y-%m-%d}T{moment:%H:%M:%S.%f}",
        "time of day": f"{moment:%H:%M:%S.%f}",
    }[name]


@pytest.mark.parametrize("name", ["plain", "hour 24", "second 60", "date of the event", "time of day"])
def test_arrivals_around_midnight_in_all_spellings(tmp_path: Path, name: str) -> None:
    table = bulletin()
    origin = pd.to_datetime(table["event_time"])
    arrival = origin + pd.to_timedelta(table["travel_time_s"], unit="s")
    assert (arrival.dt.date != origin.dt.date).any()
    text = [spelling(name, *pair) for pair in zip(arrival, origin, strict=True)]
    found, kinds = read(tmp_path / "a.csv", table.drop(columns="travel_time_s").assign(arrival_time=text))
    np.testing.assert_allclose(found["travel_time_s"], table["travel_time_s"], atol=2e-3)
    assert kinds == ({} if name == "plain" else {"assumed": kinds["assumed"]})


def test_dates_with_the_day_first_are_no_dates(tmp_path: Path) -> None:
    table = bulletin().drop(columns="travel_time_s").assign(arrival_time="01/04/2020 00:00:01")
    with pytest.raises(InputError, match="no arrival"):
        read(tmp_path / "a.csv", table)


@pytest.mark.parametrize("form", ["column", "name", "seed_id"])
def test_stations_of_one_code_in_two_networks_stay_apart(tmp_path: Path, form: str) -> None:
    table = bulletin()
    table["network"] = np.where(table["station"] == "S7", "YY", "XX")
    table["station"] = table["station"].replace("S7", "S3")
    if form != "column":
        end = ".00.HHZ" if form == "seed_id" else ""
        table["station"] = table["network"] + "." + table["station"] + end
        table = table.drop(columns="network")
    found, kinds = read(tmp_path / "a.csv", table)
    assert {"XX.S3", "YY.S3"} <= set(found["station"]) and len(found) == len(table) and not kinds


@pytest.mark.parametrize(
    ("name", "factor"),
    [("depth", 1000), ("depth", 1), ("depth_m", 1000), ("depth (m)", 1000), ("depth_km", 1)],
)
def test_depths_in_metres_by_name_or_because_waves_would_be_too_fast(
    tmp_path: Path, name: str, factor: float
) -> None:
    table = bulletin(depth_km=0.4)
    table[name] = factor * table.pop("event_depth_km")
    found, kinds = read(tmp_path / "a.csv", table)
    np.testing.assert_allclose(found["event_depth_km"], 0.4)
    assert kinds == ({"assumed": len(table)} if (name, factor) == ("depth", 1000) else {})


def test_depths_that_are_stated_in_km_and_are_metres_are_refused(tmp_path: Path) -> None:
    table = bulletin(depth_km=0.4)
    with pytest.raises(InputError, match="give depths in km"):
        read(tmp_path / "a.csv", table.assign(event_depth_km=400.0))


def test_a_station_at_a_wrong_place_is_named(tmp_path: Path) -> None:
    table = bulletin()
    wrong = table["station"] == "S4"
    table.loc[wrong, "station_longitude"] *= -1
    table.to_csv(tmp_path / "a.csv", index=False)
    log = read_arrivals(tmp_path / "a.csv").quality_log
    (issue,) = log.issues
    assert (issue.kind, issue.count) == ("impossible", int(wrong.sum())) and "at S4" in issue.detail


def test_positions_that_contradict_the_stated_distance_are_left_out(tmp_path: Path) -> None:
    table = bulletin()
    angle = np.hypot(
        table["station_latitude"] - 42.3, 0.74 * (table["station_longitude"] - table["event_longitude"])
    )
    table["distance_deg"] = angle.round(3)
    assert read(tmp_path / "a.csv", table)[1] == {}
    table.loc[5, "station_latitude"] += 1.0
    found, kinds = read(tmp_path / "a.csv", table)
    assert len(found) == len(table) - 1 and kinds == {"impossible": 1}
    table["distance_deg"] *= 111.2  # in km: not compared
    table.loc[5, "station_latitude"] -= 1.0
    assert read(tmp_path / "a.csv", table)[1] == {}


def twin(table: pd.DataFrame, late_s: float = 0.4) -> pd.DataFrame:
    """Return the same events from another agency: other names and origins, the same times of arrival."""
    moved = table.copy()
    moved["event_id"] = "neic" + moved["event_id"]
    moved["event_time"] = [
        (pd.Timestamp(t) + pd.Timedelta(seconds=late_s)).isoformat() for t in moved["event_time"]
    ]
    moved["event_latitude"] += 0.05
    moved["travel_time_s"] -= late_s
    return moved


def test_events_of_two_agencies_are_one(tmp_path: Path) -> None:
    table = bulletin()
    some = twin(table)[lambda rows: rows["station"] != "S0"]
    further = some.iloc[:1].assign(station="T1", travel_time_s=30.0)
    found, kinds = read(tmp_path / "a.csv", pd.concat([some, further, table]))
    assert set(found["event_id"]) == {"e0", "e1", "e2"} and kinds["duplicate_event"] == 3
    assert kinds["duplicate"] == len(some)
    own = found[found["station"] != "T1"].reset_index(drop=True)
    pd.testing.assert_frame_equal(own, read(tmp_path / "b.csv", table)[0])
    added = found[found["station"] == "T1"].iloc[0]
    assert added["travel_time_s"] == pytest.approx(30.4) and added["event_latitude"] == 42.3


def test_events_that_share_few_readings_are_two() -> None:
    table = table_of(pd.concat([bulletin(1), twin(bulletin(1)).iloc[:2]]))
    quality_log = QualityLog()
    assert merge_twins(table, quality_log, "file").equals(table) and not len(quality_log)
    unknown = table_of(pd.concat([bulletin(1), twin(bulletin(1))]).assign(event_time=None))
    assert merge_twins(unknown, quality_log, "file").equals(unknown)


def test_rows_with_another_origin_than_their_event_are_another_event() -> None:
    table = table_of(bulletin(2))
    table.loc[3, "event_latitude"] += 0.7
    quality_log = QualityLog()
    found = with_one_origin_each(table, quality_log, "file")
    assert found["event_id"].tolist() == ["e0"] * 3 + ["e0#2"] + ["e0"] * 4 + ["e1"] * 8
    assert [(one.kind, one.count) for one in quality_log.issues] == [("several_origins", 1)]


def test_events_without_names_are_told_apart_by_their_origins(tmp_path: Path) -> None:
    found, kinds = read(tmp_path / "a.csv", bulletin(3).drop(columns="event_id"))
    assert found["event_id"].nunique() == 3 and len(found) == 24 and not kinds


def test_the_origin_that_has_the_arrivals_counts(tmp_path: Path) -> None:
    obspy_import.obspy()
    from obspy import UTCDateTime
    from obspy.core.event import Arrival, Catalog, Event, Origin, Pick, WaveformStreamID

    start = UTCDateTime(2020, 1, 1)
    (tmp_path / "stations.csv").write_text("station,latitude,longitude,elevation_m\nST1,42.2,13.0,0\n")
    pick = Pick(time=start + 7.5, waveform_id=WaveformStreamID("XX", "ST1"), phase_hint="P")
    first = Origin(time=start - 4, latitude=43.0, longitude=13.0, depth=33_000.0)
    located = Origin(time=start, latitude=42.0, longitude=13.0, depth=8000.0)
    located.arrivals = [Arrival(pick_id=pick.resource_id, phase="P")]
    Catalog([Event(origins=[first, located], picks=[pick])]).write(str(tmp_path / "c.xml"), format="QUAKEML")
    found = read_arrivals(tmp_path / "c.xml", tmp_path / "stations.csv").arrivals
    assert found[["travel_time_s", "event_depth_km"]].values.tolist() == [[7.5, 8.0]]


def test_numbers_beyond_physical_ranges_are_left_out() -> None:
    table = bulletin(1)
    for row, (name, value) in enumerate(
        [("station_elevation_m", 1e5), ("sigma_s", 1e6), ("travel_time_s", np.inf), ("event_latitude", 1e300)]
    ):
        table.loc[row, name] = value
    found = screen(table_of(table))
    assert len(found.arrivals) == 4 and np.isfinite(found.arrivals["travel_time_s"]).all()
    assert sum(issue.count for issue in found.quality_log.issues) == 4


def test_codes_for_unknown_elevations_are_no_elevations() -> None:
    found = screen(table_of(bulletin(1).assign(station_elevation_m=-9999.0)))
    assert (found.arrivals["station_elevation_m"] == 0).all()
    assert "no station elevation" in found.quality_log.issues[0].detail


def test_rows_with_surplus_cells_are_left_out(tmp_path: Path) -> None:
    lines = bulletin(1).to_csv(index=False).splitlines()
    lines[3], lines[4] = lines[3] + ",7", lines[4] + ",,"
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    found = read_arrivals(tmp_path / "a.csv")
    assert len(found.arrivals) == 7
    assert [(one.kind, one.count) for one in found.quality_log.issues] == [("unusable_row", 1)]


def test_a_block_with_other_arrivals_than_it_announces_is_logged(tmp_path: Path) -> None:
    head = "#ISC, 2020, 01, 01, 23, 59, 50.00, 13.0, 42.0, 10.0, {}, 4.6, -999.0, -999.0, -999.0, 17, 175.0\n"
    row = "S{0} , ?, , , 13.2, 42.{0}, 100.0, P, 2020, 01, 01, 24, 00, 0{0}.30, 0.{0}\n"
    (tmp_path / "a.txt").write_text(head.format(3) + "".join(row.format(n) for n in (3, 4)))
    found = read_arrivals(tmp_path / "a.txt")
    assert found.arrivals["travel_time_s"].tolist() == [13.3, 14.3]  # hour 24 is midnight
    assert "announces 3 arrivals and has 2" in found.quality_log.issues[0].detail


def _read(path: Path) -> tuple[np.ndarray, object]:
    found = read_arrivals(path)
    numbers = found.arrivals.drop(columns=["event_id", "event_time", "station", "phase"])
    return numbers.to_numpy(float).ravel(), found.quality_log.issues


def isc_blocks(path: Path) -> Path:
    text = ""
    for name, event in bulletin(3).groupby("event_id"):
        first = event.iloc[0]
        origin = pd.Timestamp(first["event_time"])
        text += f"#ISC, {origin:%Y, %m, %d, %H, %M, %S.%f}, {first['event_longitude']:.4f}, 42.3, 8.0, "
        text += f"{len(event)}, 4.6, -999.00, -999.00, -999.00, {name}, 175.00\n"
        for row in event.itertuples():
            time = origin + pd.Timedelta(seconds=row.travel_time_s)
            angle = np.hypot(
                row.station_latitude - 42.3, 0.74 * (row.station_longitude - row.event_longitude)
            )
            place = f"{row.station_longitude:.4f}, {row.station_latitude:.4f}, 500.0"
            text += f"{row.station}, ?, , , {place}, P, {time:%Y, %m, %d, %H, %M, %S.%f}, {angle:.2f}\n"
    path.write_text(text)
    return path


def isc_csv(path: Path) -> Path:
    text = "EVENTID,STA,LAT,LON,ELEV,DIST,ISCPHASE,REPPHASE,DATE,TIME,DATE,TIME,LAT,LON,DEPTH\n"
    for row in bulletin(3).itertuples():
        origin = pd.Timestamp(row.event_time)
        time = origin + pd.Timedelta(seconds=row.travel_time_s)
        angle = np.hypot(row.station_latitude - 42.3, 0.74 * (row.station_longitude - row.event_longitude))
        text += f"{row.event_id},{row.station},{row.station_latitude:.4f},{row.station_longitude:.4f},"
        text += f"500,{angle:.2f},P,P,"
        text += (
            f"{time:%Y-%m-%d,%H:%M:%S.%f},{origin:%Y-%m-%d,%H:%M:%S.%f},42.3,{row.event_longitude:.4f},8.0\n"
        )
    path.write_text(text + "STOP\n")
    return path


@pytest.mark.parametrize("n", [60, pytest.param(3000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["table", "blocks", "csv of the ISC"])
def test_damaged_bulletins_give_one_line_or_an_entry_in_the_log(tmp_path: Path, kind: str, n: int) -> None:
    bulletin(3).to_csv(tmp_path / "a.csv", index=False)
    path = {
        "table": tmp_path / "a.csv",
        "blocks": isc_blocks(tmp_path / "b.txt"),
        "csv of the ISC": isc_csv(tmp_path / "i.csv"),
    }[kind]
    found = outcomes(path, _read, range(n))
    # One digit for another cannot be noticed where a file says it once only; nor a lost row of a table.
    assert found["changed"] < 0.35 * n and found["logged"] > 0.2 * n
