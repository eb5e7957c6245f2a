"""Wrongly unwrapped pixels and bad sites: Gaussian noise, or Student's t, whichever predicts hidden data better."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from selfseis.inversion import LinearProblem, Noise, Training, fit_model
from selfseis.inversion.fit import settled
from selfseis.quality_log import QualityLog
from selfseis.slip.variogram import InsarNoise
from selfseis.typing import BoolArray, FloatArray

NoiseModel = Literal["auto", "gaussian", "student"]
DOF = 4.0
N_INNER = 3
ERROR_RATE = 0.05
LISTED = 8
FAR_OFF = (DOF + 1) / (DOF + 4.0**2)
"""Weight of what lies four standard deviations off: little enough to be named."""


@dataclass(frozen=True)
class MeasuredNoise:
    """Measures the noise of a problem on its visible data: covariance of scenes, and whether outliers count less.

    Student's weights are those of a smooth first model of the visible data, by iteratively reweighted least squares;
    the covariance is then measured without clear outliers. It is preferred to Gaussian noise where it surely (at 5%)
    predicts blocks hidden inside the visible data better, by their mean absolute residual under that smooth model:
    outliers cannot decide that.

    Attributes
    ----------
    insar : InsarNoise
        Of scenes; its prior and setting make the smooth first model.
    noise_model : {"auto", "gaussian", "student"}
    """

    insar: InsarNoise
    noise_model: NoiseModel = "auto"

    def __call__(self, problem: LinearProblem, visible: BoolArray) -> Noise:
        """Return the noise; called by the hold-out with the visible data."""
        if self.noise_model == "gaussian":
            return self.insar(problem, visible)
        heavy = replace(problem, noise=replace(problem.noise, student_dof=DOF))
        robust = replace(self.insar(heavy, visible), measure_weights=self.weights)
        if self.noise_model == "student" or self._is_surely_better(robust, problem, visible):
            return robust
        return self.insar(problem, visible)

    def weights(self, problem: LinearProblem, visible: BoolArray) -> FloatArray:
        """Return Student's weights of the visible data under a smooth first model, 1 elsewhere; (n_data,)."""
        noise = Noise(problem.noise.sd, problem.noise.kind, student_dof=DOF)
        first = fit_model(
            replace(problem, noise=noise), self.insar.prior, self.insar.setting, visible=visible
        )
        return np.where(visible, first.weights, 1.0)

    def _is_surely_better(self, robust: Noise, problem: LinearProblem, visible: BoolArray) -> bool:
        """Whether Student's t misses hidden data by less, by a paired one-sided test over blocks and types of data."""
        from scipy.stats import ttest_1samp

        plain, with_weights = (
            self._misses(replace(problem, noise=noise), visible)
            for noise in (self.insar(problem, visible), robust)
        )
        kind = np.unique(problem.noise.kind, return_inverse=True)[1]
        rows = np.isfinite(plain)
        group = np.unique(np.stack([problem.blocks, kind])[:, rows], axis=1, return_inverse=True)[1].ravel()
        sums = [np.bincount(group, misses[rows]) for misses in (with_weights, plain)]
        change = np.log(np.maximum(sums[0], 1e-12) / np.maximum(sums[1], 1e-12))
        return bool(ttest_1samp(change, 0.0, alternative="less").pvalue < ERROR_RATE)

    def _misses(self, problem: LinearProblem, visible: BoolArray) -> FloatArray:
        """Absolute residual, under the smooth first model, of what inner folds hide; NaN elsewhere."""
        training, absolute = Training(problem, visible, N_INNER), np.full(problem.n_data, np.nan)
        scales = settled(training.whole, self.insar.prior, self.insar.setting, None).scales
        for system, hidden in training.inner:
            fitted = fit_model(problem, self.insar.prior, self.insar.setting, system=system, scales=scales)
            absolute[hidden] = np.abs(problem.data[hidden] - fitted.predict(problem, hidden)[0])
        return absolute


def log_outliers(
    kind: NDArray[np.str_], name: NDArray[np.str_], weights: FloatArray, quality_log: QualityLog
) -> None:
    """Count and name the data that lie so far off that they hardly count.

    Parameters
    ----------
    kind, name : ndarray of str, shape (n_data,)
        Type of each datum, and its site and component, or its scene.
    weights : ndarray, shape (n_data,)
        Of Student's t; 1 for Gaussian noise.
    quality_log : QualityLog
    """
    for of_kind in np.unique(kind):
        far = np.flatnonzero((kind == of_kind) & (weights < FAR_OFF))
        if far.size:
            found = Counter(name[far[np.argsort(weights[far])]].tolist())
            listed = ", ".join(list(found)[:LISTED]) + (", ..." if len(found) > LISTED else "")
            detail = f"beyond four standard deviations, so counted less (Student's t): {listed}"
            quality_log.add("outlier", str(of_kind), detail, far.size)
