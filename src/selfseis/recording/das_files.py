"""Distributed acoustic sensing (DAS): files of all formats of DASCore, matrices in HDF5, patches in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from selfseis.errors import InputError
from selfseis.io.dascore_files import patch_header
from selfseis.io.library_process import LIBRARIES
from selfseis.quality_log import QualityLog
from selfseis.recording.fibre_samples import prepared_segments
from selfseis.recording.segments import Segment, SegmentInMemory, finite_samples, finite_values, tidy_rate
from selfseis.typing import FloatArray, IntArray

_SAME_RATE = 1e-3


@dataclass(frozen=True)
class Fibre:
    """Geometry and units of a fibre; all files of one recording must have the same.

    Attributes
    ----------
    distance : ndarray
        Of each channel, in m.
    gauge_length : float or None
        In m.
    units : str
        Of the samples; empty where the file states none.
    dated : bool
        Whether the source states when it was recorded.
    """

    distance: FloatArray
    gauge_length: float | None
    units: str
    dated: bool = True

    def agrees_with(self, other: Fibre) -> bool:
        """Whether both have the same channels."""
        same_size = self.distance.shape == other.distance.shape
        return same_size and bool(np.allclose(self.distance, other.distance, rtol=0, atol=1e-3))


@dataclass(frozen=True)
class FibreFile(Segment):
    """All channels of one patch of a DAS file; only the requested span of time is read.

    Attributes
    ----------
    path : str
        The file.
    header : dict
        As `describe_fibre_file` returns it.
    rows : ndarray of int or None
        The channels that are kept; None for all.
    ends : (float, float)
        Number of channels in the file, and the smallest distance as its library reads it.
    """

    path: str
    header: dict[str, Any]
    rows: IntArray | None
    ends: tuple[float, float]

    def read(self, first: int, last: int, quality_log: QualityLog) -> npt.NDArray[Any]:
        """Return samples ``first:last`` of all channels, in the type of the file."""
        try:
            samples = self._read(first, last, quality_log)
        except (InputError, OSError) as error:
            detail = f"samples {first} to {last} cannot be read ({error}): masked"
            share = (last - first) / max(1, self.n_samples)
            quality_log.add("damaged", self.unit, detail, lost_share=share)
            n_channels = int(self.ends[0]) if self.rows is None else len(self.rows)
            return np.full((n_channels, last - first), np.nan, np.float32)
        kept = samples if self.rows is None else samples[self.rows]
        return finite_values(kept, self.unit, f"in samples {first} to {last}", quality_log)

    def _read(self, first: int, last: int, quality_log: QualityLog) -> npt.NDArray[Any]:
        header, at = self.header, int(self.header["first"])
        if "dataset" in header:
            read = "selfseis.io.hdf5_matrices:read_matrix"
            span = (at + first, at + last)
            samples: npt.NDArray[Any] = LIBRARIES.call(
                read, self.path, header["dataset"], header["time_axis"], *span
            )
            return samples
        read = "selfseis.io.dascore_files:read_patches"
        samples, missing = LIBRARIES.call(
            read,
            self.path,
            tuple(header["format"]),
            self.start_ns,
            header["step_ns"],
            (first, last),
            self.ends,
        )
        if missing:
            share = missing / max(1, self.n_samples)
            detail = f"{missing} of the samples {first} to {last} are not in the file"
            quality_log.add("truncated", self.unit, detail, lost_share=share)
        return samples


def content_of_file(path: str, hints: dict[str, Any]) -> dict[str, Any]:
    """Return what an HDF5 or TDMS file holds, as `content_of_hdf5` does, read in another process.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    content: dict[str, Any] = LIBRARIES.call("selfseis.io.hdf5_content:content_of_hdf5", path, hints)
    return content


