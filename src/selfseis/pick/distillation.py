"""Adapting a trained network to a recording without forgetting: training with distillation to the frozen parent.

The loss has two parts: the cross-entropy of onsets in the recording's own noise, and the divergence from the softened
outputs of the parent (Hinton, Vinyals and Dean, 2015, arXiv:1503.02531). Statistics of batch normalisation stay those
of the parent.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from selfseis.pick.options import AdaptationOptions
from selfseis.pick.synthetic_examples import ExampleMaker, Examples
from selfseis.training import FitProgress, fit


class _Frozen(nn.Module):
    """A network that stays in evaluation mode while its weights are trained: no dropout, constant statistics."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net.eval()

    def train(self, mode: bool = True) -> _Frozen:
        super().train(False)
        return self

    def forward(self, windows: Tensor) -> Tensor:
        logits: Tensor = self.net(windows)
        return logits


def adapted_network(
    parent: nn.Module,
    maker: ExampleMaker,
    options: AdaptationOptions,
    *,
    n_steps: int,
    seed: int,
    checkpoint: Path | None = None,
    progress: Callable[[FitProgress], None] | None = None,
) -> nn.Module:
    """Train a copy of a network on examples from a recording, held close to the parent.

    Parameters
    ----------
    parent : nn.Module
        The trained network; it is not changed. It maps windows (n, 3, n_samples) to logits (n, 2, n_samples); an
        attribute ``n_samples`` states the length of its windows, if that is fixed.
    maker : ExampleMaker
        Source of the examples. Longer windows are cut at random, shorter ones mirrored at their end.
    options : AdaptationOptions
        Learning rate, weight and temperature of the distillation.
    n_steps : int
        Number of training steps.
    seed : int
        Seed of the examples.
    checkpoint : Path, optional
        Folder for the checkpoint from which an interrupted training resumes.
    progress : callable, optional
        Called with the progress after every ``check_every`` steps.

    Returns
    -------
    nn.Module
        The adapted network of the last step.
    """
    parent = copy.deepcopy(parent).eval().requires_grad_(False)
    child = _Frozen(copy.deepcopy(parent).requires_grad_(True))
    n_samples = int(getattr(parent, "n_samples", maker.n_samples))
    n_checks = 0

    def loss(net: nn.Module, rng: np.random.Generator) -> Tensor:
        examples = resized(maker.draw(rng, options.batch_size), n_samples, rng)
        return distillation_loss(net, parent, examples, options)

    def falling(net: nn.Module) -> float:
        nonlocal n_checks
        n_checks += 1
        return -n_checks  # keeps the last network: synthetic onsets cannot choose among real ones

    fit(
        child,
        loss,
        falling,
        max_steps=n_steps,
        check_every=options.check_every,
        patience=n_steps,
        learning_rate=options.learning_rate,
        seed=seed,
        checkpoint=checkpoint,
        progress=progress,
    )
    return child.net.eval()


def distillation_loss(
    net: nn.Module, parent: nn.Module, examples: Examples, options: AdaptationOptions
) -> Tensor:
    """Return the cross-entropy on examples and the divergence from the parent's softened outputs, weighted.

    Parameters
    ----------
    net, parent : nn.Module
        The network in training, and the one that it started from.
    examples : Examples
        Windows as long as those of the networks.
    options : AdaptationOptions
        Weights and temperature.
    """
    windows = torch.from_numpy(examples.windows)
    weights, labels = torch.from_numpy(examples.weights), torch.from_numpy(examples.labels)
    logits = net(windows)
    with torch.no_grad():
        of_parent = parent(windows)
    cross_entropy = nn.functional.binary_cross_entropy_with_logits
    at_onsets = torch.tensor(options.onset_weight)
    onsets = cross_entropy(logits, labels, pos_weight=at_onsets, reduction="none") * weights
    hard = onsets.sum() / (2 * weights.sum()).clamp_min(1)
    softened = torch.sigmoid(of_parent / options.temperature)
    lowest = cross_entropy(of_parent / options.temperature, softened)
    soft = cross_entropy(logits / options.temperature, softened) - lowest
    share = options.parent_weight
    return (1 - share) * hard + share * options.temperature**2 * soft


def resized(examples: Examples, n_samples: int, rng: np.random.Generator) -> Examples:
    """Cut examples at random, or mirror them at their end, to a number of samples; mirrored samples have no weight.

    Parameters
    ----------
    examples : Examples
        Examples of any length.
    n_samples : int
        Wanted length.
    rng : Generator
        Draws the cuts.
    """
    length = examples.windows.shape[-1]
    if length == n_samples:
        return examples
    columns = (examples.windows, examples.labels, examples.weights)
    if length < n_samples:
        beyond = ((0, 0), (0, 0), (0, n_samples - length))
        modes = ("symmetric", "constant", "constant")
        return Examples(*(np.pad(c, beyond, mode=mode) for c, mode in zip(columns, modes, strict=True)))  # type: ignore[call-overload]
    firsts = rng.integers(length - n_samples + 1, size=len(examples.windows))
    return Examples(
        *(
            np.stack([row[:, first : first + n_samples] for row, first in zip(column, firsts, strict=True)])
            for column in columns
        )
    )
