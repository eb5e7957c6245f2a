"""Nested cross-validation: no leakage from held-out data, coverage of intervals, and no skill on noise."""

from __future__ import annotations

import numpy as np
import pytest
from inversion_problems import SETTING, blurred_view, matern, simulated

from selfseis.inversion import (
    HeldOut,
    LaplacianPrior,
    NullPrior,
    Training,
    blocked_folds,
    choose_setting,
    chosen,
    evaluate_priors,
    nested_holdout,
    oracle_limit,
    shuffled,
)


@pytest.fixture(scope="module")
def heldouts() -> list[HeldOut]:
    problem, _ = simulated(blurred_view(300))
    priors = [matern(), LaplacianPrior(matern().graph, [0.1, 0.3]), NullPrior()]
    return nested_holdout(problem, priors, n_folds=5, n_inner=3)


def test_folds_hold_out_every_block_once_and_whole() -> None:
    blocks = np.repeat(np.arange(17), np.arange(1, 18))
    folds = list(blocked_folds(blocks, 5, seed=3))
    assert np.array_equal(np.sum(folds, axis=0), np.ones(len(blocks)))
    for held_out in folds:
        assert not set(blocks[held_out]) & set(blocks[~held_out])
    sizes = [held_out.sum() for held_out in folds]
    assert max(sizes) < 1.5 * min(sizes)


def test_a_single_block_is_refused() -> None:
    with pytest.raises(ValueError, match="at least two"):
        list(blocked_folds(np.zeros(5, int), 3))


def test_a_prediction_does_not_depend_on_the_held_out_data() -> None:
    problem, _ = simulated(blurred_view(120))
    before = nested_holdout(problem, [matern()], n_folds=4, n_inner=2, n_samples=4)[0]
    held_out = before.fold == 2
    changed = problem.with_data(np.where(held_out, 1e3, problem.data))
    after = nested_holdout(changed, [matern()], n_folds=4, n_inner=2, n_samples=4)[0]
    np.testing.assert_array_equal(before.predicted[held_out], after.predicted[held_out])
    np.testing.assert_array_equal(before.sd[held_out], after.sd[held_out])
    assert not np.allclose(before.predicted[~held_out], after.predicted[~held_out])


def test_intervals_have_their_nominal_coverage(heldouts: list[HeldOut]) -> None:
    for heldout in heldouts[:2]:
        assert 0.58 < heldout.coverage(0.683) < 0.78
        assert heldout.coverage(0.95) > 0.88
        assert heldout.standardised_rms() == pytest.approx(1, abs=0.2)


def test_a_signal_works_and_all_priors_are_in_one_table(heldouts: list[HeldOut]) -> None:
    gaussian, laplacian, null = heldouts
    best = chosen([gaussian, laplacian])
    verdict = evaluate_priors("toy", best, null, null, [gaussian, laplacian])
    assert verdict.outcome == "works"
    assert [row["name"] for row in verdict.details["priors"]][:3] == [
        best.name,
        gaussian.name,
        laplacian.name,
    ]
    assert best.variance_reduction() > null.variance_reduction() + 0.2


def test_the_choice_of_a_fold_comes_from_its_inner_folds(heldouts: list[HeldOut]) -> None:
    best = chosen(heldouts[:2])
    for fold, setting in enumerate(best.settings):
        preferred = heldouts[int(setting["prior"])]
        rows = best.fold == fold
        np.testing.assert_array_equal(best.predicted[rows], preferred.predicted[rows])
        assert best.inner_losses[fold] == min(heldout.inner_losses[fold] for heldout in heldouts[:2])


def test_noise_alone_gives_no_gain() -> None:
    outcomes = []
    for seed in range(4):
        problem = blurred_view(200, seed=seed).simulate(np.zeros(96), np.random.default_rng(seed))
        found = nested_holdout(problem, [matern(), NullPrior()], n_folds=4, n_inner=2, n_samples=4)
        outcomes.append(evaluate_priors("toy", found[0], found[1], found[1]).outcome)
    assert "works" not in outcomes


def test_shuffled_data_keep_their_values_and_lose_their_structure() -> None:
    problem, _ = simulated(blurred_view(300))
    mixed = shuffled(problem, np.random.default_rng(0))
    for kind in problem.noise.kinds:
        rows = problem.noise.kind == kind
        np.testing.assert_array_equal(np.sort(mixed.data[rows]), np.sort(problem.data[rows]))
    # Offsets of the two kinds survive the shuffle, and nuisance terms fit them, so they are removed first.
    columns = problem.nuisance
    level = columns @ (columns.T @ problem.data / columns.sum(axis=0))
    centred = [data.with_data(data.data - level) for data in (mixed, problem)]
    null, real = (nested_holdout(data, [matern()], n_folds=4, n_inner=2, n_samples=4)[0] for data in centred)
    assert null.variance_reduction() < 0.2 < 0.5 < real.variance_reduction()


def test_settings_near_the_truth_are_chosen() -> None:
    problem, _ = simulated(blurred_view(600, 0.1))
    training = Training(problem, np.ones(600, bool), 4)
    choice = choose_setting(training, matern())
    assert choice.setting["range"] in (25.0, 50.0, 100.0) and len(choice.losses) == 9
    assert choice.scales["near"] == pytest.approx(1, abs=0.2)


def test_the_oracle_has_right_coverage_and_falls_with_noise() -> None:
    problem = blurred_view(200)
    oracle = oracle_limit(problem, matern(), SETTING, n_draws=12, n_samples=60)
    assert 0.6 < oracle.coverages.mean() < 0.76
    blurred = oracle_limit(blurred_view(200, 3.0), matern(), SETTING, n_draws=12, n_samples=0)
    assert oracle.mean > blurred.mean + 0.1
