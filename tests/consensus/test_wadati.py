"""The Wadati line through the consensus events."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfseis.consensus.common_events import CommonEvent, PairedOnset
from selfseis.consensus.wadati import wadati_line


def event(
    travel: np.ndarray, vp_vs: float, origin: float = 0.0, error: float = 0.0, seed: int = 0
) -> CommonEvent:
    error_s = error * np.random.default_rng(seed).normal(size=(2, len(travel)))
    onsets = tuple(
        PairedOnset(k, origin + t + error_s[0, k], origin + vp_vs * t + error_s[1, k], 0.9, 0.9)
        for k, t in enumerate(travel)
    )
    return CommonEvent(onsets, 1.0, 0.0, origin)


def events(vp_vs: float, n_events: int = 40, error: float = 0.0, shift: float = 0.0) -> list[CommonEvent]:
    random = np.random.default_rng(0)
    return [
        event(random.uniform(2, 12, 3), vp_vs, shift + 100.0 * number, error, number)
        for number in range(n_events)
    ]


@given(vp_vs=st.floats(1.5, 2.2))
@settings(max_examples=20, deadline=None)
def test_the_slope_is_vp_over_vs(vp_vs: float) -> None:
    line = wadati_line(events(vp_vs))
    assert line.vp_vs == pytest.approx(vp_vs)
    assert line.sd_s == pytest.approx(0, abs=1e-9)
    assert len(line.dp) == len(line.ds) == 3 * 40


def test_wrong_events_do_not_turn_it() -> None:
    wrong = [event(np.array([3.0, 9.0, 6.0]), 3.0) for _ in range(8)]
    assert wadati_line(events(1.73, error=0.05) + wrong).vp_vs == pytest.approx(1.73, abs=0.02)


def test_the_spread_is_that_of_four_onsets() -> None:
    line = wadati_line(events(1.73, 400, error=0.05))
    assert line.sd_s == pytest.approx(0.05 * np.sqrt(2 + 2 * 1.73**2), rel=0.1)


def test_the_clock_does_not_matter() -> None:
    assert wadati_line(events(1.73, error=0.1, shift=5e4)).vp_vs == pytest.approx(
        wadati_line(events(1.73, error=0.1)).vp_vs, abs=1e-6
    )


def test_a_few_couples_make_no_line() -> None:
    assert np.isnan(wadati_line(events(1.73, 1)).vp_vs)
    assert np.isnan(wadati_line([]).sd_s)
