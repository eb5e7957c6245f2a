"""A neural field as prior: models that are the output of a small network of coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from scipy import linalg, sparse

from selfseis.inversion.neural_field import Network, Weights, flattened
from selfseis.inversion.options import NeuralFieldOptions
from selfseis.inversion.posterior import Draws
from selfseis.inversion.priors import Setting
from selfseis.inversion.problem import LinearProblem, Noise
from selfseis.inversion.solvers import solve_sparse
from selfseis.inversion.whitened_system import System
from selfseis.typing import FloatArray


class NeuralPrior:
    """Models that are the output of a small network whose input is the position of a cell.

    The inputs are sines and cosines of random directions (Fourier features, Tancik et al., 2020, arXiv:2006.10739).
    The weights have independent unit Gaussian priors. Gauss-Newton steps find the most plausible weights. In model
    space these are steps under the tangent kernel of the network (Jacot et al., 2018, arXiv:1806.07572), and they
    need no derivative of the operator. Posterior draws come from the network linearised at these weights.

    Parameters
    ----------
    coordinates : ndarray, shape (n_cells, n_dimensions)
        Position of each cell in km.
    scales : sequence of float
        Candidates for the smallest scale of the features in km.
    sizes : sequence of float
        Candidates for the typical size of a model value, in its units.
    n_fields : int
        Number of fields on these cells, one after another in the model.
    nonnegative : bool
        Whether models must not be negative: the output passes a softplus.
    name : str
    """

    def __init__(
        self,
        coordinates: FloatArray,
        scales: Sequence[float],
        sizes: Sequence[float] = (1.0,),
        *,
        n_fields: int = 1,
        nonnegative: bool = False,
        name: str = "neural field",
    ) -> None:
        self.coordinates = coordinates
        self.scales = tuple(scales)
        self.sizes = tuple(sizes)
        self.n_fields = n_fields
        self.nonnegative = nonnegative
        self.name = name

    def settings(self) -> list[Setting]:
        """Return every pair of a scale and a size."""
        return [{"scale": scale, "size": size} for scale, size in product(self.scales, self.sizes)]

    def network(self, setting: Setting, options: NeuralFieldOptions) -> Network:
        """Return the network of a setting, before any data."""
        return Network.drawn(
            self.coordinates, setting["scale"], setting["size"], np.random.default_rng(0),
            n_frequencies=options.n_frequencies, width=options.width, n_fields=self.n_fields,
            nonnegative=self.nonnegative, level=options.start if self.nonnegative else 0.0,
        )  # fmt: skip

    def solve(self, system: System, setting: Setting, rng: np.random.Generator, n_samples: int) -> Draws:
        """Return the most plausible unknowns and draws from their posterior."""
        if not system.problem.is_dense:
            raise ValueError(
                f"too many unknowns for a neural field ({system.n_unknowns}): choose another prior"
            )
        options = system.problem.options.neural_field
        network = self.network(setting, options)
        matrix, share = system.reduced
        n = system.problem.n_model

        def reduced(right: FloatArray) -> FloatArray:
            return np.asarray(right[:n] - share @ right[n:])

        best = system.right()
        weights = _gauss_newton(network, matrix, reduced(best), options)
        model, tangent = network.model(weights), network.tangent_kernel(weights)
        rights = np.array([system.noisy_right(rng) for _ in range(n_samples)]).reshape(
            n_samples, system.n_unknowns
        )
        models = [model, *_linearised(model, tangent, matrix, reduced(best), rights, share, rng)]
        found = [
            np.concatenate([values, system.best_nuisance(values, right)])
            for values, right in zip(models, [best, *rights], strict=True)
        ]
        return Draws(found[0], np.array(found[1:]).reshape(n_samples, system.n_unknowns))


def _gauss_newton(
    network: Network, matrix: FloatArray, right: FloatArray, options: NeuralFieldOptions
) -> Weights:
    """Minimise half the squared misfit and half the squared weights."""
    away = network.unmoved

    def cost(weights: Weights) -> float:
        model = network.model(weights)
        return float(model @ (matrix @ model / 2 - right) + sum(np.sum(w**2) for w in weights) / 2)

    present = cost(away)
    for _ in range(options.max_steps):
        kernel = network.tangent_kernel(away)
        base = network.model(away) - network.pushed(away, away)
        force = linalg.solve(np.eye(len(kernel)) + matrix @ kernel, right - matrix @ base, check_finite=False)
        target = network.pulled_back(away, force)
        share = 1.0
        for _ in range(options.max_halvings):
            tried = tuple(old + share * (new - old) for old, new in zip(away, target, strict=True))
            if (reached := cost(tried)) < present:
                break
            share /= 2
        else:
            return away
        gained, present, away = present - reached, reached, tried
        if gained < options.min_gain * abs(present):
            break
    return away


def _linearised(
    model: FloatArray,
    kernel: FloatArray,
    matrix: FloatArray,
    right: FloatArray,
    rights: FloatArray,
    share: FloatArray,
    rng: np.random.Generator,
) -> list[FloatArray]:
    """Return posterior draws: draws of the linearised prior, corrected by perturbed data."""
    if not len(rights):
        return []
    n = len(model)
    root = linalg.cholesky(kernel + 1e-9 * np.trace(kernel) / n * np.eye(n), lower=True)
    drawn = root @ rng.standard_normal((n, len(rights)))
    noise = (rights[:, :n] - rights[:, n:] @ share.T - right).T
    corrected = kernel @ linalg.solve(np.eye(n) + matrix @ kernel, noise - matrix @ drawn)
    return list(model + (drawn + corrected).T)


@dataclass(frozen=True)
class _State:
    """Weights, their best nuisance terms, and the cost: half the squared misfit plus half the squared unknowns."""

    away: Weights
    terms: FloatArray
    cost: float


def solve_network(
    problem: LinearProblem,
    row_precision: FloatArray,
    network: Network,
    *,
    n_samples: int = 0,
    seed: int = 0,
    start: FloatArray | None = None,
) -> Draws:
    """Return the most plausible output of a network, its nuisance terms, and draws from their posterior.

    The weights have independent unit Gaussian priors. Each step linearises the network to a dense matrix of visible
    data by weights, and conjugate gradients solve for weights and terms. Draws come from the network linearised at
    its best weights.

    Parameters
    ----------
    problem : LinearProblem
        With sparse operator and nuisance terms and uncorrelated noise.
    row_precision : ndarray, shape (n_data,)
        One over the noise variance; 0 for held-out data.
    network : Network
        Network for all model values.
    n_samples, seed : int
    start : ndarray, shape (n_unknowns,), optional
        Unknowns whose nuisance terms start the iteration.
    """
    options = problem.options.neural_field
    seen, visible, precision = _visible(problem, network, row_precision)
    n_model, n_weights = problem.n_model, flattened(network.start).size
    terms = np.zeros(problem.n_nuisance) if start is None else start[n_model:]
    here = _at(seen, visible, precision, network.unmoved, terms)
    unit = sparse.csr_array(sparse.eye_array(n_weights))

    def solved(here: _State, n_samples: int) -> Draws:
        linear = _linearised_rows(seen, visible, here.away)
        origin = np.concatenate([flattened(here.away), here.terms])
        return solve_sparse(linear, precision, unit, n_samples=n_samples, seed=seed, start=origin)

    for _ in range(options.max_sparse_steps):
        base, here = here, _stepped(seen, visible, precision, here, solved(here, 0))
        if base.cost - here.cost < options.min_sparse_gain * base.cost:
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
    problem: LinearProblem, network: Network, row_precision: FloatArray
) -> tuple[Network, LinearProblem, FloatArray]:
    """Return the network on the cells that visible data constrain, the problem of these data, and their precision."""
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


def _linearised_rows(network: Network, problem: LinearProblem, away: Weights) -> LinearProblem:
    """Return the problem linearised about given weights; its unknowns are the weights."""
    operator = problem.operator
    kind = operator.dtype
    columns = np.hstack([operator @ block for block in network.derivative(away, kind)])
    base = operator @ network.model(away).astype(kind) - columns @ flattened(away).astype(kind)
    return replace(problem, operator=columns, data=problem.data - base)


def _at(
    network: Network, problem: LinearProblem, precision: FloatArray, away: Weights, terms: FloatArray
) -> _State:
    """Return the state with the best nuisance terms for given weights; `terms` starts the iteration."""
    assert problem.nuisance is not None
    left = problem.data - problem.operator @ network.model(away).astype(problem.operator.dtype)
    start = np.concatenate([np.zeros(problem.n_model), terms])
    terms = solve_sparse(problem.with_data(left), precision, None, start=start).mode[problem.n_model :]
    left = left - problem.nuisance @ terms
    squares = (precision @ left**2, np.sum(flattened(away) ** 2), problem.nuisance_precision @ terms**2)
    return _State(away, terms, float(sum(squares)) / 2)


def _stepped(
    network: Network, problem: LinearProblem, precision: FloatArray, here: _State, target: Draws
) -> _State:
    """Step to the target, or halve the step until the cost falls."""
    origin, share = flattened(here.away), 1.0
    best, terms = np.split(target.mode, [len(origin)])
    for _ in range(problem.options.neural_field.max_sparse_halvings):
        weights = network.shaped(origin + share * (best - origin))
        tried = _at(network, problem, precision, weights, terms)
        if tried.cost < here.cost:
            return tried
        share /= 2
    return here
