"""Distributed acoustic sensing (DAS): files of all formats of DASCore, patches, and bare matrices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from selfseis.errors import InputError, one_line
from selfseis.quality_log import QualityLog
from selfseis.recording.segments import Segment, SegmentInMemory, finite_samples, tidy_rate
from selfseis.recording.time_axis import to_datetime64
from selfseis.typing import Float32Array, FloatArray


@dataclass(frozen=True)
class Fibre:
    """Geometry of a fibre; all files of one recording must have the same."""

    distance: FloatArray
    gauge_length: float | None
    units: str

    def agrees_with(self, other: Fibre) -> bool:
        """Whether both have the same channels."""
        same_size = self.distance.shape == other.distance.shape
        return same_size and bool(np.allclose(self.distance, other.distance, rtol=0, atol=1e-3))


@dataclass(frozen=True)
class FibreFile(Segment):
    """All channels of one DAS file; only the requested span of time is read."""

    file_format: tuple[str, str]
    step_ns: int
    n_channels: int

    def read(self, first: int, last: int, quality_log: QualityLog) -> Float32Array:
        """Return samples ``first:last`` of all channels."""
        samples = np.full((self.n_channels, last - first), np.nan, dtype=np.float32)
        try:
            missing = self._fill(samples, first, self._patch(first, last))
            if missing:  # some vendors' readers lose samples at the edges of a span, but not of the file
                missing = self._fill(samples, first, self._whole_patch())
        except Exception as error:  # readers may raise any exception; the other files stay usable
            detail = f"samples {first} to {last} cannot be read ({one_line(error)}): masked"
            quality_log.add("damaged", self.unit, detail)
            return samples
        if missing:
            detail = f"{missing} of the samples {first} to {last} are not in the file"
            quality_log.add("truncated", self.unit, detail)
            return samples
        return finite_samples(samples, self.unit, f"in samples {first} to {last}", quality_log)

    def _fill(self, samples: Float32Array, first: int, patch: Any) -> int:
        """Place the samples of a patch by their times; return the number of missing samples."""
        times = np.asarray(patch.get_array("time")).astype("datetime64[ns]").astype(np.int64)
        columns = np.round((times - self.start_ns) / self.step_ns).astype(np.int64) - first
        wanted = (columns >= 0) & (columns < samples.shape[1])
        samples[:, columns[wanted]] = np.asarray(patch.transpose("distance", "time").data)[:, wanted]
        return samples.shape[1] - np.unique(columns[wanted]).size

    def _whole_patch(self) -> Any:
        import dascore as dc

        return dc.read(self.unit, file_format=self.file_format[0], file_version=self.file_format[1])[0]

    def _patch(self, first: int, last: int) -> Any:
        """Read a span of the file with a sample to spare on either side: vendors round times differently."""
        import dascore as dc

        margin = self.step_ns + self.step_ns // 2
        begin = self.start_ns + first * self.step_ns - margin
        end = self.start_ns + (last - 1) * self.step_ns + margin
        name, version = self.file_format
        span = (to_datetime64(begin), to_datetime64(end))
        return dc.read(self.unit, file_format=name, file_version=version, time=span)[0]


def fibre_file(path: str) -> tuple[FibreFile, Fibre]:
    """Index a DAS file by its header.

    Raises
    ------
    InputError
        If DASCore does not know the file, or it holds no regular (distance, time) array.
    """
    try:
        import dascore as dc
    except ImportError as error:
        raise InputError(f"{path} needs DASCore: pip install 'selfseis[das]'") from error
    try:
        name, version = dc.get_format(path)
        time = dc.scan(path)[0].coords["time"]
        start, step = _ns(time.min), int(np.timedelta64(time.step, "ns").astype(np.int64))
        n_samples = round((_ns(time.max) - start) / step) + 1
        beginning = (to_datetime64(start - step), to_datetime64(start + 4 * step))
        patch = dc.read(path, file_format=name, file_version=version, time=beginning)[0]
        _, _, fibre = _header_of(patch)
    except InputError:
        raise
    except Exception as error:  # DASCore's readers may raise any exception
        raise InputError(f"{path} is not a DAS file that DASCore reads ({one_line(error)})") from error
    rate = tidy_rate(1e9 / step)
    return FibreFile("", start, n_samples, rate, path, (name, version), step, fibre.distance.size), fibre


def patch_segment(patch: Any, unit: str, quality_log: QualityLog) -> tuple[Segment, Fibre]:
    """Return the segment and geometry of a DASCore Patch in memory.

    Raises
    ------
    InputError
        If the patch is not a regular (distance, time) array.
    """
    start, step, fibre = _header_of(patch)
    data = np.asarray(patch.transpose("distance", "time").data)
    samples = finite_samples(data, unit, "of the patch", quality_log)
    return SegmentInMemory("", start, samples.shape[1], tidy_rate(1e9 / step), unit, samples), fibre


def matrix_segment(
    samples: npt.ArrayLike,
    unit: str,
    sampling_rate: float | None,
    channel_spacing: float | None,
    gauge_length: float | None,
    quality_log: QualityLog,
) -> tuple[Segment, Fibre]:
    """Return the segment of a bare matrix (channels, samples); missing metadata are assumed, and the log notes it.

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
    if sampling_rate is None:
        quality_log.add(
            "assumed", unit, "the file states no sampling rate: 1 Hz assumed, give --sampling-rate"
        )
    if channel_spacing is None:
        quality_log.add("assumed", unit, "the file states no distances: 1 m assumed, give --channel-spacing")
    finite = finite_samples(matrix, unit, "of the matrix", quality_log)
    segment = SegmentInMemory("", 0, matrix.shape[1], float(sampling_rate or 1.0), unit, finite)
    distance = np.arange(matrix.shape[0], dtype=np.float64) * float(channel_spacing or 1.0)
    return segment, Fibre(distance, gauge_length, "")


