"""Closed-form blind ridge filter for scattered stations, with a separate filter for each channel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.denoise.line_filter import eigenvalues_and_vectors
from selfseis.denoise.options import RidgeOptions
from selfseis.geo.sphere import KM_PER_DEGREE
from selfseis.typing import BoolArray, Float32Array, FloatArray, IndexArray

SEGMENT = 2048  # samples of one FFT, far more than any lag; the result does not depend on it


@dataclass(frozen=True)
class StationRidge:
    """Prediction of each channel from the channels of other stations by regularised least squares.

    Attributes
    ----------
    weights : ndarray, shape (n_channels, n_channels, 2 * max_lag + 1)
        Weights of channel ``j`` in the prediction of channel ``i``, by lag; zero within a station.
    strength : float
        Regularisation, relative to the variance.
    """

    weights: Float32Array
    strength: float

    @classmethod
    def fit(
        cls,
        spans: Iterable[tuple[Float32Array, BoolArray, BoolArray]],
        predictors: list[IndexArray],
        *,
        max_lag: int = 10,
        options: RidgeOptions = RidgeOptions(),
    ) -> StationRidge:
        """Solve for all filters, with the regularisation that predicts the validation samples best.

        Parameters
        ----------
        spans : iterable of (data, train, validation)
            As for `LineRidge.fit`.
        predictors : list of ndarray of int
            For each channel, the channels that may predict it.
        max_lag : int
            Samples of context before and after.
        options : RidgeOptions
            Settings.
        """
        strengths = options.strengths
        n_channels = len(predictors)
        train_sums = _PairSums.empty(n_channels, 2 * max_lag)
        validation_sums = _PairSums.empty(n_channels, 2 * max_lag)
        for data, train, validation in spans:
            train_sums.add(data, train)
            validation_sums.add(data, validation)
        covariance, validation_covariance = train_sums.covariance(), validation_sums.covariance()
        weights = np.zeros((len(strengths), n_channels, n_channels, 2 * max_lag + 1), np.float32)
        errors = np.zeros(len(strengths))
        for channel, others in enumerate(predictors):
            if not len(others):
                continue
            solved = _solved(*_normal_equations(covariance, channel, others, max_lag), strengths)
            weights[:, channel, others] = solved.reshape(len(solved), len(others), -1)
            gram, right = _normal_equations(validation_covariance, channel, others, max_lag)
            errors += np.einsum("si,ij,sj->s", solved, gram, solved, optimize=True) - 2 * solved @ right
        best = int(np.argmin(errors))
        return cls(weights[best].copy(), strengths[best])

    @property
    def halo(self) -> int:
        """Samples of context on each side that a tile needs."""
        return self.weights.shape[2] // 2

    def predict(self, data: Float32Array, live: BoolArray) -> Float32Array:
        """Predict every channel of a tile from the other stations.

        Parameters
        ----------
        data : ndarray, shape (n_channels, n_samples)
            Conditioned data, zero where there are none.
        live : ndarray of bool, shape (n_channels,)
            Unused: a dead channel is zero and contributes nothing.

        Returns
        -------
        ndarray, shape (n_channels, n_samples)
        """
        import torch

        from selfseis.training import one_thread

        with one_thread(), torch.no_grad():
            tile = torch.from_numpy(np.ascontiguousarray(data))[None]
            filters = torch.from_numpy(np.ascontiguousarray(self.weights))
            return torch.nn.functional.conv1d(tile, filters, padding=self.halo)[0].numpy()


def other_stations(
    groups: NDArray[np.str_],
    live: BoolArray,
    places: FloatArray | None = None,
    options: RidgeOptions = RidgeOptions(),
) -> list[IndexArray]:
    """Return for each channel the nearest live channels of other stations, up to a maximum number.

    Parameters
    ----------
    groups : ndarray of str, shape (n_channels,)
        The station of each channel.
    live : ndarray of bool, shape (n_channels,)
        Channels with data.
    places : ndarray, shape (n_channels, 2), optional
        Positions in km east and north; without them the neighbours in the list are taken.
    options : RidgeOptions
        Settings.
    """
    channels = np.arange(len(groups))
    lists = []
    for channel in channels:
        others = channels[(groups != groups[channel]) & live]
        distances = (
            np.abs(others - channel) if places is None else np.hypot(*(places[others] - places[channel]).T)
        )
        nearest = np.argsort(distances, kind="stable")[: options.max_predictors]
        lists.append(np.sort(others[nearest]))
    return lists


def station_places(recording: xr.DataArray) -> FloatArray | None:
    """Return positions in km east and north of the first channel, (n_channels, 2); None unless all are known."""
    if not {"latitude", "longitude"} <= set(recording.coords):
        return None
    north, east = (recording[name].values.astype(float) for name in ("latitude", "longitude"))
    if not (np.isfinite(north).all() and np.isfinite(east).all()):
        return None
    around = (east - east[0] + 180) % 360 - 180  # also across the date line
    return KM_PER_DEGREE * np.stack([around * np.cos(np.deg2rad(north.mean())), north - north[0]], axis=1)


@dataclass
class _PairSums:
    """Summed cross-spectra of all pairs of channels, and the number of samples with data on both."""

    spectra: NDArray[np.complex128]
    counts: FloatArray
    max_lag: int

    @classmethod
    def empty(cls, n_channels: int, max_lag: int) -> _PairSums:
        n_bins = (SEGMENT + max_lag) // 2 + 1
        return cls(
            np.zeros((n_channels, n_channels, n_bins), np.complex64), np.zeros((n_channels,) * 2), max_lag
        )

    def add(self, data: Float32Array, where: BoolArray) -> None:
        used = np.where(where, data, 0)
        present = where.astype(np.float32)
        for first in range(0, data.shape[1], SEGMENT):
            part = slice(first, first + SEGMENT)
            spectrum = np.fft.rfft(used[:, part], SEGMENT + self.max_lag, axis=1).astype(np.complex64)
            self.spectra += spectrum[:, None] * spectrum.conj()[None]
            self.counts += present[:, part] @ present[:, part].T

    def covariance(self) -> FloatArray:
        """Return E[x_i(t + lag) x_j(t)], shape (n_channels, n_channels, 2 * max_lag + 1)."""
        full = np.fft.irfft(self.spectra, SEGMENT + self.max_lag, axis=2)
        lags = np.arange(-self.max_lag, self.max_lag + 1)
        return full[:, :, lags] / np.maximum(self.counts, 1)[:, :, None]


def _normal_equations(
    covariance: FloatArray, channel: int, predictors: IndexArray, max_lag: int
) -> tuple[FloatArray, FloatArray]:
    lags = np.arange(-max_lag, max_lag + 1)
    who, lag = (a.ravel() for a in np.meshgrid(predictors, lags, indexing="ij"))
    centre = 2 * max_lag
    gram = covariance[who[:, None], who[None], centre + lag[:, None] - lag[None]]
    return gram, covariance[who, channel, centre + lag]


def _solved(gram: FloatArray, right: FloatArray, strengths: tuple[float, ...]) -> FloatArray:
    """Return the filter for each regularisation, from one decomposition, shape (n_strengths, n_unknowns)."""
    values, vectors = eigenvalues_and_vectors(gram)
    level = max(np.trace(gram) / len(gram), np.finfo(float).tiny)
    inverse = 1 / (values + level * np.array(strengths)[:, None])
    return (inverse * (right @ vectors)) @ vectors.T
