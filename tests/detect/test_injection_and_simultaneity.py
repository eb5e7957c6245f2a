"""Injected copies of events, and events that reach all stations at once."""

from __future__ import annotations

import numpy as np
import pytest

from selfseis.detect.injection_test import Injections
from selfseis.detect.options import EvaluationOptions, SimultaneityOptions
from selfseis.detect.simultaneity import Simultaneity

HOP = 8
RATE = 50.0
MEMBERS = np.eye(6, dtype=bool)


def mean_power(data: np.ndarray) -> np.ndarray:
    power = (data**2).mean(axis=0)
    return power[: len(power) // HOP * HOP].reshape(-1, HOP).mean(axis=1)


def injections(noise: list[np.ndarray], amplitudes: list[float]) -> Injections:
    events = [np.full((3, 4 * HOP), amplitude, np.float32) for amplitude in amplitudes]
    return Injections([n.astype(np.float32) for n in noise], events, EvaluationOptions())


def test_recall_is_the_share_of_levels_above_the_threshold() -> None:
    silent = np.zeros((3, 400))
    test = injections([silent, silent], [10.0, 1.0])
    scores = test.recall(mean_power, 1e-2 * 1.001, HOP, 10 * HOP)
    # 10 exceeds 0.1 down to 40 dB, and 1 down to 20 dB, in 31 levels of 1.5 dB.
    assert (1 - scores.loss).tolist() == pytest.approx([27 / 31] * 2 + [14 / 31] * 2)
    assert test.n_found_unscaled(scores) == 2


def test_noise_alone_is_not_an_event() -> None:
    """A burst in one noise window scores above the threshold: copies must exceed it in all windows."""
    silent, loud = np.zeros((3, 400)), np.zeros((3, 400))
    loud[:, -6 * HOP : -5 * HOP] = 0.5
    alone = injections([silent], [1.0]).recall(mean_power, 1e-4, HOP, 10 * HOP)
    beside = injections([silent, loud], [1.0]).recall(mean_power, 1e-4, HOP, 10 * HOP)
    assert 1 - alone.loss[0] > 0.8
    assert 1 - beside.loss[0] == pytest.approx(5 / 31)  # down to half of the amplitude, 6 dB


def test_events_that_no_noise_window_shows_again_are_counted() -> None:
    test = injections([np.zeros((3, 400))] * 2, [10.0, 0.01, 0.01])
    assert test.n_found_unscaled(test.recall(mean_power, 0.1, HOP, 10 * HOP)) == 1


def at_stations(delays_s: np.ndarray, *, coherent: bool) -> np.ndarray:
    """Noise of six stations, and a burst of two seconds at each."""
    rng = np.random.default_rng(5)
    data = rng.standard_normal((6, 1500))
    common = rng.standard_normal(100)
    for row, delay in zip(data, delays_s, strict=True):
        first = 600 + round(delay * RATE)
        row[first : first + 100] += 8 * np.hanning(100) * (common if coherent else rng.standard_normal(100))
    return data.astype(np.float32)


@pytest.mark.parametrize(
    ("delays_s", "coherent", "expected"),
    [(0.0, False, True), (0.0, True, False), (1.0, False, False), (1.0, True, False)],
    ids=["burst at once", "steep wave", "local event", "plane wave"],
)
def test_only_incoherent_energy_at_the_same_time_is_a_disturbance(delays_s, coherent, expected) -> None:
    event = at_stations(delays_s * np.arange(6), coherent=coherent)
    measured = Simultaneity.of(event, MEMBERS, RATE, 15.0)
    assert measured is not None
    assert measured.is_disturbance(15.0, SimultaneityOptions()) == expected
    assert measured.spread_s == pytest.approx(delays_s * np.arange(6).std(), abs=0.3)
    if not coherent:
        assert measured.coherence < 0.5


def test_fewer_than_three_stations_say_nothing_about_simultaneity() -> None:
    assert Simultaneity.of(np.zeros((6, 500), np.float32), MEMBERS, RATE, 15.0) is None