def matrix_in_hdf5(path: str) -> npt.NDArray[Any]:
    """Return the only matrix of an HDF5 (so also MATLAB 7.3) file as (channels, samples).

    The shorter side is taken as the channels, as there are nearly always more samples than channels.

    Raises
    ------
    InputError
        If there is none, or more than one.
    """
    import h5py

    with h5py.File(path, "r") as file:
        found: list[Any] = []

        def collect(_: str, item: Any) -> None:
            if (
                isinstance(item, h5py.Dataset)
                and item.ndim == 2
                and item.dtype.kind in "iuf"
                and min(item.shape) > 1
            ):
                found.append(item)

        file.visititems(collect)
        if len(found) != 1:
            raise InputError(
                f"{path} holds {len(found)} matrices: export one (channels, samples) matrix or a DAS format"
            )
        matrix = found[0][:]
    return matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T


def agreeing_files(
    files: Sequence[tuple[Segment, Fibre]], rate: float | None, quality_log: QualityLog
) -> tuple[list[Segment], Fibre]:
    """Keep the files with the geometry and rate of most samples; the others are rejected and counted.

    Raises
    ------
    InputError
        If no file has the requested sampling rate.
    """
    candidates = [
        (segment, fibre) for segment, fibre in files if rate is None or abs(segment.rate / rate - 1) < 1e-3
    ]
    if not candidates:
        found = ", ".join(sorted({f"{segment.rate:g}" for segment, _ in files}))
        raise InputError(f"no file has a sampling rate of {rate:g} Hz: there are {found} Hz")
    reference, geometry = max(candidates, key=lambda file: _samples_like(file, candidates))
    kept: list[Segment] = []
    for segment, fibre in files:
        if abs(segment.rate / reference.rate - 1) >= 1e-3:
            quality_log.add(
                "wrong_rate", segment.unit, f"{segment.rate:g} Hz instead of {reference.rate:g} Hz: rejected"
            )
        elif not fibre.agrees_with(geometry):
            channels = f"{fibre.distance.size} channels from {fibre.distance[0]:g} m on"
            detail = (
                f"{channels} instead of {geometry.distance.size} from {geometry.distance[0]:g} m on: rejected"
            )
            quality_log.add("wrong_geometry", segment.unit, detail)
        else:
            kept.append(segment)
    return kept, geometry


def spool_segments(spool: Iterable[Any], quality_log: QualityLog) -> list[tuple[Segment, Fibre]]:
    """Return the segments of all patches of a DASCore Spool."""
    return [patch_segment(patch, f"patch {number}", quality_log) for number, patch in enumerate(spool)]


def _samples_like(file: tuple[Segment, Fibre], files: Sequence[tuple[Segment, Fibre]]) -> int:
    segment, fibre = file
    alike = (other for other, layout in files if other.rate == segment.rate and layout.agrees_with(fibre))
    return sum(other.n_samples for other in alike)


def _header_of(patch: Any) -> tuple[int, int, Fibre]:
    """Start in ns, sampling interval in ns, and geometry of a patch."""
    if set(patch.dims) != {"distance", "time"}:
        raise InputError(f"a DAS patch must have the dimensions distance and time, this one has {patch.dims}")
    time = patch.get_coord("time")
    step = time.step
    if step is None or np.isnan(step):
        raise InputError("the samples of the DAS patch are not regular in time: resample it first")
    start = _ns(time.min())
    gauge = getattr(patch.attrs, "gauge_length", None)
    gauge_length = float(getattr(gauge, "magnitude", gauge)) if gauge is not None else None
    units = str(patch.attrs.data_units or "").removeprefix("1.0 ").strip()
    distance = np.asarray(patch.get_array("distance"), dtype=np.float64)
    return start, int(np.timedelta64(step, "ns").astype(np.int64)), Fibre(distance, gauge_length, units)


def _ns(instant: Any) -> int:
    return int(np.datetime64(instant, "ns").astype(np.int64))
