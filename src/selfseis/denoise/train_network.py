"""Training of the blind network on the training samples of a recording."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from selfseis.denoise.line_filter import LineRidge
from selfseis.denoise.options import DenoiserOptions, TrainingOptions
from selfseis.denoise.slowness_range import measured_slownesses
from selfseis.denoise.training_data import Span
from selfseis.networks.blind_slant_net import BlindSlantNet
from selfseis.networks.slant_stacks import FRAME, GROUP, SlantStacks
from selfseis.training import FitProgress, fit
from selfseis.typing import BoolArray, Float32Array


def train_network(
    spans: list[Span],
    ridge: LineRidge,
    live: BoolArray,
    gain: Float32Array,
    *,
    max_steps: int,
    max_seconds: float | None,
    seed: int,
    options: DenoiserOptions,
    start: BlindSlantNet | None = None,
    checkpoint: Path | None = None,
    progress: Callable[[FitProgress], None] | None = None,
) -> tuple[BlindSlantNet | None, FitProgress]:
    """Train a network that weighs the ridge filter against slant stacks, with early stopping on validation samples.

    Parameters
    ----------
    spans : list of Span
        Conditioned data. The samples `train` and `validation` are used; `test` is not.
    ridge : LineRidge
        The filter to start from; it defines the blind zone.
    live : ndarray of bool, shape (n_channels,)
        Channels with data.
    gain : ndarray, shape (n_channels,)
        Prediction gain of each channel.
    options : DenoiserOptions
        Settings of the network, of its slownesses and of its training.
    start : BlindSlantNet, optional
        A trained network, from whose weights a shorter training starts.
    max_steps, max_seconds, seed, checkpoint, progress
        As for `selfseis.training.loop`.

    Returns
    -------
    net : BlindSlantNet or None
        None where the filter alone predicts the validation samples at least as well.
    progress : FitProgress
    """
    torch.manual_seed(seed)
    net = _network_to_tune(start, ridge.blind_zone) or BlindSlantNet(
        ridge.blind_zone, measured_slownesses(spans, ridge.blind_zone, options.slownesses), options.network
    )
    training = options.training
    training_spans = [_TrainingSpan(span, ridge, live, gain, net.stacks) for span in spans]
    fit_progress = fit(
        net,
        _TrainingLoss(training_spans, training),
        lambda trained: float(
            np.mean([one.validation_loss(trained, training.validation_samples) for one in training_spans])
        ),
        max_steps=max_steps if start is None else -(-max_steps // training.fine_tuning_divisor),
        max_seconds=max_seconds or float("inf"),
        check_every=training.check_every if start is None else training.fine_tuning_check_every,
        patience=training.patience,
        learning_rate=training.learning_rate if start is None else training.fine_tuning_rate,
        seed=seed,
        checkpoint=checkpoint,
        progress=progress,
    )
    filter_loss = float(np.mean([one.reference_loss() for one in training_spans]))
    return (net if fit_progress.best_loss < filter_loss else None), fit_progress


def _network_to_tune(start: BlindSlantNet | None, blind_zone: int) -> BlindSlantNet | None:
    """Return a copy of a network with another blind zone, on which its weights do not depend."""
    if start is None:
        return None
    net = BlindSlantNet(blind_zone, start.stacks.slownesses, start.options)
    net.load_state_dict(start.state_dict())
    return net


class _TrainingSpan:
    """A span as tensors, padded by the context of the stacks, with its prediction by the ridge filter."""

    def __init__(
        self,
        span: Span,
        ridge: LineRidge,
        live: BoolArray,
        gain: Float32Array,
        stacks: SlantStacks,
    ) -> None:
        self.channel_context, self.sample_context = stacks.channel_context, stacks.sample_context
        n_channels = span.data.shape[0]
        missing = -n_channels % GROUP
        self.padding = (
            self.sample_context,
            self.sample_context,
            self.channel_context,
            self.channel_context + missing,
        )
        self.data = functional.pad(torch.from_numpy(np.ascontiguousarray(span.data)), self.padding)
        self.live = functional.pad(
            torch.from_numpy(live.astype(np.float32)), (self.channel_context, self.channel_context + missing)
        )
        reference = torch.from_numpy(ridge.predict(span.data, live))
        self.reference = functional.pad(reference, (0, 0, 0, missing))
        self.gain = functional.pad(torch.from_numpy(gain), (0, missing))[:, None]
        self.train, self.validation = (
            functional.pad(torch.from_numpy(np.ascontiguousarray(mask)), (0, 0, 0, missing))
            for mask in (span.train, span.validation)
        )

    def window(self, row: int, column: int, n_rows: int, n_columns: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return data with context, live channels and reference prediction of a window."""
        rows = slice(row, row + n_rows + 2 * self.channel_context)
        columns = slice(column, column + n_columns + 2 * self.sample_context)
        part = slice(row, row + n_rows), slice(column, column + n_columns)
        return self.data[rows, columns], self.live[rows], self.reference[part]

    def inner(self, padded: Tensor) -> Tensor:
        return padded[
            self.channel_context : padded.shape[0] - self.channel_context,
            self.sample_context : padded.shape[1] - self.sample_context,
        ]

    def validation_loss(self, net: nn.Module, max_samples: int) -> float:
        error = power = 0.0
        data = self.inner(self.data)
        for first in range(0, data.shape[1], max_samples):
            part = slice(first, first + max_samples)
            tile, where = data[:, part], self.validation[:, part]
            if not where.any():
                continue
            residual = (tile - self.gain * net(tile, self.inner_live, self.reference[:, part]))[where]
            error += float((residual**2).sum())
            power += float((tile[where] ** 2).sum())
        return error / power if power > 0 else 0.0

    @property
    def inner_live(self) -> Tensor:
        return self.live[self.channel_context : len(self.live) - self.channel_context]

    def reference_loss(self) -> float:
        data = self.inner(self.data)[self.validation]
        power = float((data**2).sum())
        residual = data - (self.gain * self.reference)[self.validation]
        return float((residual**2).sum()) / power if power > 0 else 0.0


class _TrainingLoss:
    """Training loss: squared error on a random window, relative to its power."""

    def __init__(self, spans: list[_TrainingSpan], options: TrainingOptions) -> None:
        self.spans = spans
        self.options = options

    def __call__(self, net: nn.Module, rng: np.random.Generator) -> Tensor:
        options = self.options
        span = self.spans[rng.integers(len(self.spans))]
        n_channels, n_samples = span.reference.shape
        n_rows = min(n_channels, options.window_channels)
        n_columns = min(n_samples // FRAME * FRAME, options.window_samples)
        row = int(rng.integers(n_channels - n_rows + 1))
        column = int(rng.integers(n_samples - n_columns + 1))
        padded, live, reference = span.window(row, column, n_rows, n_columns)
        where = span.train[row : row + n_rows, column : column + n_columns].clone()
        gain = span.gain[row : row + n_rows]
        where[:, : options.edge_samples] = where[:, n_columns - options.edge_samples :] = False
        for axis in (0, 1):
            if rng.random() < 0.5:
                padded, reference, where = (t.flip(axis) for t in (padded, reference, where))
                live, gain = (t.flip(0) if axis == 0 else t for t in (live, gain))
        data = span.inner(padded)[where]
        residual = data - (gain * net.within(padded, live, reference))[where]  # type: ignore[operator]
        # All windows have the same weight, so that strong events do not dominate weak ones.
        return (residual**2).sum() / ((data**2).sum() + 1)
