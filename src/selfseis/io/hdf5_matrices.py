"""Matrices of samples in HDF5 files (so also NetCDF 4 and MATLAB 7.3), with the coordinates and attributes around them.

Understood are the dimension scales of NetCDF as xarray writes them, the tie points and the sampled coordinates of CF as
xdas writes them, arrays of times and distances beside the matrix, and attributes such as ``dt_s`` or ``begin_time``.
These functions run in the process of `selfseis.io.library_process` and return plain values.
"""

from __future__ import annotations

import os
import re
from typing import Any

import numpy as np

from selfseis.errors import InputError
from selfseis.io.axis_values import (
    Stretch,
    parsed_start,
    regular_distances,
    regular_stretches,
    times_in_ns,
)
from selfseis.io.hdf5_links import checked_datasets

_TIME_NAMES = frozenset(
    {"time", "times", "t", "timestamp", "timestamps", "utc", "datetime", "sample", "samples", "nt"}
)
_SPACE_NAMES = frozenset(
    {
        "distance", "distances", "dist", "offset", "x", "s", "position", "space", "channel", "channels", "trace",
        "traces", "fibre_distance", "fiber_distance", "channel_distance", "nx", "nch",
    }
)  # fmt: skip
_NUMBERED = frozenset({"channel", "channels", "trace", "traces", "sample", "samples", "nx", "nch", "nt"})
# Attributes that state a number, and the factor that turns it into the unit of ours.
_RATES = dict.fromkeys(
    ("sampling_rate", "sampling_frequency", "samplingfrequency", "sample_rate", "samplerate", "fs", "samplingrate",
     "sampling_rate_hz", "sampling_frequency_hz", "fs_hz", "frequency_hz", "outputdatarate"), 1.0)  # fmt: skip
_INTERVALS = {
    **dict.fromkeys(("dt_s", "dt", "delta", "sampling_interval", "sampling_interval_s", "sample_interval",
                     "sampling_period", "time_step", "timestep", "sample_interval_s"), 1.0),
    **dict.fromkeys(("dt_ms", "sampling_interval_ms", "sample_interval_ms"), 1e-3),
    **dict.fromkeys(("dt_us", "sampling_interval_us"), 1e-6),
    **dict.fromkeys(("dt_ns", "sampling_interval_ns"), 1e-9),
}  # fmt: skip
_SPACINGS = {
    **dict.fromkeys(("dx_m", "dx", "channel_spacing", "channel_spacing_m", "spatial_sampling", "spatialsampling",
                     "spatialresolution", "spatial_resolution", "spatialresolution_m", "channel_interval",
                     "channel_interval_m", "spatialsamplinginterval", "spatial_sampling_interval"), 1.0),
    **dict.fromkeys(("dx_km", "channel_spacing_km"), 1e3),
}  # fmt: skip
_GAUGES = dict.fromkeys(("gauge_length", "gauge_length_m", "gaugelength", "gaugelength_m"), 1.0)
_STARTS = ("begin_time", "begintime", "start_time", "starttime", "startdatetime", "time_start", "starttime_utc",
           "start", "time_begin", "first_sample_time", "t_start")  # fmt: skip
_UNITS = ("units", "unit", "data_units")
_METRES = {"": 1.0, "m": 1.0, "metre": 1.0, "meter": 1.0, "metres": 1.0, "meters": 1.0, "km": 1e3, "kilometre": 1e3,
           "kilometer": 1e3, "kilometers": 1e3, "ft": 0.3048, "feet": 0.3048, "foot": 0.3048, "cm": 0.01}  # fmt: skip
_NAME_TIME = re.compile(
    r"(?<!\d)((?:19|20)\d\d)[-_]?(\d\d)[-_]?(\d\d)[-_T]?(\d\d)[-_:]?(\d\d)[-_:]?(\d\d)(\.\d+)?(?!\d)"
)
_MAX_COMPRESSION = 2000  # gzip reaches 1,030; a smaller file cannot fill the matrix that its header declares
_MAX_CHUNK_BYTES = 1_000_000_000
_MAX_TIMES = 20_000_000