def fibre_segments(
    path: str,
    headers: Sequence[dict[str, Any]],
    assumed: tuple[float | None, float | None, float | None],
    quality_log: QualityLog,
) -> list[tuple[Segment, Fibre]]:
    """Return the segments of a DAS file, one for each patch or stretch without a gap.

    Parameters
    ----------
    path : str
        The file.
    headers : sequence of dict
        As `describe_fibre_file` returns them.
    assumed : (float or None, float or None, float or None)
        Sampling rate (Hz), channel spacing (m) and gauge length (m) for a file that states none.
    quality_log : QualityLog
        Receives all that is assumed.

    Raises
    ------
    InputError
        If the file has no channel with a distance.
    """
    found: list[tuple[Segment, Fibre]] = []
    for number, header in enumerate(headers):
        unit = path if len(headers) == 1 else f"{path} (part {number + 1} of {len(headers)})"
        for note in header["notes"] if number == 0 else []:
            quality_log.add("assumed", path, note)
        distance = _distances_of(path, header, assumed[1], quality_log)
        rate = header["rate"] or assumed[0]
        if rate is None:
            detail = "the file states no sampling rate: 1 Hz assumed, give --sampling-rate"
            quality_log.add("assumed", path, detail)
        there = np.flatnonzero(np.isfinite(distance))
        if there.size == 0:
            raise InputError("none of its channels has a distance")
        if there.size < distance.size:
            count = distance.size - there.size
            quality_log.add("wrong_geometry", path, f"{count} channels have no distance: left out", count)
        rows = None if there.size == distance.size else there
        gauge = header["gauge_length"] if header["gauge_length"] is not None else assumed[2]
        fibre = Fibre(distance[there], gauge, header["units"], bool(header["dated"]))
        ends = (float(distance.size), float(header.get("min_distance", 0.0)))
        start = int(header["start_ns"])
        segment = FibreFile(
            "", start, int(header["n_samples"]), tidy_rate(rate or 1.0), unit, path, header, rows, ends
        )
        found.append((segment, fibre))
    return found


def _distances_of(
    path: str, header: dict[str, Any], spacing: float | None, quality_log: QualityLog
) -> FloatArray:
    stated = header["distance"]
    if stated is None:
        if spacing is None:
            detail = "the file states no distances: 1 m assumed, give --channel-spacing"
            quality_log.add("assumed", path, detail)
        return np.arange(header["n_channels"], dtype=np.float64) * float(spacing or 1.0)
    if "values" in stated:
        return np.asarray(stated["values"], dtype=np.float64)
    return np.asarray(stated["first"] + stated["step"] * np.arange(stated["n"]), dtype=np.float64)


def patch_segment(patch: Any, unit: str, quality_log: QualityLog) -> tuple[Segment, Fibre]:
    """Return the segment and geometry of a DASCore Patch in memory.

    Raises
    ------
    InputError
        If the patch is not a regular (distance, time) array.
    """
    start, rate, distance, gauge_length, units = patch_header(patch)
    samples = finite_values(
        np.asarray(patch.transpose("distance", "time").data), unit, "of the patch", quality_log
    )
    there = np.flatnonzero(np.isfinite(distance))
    if there.size == 0:
        raise InputError(f"{unit}: none of its channels has a distance")
    if there.size < distance.size:
        count = distance.size - there.size
        quality_log.add("wrong_geometry", unit, f"{count} channels have no distance: left out", count)
        samples, distance = samples[there], distance[there]
    segment = SegmentInMemory("", start, samples.shape[1], tidy_rate(rate), unit, samples)
    return segment, Fibre(distance, gauge_length, units)


def matrix_segment(
    samples: npt.ArrayLike,
    unit: str,
    sampling_rate: float,
    channel_spacing: float,
    gauge_length: float | None,
    quality_log: QualityLog,
) -> tuple[Segment, Fibre]:
    """Return the segment of a matrix (channels, samples) in memory.

    Raises
    ------
    InputError
        If it is not a matrix.
    """
    matrix = np.atleast_2d(np.asarray(samples))
    if matrix.ndim != 2 or matrix.size == 0 or matrix.dtype.kind not in "iuf":
        raise InputError(
            f"{unit} holds {matrix.dtype} of shape {matrix.shape}: give numbers as (channels, samples)"
        )
    finite = finite_samples(matrix, unit, "of the matrix", quality_log)
    segment = SegmentInMemory("", 0, matrix.shape[1], float(sampling_rate), unit, finite)
    distance = np.arange(matrix.shape[0], dtype=np.float64) * float(channel_spacing)
    return segment, Fibre(distance, gauge_length, "")


def spool_segments(spool: Iterable[Any], quality_log: QualityLog) -> list[tuple[Segment, Fibre]]:
    """Return the segments of all patches of a DASCore Spool."""
    return [patch_segment(patch, f"patch {number}", quality_log) for number, patch in enumerate(spool)]


