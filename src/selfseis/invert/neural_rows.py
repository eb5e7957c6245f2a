"""A neural field behind many sparse data and their nuisance terms: Gauss-Newton steps in the space of its weights."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from selfseis.invert.many_unknowns import solve_sparse
from selfseis.invert.network import Network, Weights, flattened
from selfseis.invert.problem import LinearProblem, Noise
from selfseis.invert.solve import Draws

Vector = NDArray[np.float64]

STEPS = 3
HALVINGS = 3
SETTLED = 0.01


@dataclass(frozen=True)
class _Here:
    """Weights, the best terms beside them, and their cost: half the squared misfit and half the squared unknowns."""

    away: Weights
    terms: Vector
    cost: float


def solve_network(
    problem: LinearProblem,
    row_precision: Vector,
    network: Network,
    *,
    n_samples: int = 0,
    seed: int = 0,
    start: Vector | None = None,
) -> Draws:
    """Return the most plausible output of a network, nuisance terms beside it, and draws from their posterior.

    The weights have independent unit Gaussian priors. Each step linearises the network: a dense matrix of the visible
    data by the weights, solved with the terms by conjugate gradients. Draws are those of the network linearised at
    its best weights.

    Parameters
    ----------
    problem : LinearProblem
        With sparse operator and nuisance terms and uncorrelated noise.
    row_precision : ndarray, shape (n_data,)
        One over the noise variance; 0 for data that are hidden.
    network : Network
        Of all model values.
    n_samples, seed : int
    start : ndarray, shape (n_unknowns,), optional
        Its nuisance terms are where the search for them begins.
    """
    seen, visible, precision = _visible(problem, network, row_precision)
    n_model, n_weights = problem.n_model, flattened(network.start).size
    terms = np.zeros(problem.n_nuisance) if start is None else start[n_model:]
    here = _at(seen, visible, precision, network.unmoved, terms)
    unit = sparse.csr_array(sparse.eye_array(n_weights))

    def solved(here: _Here, n_samples: int) -> Draws:
        linear = _linearised(seen, visible, here.away)
        origin = np.concatenate([flattened(here.away), here.terms])
        return solve_sparse(linear, precision, unit, n_samples=n_samples, seed=seed, start=origin)

    for _ in range(STEPS):
        base, here = here, _stepped(seen, visible, precision, here, solved(here, 0))
        if base.cost - here.cost < SETTLED * base.cost:
            break
    mode = np.concatenate([network.model(here.away), here.terms])
    if not n_samples:
        return Draws(mode, np.zeros((0, len(mode))))
    draws = solved(here, n_samples)
    moved = [
        np.concatenate([network.pushed(here.away, network.shaped(away[:n_weights])), away[n_weights:]])
        for away in draws.samples - draws.mode
    ]
    return Draws(mode, mode + np.array(moved))


def _visible(
    problem: LinearProblem, network: Network, row_precision: Vector
) -> tuple[Network, LinearProblem, Vector]:
    """Return the network on the cells that visible data know, the problem of these data, and their precision."""
    rows = np.flatnonzero(row_precision > 0)
    operator = sparse.csr_array(problem.operator[rows])
    n_cells = len(network.features)
    cells = np.unique(operator.indices % n_cells)
    columns = (np.arange(problem.n_model // n_cells)[:, None] * n_cells + cells).ravel()
    noise = Noise(problem.noise.sd[rows], problem.noise.kind[rows])
    assert problem.nuisance is not None
    visible = replace(
        problem, operator=sparse.csr_array(operator[:, columns]), data=problem.data[rows], noise=noise,
        blocks=problem.blocks[rows], nuisance=problem.nuisance[rows],
    )  # fmt: skip
    return network.at(cells), visible, row_precision[rows]


def _linearised(network: Network, problem: LinearProblem, away: Weights) -> LinearProblem:
    """Return the problem whose unknowns are the weights, as it is near some of them."""
    operator = problem.operator
    kind = operator.dtype
    columns = np.hstack([operator @ block for block in network.derivative(away, kind)])
    base = operator @ network.model(away).astype(kind) - columns @ flattened(away).astype(kind)
    return replace(problem, operator=columns, data=problem.data - base)


def _at(network: Network, problem: LinearProblem, precision: Vector, away: Weights, terms: Vector) -> _Here:
    """Put the best terms beside weights; `terms` is where the search for them begins."""
    assert problem.nuisance is not None
    left = problem.data - problem.operator @ network.model(away).astype(problem.operator.dtype)
    start = np.concatenate([np.zeros(problem.n_model), terms])
    terms = solve_sparse(problem.with_data(left), precision, None, start=start).mode[problem.n_model :]
    left = left - problem.nuisance @ terms
    squares = (precision @ left**2, np.sum(flattened(away) ** 2), problem.nuisance_precision @ terms**2)
    return _Here(away, terms, float(sum(squares)) / 2)


def _stepped(
    network: Network, problem: LinearProblem, precision: Vector, here: _Here, target: Draws
) -> _Here:
    """Go to the target, or as far towards it as the cost falls."""
    origin, share = flattened(here.away), 1.0
    best, terms = np.split(target.mode, [len(origin)])
    for _ in range(HALVINGS):
        weights = network.shaped(origin + share * (best - origin))
        tried = _at(network, problem, precision, weights, terms)
        if tried.cost < here.cost:
            return tried
        share /= 2
    return here