def describe_matrix(path: str, hints: dict[str, Any]) -> list[dict[str, Any]]:
    """Describe the matrix of samples in an HDF5 file.

    Parameters
    ----------
    path : str
        The file.
    hints : dict
        What the user states: ``dataset``, ``axes`` (``"channel time"`` or ``"time channel"``).

    Returns
    -------
    list of dict
        One for each stretch without a gap: dataset, time_axis, first sample, number of samples, start_ns, rate,
        dated, distances, gauge length, units, and ``notes`` of all that was assumed. A rate or distances that the
        file does not state are None.

    Raises
    ------
    InputError
        If there is no matrix, several that could be meant, or its times are not regular.
    """
    import h5py

    with h5py.File(path, "r") as file:
        found = list(checked_datasets(file))
        notes: list[str] = []
        place, matrix = _chosen(found, hints, notes)
        _check_size(matrix)
        known = _Surroundings(file, matrix, [item for _, item in found])
        time_axis = _time_axis(matrix, known, hints, notes)
        described = _described(path, matrix, known, time_axis, notes)
    return [{"dataset": place} | item for item in described]


def read_matrix(path: str, dataset: str, time_axis: int, first: int, last: int) -> Any:
    """Return samples ``first:last`` of all channels as (channels, samples), in the type of the file.

    Raises
    ------
    Exception
        Whatever the HDF5 library raises for damaged data.
    """
    import h5py

    with h5py.File(path, "r") as file:
        list(checked_datasets(file))
        matrix = file[dataset]
        _check_size(matrix)
        samples = matrix[:, first:last] if time_axis == 1 else matrix[first:last].T
    return np.ascontiguousarray(samples)


class _Surroundings:
    """Coordinates and attributes near a matrix."""

    def __init__(self, file: Any, matrix: Any, datasets: list[Any]) -> None:
        self.matrix = matrix
        self.vectors = {
            _base(item): item for item in reversed(datasets) if item.ndim == 1 and item.dtype.kind in "iuf"
        }
        near = [item for item in datasets if item.parent.name in (matrix.parent.name, "/")]
        self.vectors |= {_base(item): item for item in near if item.ndim == 1 and item.dtype.kind in "iufSO"}
        self.attributes: dict[str, Any] = {}
        for item in near:  # MATLAB and h5py users store numbers as datasets
            if item.size == 1 and item.dtype.kind in "iufSO":
                self.attributes[_key(_base(item))] = item[()]
        for place in (file, *_parents(matrix, file), matrix):
            self.attributes |= {_key(name): value for name, value in place.attrs.items()}

    def number(self, names: dict[str, float]) -> float | None:
        """Return the first number that one of these attributes states, in our unit; None if there is none."""
        for name, factor in names.items():
            value = _number(self.attributes.get(name))
            if value is not None and value > 0:
                return value * factor
        return None

    def text(self, names: tuple[str, ...]) -> Any:
        """Return the first of these attributes; None if there is none."""
        return next((self.attributes[name] for name in names if name in self.attributes), None)

    def vector(self, axis: int, names: frozenset[str]) -> Any:
        """Return the coordinate array along an axis: its dimension scale, or an array with a known name."""
        length = self.matrix.shape[axis]
        attached = list(self.matrix.dims[axis].values())
        named = [item for name, item in self.vectors.items() if _key(name) in names]
        fitting = (item for item in attached + named if item.shape == (length,) and _is_coordinate(item))
        return next(fitting, None)


def _is_coordinate(item: Any) -> bool:
    """Whether a dimension scale holds values; NetCDF also has scales that only state a length."""
    name = item.attrs.get("NAME", b"")
    text = name.decode(errors="replace") if isinstance(name, bytes) else str(name)
    return not text.startswith("This is a netCDF dimension but not a netCDF variable")


