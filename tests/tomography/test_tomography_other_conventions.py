"""Bulletins of other conventions, and the neural field compared with the other priors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tomography_bulletin import SMALL

from selfseis import TravelTimeTomography
from selfseis.errors import InputError
from selfseis.geo.earth_models import read_reference
from selfseis.quality_log import QualityLog
from selfseis.tomography.cross_validation import validate
from selfseis.tomography.read import read_arrivals


def clock(times: pd.Series, pattern: str) -> pd.Series:
    return pd.Series([moment.strftime(pattern) for moment in times], times.index)


@pytest.fixture(scope="module")
def timed(bulletin: pd.DataFrame) -> pd.DataFrame:
    """Return a part of the bulletin with arrival times to a microsecond."""
    some = bulletin.iloc[:60].copy()
    some["arrival"] = some["event_time"] + pd.to_timedelta(some["travel_time_s"], unit="s")
    return some


def in_other_words(timed: pd.DataFrame) -> dict[str, tuple[pd.DataFrame, str, str]]:
    iso, of_day, day = "%Y-%m-%dT%H:%M:%S.%f", "%H:%M:%S.%f", "%Y/%m/%d"
    site = {"stlat": "latitude", "stlon": "longitude", "stelev": "elevation_m"}
    place = {"station": timed["station"]} | {name: timed[f"station_{what}"] for name, what in site.items()}
    origin = {
        "lat": timed["event_latitude"],
        "lon": timed["event_longitude"],
        "depth": timed["event_depth_km"],
    }
    first = {"ArrTime": clock(timed["arrival"], iso + "Z"), "Phase": "iP"} | place
    first |= {"EVID": timed["event_id"], "OTime": clock(timed["event_time"], iso + "Z")} | origin
    second = {
        "origin date": clock(timed["event_time"], day),
        "origin time": clock(timed["event_time"], of_day),
    }
    second |= {"evid": timed["event_id"]} | origin | place
    second |= {"pha": "P", "date": clock(timed["arrival"], day), "time": clock(timed["arrival"], of_day)}
    third = {"phase": "Pg?", "tt": timed["travel_time_s"], "event": timed["event_id"]} | place
    third |= {"ot": clock(timed["event_time"], iso), "evlon": timed["event_longitude"] - 360.0}
    third |= {"evlat": timed["event_latitude"], "evdep": timed["event_depth_km"]}
    return {
        "semicolons, arrival first": (pd.DataFrame(first), ";", ""),
        "tabs, dates apart": (pd.DataFrame(second), "\t", ""),
        "spaces, header in a comment": (pd.DataFrame(third), " ", "# "),
    }


@pytest.mark.parametrize(
    "spelling", ["semicolons, arrival first", "tabs, dates apart", "spaces, header in a comment"]
)
def test_tables_with_other_column_names(timed: pd.DataFrame, tmp_path: Path, spelling: str) -> None:
    table, separator, mark = in_other_words(timed)[spelling]
    path = tmp_path / "bulletin.txt"
    path.write_text(mark + table.to_csv(sep=separator, index=False))
    found = read_arrivals(path).arrivals
    expected = timed.sort_values(["event_id", "station"]).reset_index(drop=True)
    assert len(found) == len(expected)
    np.testing.assert_allclose(found["travel_time_s"], expected["travel_time_s"], atol=2e-6)
    for name in ("event_latitude", "event_depth_km", "station_latitude", "station_longitude"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-9)
    np.testing.assert_allclose(found["event_longitude"] % 360, expected["event_longitude"] % 360, rtol=1e-9)


def test_rows_that_are_too_short_are_counted(tmp_path: Path, timed: pd.DataFrame) -> None:
    table, separator, _ = in_other_words(timed)["semicolons, arrival first"]
    path = tmp_path / "bulletin.csv"
    path.write_text(table.to_csv(sep=separator, index=False) + "2020-01-01;ST01\n")
    found = read_arrivals(path)
    assert len(found.arrivals) == len(timed)
    assert found.quality_log.to_dict()["kinds"]["unusable_row"]["count"] == 1


def test_an_isc_table_with_its_columns_in_another_order(tmp_path: Path) -> None:
    header = "EVENTID,STA,LAT,LON,ELEV,ISCPHASE,REPPHASE,DATE,TIME,DATE,TIME,LAT,LON,DEPTH"
    rows = [
        f"7,ST{n},{10 + n},20.0,100,P,P,2020-01-01,00:01:{10 + n},2020-01-01,00:00:00,5.0,20.0,10"
        for n in range(5)
    ]
    path = tmp_path / "isc.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    found = read_arrivals(path).arrivals
    assert found["travel_time_s"].tolist() == [70.0, 71.0, 72.0, 73.0, 74.0]
    assert found["station_latitude"].tolist() == [10.0, 11.0, 12.0, 13.0, 14.0]
    assert set(found["event_latitude"]) == {5.0}


def test_a_table_without_travel_times_is_refused(tmp_path: Path, timed: pd.DataFrame) -> None:
    path = tmp_path / "bulletin.csv"
    timed.drop(columns=["travel_time_s", "arrival"]).to_csv(path, index=False)
    with pytest.raises(InputError, match="travel times"):
        read_arrivals(path)


@pytest.fixture(scope="module")
def traced(bulletin: pd.DataFrame) -> TravelTimeTomography:
    """Return a tomography with traced rays, before the cross-validation."""
    tomography = TravelTimeTomography(options=SMALL)
    kept = tomography._screened(bulletin, None).arrivals
    reference = read_reference("ak135")
    tomography.quality_log_ = QualityLog()
    tomography.grid_ = tomography._grid(kept, reference, of_globe=False)
    tomography.traced_ = tomography._traced(kept, reference, False, lambda done, of: None)
    return tomography


def test_the_neural_field_predicts_held_out_events(
    traced: TravelTimeTomography,
) -> None:
    *_, neural = traced._priors()
    assert neural.name == "neural field" and set(neural.axes) == {"size", "scale", "flatness", "top"}
    neural.axes = {
        name: values[:2] if name == "size" else values[1:2] for name, values in neural.axes.items()
    }
    found = validate(traced.traced_, "event", [neural], is_global=False, n_folds=3)
    assert found.method.rms() < found.null.rms()
    assert 0.5 < found.method.coverage() < 0.85
    assert found.chosen_in_folds() == {"neural field": 3}
    assert found.summary()["priors"][0]["name"] == "neural field"


def test_with_very_many_rays_it_is_left_out_with_an_issue(
    traced: TravelTimeTomography,
) -> None:
    traced.options = SMALL.with_options(inversion={"neural_field": {"max_arrivals": 100}})
    assert [prior.name for prior in traced._priors()] == ["Gaussian process", "Laplacian smoothing"]
    assert {one.kind for one in traced.quality_log_.issues} == {"left_out"}
