"""Moveout support along a fibre: known moveouts are kept, isolated picks are removed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfseis.pick.moveout_support import Fibre, is_long_fibre, support_of, supported
from selfseis.pick.options import MoveoutOptions, SplitOptions
from selfseis.recording import recording_from_array
from selfseis.recording.components import training_part

RATE = 200.0
TRAINING_CHANNELS = SplitOptions().max_fibre_channels
OPTIONS = MoveoutOptions()
N_CHANNELS, SPACING = 60, 10.0
LENGTH = 20_000
SPANS = np.array([[0.0, LENGTH]])


def fibre(spacing: float = SPACING, gauge_length: float = 10.0, live: np.ndarray | None = None) -> Fibre:
    live = np.ones(N_CHANNELS, bool) if live is None else live
    return Fibre(spacing * np.arange(N_CHANNELS), gauge_length, RATE, live)


def curve(apex: float, at: float, depth: float = 300.0, velocity: float = 2000.0) -> np.ndarray:
    """Arrival in samples of a wave from a point off the fibre."""
    distance = SPACING * np.arange(N_CHANNELS)
    return at + RATE * (np.hypot(distance - apex, depth) - depth) / velocity


def with_onsets(
    *columns: np.ndarray, height: float = 0.6, n_false: int = 5, seed: int = 0
) -> list[np.ndarray]:
    """Onsets of each channel: those given, with jitter, and false ones of the same height."""
    rng = np.random.default_rng(seed)
    onsets = []
    for channel in range(N_CHANNELS):
        true = [column[channel] + rng.normal(0, 2) for column in columns if np.isfinite(column[channel])]
        at = np.sort(np.concatenate([true, rng.uniform(0, LENGTH, n_false)]))
        onsets.append(np.column_stack([at, np.full(len(at), height)]))
    return onsets


def is_true(onsets: list[np.ndarray], *columns: np.ndarray) -> list[np.ndarray]:
    return [
        np.array([any(abs(at - column[channel]) < 10 for column in columns) for at in here[:, 0]], bool)
        for channel, here in enumerate(onsets)
    ]


@pytest.mark.parametrize("apex", [-2000.0, 0.0, 300.0, 590.0])
def test_onsets_on_a_moveout_are_kept_and_isolated_ones_are_not(apex: float) -> None:
    arrival = curve(apex, 8000.0)
    onsets = with_onsets(arrival)
    support = support_of(onsets, fibre(), SPANS)
    threshold = support.threshold(100.0, 0.0)
    kept = np.concatenate([of >= threshold for of in support.of_onsets])
    truth = np.concatenate(is_true(onsets, arrival))
    assert kept[truth].mean() > 0.95
    assert kept[~truth].mean() < 0.03


def test_two_crossing_waves_are_both_kept() -> None:
    columns = curve(-3000.0, 8000.0), curve(4000.0, 8100.0)
    onsets = with_onsets(*columns)
    support = support_of(onsets, fibre(), SPANS)
    kept = np.concatenate([of >= support.threshold(100.0, 0.0) for of in support.of_onsets])
    assert kept[np.concatenate(is_true(onsets, *columns))].mean() > 0.95


def test_weak_onsets_that_agree_beat_strong_ones_that_do_not() -> None:
    arrival = curve(300.0, 8000.0)
    onsets = with_onsets(arrival, height=0.2)
    for here, true in zip(onsets, is_true(onsets, arrival), strict=True):
        here[~true, 1] = 0.9
    support = support_of(onsets, fibre(), SPANS)
    probability = np.concatenate(support.probability())
    truth = np.concatenate(is_true(onsets, arrival))
    # Isolated onsets of 0.9 meet others of 0.9 on a line now and then, but on fewer channels than the moveout.
    assert np.median(probability[truth]) > 0.8 > 0.5 > np.median(probability[~truth])


def test_false_onsets_are_kept_at_the_given_rate() -> None:
    kept = days = 0.0
    for seed in range(8):
        onsets = with_onsets(n_false=50, seed=seed)
        rng = np.random.default_rng(seed)
        for here in onsets:  # supports of equal heights would be equal, and no threshold could separate them
            here[:, 1] = rng.uniform(0.05, 0.95, len(here))
        support = support_of(onsets, fibre(), SPANS, seed)
        threshold = support.threshold(400.0, 0.0)
        kept += sum(int((of >= threshold).sum()) for of in support.of_onsets)
        days += support.days
    expected = 400.0 * days
    assert expected > 20
    assert abs(kept - expected) < 4 * np.sqrt(
        expected * 2
    )  # what lies on one line by coincidence goes together


def test_channels_nearer_than_the_gauge_length_are_left_out() -> None:
    wide = fibre(spacing=1.0, gauge_length=5.0)
    offset = np.abs(wide.distance[wide.neighbours(30)] - wide.distance[30])
    assert offset.min() == 5.0 and len(offset) == 2 * 6  # the fibre ends 30 m away
    shared = with_onsets(n_false=0)
    for channel in range(29, 32):  # a noise that three channels share within a gauge length
        shared[channel] = np.array([[5000.0, 0.9]])
    support = support_of(shared, wide, SPANS)
    assert support.of_onsets[30] == pytest.approx(0.9 / 13)


def test_dead_channels_are_left_out_without_loss_of_support() -> None:
    live = np.ones(N_CHANNELS, bool)
    live[::3] = False
    arrival = np.where(live, curve(300.0, 8000.0), np.nan)
    onsets = with_onsets(arrival, n_false=0)
    support = support_of(onsets, fibre(live=live), SPANS)
    assert min(of[0] for of, alive in zip(support.of_onsets, live, strict=True) if alive) > 0.5


def test_a_channel_without_a_peak_has_no_pick() -> None:
    arrival = curve(300.0, 8000.0)
    arrival[20:24] = np.nan
    onsets = with_onsets(arrival, n_false=0)
    recording = recording_from_array(
        np.random.default_rng(0).normal(size=(N_CHANNELS, 4000)).astype(np.float32),
        RATE,
        distance=SPACING * np.arange(N_CHANNELS),
        gauge_length=10.0,
    )
    onsets = [np.column_stack([here[:, 0] - 6000, here[:, 1]]) for here in onsets]
    kept = supported(onsets, recording, 100.0, None, seed=0)
    assert [len(here) for here in kept[20:24]] == [0, 0, 0, 0]
    assert all(len(here) == 1 and here[0, 1] > 0.9 for here in kept[:20] + kept[24:])


def test_the_common_start_and_end_of_all_channels_is_not_a_wave() -> None:
    recording = long_fibre(40)
    onsets = [np.array([[1.0, 0.9], [1500.0, 0.9], [2998.0, 0.9]]) for _ in range(40)]
    kept = supported(onsets, recording, 100.0, None, seed=0)
    assert all(here[:, 0].tolist() == [1500.0] for here in kept)


def test_time_without_data_does_not_change_the_null() -> None:
    onsets = with_onsets(n_false=40)
    spans = np.array([[0.0, LENGTH / 2], [100 * LENGTH, 100.5 * LENGTH]])
    apart = [
        np.column_stack([np.where(at[:, 0] > LENGTH / 2, at[:, 0] + 99.5 * LENGTH, at[:, 0]), at[:, 1]])
        for at in onsets
    ]
    whole, parted = support_of(onsets, fibre(), SPANS), support_of(apart, fibre(), spans)
    assert whole.days == parted.days
    np.testing.assert_allclose(np.concatenate(whole.of_onsets), np.concatenate(parted.of_onsets))


@settings(max_examples=10, deadline=None)
@given(n_false=st.integers(0, 12), seed=st.integers(0, 1000))
def test_support_and_probability_are_shares(n_false: int, seed: int) -> None:
    onsets = with_onsets(n_false=n_false, seed=seed)
    support = support_of(onsets, fibre(), SPANS, seed)
    assert len(support.under_null) == OPTIONS.n_shifts * sum(len(here) for here in onsets)
    for of_onsets, probability, here in zip(support.of_onsets, support.probability(), onsets, strict=True):
        assert of_onsets.shape == probability.shape == (len(here),)
        assert ((of_onsets >= here[:, 1] / (1 + 2 * OPTIONS.n_neighbours) - 1e-12) & (of_onsets <= 1)).all()
        assert ((probability >= 0) & (probability <= 1)).all()


def test_a_higher_support_never_means_a_lower_probability() -> None:
    support = support_of(with_onsets(curve(100.0, 9000.0), n_false=20), fibre(), SPANS)
    order = np.argsort(np.concatenate(support.of_onsets), kind="stable")
    assert (np.diff(np.concatenate(support.probability())[order]) >= 0).all()


def long_fibre(n_channels: int, dead: slice = slice(0)) -> object:
    data = np.random.default_rng(0).normal(size=(n_channels, 3000)).astype(np.float32)
    data[dead] = 0
    return recording_from_array(data, RATE, distance=2.0 * np.arange(n_channels), gauge_length=10.0)


def test_the_training_channels_of_a_fibre_are_live_and_spread_along_it() -> None:
    part = training_part(long_fibre(200, dead=slice(0, 40)))
    distance = part["distance"].values
    assert len(distance) == TRAINING_CHANNELS
    assert distance[0] == 80.0 and distance[-1] == 398.0
    assert np.ptp(np.diff(distance)) <= 2.0


def test_all_of_few_channels_and_all_stations_are_training_data() -> None:
    assert training_part(long_fibre(TRAINING_CHANNELS)).sizes["channel"] == TRAINING_CHANNELS
    names = [f"XX.S{number:02d}..HHZ" for number in range(40)]
    stations = recording_from_array(np.zeros((40, 100), np.float32), RATE, seed_id=names)
    assert training_part(stations) is stations
    assert not is_long_fibre(stations) and not is_long_fibre(long_fibre(8)) and is_long_fibre(long_fibre(40))
