"""Fits: closed forms, agreement of both solvers, noise scales, outliers, and the spread of posterior draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from inversion_problems import SETTING, blurred_view, matern, simulated
from scipy import sparse

from selfseis.inversion import (
    LaplacianPrior,
    LinearProblem,
    NeuralPrior,
    Noise,
    NullPrior,
    SubspacePrior,
    fit_model,
    resolution_diagonal,
)
from selfseis.inversion.options import InversionOptions

KNOWN = {"near": 1.0, "far": 1.0}


def closed_form(problem: LinearProblem) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of the model in closed form: nuisance terms and noise are one covariance of the data."""
    precision = matern().root(SETTING).precision()
    prior = np.linalg.inv(precision)
    noise = (
        np.diag(problem.noise.sd**2) + problem.nuisance @ np.diag(problem.nuisance_sd**2) @ problem.nuisance.T
    )
    gain = prior @ problem.operator.T @ np.linalg.inv(problem.operator @ prior @ problem.operator.T + noise)
    return gain @ problem.data, prior - gain @ problem.operator @ prior


def test_the_mode_is_that_of_the_closed_form() -> None:
    problem, _ = simulated(blurred_view())
    mean, _ = closed_form(problem)
    np.testing.assert_allclose(fit_model(problem, matern(), SETTING, scales=KNOWN).model, mean, atol=1e-8)


def test_draws_are_as_wide_as_the_posterior() -> None:
    problem, _ = simulated(blurred_view())
    _, covariance = closed_form(problem)
    fitted = fit_model(problem, matern(), SETTING, scales=KNOWN, n_samples=1500)
    ratio = fitted.sd / np.sqrt(np.diag(covariance))
    assert ratio.min() > 0.93 and ratio.max() < 1.07


def test_conjugate_gradients_agree_with_cholesky() -> None:
    problem, _ = simulated(blurred_view())
    dense = fit_model(problem, matern(), SETTING, scales=KNOWN, n_samples=400)
    wide = replace(
        problem, operator=sparse.csr_array(problem.operator), nuisance=sparse.csr_array(problem.nuisance),
        options=InversionOptions().with_options(solvers={"max_dense": 10}),
    )  # fmt: skip
    free = fit_model(wide, matern(), SETTING, scales=KNOWN, n_samples=400)
    np.testing.assert_allclose(free.model, dense.model, atol=2e-3)
    np.testing.assert_allclose(free.nuisance, dense.nuisance, atol=2e-3)
    assert np.abs(free.sd / dense.sd - 1).mean() < 0.06


def test_the_noise_scale_of_each_kind_is_found() -> None:
    problem, _ = simulated(blurred_view(600))
    wrong = {"near": 3.0, "far": 0.5}
    stated = np.array([problem.noise.sd[0] / wrong[kind] for kind in problem.noise.kind])
    fitted = fit_model(replace(problem, noise=Noise(stated, problem.noise.kind)), matern(), SETTING)
    for kind, factor in wrong.items():
        assert fitted.scales[kind] == pytest.approx(factor, rel=0.12)


def test_outliers_lose_their_weight_under_student_t() -> None:
    problem, truth = simulated(blurred_view(300))
    rng = np.random.default_rng(3)
    spoilt = rng.choice(300, 15, replace=False)
    data = problem.data.copy()
    data[spoilt] += 10 * rng.choice([-1, 1], 15)
    gaussian = fit_model(problem.with_data(data), matern(), SETTING)
    robust_noise = Noise(problem.noise.sd, problem.noise.kind, student_dof=4.0)
    robust = fit_model(replace(problem.with_data(data), noise=robust_noise), matern(), SETTING)
    assert robust.weights[spoilt].max() < 0.2 < np.median(robust.weights)
    assert np.mean((robust.model - truth) ** 2) < 0.7 * np.mean((gaussian.model - truth) ** 2)


def test_correlated_noise_is_not_taken_for_signal() -> None:
    base = blurred_view(200, two_kinds=False)
    rng = np.random.default_rng(0)
    order = np.argsort(base.blocks, kind="stable")
    apart = np.abs(np.subtract.outer(np.argsort(order), np.argsort(order)))
    covariance = 0.3**2 * np.exp(-apart / 20) + 1e-4 * np.eye(200)
    noise = Noise(base.noise.sd, base.noise.kind, {"near": covariance})
    problem = replace(base, noise=noise).simulate(matern().draw(SETTING, rng), rng)
    fitted = fit_model(problem, matern(), SETTING)
    assert fitted.scales["near"] == pytest.approx(1.0, abs=0.15)


def test_bounded_models_keep_their_bound_and_may_be_zero() -> None:
    problem, _ = simulated(blurred_view())
    for prior, setting in (
        (matern(nonnegative=True), SETTING),
        (LaplacianPrior(matern().graph, [0.3], nonnegative=True), {"sd": 0.3}),
    ):
        fitted = fit_model(problem, prior, setting, n_samples=10)
        assert fitted.model.min() == 0 and fitted.samples.min() == 0
        assert fitted.model.max() > 0


def test_a_neural_field_finds_a_smooth_model() -> None:
    problem, truth = simulated(blurred_view(400, 0.05))
    rows, columns = np.divmod(np.arange(96), 8)
    prior = NeuralPrior(np.stack([rows, columns], axis=1) * 10.0, [30.0])
    fitted = fit_model(problem, prior, prior.settings()[0], n_samples=40)
    assert np.corrcoef(fitted.model, truth)[0, 1] > 0.85
    assert fitted.sd.min() > 0


def test_null_and_subspace_fit_nuisance_terms_and_levels() -> None:
    base = blurred_view(two_kinds=True)
    problem = base.with_data(base.nuisance @ [0.4, -0.7] + 2.0 * base.operator.sum(axis=1))
    null = fit_model(problem, NullPrior(), {}, scales=KNOWN)
    assert not null.model.any()
    level = SubspacePrior(np.ones((96, 1)), [10.0])
    found = fit_model(problem, level, {"sd": 10.0}, scales=KNOWN)
    assert np.ptp(found.model) < 1e-9
    predicted, _ = found.predict(problem, np.ones(problem.n_data, bool))
    np.testing.assert_allclose(predicted, problem.data, atol=0.05)


def test_resolution_is_high_where_data_are_and_zero_where_none_are() -> None:
    problem = blurred_view(400, 0.05)
    blind = problem.operator.copy()
    blind[:, :48] = 0
    resolution = resolution_diagonal(replace(problem, operator=blind), matern(), SETTING, n_probes=80)
    assert resolution[:40].max() < 0.2 < 0.4 < resolution[56:].mean()


def test_a_noise_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        Noise(np.zeros(3), np.full(3, "near"))
