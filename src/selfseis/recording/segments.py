"""Segments: runs of samples of one channel without a gap, in a file or in memory."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from selfseis.quality_log import QualityLog
from selfseis.typing import Float32Array

NANOSECONDS = 1e9
SAME_RATE = 2e-4  # relative difference; headers state rounded rates, such as 99.99 for 100 Hz


@dataclass(frozen=True)
class Segment(ABC):
    """Contiguous samples of one channel (or of all channels of a fibre), read on request.

    Attributes
    ----------
    seed_id : str
        The channel; empty for a whole fibre.
    start_ns : int
        Time of the first sample, ns since 1970 UTC.
    n_samples : int
        Number of samples according to the headers.
    rate : float
        Sampling rate in Hz.
    unit : str
        The file (or object) of origin, for the quality log.
    """

    seed_id: str
    start_ns: int
    n_samples: int
    rate: float
    unit: str

    @property
    def end_ns(self) -> int:
        """Time of the sample that would follow the last one."""
        return self.start_ns + round(self.n_samples * NANOSECONDS / self.rate)

    @abstractmethod
    def read(self, first: int, last: int, quality_log: QualityLog) -> Float32Array:
        """Return samples ``first:last`` (the last axis); NaN, with an issue in the log, if they do not decode."""


@dataclass(frozen=True)
class SegmentInMemory(Segment):
    """A segment whose samples are in memory."""

    samples: npt.NDArray[Any]

    def read(self, first: int, last: int, quality_log: QualityLog) -> Float32Array:
        """Return samples ``first:last``."""
        return np.asarray(self.samples[first:last], dtype=np.float32)


def file_stamp(path: str) -> tuple[int, int, int]:
    """Return an identifier of the state of a file, so that a cache never returns an older state."""
    status = os.stat(path)
    return status.st_ino, status.st_mtime_ns, status.st_size


def finite_samples(samples: npt.NDArray[Any], unit: str, where: str, quality_log: QualityLog) -> Float32Array:
    """Return samples as float32, with NaN in place of infinite ones; counts both."""
    with np.errstate(over="ignore"):  # an overflow of float32 becomes infinite, so it is masked and counted
        finite = np.array(samples, dtype=np.float32)
    bad = ~np.isfinite(finite)
    if bad.any():
        finite[bad] = np.nan
        count = int(bad.sum())
        quality_log.add("nan", unit, f"{count} samples {where} are not finite numbers: masked", count)
    return finite


def tidy_rate(rate: float) -> float:
    """Remove the rounding of headers from a rate: 100.0000022 (SAC's float delta) and 99.9999 become 100."""
    for candidate in (float(round(rate)), 1.0 / max(1, round(1.0 / rate))):
        if candidate > 0 and abs(rate - candidate) <= 2e-6 * candidate:
            return candidate
    return float(rate)
