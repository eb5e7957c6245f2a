"""The closed-form blind ridge filter for scattered stations: each has a filter of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfseis.denoise.line_ridge import RIDGE_STRENGTHS

Samples = NDArray[np.float32]
Mask = NDArray[np.bool_]

SEGMENT = 2048  # samples of one FFT; far longer than any lag used
MOST_PREDICTORS = 24


@dataclass(frozen=True)
class StationRidge:
    """Predicts each channel from the channels of other stations by regularised least squares.

    Attributes
    ----------
    weights : ndarray, shape (n_channels, n_channels, 2 * max_lag + 1)
        What channel ``j`` contributes to the prediction of channel ``i``, by lag; zero within a station.
    strength : float
        Regularisation, relative to the variance.
    """

    weights: Samples
    strength: float

    @classmethod
    def fit(
        cls,
        spans: Iterable[tuple[Samples, Mask, Mask]],
        predictors: list[NDArray[np.intp]],
        *,
        max_lag: int = 10,
    ) -> StationRidge:
        """Solve for all filters, their strength chosen on part of the data.

        Parameters
        ----------
        spans : iterable of (data, learn, choose)
            As for `LineRidge.fit`.
        predictors : list of ndarray of int
            For each channel, the channels that it may be predicted from.
        max_lag : int
            Samples of context before and after.
        """
        n_channels = len(predictors)
        learnt = _PairSums.empty(n_channels, 2 * max_lag)
        chosen = _PairSums.empty(n_channels, 2 * max_lag)
        for data, learn, choose in spans:
            learnt.add(data, learn)
            chosen.add(data, choose)
        covariance, test = learnt.covariance(), chosen.covariance()
        candidates = [cls(_solve(covariance, predictors, max_lag, s), s) for s in RIDGE_STRENGTHS]
        errors = [_expected_error(c.weights, test, predictors, max_lag) for c in candidates]
        return candidates[int(np.argmin(errors))]

    @property
    def halo(self) -> int:
        """Samples of context on each side that a tile needs."""
        return self.weights.shape[2] // 2

    def predict(self, data: Samples, live: Mask) -> Samples:
        """Predict every channel of a tile from the other stations.

        Parameters
        ----------
        data : ndarray, shape (n_channels, n_samples)
            Conditioned data, zero where there is none.
        live : ndarray of bool, shape (n_channels,)
            Not used: a dead channel is zero and adds nothing.

        Returns
        -------
        ndarray, shape (n_channels, n_samples)
        """
        import torch

        from selfseis.learn import one_thread

        with one_thread(), torch.no_grad():
            tile = torch.from_numpy(np.ascontiguousarray(data))[None]
            filters = torch.from_numpy(np.ascontiguousarray(self.weights))
            return torch.nn.functional.conv1d(tile, filters, padding=self.halo)[0].numpy()


def other_stations(groups: NDArray[np.str_], live: Mask) -> list[NDArray[np.intp]]:
    """List for each channel the live channels of other stations, at most 24: the next ones in order.

    Parameters
    ----------
    groups : ndarray of str, shape (n_channels,)
        The station of each channel.
    live : ndarray of bool, shape (n_channels,)
        Channels that record at all.
    """
    everyone = np.arange(len(groups))
    lists = []
    for channel in everyone:
        others = everyone[(groups != groups[channel]) & live]
        nearest = np.argsort(np.abs(others - channel), kind="stable")[:MOST_PREDICTORS]
        lists.append(np.sort(others[nearest]))
    return lists


@dataclass
class _PairSums:
    """Summed cross-spectra of all pairs of channels, and the number of samples that both have."""

    spectra: NDArray[np.complex128]
    counts: NDArray[np.float64]
    max_lag: int

    @classmethod
    def empty(cls, n_channels: int, max_lag: int) -> _PairSums:
        n_bins = (SEGMENT + max_lag) // 2 + 1
        return cls(
            np.zeros((n_channels, n_channels, n_bins), np.complex64), np.zeros((n_channels,) * 2), max_lag
        )

    def add(self, data: Samples, where: Mask) -> None:
        used = np.where(where, data, 0)
        present = where.astype(np.float32)
        for first in range(0, data.shape[1], SEGMENT):
            part = slice(first, first + SEGMENT)
            spectrum = np.fft.rfft(used[:, part], SEGMENT + self.max_lag, axis=1).astype(np.complex64)
            self.spectra += spectrum[:, None] * spectrum.conj()[None]
            self.counts += present[:, part] @ present[:, part].T

    def covariance(self) -> NDArray[np.float64]:
        """Return E[x_i(t + lag) x_j(t)], shape (n_channels, n_channels, 2 * max_lag + 1)."""
        full = np.fft.irfft(self.spectra, SEGMENT + self.max_lag, axis=2)
        lags = np.arange(-self.max_lag, self.max_lag + 1)
        return full[:, :, lags] / np.maximum(self.counts, 1)[:, :, None]


def _normal_equations(
    covariance: NDArray[np.float64], channel: int, predictors: NDArray[np.intp], max_lag: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    lags = np.arange(-max_lag, max_lag + 1)
    who, lag = (a.ravel() for a in np.meshgrid(predictors, lags, indexing="ij"))
    centre = 2 * max_lag
    gram = covariance[who[:, None], who[None], centre + lag[:, None] - lag[None]]
    return gram, covariance[who, channel, centre + lag]


def _solve(
    covariance: NDArray[np.float64], predictors: list[NDArray[np.intp]], max_lag: int, strength: float
) -> Samples:
    n_channels, width = len(predictors), 2 * max_lag + 1
    weights = np.zeros((n_channels, n_channels, width), np.float32)
    for channel, others in enumerate(predictors):
        if not len(others):
            continue
        gram, right = _normal_equations(covariance, channel, others, max_lag)
        ridge = strength * max(np.trace(gram) / len(gram), np.finfo(float).tiny)
        solution = np.linalg.lstsq(gram + ridge * np.eye(len(gram)), right, rcond=None)[0]
        weights[channel, others] = solution.reshape(len(others), width)
    return weights


def _expected_error(
    weights: Samples, covariance: NDArray[np.float64], predictors: list[NDArray[np.intp]], max_lag: int
) -> float:
    error = 0.0
    for channel, others in enumerate(predictors):
        gram, right = _normal_equations(covariance, channel, others, max_lag)
        w = weights[channel, others].ravel()
        error += covariance[channel, channel, 2 * max_lag] - 2 * w @ right + w @ gram @ w
    return float(error)