def _chosen(found: list[tuple[str, Any]], hints: dict[str, Any], notes: list[str]) -> tuple[str, Any]:
    """Return the path and the dataset of the samples."""
    matrices = [
        (place, item) for place, item in found if item.ndim == 2 and item.dtype.kind in "iuf" and item.size
    ]
    if "dataset" in hints:
        wanted = "/" + str(hints["dataset"]).strip("/")
        named = [pair for pair in matrices if pair[0] == wanted]
        if not named:
            raise InputError(f"it holds no matrix {wanted}: there are {_listed(matrices)}")
        return named[0]
    matrices = [pair for pair in matrices if min(pair[1].shape) > 1] or matrices
    if not matrices:
        raise InputError("it holds no matrix: export one (channels, samples) matrix or a DAS format")
    matrices.sort(key=lambda pair: pair[1].size, reverse=True)
    if len(matrices) > 1:
        if matrices[1][1].size * 10 > matrices[0][1].size:
            raise InputError(
                f"it holds {len(matrices)} matrices, {_listed(matrices)}: write 'dataset: /NAME' into a file "
                "FILE.yaml beside it"
            )
        notes.append(f"the largest of {len(matrices)} matrices is taken: {_listed(matrices[:1])}")
    return matrices[0]


def _listed(matrices: list[tuple[str, Any]]) -> str:
    texts = [f"{place} ({item.shape[0]} x {item.shape[1]})" for place, item in matrices[:4]]
    return ", ".join(texts) or "none"


def _check_size(matrix: Any) -> None:
    """Compare the declared size with the bytes in the file, before memory is taken."""
    stored = 0 if matrix.is_virtual or matrix.external else matrix.id.get_storage_size()
    if not matrix.is_virtual and not matrix.external and matrix.nbytes > stored * _MAX_COMPRESSION:
        raise InputError(
            f"{matrix.name} declares {matrix.nbytes:,} bytes and the file holds {stored:,} of them"
        )
    chunk = int(np.prod(matrix.chunks or (0,), dtype=float)) * matrix.dtype.itemsize
    if chunk > _MAX_CHUNK_BYTES:
        raise InputError(
            f"{matrix.name} is stored in chunks of {chunk:,} bytes: write it with smaller chunks"
        )


def _time_axis(matrix: Any, known: _Surroundings, hints: dict[str, Any], notes: list[str]) -> int:
    """Return which axis is time: as stated, by the names of the dimensions, by coordinates, by lengths."""
    if "axes" in hints:
        return _stated_axes(str(hints["axes"]))
    names = [_axis_name(matrix, axis) for axis in (0, 1)]
    for axis, name in enumerate(names):
        if name in _TIME_NAMES or names[1 - axis] in _SPACE_NAMES:
            return axis
    times = [axis for axis in (0, 1) if known.vector(axis, _TIME_NAMES) is not None]
    spaces = [axis for axis in (0, 1) if known.vector(axis, _SPACE_NAMES - _TIME_NAMES) is not None]
    if len(times) == 1 and spaces != times:
        return times[0]
    if len(spaces) == 1 and not times:
        return 1 - spaces[0]
    if {"dt_s", "dx_m"} <= {_key(name) for name in matrix.attrs}:
        notes.append("the axes have no names: (channel, time) assumed, as PhaseNet-DAS writes events")
        return 1
    axis = 1 if matrix.shape[0] <= matrix.shape[1] else 0
    order = "channel time" if axis == 1 else "time channel"
    other = "time channel" if axis == 1 else "channel time"
    notes.append(
        f"the axes have no names: the longer one, of {matrix.shape[axis]}, is taken as time ('axes: {order}'; "
        f"otherwise write 'axes: {other}' into FILE.yaml beside it)"
    )
    return axis


def _stated_axes(text: str) -> int:
    words = re.findall(r"[a-z]+", text.lower())
    if len(words) != 2 or ("time" in words) is False:
        raise InputError(f"axes must be 'channel time' or 'time channel', got {text!r}")
    return words.index("time")


