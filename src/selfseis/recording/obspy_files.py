"""Reader of the other formats of ObsPy (SAC, SEG-Y, GSE2, ...) and of ObsPy streams."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from selfseis.errors import one_line
from selfseis.geo.station_files import Site
from selfseis.io.library_process import LIBRARIES
from selfseis.io.obspy_import import read_stream
from selfseis.quality_log import QualityLog
from selfseis.recording.compressed_files import content_of
from selfseis.recording.segments import Segment, SegmentInMemory, file_stamp, finite_values, tidy_rate
from selfseis.recording.trace_codes import seed_ids_of, site_of, without_duplicates

_SECOND, _MILLISECOND = 10**9, 10**6  # ns
_MAX_SAMPLES_PER_BYTE = 8  # no format packs a sample in less than a bit


@dataclass(frozen=True)
class TraceInFile(Segment):
    """One trace of a file; the file is read when samples are requested, and a few files stay in memory."""

    position: int

    def read(self, first: int, last: int, quality_log: QualityLog) -> npt.NDArray[Any]:
        """Return samples ``first:last`` of the trace."""
        try:
            samples = _samples_of(self.unit, file_stamp(self.unit))[self.position]
        except Exception as error:  # readers may raise any exception; the other files stay usable
            quality_log.add("damaged", self.unit, f"the samples cannot be read ({one_line(error)}): masked")
            samples = np.empty(0, dtype=np.float32)
        if samples.size != self.n_samples:
            detail = f"{self.seed_id} holds {samples.size} samples where its header states {self.n_samples}"
            lost = max(0.0, 1 - samples.size / self.n_samples)
            quality_log.add("truncated", self.unit, detail, lost_share=lost)
        there = finite_values(samples[: self.n_samples], self.unit, f"of {self.seed_id}", quality_log)[
            first:last
        ]
        if there.size == last - first:
            return there
        read = np.full(last - first, np.nan, dtype=np.result_type(there.dtype, np.float32))
        read[: there.size] = there
        return read


def obspy_segments(path: str, quality_log: QualityLog) -> tuple[list[Segment], dict[str, Site]]:
    """Index a file by its headers through ObsPy.

    Returns
    -------
    segments : list of Segment
        One per trace.
    sites : dict
        Coordinates from the headers, by seed_id.

    Raises
    ------
    Exception
        Any exception of ObsPy for an unknown format.
    """
    stream = read_stream(str(content_of(path)), headonly=True)
    n_bytes = content_of(path).stat().st_size
    segments: list[Segment] = []
    sites: dict[str, Site] = {}
    for position, (seed_id, trace) in enumerate(
        zip(seed_ids_of(stream, path, quality_log), stream, strict=True)
    ):
        start, n_samples, rate = _header(trace)
        if n_samples > n_bytes * _MAX_SAMPLES_PER_BYTE:
            detail = f"{seed_id} states {n_samples:,} samples in a file of {n_bytes:,} bytes: its header is damaged"
            quality_log.add("unreadable", path, detail)
        elif n_samples > 0:
            segments.append(TraceInFile(seed_id, start, n_samples, rate, path, position))
        if (site := site_of(trace)) is not None:
            sites[seed_id] = site
    return segments, sites


def stream_segments(stream: Iterable[Any], quality_log: QualityLog) -> tuple[list[Segment], dict[str, Site]]:
    """Return the segments of an ObsPy Stream and the coordinates in its headers, by seed_id.

    Samples are copied on reading, masked ones are gaps. A trace that repeats another one is used once.
    """
    unique = without_duplicates(list(stream), "stream", quality_log)
    traces = [part for trace in unique for part in _without_masked_samples(trace)]
    segments: list[Segment] = []
    sites: dict[str, Site] = {}
    for seed_id, trace in zip(seed_ids_of(traces, "stream", quality_log), traces, strict=True):
        if (site := site_of(trace)) is not None:
            sites[seed_id] = site
        start, n_samples, rate = _header(trace)
        samples = finite_values(np.asarray(trace.data), "stream", f"of {seed_id}", quality_log)
        if n_samples:
            segments.append(SegmentInMemory(seed_id, start, n_samples, rate, "stream", samples))
    return segments, sites


@lru_cache(maxsize=4)
def _samples_of(path: str, stamp: tuple[int, int, int]) -> list[npt.NDArray[Any]]:
    samples: list[npt.NDArray[Any]] = LIBRARIES.call(
        "selfseis.io.obspy_import:read_samples", str(content_of(path))
    )
    return samples


def _without_masked_samples(trace: Any) -> Iterable[Any]:
    return trace.split() if np.ma.isMaskedArray(trace.data) else [trace]


def _header(trace: Any) -> tuple[int, int, float]:
    start = int(trace.stats.starttime._ns) + _delay_ns(trace.stats)
    return start, int(trace.stats.npts), tidy_rate(float(trace.stats.sampling_rate))


def _delay_ns(stats: Any) -> int:
    """Return the time from the trigger to the first sample that ObsPy leaves out: SEG-2, SEG-Y and SU state it."""
    if "seg2" in stats:
        seconds = str(stats.seg2.get("DELAY", "0")).split()
        return round(float(seconds[0]) * _SECOND) if seconds else 0
    header = getattr(stats.get("segy") or stats.get("su"), "trace_header", None)
    if header is None:
        return 0
    scalar = int(header.scalar_to_be_applied_to_times or 1)
    return round(int(header.delay_recording_time) * _MILLISECOND * (scalar if scalar > 0 else -1 / scalar))
