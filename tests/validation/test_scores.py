"""Skill scores by block, and the coverage of their intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfseis.validation import BlockScores, Interval, block_scores, bootstrap_skill, skill
from selfseis.validation.scores import interval


def test_skill_of_known_predictions() -> None:
    observed = np.random.default_rng(0).standard_normal((3, 500))
    assert skill(observed, observed) == 1
    assert skill(observed, np.zeros_like(observed)) == 0
    assert skill(observed, -observed) == pytest.approx(-3)
    assert skill(observed, 0.5 * observed) == pytest.approx(0.75)
    assert skill(np.zeros(5), np.ones(5)) == 0


def test_skill_of_the_wiener_prediction_in_white_noise() -> None:
    rng = np.random.default_rng(1)
    signal, noise = rng.standard_normal((2, 400_000))
    observed = 2 * signal + noise
    assert skill(observed, 2 * signal) == pytest.approx(4 / 5, abs=0.01)


def test_missing_and_unwanted_samples_do_not_count() -> None:
    observed = np.array([1.0, np.nan, 2.0, 5.0])
    predicted = np.array([0.0, 3.0, np.nan, 5.0])
    assert skill(observed, predicted) == pytest.approx(25 / 26)
    assert skill(observed, predicted, np.array([True, True, True, False])) == 0


@given(st.integers(1, 9), st.integers(1, 40), st.integers(1, 5), st.integers(1, 13), st.integers(0, 2**32))
def test_blocks_add_up_to_the_whole(n_channels, n_samples, rows, columns, seed) -> None:
    rng = np.random.default_rng(seed)
    observed, predicted = rng.standard_normal((2, n_channels, n_samples))
    observed[rng.random(observed.shape) < 0.2] = np.nan
    where = rng.random(observed.shape) < 0.7
    scores = block_scores(observed, predicted, (rows, columns), where)
    used = np.isfinite(observed) & where
    n_blocks = sum(
        used[i : i + rows, j : j + columns].any()
        for i in range(0, n_channels, rows)
        for j in range(0, n_samples, columns)
    )
    assert len(scores.loss) == n_blocks
    assert scores.power.sum() == pytest.approx(np.square(observed[used]).sum())
    assert scores.loss.sum() == pytest.approx(np.square((observed - predicted)[used]).sum())
    assert scores.skill == pytest.approx(skill(observed, predicted, where))


def test_power_of_blocks() -> None:
    observed = np.arange(1.0, 9.0).reshape(2, 4)
    scores = block_scores(observed, np.zeros((2, 4)), (1, 3))
    assert scores.power.tolist() == [1 + 4 + 9, 16, 25 + 36 + 49, 64]


@pytest.mark.parametrize("shapes", [((3,), (4,)), ((2, 2), (2, 2))])
def test_loss_and_power_must_be_one_value_per_block(shapes) -> None:
    with pytest.raises(ValueError, match="same shape"):
        BlockScores(np.ones(shapes[0]), np.ones(shapes[1]))


def test_bootstrap_of_equal_blocks_is_certain() -> None:
    draws = bootstrap_skill([BlockScores(np.full(9, 0.3), np.ones(9))], np.random.default_rng(0))
    np.testing.assert_allclose(draws, 0.7)


def test_bootstrap_draws_the_same_blocks_for_all_predictions() -> None:
    rng = np.random.default_rng(2)
    power = rng.exponential(size=40)
    loss = power * rng.uniform(0, 1, 40)
    one, other = BlockScores(loss, power), BlockScores(loss + 0.1 * power, power)
    draws = bootstrap_skill([one, other], rng, repeats=500)
    assert draws.shape == (2, 500)
    np.testing.assert_allclose(draws[0] - draws[1], 0.1)
    assert draws[0].std() > 0.01


def test_bootstrap_spread_is_that_of_a_mean() -> None:
    rng = np.random.default_rng(3)
    loss = rng.uniform(0, 1, 200)
    draws = bootstrap_skill([BlockScores(loss, np.ones(200))], rng, repeats=4000)
    assert draws.mean() == pytest.approx(1 - loss.mean(), abs=0.003)
    assert draws.std() == pytest.approx(loss.std() / np.sqrt(200), rel=0.06)


def test_bootstrap_needs_the_same_blocks() -> None:
    with pytest.raises(ValueError, match="same blocks"):
        bootstrap_skill([BlockScores(np.ones(3), np.ones(3)), BlockScores(np.ones(4), np.ones(4))],
                        np.random.default_rng(0))  # fmt: skip


@pytest.mark.parametrize("n_blocks", [8, 40])
def test_intervals_cover_the_truth_at_the_stated_rate(n_blocks) -> None:
    """Skill of blocks of unequal power; the truth is the ratio of the expectations, 0.4."""
    rng = np.random.default_rng(n_blocks)
    repeats, error_rate = 600, 0.05
    below = above = 0
    for _ in range(repeats):
        power = rng.gamma(4.0, size=n_blocks)
        loss = power * rng.beta(6, 4, n_blocks)
        scores = BlockScores(loss, power)
        draws = bootstrap_skill([scores], rng, repeats=800)[0]
        found = interval(draws, scores.skill, n_blocks, error_rate)
        assert found.low <= found.value <= found.high
        below += found.high < 0.4
        above += found.low > 0.4
    # Nominal is 30 on each side; with few blocks a percentile interval misses a little more often.
    max_misses = 30 + 3 * np.sqrt(30) + (12 if n_blocks == 8 else 0)
    assert max(below, above) <= max_misses
    assert below + above >= 15


def test_text_of_an_interval() -> None:
    assert str(Interval(0.5, 0.25, 0.75)) == "0.500 (0.250 to 0.750)"
    assert Interval(0.5, 0.25, 0.75).to_dict() == {"value": 0.5, "low": 0.25, "high": 0.75}
