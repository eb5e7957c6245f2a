"""Opening of recordings from any source as one lazy array."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from selfseis.errors import InputError
from selfseis.geo.channel_epochs import sites_from_inventory
from selfseis.geo.station_files import Site, channel_coordinates
from selfseis.io.obspy_import import read_inventory
from selfseis.quality_log import LOST_UNITS, QualityLog, quality_log_of
from selfseis.recording.block_reader import BlockReader
from selfseis.recording.coverage import set_coverage
from selfseis.recording.das_files import Fibre, agreeing_files, matrix_segment, patch_segment, spool_segments
from selfseis.recording.dataarray import build_recording, recording_from_array
from selfseis.recording.find_files import Wanted
from selfseis.recording.inventory import inventory_of, merge_inventories, set_inventory
from selfseis.recording.lazy_array import LazyWaveforms
from selfseis.recording.obspy_files import stream_segments
from selfseis.recording.options import QualityControlOptions
from selfseis.recording.scan_headers import Assumptions, Material, gather
from selfseis.recording.segments import SAME_RATE, Segment
from selfseis.recording.selection import matching_segments, restricted, window_of, within_span
from selfseis.recording.sensors import group_sensors
from selfseis.recording.single_precision import single_precision_of
from selfseis.recording.time_axis import grid_of, to_ns
from selfseis.recording.timeline import Timeline, common_grid, log_far_channels
from selfseis.recording.trace_codes import refuse_files_without_channels


def open_recording(
    source: Any,
    *more: Any,
    start: Any = None,
    end: Any = None,
    select: str | Sequence[str] | tuple[float, float] | None = None,
    inventory: Any = None,
    sampling_rate: float | None = None,
    channel_spacing: float | None = None,
    gauge_length: float | None = None,
    quality_control: QualityControlOptions = QualityControlOptions(),
) -> xr.DataArray:
    """Open recordings of seismic stations or of a fibre as one lazy array.

    Only headers are read now. Samples are decoded block by block when they are indexed. Dead, clipped,
    damaged and conflicting samples are NaN. `quality_log_of` the result lists the issues.

    Parameters
    ----------
    source, *more : path, glob, folder, URL, list of these, Stream, Trace, Patch, Spool, ndarray or DataArray
        Folders are searched recursively and may mix formats. An SDS archive is recognised by its file names;
        only files of the requested span are opened. Several sources must all be paths.
    start, end : time, optional
        Span of time: samples from ``start`` up to but without ``end``.
    select : str, sequence of str or (float, float), optional
        Stations: patterns of seed_id such as ``"CX.PB01..HH?"``. Fibre: from and to distance in m.
    inventory : path or obspy Inventory, optional
        StationXML with coordinates and responses. Files in a data folder are found automatically, also a
        table with the columns station, latitude, longitude, elevation_m.
    sampling_rate : float, optional
        In Hz: of a bare matrix, or the one to keep of several (by default the most frequent).
    channel_spacing, gauge_length : float, optional
        In m, for a fibre whose file lacks them (a bare matrix).
    quality_control : QualityControlOptions, optional
        Limits of dead and clipped samples, which are masked; files that selfseis wrote are not checked again.

    Returns
    -------
    xarray.DataArray
        float32 ("channel", "time"), NaN where there is no data.

    Raises
    ------
    InputError
        If no usable data remain; the message is one line with the reason and the remedy.

    Examples
    --------
    >>> from selfseis import open_recording, write_recording
    >>> from selfseis.simulate import simulate_noise_recording
    >>> write_recording(simulate_noise_recording("white", "fibre", 1 / 360, 50.0, 4, seed=1), "fibre.nc")
    >>> open_recording("fibre.nc", start="2020-01-01T00:00:05").shape
    (4, 250)
    >>> open_recording("archive", start="2014-05-01", select="CX.*.HHZ")  # doctest: +SKIP
    """
    if isinstance(source, list | tuple):
        if not source:
            raise InputError("the list of sources is empty: give at least one path")
        source, more = source[0], (*source[1:], *more)
    span = (None if start is None else to_ns(start), None if end is None else to_ns(end))
    if span[0] is not None and span[1] is not None and span[0] >= span[1]:
        raise InputError(f"the span from {start} to {end} is empty: give an end after the start")
    if isinstance(source, xr.DataArray) and not more:
        return restricted(_checked(source, sampling_rate), span, select)
    quality_log = QualityLog()
    assumed = Assumptions(sampling_rate, channel_spacing, gauge_length)
    patterns = (select,) if isinstance(select, str) else tuple(select or ())
    wanted = Wanted(span[0], span[1], tuple(pattern for pattern in patterns if isinstance(pattern, str)))
    material = _in_memory(source, more, assumed, quality_log) or gather(
        [source, *more], wanted, assumed, quality_log
    )
    if inventory is not None:
        material.inventories = [merge_inventories(material.inventories, preferred=read_inventory(inventory))]
    recording = _assembled(material, wanted, sampling_rate, gauge_length, quality_log, quality_control)
    return restricted(recording, span, select)


def as_recording(data: Any) -> xr.DataArray:
    """Return the recording that the methods of an estimator work on, from whatever holds one.

    Parameters
    ----------
    data : xarray.DataArray, path, list of paths, Stream, Trace, Patch or Spool
        All that `open_recording` takes, except an ndarray, which has no sampling rate. A DataArray is checked, and
        keeps its quality log.

    Returns
    -------
    xarray.DataArray
        float32 ("channel", "time"), NaN where there is no data.

    Raises
    ------
    InputError
        If no usable data remain.
    """
    if isinstance(data, np.ndarray):
        raise InputError("an array has no sampling rate: give open_recording(array, sampling_rate=...)")
    return open_recording(data)


def _checked(array: xr.DataArray, sampling_rate: float | None) -> xr.DataArray:
    """Return a DataArray as a recording, after a check of its dimensions and coordinates."""
    if set(array.dims) != {"channel", "time"}:
        raise InputError(f"a recording has the dimensions channel and time, this array has {array.dims}")
    if not {"seed_id", "distance"} & set(array.coords):
        raise InputError(
            "the channels have neither seed_id nor distance: make the array with recording_from_array"
        )
    recording = array.transpose("channel", "time")
    if recording.dtype != np.float32:
        recording = recording.copy(data=single_precision_of(recording.values, quality_log_of(array)))
    recording.encoding["quality_log"] = quality_log_of(array)
    set_inventory(recording, inventory_of(array))
    rate = sampling_rate or grid_of(recording).sampling_rate
    return recording.assign_attrs(sampling_rate=float(rate))


def _in_memory(
    source: Any, more: Sequence[Any], assumed: Assumptions, quality_log: QualityLog
) -> Material | None:
    """Return the material of an object in memory; None for paths."""
    if isinstance(source, str | os.PathLike) and all(isinstance(item, str | os.PathLike) for item in more):
        return None
    if more:
        raise InputError(
            "several sources must all be paths: put other objects into one Stream, Spool or array"
        )
    home = type(source).__module__.split(".")[0]
    if home == "obspy":
        stream = source if hasattr(source, "traces") else [source]
        segments, sites = stream_segments(stream, quality_log)
        return Material(segments=segments, sites=sites, n_files=1)
    if home == "dascore":
        spooled = (
            [patch_segment(source, "patch", quality_log)]
            if hasattr(source, "dims")
            else spool_segments(source, quality_log)
        )
        return Material(fibres=spooled, n_files=1)
    if isinstance(source, np.ndarray):
        return _of_array(source, assumed, quality_log)
    raise InputError(
        f"a {type(source).__name__} cannot be opened: give paths, a Stream, a Patch, a Spool or an array"
    )


def _of_array(samples: Any, assumed: Assumptions, quality_log: QualityLog) -> Material:
    if assumed.sampling_rate is None:
        raise InputError("an array has no sampling rate: give sampling_rate (Hz)")
    if assumed.channel_spacing is not None:
        given = (assumed.sampling_rate, assumed.channel_spacing, assumed.gauge_length)
        return Material(fibres=[matrix_segment(samples, "array", *given, quality_log)], n_files=1)
    recording = recording_from_array(samples, assumed.sampling_rate, quality_log=quality_log)
    return Material(recordings=[recording], n_files=1)


def _assembled(
    material: Material,
    wanted: Wanted,
    rate: float | None,
    gauge_length: float | None,
    quality_log: QualityLog,
    quality_control: QualityControlOptions,
) -> xr.DataArray:
    kinds = material.kinds
    if len(kinds) > 1:
        raise InputError(f"the sources hold {' and '.join(kinds)}: open them one at a time")
    if not kinds:
        raise InputError(_reason_for_no_data(material, quality_log))
    if material.recordings:
        if len(material.recordings) > 1:
            raise InputError("the sources hold several selfseis files: open them one at a time")
        return _at_rate(material.recordings[0], rate)
    if material.fibres:
        segments, fibre = agreeing_files(material.fibres, rate, quality_log)
        segments = within_span(segments, wanted)
        return _of_fibre(segments, fibre, wanted, gauge_length, quality_log, quality_control)
    segments = within_span(matching_segments(material.segments, wanted.patterns), wanted)
    refuse_files_without_channels(segments)
    segments = _of_one_rate(segments, rate, quality_log)
    return _of_stations(segments, material, wanted, quality_log, quality_control)


def _of_stations(
    segments: list[Segment],
    material: Material,
    wanted: Wanted,
    quality_log: QualityLog,
    quality_control: QualityControlOptions,
) -> xr.DataArray:
    grid = common_grid(segments, _max_samples(segments))
    by_channel: dict[str, list[Segment]] = {}
    for segment in segments:
        by_channel.setdefault(segment.seed_id, []).append(segment)
    seed_ids = sorted(by_channel)
    timelines = [Timeline(seed_id, by_channel[seed_id], grid) for seed_id in seed_ids]
    window = window_of(grid, wanted)
    for timeline in timelines:
        timeline.account(quality_log, *window)
    log_far_channels(timelines, quality_log)
    sites: dict[str, Site] = dict(material.sites)
    if (inventory := merge_inventories(material.inventories)) is not None:
        sites |= sites_from_inventory(inventory, _spans(by_channel, wanted), quality_log)
    for sensor in group_sensors(seed_ids):
        if sensor.note:
            rows = list(sensor.rows.values())
            quality_log.add("assumed", seed_ids[rows[0]] if len(rows) == 1 else sensor.code, sensor.note)
    reader = BlockReader(timelines, seed_ids, grid, quality_log, quality_control)
    waveforms = LazyWaveforms(reader, len(seed_ids), grid.size)
    channels = {"seed_id": seed_ids, **channel_coordinates(seed_ids, sites, quality_log)}
    recording = build_recording(waveforms, grid, channels, "counts", None, quality_log)
    set_inventory(recording, inventory)
    set_coverage(
        recording, [segment.start_ns for segment in segments], [segment.end_ns for segment in segments]
    )
    return recording


def _spans(by_channel: Mapping[str, list[Segment]], wanted: Wanted) -> dict[str, list[tuple[int, int]]]:
    """Return the first and last times of the segments of each channel within the requested span."""
    begin = -(2**62) if wanted.start_ns is None else wanted.start_ns
    end = 2**62 if wanted.end_ns is None else wanted.end_ns
    return {
        seed_id: [(max(begin, item.start_ns), min(end, item.end_ns)) for item in items
                  if item.end_ns > begin and item.start_ns < end] or [(items[0].start_ns, items[0].end_ns)]
        for seed_id, items in by_channel.items()
    }  # fmt: skip


def _of_fibre(
    segments: list[Segment],
    fibre: Fibre,
    wanted: Wanted,
    gauge_length: float | None,
    quality_log: QualityLog,
    quality_control: QualityControlOptions,
) -> xr.DataArray:
    grid = common_grid(segments, _max_samples(segments))
    timeline = Timeline("fibre", segments, grid)
    timeline.account(quality_log, *window_of(grid, wanted))
    labels = [f"fibre at {metres:.1f} m" for metres in fibre.distance]
    reader = BlockReader([timeline], labels, grid, quality_log, quality_control)
    waveforms = LazyWaveforms(reader, len(labels), grid.size)
    gauge = fibre.gauge_length if fibre.gauge_length is not None else gauge_length
    recording = build_recording(
        waveforms, grid, {"distance": fibre.distance}, fibre.units, gauge, quality_log
    )
    set_coverage(
        recording, [segment.start_ns for segment in segments], [segment.end_ns for segment in segments]
    )
    return recording


def _of_one_rate(segments: list[Segment], rate: float | None, quality_log: QualityLog) -> list[Segment]:
    """Keep the segments of one sampling rate: the requested one, or the one of most samples."""
    kept_rate = rate or _max_samples(segments)
    kept = [segment for segment in segments if abs(segment.rate / kept_rate - 1) <= SAME_RATE]
    if not kept:
        found = ", ".join(f"{other:g}" for other in sorted({segment.rate for segment in segments}))
        raise InputError(f"no channel has a sampling rate of {kept_rate:g} Hz: there are {found} Hz")
    others = [segment for segment in segments if abs(segment.rate / kept_rate - 1) > SAME_RATE]
    rejected: defaultdict[tuple[str, float], list[str]] = defaultdict(list)
    for segment in others:
        rejected[segment.seed_id, segment.rate].append(segment.unit)
    for (seed_id, other), units in rejected.items():
        detail = (
            f"at {other:g} Hz, the rest at {kept_rate:g} Hz: left out; --sampling-rate {other:g} opens it"
        )
        quality_log.add("wrong_rate", seed_id, detail, len(units))
    return kept


def _at_rate(recording: xr.DataArray, rate: float | None) -> xr.DataArray:
    found = recording.attrs["sampling_rate"]
    if rate is not None and abs(found / rate - 1) > SAME_RATE:
        raise InputError(f"no channel has a sampling rate of {rate:g} Hz: there are {found:g} Hz")
    return recording


def _max_samples(segments: Sequence[Segment]) -> float:
    """Return the rate of most samples; rates that differ by the rounding of headers count together."""
    samples: Counter[float] = Counter()
    for segment in segments:
        samples[segment.rate] += segment.n_samples

    def together(rate: float) -> int:
        return sum(samples[other] for other in samples if abs(other / rate - 1) <= SAME_RATE)

    return max(samples, key=lambda rate: (together(rate), samples[rate], rate))


def _reason_for_no_data(material: Material, quality_log: QualityLog) -> str:
    if material.n_files == 0:
        return "the folder holds no files (or none of the requested days): check the path and the span"
    reasons = [issue for issue in quality_log.issues if issue.kind != "not_waveforms"]
    if not reasons:
        return f"none of the {material.n_files} files holds waveforms: give miniSEED, SAC, SEG-Y or DAS files"
    first = next((issue for issue in reasons if issue.kind in LOST_UNITS), reasons[0])
    return f"none of the {material.n_files} files can be used, the first {first.unit}: {first.detail}"
