"""The STA/LTA and AIC baseline, on onsets of known time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfseis.pick.baselines import sta_lta_aic_picks
from selfseis.pick.options import TriggerOptions

P_AT, S_AT, N_SAMPLES = 3000, 3420, 9000


def event(seed: int = 0, p: float = 8.0, s: float = 20.0, p_at: int = P_AT, s_at: int = S_AT) -> np.ndarray:
    """White noise with a P on the vertical and an S on the horizontals, both fading."""
    random = np.random.default_rng(seed)
    data = random.normal(size=(3, N_SAMPLES))
    for at, size, fading, on in ((p_at, p, 300, (0.3, 0.3, 1)), (s_at, s, 500, (1, 1, 0.4))):
        time = np.arange(N_SAMPLES - at)
        data[:, at:] += (
            np.array(on)[:, None] * size * np.exp(-time / fading) * random.normal(size=(3, len(time)))
        )
    return data


def found(data: np.ndarray, **options: float) -> dict[str, list[int]]:
    picks = sta_lta_aic_picks(data, TriggerOptions(**options))
    return {phase: [sample for sample, kind, _ in picks if kind == phase] for phase in "PS"}


def strongest(data: np.ndarray, phase: str) -> int:
    return max((pick for pick in sta_lta_aic_picks(data) if pick[1] == phase), key=lambda pick: pick[2])[0]


@pytest.mark.parametrize("seed", range(8))
def test_both_onsets_are_found_to_a_tenth_of_a_second(seed: int) -> None:
    data = event(seed)
    assert abs(strongest(data, "P") - P_AT) <= 10
    assert min(abs(sample - S_AT) for sample in found(data)["S"]) <= 15


def test_noise_has_no_onset() -> None:
    noise = np.random.default_rng(1).normal(size=(3, 200_000))
    assert sta_lta_aic_picks(noise, TriggerOptions(p_trigger=5.0)) == []


@given(scale=st.floats(1e-9, 1e9))
@settings(max_examples=20, deadline=None)
def test_units_do_not_matter(scale: float) -> None:
    assert found(event() * scale) == found(event())


@pytest.mark.parametrize("shift", [-700, 250, 1500])
def test_picks_move_with_the_samples(shift: int) -> None:
    here, there = found(event()), found(np.roll(event(), shift, axis=1))
    for phase in "PS":
        assert {sample + shift for sample in here[phase] if 2000 < sample < 6000} <= set(there[phase])


def test_one_component_serves_for_both_phases() -> None:
    for row in range(3):
        data = np.zeros((3, N_SAMPLES))
        data[row] = event()[0] + event(1)[2]
        assert min(abs(sample - P_AT) for sample in found(data)["P"]) <= 15
        assert min(abs(sample - S_AT) for sample in found(data)["S"]) <= 40


def test_polarity_and_swapped_horizontals_do_not_matter() -> None:
    data = event()
    assert found(-data) == found(data[[1, 0, 2]]) == found(data)


def test_silence_and_short_stretches_have_no_onset() -> None:
    assert sta_lta_aic_picks(np.zeros((3, 5000))) == []
    assert sta_lta_aic_picks(np.ones((3, 500))) == []
    with_silence = event()
    with_silence[:, :1500] = with_silence[:, -2000:] = 0
    assert min(abs(sample - P_AT) for sample in found(with_silence)["P"]) <= 10


def test_samples_are_in_order_and_inside() -> None:
    picks = sta_lta_aic_picks(event(3), TriggerOptions(p_trigger=1.5, s_trigger=1.1))
    samples = [sample for sample, _, _ in picks]
    assert samples == sorted(samples)
    assert samples[0] >= 0 and samples[-1] < N_SAMPLES
