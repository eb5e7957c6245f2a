"""Closed-form blind ridge filter for channels on a line, which is also the baseline of the network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import add

import numpy as np
from numpy.typing import NDArray

from selfseis.denoise.options import RidgeOptions
from selfseis.denoise.training_data import intervals
from selfseis.recording.overlap_save import convolve_same
from selfseis.typing import BoolArray, Float32Array, FloatArray, IndexArray


@dataclass(frozen=True)
class LineCovariance:
    """The covariance of equally spaced channels, averaged along the line and over time.

    Attributes
    ----------
    products, counts : ndarray, shape (2 * max_offset + 1, 2 * max_lag + 1)
        Summed products of pairs of samples, and their number, by offset (channels) and lag (samples). Both axes start
        at the most negative value.
    """

    products: FloatArray
    counts: FloatArray

    @classmethod
    def measure(cls, data: Float32Array, where: BoolArray, max_offset: int, max_lag: int) -> LineCovariance:
        """Sum products over all pairs of samples by FFT.

        Parameters
        ----------
        data : ndarray, shape (n_channels, n_samples)
            Conditioned data.
        where : ndarray of bool, same shape
            Samples to use.
        max_offset, max_lag : int
            Maximum offset in channels and lag in samples.
        """
        from scipy.fft import next_fast_len

        shape = (
            next_fast_len(data.shape[0] + max_offset, real=True),
            next_fast_len(data.shape[1] + max_lag, real=True),
        )
        extent = (max_offset, max_lag)
        return cls(
            _autocorrelation(np.where(where, data, 0), shape, extent),
            np.round(_autocorrelation(where.astype(np.float64), shape, extent)),
        )

    def __add__(self, other: LineCovariance) -> LineCovariance:
        return LineCovariance(self.products + other.products, self.counts + other.counts)

    @property
    def values(self) -> FloatArray:
        """Mean products; zero where there is no pair of samples."""
        return self.products / np.maximum(self.counts, 1)


def _autocorrelation(values: NDArray, shape: tuple[int, int], extent: tuple[int, int]) -> FloatArray:
    from scipy.fft import irfft2, rfft2

    power = np.abs(rfft2(values, shape)) ** 2
    full = irfft2(power, shape)
    rows, columns = (np.arange(-reach, reach + 1) for reach in extent)
    return full[np.ix_(rows, columns)].astype(np.float64)


@dataclass(frozen=True)
class LineRidge:
    """Prediction of each channel from the channels outside its blind zone by regularised least squares.

    One filter serves the whole line. Channels near the ends or next to dead ones have separate filters for their live
    neighbours. All filters follow from the same covariance.

    Attributes
    ----------
    blind_zone : int
        Half-width in channels of the zone that the filter does not use; it includes the channel itself.
    reach : int
        Number of channels beyond the zone, on each side, that the filter uses.
    max_lag : int
        Samples of context before and after.
    covariance : ndarray, shape (4 * (blind_zone + reach) + 1, 4 * max_lag + 1)
        Mean products by offset and lag.
    strength : float
        Regularisation, relative to the variance.
    """

    blind_zone: int
    reach: int
    max_lag: int
    covariance: FloatArray
    strength: float

    @classmethod
    def fit(
        cls,
        spans: Iterable[tuple[Float32Array, BoolArray, BoolArray]],
        blind_zone: int,
        *,
        reach: int = 10,
        max_lag: int = 10,
        options: RidgeOptions = RidgeOptions(),
    ) -> LineRidge:
        """Solve for the filter, with the regularisation that predicts the validation samples best.

        Parameters
        ----------
        spans : iterable of (data, train, validation)
            Conditioned data, shape (n_channels, n_samples), and masks of the same shape: the samples that determine
            the covariance, and those that determine the regularisation.
        blind_zone, reach, max_lag : int
            As the attributes.
        options : RidgeOptions
            Settings.
        """
        spans = list(spans)
        if not spans:
            raise ValueError("a ridge filter needs at least one span of data")
        extent = 2 * (blind_zone + reach), 2 * max_lag
        trained = reduce(add, (LineCovariance.measure(data, train, *extent) for data, train, _ in spans))
        candidates = [cls(blind_zone, reach, max_lag, trained.values, s) for s in options.strengths]
        parts = [part for data, _, validation in spans for part in _masked_parts(data, validation)]
        return min(candidates, key=lambda ridge: sum(ridge._error(*part) for part in parts))

    @property
    def halo(self) -> int:
        """Samples of context on each side that a tile needs."""
        return self.max_lag

    @property
    def offsets(self) -> IndexArray:
        """Offsets in channels of the neighbours that the filter uses."""
        beyond = np.arange(self.blind_zone + 1, self.blind_zone + self.reach + 1)
        return np.concatenate([-beyond[::-1], beyond])

    def weights(self, offsets: IndexArray) -> FloatArray:
        """Return the filter for some of the neighbours, shape (len(offsets), 2 * max_lag + 1)."""
        neighbours = offsets.tobytes()
        if neighbours not in self._solved:
            self._solved[neighbours] = self._solve(offsets)
        return self._solved[neighbours]

    @cached_property
    def _solved(self) -> dict[bytes, FloatArray]:
        """Filters solved so far; every tile needs those of the ends of the line."""
        return {}

    def _solve(self, offsets: IndexArray) -> FloatArray:
        gram, right = self._normal_equations(offsets)
        variance = max(float(self.covariance[self._centre]), np.finfo(float).tiny)
        values, vectors = eigenvalues_and_vectors(gram)
        inverse = 1 / (values + self.strength * variance)
        solution = vectors @ (inverse * (vectors.T @ right))
        return solution.reshape(len(offsets), -1)

    def predict(self, data: Float32Array, live: BoolArray) -> Float32Array:
        """Predict every channel of a tile.

        Parameters
        ----------
        data : ndarray, shape (n_channels, n_samples)
            Conditioned data, zero where there are none.
        live : ndarray of bool, shape (n_channels,)
            Channels with data.

        Returns
        -------
        ndarray, shape (n_channels, n_samples)
            The prediction; zero where no neighbour is live.
        """
        available = self._available(live)
        complete = available.all(axis=1)
        prediction = convolve_same(data, self._kernel()) if complete.any() else np.zeros_like(data)
        prediction[~complete] = 0
        for channel in np.flatnonzero(~complete & available.any(axis=1)):
            offsets = self.offsets[available[channel]]
            padded = np.pad(data[channel + offsets], ((0, 0), (self.max_lag, self.max_lag)))
            for lag, filters in enumerate(self.weights(offsets).astype(np.float32).T):
                prediction[channel] += filters @ padded[:, lag : lag + data.shape[1]]
        return prediction

    def _available(self, live: BoolArray) -> BoolArray:
        neighbours = np.arange(len(live))[:, None] + self.offsets[None]
        inside = (neighbours >= 0) & (neighbours < len(live))
        return inside & live[np.clip(neighbours, 0, len(live) - 1)]

    @property
    def _centre(self) -> tuple[int, int]:
        return 2 * (self.blind_zone + self.reach), 2 * self.max_lag

    def _kernel(self) -> Float32Array:
        width = self.blind_zone + self.reach
        kernel = np.zeros((2 * width + 1, 2 * self.max_lag + 1), np.float32)
        kernel[self.offsets + width] = self.weights(self.offsets)
        return kernel[::-1, ::-1].copy()

    def _normal_equations(self, offsets: IndexArray) -> tuple[FloatArray, FloatArray]:
        lags = np.arange(-self.max_lag, self.max_lag + 1)
        offset, lag = (a.ravel() for a in np.meshgrid(offsets, lags, indexing="ij"))
        row, column = self._centre
        gram = self.covariance[row + offset[:, None] - offset[None], column + lag[:, None] - lag[None]]
        return gram, self.covariance[row + offset, column + lag]

    def _error(self, data: Float32Array, where: BoolArray) -> float:
        """Return the squared error of the filter over channels with all neighbours, or over all of a short line."""
        width = self.blind_zone + self.reach
        inner = slice(width, -width) if len(data) > 2 * width else slice(None)
        residual = (data - convolve_same(data, self._kernel()))[inner]
        return float(np.square(residual[where[inner]], dtype=np.float64).sum())


def eigenvalues_and_vectors(gram: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the eigenvalues of a covariance, none below zero, and its eigenvectors in columns.

    A covariance measured with gaps need not be positive definite; the ridge term then makes it so.

    Parameters
    ----------
    gram : ndarray, shape (n_unknowns, n_unknowns)
        A symmetric matrix.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):  # with several threads so small a matrix takes 50 times as long
        values, vectors = np.linalg.eigh(gram)
    return np.maximum(values, 0), vectors


def _masked_parts(data: Float32Array, where: BoolArray) -> Iterator[tuple[Float32Array, BoolArray]]:
    """Yield the time intervals in which the mask holds for any channel, with zeros outside the mask."""
    for first, last in intervals(np.asarray(where.any(axis=0))):
        times = slice(first, last)
        yield np.where(where[:, times], data[:, times], 0), where[:, times]
