"""Files of a located catalogue, and the Icelandic sequence compared with QuakeMigrate."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from simulated_picks import LAYERED, array_of_stations, events_below, picks_of

from selfseis.catalogue.records import Pick
from selfseis.catalogue.tables import CATALOGUE_COLUMNS
from selfseis.geo.earth_models import VelocityModel1D
from selfseis.geo.stations import StationTable
from selfseis.io.obspy_import import obspy
from selfseis.locate import LocatedCatalogue, SearchVolume, locate_events
from selfseis.recording import open_recording

STATIONS = array_of_stations(8)


@pytest.fixture(scope="module")
def catalogue() -> LocatedCatalogue:
    search_volume, rng = SearchVolume.around(STATIONS, LAYERED), np.random.default_rng(2)
    picks = [
        pick for event in events_below(search_volume, 3, 60) for pick in picks_of(event, search_volume, rng)
    ]
    return locate_events(picks, STATIONS, LAYERED, n_shifts=2)


def test_quakeml_is_valid_and_read_back(catalogue: LocatedCatalogue, tmp_path: Path) -> None:
    catalogue.write(tmp_path)
    read = obspy().read_events(str(tmp_path / "catalogue.xml"))
    from obspy.io.quakeml.core import _validate

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "catalogue.csv",
        "catalogue.xml",
        "locations.json",
    ]
    assert _validate(str(tmp_path / "catalogue.xml"))
    assert len(read) == 3
    for event, ours in zip(read, catalogue.events, strict=True):
        origin, place = event.preferred_origin(), ours.location
        assert origin.latitude == pytest.approx(place.latitude) and origin.depth == pytest.approx(
            1000 * place.depth_km
        )
        assert origin.depth_errors.uncertainty == pytest.approx(1000 * place.depth_error_km)
        assert origin.origin_uncertainty.max_horizontal_uncertainty == pytest.approx(
            1000 * place.horizontal_error_km
        )
        assert origin.quality.azimuthal_gap == pytest.approx(place.gap_deg)
        assert len(event.picks) == len(origin.arrivals) == len(ours.picks)
        assert all(a.pick_id.get_referred_object().phase_hint == a.phase for a in origin.arrivals)


def test_the_table_starts_with_the_columns_of_detections(catalogue: LocatedCatalogue, tmp_path: Path) -> None:
    catalogue.write(tmp_path)
    with (tmp_path / "catalogue.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == CATALOGUE_COLUMNS
    assert CATALOGUE_COLUMNS[:6] == ("event_id", "start", "end", "score", "p_value", "n_channels")
    for row, event in zip(rows, catalogue.events, strict=True):
        assert float(row["latitude"]) == pytest.approx(event.location.latitude, abs=1e-4)
        assert row["time"].endswith("Z") and row["magnitude"] == "" and float(row["p_value"]) <= 1


def test_the_json_contains_the_data_of_the_figures(catalogue: LocatedCatalogue, tmp_path: Path) -> None:
    catalogue.write(tmp_path)
    content = json.loads((tmp_path / "locations.json").read_text())
    assert len(content["stations"]) == 8 and content["stations"][0]["n_picks"] == 6
    assert [event["event_id"] for event in content["events"]] == [
        event.event_id for event in catalogue.events
    ]
    assert all(event["located"] and event["horizontal_error_km"] > 0 for event in content["events"])
    assert len(content["wadati"]["points"]) == content["wadati"]["n_pairs"] == 24
    assert content["velocity"]["vp"][0] == 4.0 and content["n_unassociated"] == 0


def test_events_that_are_not_located_have_a_reason(tmp_path: Path) -> None:
    search_volume = SearchVolume.around(STATIONS, LAYERED)
    picks = picks_of(events_below(search_volume, 1, 60)[0], search_volume, np.random.default_rng(2))
    two = [pick for pick in picks if pick.station in STATIONS.codes[:2]]
    found = locate_events(two, STATIONS, LAYERED, n_shifts=0)
    found.write(tmp_path)
    (event,) = obspy().read_events(str(tmp_path / "catalogue.xml"))
    assert event.origins == [] and len(event.picks) == 4
    assert "not located: too few stations" in event.comments[0].text and " km" in event.comments[0].text
    content = json.loads((tmp_path / "locations.json").read_text())["events"][0]
    assert content["located"] is False and content["latitude"] is None and len(content["distances_km"]) == 2


def icelandic_picks(folder: Path) -> list[Pick]:
    picks = []
    for path in sorted(folder.glob("*.picks")):
        with path.open(newline="") as file:
            picks += [
                Pick(
                    f"Z7.{row['Station']}..HH{'Z' if row['Phase'] == 'P' else 'N'}", row["Phase"],
                    np.datetime64(row["PickTime"].removesuffix("Z"), "ns"), 0.9, float(row["PickError"]),
                )
                for row in csv.DictReader(file) if row["PickTime"] != "-1"
            ]  # fmt: skip
    return picks


def test_locations_of_the_icelandic_sequence_agree_with_quakemigrate(shared_data: Path) -> None:
    folder = shared_data / "stations" / "iceland_vt"
    stations = StationTable.from_file(folder / "iceland_stations.txt")
    velocity = VelocityModel1D.from_file(folder / "iceland_vmodel.txt")
    found = locate_events(
        icelandic_picks(folder), stations, velocity, recording=open_recording(folder), n_shifts=0
    )
    away, deeper, magnitudes = [], [], []
    for path in sorted(folder.glob("*.event")):
        with path.open(newline="") as file:
            known = next(csv.DictReader(file))
        time = np.datetime64(known["DT"].removesuffix("Z"), "ns")
        near = [event for event in found.located if abs(event.peak - time) < np.timedelta64(1, "s")]
        if not near:
            continue
        place = near[0].location
        metres = obspy().geodetics.gps2dist_azimuth(
            float(known["Y"]), float(known["X"]), place.latitude, place.longitude
        )[0]
        away.append(metres / 1000)
        deeper.append(place.depth_km - float(known["Z"]))
        if near[0].magnitude and known["ML"]:
            magnitudes.append((float(known["ML"]), near[0].magnitude.value))
    assert len(away) >= 26 and len(found.events) <= 28
    assert np.median(away) < 0.5 and np.quantile(away, 0.9) < 2.5
    assert np.median(np.abs(deeper)) < 1.0
    ours = np.array(magnitudes)
    assert len(ours) > 15 and np.corrcoef(ours.T)[0, 1] > 0.85
