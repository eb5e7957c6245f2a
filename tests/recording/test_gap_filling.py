"""Gaps filled by linear prediction: near the truth, local, bounded, for any missing samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from selfseis.recording.gap_filling import bridge_gaps, continue_over_gaps
from selfseis.simulate import band_limited_noise

SAMPLES = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.integers(1, 80)),
    elements=st.one_of(st.just(np.nan), st.floats(-100, 100, width=32)),
)


@given(SAMPLES, st.integers(1, 15), st.data())
@settings(max_examples=60, deadline=None)
def test_a_fill_is_bounded_and_depends_on_nothing_far_away(samples, limit, data) -> None:
    filled, valid = continue_over_gaps(samples, limit)
    first = data.draw(st.integers(0, samples.shape[1] - 1))
    last = data.draw(st.integers(first + 1, samples.shape[1]))
    begin, end = max(0, first - 2 * limit), min(samples.shape[1], last + 2 * limit)
    part, _ = continue_over_gaps(samples[:, begin:end], limit)
    np.testing.assert_allclose(part[:, first - begin : last - begin], filled[:, first:last], atol=1e-3)
    np.testing.assert_array_equal(valid, ~np.isnan(samples))
    np.testing.assert_array_equal(filled[valid], samples[valid])
    assert not np.isnan(filled).any()
    assert np.abs(filled).max() <= 1.0001 * np.abs(samples[valid]).max(initial=0)


@pytest.mark.parametrize("length", [1, 5, 40])
def test_a_wave_is_continued(length: int) -> None:
    wave = np.sin(np.arange(400) / 5).astype(np.float32)[None]
    gappy = wave.copy()
    gappy[:, 200 : 200 + length] = np.nan
    filled, _ = continue_over_gaps(gappy, 100)
    np.testing.assert_allclose(filled, wave, atol=0.05)


def test_an_offset_is_held_over_a_gap_and_fades_into_a_long_one() -> None:
    data = np.full((1, 200), 4.0, np.float32)
    data[:, 50:60], data[:, 100:180] = np.nan, np.nan
    filled, _ = continue_over_gaps(data, 10)
    np.testing.assert_allclose(filled[0, 50:60], 4.0, rtol=1e-3)
    np.testing.assert_array_equal(filled[0, 110:170], 0.0)
    assert (np.diff(filled[0, 99:111]) <= 0).all()


@pytest.mark.parametrize("band", [(1, 40), (5, 20), (0.05, 3)])
@pytest.mark.parametrize("gap", [slice(500, 520), slice(500, 900), slice(900, 1000)])
def test_prediction_is_nearer_to_the_truth_than_held_edges(band: tuple[float, float], gap: slice) -> None:
    data = band_limited_noise(20, 1000, 100.0, band, 4)
    gappy = data.copy()
    gappy[:, gap] = np.nan
    near = slice(gap.start, gap.start + 20)
    errors = [
        np.square(fill(gappy, 100)[0] - data)[:, near].mean() for fill in (continue_over_gaps, bridge_gaps)
    ]
    assert errors[0] < 0.9 * errors[1]


def test_channels_with_different_gaps_are_filled_independently() -> None:
    rng = np.random.default_rng(5)
    data = band_limited_noise(6, 300, 100.0, (2, 30), 6)
    data[rng.random(data.shape) < 0.1] = np.nan
    data[2] = np.nan
    data[4, 1:] = np.nan
    together, _ = continue_over_gaps(data, 30)
    alone = np.concatenate([continue_over_gaps(row[None], 30)[0] for row in data])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert (together[2] == 0).all()


def test_a_limit_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="limit must be 1"):
        continue_over_gaps(np.zeros((1, 3), np.float32), 0)
