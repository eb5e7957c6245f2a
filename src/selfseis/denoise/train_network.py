"""Training the blind network on the visible part of a recording."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from selfseis.denoise.line_filter import LineRidge
from selfseis.denoise.slowness_range import measured_slownesses
from selfseis.denoise.training_data import Span
from selfseis.networks import BlindSlantNet
from selfseis.networks.slant_stacks import GROUP, SlantStacks
from selfseis.training import FitProgress, fit
from selfseis.typing import BoolArray, Float32Array

WINDOW = 512  # samples of a training window
CHANNELS = 64  # channels of a training window, the blind zone's context beside them
EDGE = 16  # samples at the ends of a window, where the net's filter is cut off
LEARNING_RATE, FINE_TUNING_RATE = 3e-3, 1e-3
FINE_TUNING = 8  # times fewer steps than a whole training takes


def train_network(
    spans: list[Span],
    ridge: LineRidge,
    live: BoolArray,
    gain: Float32Array,
    *,
    max_steps: int,
    max_seconds: float | None,
    seed: int,
    start: BlindSlantNet | None = None,
    checkpoint: Path | None = None,
    progress: Callable[[FitProgress], None] | None = None,
) -> tuple[BlindSlantNet | None, FitProgress]:
    """Train a network that weighs the ridge filter against slant stacks, and stop when hidden data say so.

    Parameters
    ----------
    spans : list of Span
        Conditioned data: learning happens on `learn`, stopping on `choose`; `judge` is not touched.
    ridge : LineRidge
        The filter to start from; it gives the blind zone.
    live : ndarray of bool, shape (n_channels,)
        Channels that record at all.
    gain : ndarray, shape (n_channels,)
        What the prediction of each is multiplied by.
    start : BlindSlantNet, optional
        A network learnt before, from whose weights a shorter training begins.
    max_steps, max_seconds, seed, checkpoint, progress
        As for `selfseis.training.loop`.

    Returns
    -------
    net : BlindSlantNet or None
        None where the filter alone predicts `choose` at least as well.
    progress : FitProgress
    """
    torch.manual_seed(seed)
    net = _begun(start, ridge.blind_zone) or BlindSlantNet(
        ridge.blind_zone, measured_slownesses(spans, ridge.blind_zone)
    )
    pieces = [_Piece(span, ridge, live, gain, net.stacks) for span in spans]
    fit_progress = fit(
        net,
        _Draw(pieces, net.stacks),
        lambda trained: float(np.mean([piece.loss_where_chosen(trained) for piece in pieces])),
        max_steps=max_steps if start is None else -(-max_steps // FINE_TUNING),
        max_seconds=max_seconds or float("inf"),
        check_every=100 if start is None else 50,
        learning_rate=LEARNING_RATE if start is None else FINE_TUNING_RATE,
        seed=seed,
        checkpoint=checkpoint,
        progress=progress,
    )
    of_the_filter = float(np.mean([piece.loss_of_reference() for piece in pieces]))
    return (net if fit_progress.best_loss < of_the_filter else None), fit_progress


def _begun(start: BlindSlantNet | None, blind_zone: int) -> BlindSlantNet | None:
    """Return a copy of a network with the blind zone of today: its weights do not depend on it."""
    if start is None:
        return None
    net = BlindSlantNet(blind_zone, start.stacks.slownesses)
    net.load_state_dict(start.state_dict())
    return net


class _Piece:
    """A span as tensors, padded by the context of the stacks, with the ridge filter's prediction of it."""

    def __init__(
        self,
        span: Span,
        ridge: LineRidge,
        live: BoolArray,
        gain: Float32Array,
        stacks: SlantStacks,
    ) -> None:
        self.beside, self.before = stacks.channels_beside, stacks.samples_beside
        n_channels = span.data.shape[0]
        missing = -n_channels % GROUP
        self.padding = (self.before, self.before, self.beside, self.beside + missing)
        self.data = functional.pad(torch.from_numpy(np.ascontiguousarray(span.data)), self.padding)
        self.live = functional.pad(
            torch.from_numpy(live.astype(np.float32)), (self.beside, self.beside + missing)
        )
        reference = torch.from_numpy(ridge.predict(span.data, live))
        self.reference = functional.pad(reference, (0, 0, 0, missing))
        self.gain = functional.pad(torch.from_numpy(gain), (0, missing))[:, None]
        self.train, self.validation = (
            functional.pad(torch.from_numpy(np.ascontiguousarray(mask)), (0, 0, 0, missing))
            for mask in (span.train, span.validation)
        )

    def window(self, row: int, column: int, n_rows: int, n_columns: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return data with their context, live channels and reference of a part."""
        rows = slice(row, row + n_rows + 2 * self.beside)
        columns = slice(column, column + n_columns + 2 * self.before)
        part = slice(row, row + n_rows), slice(column, column + n_columns)
        return self.data[rows, columns], self.live[rows], self.reference[part]

    def inner(self, padded: Tensor) -> Tensor:
        return padded[
            self.beside : padded.shape[0] - self.beside, self.before : padded.shape[1] - self.before
        ]

    def loss_where_chosen(self, net: nn.Module, longest: int = 4096) -> float:
        error = power = 0.0
        data = self.inner(self.data)
        for first in range(0, data.shape[1], longest):
            part = slice(first, first + longest)
            seen, where = data[:, part], self.validation[:, part]
            if not where.any():
                continue
            residual = (seen - self.gain * net(seen, self.inner_live, self.reference[:, part]))[where]
            error += float((residual**2).sum())
            power += float((seen[where] ** 2).sum())
        return error / power if power > 0 else 0.0

    @property
    def inner_live(self) -> Tensor:
        return self.live[self.beside : len(self.live) - self.beside]

    def loss_of_reference(self) -> float:
        data = self.inner(self.data)[self.validation]
        power = float((data**2).sum())
        residual = data - (self.gain * self.reference)[self.validation]
        return float((residual**2).sum()) / power if power > 0 else 0.0


class _Draw:
    """Draws the training loss: squared error on random windows, relative to their power."""

    def __init__(self, pieces: list[_Piece], stacks: SlantStacks) -> None:
        self.pieces = pieces

    def __call__(self, net: nn.Module, rng: np.random.Generator) -> Tensor:
        piece = self.pieces[rng.integers(len(self.pieces))]
        n_channels, n_samples = piece.reference.shape
        n_rows, n_columns = min(n_channels, CHANNELS), min(n_samples // 8 * 8, WINDOW)
        row = int(rng.integers(n_channels - n_rows + 1))
        column = int(rng.integers(n_samples - n_columns + 1))
        padded, live, reference = piece.window(row, column, n_rows, n_columns)
        where = piece.train[row : row + n_rows, column : column + n_columns].clone()
        gain = piece.gain[row : row + n_rows]
        where[:, :EDGE] = where[:, n_columns - EDGE :] = False
        for axis in (0, 1):
            if rng.random() < 0.5:
                padded, reference, where = (t.flip(axis) for t in (padded, reference, where))
                live, gain = (t.flip(0) if axis == 0 else t for t in (live, gain))
        data = piece.inner(padded)[where]
        residual = data - (gain * net.within(padded, live, reference))[where]  # type: ignore[operator]
        # Each window counts alike: weak events are not drowned by one that is loud.
        return (residual**2).sum() / ((data**2).sum() + 1)
