"""Nested hold-out: hide blocks, choose everything without them, predict them; every prior on the same blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from selfseis.heldout import BlockScores
from selfseis.invert.choice import Training, blocked_folds, choose_setting
from selfseis.invert.fit import fit_model
from selfseis.invert.priors import Prior, Setting
from selfseis.invert.problem import LinearProblem

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[float, float], None]


@dataclass
class HeldOut:
    """Hidden data and what one prior predicted of them.

    Attributes
    ----------
    name : str
        Of the prior.
    observed, predicted : ndarray, shape (n_data,)
        NaN where a datum was never hidden.
    sd : ndarray, shape (n_data,)
        Predicted standard deviation, noise included, as wide as the inner folds asked for.
    noise_sd : ndarray, shape (n_data,)
        Stated standard deviation of the noise, which normalised residuals refer to.
    kind : ndarray of str, shape (n_data,)
    blocks, fold : ndarray of int, shape (n_data,)
    settings : list of dict
        What each fold chose.
    inner_losses : list of float
        Loss on the inner folds of each fold.
    """

    name: str
    observed: NDArray[np.float64]
    predicted: NDArray[np.float64]
    sd: NDArray[np.float64]
    noise_sd: NDArray[np.float64]
    kind: NDArray[np.str_]
    blocks: NDArray[np.int64]
    fold: NDArray[np.int64]
    settings: list[Setting] = field(default_factory=list)
    inner_losses: list[float] = field(default_factory=list)

    @classmethod
    def empty(cls, name: str, problem: LinearProblem) -> HeldOut:
        """Return a table that folds fill."""
        nothing = np.full(problem.n_data, np.nan)
        return cls(
            name, problem.data.copy(), nothing, nothing.copy(), nothing.copy(), problem.noise.kind,
            problem.blocks, np.full(problem.n_data, -1),
        )  # fmt: skip

    def rows(self, kind: str | None = None) -> NDArray[np.bool_]:
        """Return which data were hidden, of one type or of all whose name starts so; (n_data,)."""
        hidden = np.isfinite(self.predicted)
        return hidden if kind is None else hidden & np.char.startswith(self.kind.astype(str), kind)

    def residual(self, kind: str | None = None) -> NDArray[np.float64]:
        """Return observed minus predicted of hidden data."""
        rows = self.rows(kind)
        return self.observed[rows] - self.predicted[rows]

    def variance_reduction(self, kind: str | None = None) -> float:
        """Return one minus the squared residual over the squared data, of hidden data."""
        return float(1 - np.sum(self.residual(kind) ** 2) / np.sum(self.observed[self.rows(kind)] ** 2))

    def rms(self, kind: str | None = None) -> float:
        """Return the root mean square of hidden residuals, in the units of the data."""
        return float(np.sqrt(np.mean(self.residual(kind) ** 2)))

    def normalised_rms(self, kind: str | None = None) -> float:
        """Return the root mean square of hidden residuals over the stated noise."""
        return float(np.sqrt(np.mean((self.residual(kind) / self.noise_sd[self.rows(kind)]) ** 2)))

    def standardised_rms(self, kind: str | None = None) -> float:
        """Return the root mean square of hidden residuals over their predicted sd; 1 where intervals are honest."""
        return float(np.sqrt(np.mean((self.residual(kind) / self.sd[self.rows(kind)]) ** 2)))

    def coverage(self, level: float = 0.683, kind: str | None = None) -> float:
        """Return the share of hidden data that lie inside their predicted interval."""
        from scipy.stats import norm

        within = norm.ppf(0.5 + level / 2)
        return float(np.mean(np.abs(self.residual(kind)) <= within * self.sd[self.rows(kind)]))

    def block_scores(self) -> BlockScores:
        """Return squared residuals and squared data, over the noise, block by block.

        Each type of data counts the same in total, however many of them there are.
        """
        rows = self.rows()
        weight = 1 / self.noise_sd[rows] ** 2
        for kind in np.unique(self.kind[rows]):
            same = self.kind[rows] == kind
            weight[same] /= np.sum(weight[same] * self.observed[rows][same] ** 2) or 1.0
        names, place = np.unique(self.blocks[rows], return_inverse=True)
        squares = (weight * self.residual() ** 2, weight * self.observed[rows] ** 2)
        loss, power = (np.bincount(place, values, len(names)).astype(float) for values in squares)
        return BlockScores(loss, power)

    def to_frame(self) -> pd.DataFrame:
        """Return the hidden data as a table, one row a datum."""
        import pandas as pd

        rows = self.rows()
        return pd.DataFrame(
            {
                "kind": self.kind[rows],
                "block": self.blocks[rows],
                "fold": self.fold[rows],
                "observed": self.observed[rows],
                "predicted": self.predicted[rows],
                "sd": self.sd[rows],
            },
            index=np.flatnonzero(rows),
        )


def nested_holdout(
    problem: LinearProblem,
    priors: Sequence[Prior],
    *,
    n_folds: int = 10,
    n_inner: int = 4,
    n_samples: int = 20,
    seed: int = 0,
    folds: Sequence[NDArray[np.bool_]] | None = None,
    progress: Progress | None = None,
) -> list[HeldOut]:
    """Hide each fold of blocks in turn and predict it under every prior.

    In each fold the setting of a prior, its noise scales and the width of its intervals come from blocked folds inside
    the visible data alone.

    Parameters
    ----------
    problem : LinearProblem
    priors : sequence of Prior
    n_folds, n_inner : int
        Number of outer and of inner folds.
    n_samples : int
        Draws from the posterior behind each interval.
    seed : int
    folds : sequence of ndarray of bool, shape (n_data,), optional
        What each fold hides; whole blocks, dealt out to `n_folds`, without.
    progress : callable, optional
        Told how much is done and how much there is.

    Returns
    -------
    list of HeldOut
        One for each prior.
    """
    results = [HeldOut.empty(prior.name, problem) for prior in priors]
    if folds is None:
        folds = list(blocked_folds(problem.blocks, n_folds, seed=seed))
    for number, hidden in enumerate(folds):
        training = Training(problem.seen_through(~hidden), ~hidden, n_inner, seed)
        for place, (prior, result) in enumerate(zip(priors, results, strict=True)):
            _predict_fold(training, prior, result, hidden, number, n_samples, seed)
            if progress is not None:
                progress(number * len(priors) + place + 1, len(folds) * len(priors))
    return results


def joined(parts: Sequence[HeldOut]) -> HeldOut:
    """Join what one prior predicted of data that were hidden apart; each part becomes a fold.

    Parameters
    ----------
    parts : sequence of HeldOut
        Each of a single fold, of the same data; no datum is hidden twice.
    """
    first = parts[0]
    whole = replace(
        first, predicted=first.predicted.copy(), sd=first.sd.copy(), noise_sd=first.noise_sd.copy(),
        fold=np.full(len(first.fold), -1), settings=[], inner_losses=[],
    )  # fmt: skip
    for number, part in enumerate(parts):
        rows = part.rows()
        for name in ("predicted", "sd", "noise_sd"):
            getattr(whole, name)[rows] = getattr(part, name)[rows]
        whole.fold[rows] = number
        whole.settings += part.settings
        whole.inner_losses += part.inner_losses
    return whole


def _predict_fold(
    training: Training,
    prior: Prior,
    result: HeldOut,
    hidden: NDArray[np.bool_],
    fold: int,
    n_samples: int,
    seed: int,
) -> None:
    problem = training.problem
    choice = choose_setting(training, prior, seed=seed)
    fitted = fit_model(
        problem,
        prior,
        choice.setting,
        system=training.whole,
        scales=choice.scales,
        n_samples=n_samples,
        seed=seed,
    )
    mean, spread = fitted.predict(problem, hidden)
    widening = np.array([choice.widening.get(kind, 1.0) for kind in problem.noise.kind[hidden].tolist()])
    result.predicted[hidden] = mean
    result.sd[hidden] = np.hypot(spread, fitted.noise_sd(problem, hidden)) * widening
    result.noise_sd[hidden] = problem.noise.marginal_sd[hidden]
    result.fold[hidden] = fold
    result.settings.append(choice.setting)
    result.inner_losses.append(choice.loss)
