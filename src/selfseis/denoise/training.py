"""Training the blind network on the visible part of a recording."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from selfseis.denoise.line_ridge import LineRidge
from selfseis.denoise.study import Span
from selfseis.learn import FitProgress, fit
from selfseis.nets import BlindLineNet

WINDOW = 384  # samples of a training window
CHANNELS = 64  # channels of a training window, the blind zone's context beside them


def train_network(
    spans: list[Span],
    ridge: LineRidge,
    live: NDArray[np.bool_],
    *,
    most_steps: int,
    most_seconds: float | None,
    seed: int,
    checkpoint: Path | None = None,
    report: Callable[[FitProgress], None] | None = None,
) -> tuple[BlindLineNet, FitProgress]:
    """Train a network that starts as the ridge filter, and stop when hidden data say so.

    Parameters
    ----------
    spans : list of Span
        Conditioned data: learning happens on `learn`, stopping on `choose`; `judge` is not touched.
    ridge : LineRidge
        The filter to start from; it gives the blind zone.
    live : ndarray of bool, shape (n_channels,)
        Channels that record at all.
    most_steps, most_seconds, seed, checkpoint, report
        As for `selfseis.learn.fit`.

    Returns
    -------
    net : BlindLineNet
    progress : FitProgress
    """
    torch.manual_seed(seed)
    net = BlindLineNet(ridge.blind_zone, ridge.reach)
    pieces = [_Piece.of(span, ridge, live) for span in spans]
    draw = _Draw(pieces, margin=ridge.blind_zone + ridge.reach)
    progress = fit(
        net,
        draw,
        lambda trained: sum(p.loss_where_chosen(trained) for p in pieces) / max(len(pieces), 1),
        most_steps=most_steps,
        most_seconds=most_seconds or float("inf"),
        seed=seed,
        checkpoint=checkpoint,
        report=report,
    )
    return net, progress


class _Piece:
    """A span as tensors, with the ridge filter's prediction of it."""

    def __init__(self, data: Tensor, reference: Tensor, learn: Tensor, choose: Tensor) -> None:
        self.data, self.reference, self.learn, self.choose = data, reference, learn, choose
        self.power = float((data[learn] ** 2).mean()) if learn.any() else 1.0

    @classmethod
    def of(cls, span: Span, ridge: LineRidge, live: NDArray[np.bool_]) -> _Piece:
        arrays = span.data, ridge.predict(span.data, live), span.learn, span.choose
        return cls(*(torch.from_numpy(np.ascontiguousarray(a)) for a in arrays))

    def loss_where_chosen(self, net: nn.Module, longest: int = 4096) -> float:
        error = power = 0.0
        for first in range(0, self.data.shape[1], longest):
            part = slice(first, first + longest)
            data, where = self.data[:, part], self.choose[:, part]
            if not where.any():
                continue
            residual = (data - net(data, self.reference[:, part]))[where]
            error += float((residual**2).sum())
            power += float((data[where] ** 2).sum())
        return error / power if power > 0 else 0.0


class _Draw:
    """Draws the training loss: squared error on random windows, relative to the power of their span."""

    def __init__(self, pieces: list[_Piece], margin: int) -> None:
        self.pieces, self.margin = pieces, margin

    def __call__(self, net: nn.Module, rng: np.random.Generator) -> Tensor:
        piece = self.pieces[rng.integers(len(self.pieces))]
        n_channels, n_samples = piece.data.shape
        n_rows = min(n_channels, CHANNELS + 2 * self.margin)
        row = int(rng.integers(n_channels - n_rows + 1))
        column = int(rng.integers(max(n_samples - WINDOW, 0) + 1))
        window = slice(row, row + n_rows), slice(column, column + WINDOW)
        data, reference, where = piece.data[window], piece.reference[window], piece.learn[window]
        if n_rows < n_channels:
            where = where.clone()
            where[: self.margin] = where[n_rows - self.margin :] = False
        if rng.random() < 0.5:
            data, reference, where = data.flip(0), reference.flip(0), where.flip(0)
        residual = (data - net(data, reference))[where]
        # Relative to the power of the whole span, as the skill is: loud times count for more.
        return (residual**2).sum() / (where.sum() + 1) / piece.power
