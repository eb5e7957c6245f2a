"""A small network of coordinates: its output on all cells and the derivatives with respect to its weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from selfseis.typing import FloatArray, IntArray

Weights = tuple[FloatArray, ...]


@dataclass(frozen=True)
class Network:
    """A network with two hidden layers, as a function of the change of its weights from their initial values.

    Attributes
    ----------
    features : ndarray, shape (n_cells, 2 * n_frequencies)
        Sines and cosines of random directions (Fourier features, Tancik et al., 2020, arXiv:2006.10739).
    start : tuple of ndarray
        Initial weights of each layer.
    size : float or ndarray, shape (n_cells, 1)
        Factor on the output.
    nonnegative : bool
        Whether the output passes a softplus.
    level : float
        Output before the softplus with the initial weights.
    """

    features: FloatArray
    start: Weights
    size: FloatArray | float
    nonnegative: bool
    level: float = 0.0

    @classmethod
    def drawn(
        cls,
        coordinates: FloatArray,
        scale: float,
        size: FloatArray | float,
        rng: np.random.Generator,
        *,
        n_frequencies: int,
        width: int,
        n_fields: int = 1,
        nonnegative: bool = False,
        level: float = 0.0,
    ) -> Network:
        """Return a network with random initial weights.

        Parameters
        ----------
        coordinates : ndarray, shape (n_cells, n_dimensions)
        scale : float
            Smallest scale of the features, in the units of the coordinates.
        size : float or ndarray, shape (n_cells, 1)
        rng : numpy.random.Generator
        n_frequencies, width : int
            Number of random directions, and of units in a hidden layer.
        n_fields : int
            Number of outputs.
        nonnegative : bool
        level : float
            Output before the softplus with the initial weights.
        """
        place = coordinates - coordinates.mean(axis=0)
        phase = place @ rng.standard_normal((place.shape[1], n_frequencies)) / scale
        features = np.concatenate([np.sin(phase), np.cos(phase)], axis=1)
        sides = (features.shape[1], width, width, n_fields)
        start = tuple(rng.standard_normal((n_in + 1, n_out)) for n_in, n_out in pairwise(sides))
        return cls(features, start, size, nonnegative, level)

    def at(self, cells: IntArray) -> Network:
        """Return the same network on some of the cells."""
        size = self.size[cells] if isinstance(self.size, np.ndarray) else self.size
        return replace(self, features=self.features[cells], size=size)

    @property
    def unmoved(self) -> Weights:
        """Zero change of the weights."""
        return tuple(np.zeros_like(start) for start in self.start)

    def shaped(self, flat: FloatArray) -> Weights:
        """Return a flat array of weights as layers; the inverse of `flattened`."""
        ends = np.cumsum([start.size for start in self.start])[:-1]
        parts = np.split(flat, ends)
        return tuple(part.reshape(start.shape) for part, start in zip(parts, self.start, strict=True))

    def _layers(self, weights: Weights) -> tuple[list[FloatArray], FloatArray]:
        """Return the inputs of each layer and the output of the last; each is scaled by its number of inputs."""
        entering = [_with_one(self.features)]
        for weight in weights[:-1]:
            entering.append(_with_one(np.tanh(entering[-1] @ weight)))
        return entering, entering[-1] @ weights[-1]

    def _moved(self, away: Weights) -> Weights:
        return tuple(start + step for start, step in zip(self.start, away, strict=True))

    def _raw(self, away: Weights) -> FloatArray:
        """Return the output before the softplus; with the initial weights it is `level` everywhere."""
        return self._layers(self._moved(away))[1] - self._layers(self.start)[1] + self.level

    def model(self, away: Weights) -> FloatArray:
        """Return the output on all cells, field after field; (n_model,)."""
        raw = self._raw(away)
        return np.asarray(self.size * (np.logaddexp(0, raw) if self.nonnegative else raw)).T.ravel()

    def _signals(self, away: Weights) -> tuple[list[FloatArray], list[FloatArray]]:
        """Return the inputs of each layer, and the derivative of each output with respect to its outputs."""
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

    def tangent_kernel(self, away: Weights) -> FloatArray:
        """Return the prior covariance of the model under the linearised network; (n_model, n_model)."""
        entering, signals = self._signals(away)
        n_fields, n_cells = signals[0].shape[:2]
        kernel = np.zeros((n_fields, n_cells, n_fields, n_cells))
        for inside, signal in zip(entering, signals, strict=True):
            flat = signal.reshape(n_fields * n_cells, -1)
            kernel += (flat @ flat.T).reshape(kernel.shape) * (inside @ inside.T)[None, :, None, :]
        return kernel.reshape(n_fields * n_cells, -1)

    def pulled_back(self, away: Weights, force: FloatArray) -> Weights:
        """Multiply the transposed Jacobian by a vector in model space."""
        entering, signals = self._signals(away)
        pulled = force.reshape(signals[0].shape[0], -1, 1)
        return tuple(
            inside.T @ (pulled * signal).sum(axis=0) for inside, signal in zip(entering, signals, strict=True)
        )

    def pushed(self, away: Weights, step: Weights) -> FloatArray:
        """Multiply the Jacobian by a step of the weights; (n_model,)."""
        entering, signals = self._signals(away)
        return np.concatenate(
            [
                sum(
                    np.sum((inside @ weight) * signal[field], axis=1)
                    for inside, weight, signal in zip(entering, step, signals, strict=True)
                )
                for field in range(signals[0].shape[0])
            ]
        )

    def derivative(self, away: Weights, kind: DTypeLike = float) -> Iterator[NDArray[Any]]:
        """Yield the Jacobian of the model for the weights of each layer; (n_model, n_weights of the layer)."""
        for inside, signal in zip(*self._signals(away), strict=True):
            product = inside.astype(kind)[None, :, :, None] * signal.astype(kind)[:, :, None, :]
            yield product.reshape(signal[..., 0].size, -1)


def flattened(weights: Weights) -> FloatArray:
    """Return the weights of all layers one after another; (n_weights,)."""
    return np.concatenate([weight.ravel() for weight in weights])


def _inputs(n_inputs: int) -> float:
    return float(np.sqrt(n_inputs))


def _with_one(values: FloatArray) -> FloatArray:
    """Divide inputs by the root of their number, and prepend the input of the biases."""
    return np.column_stack([np.ones(len(values)), values / _inputs(values.shape[1])])


def _logistic(values: FloatArray) -> FloatArray:
    return np.asarray(0.5 * (1 + np.tanh(values / 2)))
