"""Consensus across stations, with known events and without events."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfseis.consensus.agreement import Consensus, consensus_above_null, isolated_onsets
from selfseis.consensus.common_events import CommonEvent, common_events
from selfseis.consensus.options import ConsensusOptions
from selfseis.consensus.ps_pairs import Moveout, Pairs, pair_onsets
from selfseis.geo.sphere import distances_km

HOUR = 3600.0
S_MINUS_P = (0.3, 13.0)


def onsets(
    n_stations: int,
    n_events: int,
    n_noise: int,
    *,
    seed: int = 0,
    duration: float = HOUR,
    vp_vs: float = 1.73,
    error_s: float = 0.05,
) -> tuple[list[Pairs], np.ndarray]:
    """P-S pairs of events that every station sees, among false onsets; and P times (event, station)."""
    random = np.random.default_rng(seed)
    origin = np.sort(random.uniform(0, duration - 40, n_events))
    travel = random.uniform(2, 10, n_events)[:, None] + random.uniform(0, 3, (n_events, n_stations))
    stations = []
    for station in range(n_stations):
        columns = []
        for times in (origin + travel[:, station], origin + vp_vs * travel[:, station]):
            real = np.stack(
                [times + random.normal(0, error_s, n_events), random.beta(6, 2, n_events)], axis=1
            )
            false = np.stack([random.uniform(0, duration, n_noise), random.beta(1, 4, n_noise)], axis=1)
            columns.append(np.concatenate([real, false]))
        stations.append(pair_onsets(columns[0], columns[1], S_MINUS_P))
    return stations, origin[:, None] + travel


def moveout(n_stations: int) -> Moveout:
    return Moveout.without_coordinates(n_stations, 100.0)


def found_share(events: list[CommonEvent], truth: np.ndarray) -> float:
    """Share of the true events that are found at two stations or more, at the right P."""
    seen = np.zeros(truth.shape, int)
    for event in events:
        for onset in event.onsets:
            error = np.abs(truth[:, onset.station] - onset.p_time)
            seen[error.argmin(), onset.station] += error.min() < 0.3
    return float(np.mean(np.sum(seen > 0, axis=1) >= 2))


def as_sets(events: list[CommonEvent], at: float = 0.0) -> set[frozenset[tuple[int, float]]]:
    return {frozenset((o.station, round(o.p_time - at, 6)) for o in event.onsets) for event in events}


def test_each_p_is_paired_with_the_s_that_may_belong_to_it() -> None:
    p = np.array([[20.0, 0.8], [10.0, 0.9]])
    s = np.array([[10.2, 0.5], [12.0, 0.7], [22.9, 0.6], [33.1, 0.5]])
    pairs = pair_onsets(p, s, S_MINUS_P)
    assert list(zip(pairs.p_time, pairs.s_time, strict=True)) == [(10, 12), (10, 22.9), (20, 22.9)]
    assert pairs.worth == pytest.approx([0.63, 0.54, 0.48])
    assert (
        len(pair_onsets(p, np.zeros((0, 2)), S_MINUS_P))
        == len(pair_onsets(np.zeros((0, 2)), s, S_MINUS_P))
        == 0
    )


def test_of_many_s_the_most_probable_stay() -> None:
    s = np.stack([np.linspace(1, 12, 40), np.linspace(0.1, 0.9, 40)], axis=1)
    assert sorted(pair_onsets(np.array([[0.0, 1.0]]), s, S_MINUS_P).s_prob) == pytest.approx(
        sorted(s[-6:, 1])
    )


@given(at=st.floats(0, 1e6), travel=st.floats(1, 10), vp_vs=st.floats(1.5, 2.0))
def test_the_origin_time_follows_from_p_and_s(at: float, travel: float, vp_vs: float) -> None:
    pairs = Pairs(*(np.array([value]) for value in (at + travel, at + vp_vs * travel, 1.0, 1.0)))
    assert pairs.origin(vp_vs) == pytest.approx([at], abs=1e-6)


@pytest.mark.parametrize("n_stations", [2, 3, 12])
def test_true_events_are_found_above_the_null(n_stations: int) -> None:
    stations, truth = onsets(n_stations, 40, 150)
    consensus = consensus_above_null(stations, moveout(n_stations), spans=np.array([[0, HOUR]]))
    assert found_share(list(consensus.events), truth) > 0.9
    assert found_share(consensus.kept(0.05), truth) > 0.7
    assert consensus.above_null > 4 * consensus.null_sd
    n_onsets = sum(len(event.onsets) for event in consensus.events)
    assert consensus.confirmations == n_onsets - len(consensus.events)
    assert consensus.null_onsets < n_onsets
    if n_stations == 12:
        assert np.mean([len(event.onsets) for event in consensus.events[:40]]) > 10


def test_only_the_stations_that_count_are_counted() -> None:
    stations, _ = onsets(4, 30, 20)
    every = consensus_above_null(stations, moveout(4))
    one = consensus_above_null(stations, moveout(4), counted=[3])
    assert one.events == every.events
    assert one.confirmations == sum(any(o.station == 3 for o in event.onsets) for event in every.events)
    assert {onset.station for onset in one.onsets} == {3}
    assert one.null_confirmations < every.null_confirmations
    assert one.null_onsets == one.null_confirmations
    assert every.null_onsets == pytest.approx(every.null_confirmations + every.null_mean)
    again = consensus_above_null(stations, moveout(4), counted=range(4))
    assert again.confirmations == every.confirmations


def test_the_share_of_null_events_among_kept_ones_is_as_stated() -> None:
    counts = {share: [0, 0] for share in (0.03, 0.1, 0.25)}
    for seed in range(10):
        stations, truth = onsets(2, 60, 500, seed=seed)
        consensus = consensus_above_null(stations, moveout(2), spans=np.array([[0, HOUR]]), shifts=10)
        for share, count in counts.items():
            kept = consensus.kept(share)
            off = [
                np.max([abs(truth[:, o.station] - o.p_time) for o in event.onsets], axis=0) for event in kept
            ]
            count[0] += sum(misses.min() > 0.3 for misses in off)
            count[1] += len(kept)
    assert counts[0.25][1] > counts[0.1][1] > 100
    for share, (false, total) in counts.items():
        assert false / total < share + 0.03


@pytest.mark.parametrize("n_stations", [2, 5])
def test_noise_has_as_many_events_as_the_null(n_stations: int) -> None:
    excess = []
    for seed in range(8):
        stations, _ = onsets(n_stations, 0, 200, seed=seed)
        consensus = consensus_above_null(
            stations, moveout(n_stations), spans=np.array([[0, HOUR]]), seed=seed
        )
        excess.append(consensus.above_null / max(consensus.null_sd, 1))
        assert len(consensus.kept(0.03)) == 0
    assert abs(np.mean(excess)) < 1


def test_a_swarm_is_not_taken_for_a_consensus() -> None:
    """Onsets of all stations that come in the same bursts but have nothing else in common."""
    random = np.random.default_rng(3)
    bursts = random.uniform(100, HOUR - 700, 2)
    stations = []
    for _ in range(2):
        columns = [
            np.stack(
                [random.choice(bursts, 300) + random.uniform(0, 600, 300), random.beta(2, 2, 300)], axis=1
            )
            for _ in "PS"
        ]
        stations.append(pair_onsets(columns[0], columns[1], S_MINUS_P))
    consensus = consensus_above_null(stations, moveout(2), spans=np.array([[0, HOUR]]), shifts=40)
    assert len(consensus.kept(0.1)) <= 2


def test_a_single_station_has_no_consensus() -> None:
    stations, _ = onsets(1, 20, 20)
    consensus = consensus_above_null(stations, moveout(1))
    assert consensus.events == () and consensus.kept(1.0) == []
    assert "one station alone" in str(consensus)
    assert len(stations[0]) > 20


def test_a_station_without_onsets_takes_no_part() -> None:
    stations, truth = onsets(3, 20, 0)
    stations[1] = pair_onsets(np.zeros((0, 2)), np.zeros((0, 2)), S_MINUS_P)
    consensus = consensus_above_null(stations, moveout(3))
    assert consensus.n_stations == 2
    assert found_share(list(consensus.events), truth) > 0.9
    nothing = consensus_above_null([stations[1]] * 3, moveout(3))
    assert nothing.events == () and nothing.above_null == 0


@given(shift=st.floats(0, 1e5))
@settings(max_examples=10, deadline=None)
def test_events_move_with_the_clock(shift: float) -> None:
    stations, _ = onsets(3, 10, 40)
    later = [replace(pairs, p_time=pairs.p_time + shift, s_time=pairs.s_time + shift) for pairs in stations]
    here = common_events(stations, moveout(3), duration=HOUR)
    there = common_events(later, moveout(3), duration=HOUR)
    assert as_sets(there, shift) == as_sets(here)


@given(power=st.floats(0.2, 5))
@settings(max_examples=10, deadline=None)
def test_the_scale_of_probabilities_does_not_matter(power: float) -> None:
    stations, _ = onsets(3, 10, 40)
    bent = [replace(pairs, p_prob=pairs.p_prob**power, s_prob=pairs.s_prob**power) for pairs in stations]
    assert as_sets(common_events(bent, moveout(3))) == as_sets(common_events(stations, moveout(3)))


@given(order=st.permutations(range(4)))
@settings(max_examples=10, deadline=None)
def test_the_order_of_stations_does_not_matter(order: list[int]) -> None:
    stations, _ = onsets(4, 10, 40)
    limit = np.abs(np.subtract.outer(np.arange(4), np.arange(4))) + 4.0
    here = common_events(stations, replace(moveout(4), travel_limit=limit))
    swapped = replace(moveout(4), travel_limit=limit[np.ix_(order, order)])
    there = common_events([stations[k] for k in order], swapped)
    assert as_sets(here) == {frozenset((order[k], t) for k, t in event) for event in as_sets(there)}


@pytest.mark.parametrize("rate", [8.0, 500.0, 1000.0])
def test_the_same_samples_at_another_rate_give_the_same_events(rate: float) -> None:
    stations, _ = onsets(3, 10, 40)
    scale = 100 / rate
    scaled = [replace(pairs, p_time=pairs.p_time * scale, s_time=pairs.s_time * scale) for pairs in stations]
    there = common_events(scaled, Moveout.without_coordinates(3, rate), duration=HOUR * scale)
    here = common_events(stations, moveout(3), duration=HOUR)
    assert [event.score for event in there] == pytest.approx([event.score for event in here])


def test_an_onset_belongs_to_one_event_and_an_event_has_one_onset_per_station() -> None:
    stations, _ = onsets(5, 60, 400)
    events = common_events(stations, moveout(5))
    for event in events:
        assert len({onset.station for onset in event.onsets}) == len(event.onsets) >= 2
    for station in range(5):
        for name in ("p_time", "s_time"):
            times = sorted(getattr(o, name) for event in events for o in event.onsets if o.station == station)
            assert np.min(np.diff(times)) >= 1.0


def test_onsets_of_an_event_fit_each_other() -> None:
    stations, _ = onsets(6, 30, 300)
    rules = replace(moveout(6), travel_limit=np.full((6, 6), 2.5))
    for event in common_events(stations, rules):
        p = np.array([onset.p_time for onset in event.onsets])
        s = np.array([onset.s_time for onset in event.onsets])
        misfit = np.abs(np.subtract.outer(s, s) - rules.vp_vs * np.subtract.outer(p, p))
        assert np.ptp(p) <= 2.5
        assert misfit.max() <= rules.tolerance + 1e-9
        assert event.misfit == pytest.approx(misfit.max())


def test_events_on_one_wadati_line_are_compared_with_the_null() -> None:
    stations, _ = onsets(2, 50, 300, error_s=0.02)
    consensus = consensus_above_null(stations, moveout(2), spans=np.array([[0, HOUR]]))
    on_line, under_null = consensus.count_on_one_line(0.15)
    assert on_line > 40 and under_null < on_line / 2
    assert consensus.count_on_one_line(np.inf) == (len(consensus.events), consensus.null_mean)


def test_a_recording_of_windows_is_shifted_along_its_data() -> None:
    """27 windows of half a minute in a week: the null must not be thinned by the empty days between."""
    spans = np.array([[day * 20_000.0, day * 20_000.0 + 32] for day in range(27)])
    random = np.random.default_rng(0)
    stations = []
    for _ in range(4):
        inside = [spans[random.integers(27, size=400), 0] + random.uniform(0, 32, 400) for _ in "PS"]
        stations.append(
            pair_onsets(*(np.stack([times, random.beta(2, 2, 400)], axis=1) for times in inside), S_MINUS_P)
        )
    consensus = consensus_above_null(stations, moveout(4), spans=spans)
    assert consensus.null_confirmations == pytest.approx(consensus.confirmations, rel=0.25)


def test_the_null_share_rises_at_lower_scores() -> None:
    stations, _ = onsets(2, 30, 300)
    consensus = consensus_above_null(stations, moveout(2), spans=np.array([[0, HOUR]]))
    scores = [event.score for event in consensus.events]
    assert scores == sorted(scores, reverse=True)
    assert np.all(np.diff(consensus.null_share) >= 0)
    assert len(consensus.kept(0.03)) <= len(consensus.kept(0.25)) <= len(consensus.kept(1.0)) == len(scores)
    assert np.all(Consensus(consensus.events, (), 2).null_share == 1)


def test_twenty_thousand_onsets_per_station_are_quick_and_bounded() -> None:
    import time

    stations, truth = onsets(3, 300, 20_000, duration=24 * HOUR)
    assert sum(len(pairs) for pairs in stations) > 150_000
    assert ConsensusOptions().max_couples < 1_000_000
    begin = time.process_time()
    events = common_events(stations, moveout(3), duration=24 * HOUR)
    assert time.process_time() - begin < 15
    assert found_share(events[:400], truth) > 0.8


def test_limits_follow_from_distances() -> None:
    latitude, longitude = np.array([-21.0, -21.0, np.nan]), np.array([-69.5, -69.0, -69.0])
    assert distances_km(latitude, longitude)[0, 1] == pytest.approx(51.9, abs=0.1)
    limit = Moveout.from_coordinates(
        latitude, longitude, 100.0, ConsensusOptions(min_p_velocity=2.0)
    ).travel_limit
    assert limit[0, 1] == limit[1, 0] == pytest.approx(51.9 / 2 + 0.5, abs=0.1)
    assert limit[0, 2] == 10.0  # a station whose place is not known
    assert limit[0, 0] == pytest.approx(0.5)


def test_isolated_onsets_have_no_counterpart_at_any_other_station() -> None:
    times = np.array([10.0, 50.0, 90.0])
    others = [np.array([12.0, 70.0]), np.array([88.5])]
    assert isolated_onsets(times, others, np.array([3.0, 1.0])).tolist() == [False, True, True]
    assert isolated_onsets(times, others, np.array([3.0, 2.0])).tolist() == [False, True, False]
    assert isolated_onsets(times, [], np.zeros(0)).all()
