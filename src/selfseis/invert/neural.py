"""A neural field as prior: models that a small network of coordinates draws easily."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from selfseis.invert.priors import Setting
from selfseis.invert.solve import Draws
from selfseis.invert.system import System

Floats = NDArray[np.float64]

N_FREQUENCIES = 24
WIDTH = 48
STEPS = 6
HALVINGS = 4
START = -1.0


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
        field = _Field.drawn(self, setting, np.random.default_rng(0))
        matrix, share = system.reduced
        n = system.problem.n_model

        def reduced(right: Floats) -> Floats:
            return np.asarray(right[:n] - share @ right[n:])

        best = system.right()
        weights = _gauss_newton(field, matrix, reduced(best))
        model, tangent = field.model(weights), field.tangent_kernel(weights)
        rights = np.array([system.noisy_right(rng) for _ in range(n_samples)]).reshape(
            n_samples, system.n_unknowns
        )
        models = [model, *_linearised(model, tangent, matrix, reduced(best), rights, share, rng)]
        found = [
            np.concatenate([values, system.best_nuisance(values, right)])
            for values, right in zip(models, [best, *rights], strict=True)
        ]
        return Draws(found[0], np.array(found[1:]).reshape(n_samples, system.n_unknowns))


@dataclass(frozen=True)
class _Field:
    """A network with two hidden layers, as a function of the distance of its weights from where they started."""

    features: Floats
    start: tuple[Floats, ...]
    size: float
    nonnegative: bool

    @classmethod
    def drawn(cls, prior: NeuralPrior, setting: Setting, rng: np.random.Generator) -> _Field:
        place = prior.coordinates - prior.coordinates.mean(axis=0)
        phase = place @ rng.standard_normal((place.shape[1], N_FREQUENCIES)) / setting["scale"]
        features = np.concatenate([np.sin(phase), np.cos(phase)], axis=1)
        sides = (features.shape[1], WIDTH, WIDTH, prior.n_fields)
        start = tuple(rng.standard_normal((n_in + 1, n_out)) for n_in, n_out in pairwise(sides))
        return cls(features, start, setting["size"], prior.nonnegative)

    def _layers(self, weights: tuple[Floats, ...]) -> tuple[list[Floats], Floats]:
        """Return what enters each layer, and what leaves the last one; each is scaled by its number of inputs."""
        entering = [_with_one(self.features)]
        for weight in weights[:-1]:
            entering.append(_with_one(np.tanh(entering[-1] @ weight)))
        return entering, entering[-1] @ weights[-1]

    def _moved(self, away: tuple[Floats, ...]) -> tuple[Floats, ...]:
        return tuple(start + step for start, step in zip(self.start, away, strict=True))

    def _raw(self, away: tuple[Floats, ...]) -> Floats:
        """Output before the softplus; where the weights have not moved it is the same everywhere."""
        start = START if self.nonnegative else 0.0
        return self._layers(self._moved(away))[1] - self._layers(self.start)[1] + start

    def model(self, away: tuple[Floats, ...]) -> Floats:
        raw = self._raw(away)
        return self.size * (np.logaddexp(0, raw) if self.nonnegative else raw).T.ravel()

    def _signals(self, away: tuple[Floats, ...]) -> tuple[list[Floats], list[Floats]]:
        """Return what enters each layer, and the change of each output with what leaves it (fields, cells, out)."""
        weights = self._moved(away)
        entering, _ = self._layers(weights)
        slope = self.size * (
            _logistic(self._raw(away)) if self.nonnegative else np.ones_like(self._raw(away))
        )
        n_fields = slope.shape[1]
        signal = np.stack([slope[:, [field]] * np.eye(n_fields)[field] for field in range(n_fields)])
        signals = [signal]
        for layer in range(len(weights) - 1, 0, -1):
            active = entering[layer][:, 1:] * _inputs(weights[layer - 1].shape[1])
            signal = signal @ weights[layer][1:].T / _inputs(weights[layer].shape[0] - 1) * (1 - active**2)
            signals.insert(0, signal)
        return entering, signals

    def tangent_kernel(self, away: tuple[Floats, ...]) -> Floats:
        """Return the prior covariance of the model under the linearised network; (n_model, n_model)."""
        entering, signals = self._signals(away)
        n_fields, n_cells = signals[0].shape[:2]
        kernel = np.zeros((n_fields, n_cells, n_fields, n_cells))
        for inside, signal in zip(entering, signals, strict=True):
            flat = signal.reshape(n_fields * n_cells, -1)
            kernel += (flat @ flat.T).reshape(kernel.shape) * (inside @ inside.T)[None, :, None, :]
        return kernel.reshape(n_fields * n_cells, -1)

    def pulled_back(self, away: tuple[Floats, ...], force: Floats) -> tuple[Floats, ...]:
        """Multiply the transposed derivative of the model in the weights by a vector of the model."""
        entering, signals = self._signals(away)
        pulled = force.reshape(signals[0].shape[0], -1, 1)
        return tuple(
            inside.T @ (pulled * signal).sum(axis=0) for inside, signal in zip(entering, signals, strict=True)
        )

    def pushed(self, away: tuple[Floats, ...]) -> Floats:
        """Multiply the derivative of the model in the weights, at these weights, by the weights; (n_model,)."""
        entering, signals = self._signals(away)
        return np.concatenate(
            [
                sum(
                    np.sum((inside @ weight) * signal[field], axis=1)
                    for inside, weight, signal in zip(entering, away, signals, strict=True)
                )
                for field in range(signals[0].shape[0])
            ]
        )


def _inputs(n_inputs: int) -> float:
    return float(np.sqrt(n_inputs))


def _with_one(values: Floats) -> Floats:
    """Scale inputs by the root of their number, and put the input of the biases first."""
    return np.column_stack([np.ones(len(values)), values / _inputs(values.shape[1])])


def _logistic(values: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(values / 2)))


def _gauss_newton(field: _Field, matrix: Floats, right: Floats) -> tuple[Floats, ...]:
    """Minimise half the squared misfit and half the squared weights."""
    away = tuple(np.zeros_like(start) for start in field.start)

    def cost(weights: tuple[Floats, ...]) -> float:
        model = field.model(weights)
        return float(model @ (matrix @ model / 2 - right) + sum(np.sum(w**2) for w in weights) / 2)

    present = cost(away)
    for _ in range(STEPS):
        kernel = field.tangent_kernel(away)
        base = field.model(away) - field.pushed(away)
        force = linalg.solve(np.eye(len(kernel)) + matrix @ kernel, right - matrix @ base, check_finite=False)
        target = field.pulled_back(away, force)
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
