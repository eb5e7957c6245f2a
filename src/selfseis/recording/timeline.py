"""Segments of one channel (or of a whole fibre) on the common sample times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from selfseis.quality_log import QualityLog
from selfseis.recording.segments import Segment
from selfseis.recording.single_precision import N_SEEN, in_single_precision, is_exact, removable_offsets
from selfseis.recording.time_axis import TimeGrid, to_datetime64
from selfseis.typing import Float32Array, FloatArray

_NOTABLE_SHIFT = 0.02
"""Largest shift to the common times, in sampling intervals, that is not logged."""
_MAX_DRIFT = 0.5
"""Samples by which a segment of another rate may leave the common times before it is cut."""
_DAY_NS = 86_400 * 10**9
_YEAR_NS = 365.25 * _DAY_NS
_FAR_NS = _YEAR_NS
_ROLLOVER_NS = 1024 * 7 * _DAY_NS


class _Piece(NamedTuple):
    """Samples of a segment that follow each other on the common times."""

    segment: Segment
    skip: int  # samples of the segment before the piece
    first: int  # index of its first sample in the recording
    n_samples: int


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
        cut = [piece for segment in self.segments for piece in _pieces(segment, grid)]
        self._pieces = sorted(cut, key=lambda piece: piece.first)
        self._first = np.array([piece.first for piece in self._pieces], dtype=np.int64)
        self._last = self._first + np.array([piece.n_samples for piece in self._pieces], dtype=np.int64)
        self._reach = np.maximum.accumulate(self._last)

    @property
    def n_samples(self) -> int:
        """Number of samples of all segments."""
        return sum(segment.n_samples for segment in self.segments)

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
            piece = self._pieces[k]
            at = piece.skip - int(self._first[k])
            values = piece.segment.read(low + at, high + at, quality_log).reshape(n_channels, high - low)
            segment = self._without_offset(values, quality_log)
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

    def _without_offset(self, values: npt.NDArray[Any], quality_log: QualityLog) -> Float32Array:
        """Return samples in single precision, without a large offset of the channel."""
        if is_exact(values.dtype) and len(values) > 1:  # all files of a fibre have one number type
            return np.asarray(values, dtype=np.float32)
        return in_single_precision(values, self._offset[: len(values)], self.label, quality_log)

    @cached_property
    def _offset(self) -> FloatArray:
        """Offset of each channel to be removed, from the first samples of the first segment; mostly zero."""
        segment = self.segments[0]
        return removable_offsets(segment.read(0, min(N_SEEN, segment.n_samples), QualityLog()))

    def account(self, quality_log: QualityLog, first: int, last: int) -> None:
        """Count gaps, overlaps and shifts within samples ``first:last`` of the recording."""
        quality_log.expect(self.label, self.n_samples)
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
        starts = np.array(
            [piece.segment.start_ns for piece in self._pieces if piece.skip == 0], dtype=np.int64
        )
        firsts = np.array([piece.first for piece in self._pieces if piece.skip == 0], dtype=np.int64)
        shifts = np.abs(starts - self.grid.at(firsts))
        moved = shifts > _NOTABLE_SHIFT * float(self.grid.period)
        if moved.any():
            count, max_shift_ms = int(moved.sum()), shifts.max() / 1e6
            detail = f"{count} segments moved by up to {max_shift_ms:.3g} ms to the common sample times"
            quality_log.add("shifted", self.label, detail, count)
        n_cuts = len(self._pieces) - len(self.segments)
        if n_cuts > 0:
            rates = sorted(
                {segment.rate for segment in self.segments}, key=lambda rate: abs(rate - self.grid.rate)
            )
            detail = (
                f"its rate of {rates[-1]:.9g} Hz is not that of the rest, {self.grid.rate:.9g} Hz: cut in "
                f"{len(self._pieces)} pieces, each at its own time"
            )
            quality_log.add("shifted", self.label, detail, n_cuts)


def _pieces(segment: Segment, grid: TimeGrid) -> Iterator[_Piece]:
    """Cut a segment where its own rate takes it half a sample away from the common times.

    At each cut, one time is left empty (a segment slower than the grid), or one sample (a faster one).
    """
    first = grid.nearest(segment.start_ns)
    ahead = grid.rate / segment.rate - 1  # samples that the grid gains per sample of the segment
    total = ahead * segment.n_samples
    if abs(total) <= _MAX_DRIFT:
        yield _Piece(segment, 0, first, segment.n_samples)
        return
    sign = 1 if ahead > 0 else -1
    begin = float(grid.position(segment.start_ns) - first)
    steps = np.arange(int(abs(begin + total)) + 2)
    cuts = np.ceil((sign * (steps + _MAX_DRIFT) - begin) / ahead).astype(np.int64)
    cuts = np.maximum(cuts[cuts < segment.n_samples], 0)
    edges = [0, *cuts.tolist(), segment.n_samples]
    for step, (low, high) in enumerate(pairwise(edges)):
        skip = low + (1 if step and sign < 0 else 0)
        if skip < high:
            yield _Piece(segment, skip, first + sign * step + skip, high - skip)


def log_far_channels(timelines: Sequence[Timeline], quality_log: QualityLog) -> None:
    """Name the channels whose data lie more than a year from those of all others: their clock may be wrong."""
    spans = {
        timeline.label: (timeline.segments[0].start_ns, max(segment.end_ns for segment in timeline.segments))
        for timeline in timelines
    }
    sites: dict[str, tuple[int, int]] = {}
    for label, (start, end) in spans.items():
        site = ".".join(label.split(".")[:2])
        earlier, later = sites.get(site, (start, end))
        sites[site] = min(start, earlier), max(end, later)
    for site, (start, end) in sites.items():
        others = [span for other, span in sites.items() if other != site]
        apart = min((max(first - end, start - last) for first, last in others), default=0)
        if apart > _FAR_NS:
            rolled = abs((apart + _ROLLOVER_NS / 2) % _ROLLOVER_NS - _ROLLOVER_NS / 2) < _DAY_NS
            cause = "; that is 1024 weeks, the period of the GPS week number" if rolled else ""
            detail = f"its data lie {apart / _YEAR_NS:.1f} years from those of all other stations{cause}"
            quality_log.add("far_in_time", site, f"{detail}: check its clock, or give start and end")


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
    last = max(
        grid.nearest(segment.start_ns) + round(segment.n_samples * (rate / segment.rate))
        for segment in segments
    )
    return TimeGrid(int(grid.at(first)), rate, last - first)
