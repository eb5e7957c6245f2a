"""Reader of the other formats of ObsPy (SAC, SEG-Y, GSE2, ...) and of ObsPy streams."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from selfseis.errors import one_line
from selfseis.geo.station_files import Site
from selfseis.io.obspy_import import read_stream
from selfseis.quality_log import QualityLog
from selfseis.recording.segments import Segment, SegmentInMemory, file_stamp, finite_samples, tidy_rate
from selfseis.typing import Float32Array


@dataclass(frozen=True)
class TraceInFile(Segment):
    """One trace of a file; the file is read when samples are requested, and a few files stay in memory."""

    position: int

    def read(self, first: int, last: int, quality_log: QualityLog) -> Float32Array:
        """Return samples ``first:last`` of the trace."""
        try:
            samples = _samples_of(self.unit, file_stamp(self.unit))[self.position]
        except Exception as error:  # readers may raise any exception; the other files stay usable
            quality_log.add("damaged", self.unit, f"the samples cannot be read ({one_line(error)}): masked")
            samples = np.empty(0, dtype=np.float32)
        if samples.size != self.n_samples:
            detail = f"{self.seed_id} holds {samples.size} samples where its header states {self.n_samples}"
            quality_log.add("truncated", self.unit, detail)
        read = np.full(last - first, np.nan, dtype=np.float32)
        there = finite_samples(samples[: self.n_samples], self.unit, f"of {self.seed_id}", quality_log)[
            first:last
        ]
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
    stream = read_stream(path, headonly=True)
    segments: list[Segment] = []
    sites: dict[str, Site] = {}
    for position, (seed_id, trace) in enumerate(
        zip(_seed_ids(stream, path, quality_log), stream, strict=True)
    ):
        start, n_samples, rate = _header(trace)
        if n_samples > 0:
            segments.append(TraceInFile(seed_id, start, n_samples, rate, path, position))
        sites |= _site_of(seed_id, trace)
    return segments, sites


def stream_segments(stream: Iterable[Any], quality_log: QualityLog) -> list[Segment]:
    """Return the segments of an ObsPy Stream; samples are copied on reading, masked ones are gaps."""
    traces = [part for trace in stream for part in _without_masked_samples(trace)]
    segments: list[Segment] = []
    for seed_id, trace in zip(_seed_ids(traces, "stream", quality_log), traces, strict=True):
        start, n_samples, rate = _header(trace)
        samples = trace.data
        if not np.isfinite(samples).all():
            samples = finite_samples(samples, "stream", f"of {seed_id}", quality_log)
        if n_samples:
            segments.append(SegmentInMemory(seed_id, start, n_samples, rate, "stream", samples))
    return segments


@lru_cache(maxsize=4)
def _samples_of(path: str, stamp: tuple[int, int, int]) -> list[npt.NDArray[Any]]:
    return [trace.data for trace in read_stream(path)]


def _without_masked_samples(trace: Any) -> Iterable[Any]:
    return trace.split() if np.ma.isMaskedArray(trace.data) else [trace]


def _header(trace: Any) -> tuple[int, int, float]:
    return int(trace.stats.starttime._ns), int(trace.stats.npts), tidy_rate(float(trace.stats.sampling_rate))


def _seed_ids(traces: Iterable[Any], unit: str, quality_log: QualityLog) -> list[str]:
    """Return the codes of traces; traces without station codes, as in exploration formats, are numbered."""
    traces = list(traces)
    names = [str(trace.id) for trace in traces]
    nameless = [not trace.stats.station.strip() for trace in traces]
    together = Counter((str(trace.id), trace.stats.starttime._ns) for trace in traces)
    if any(nameless) or (len(traces) > 1 and together.most_common(1)[0][1] > 2):
        quality_log.add(
            "assumed", unit, "the traces have no station codes: they are numbered in the order of the file"
        )
        names = [f"XX.{number:05d}..{trace.stats.channel}" for number, trace in enumerate(traces, start=1)]
    return names


def _site_of(seed_id: str, trace: Any) -> dict[str, Site]:
    header = getattr(trace.stats, "sac", None)
    if not header or "stla" not in header or "stlo" not in header:
        return {}
    return {seed_id: Site(float(header["stla"]), float(header["stlo"]), float(header.get("stel", np.nan)))}
