"""Locations compared with the truth: calibrated uncertainties, rejected wrong picks, and limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simulated_picks import LAYERED, array_of_stations, events_below, picks_of

from selfseis.geo.sphere import azimuthal_gap
from selfseis.locate import Locator, SearchVolume
from selfseis.locate.location import ELLIPSE


@pytest.fixture(scope="module")
def search_volume() -> SearchVolume:
    return SearchVolume.around(array_of_stations(), LAYERED)


def test_uncertainties_contain_the_truth_at_their_confidence_level(search_volume: SearchVolume) -> None:
    locator, rng = Locator(search_volume, model_error=0.0), np.random.default_rng(3)
    inside, depth_within, misses = [], [], []
    for event in events_below(search_volume, 80, 60):
        found = locator.locate(picks_of(event, search_volume, rng, missing=0.3))
        east, north = search_volume.plane.flat(found.latitude, found.longitude)
        away = np.array([east - event.east_km, north - event.north_km])
        inside.append(away @ np.linalg.inv(found.covariance[:2, :2]) @ away < ELLIPSE**2)
        depth_within.append(abs(found.depth_km - event.depth_km) < found.depth_error_km)
        misses.append(np.hypot(*away))
    assert 0.55 < np.mean(inside) < 0.85  # 68% stated; 80 events: sd of 5%
    assert 0.55 < np.mean(depth_within) < 0.85
    assert np.median(misses) < 0.3


def test_a_larger_model_error_widens_the_uncertainties(search_volume: SearchVolume) -> None:
    event = events_below(search_volume, 1, 60)[0]
    picks = picks_of(event, search_volume, np.random.default_rng(0))
    sure, unsure = (Locator(search_volume, error).locate(picks) for error in (0.0, 0.05))
    assert unsure.horizontal_error_km > 2 * sure.horizontal_error_km
    assert sure.smaller_error_km <= sure.horizontal_error_km


def test_wrong_picks_are_left_out(search_volume: SearchVolume) -> None:
    event = events_below(search_volume, 1, 60)[0]
    picks = picks_of(event, search_volume, np.random.default_rng(1))
    spoilt = [
        replace(p, time=p.time + np.timedelta64(3, "s")) if i in {0, 7} else p for i, p in enumerate(picks)
    ]
    found = Locator(search_volume).locate(spoilt)
    assert [i for i, arrival in enumerate(found.arrivals) if arrival.weight == 0] == [0, 7]
    assert found.arrivals[0].residual_s == pytest.approx(3, abs=0.4)
    east, north = search_volume.plane.flat(found.latitude, found.longitude)
    assert np.hypot(east - event.east_km, north - event.north_km) < 1


def test_too_few_picks_give_no_location(search_volume: SearchVolume) -> None:
    picks = picks_of(events_below(search_volume, 1, 60)[0], search_volume, np.random.default_rng(1))
    locator = Locator(search_volume)
    assert locator.locate([]) is None
    assert locator.locate(picks[:4]) is None  # P and S of two stations
    assert locator.locate([pick for pick in picks if pick.phase == "P"][:3]) is None
    assert locator.locate([replace(pick, seed_id="YY.ELSE..HHZ") for pick in picks]) is None


def test_p_alone_gives_larger_uncertainties(search_volume: SearchVolume) -> None:
    locator, event = Locator(search_volume, 0.0), events_below(search_volume, 1, 60)[0]
    picks = picks_of(event, search_volume, np.random.default_rng(2))
    both = locator.locate(picks)
    p_only = locator.locate([pick for pick in picks if pick.phase == "P"])
    assert p_only.depth_error_km > both.depth_error_km
    assert p_only.horizontal_error_km > both.horizontal_error_km


def test_predicted_times_agree_with_the_picks(search_volume: SearchVolume) -> None:
    event = events_below(search_volume, 1, 60)[0]
    locator = Locator(search_volume)
    picks = picks_of(event, search_volume, np.random.default_rng(2), sd_s=0.001)
    found = locator.locate(picks)
    late = [
        abs(locator.predicted(found, p.station, p.phase) - p.time) / np.timedelta64(1, "ms") for p in picks
    ]
    assert max(late) < 20


@pytest.mark.parametrize(
    ("azimuths", "gap"), [([0, 90, 180, 270], 90), ([10, 350], 340), ([45], 360), ([0, 120, 200], 160)]
)
def test_azimuthal_gaps(azimuths, gap) -> None:
    assert azimuthal_gap(azimuths) == pytest.approx(gap)
