"""Training of the picking network in stages: on synthetic onsets first, then also on pseudo-labels."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from selfseis.pick.options import TrainingOptions
from selfseis.pick.synthetic_examples import ExampleMaker, Examples
from selfseis.training import FitProgress, fit

ProgressCallback = Callable[[FitProgress], None]


def train(
    net: nn.Module,
    maker: ExampleMaker,
    *,
    steps: int,
    learning_rate: float,
    seed: int,
    options: TrainingOptions,
    checkpoint: Path | None = None,
    progress: ProgressCallback | None = None,
) -> FitProgress:
    """Train a network in place for one stage.

    A stage with synthetic onsets only keeps the network with the smallest loss on held-out noise. A stage with
    pseudo-labels keeps the last network, because synthetic onsets cannot validate training on real ones.

    Parameters
    ----------
    net : nn.Module
        The network.
    maker : ExampleMaker
        Source of the examples.
    steps : int
        Number of training steps.
    learning_rate : float
        Maximum learning rate.
    seed : int
        Seed of the random draws.
    options : TrainingOptions
        Size of a batch, weight of onsets, and validation.
    checkpoint : Path, optional
        Folder for the checkpoint from which an interrupted stage resumes.
    progress : callable, optional
        Called with the progress after every validation.
    """
    n_windows, weight = options.n_validation_windows, options.onset_weight
    validation = maker.synthetic(np.random.default_rng([seed, 1]), n_windows, held_out=True)
    n_checks = 0

    def validation_loss(net: nn.Module) -> float:
        nonlocal n_checks
        n_checks += 1
        if maker.pseudo_labels is not None:
            return -n_checks  # a falling loss keeps the last network
        return float(np.mean([loss_of(net, part, weight).item() for part in batches_of(validation)]))

    return fit(
        net,
        lambda net, rng: loss_of(net, maker.draw(rng, options.batch_size), weight),
        validation_loss,
        max_steps=steps,
        check_every=options.check_every,
        patience=steps,
        learning_rate=learning_rate,
        seed=seed,
        checkpoint=checkpoint,
        progress=progress,
    )


def loss_of(net: nn.Module, examples: Examples, onset_weight: float) -> Tensor:
    """Return the cross-entropy of the network on examples; samples at onsets weigh more."""
    with _half_precision():
        logits = net(torch.from_numpy(examples.windows))
    weights = torch.from_numpy(examples.weights)
    loss = nn.functional.binary_cross_entropy_with_logits(
        logits.float(),
        torch.from_numpy(examples.labels),
        pos_weight=torch.tensor(onset_weight),
        reduction="none",
    )
    return (loss * weights).sum() / (2 * weights.sum()).clamp_min(1)


def _half_precision() -> AbstractContextManager:
    """Use bfloat16 where the processor supports it, which halves the time."""
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"):
        return torch.autocast("cpu", torch.bfloat16)
    return nullcontext()


def batches_of(examples: Examples) -> list[Examples]:
    """Return the examples in eight parts."""
    parts = (np.array_split(values, 8) for values in (examples.windows, examples.labels, examples.weights))
    return [Examples(*part) for part in zip(*parts, strict=True)]