def _axis_name(matrix: Any, axis: int) -> str:
    dimension = matrix.dims[axis]
    label = dimension.label or next((_base(item) for item in dimension.values()), "")
    listed = matrix.attrs.get("_ARRAY_DIMENSIONS", matrix.attrs.get("dims"))
    if not label and listed is not None:
        words = [str(_decoded(word)) for word in np.atleast_1d(np.asarray(listed, dtype=object))]
        words = words[0].replace(",", " ").split() if len(words) == 1 else words
        label = words[axis] if len(words) == 2 else ""
    return _key(label)


def _described(
    path: str, matrix: Any, known: _Surroundings, time_axis: int, notes: list[str]
) -> list[dict[str, Any]]:
    n_samples = matrix.shape[time_axis]
    stretches, dated = _stretches(path, known, time_axis, n_samples, notes)
    units = known.text(_UNITS)
    common = {
        "time_axis": time_axis,
        "dated": dated,
        "distance": _distances(known, 1 - time_axis, notes),
        "n_channels": matrix.shape[1 - time_axis],
        "gauge_length": known.number(_GAUGES),
        "units": "" if units is None else str(_decoded(units)).strip(),
        "notes": notes,
    }
    return [
        {
            **common,
            "first": stretch.first,
            "n_samples": stretch.last - stretch.first + 1,
            "start_ns": int(stretch.start),
            "rate": 1e9 / stretch.step if stretch.step else None,
        }
        for stretch in stretches
    ]


def _stretches(
    path: str, known: _Surroundings, axis: int, n_samples: int, notes: list[str]
) -> tuple[list[Stretch], bool]:
    """Return the regular stretches of the times in ns, and whether they have a date; a step of 0 is unknown."""
    ties = _tie_points(known, axis)
    if ties is None:
        vector = known.vector(axis, _TIME_NAMES)
        ties = None if vector is None or _is_count(vector) else _dense(vector, n_samples)
    rate = known.number(_RATES)
    interval = known.number(_INTERVALS)
    step = 1e9 / rate if rate else 1e9 * interval if interval else 0.0
    if ties is None:
        start, dated = _start(path, known, notes)
        return [Stretch(0, n_samples - 1, start, step)], dated
    times, dated = times_in_ns(ties[1], ties[2], notes)
    if not dated:
        start, dated = _start(path, known, notes)
        times = times + start
    if n_samples == 1:
        return [Stretch(0, 0, int(times[0]), step)], dated
    return regular_stretches(ties[0], times), dated


