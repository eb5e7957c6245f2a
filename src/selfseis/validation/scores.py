"""Skill scores: the share of the power of held-out data that a prediction explains, with its interval."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from selfseis.typing import BoolArray, FloatArray, IndexArray


@dataclass(frozen=True)
class Interval:
    """A value with its confidence interval."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """Return the three numbers as a dictionary for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True)
class BlockScores:
    """The loss of a prediction in each held-out block, and the loss of predicting zero there.

    Attributes
    ----------
    loss : ndarray, shape (n_blocks,)
        Loss of the prediction: squared error, or events not found.
    power : ndarray, shape (n_blocks,)
        Loss of predicting zero: squared data, or all events.
    """

    loss: FloatArray
    power: FloatArray

    def __post_init__(self) -> None:
        if self.loss.shape != self.power.shape or self.loss.ndim != 1:
            raise ValueError(
                f"loss and power must have the same shape (n_blocks,), got {self.loss.shape} and {self.power.shape}"
            )

    @property
    def skill(self) -> float:
        """One minus the ratio of the summed loss to the summed power."""
        return skill_of(self.loss.sum(), self.power.sum())

    def part(self, blocks: IndexArray) -> BlockScores:
        """Return the scores of some of the blocks."""
        return BlockScores(self.loss[blocks], self.power[blocks])


def skill_of(loss: float, power: float) -> float:
    """Return ``1 - loss / power``, or 0 without power."""
    return float(1 - loss / power) if power > 0 else 0.0


def skill(observed: NDArray, predicted: NDArray, where: BoolArray | None = None) -> float:
    """Return the share of the observed power that a prediction explains.

    Parameters
    ----------
    observed, predicted : ndarray, same shape
        Held-out data and their prediction. Samples that are not finite in either are left out.
    where : ndarray of bool, same shape, optional
        The samples to score.

    Returns
    -------
    float
        1 for a perfect prediction, 0 for a prediction of zero, negative for a worse prediction.
    """
    use = np.isfinite(observed) & np.isfinite(predicted)
    if where is not None:
        use &= where
    error = np.sum((observed[use] - predicted[use]).astype(np.float64) ** 2)
    return skill_of(float(error), float(np.sum(observed[use].astype(np.float64) ** 2)))


def block_scores(
    observed: NDArray, predicted: NDArray, block: tuple[int, int], where: BoolArray | None = None
) -> BlockScores:
    """Score a prediction in blocks of channels by samples.

    Parameters
    ----------
    observed, predicted : ndarray, shape (n_channels, n_samples)
        Held-out data and their prediction.
    block : tuple of int
        Channels and samples of a block. Blocks at the ends may be smaller.
    where : ndarray of bool, shape (n_channels, n_samples), optional
        The samples to score. Blocks without any are left out.

    Returns
    -------
    BlockScores
    """
    use = np.isfinite(observed) & np.isfinite(predicted)
    if where is not None:
        use &= where
    error = np.where(use, observed - predicted, 0).astype(np.float64) ** 2
    power = np.where(use, observed, 0).astype(np.float64) ** 2
    counts = _block_sums(use.astype(np.float64), block)
    filled = counts > 0
    return BlockScores(_block_sums(error, block)[filled], _block_sums(power, block)[filled])


def _block_sums(values: FloatArray, block: tuple[int, int]) -> FloatArray:
    rows = np.arange(0, values.shape[0], block[0])
    columns = np.arange(0, values.shape[1], block[1])
    return np.add.reduceat(np.add.reduceat(values, rows, axis=0), columns, axis=1).ravel()


def bootstrap_skill(
    scores: list[BlockScores], rng: np.random.Generator, *, repeats: int = 2000
) -> FloatArray:
    """Resample blocks with replacement and compute the skill of several predictions on the same draws.

    Parameters
    ----------
    scores : list of BlockScores
        Predictions of the same blocks.
    rng : numpy.random.Generator
        Source of the draws.
    repeats : int
        Number of draws.

    Returns
    -------
    ndarray, shape (len(scores), repeats)

    References
    ----------
    Efron, B. and Tibshirani, R. (1993). An Introduction to the Bootstrap. Chapman & Hall.
    """
    n_blocks = len(scores[0].loss)
    if any(len(s.loss) != n_blocks for s in scores):
        raise ValueError("all predictions must be scored on the same blocks")
    weights = rng.multinomial(n_blocks, np.full(n_blocks, 1 / n_blocks), repeats)
    losses = np.stack([weights @ s.loss for s in scores])
    powers = np.stack([weights @ s.power for s in scores])
    return 1 - np.divide(losses, powers, out=np.ones_like(losses), where=powers > 0)


def interval(
    draws: FloatArray, value: float, n_blocks: int, error_rate: float, *, max_value: float = np.inf
) -> Interval:
    """Return the percentile interval of bootstrap draws, widened for a small number of blocks.

    Parameters
    ----------
    draws : ndarray, shape (repeats,)
        Bootstrap draws of the value.
    value : float
        The value computed on all blocks.
    n_blocks : int
        Number of blocks that were resampled.
    error_rate : float
        Probability that the truth lies below ``low``, and also that it lies above ``high``.
    max_value : float
        Largest possible value, such as 1 for a skill; the widened interval ends there.

    Returns
    -------
    Interval
    """
    from scipy.stats import norm, t

    # Percentile intervals of few blocks are too narrow by this factor (Hesterberg 2015, 10.1080/00031305.2015.1089789).
    widen = (
        t.ppf(1 - error_rate, n_blocks - 1) / norm.ppf(1 - error_rate) * np.sqrt(n_blocks / (n_blocks - 1))
    )
    low, high = np.quantile(draws, [error_rate, 1 - error_rate])
    upper = min(float(value + widen * (high - value)), max(max_value, value))
    return Interval(value, float(value - widen * (value - low)), upper)
