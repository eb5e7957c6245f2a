"""The starting network: trained on generated noise and simulated onsets alone, it comes with the package.

No recording and no label went into it, so it favours no region, instrument or analyst. Every picker starts from it.
``benchmarks/train_starting_network.py`` trains it again and writes its file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import torch

from selfseis.networks.picking_unet import OnsetNet
from selfseis.pick.options import StartingNetworkOptions
from selfseis.pick.pseudo_labels import add_label
from selfseis.pick.synthetic_examples import Example, Examples, add_gap, noise_level, varied
from selfseis.pick.train_network import batches_of, loss_of
from selfseis.simulate.disturbances import add_disturbance
from selfseis.simulate.onsets import OnsetBank, OnsetPrior, add_event
from selfseis.simulate.station_noise import draw_noise_window
from selfseis.training import FitProgress, fit

WEIGHTS = "starting_network.safetensors"


def starting_network() -> OnsetNet:
    """Return the starting network of the package."""
    from safetensors.torch import load_file

    net = OnsetNet()
    with as_file(files("selfseis.pick") / WEIGHTS) as path:
        net.load_state_dict(load_file(path))
    return net.eval()


def train_starting_network(
    options: StartingNetworkOptions = StartingNetworkOptions(),
    *,
    seed: int = 0,
    checkpoint: Path | None = None,
    progress: Callable[[FitProgress], None] | None = None,
) -> OnsetNet:
    """Train the starting network from random weights.

    Parameters
    ----------
    options : StartingNetworkOptions
        Number of steps, windows, and shares of the kinds of examples.
    seed : int
        Seed of all random numbers.
    checkpoint : Path, optional
        Folder for the checkpoint from which an interrupted training resumes.
    progress : callable, optional
        Called with the progress after every validation.
    """
    torch.manual_seed(seed)
    net = OnsetNet()
    source = SimulatedExamples.draw_source(np.random.default_rng([seed, 2]), options)
    validation = batches_of(
        source.draw(np.random.default_rng([seed, 1]), options.n_validation_windows, options.lengths[0])
    )

    def training_loss(net: torch.nn.Module, rng: np.random.Generator) -> torch.Tensor:
        length = int(rng.choice(options.lengths, p=options.length_shares))
        return loss_of(net, source.draw(rng, options.batch_size, length), options.onset_weight)

    fit(
        net,
        training_loss,
        lambda net: float(np.mean([loss_of(net, part, options.onset_weight).item() for part in validation])),
        max_steps=options.n_steps,
        check_every=options.check_every,
        patience=options.n_steps,
        learning_rate=options.learning_rate,
        seed=seed,
        checkpoint=checkpoint,
        progress=progress,
    )
    return net


@dataclass(frozen=True)
class SimulatedExamples:
    """Source of training examples that need no recording.

    Attributes
    ----------
    bank : OnsetBank
        Wavelets.
    prior : OnsetPrior
        Prior distribution of arrivals.
    options : StartingNetworkOptions
        Shares of the kinds of examples.
    """

    bank: OnsetBank
    prior: OnsetPrior
    options: StartingNetworkOptions

    @classmethod
    def draw_source(cls, rng: np.random.Generator, options: StartingNetworkOptions) -> SimulatedExamples:
        """Return a source with random wavelets."""
        bank = OnsetBank.draw(
            rng, options.n_wavelets, options.examples.prior.max_wavelet, high_pass=options.high_pass
        )
        # Times are in samples here: the rate has no meaning.
        return cls(bank, OnsetPrior.at(100.0, options.examples.prior.s_minus_p), options)

    def draw(self, rng: np.random.Generator, n: int, n_samples: int) -> Examples:
        """Draw examples of a length in samples."""
        windows, labels, weights = zip(*(self._example(rng, n_samples) for _ in range(n)), strict=True)
        return Examples(np.stack(windows), np.stack(labels), np.stack(weights))

    def _example(self, rng: np.random.Generator, n_samples: int) -> Example:
        shares = self.options.examples
        window = draw_noise_window(rng, n_samples)
        level = noise_level(window)
        label = np.zeros((2, n_samples), np.float32)
        for _ in range(rng.choice(len(shares.n_events_shares), p=shares.n_events_shares)):
            onsets = add_event(window, level, self.prior, self.bank, rng)
            for row, of_phase in zip(label, onsets.of_phases, strict=True):
                for onset in of_phase:
                    add_label(row, onset, shares.label_sd)
        if rng.random() < shares.disturbed_share:
            for _ in range(rng.integers(1, 4)):
                add_disturbance(window, level, rng)
        window = varied(window, rng, shares)
        if rng.random() < shares.gap_share:
            add_gap(window, label, rng)
        return window, label, np.ones((1, n_samples), np.float32)
