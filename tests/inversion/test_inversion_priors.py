"""Priors: size and range of draws, stiffness, and derivatives of the network."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfseis.inversion import Graph, LaplacianPrior, MaternPrior
from selfseis.inversion.neural_field import Network, flattened


@pytest.mark.parametrize(("shape", "spacing"), [((30, 30), (6.25, 6.25)), ((12, 12, 12), (12.5, 12.5, 12.5))])
def test_matern_draws_have_their_size_and_reach(shape: tuple[int, ...], spacing: tuple[float, ...]) -> None:
    prior = MaternPrior(Graph.of_grid(shape, spacing), len(shape), [2.0], [50.0])
    rng = np.random.default_rng(0)
    drawn = np.array([prior.draw({"sd": 2.0, "range": 50.0}, rng).reshape(shape) for _ in range(60)])
    middle = drawn[(slice(None), *(slice(n // 4, -n // 4) for n in shape))]
    assert middle.std() == pytest.approx(2.0, rel=0.25)
    away = round(50 / spacing[0])
    near, far = middle[:, :1], middle[:, 1:2]
    assert np.mean(near * far) / np.mean(near**2) > 0.55
    whole = drawn[:, :-away] * drawn[:, away:]
    assert 0.0 < whole.mean() / drawn.var() < 0.35


def test_the_laplacian_leaves_a_level_almost_free_and_forbids_spikes() -> None:
    prior = LaplacianPrior(Graph.of_grid((10, 10), (1.0, 1.0)), [1.0])
    precision = prior.root({"sd": 1.0}).precision()
    level, spike = np.ones(100), np.eye(100)[44]
    assert level @ precision @ level / 100 < 1e-3 < 1 < spike @ precision @ spike


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 6), st.integers(2, 6), st.integers(0, 1000))
def test_the_stiffness_is_the_integral_of_the_squared_gradient(n: int, m: int, seed: int) -> None:
    graph = Graph.of_grid((n, m), (2.0, 3.0))
    slope = np.random.default_rng(seed).standard_normal(2)
    values = np.add.outer(2.0 * slope[0] * np.arange(n), 3.0 * slope[1] * np.arange(m)).ravel()
    expected = 6.0 * ((n - 1) * m * slope[0] ** 2 + n * (m - 1) * slope[1] ** 2)
    assert values @ (graph.stiffness() @ values) == pytest.approx(expected)


def test_several_fields_are_independent() -> None:
    prior = MaternPrior(Graph.of_grid((4, 3), (1.0, 1.0)), 2, [1.0], [2.0], n_fields=2)
    precision = prior.root({"sd": 1.0, "range": 2.0}).precision()
    assert not precision[:12, 12:].any()
    np.testing.assert_allclose(precision[:12, :12], precision[12:, 12:])


def test_the_tangent_kernel_agrees_with_derivatives_of_the_network() -> None:
    rng = np.random.default_rng(0)
    field = Network.drawn(
        rng.uniform(0, 100, (9, 2)), 30.0, 2.0, rng, n_frequencies=24, width=48, n_fields=2, nonnegative=True
    )
    away, step = (tuple(0.5 * rng.standard_normal(w.shape) for w in field.start) for _ in range(2))
    ahead, behind = (tuple(a + h * s for a, s in zip(away, step, strict=True)) for h in (1e-6, -1e-6))
    numeric = (field.model(ahead) - field.model(behind)) / 2e-6
    force = rng.standard_normal(18)
    pulled = field.pulled_back(away, force)
    assert force @ numeric == pytest.approx(
        sum(np.sum(p * s) for p, s in zip(pulled, step, strict=True)), rel=1e-5
    )
    assert force @ field.tangent_kernel(away) @ force == pytest.approx(sum(np.sum(p**2) for p in pulled))
    whole = np.hstack(list(field.derivative(away)))
    np.testing.assert_allclose(whole @ flattened(step), numeric, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(whole @ flattened(away), field.pushed(away, away), rtol=1e-9)
    assert all(np.array_equal(*pair) for pair in zip(field.shaped(flattened(away)), away, strict=True))
    np.testing.assert_allclose(
        field.at(np.array([4, 2])).model(away), field.model(away).reshape(2, 9)[:, [4, 2]].ravel()
    )
    assert field.model(away).min() > 0
