"""Catalogues from picks: swarms, significance, distant stations, clock errors, and networks without locations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simulated_picks import BEGIN, LAYERED, TrueEvent, array_of_stations, events_below, false_picks, picks_of

from selfseis.geo.earth_models import VelocityModel1D
from selfseis.geo.station_files import Site
from selfseis.geo.stations import StationTable
from selfseis.io.obspy_import import obspy
from selfseis.locate import LocatedCatalogue, LocateOptions, Locator, SearchVolume, locate_events
from selfseis.locate.build_catalogue import _Job, find_events
from selfseis.recording import recording_from_array

STATIONS = array_of_stations(8)


@pytest.fixture(scope="module")
def search_volume() -> SearchVolume:
    return SearchVolume.around(STATIONS, LAYERED)


def found_of(truth: list[TrueEvent], catalogue: LocatedCatalogue, search_volume: SearchVolume) -> list[float]:
    """Epicentral errors in km of the events found near the true origin times."""
    errors = []
    for event in truth:
        near = [e for e in catalogue.located if abs(e.peak - event.time) < np.timedelta64(1500, "ms")]
        for e in near[:1]:
            east, north = search_volume.plane.flat(e.location.latitude, e.location.longitude)
            errors.append(float(np.hypot(east - event.east_km, north - event.north_km)))
    return errors


def test_a_swarm_with_an_event_every_ten_seconds_among_false_picks(search_volume: SearchVolume) -> None:
    rng = np.random.default_rng(5)
    truth = events_below(search_volume, 20, 10.0)
    picks = [pick for event in truth for pick in picks_of(event, search_volume, rng, missing=0.2)]
    picks += false_picks(STATIONS, 60, 260, rng)
    catalogue = locate_events(picks, STATIONS, LAYERED, n_shifts=0)
    errors = found_of(truth, catalogue, search_volume)
    assert len(errors) >= 19
    assert len(catalogue.events) <= len(errors) + 1
    assert np.median(errors) < 0.5
    used = [pick for event in catalogue.events for pick in event.picks]
    assert len(used) == len(set(used))
    assert sum(pick.probability == 0.5 for pick in catalogue.unassociated) > 40
    assert catalogue.wadati.vp_vs == pytest.approx(1.75, abs=0.03)


def test_true_events_have_the_smallest_p_value(search_volume: SearchVolume) -> None:
    rng = np.random.default_rng(6)
    truth = events_below(search_volume, 3, 600.0)
    picks = [pick for event in truth for pick in picks_of(event, search_volume, rng)]
    picks += false_picks(STATIONS, 150, 1900, rng)
    catalogue = locate_events(picks, STATIONS, LAYERED, n_shifts=9)
    real = [e for e in catalogue.events if any(abs(e.peak - t.time) < np.timedelta64(1, "s") for t in truth)]
    assert [event.p_value for event in real] == [pytest.approx(0.1)] * 3
    assert catalogue.n_shifts == 9


def test_a_clock_error_is_reported_and_its_picks_are_not_used(search_volume: SearchVolume) -> None:
    rng, late = np.random.default_rng(7), "XX.S03."
    truth = events_below(search_volume, 12, 60.0)
    jump = truth[5].time
    picks = [pick for event in truth for pick in picks_of(event, search_volume, rng, missing=0.1)]
    picks = [
        replace(pick, time=pick.time + np.timedelta64(2500, "ms"))
        if pick.station == late and pick.time > jump
        else pick
        for pick in picks
    ]
    catalogue = locate_events(picks, STATIONS, LAYERED, n_shifts=0)
    (fault,) = catalogue.clock_errors
    assert fault.station == late and fault.shift_s == pytest.approx(2.5, abs=0.2) and fault.n_events >= 5
    assert any(late in note and "clock" in note for note in catalogue.notes)
    assert len(found_of(truth, catalogue, search_volume)) == 12
    assert not any(p.station == late and p.time > jump for e in catalogue.events for p in e.picks)


def test_a_distant_station_is_reported_and_does_not_widen_the_volume() -> None:
    far = {"XX.FAR.": Site(48.5, 8.0, 100.0)}
    near = {
        code: Site(STATIONS.latitude[i], STATIONS.longitude[i], STATIONS.elevation_m[i])
        for i, code in enumerate(STATIONS.codes)
    }
    stations = StationTable.from_sites(near | far)
    search_volume = SearchVolume.around(stations, LAYERED)
    alone = SearchVolume.around(STATIONS, LAYERED)
    assert search_volume.aperture_km == pytest.approx(alone.aperture_km, rel=0.01)
    truth = events_below(alone, 3, 120.0)
    picks = [pick for event in truth for pick in picks_of(event, search_volume, np.random.default_rng(8))]
    catalogue = locate_events(picks, stations, LAYERED, n_shifts=0)
    assert catalogue.far_outside == ("XX.FAR.",)
    assert any("XX.FAR." in note and "far outside" in note for note in catalogue.notes)
    assert len(found_of(truth, catalogue, search_volume)) == 3


def test_p_alone_gives_a_catalogue(search_volume: SearchVolume) -> None:
    truth = events_below(search_volume, 4, 90.0)
    rng = np.random.default_rng(9)
    picks = [pick for event in truth for pick in picks_of(event, search_volume, rng, phases="P")]
    catalogue = locate_events(picks, STATIONS, LAYERED, n_shifts=0)
    assert len(found_of(truth, catalogue, search_volume)) == 4
    assert not catalogue.wadati.is_measured and "is assumed" in str(catalogue.wadati)


def test_no_picks_give_an_empty_catalogue(tmp_path) -> None:
    catalogue = locate_events([], STATIONS, LAYERED)
    assert catalogue.events == [] and "no picks" in catalogue.notes[0]
    catalogue.write(tmp_path)
    assert len((tmp_path / "catalogue.csv").read_text().splitlines()) == 1


@pytest.mark.parametrize("n", [1, 2])
def test_few_stations_give_times_and_distances_without_locations(search_volume: SearchVolume, n: int) -> None:
    truth = events_below(search_volume, 6, 60.0)
    rng = np.random.default_rng(10)
    names = STATIONS.codes[:n]
    picks = [p for event in truth for p in picks_of(event, search_volume, rng) if p.station in names]
    catalogue = locate_events(picks, STATIONS, LAYERED, n_shifts=5)
    assert len(catalogue.events) == 6 and catalogue.located == []
    for event, known in zip(catalogue.events, truth, strict=True):
        assert abs(event.peak - known.time) < np.timedelta64(700, "ms")
        assert set(event.distances_km) == set(names)
        assert event.reason
    assert any("no event is located" in note for note in catalogue.notes)
    assert all(np.isnan(event.p_value) for event in catalogue.events) == (n == 1)


def test_magnitudes_use_the_distance_from_the_elevation_of_the_station() -> None:
    high = StationTable(STATIONS.codes, STATIONS.latitude, STATIONS.longitude, STATIONS.elevation_m + 5000)
    search_volume = SearchVolume.around(high, LAYERED)
    event = TrueEvent(1.0, 2.0, -1.0, 30.0)
    picks = picks_of(event, search_volume, np.random.default_rng(4), sd_s=0.01)
    (found,) = locate_events(picks, high, LAYERED, n_shifts=0).events
    job = _Job(high, [], None, 0, 0, LocateOptions())
    place = found.location
    for arrival in place.arrivals:
        up = high.elevation_m[high.row_of(arrival.pick.station)] / 1000 + place.depth_km
        assert job._distances(found)[arrival.pick.station] == pytest.approx(np.hypot(arrival.distance_km, up))
    assert up > 3


def test_a_volume_too_shallow_for_most_events_is_deepened_unless_the_user_gives_its_depth() -> None:
    steep = array_of_stations(8, radius_km=1.0)
    stations = StationTable(steep.codes, steep.latitude, steep.longitude, 0.2 * steep.elevation_m)
    truth = [TrueEvent(0.1 * k, 0.2, 1.5 + 0.1 * k, 30 + 60.0 * k) for k in range(5)]
    deep = SearchVolume.around(stations, LAYERED, 6.0)
    picks = [p for event in truth for p in picks_of(event, deep, np.random.default_rng(3), sd_s=0.005)]
    found = locate_events(picks, stations, LAYERED, n_shifts=0)
    assert [event.location.depth_km for event in found.events] == pytest.approx(
        [1.5, 1.6, 1.7, 1.8, 1.9], abs=0.3
    )
    assert any("bottom of the search volume" in note for note in found.notes)
    kept = locate_events(picks, stations, LAYERED, n_shifts=0, max_depth_km=1.0)
    assert max(event.location.depth_km for event in kept.events) <= 1.0


def test_components_with_location_codes_of_their_own_are_one_station(search_volume: SearchVolume) -> None:
    truth = events_below(search_volume, 3, 90.0)
    picks = [p for event in truth for p in picks_of(event, search_volume, np.random.default_rng(12))]
    apart = [
        replace(p, seed_id=p.seed_id.replace("..HH", ".37.HH" if p.phase == "P" else ".38.HH")) for p in picks
    ]
    plain, joined = (locate_events(given, STATIONS, LAYERED, n_shifts=0) for given in (picks, apart))
    assert len(joined.events) == len(plain.events) == 3
    assert joined.wadati.n_pairs == plain.wadati.n_pairs
    for one, other in zip(plain.events, joined.events, strict=True):
        assert other.location.latitude == pytest.approx(one.location.latitude, abs=1e-6)
        assert set(other.picks) <= set(apart)


def test_a_velocity_model_of_gradients_is_noted(search_volume: SearchVolume, tmp_path) -> None:
    (tmp_path / "v.csv").write_text("depth_km,vp,vs\n0,5,2.9\n30,7,4\n")
    model = VelocityModel1D.from_file(tmp_path / "v.csv")
    catalogue = locate_events([], STATIONS, model, n_shifts=0)
    assert any("linear between its depths" in note for note in catalogue.notes)


def test_stations_without_coordinates_give_origin_times(search_volume: SearchVolume) -> None:
    truth = events_below(search_volume, 4, 60.0)
    picks = [p for event in truth for p in picks_of(event, search_volume, np.random.default_rng(11))]
    catalogue = locate_events(picks, StationTable.from_sites({}), n_shifts=0)
    assert len(catalogue.events) == 4 and catalogue.located == []
    assert any("no coordinates of" in note for note in catalogue.notes)


def test_a_station_without_coordinates_is_reported_and_the_others_locate(search_volume: SearchVolume) -> None:
    truth = events_below(search_volume, 3, 90.0)
    picks = [p for event in truth for p in picks_of(event, search_volume, np.random.default_rng(12))]
    lacking = STATIONS.take(np.arange(8) != 2)
    catalogue = locate_events(picks, lacking, LAYERED, n_shifts=0)
    assert len(found_of(truth, catalogue, search_volume)) == 3
    assert any(f"no coordinates of {STATIONS.codes[2]}" in note for note in catalogue.notes)


def test_a_small_array_has_the_same_relative_resolution() -> None:
    stations = array_of_stations(8, radius_km=0.25)
    small = StationTable(stations.codes, stations.latitude, stations.longitude, 0.2 * stations.elevation_m)
    search_volume = SearchVolume.around(small, LAYERED)
    truth = [TrueEvent(0.05 * k - 0.1, 0.02 * k, 0.15 + 0.03 * k, 20 + 2 * k) for k in range(5)]
    rng = np.random.default_rng(14)
    picks = [p for event in truth for p in picks_of(event, search_volume, rng, sd_s=0.002)]
    found = find_events(picks, Locator(search_volume))
    assert len(found) == 5
    for (_, place), known in zip(found, truth, strict=True):
        east, north = search_volume.plane.flat(place.latitude, place.longitude)
        assert np.hypot(east - known.east_km, north - known.north_km) < 0.05


def test_times_are_in_utc_and_part_of_the_ids(search_volume: SearchVolume) -> None:
    picks = picks_of(TrueEvent(1, 2, 8, 30.0), search_volume, np.random.default_rng(15), sd_s=0.01)
    (event,) = locate_events(picks, STATIONS, LAYERED, n_shifts=0).events
    assert abs(event.peak - (BEGIN + np.timedelta64(30, "s"))) < np.timedelta64(100, "ms")
    assert event.event_id.startswith("ev20240506T0000") and event.start <= event.end


def test_each_group_of_options_is_passed_down(search_volume: SearchVolume) -> None:
    rng = np.random.default_rng(16)
    truth = events_below(search_volume, 2, 60.0)
    picks = [pick for event in truth for pick in picks_of(event, search_volume, rng)]
    few = LocateOptions().with_options(
        search_volume={"max_depth": 20.0},
        association={"min_picks_range": (16, 16)},
        location={"grid": (12, 12, 6), "large_gap": 0.0, "max_steps": 5},
        wadati={"n_bootstraps": 5, "vp_vs_range": (1.9, 2.0)},
        clock_errors={"min_events": 1},
        significance={"n_shifts_range": (1, 1)},
    )
    catalogue = locate_events(picks, STATIONS, LAYERED, options=few)
    assert len(catalogue.events) == 2 and catalogue.n_shifts == 1 and not catalogue.wadati.is_measured
    assert all("outside the stations" in event.reason for event in catalogue.events)
    assert all(event.location.depth_km <= 20.0 for event in catalogue.events)
    none = few.with_options(association={"min_picks_range": (17, 17)})
    assert locate_events(picks, STATIONS, LAYERED, n_shifts=0, options=none).events == []
    slow = few.with_options(velocity_estimation={"assumed_vp": 3.0, "min_event_picks": 17})
    assumed = locate_events(picks, STATIONS, n_shifts=0, options=slow)
    assert assumed.velocity.vp[0] == 3.0 and "no event has 17 picks" in assumed.notes[0]


def test_a_recording_may_be_a_stream(search_volume: SearchVolume) -> None:
    (event,) = events_below(search_volume, 1, 60.0)
    picks = picks_of(event, search_volume, np.random.default_rng(17), sd_s=0.01)
    seed_ids = [f"{code}.HH{component}" for code in STATIONS.codes for component in "ENZ"]
    samples = 1e-6 * np.random.default_rng(18).standard_normal((len(seed_ids), 6000)).astype(np.float32)
    begin, rate = BEGIN, 100.0
    s_first = min(pick.time for pick in picks if pick.phase == "S")
    after = int((s_first - begin) / np.timedelta64(1, "ns") * 1e-9 * rate)
    samples[:, after : after + 1500] *= 100
    recording = recording_from_array(samples, rate, begin, seed_id=seed_ids, units="counts")
    stream = obspy().Stream(
        obspy().Trace(
            channel,
            dict(zip(("network", "station", "location", "channel"), seed_id.split("."), strict=True))
            | {"sampling_rate": rate, "starttime": obspy().UTCDateTime(str(begin))},
        )
        for channel, seed_id in zip(samples, seed_ids, strict=True)
    )
    magnitudes = [
        locate_events(picks, STATIONS, LAYERED, recording=given, n_shifts=0).events[0].magnitude
        for given in (recording, stream)
    ]
    assert magnitudes[0] is not None and magnitudes[0] == magnitudes[1]
