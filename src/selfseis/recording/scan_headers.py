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
from selfseis.recording.das_files import Fibre, fibre_file, matrix_in_hdf5, matrix_segment
from selfseis.recording.find_files import FoundFile, Kind, Wanted, find_files
from selfseis.recording.miniseed import miniseed_segments
from selfseis.recording.netcdf_zarr import holds_recording, open_own
from selfseis.recording.obspy_files import obspy_segments
from selfseis.recording.segments import Segment


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
    return material


def _add(file: FoundFile, material: Material, assumed: Assumptions, quality_log: QualityLog) -> None:
    path = str(file.path)
    if file.kind is Kind.MINISEED:
        material.segments += miniseed_segments(file.path, quality_log)
    elif file.kind is Kind.ZARR:
        material.recordings.append(open_own(file.path))
    elif file.kind is Kind.HDF5:
        _add_hdf5(file.path, material, assumed, quality_log)
    elif file.kind is Kind.STATION_XML:
        material.inventories.append(read_inventory(path))
    elif file.kind is Kind.TABLE:
        material.sites |= sites_from_table(file.path, quality_log)
    elif file.kind is Kind.EMPTY and file.should_be_waveforms:
        quality_log.add("unreadable", path, "the file is empty")
    elif file.kind is Kind.OTHER or file.named:
        _add_other(file, material, quality_log)
    else:
        quality_log.add("not_waveforms", path, "not a waveform file: left out")


def _add_hdf5(path: Path, material: Material, assumed: Assumptions, quality_log: QualityLog) -> None:
    if holds_recording(path):
        material.recordings.append(open_own(path))
        return
    try:
        material.fibres.append(fibre_file(str(path)))
    except InputError as not_das:
        try:
            matrix = matrix_in_hdf5(str(path))
        except InputError as no_matrix:
            raise not_das from no_matrix
        given = (assumed.sampling_rate, assumed.channel_spacing, assumed.gauge_length)
        material.fibres.append(matrix_segment(matrix, str(path), *given, quality_log))


def _add_other(file: FoundFile, material: Material, quality_log: QualityLog) -> None:
    path = str(file.path)
    try:
        segments, sites = obspy_segments(path, quality_log)
    except PermissionError:
        raise
    except Exception as error:  # ObsPy's readers may raise any exception
        if file.path.suffix.lower() == ".tdms":
            material.fibres.append(fibre_file(path))
        elif file.should_be_waveforms:
            quality_log.add("unreadable", path, f"no reader of ObsPy or DASCore opens it ({one_line(error)})")
        else:
            quality_log.add("not_waveforms", path, "not a waveform file: left out")
        return
    material.segments += segments
    material.sites |= sites
