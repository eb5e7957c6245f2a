"""The space in which windows are compared: round for the usual noise, level for loudness, of few dimensions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from selfseis.typing import Float32Array, FloatArray

MAX_AXES = 8  # in which windows are grouped: what many of them share
RARE_AXES = 16  # in which rarity is measured: few windows have no say in the strongest axes
USUAL_SHARE = 0.7  # of the windows, nearest to the median: their scatter is what whitening makes round
RIDGE = 0.1  # of the mean variance, added to all: directions without scatter must not count for much
SOFTNESS = 3.0  # median distances from the median, at which loudness begins to saturate


@dataclass(frozen=True)
class Axes:
    """Coordinates of windows.

    Features are whitened by the scatter of the usual windows, so that a step as large as the noise's own is 1 in any
    direction. Then the distance from the median is made to saturate: loud windows of one kind come to lie together,
    whatever their signal-to-noise ratio, and quiet ones stay in the middle. Last come principal components.

    Attributes
    ----------
    median : ndarray, shape (n_features,)
        What is subtracted.
    whitening : ndarray, shape (n_features, n_features)
        From features to units of the noise's own scatter.
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
        """Find the axes along which windows differ most.

        Parameters
        ----------
        features : ndarray, shape (n, n_features)
            Of the windows.
        """
        median = np.median(features, axis=0)
        away = np.linalg.norm(features - median, axis=1)
        usual = features[away <= np.quantile(away, USUAL_SHARE)]
        values, vectors = np.linalg.eigh(_covariance(usual))
        ridge = RIDGE * float(values.mean()) + float(np.finfo(np.float32).tiny)
        whitening = (vectors / np.sqrt(np.maximum(values, 0) + ridge)).astype(np.float32)
        away = np.linalg.norm((features - median) @ whitening, axis=1)
        unturned = cls(
            median, whitening, SOFTNESS * float(np.median(away)), np.eye(len(median), dtype=np.float32)
        )
        _, vectors = np.linalg.eigh(_covariance(unturned(features, len(median))))
        directions = np.ascontiguousarray(vectors[:, ::-1][:, :RARE_AXES].T).astype(np.float32)
        return cls(median, whitening, unturned.softness, directions)

    def __call__(self, features: Float32Array, n_axes: int = MAX_AXES) -> Float32Array:
        """Return the first coordinates, shape (n, n_axes); all lie within 1 of the origin."""
        whitened = (features - self.median) @ self.whitening
        away = np.linalg.norm(whitened, axis=1, keepdims=True)
        return ((whitened / (away + self.softness)) @ self.directions[:n_axes].T).astype(np.float32)


def _covariance(points: Float32Array) -> FloatArray:
    return np.atleast_2d(np.cov(points, rowvar=False)).astype(np.float64)
