"""Lazy waveforms for xarray: samples are read only when they are indexed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from xarray.backends import BackendArray
from xarray.core import indexing

from selfseis.typing import Float32Array, IntArray

ReadSamples = Callable[[IntArray, int, int], Float32Array]
"""``read(channels, first, last)`` -> float32 (len(channels), last - first)."""

_JOIN = 100_000  # samples; scattered samples closer than this are read together, which is faster


class LazyWaveforms(BackendArray):
    """Samples (channels, time) that a function reads for a range of time and some channels."""

    def __init__(self, read: ReadSamples, n_channels: int, n_samples: int) -> None:
        self.read = read
        self.shape = (n_channels, n_samples)
        self.dtype = np.dtype(np.float32)

    def reordered(self, order: IntArray) -> LazyWaveforms:
        """Return the same waveforms with channel ``order[k]`` as channel ``k``."""
        return LazyWaveforms(_Reordered(self.read, order), *self.shape)

    def part(self, channels: IntArray, first: int, last: int) -> LazyWaveforms:
        """Return some channels within ``first:last``."""
        return LazyWaveforms(_Reordered(self.read, channels, first), len(channels), last - first)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Float32Array:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read_outer
        )

    def _read_outer(self, key: tuple[Any, Any]) -> Float32Array:
        channels = np.arange(self.shape[0])[key[0]]
        samples = self._read(np.atleast_1d(channels), key[1])
        return samples[0] if np.ndim(channels) == 0 else samples

    def _read(self, channels: IntArray, key: Any) -> Float32Array:
        if isinstance(key, slice):
            wanted = range(self.shape[1])[key]
            if len(wanted) == 0 or len(channels) == 0:
                return np.empty((len(channels), len(wanted)), dtype=np.float32)
            if wanted.step == 1:
                return np.asarray(self.read(channels, wanted.start, wanted.stop), dtype=np.float32)
            key = np.arange(wanted.start, wanted.stop, wanted.step)
        single = np.ndim(key) == 0
        indices = np.atleast_1d(np.asarray(key))
        samples = self._read_scattered(channels, np.where(indices < 0, indices + self.shape[1], indices))
        return samples[:, 0] if single else samples

    def _read_scattered(self, channels: IntArray, indices: IntArray) -> Float32Array:
        samples = np.empty((len(channels), len(indices)), dtype=np.float32)
        order = np.argsort(indices, kind="stable")
        for run in _neighbouring_runs(indices[order]):
            first, last = int(indices[order[run.start]]), int(indices[order[run.stop - 1]]) + 1
            read = np.asarray(self.read(channels, first, last), dtype=np.float32)
            samples[:, order[run]] = read[:, indices[order[run]] - first]
        return samples


class _Reordered:
    """A reader with a selection of channels and a shift in time; a class, so that it can be pickled for workers."""

    def __init__(self, read: ReadSamples, order: IntArray, first: int = 0) -> None:
        self.read, self.order, self.first = read, np.asarray(order), first

    def __call__(self, channels: IntArray, first: int, last: int) -> Float32Array:
        return self.read(self.order[channels], self.first + first, self.first + last)


def lazily(waveforms: LazyWaveforms) -> Any:
    """Wrap waveforms so that xarray's indexing stays lazy and caches nothing."""
    return indexing.LazilyIndexedArray(waveforms)


def _neighbouring_runs(ordered: IntArray) -> Iterator[slice]:
    """Slices of ascending indices that span at most `_JOIN` samples each."""
    start = 0
    while start < len(ordered):
        stop = int(np.searchsorted(ordered, ordered[start] + _JOIN))
        yield slice(start, stop)
        start = stop
