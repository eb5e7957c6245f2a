"""Whitened coordinates of few dimensions, in which windows are compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from selfseis.typing import Float32Array, FloatArray

MAX_AXES = 8  # for clustering: the variation that many windows share
NOVELTY_AXES = 16  # for novelty: a few windows hardly influence the strongest axes
NOISE_SHARE = 0.7  # of the windows, those nearest to the median, whose scatter is whitened
RIDGE = 0.1  # of the mean variance, added to all, so that directions without scatter carry little weight
SOFTNESS = 3.0  # median distances from the median, at which the amplitude begins to saturate


@dataclass(frozen=True)
class Axes:
    """Coordinates of windows.

    Features are whitened by the scatter of the noise windows, so that one standard deviation of the noise is 1 in any
    direction. The distance from the median then saturates: loud windows of one kind lie together, whatever their
    signal-to-noise ratio, and weak ones stay near the origin. The last step is a principal component analysis.

    Attributes
    ----------
    median : ndarray, shape (n_features,)
        Subtracted from features.
    whitening : ndarray, shape (n_features, n_features)
        Maps features to standard deviations of the noise.
    softness : float
        Distance at which saturation reaches one half.
    directions : ndarray, shape (at most 16, n_features)
        Orthonormal axes, the strongest first.
    """

    median: Float32Array
    whitening: Float32Array
    softness: float
    directions: Float32Array

    @classmethod
    def fit(cls, features: Float32Array) -> Self:
        """Find the principal axes of windows.

        Parameters
        ----------
        features : ndarray, shape (n, n_features)
            Features of the windows.
        """
        median = np.median(features, axis=0)
        distance = np.linalg.norm(features - median, axis=1)
        noise = features[distance <= np.quantile(distance, NOISE_SHARE)]
        values, vectors = np.linalg.eigh(_covariance(noise))
        ridge = RIDGE * float(values.mean()) + float(np.finfo(np.float32).tiny)
        whitening = (vectors / np.sqrt(np.maximum(values, 0) + ridge)).astype(np.float32)
        distance = np.linalg.norm((features - median) @ whitening, axis=1)
        unrotated = cls(
            median, whitening, SOFTNESS * float(np.median(distance)), np.eye(len(median), dtype=np.float32)
        )
        _, vectors = np.linalg.eigh(_covariance(unrotated(features, len(median))))
        directions = np.ascontiguousarray(vectors[:, ::-1][:, :NOVELTY_AXES].T).astype(np.float32)
        return cls(median, whitening, unrotated.softness, directions)

    def __call__(self, features: Float32Array, n_axes: int = MAX_AXES) -> Float32Array:
        """Return the first coordinates, shape (n, n_axes); all lie within 1 of the origin."""
        whitened = (features - self.median) @ self.whitening
        distance = np.linalg.norm(whitened, axis=1, keepdims=True)
        return ((whitened / (distance + self.softness)) @ self.directions[:n_axes].T).astype(np.float32)


def _covariance(points: Float32Array) -> FloatArray:
    return np.atleast_2d(np.cov(points, rowvar=False)).astype(np.float64)
