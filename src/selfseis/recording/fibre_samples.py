"""Samples of a fibre in one unit: converted, and unwrapped where they are a wrapped phase."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from selfseis.quality_log import QualityLog
from selfseis.recording.segments import Segment
from selfseis.typing import BoolArray, FloatArray, IntArray

_RADIANS = frozenset({"rad", "radian", "radians"})
_CYCLE = 2 * np.pi
_STRIDE = 16_384  # samples between stored states of the unwrapping: a read begins at the last one before it
_BEGINNING = 4096  # samples from which wrapping is judged


@dataclass(frozen=True)
class FibreSegment(Segment):
    """A segment whose samples the preparation of the whole fibre returns."""

    preparation: FibrePreparation
    number: int

    def read(self, first: int, last: int, quality_log: QualityLog) -> npt.NDArray[Any]:
        """Return samples ``first:last`` of all channels."""
        return self.preparation.read(self.number, first, last, quality_log)


def prepared_segments(
    segments: Sequence[Segment], factors: Sequence[float], units: str, quality_log: QualityLog
) -> list[Segment]:
    """Return the segments of a fibre with samples in one unit.

    A phase in radians that never leaves one cycle is unwrapped in time, also from file to file. It is found at the
    first reading, and logged. Where nothing is to be done the segments themselves are returned.

    Parameters
    ----------
    segments : sequence of Segment
        All segments of the fibre.
    factors : sequence of float
        What turns the samples of each into the units of the fibre.
    units : str
        Units of the fibre.
    quality_log : QualityLog
        Receives what changed the samples.
    """
    if units not in _RADIANS and all(factor == 1.0 for factor in factors):
        return list(segments)
    order = sorted(range(len(segments)), key=lambda k: segments[k].start_ns)
    preparation = FibrePreparation(
        [segments[k] for k in order], [factors[k] for k in order], units, quality_log
    )
    return [
        FibreSegment(part.seed_id, part.start_ns, part.n_samples, part.rate, part.unit, preparation, number)
        for number, part in enumerate(preparation.segments)
    ]


class FibrePreparation:
    """Conversion of the samples of a fibre; what it measures once holds for all segments.

    Parameters
    ----------
    segments : list of Segment
        In order of time.
    factors, units, quality_log
        As for `prepared_segments`.
    """

    def __init__(
        self, segments: list[Segment], factors: list[float], units: str, quality_log: QualityLog
    ) -> None:
        self.segments = segments
        self.factors = factors
        self.is_phase = units in _RADIANS
        self.quality_log = quality_log
        self._phase: _Unwrapping | None = None
        self._measured = False
        self._lock = threading.RLock()

    def read(self, number: int, first: int, last: int, quality_log: QualityLog) -> npt.NDArray[Any]:
        """Return samples ``first:last`` of one segment."""
        if not self.is_phase:
            return self.converted(number, first, last, quality_log)
        with self._lock:
            if not self._measured:
                self._measure()
            if self._phase is not None:
                return self._phase.read(number, first, last, quality_log)
        return self.converted(number, first, last, quality_log)

    def converted(self, number: int, first: int, last: int, quality_log: QualityLog) -> npt.NDArray[Any]:
        """Return samples in the units of the fibre."""
        samples = self.segments[number].read(first, last, quality_log)
        factor = self.factors[number]
        return samples if factor == 1.0 else samples.astype(np.float64) * factor

    def _measure(self) -> None:
        """Find out whether the phase stays within one cycle, from the first samples that are not damaged."""
        for number, segment in enumerate(self.segments[:3]):
            beginning = self.converted(number, 0, min(segment.n_samples, _BEGINNING), QualityLog())
            finite = beginning[np.isfinite(beginning)]
            if finite.size:
                self._phase = _Unwrapping(self) if np.ptp(finite) <= _CYCLE * (1 + 1e-3) else None
                break
        self._measured = True

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._lock = threading.RLock()


class _Unwrapping:
    """Wrapped phase made continuous in time; states at regular samples let a read begin anywhere."""

    def __init__(self, preparation: FibrePreparation) -> None:
        self._preparation = preparation
        self._states: dict[tuple[int, int], tuple[IntArray, FloatArray]] = {}

    def read(self, number: int, first: int, last: int, quality_log: QualityLog) -> FloatArray:
        """Return the unwrapped samples ``first:last`` of a segment."""
        block = first // _STRIDE
        self._advance(number, block)
        unwrapped = self._from(number, block, last, quality_log)
        return unwrapped[:, first - block * _STRIDE :]

    def _advance(self, number: int, block: int) -> None:
        """Compute the states up to the beginning of a block, from the last one that is known."""
        segment_number, known = number, block
        while (segment_number, known) not in self._states:
            if known > 0:
                known -= 1
            elif segment_number > 0 and self._follows(segment_number):
                segment_number -= 1
                known = (self._preparation.segments[segment_number].n_samples - 1) // _STRIDE
            else:
                self._states[segment_number, 0] = (np.zeros(0, np.int64), np.zeros(0))
        while (segment_number, known) != (number, block):
            size = self._preparation.segments[segment_number].n_samples
            self._from(segment_number, known, min(size, (known + 1) * _STRIDE), QualityLog())
            if (known + 1) * _STRIDE < size and (segment_number, known) < (number, block):
                known += 1
            else:
                segment_number, known = segment_number + 1, 0

    def _follows(self, number: int) -> bool:
        """Whether a segment begins where the one before it ends."""
        before, segment = self._preparation.segments[number - 1 : number + 1]
        return bool(abs(segment.start_ns - before.end_ns) < 1.5e9 / segment.rate)

    def _from(self, number: int, block: int, last: int, quality_log: QualityLog) -> FloatArray:
        """Unwrap from the beginning of a block, and keep the states on the way."""
        segment = self._preparation.segments[number]
        begin = block * _STRIDE
        samples = self._preparation.converted(number, begin, last, quality_log).astype(np.float64)
        samples[~np.isfinite(samples)] = np.nan
        cycles, before = self._states[number, block]
        if not cycles.size:
            cycles, before = np.zeros(len(samples), np.int64), np.full(len(samples), np.nan)
        filled = _filled_forward(np.concatenate([before[:, None], samples], axis=1))
        steps = np.nan_to_num(np.diff(filled, axis=1))
        jumps = -np.round(steps / _CYCLE).astype(np.int64)
        count = cycles[:, None] + np.cumsum(jumps, axis=1)
        for at in range(begin + _STRIDE, last + 1, _STRIDE):
            self._states[number, at // _STRIDE] = (count[:, at - begin - 1], filled[:, at - begin])
        if (
            last == segment.n_samples
            and number + 1 < len(self._preparation.segments)
            and self._follows(number + 1)
        ):
            self._states[number + 1, 0] = (count[:, -1], filled[:, -1])
        if jumps.any():
            self._preparation.quality_log.add(
                "assumed", "fibre", "the samples are a phase in rad wrapped to one cycle: unwrapped in time"
            )
        return samples + _CYCLE * count


def _filled_forward(values: FloatArray) -> FloatArray:
    """Return rows in which each NaN has the last finite value before it."""
    there: BoolArray = np.isfinite(values)
    index = np.maximum.accumulate(np.where(there, np.arange(values.shape[1]), 0), axis=1)
    return np.take_along_axis(values, index, axis=1)
