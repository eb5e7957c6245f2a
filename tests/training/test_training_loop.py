"""The training loop keeps the best network on validation data, and interruptions do not change it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from selfseis.errors import InputError
from selfseis.training import FitProgress, fit

TRUTH = torch.tensor([[1.0, -2.0, 0.5]])


class InterruptionError(Exception):
    """Interruption of a training, as by Ctrl-C."""


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))


def draw_loss(model: nn.Module, rng: np.random.Generator) -> Tensor:
    x = torch.from_numpy(rng.standard_normal((16, 3)).astype(np.float32))
    return (model(x) - torch.tanh(x @ TRUTH.T)).square().mean()


def validation_loss(model: nn.Module) -> float:
    x = torch.from_numpy(np.random.default_rng(99).standard_normal((64, 3)).astype(np.float32))
    return float((model(x) - torch.tanh(x @ TRUTH.T)).square().mean())


def interrupt_at(step: int) -> Callable[[FitProgress], None]:
    def progress(progress: FitProgress) -> None:
        if progress.step >= step:
            raise InterruptionError

    return progress


def weights(model: nn.Module) -> Tensor:
    return nn.utils.parameters_to_vector(model.parameters()).detach()


def train(model: nn.Module, **keywords) -> FitProgress:
    settings = {"max_steps": 120, "check_every": 20, "learning_rate": 0.01, "seed": 3} | keywords
    return fit(model, draw_loss, validation_loss, **settings)


def test_the_loss_decreases_and_progress_is_reported() -> None:
    model, seen = net(), []
    progress = train(model, progress=lambda p: seen.append((p.step, p.max_steps)))
    assert seen == [(step, 120) for step in range(20, 121, 20)]
    assert [step for step, _ in progress.history] == list(range(0, 121, 20))
    assert progress.best_loss < 0.6 * progress.history[0][1]
    assert progress.best_loss == min(loss for _, loss in progress.history)


@pytest.mark.parametrize("interruptions", [[20], [60], [20, 40, 100]])
def test_a_resumed_training_gives_the_same_bits(tmp_path, interruptions) -> None:
    whole, pieces = net(), net()
    expected = train(whole)
    for step in interruptions:
        with pytest.raises(InterruptionError):
            train(pieces, checkpoint=tmp_path, progress=interrupt_at(step))
        torch.manual_seed(1234)
        pieces = net()
        with torch.no_grad():
            pieces[0].weight += 1  # whatever the new network starts as
    progress = train(pieces, checkpoint=tmp_path)
    assert torch.equal(weights(pieces), weights(whole))
    assert progress.history == expected.history
    assert (progress.best_step, progress.best_loss) == (expected.best_step, expected.best_loss)


def test_a_finished_training_is_not_repeated(tmp_path) -> None:
    first, second = net(), net()
    train(first, checkpoint=tmp_path)

    def no_more(model: nn.Module, rng: np.random.Generator) -> Tensor:
        raise AssertionError("a step was made")

    fit(second, no_more, validation_loss, max_steps=120, check_every=20, seed=3, checkpoint=tmp_path)
    assert torch.equal(weights(first), weights(second))


def test_another_seed_gives_another_network() -> None:
    one, other = net(), net()
    train(one), train(other, seed=4)
    assert not torch.equal(weights(one), weights(other))


def test_the_best_network_is_kept_and_patience_ends() -> None:
    """The validation loss falls until step 40 and then rises."""
    model, validations, kept = net(), [], {}

    def rising_after_40(candidate: nn.Module) -> float:
        step = 20 * len(validations)
        validations.append(step)
        kept[step] = weights(candidate).clone()
        return abs(step - 40) + 1.0

    progress = fit(model, draw_loss, rising_after_40, max_steps=1000, check_every=20, patience=3, seed=0)
    assert progress.best_step == 40 and progress.best_loss == 1.0
    assert progress.step == 100
    assert torch.equal(weights(model), kept[40])


def test_a_network_that_only_gets_worse_is_left_as_it_was() -> None:
    model, validations = net(), []

    def worse(candidate: nn.Module) -> float:
        validations.append(1)
        return float(len(validations))

    before = weights(model).clone()
    assert fit(model, draw_loss, worse, max_steps=60, check_every=20).best_step == 0
    assert torch.equal(weights(model), before)


def test_the_time_limit_stops_the_training() -> None:
    progress = train(net(), max_seconds=0.0)
    assert progress.step == 0 and len(progress.history) == 1


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "foreign"])
def test_a_damaged_checkpoint_is_named(tmp_path, damage) -> None:
    train(net(), checkpoint=tmp_path, max_steps=20)
    path: Path = tmp_path / "checkpoint.safetensors"
    whole = path.read_bytes()
    path.write_bytes(
        {
            "truncated": whole[: len(whole) // 2],
            "flipped": b"\xff" + whole[1:],
            "empty": b"",
            "foreign": b"PK\x03\x04" * 9,
        }[damage]
    )
    with pytest.raises(InputError, match=r"checkpoint.*remove it"):
        train(net(), checkpoint=tmp_path)


def test_a_checkpoint_of_another_network_is_named(tmp_path) -> None:
    train(net(), checkpoint=tmp_path, max_steps=20)
    with pytest.raises(InputError, match=r"checkpoint.*remove it"):
        train(nn.Sequential(nn.Linear(3, 1)), checkpoint=tmp_path)


def test_no_temporary_file_stays(tmp_path) -> None:
    train(net(), checkpoint=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.safetensors"]
