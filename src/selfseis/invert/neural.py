"""A neural field as prior: models that a small network of coordinates draws easily."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from selfseis.invert.network import Network, Weights
from selfseis.invert.priors import Setting
from selfseis.invert.solve import Draws
from selfseis.invert.system import System

Floats = NDArray[np.float64]

N_FREQUENCIES = 24
WIDTH = 48
STEPS = 6
HALVINGS = 4


class NeuralPrior:
    """Models that are the output of a small network whose input is where a cell lies.

    The network sees sines and cosines of random directions (Fourier features, Tancik et al., 2020,
    arXiv:2006.10739). Its weights have independent unit Gaussian priors; the most plausible ones are found by
    Gauss-Newton steps, which in the space of the model are steps under the network's tangent kernel (Jacot et al.,
    2018, arXiv:1806.07572) and need no derivative of the operator. Draws are those of the network linearised there.

    Parameters
    ----------
    coordinates : ndarray, shape (n_cells, n_dimensions)
        Place of each cell in km.
    scales : sequence of float
        Candidates of the smallest scale of the features in km.
    sizes : sequence of float
        Candidates of the size of a model value that is nothing special, in its units.
    n_fields : int
        Number of fields on these cells, one after another in the model.
    nonnegative : bool
        Whether models must not be negative: the output passes a softplus.
    name : str
    """

    def __init__(
        self,
        coordinates: Floats,
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

    def solve(self, system: System, setting: Setting, rng: np.random.Generator, n_samples: int) -> Draws:
        """Return the most plausible unknowns and draws from their posterior."""
        if not system.problem.is_dense:
            raise ValueError("a neural field needs a problem that is small enough for normal equations")
        network = Network.drawn(
            self.coordinates, setting["scale"], setting["size"], np.random.default_rng(0),
            n_frequencies=N_FREQUENCIES, width=WIDTH, n_fields=self.n_fields, nonnegative=self.nonnegative,
        )  # fmt: skip
        matrix, share = system.reduced
        n = system.problem.n_model

        def reduced(right: Floats) -> Floats:
            return np.asarray(right[:n] - share @ right[n:])

        best = system.right()
        weights = _gauss_newton(network, matrix, reduced(best))
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


def _gauss_newton(network: Network, matrix: Floats, right: Floats) -> Weights:
    """Minimise half the squared misfit and half the squared weights."""
    away = network.unmoved

    def cost(weights: Weights) -> float:
        model = network.model(weights)
        return float(model @ (matrix @ model / 2 - right) + sum(np.sum(w**2) for w in weights) / 2)

    present = cost(away)
    for _ in range(STEPS):
        kernel = network.tangent_kernel(away)
        base = network.model(away) - network.pushed(away, away)
        force = linalg.solve(np.eye(len(kernel)) + matrix @ kernel, right - matrix @ base, check_finite=False)
        target = network.pulled_back(away, force)
        share = 1.0
        for _ in range(HALVINGS):
            tried = tuple(old + share * (new - old) for old, new in zip(away, target, strict=True))
            if (reached := cost(tried)) < present:
                break
            share /= 2
        else:
            return away
        gained, present, away = present - reached, reached, tried
        if gained < 1e-3 * abs(present):
            break
    return away


def _linearised(
    model: Floats,
    kernel: Floats,
    matrix: Floats,
    right: Floats,
    rights: Floats,
    share: Floats,
    rng: np.random.Generator,
) -> list[Floats]:
    """Draw models about the best one: a draw of the linearised prior, corrected by the perturbed data."""
    if not len(rights):
        return []
    n = len(model)
    root = linalg.cholesky(kernel + 1e-9 * np.trace(kernel) / n * np.eye(n), lower=True)
    drawn = root @ rng.standard_normal((n, len(rights)))
    noise = (rights[:, :n] - rights[:, n:] @ share.T - right).T
    corrected = kernel @ linalg.solve(np.eye(n) + matrix @ kernel, noise - matrix @ drawn)
    return list(model + (drawn + corrected).T)