def _dense(vector: Any, n_samples: int) -> tuple[Any, Any, str]:
    """Return sample numbers, numbers of the time coordinate, and its units; very long ones are sampled."""
    indices = np.arange(n_samples)
    if n_samples > _MAX_TIMES:
        indices = np.append(np.arange(0, n_samples - 1, n_samples // 1_000_000), n_samples - 1)
    values = vector[:] if len(indices) == n_samples else vector[indices]
    if values.dtype.kind in "SO":
        import pandas as pd

        stamps = pd.to_datetime([str(_decoded(item)) for item in values], format="ISO8601", utc=True)
        return indices, stamps.as_unit("ns").asi8, "ns"
    return indices, values, str(_decoded(vector.attrs.get("units", "")))


def _tie_points(known: _Surroundings, axis: int) -> tuple[Any, Any, str] | None:
    """Return the tie points of a coordinate as CF and xdas store them: sample numbers, values, units."""
    name = _axis_name(known.matrix, axis)
    values = known.vectors.get(f"{name}_values")
    if values is None:
        return None
    units = str(_decoded(values.attrs.get("units", "")))
    indices, lengths = known.vectors.get(f"{name}_indices"), known.vectors.get(f"{name}_lengths")
    if indices is not None:
        ties = indices[:].astype(np.int64), values[:]
    elif lengths is not None:
        ties = _sampled(known, name, lengths[:].astype(np.int64), values[:], units)
        units = "ns" if ties[1].dtype == np.int64 and units else units
    else:
        return None
    length = known.matrix.shape[axis]
    if len(ties[0]) != len(ties[1]) or ties[0][0] != 0 or ties[0][-1] != length - 1:
        raise InputError(f"the tie points of {name} do not cover its {length} samples")
    return (*ties, units)


def _sampled(known: _Surroundings, name: str, lengths: Any, values: Any, units: str) -> tuple[Any, Any]:
    """Turn runs of a stated sampling interval (xdas) into tie points at both ends of each run."""
    described = next((item for item in known.matrix.file.values() if _base(item) == f"{name}_sampling"), None)
    if described is None or "sampling_interval" not in described.attrs:
        raise InputError(f"the sampling interval of {name} is missing")
    step = np.asarray(described.attrs["sampling_interval"]).reshape(-1)[0]
    begins = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    if units:  # times, and their interval in units of its own
        values, _ = times_in_ns(values, units, [])
        unit = str(_decoded(described.attrs.get("sampling_interval_units", "ns")))
        step = times_in_ns(np.asarray([step]), unit, [])[0][0]
    indices = np.stack([begins, begins + lengths - 1], axis=1).ravel()
    ends = np.stack([values, values + (lengths - 1) * step], axis=1).ravel()
    single = np.repeat(lengths == 1, 2)
    single[::2] = False
    return indices[~single], ends[~single]


def _start(path: str, known: _Surroundings, notes: list[str]) -> tuple[int, bool]:
    """Return the time of the first sample by an attribute or the name of the file, and whether there is one."""
    stated = parsed_start(known.text(_STARTS))
    if stated is not None:
        return stated, True
    match = _NAME_TIME.search(os.path.basename(path))
    if match is not None:
        year, month, day, hour, minute, second, rest = match.groups()
        start = parsed_start(f"{year}-{month}-{day}T{hour}:{minute}:{second}{rest or ''}")
        if start is not None:
            notes.append("the file states no time: that in its name is taken as the start in UTC")
            return start, True
    return 0, False


def _distances(known: _Surroundings, axis: int, notes: list[str]) -> dict[str, Any] | None:
    n_channels = known.matrix.shape[axis]
    ties = _tie_points(known, axis)
    if ties is not None:
        return regular_distances(np.interp(np.arange(n_channels), ties[0], ties[1]) * _metres(ties[2], notes))
    vector = known.vector(axis, _SPACE_NAMES)
    spacing = known.number(_SPACINGS)
    if vector is not None and vector.dtype.kind in "iuf":
        units = str(_decoded(vector.attrs.get("units", "")))
        numbers = np.asarray(vector[:], dtype=np.float64)
        if units or not _is_count(vector):
            return regular_distances(numbers * _metres(units, notes))
        if spacing is not None:
            return regular_distances(numbers * spacing)
    return None if spacing is None else {"first": 0.0, "step": spacing, "n": n_channels}


def _metres(units: str, notes: list[str]) -> float:
    factor = _METRES.get(units.strip().lower())
    if factor is None:
        notes.append(f"the units of the distances are {units!r}: taken as m")
        return 1.0
    return factor


def _is_count(vector: Any) -> bool:
    """Whether a coordinate only numbers the channels or samples."""
    return _key(_base(vector)) in _NUMBERED and "units" not in vector.attrs


def _parents(matrix: Any, file: Any) -> list[Any]:
    names = matrix.parent.name.strip("/").split("/")
    return [file["/".join(names[:count])] for count in range(1, len(names) + 1) if names[0]]


def _base(item: Any) -> str:
    return str(item.name).rpartition("/")[2]


def _key(name: str) -> str:
    """Return a name in lower case, with words joined by one underscore."""
    return re.sub(r"[^a-z0-9]+", "_", str(name).lower()).strip("_")


def _decoded(value: Any) -> Any:
    array = np.asarray(value)
    item = array.reshape(-1)[0] if array.size == 1 else value
    return item.decode(errors="replace") if isinstance(item, bytes) else item


def _number(value: Any) -> float | None:
    if value is None:
        return None
    try:
        number = float(_decoded(value))
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None
