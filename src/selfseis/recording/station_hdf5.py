"""Reader of HDF5 files of stations: ASDF, and the files of EQTransformer."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from selfseis.errors import InputError, one_line
from selfseis.io.library_process import LIBRARIES
from selfseis.io.obspy_import import obspy, without_warnings
from selfseis.quality_log import QualityLog
from selfseis.recording.segments import Segment, finite_values, tidy_rate
from selfseis.recording.time_axis import to_ns

_EQT_RATE = 100.0  # Hz; EQTransformer resamples all its data to it
_EQT_NAME = re.compile(
    r"^(?P<station>[^_.]+)[_.](?P<network>[^_]+)_(?P<band>[^_]{1,3})_(?P<time>.+?)(_\w{2})?$"
)
_COMPONENTS = "ENZ"
_MAX_SAMPLES_PER_BYTE = 1000  # zeros compress well
_RAW = "raw"  # how the tag of unprocessed waveforms begins in ASDF


@dataclass(frozen=True)
class SegmentInHdf5(Segment):
    """Samples of a dataset of one dimension, or of one column of it."""

    dataset: str
    column: int | None

    def read(self, first: int, last: int, quality_log: QualityLog) -> npt.NDArray[Any]:
        """Return samples ``first:last``."""
        read = f"{__name__}:read_dataset"
        try:
            samples = LIBRARIES.call(read, self.unit, self.dataset, self.column, first, last)
        except (InputError, OSError) as error:
            detail = f"{self.dataset} cannot be read ({one_line(error)}): masked"
            quality_log.add("damaged", self.unit, detail, lost_share=(last - first) / self.n_samples)
            return np.full(last - first, np.nan, dtype=np.float32)
        return finite_values(np.asarray(samples), self.unit, f"of {self.seed_id}", quality_log)


class _Index(NamedTuple):
    """Plain values of an indexed file, as the library process returns them."""

    segments: list[SegmentInHdf5]
    station_xml: list[bytes]
    issues: list[tuple[str, str]]


def station_hdf5_segments(
    path: Path, sampling_rate: float | None, quality_log: QualityLog
) -> tuple[list[Segment], list[Any]] | None:
    """Index an HDF5 file of stations.

    Parameters
    ----------
    path : Path
        The file.
    sampling_rate : float, optional
        In Hz, for the files of EQTransformer, which state none; by default 100 Hz, its own rate.
    quality_log : QualityLog
        Receives assumptions and unreadable parts.

    Returns
    -------
    segments : list of Segment
        One per dataset and component.
    inventories : list of obspy Inventory
        The StationXML of an ASDF file.
        None in place of both if the file is neither ASDF nor of EQTransformer.

    Raises
    ------
    InputError
        For a SeisBench data set, whose traces have no place on a common time axis.
    """
    found = LIBRARIES.call(f"{__name__}:index_station_hdf5", str(path), sampling_rate)
    if found is None:
        return None
    index = _Index(*found)
    for kind, detail in index.issues:
        quality_log.add(kind, str(path), detail)
    inventories = [item for xml in index.station_xml for item in _inventory_of(xml, str(path), quality_log)]
    return list(index.segments), inventories


def index_station_hdf5(path: str, sampling_rate: float | None) -> tuple[Any, ...] | None:
    """Index a file, in the library process: see `station_hdf5_segments`; returns the values of an `_Index`."""
    import h5py

    index = _Index([], [], [])
    with h5py.File(path, "r") as file:
        if _text(file.attrs.get("file_format")) == "ASDF":
            _asdf(file, path, index)
            return tuple(index)
        group = file.get("data")
        if not isinstance(group, h5py.Group):
            return None
        if "data_format" in file:
            raise InputError(f"{path} is a SeisBench data set of single traces: export them as miniSEED")
        columns = {name: data for name, data in group.items() if getattr(data, "shape", ())[1:] == (3,)}
        if not columns:
            return None
        if sampling_rate is None:
            detail = f"EQTransformer's files state no sampling rate: {_EQT_RATE:g} Hz assumed, give --sampling-rate"
            index.issues.append(("assumed", detail))
        _of_eqtransformer(columns, path, sampling_rate or _EQT_RATE, index)
    return tuple(index)


def read_dataset(path: str, dataset: str, column: int | None, first: int, last: int) -> npt.NDArray[Any]:
    """Return samples ``first:last`` of a dataset, or of one column of it, in the library process."""
    import h5py

    with h5py.File(path, "r") as file:
        data = file[dataset]
        return np.asarray(data[first:last] if column is None else data[first:last, column])


def _asdf(file: Any, unit: str, index: _Index) -> None:
    """Find the waveforms of all stations; of several tags, the unprocessed one."""
    waveforms: list[tuple[str, str, str, Any]] = []
    for station, group in file.get("Waveforms", {}).items():
        for name, data in getattr(group, "items", dict)():
            path = f"Waveforms/{station}/{name}"
            if not hasattr(data, "attrs"):
                index.issues.append(("unreadable", f"{path} cannot be opened"))
            elif name == "StationXML":
                index.station_xml.append(np.asarray(data[()]).astype(np.uint8).tobytes().rstrip(b"\0"))
            else:
                seed_id, *_, tag = name.split("__")
                waveforms.append((seed_id, tag, path, data))
    tags = sorted({tag for _, tag, *_ in waveforms}, key=lambda tag: (not tag.startswith(_RAW), tag))
    if len(tags) > 1:
        detail = f"waveforms tagged {tags[0]} are read, not {', '.join(tags[1:])}"
        index.issues.append(("assumed", detail))
    for seed_id, tag, path, data in waveforms:
        if tag != tags[0]:
            continue
        try:
            rate, start = tidy_rate(float(data.attrs["sampling_rate"])), int(data.attrs["starttime"])
            if data.ndim != 1 or not 0 < rate < np.inf:
                raise ValueError(f"shape {data.shape}, {rate:g} Hz")
            _check_stored(data)
        except (KeyError, ValueError, TypeError, AttributeError, OSError, RuntimeError) as error:
            detail = f"{path} has no valid start, rate or samples ({one_line(error)})"
            index.issues.append(("unreadable", detail))
            continue
        if data.size:
            index.segments.append(SegmentInHdf5(seed_id, start, int(data.size), rate, unit, path, None))


def _inventory_of(xml: bytes, unit: str, quality_log: QualityLog) -> list[Any]:
    try:
        module = obspy()
        with without_warnings():
            return [module.read_inventory(io.BytesIO(xml))]
    except Exception as error:  # ObsPy's readers may raise any exception
        quality_log.add("unreadable", unit, f"its StationXML cannot be read ({one_line(error)})")
        return []


def _of_eqtransformer(columns: dict[str, Any], unit: str, rate: float, index: _Index) -> None:
    """Find the three components of each dataset, in the order E, N, Z."""
    for name, data in columns.items():
        stated = {key: _text(value) for key, value in data.attrs.items()}
        named = _EQT_NAME.match(name)
        of_name = named.groupdict() if named else {}
        station = stated.get("receiver_code") or of_name.get("station", "")
        network = stated.get("network_code") or of_name.get("network", "")
        band = stated.get("receiver_type") or of_name.get("band", "")
        try:
            start = to_ns(stated.get("trace_start_time") or of_name.get("time", ""))
            _check_stored(data)
        except ValueError as error:
            index.issues.append(("unreadable", f"data/{name} cannot be used: {one_line(error)}"))
            continue
        for column, letter in enumerate(_COMPONENTS):
            seed_id = f"{network}.{station}..{band[:2]}{letter}"
            index.segments.append(
                SegmentInHdf5(seed_id, start, int(data.shape[0]), rate, unit, f"data/{name}", column)
            )


def _check_stored(data: Any) -> None:
    """Refuse a dataset that states far more samples than the file stores."""
    if data.size > data.id.get_storage_size() * _MAX_SAMPLES_PER_BYTE:
        raise ValueError(f"{data.size:,} samples stated, {data.id.get_storage_size():,} bytes stored")


def _text(value: Any) -> str:
    return (
        value.decode("utf-8", "replace") if isinstance(value, bytes) else "" if value is None else str(value)
    )
