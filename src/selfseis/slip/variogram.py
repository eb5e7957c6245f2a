"""Noise of InSAR scenes from the variogram of their residuals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import curve_fit
from scipy.spatial.distance import cdist, pdist

from selfseis.inversion import GaussianPrior, LinearProblem, Noise, fit_model
from selfseis.inversion.priors import Setting
from selfseis.slip.options import VariogramOptions
from selfseis.typing import BoolArray, FloatArray


@dataclass(frozen=True)
class Variogram:
    """An exponential covariance with a nugget.

    Attributes
    ----------
    nugget_m : float
        Standard deviation of the uncorrelated noise of a pixel, in m.
    sill_m : float
        Standard deviation of the correlated noise, in m.
    range_km : float
        Distance at which the covariance of the correlated noise has fallen to 1/e.
    """

    nugget_m: float
    sill_m: float
    range_km: float

    def covariance(self, places_km: FloatArray) -> FloatArray:
        """Return the covariance of pixels in m²; (n_pixels, n_pixels)."""
        shared = self.sill_m**2 * np.exp(-cdist(places_km, places_km) / self.range_km)
        return shared + self.nugget_m**2 * np.eye(len(places_km))


def measure_variogram(
    residual: FloatArray,
    places_km: FloatArray,
    seed: int = 0,
    options: VariogramOptions = VariogramOptions(),
) -> Variogram:
    """Fit an exponential semivariogram to residuals.

    Parameters
    ----------
    residual : ndarray, shape (n_pixels,)
        Scene minus model, in m.
    places_km : ndarray, shape (n_pixels, 2)
    seed : int
        Seed of the choice of pixels in large scenes.
    options : VariogramOptions

    Returns
    -------
    Variogram

    References
    ----------
    Sudhaus, H. and Jónsson, S. (2009). Improved source modelling through combined use of InSAR and GPS under
    consideration of correlated data errors. Geophys. J. Int. 176. doi:10.1111/j.1365-246X.2008.03989.x
    """
    if len(residual) > options.max_pixels:
        chosen = np.random.default_rng(seed).choice(len(residual), options.max_pixels, replace=False)
        residual, places_km = residual[chosen], places_km[chosen]
    variance = float(np.var(residual))
    if len(residual) < options.min_pixels or variance <= options.min_sd_m**2:
        return Variogram(max(np.sqrt(variance), options.min_sd_m), 0.0, 1.0)
    distance = pdist(places_km)
    halved = 0.5 * pdist(residual[:, None], "sqeuclidean")
    reach, n = options.max_lag_share * float(distance.max()), options.n_lags
    # Lags grow with distance, because the covariance needs less precision there.
    edges = reach * np.linspace(0, 1, n + 1) ** options.lag_power
    place = np.digitize(distance, edges) - 1
    counts = np.bincount(place, minlength=n + 1)[:n]
    means = np.bincount(place, halved, n + 1)[:n] / np.maximum(counts, 1)
    lags = np.bincount(place, distance, n + 1)[:n] / np.maximum(counts, 1)
    filled = counts >= options.min_pairs
    if filled.sum() < options.min_lags:
        return Variogram(float(np.sqrt(variance)), 0.0, 1.0)
    lags, means = lags[filled], means[filled]
    first = (0.2 * means[0] + 1e-9, max(variance, means.max()), 0.2 * reach)
    bounds = ([0, 0, 0.2 * lags[0]], [2 * means.max(), 3 * means.max(), reach])
    (nugget, sill, length), _ = curve_fit(
        lambda lag, nugget, sill, length: nugget + sill * (1 - np.exp(-lag / length)),
        lags, means, np.clip(first, *(np.array(bounds) * [[1.01], [0.99]])), sigma=means + 1e-9, bounds=bounds,
    )  # fmt: skip
    return Variogram(max(float(np.sqrt(nugget)), options.min_sd_m), float(np.sqrt(sill)), float(length))


@dataclass(frozen=True)
class InsarNoise:
    """Noise of the scenes of a problem, measured on its visible data.

    Attributes
    ----------
    places_km : mapping of str to ndarray, shape (n_pixels, 2)
        Positions of the pixels of each scene, by type of data.
    prior : GaussianPrior
        Prior of the model that is subtracted before the noise is measured.
    setting : dict of str to float
    options : VariogramOptions
    """

    places_km: Mapping[str, FloatArray]
    prior: GaussianPrior
    setting: Setting
    options: VariogramOptions

    def __call__(self, problem: LinearProblem, visible: BoolArray) -> Noise:
        """Return the noise with a covariance for each scene; called by the hold-out with the visible data."""
        noise = problem.noise
        variograms = self.variograms(problem, visible)
        covariance = {kind: found.covariance(self.places_km[kind]) for kind, found in variograms.items()}
        return replace(noise, covariance=covariance)

    def variograms(self, problem: LinearProblem, visible: BoolArray) -> dict[str, Variogram]:
        """Return the variogram of each scene from residuals of a smooth first model, without clear outliers."""
        fitted = fit_model(problem, self.prior, self.setting, visible=visible)
        visible = visible & (fitted.weights > self.options.min_weight)
        residual = np.full(problem.n_data, np.nan)
        residual[visible] = problem.data[visible] - fitted.predict(problem, visible)[0]
        found = {}
        for kind, places in self.places_km.items():
            of_kind = residual[problem.noise.kind == kind]
            seen = np.isfinite(of_kind)
            if seen.any():
                found[kind] = measure_variogram(of_kind[seen], places[seen], options=self.options)
            else:
                found[kind] = Variogram(self.options.first_sd_m, 0.0, 1.0)
        return found
