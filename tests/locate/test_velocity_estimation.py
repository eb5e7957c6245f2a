"""Estimates of vp/vs from the Wadati diagram, and of a velocity model from picks alone."""

from __future__ import annotations

import numpy as np
import pytest
from simulated_picks import BEGIN, LAYERED, array_of_stations, events_below, picks_of

from selfseis.catalogue.records import Pick
from selfseis.consensus.wadati import fit_wadati, origin_time_s, pairs_of
from selfseis.locate import SearchVolume, estimate_velocity

STATIONS = array_of_stations(8)


def wadati_picks(
    vp_vs: float, n_events: int, rng: np.random.Generator, sd_s: float = 0.02
) -> list[list[Pick]]:
    """Random P times, and S times on the Wadati line."""
    events = []
    for number in range(n_events):
        travel = rng.uniform(2, 10, 5)
        picks = []
        for row, p in enumerate(travel):
            for phase, t in (("P", p), ("S", vp_vs * p)):
                late = int((100 * number + t + rng.normal(0, sd_s)) * 1e9)
                picks.append(Pick(f"XX.S{row}..HHZ", phase, BEGIN + np.timedelta64(late, "ns"), 0.9, sd_s))
        events.append(picks)
    return events


@pytest.mark.parametrize("vp_vs", [1.6, 1.73, 2.1])
def test_the_wadati_diagram_gives_the_ratio_within_its_interval(vp_vs: float) -> None:
    found = fit_wadati(wadati_picks(vp_vs, 12, np.random.default_rng(0)))
    assert found.is_measured and found.vp_vs == pytest.approx(vp_vs, abs=0.02)
    assert found.low < vp_vs < found.high
    assert len(found.points) == found.n_pairs == 60
    slopes = [point["s_minus_p_s"] / point["p_s"] for point in found.points]
    assert np.median(slopes) == pytest.approx(vp_vs - 1, abs=0.02)


def test_wrong_pairs_do_not_change_the_slope() -> None:
    events = wadati_picks(1.73, 12, np.random.default_rng(1))
    for picks in events[::3]:
        s = next(i for i, pick in enumerate(picks) if pick.phase == "S")
        picks[s] = Pick(picks[s].seed_id, "S", picks[s].time + np.timedelta64(2, "s"), 0.9, 0.02)
    assert fit_wadati(events).vp_vs == pytest.approx(1.73, abs=0.03)


def test_with_too_few_pairs_the_ratio_is_assumed() -> None:
    found = fit_wadati(wadati_picks(1.9, 1, np.random.default_rng(2)))
    assert not found.is_measured and found.vp_vs == pytest.approx(3**0.5) and "assumed" in str(found)


def test_origin_times_follow_from_p_s_pairs() -> None:
    (picks,) = wadati_picks(1.73, 1, np.random.default_rng(3), sd_s=0.001)
    first = min(pick.time for pick in picks)
    origin, sd = origin_time_s(pairs_of(picks), 1.73)
    assert first + np.timedelta64(int(origin * 1e9), "ns") - BEGIN < np.timedelta64(20, "ms")
    assert 0 < sd < 0.01


def test_a_model_is_estimated_from_the_picks() -> None:
    search_volume, rng = SearchVolume.around(STATIONS, LAYERED), np.random.default_rng(13)
    truth = events_below(search_volume, 8, 60.0, reach=0.25)
    picks = [pick for event in truth for pick in picks_of(event, search_volume, rng, missing=0.1)]
    found = estimate_velocity(picks, STATIONS)
    assert found.model.vp_vs == pytest.approx(1.75, abs=0.04)
    assert 5.0 < found.model.vp[0] < 6.5  # 4 to 6.2 km/s between the events and the stations
    assert found.low <= found.model.vp[0] <= found.high
    assert "velocity estimated from 8 events" in found.note


def test_without_events_the_model_is_assumed_and_noted() -> None:
    found = estimate_velocity([Pick("XX.S00..HHZ", "P", BEGIN, 0.9, 0.05)], STATIONS)
    assert found.model.vp[0] == 6.0 and "is assumed" in found.note
