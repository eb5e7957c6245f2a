"""Codes and coordinates of traces: as the header states them, and otherwise from the file name or the order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from selfseis.errors import InputError
from selfseis.geo.station_files import Site
from selfseis.quality_log import QualityLog
from selfseis.recording.segments import Segment
from selfseis.recording.sensors import parse_channel

_COMPONENTS = frozenset("ENZ123RTXY")
_UPRIGHT_DEG = 1.0  # inclinations and azimuths are stated in whole degrees
_SHOWN = 3


def seed_ids_of(traces: Sequence[Any], unit: str, quality_log: QualityLog) -> list[str]:
    """Return "NET.STA.LOC.CHA" of traces; each code that a header lacks is completed, and the log says how.

    A trace without a station code is numbered. If all traces of a file have one code and one start time, as in
    exploration formats, they are numbered too; any other repeated trace keeps its code. A missing channel code is
    taken from the orientation in a SAC header or from the file name.

    Parameters
    ----------
    traces : sequence of obspy.Trace
        Traces of one file or Stream.
    unit : str
        The file, or "stream".
    quality_log : QualityLog
        Receives the codes that were completed.
    """
    numbered = "the traces have no station codes: they are numbered in the order of the file"
    if _are_one_array(traces):
        quality_log.add("assumed", unit, numbered)
        return [f"XX.{number:05d}..{trace.stats.channel}" for number, trace in enumerate(traces, start=1)]
    names = []
    for number, trace in enumerate(traces, start=1):
        network, station, location, channel = (
            _without_dots(str(trace.stats[code]).strip(), unit, quality_log)
            for code in ("network", "station", "location", "channel")
        )
        if not station:
            all_lack = not any(other.stats.station.strip() for other in traces)
            detail = (
                numbered if all_lack else f"trace {number} ({trace.id}) has no station code: it is numbered"
            )
            quality_log.add("assumed", unit, detail)
            network, station, location = "XX", f"{number:05d}", ""
        elif not channel:
            channel = _channel_of(trace, unit, quality_log)
        names.append(".".join((network, station, location, channel)))
    return names


def without_duplicates(traces: Sequence[Any], unit: str, quality_log: QualityLog) -> list[Any]:
    """Return traces without those that repeat another one sample by sample.

    Parameters
    ----------
    traces : sequence of obspy.Trace
        Traces with samples.
    unit : str
        The file, or "stream".
    quality_log : QualityLog
        Receives the number of repeated traces.
    """
    kept: dict[tuple[str, int, int], list[Any]] = {}
    repeated: dict[str, int] = {}
    for trace in traces:
        alike = kept.setdefault((str(trace.id), int(trace.stats.starttime._ns), int(trace.stats.npts)), [])
        if trace.stats.station.strip() and any(_are_equal(trace.data, other.data) for other in alike):
            repeated[str(trace.id)] = repeated.get(str(trace.id), 0) + 1
        else:
            alike.append(trace)
    for seed_id, count in repeated.items():
        quality_log.add(
            "duplicate", seed_id, f"{count} traces of {unit} repeat another one: used once", count
        )
    unique = {id(trace) for alike in kept.values() for trace in alike}
    return [trace for trace in traces if id(trace) in unique]


def refuse_files_without_channels(segments: Iterable[Segment]) -> None:
    """Refuse channels without a code whose files cover the same time: their components cannot be told apart.

    Parameters
    ----------
    segments : iterable of Segment
        Segments of station files.

    Raises
    ------
    InputError
        If two files without a channel code overlap.
    """
    nameless: dict[str, list[Segment]] = {}
    for segment in segments:
        if segment.seed_id.endswith("."):
            nameless.setdefault(segment.seed_id, []).append(segment)
    for seed_id, of_station in nameless.items():
        in_time = sorted(of_station, key=lambda segment: segment.start_ns)
        for one, other in pairwise(in_time):
            if other.start_ns < one.end_ns and one.unit != other.unit:
                files = ", ".join(
                    Path(unit).name for unit in sorted({item.unit for item in of_station})[:_SHOWN]
                )
                raise InputError(
                    f"the files of {seed_id.rstrip('.')} have no channel code and cover the same time ({files}): write "
                    "the code into the headers (KCMPNM in SAC), or let the names end in .E, .N and .Z"
                )


def site_of(trace: Any) -> Site | None:
    """Return the coordinates in the header of a SAC trace, or in ``stats.coordinates``; None without any."""
    header = trace.stats.get("sac") or {}
    if "stla" in header and "stlo" in header:
        return Site(float(header["stla"]), float(header["stlo"]), float(header.get("stel", np.nan)))
    header = trace.stats.get("coordinates") or {}
    if "latitude" in header and "longitude" in header:
        height = float(header.get("elevation", np.nan))
        return Site(float(header["latitude"]), float(header["longitude"]), height)
    return None


def _are_one_array(traces: Sequence[Any]) -> bool:
    """Whether more than two traces have one code and one start time."""
    codes = {(str(trace.id), int(trace.stats.starttime._ns)) for trace in traces}
    return len(traces) > 2 and len(codes) == 1


def _without_dots(code: str, unit: str, quality_log: QualityLog) -> str:
    if "." not in code:
        return code
    plain = code.replace(".", "-")
    quality_log.add(
        "assumed", unit, f"the code {code} contains a dot, which separates codes: it is {plain} here"
    )
    return plain


def _channel_of(trace: Any, unit: str, quality_log: QualityLog) -> str:
    """Return the component from the orientation in a SAC header, or from the file name; "" if neither tells."""
    component = _component_in_header(trace.stats.get("sac") or {})
    source = "its orientation in the header (CMPAZ, CMPINC)"
    if not component:
        component, source = _component_in_name(unit, str(trace.stats.station)), "the file name"
    if component:
        quality_log.add("assumed", unit, f"no channel code in the header: {component} is taken from {source}")
    else:
        quality_log.add("assumed", unit, "no channel code in the header, and none in the file name")
    return component


def _component_in_header(sac: Any) -> str:
    azimuth, inclination = (float(sac.get(name, np.nan)) for name in ("cmpaz", "cmpinc"))
    if inclination < _UPRIGHT_DEG or inclination > 180 - _UPRIGHT_DEG:
        return "Z"
    if abs(inclination - 90) < _UPRIGHT_DEG:
        if azimuth % 360 < _UPRIGHT_DEG:
            return "N"
        if abs(azimuth - 90) < _UPRIGHT_DEG:
            return "E"
    return ""


def _component_in_name(unit: str, station: str) -> str:
    """Return the last part of a file name that is a channel code, such as E in XX.ST1.E.SAC."""
    for part in reversed(re.split(r"[._\- ]", Path(unit).name)[1:]):
        if (
            part.isalnum()
            and len(part) <= 3
            and part.upper() not in {"SAC", "SU", "SEG", "GSE", station.upper()}
        ):
            stem, component, suffix = parse_channel(part)
            if component in _COMPONENTS and not part.isdigit() and len(stem) <= 2 and not suffix:
                return part.upper()
    return ""


def _are_equal(one: Any, other: Any) -> bool:
    return bool(np.array_equal(np.ma.filled(one, 0), np.ma.filled(other, 0)))