def agreeing_files(
    files: Sequence[tuple[Segment, Fibre]], rate: float | None, quality_log: QualityLog
) -> tuple[list[Segment], Fibre]:
    """Keep the files with the geometry, rate and units of most samples; the others are rejected and counted.

    Samples in another unit of the same quantity are converted.

    Raises
    ------
    InputError
        If no file has the requested sampling rate, or several files state no time.
    """
    files = _dated(files, quality_log)
    candidates = [
        (segment, fibre)
        for segment, fibre in files
        if rate is None or abs(segment.rate / rate - 1) < _SAME_RATE
    ]
    if not candidates:
        found = ", ".join(sorted({f"{segment.rate:g}" for segment, _ in files}))
        raise InputError(f"no file has a sampling rate of {rate:g} Hz: there are {found} Hz")
    reference, geometry = _most_common(candidates)
    kept: list[Segment] = []
    factors: list[float] = []
    for segment, fibre in files:
        factor = _factor(segment, fibre, geometry, quality_log)
        if abs(segment.rate / reference.rate - 1) >= _SAME_RATE:
            quality_log.add(
                "wrong_rate", segment.unit, f"{segment.rate:g} Hz instead of {reference.rate:g} Hz: rejected"
            )
        elif not fibre.agrees_with(geometry):
            detail = f"{_described(fibre)} instead of {_described(geometry)}: rejected"
            quality_log.add("wrong_geometry", segment.unit, detail)
        elif factor is not None:
            kept.append(segment)
            factors.append(factor)
    _note_order(geometry, quality_log)
    return prepared_segments(kept, factors, geometry.units, quality_log), geometry


def _dated(files: Sequence[tuple[Segment, Fibre]], quality_log: QualityLog) -> list[tuple[Segment, Fibre]]:
    """Leave out files that state no time, unless there is only one file: nobody knows which came first."""
    dated = [(segment, fibre) for segment, fibre in files if fibre.dated]
    undated = [segment for segment, fibre in files if not fibre.dated]
    paths = {getattr(segment, "path", segment.unit) for segment, _ in files}
    how = (
        "put it into the name, as in das_20240501_120000.h5, or write 'start: TIME' into FILE.yaml beside it"
    )
    if len(paths) <= 1 or not undated:
        for segment in undated:
            quality_log.add("assumed", segment.unit, f"the file states no time: it begins in 1970 ({how})")
        return list(files)
    if not dated:
        raise InputError(f"{len(undated)} files, such as {undated[0].unit}, state no time: {how}")
    for segment in undated:
        quality_log.add(
            "unreadable", segment.unit, f"the file states no time, and others do: left out ({how})"
        )
    return dated


def _most_common(files: Sequence[tuple[Segment, Fibre]]) -> tuple[Segment, Fibre]:
    """Return the file whose rate, channels and units most samples have."""
    groups: list[tuple[Segment, Fibre, int]] = []
    for segment, fibre in files:
        for k, (other, layout, n_samples) in enumerate(groups):
            if other.rate == segment.rate and layout.units == fibre.units and layout.agrees_with(fibre):
                groups[k] = (other, layout, n_samples + segment.n_samples)
                break
        else:
            groups.append((segment, fibre, segment.n_samples))
    reference, geometry, _ = max(groups, key=lambda group: group[2])
    return reference, geometry


def _factor(segment: Segment, fibre: Fibre, wanted: Fibre, quality_log: QualityLog) -> float | None:
    """Return what turns the samples of a file into the units of the recording; None, and an issue, if nothing does."""
    if fibre.units == wanted.units:
        return 1.0
    given, units = fibre.units or "no units", wanted.units or "none, as the others"
    factor = None
    if fibre.units and wanted.units and isinstance(segment, FibreFile):
        convert = "selfseis.io.dascore_files:unit_factor"
        factor = LIBRARIES.call(convert, segment.path, fibre.units, wanted.units)
    if factor is None:
        quality_log.add("wrong_units", segment.unit, f"its samples have {given} instead of {units}: rejected")
        return None
    quality_log.add("converted", segment.unit, f"from {given} to {units}: times {factor:g}")
    return float(factor)


def _note_order(fibre: Fibre, quality_log: QualityLog) -> None:
    """Note distances that fall or repeat, as those of a cable that runs there and back."""
    steps = np.diff(fibre.distance)
    if steps.size and not (steps > 0).all():
        same = fibre.distance.size - np.unique(fibre.distance).size
        detail = "the distances do not ascend: the channels are sorted by distance"
        if same:
            detail += f"; {same} have the distance of another, as where a cable runs there and back"
        quality_log.add("assumed", "fibre", detail)


def _described(fibre: Fibre) -> str:
    first, last = fibre.distance[0], fibre.distance[-1]
    return f"{fibre.distance.size} channels from {first:g} to {last:g} m"
