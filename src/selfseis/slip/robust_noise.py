"""Choice between Gaussian and Student's t noise, for unwrapping errors and bad sites."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from selfseis.inversion import LinearProblem, Noise, Training, fit_model
from selfseis.inversion.block_terms import student_weights
from selfseis.inversion.fit import converged
from selfseis.quality_log import QualityLog
from selfseis.slip.options import RobustNoiseOptions
from selfseis.slip.variogram import InsarNoise
from selfseis.typing import BoolArray, FloatArray

NoiseModel = Literal["auto", "gaussian", "student"]
MAX_LISTED = 8  # names in an entry of the quality log


@dataclass(frozen=True)
class MeasuredNoise:
    """Noise measured on visible data: covariance of scenes, and Gaussian or Student's t distribution.

    Student's weights come from a smooth first model of the visible data, by iteratively reweighted least squares. The
    covariance is then measured without clear outliers. Student's t is preferred if it predicts blocks held out inside
    the visible data significantly better (at 5%). The measure is their mean absolute residual under the smooth model,
    which outliers do not dominate.

    Attributes
    ----------
    insar : InsarNoise
        Noise of scenes; its prior and setting define the smooth first model.
    noise_model : {"auto", "gaussian", "student"}
    options : RobustNoiseOptions
    """

    insar: InsarNoise
    noise_model: NoiseModel = "auto"
    options: RobustNoiseOptions = RobustNoiseOptions()

    def __call__(self, problem: LinearProblem, visible: BoolArray) -> Noise:
        """Return the noise; called by the hold-out with the visible data."""
        if self.noise_model == "gaussian":
            return self.insar(problem, visible)
        heavy = replace(problem, noise=replace(problem.noise, student_dof=self.options.student_dof))
        robust = replace(self.insar(heavy, visible), measure_weights=self.weights)
        if self.noise_model == "student" or self._is_significantly_better(robust, problem, visible):
            return robust
        return self.insar(problem, visible)

    def weights(self, problem: LinearProblem, visible: BoolArray) -> FloatArray:
        """Return Student's weights of the visible data under a smooth first model, 1 elsewhere; (n_data,)."""
        noise = Noise(problem.noise.sd, problem.noise.kind, student_dof=self.options.student_dof)
        first = fit_model(
            replace(problem, noise=noise), self.insar.prior, self.insar.setting, visible=visible
        )
        return np.where(visible, first.weights, 1.0)

    def _is_significantly_better(self, robust: Noise, problem: LinearProblem, visible: BoolArray) -> bool:
        """Return whether Student's t predicts held-out data better, by a paired one-sided test over blocks."""
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
        return bool(ttest_1samp(change, 0.0, alternative="less").pvalue < self.options.error_rate)

    def _misses(self, problem: LinearProblem, visible: BoolArray) -> FloatArray:
        """Return absolute residuals of data held out by inner folds, under the smooth first model; NaN elsewhere."""
        training, absolute = Training(problem, visible, self.options.n_inner), np.full(problem.n_data, np.nan)
        scales = converged(training.whole, self.insar.prior, self.insar.setting, None).scales
        for system, held_out in training.inner:
            fitted = fit_model(problem, self.insar.prior, self.insar.setting, system=system, scales=scales)
            absolute[held_out] = np.abs(problem.data[held_out] - fitted.predict(problem, held_out)[0])
        return absolute


def log_outliers(
    kind: NDArray[np.str_],
    name: NDArray[np.str_],
    weights: FloatArray,
    quality_log: QualityLog,
    options: RobustNoiseOptions,
) -> None:
    """Log the number and names of the outliers.

    Parameters
    ----------
    kind, name : ndarray of str, shape (n_data,)
        Type of each datum, and its site and component or its scene.
    weights : ndarray, shape (n_data,)
        Weights of Student's t; 1 for Gaussian noise.
    quality_log : QualityLog
    options : RobustNoiseOptions
    """
    weight_of_outlier = student_weights(np.array(options.outlier_sd), options.student_dof)
    for of_kind in np.unique(kind):
        far = np.flatnonzero((kind == of_kind) & (weights < weight_of_outlier))
        if far.size:
            found = Counter(name[far[np.argsort(weights[far])]].tolist())
            listed = ", ".join(list(found)[:MAX_LISTED]) + (", ..." if len(found) > MAX_LISTED else "")
            detail = (
                f"beyond {options.outlier_sd:g} standard deviations: weight reduced (Student's t): {listed}"
            )
            quality_log.add("outlier", str(of_kind), detail, far.size)
