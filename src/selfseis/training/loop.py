"""Training loop with early stopping on validation data and with checkpoints.

A task provides a network, a function that draws a training loss and one that measures the loss on validation data.
The same seed gives the same network, whether or not the training was interrupted.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from selfseis.errors import InputError
from selfseis.io.atomic import replacing

DrawLoss = Callable[[nn.Module, np.random.Generator], Tensor]
ValidationLoss = Callable[[nn.Module], float]
ProgressCallback = Callable[["FitProgress"], None]


@dataclass
class FitProgress:
    """Progress of a training.

    Attributes
    ----------
    step, max_steps : int
        Number of steps so far, and its maximum.
    best_step : int
        Step of the best network on validation data, which is kept.
    best_loss : float
        Its loss on validation data.
    history : list of (int, float)
        Step and loss on validation data, in order.
    seconds : float
        Total time in s, including that before interruptions.
    """

    step: int = 0
    max_steps: int = 0
    best_step: int = 0
    best_loss: float = float("inf")
    history: list[tuple[int, float]] = field(default_factory=list)
    seconds: float = 0.0


@contextmanager
def one_thread() -> Iterator[None]:
    """Run on one thread: small networks gain nothing from more, and are much slower on a shared processor."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@one_thread()
def fit(
    net: nn.Module,
    draw_loss: DrawLoss,
    validation_loss: ValidationLoss,
    *,
    max_steps: int,
    max_seconds: float = float("inf"),
    check_every: int = 50,
    patience: int = 6,
    learning_rate: float = 1e-3,
    seed: int = 0,
    checkpoint: Path | None = None,
    progress: ProgressCallback | None = None,
) -> FitProgress:
    """Train a network with early stopping, and restore its best weights on validation data.

    Parameters
    ----------
    net : nn.Module
        The network, changed in place.
    draw_loss : callable
        ``draw_loss(net, rng)`` returns a loss on training data, drawn with `rng`.
    validation_loss : callable
        ``validation_loss(net)`` returns the loss on validation data.
    max_steps : int
        Maximum number of steps.
    max_seconds : float
        Maximum time in s; the result then depends on the machine.
    check_every : int
        Steps between validations.
    patience : int
        Number of validations without an improvement after which the training stops.
    learning_rate : float
        Learning rate of Adam, which decays to zero as half a cosine.
    seed : int
        Seed of the random draws.
    checkpoint : Path, optional
        A folder. The training continues from a checkpoint in it, if there is one.
    progress : callable, optional
        Called with the progress after every validation.

    Returns
    -------
    FitProgress

    Raises
    ------
    InputError
        If the checkpoint is damaged or belongs to another network.
    """
    state = _State(net, learning_rate, seed, FitProgress(max_steps=max_steps))
    if checkpoint is not None:
        state.resume(checkpoint)
    fit_progress = state.fit_progress
    if not fit_progress.history:
        state.validate(validation_loss)
    started, spent = time.perf_counter(), fit_progress.seconds
    while fit_progress.step < max_steps and fit_progress.seconds < max_seconds:
        _step(state, draw_loss, learning_rate)
        fit_progress.seconds = spent + time.perf_counter() - started
        if fit_progress.step % check_every and fit_progress.step != max_steps:
            continue
        state.validate(validation_loss)
        if checkpoint is not None:
            state.save(checkpoint)
        if progress is not None:
            progress(fit_progress)
        if fit_progress.step - fit_progress.best_step >= patience * check_every:
            break
    net.load_state_dict(state.best)
    return fit_progress


def _step(state: _State, draw_loss: DrawLoss, learning_rate: float) -> None:
    fit_progress = state.fit_progress
    warm = min(1.0, (fit_progress.step + 1) / 20)
    for group in state.optimiser.param_groups:
        group["lr"] = (
            learning_rate * warm * 0.5 * (1 + np.cos(np.pi * fit_progress.step / fit_progress.max_steps))
        )
    state.net.train()
    state.optimiser.zero_grad()
    draw_loss(state.net, state.rng).backward()
    nn.utils.clip_grad_norm_(state.net.parameters(), 1.0)
    state.optimiser.step()
    fit_progress.step += 1


class _State:
    """State of a training that a checkpoint stores: weights, best weights, optimiser, progress, random numbers."""

    def __init__(self, net: nn.Module, learning_rate: float, seed: int, fit_progress: FitProgress) -> None:
        self.net = net
        self.optimiser = torch.optim.Adam(net.parameters(), lr=learning_rate, betas=(0.9, 0.98))
        self.rng = np.random.default_rng(seed)
        self.fit_progress = fit_progress
        self.best = _copied(net)

    def validate(self, validation_loss: ValidationLoss) -> None:
        self.net.eval()
        with torch.no_grad():
            loss = float(validation_loss(self.net))
        self.fit_progress.history.append((self.fit_progress.step, loss))
        if loss < self.fit_progress.best_loss:
            self.fit_progress.best_loss, self.fit_progress.best_step = loss, self.fit_progress.step
            self.best = _copied(self.net)

    def save(self, folder: Path) -> None:
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        tensors = {f"net.{k}": v.contiguous() for k, v in self.net.state_dict().items()}
        tensors |= {f"best.{k}": v.contiguous() for k, v in self.best.items()}
        for number, values in self.optimiser.state_dict()["state"].items():
            tensors |= {f"adam.{number}.{k}": torch.as_tensor(v) for k, v in values.items()}
        position = {"progress": vars(self.fit_progress), "random": self.rng.bit_generator.state}
        with replacing(folder / "checkpoint.safetensors") as path:
            save_file(tensors, path, metadata={"position": json.dumps(position)})

    def resume(self, folder: Path) -> None:
        from safetensors import SafetensorError

        path = folder / "checkpoint.safetensors"
        if not path.exists():
            return
        try:
            self._restore(path)
        except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise InputError(
                f"the checkpoint {path} is damaged or belongs to another training: remove it to train from the start"
            ) from error

    def _restore(self, path: Path) -> None:
        from safetensors import safe_open

        with safe_open(path, "pt") as file:
            position = json.loads(file.metadata()["position"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        self.net.load_state_dict(_below(tensors, "net."))
        self.best = _below(tensors, "best.")
        self.optimiser.load_state_dict(self._optimiser_state(_below(tensors, "adam.")))
        self.rng.bit_generator.state = position["random"]
        position["progress"]["history"] = [tuple(entry) for entry in position["progress"]["history"]]
        self.fit_progress = FitProgress(**(position["progress"] | {"max_steps": self.fit_progress.max_steps}))

    def _optimiser_state(self, tensors: dict[str, Tensor]) -> dict[str, Any]:
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            number, key = name.split(".")
            state.setdefault(int(number), {})[key] = value
        return {"state": state, "param_groups": self.optimiser.state_dict()["param_groups"]}


def _copied(net: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in net.state_dict().items()}


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}
