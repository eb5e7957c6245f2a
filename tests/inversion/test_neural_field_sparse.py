"""The neural field on sparse data agrees with the normal equations, in its mode and its draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from selfseis.inversion import LinearProblem, NeuralPrior, Noise, System
from selfseis.inversion.neural_field import Network
from selfseis.inversion.neural_field_prior import solve_network
from selfseis.inversion.options import InversionOptions

SETTING = {"scale": 30.0, "size": 1.0}


@pytest.fixture(scope="module")
def problem() -> tuple[np.ndarray, LinearProblem]:
    rng = np.random.default_rng(0)
    places = rng.uniform(0, 100, (40, 2))
    operator = np.where(rng.uniform(size=(120, 40)) < 0.2, rng.uniform(0, 1, (120, 40)), 0.0)
    terms = np.eye(6)[np.arange(120) % 6]
    truth = np.sin(places[:, 0] / 20)
    data = operator @ truth + terms @ rng.standard_normal(6) + 0.05 * rng.standard_normal(120)
    noise = Noise(np.full(120, 0.05), np.full(120, "P"))
    blocks = np.arange(120) // 10
    return places, LinearProblem(
        sparse.csr_array(operator), data, noise, blocks, sparse.csr_array(terms), np.full(6, 2.0)
    )


def network(places: np.ndarray) -> Network:
    rng = np.random.default_rng(0)
    return Network.drawn(places, SETTING["scale"], SETTING["size"], rng, n_frequencies=8, width=16)


def test_it_agrees_with_the_normal_equations(problem: tuple[np.ndarray, LinearProblem]) -> None:
    options = InversionOptions().with_options(
        solvers={"sparse_tolerance": 1e-6},
        neural_field={
            "n_frequencies": 8,
            "width": 16,
            "max_steps": 2,
            "max_sparse_steps": 2,
            "min_sparse_gain": 1e-9,
        },
    )
    places, noisy = problem
    noisy = replace(noisy, noise=Noise(np.full(120, 0.5), noisy.noise.kind), options=options)
    precision = 1 / noisy.noise.sd**2
    precision[:10] = 0.0
    found = solve_network(noisy, precision, network(places), n_samples=300)
    system = System(noisy, precision > 0)
    dense = NeuralPrior(places, [30.0]).solve(system, SETTING, np.random.default_rng(0), 300)
    np.testing.assert_allclose(found.mode, dense.mode, atol=2e-3)
    spreads = [draws.samples.std(axis=0) for draws in (found, dense)]
    assert np.median(spreads[0] / spreads[1]) == pytest.approx(1, abs=0.08)


def test_held_out_data_have_no_influence(problem: tuple[np.ndarray, LinearProblem]) -> None:
    places, sparse_problem = problem
    precision = np.where(np.arange(120) < 30, 0.0, 400.0)
    changed = sparse_problem.with_data(np.where(np.arange(120) < 30, 1e3, sparse_problem.data))
    one, other = (solve_network(data, precision, network(places)) for data in (sparse_problem, changed))
    np.testing.assert_array_equal(one.mode, other.mode)
    assert one.samples.shape == (0, 46)
