"""Scan of file headers: segments of stations, files of fibres, and selfseis recordings."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xarray as xr

from selfseis.errors import InputError, one_line
from selfseis.geo.station_files import Site, sites_from_table
from selfseis.io.obspy_import import read_inventory
from selfseis.quality_log import QualityLog
from selfseis.recording.compressed_files import content_of
from selfseis.recording.das_files import Fibre, content_of_file, fibre_segments
from selfseis.recording.fibre_hints import hints_of, overruled
from selfseis.recording.file_index import FileIndex
from selfseis.recording.find_files import FoundFile, Kind, Wanted, find_files
from selfseis.recording.miniseed import miniseed_segments
from selfseis.recording.netcdf_zarr import open_own
from selfseis.recording.obspy_files import obspy_segments
from selfseis.recording.segments import Segment
from selfseis.recording.station_hdf5 import station_hdf5_segments
from selfseis.recording.win import win_segments


@dataclass(frozen=True)
class Assumptions:
    """Values for files whose headers lack them."""

    sampling_rate: float | None = None
    channel_spacing: float | None = None
    gauge_length: float | None = None


@dataclass
class Material:
    """All data found in the sources."""

    segments: list[Segment] = field(default_factory=list)
    fibres: list[tuple[Segment, Fibre]] = field(default_factory=list)
    recordings: list[xr.DataArray] = field(default_factory=list)
    sites: dict[str, Site] = field(default_factory=dict)
    inventories: list[Any] = field(default_factory=list)
    n_files: int = 0
    index: FileIndex = field(default_factory=lambda: FileIndex(content_of_file))

    @property
    def kinds(self) -> list[str]:
        """Names of the kinds of recording found."""
        found = {
            "station files": self.segments,
            "fibre files": self.fibres,
            "selfseis files": self.recordings,
        }
        return [name for name, items in found.items() if items]


def gather(
    sources: Sequence[str | os.PathLike[str]], wanted: Wanted, assumed: Assumptions, quality_log: QualityLog
) -> Material:
    """Read the headers of all files of the sources; a bad file does not stop the others.

    Raises
    ------
    InputError
        If a source does not exist or may not be read.
    """
    material = Material()
    for file in find_files(sources, wanted):
        material.n_files += 1
        try:
            _add(file, material, assumed, quality_log)
        except (InputError, OSError) as error:
            quality_log.add("unreadable", str(file.path), one_line(error))
    material.index.save()
    return material


def _add(file: FoundFile, material: Material, assumed: Assumptions, quality_log: QualityLog) -> None:
    path = str(file.path)
    if file.kind is Kind.MINISEED:
        material.segments += miniseed_segments(file.path, quality_log)
    elif file.kind is Kind.WIN:
        material.segments += win_segments(file.path, quality_log)
    elif file.kind is Kind.ZARR:
        material.recordings.append(open_own(file.path))
    elif file.kind is Kind.HDF5:
        _add_hdf5(content_of(file.path), material, assumed, quality_log)
    elif file.kind is Kind.STATION_XML:
        material.inventories.append(read_inventory(content_of(file.path)))
    elif file.kind is Kind.TABLE:
        material.sites |= sites_from_table(content_of(file.path), quality_log)
    elif file.kind is Kind.EMPTY and file.should_be_waveforms:
        quality_log.add("unreadable", path, "the file is empty")
    elif file.kind is Kind.OTHER or file.should_be_waveforms:
        _add_other(file, material, assumed, quality_log)
    else:
        quality_log.add("not_waveforms", path, "not a waveform file: left out")


def _add_hdf5(path: Path, material: Material, assumed: Assumptions, quality_log: QualityLog) -> None:
    hints = hints_of(path)
    content = material.index.content(path, hints)
    if content["kind"] == "recording":
        material.recordings.append(open_own(path))
        return
    of_stations = (
        station_hdf5_segments(path, assumed.sampling_rate, quality_log)
        if content["kind"] == "stations"
        else None
    )
    if of_stations is not None:
        material.segments += of_stations[0]
        material.inventories += of_stations[1]
        return
    given = (assumed.sampling_rate, assumed.channel_spacing, assumed.gauge_length)
    headers = overruled(content["headers"], hints)
    if not headers:
        raise InputError("it holds no waveforms")
    material.fibres += fibre_segments(str(path), headers, given, quality_log)


def _add_other(file: FoundFile, material: Material, assumed: Assumptions, quality_log: QualityLog) -> None:
    path = str(file.path)
    try:
        segments, sites = obspy_segments(path, quality_log)
    except PermissionError:
        raise
    except Exception as error:  # ObsPy's readers may raise any exception
        if file.path.suffix.lower() == ".tdms":
            _add_hdf5(file.path, material, assumed, quality_log)
        elif file.should_be_waveforms:
            quality_log.add("unreadable", path, f"no reader of ObsPy or DASCore opens it ({one_line(error)})")
        else:
            quality_log.add("not_waveforms", path, "not a waveform file: left out")
        return
    material.segments += segments
    material.sites |= sites
