"""Training the network that sees onsets, in stages: first on synthetic onsets, then on what the array has taught."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from selfseis.pick.synthetic_examples import ExampleMaker, Examples
from selfseis.training import FitProgress, fit

ProgressCallback = Callable[[FitProgress], None]
BATCH = 12
ONSET_WEIGHT = 4.0  # of a sample at an onset against one elsewhere: onsets are rare
JUDGED = 192  # hidden windows on which the best network is chosen
CHECK_EVERY = 250


def train(
    net: nn.Module,
    maker: ExampleMaker,
    *,
    steps: int,
    learning_rate: float,
    seed: int,
    checkpoint: Path | None = None,
    progress: ProgressCallback | None = None,
) -> FitProgress:
    """Train a network in place for a stage.

    The stage that has only synthetic onsets keeps the network that is best on hidden noise. One with a lesson keeps the
    last: synthetic onsets cannot judge what real ones taught.

    Parameters
    ----------
    net : nn.Module
        The network.
    maker : ExampleMaker
        Draws examples.
    steps : int
        Steps of training.
    learning_rate : float
        The largest.
    seed : int
        Seed of the draws.
    checkpoint : Path, optional
        Folder from which an interrupted stage goes on.
    progress : callable, optional
        Called with the progress after every 250 steps.
    """
    judged = maker.synthetic(np.random.default_rng([seed, 1]), JUDGED, hidden=True)
    looks = 0

    def hidden_loss(net: nn.Module) -> float:
        nonlocal looks
        looks += 1
        return (
            float(np.mean([_loss(net, part).item() for part in _halves(judged)]))
            if maker.pseudo_labels is None
            else -looks
        )

    return fit(
        net,
        lambda net, rng: _loss(net, maker.draw(rng, BATCH)),
        hidden_loss,
        max_steps=steps,
        check_every=CHECK_EVERY,
        patience=steps,
        learning_rate=learning_rate,
        seed=seed,
        checkpoint=checkpoint,
        progress=progress,
    )


def _loss(net: nn.Module, examples: Examples) -> Tensor:
    with _half_precision():
        logits = net(torch.from_numpy(examples.windows))
    weights = torch.from_numpy(examples.weights)
    loss = nn.functional.binary_cross_entropy_with_logits(
        logits.float(),
        torch.from_numpy(examples.labels),
        pos_weight=torch.tensor(ONSET_WEIGHT),
        reduction="none",
    )
    return (loss * weights).sum() / (2 * weights.sum()).clamp_min(1)


def _half_precision() -> AbstractContextManager:
    """Multiply in bfloat16 where the processor can: it takes half the time."""
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"):
        return torch.autocast("cpu", torch.bfloat16)
    return nullcontext()


def _halves(examples: Examples) -> list[Examples]:
    parts = (np.array_split(values, 8) for values in (examples.windows, examples.labels, examples.weights))
    return [Examples(*part) for part in zip(*parts, strict=True)]
