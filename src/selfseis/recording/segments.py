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
    def read(self, first: int, last: int, quality_log: QualityLog) -> npt.NDArray[Any]:
        """Return samples ``first:last`` (the last axis); NaN, with an issue in the log, if they do not decode.

        They keep their number type: the timeline removes large offsets before it makes them float32.
        """


@dataclass(frozen=True)
class SegmentInMemory(Segment):
    """A segment whose samples are in memory."""

    samples: npt.NDArray[Any]

    def read(self, first: int, last: int, quality_log: QualityLog) -> npt.NDArray[Any]:
        """Return samples ``first:last``."""
        return self.samples[..., first:last]


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


def finite_values(
    samples: npt.NDArray[Any], unit: str, where: str, quality_log: QualityLog
) -> npt.NDArray[Any]:
    """Return samples in their own number type, with NaN in place of infinite ones; counts both."""
    if samples.dtype.kind != "f":
        return samples
    bad = ~np.isfinite(samples)
    count = int(bad.sum())
    if not count:
        return samples
    quality_log.add("nan", unit, f"{count} samples {where} are not finite numbers: masked", count)
    return np.where(bad, np.nan, samples)


def tidy_rate(rate: float, precision: float = 2e-7) -> float:
    """Remove the rounding of headers from a rate: 100.0000022 Hz, from an interval in single precision, becomes 100.

    Parameters
    ----------
    rate : float
        In Hz.
    precision : float
        Largest relative error of the header; by default that of a number in single precision.

    Returns
    -------
    float
        The whole number of Hz or of seconds within the precision, or the rate itself.

    Examples
    --------
    >>> tidy_rate(100.0000022, 1e-6), tidy_rate(99.9986)
    (100.0, 99.9986)
    """
    for candidate in (float(round(rate)), 1.0 / max(1, round(1.0 / rate))):
        if candidate > 0 and abs(rate - candidate) <= precision * candidate:
            return candidate
    return float(rate)
