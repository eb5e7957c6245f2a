"""Segments of one channel (or of a whole fibre) on the common sample times."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from selfseis.quality_log import QualityLog
from selfseis.recording.segments import Segment
from selfseis.recording.time_axis import TimeGrid, to_datetime64
from selfseis.typing import Float32Array

_NOTABLE_SHIFT = 0.02
"""Largest shift to the common times, in sampling intervals, that is not logged."""


class Timeline:
    """Positions of segments in the recording, with their gaps and overlaps.

    Parameters
    ----------
    label : str
        Channel or fibre, for the quality log.
    segments : sequence of Segment
        Of one channel, of one sampling rate.
    grid : TimeGrid
        Sample times of the whole recording.
    """

    def __init__(self, label: str, segments: Sequence[Segment], grid: TimeGrid) -> None:
        self.label = label
        self.grid = grid
        self.segments = sorted(segments, key=lambda segment: segment.start_ns)
        self._first = np.array([grid.nearest(segment.start_ns) for segment in self.segments], dtype=np.int64)
        self._last = self._first + np.array([segment.n_samples for segment in self.segments], dtype=np.int64)
        self._reach = np.maximum.accumulate(self._last)

    def read(self, first: int, last: int, n_channels: int, quality_log: QualityLog) -> Float32Array | None:
        """Read samples ``first:last`` as (n_channels, last - first); None if no segment lies there.

        If overlapping segments disagree, the correct one is unknown: those samples are masked and counted.
        """
        begin = int(np.searchsorted(self._reach, first, side="right"))
        end = int(np.searchsorted(self._first, last))
        if begin >= end:
            return None
        samples = np.full((n_channels, last - first), np.nan, dtype=np.float32)
        disputed = np.zeros(samples.shape, dtype=bool)
        for k in range(begin, end):
            low, high = max(first, int(self._first[k])), min(last, int(self._last[k]))
            if low >= high:
                continue
            segment = self.segments[k].read(
                low - int(self._first[k]), high - int(self._first[k]), quality_log
            )
            segment = segment.reshape(n_channels, high - low)
            there = samples[:, low - first : high - first]
            new = np.isnan(there) & ~np.isnan(segment)
            disputed[:, low - first : high - first] |= ~new & ~np.isnan(segment) & (there != segment)
            there[new] = segment[new]
        if disputed.any():
            samples[disputed] = np.nan
            count = int(disputed.sum())
            when = to_datetime64(self.grid.at(first))
            quality_log.add(
                "conflict",
                self.label,
                f"{count} samples from {when} on: overlapping segments disagree",
                count,
            )
        return samples

    def account(self, quality_log: QualityLog, first: int, last: int) -> None:
        """Count gaps, overlaps and shifts within samples ``first:last`` of the recording."""
        self._log_gaps(quality_log, first, last)
        self._log_overlaps(quality_log)
        self._log_shifts(quality_log)

    def _log_gaps(self, quality_log: QualityLog, first: int, last: int) -> None:
        begins = np.concatenate([[first], np.maximum(self._reach, first)])
        ends = np.concatenate([np.minimum(self._first, last), [last]])
        lengths = np.maximum(ends - begins, 0)
        total = int(lengths.sum())
        if total:
            longest = int(np.argmax(lengths))
            seconds = lengths[longest] / self.grid.rate
            when = to_datetime64(self.grid.at(begins[longest])).astype("datetime64[ms]")
            n_gaps = np.count_nonzero(lengths)
            detail = f"{n_gaps} spans without data, the longest {seconds:.6g} s from {when} on"
            quality_log.add("gap", self.label, detail, total)

    def _log_overlaps(self, quality_log: QualityLog) -> None:
        covered_twice = np.minimum(self._reach[:-1], self._last[1:]) - self._first[1:]
        places = np.flatnonzero(covered_twice > 0)
        if places.size:
            when = to_datetime64(self.grid.at(self._first[1:][places[0]])).astype("datetime64[ms]")
            total = int(covered_twice[places].sum())
            detail = f"{places.size} segments begin before the end of the previous one, first at {when}"
            quality_log.add("overlap", self.label, detail, total)

    def _log_shifts(self, quality_log: QualityLog) -> None:
        starts = np.array([segment.start_ns for segment in self.segments], dtype=np.int64)
        shifts = np.abs(starts - self.grid.at(self._first))
        moved = shifts > _NOTABLE_SHIFT * float(self.grid.period)
        if moved.any():
            count, max_shift_ms = int(moved.sum()), shifts.max() / 1e6
            detail = f"{count} segments moved by up to {max_shift_ms:.3g} ms to the common sample times"
            quality_log.add("shifted", self.label, detail, count)


def common_grid(segments: Sequence[Segment], rate: float) -> TimeGrid:
    """Return sample times that cover all segments and agree exactly with as many of their samples as possible."""
    period = TimeGrid(0, rate, 0).period
    samples_at_phase: dict[int, int] = {}
    for segment in segments:
        phase = round(segment.start_ns % period / 1000)
        samples_at_phase[phase] = samples_at_phase.get(phase, 0) + segment.n_samples
    best = max(samples_at_phase, key=lambda phase: (samples_at_phase[phase], -phase))
    anchor = next(segment.start_ns for segment in segments if round(segment.start_ns % period / 1000) == best)
    grid = TimeGrid(anchor, rate, 0)
    first = min(grid.nearest(segment.start_ns) for segment in segments)
    last = max(grid.nearest(segment.start_ns) + segment.n_samples for segment in segments)
    return TimeGrid(int(grid.at(first)), rate, last - first)
