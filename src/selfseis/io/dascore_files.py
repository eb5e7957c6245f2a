"""Files of distributed acoustic sensing (DAS) as DASCore reads them.

These functions run in the process of `selfseis.io.library_process` and return plain values and arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from selfseis.errors import InputError, one_line
from selfseis.io.axis_values import regular_distances
from selfseis.io.hdf5_links import checked_datasets
from selfseis.io.hdf5_matrices import describe_matrix

_UNSAFE = "PICKLE"  # reading it executes what the file says
_GENERIC = "H5Simple"  # any samples with times: `describe_matrix` reads more of the metadata
_MAX_HEADER_DIFFERENCE_M = 1.0


def describe_fibre_file(path: str, hints: dict[str, Any]) -> list[dict[str, Any]]:
    """Describe all patches of a DAS file, or the matrix of an HDF5 file that DASCore does not know.

    Parameters
    ----------
    path : str
        The file.
    hints : dict
        As for `describe_matrix`; with ``dataset`` or ``axes``, DASCore is not asked.

    Returns
    -------
    list of dict
        As `describe_matrix` returns them; of DASCore's formats with ``format`` (name and version) and ``step_ns``.

    Raises
    ------
    InputError
        If the file is of neither kind.
    """
    from selfseis.io.obspy_import import without_warnings

    hdf5 = _is_hdf5(path)
    if hdf5:
        import h5py

        with h5py.File(path, "r") as file:
            for _ in checked_datasets(file):  # before any library follows its links
                pass
    elif not path.lower().endswith(".tdms"):
        raise InputError("it is not a DAS file")
    if {"dataset", "axes"} & hints.keys():
        return describe_matrix(path, hints)
    try:
        with without_warnings():
            described = _patches(path)
    except (InputError, ImportError) as unknown:
        if not hdf5:
            raise InputError(one_line(unknown)) from unknown
        return describe_matrix(path, hints)
    return described


def _is_hdf5(path: str) -> bool:
    import h5py

    return bool(h5py.is_hdf5(path))


def _patches(path: str) -> list[dict[str, Any]]:
    try:
        import dascore as dc
    except ImportError as error:
        raise InputError("it needs DASCore: pip install 'selfseis[das]'") from error
    try:
        name, version = dc.get_format(path)
    except Exception as error:  # DASCore's readers may raise any exception
        raise InputError(f"DASCore does not know its format ({one_line(error)})") from error
    if name in (_UNSAFE, _GENERIC):
        raise InputError(f"{name} is not a DAS format")
    return [
        _patch(path, (name, version), summary)
        for summary in dc.scan(path, file_format=name, file_version=version)
    ]


def _patch(path: str, file_format: tuple[str, str], summary: Any) -> dict[str, Any]:
    if not {"time", "distance"} <= set(summary.coords):
        raise ValueError(
            f"its patch has the dimensions {', '.join(summary.coords)} instead of time and distance"
        )
    time, along = summary.coords["time"], summary.coords["distance"]
    if time.step is None or np.isnat(np.timedelta64(time.step)):
        raise ValueError("the samples of the DAS patch are not regular in time: resample it first")
    start, step = _ns(time.min), int(np.timedelta64(time.step, "ns").astype(np.int64))
    if step <= 0:
        raise ValueError(f"its sampling interval is {step} ns")
    notes: list[str] = []
    gauge = getattr(summary, "gauge_length", None)
    factor = _metres(1.0, along.units) or 1.0
    distance, units = _distances(path, file_format, start, step, along)
    return {
        "format": list(file_format),
        "first": 0,
        "n_samples": round((_ns(time.max) - start) / step) + 1,
        "start_ns": start,
        "step_ns": step,
        "rate": rate_of_step(step),
        "dated": True,
        "distance": _checked_distances(path, file_format[0], distance, notes),
        "min_distance": _min_distance(distance) / factor,
        "gauge_length": _metres(gauge, getattr(summary, "gauge_length_units", None)),
        "units": units if units is not None else _units_text(summary.data_units),
        "notes": notes,
    }


def _distances(
    path: str, file_format: tuple[str, str], start: int, step: int, along: Any
) -> tuple[dict[str, Any], str | None]:
    """Return the distances, from the header where they are regular, otherwise from the beginning of the patch."""
    first, interval = float(along.min), along.step
    factor = _metres(1.0, along.units) or 1.0
    if interval is not None and np.isfinite(first) and float(interval) > 0:
        count = round((float(along.max) - first) / float(interval)) + 1
        return {"first": first * factor, "step": float(interval) * factor, "n": count}, None
    import dascore as dc

    name, version = file_format
    beginning = (_time(start - step), _time(start + 4 * step))
    for patch in dc.read(path, file_format=name, file_version=version, time=beginning):
        values = np.asarray(patch.get_array("distance"), dtype=np.float64)
        if _same(np.nanmin(values), first) and _same(np.nanmax(values), float(along.max)):
            return regular_distances(values * factor), _units_text(patch.attrs.data_units)
    raise ValueError("its distances cannot be read")


def _min_distance(distance: dict[str, Any]) -> float:
    """Return the smallest distance, which tells the fibres of a file apart when it is read again."""
    return float(distance["first"] if "first" in distance else np.nanmin(distance["values"]))


def _same(one: float, other: float) -> bool:
    return bool(np.isclose(one, other, equal_nan=True))


def _checked_distances(path: str, name: str, distance: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    """Compare the distances of Silixa files with those of their header, which DASCore does not use."""
    if name.lower() != "silixa_h5" or "first" not in distance or distance["n"] < 2:
        return distance
    import h5py

    with h5py.File(path, "r") as file:
        attrs = dict(file["Acoustic"].attrs)
    try:
        begin, end = float(attrs["Start Distance (m)"]), float(attrs["Stop Distance (m)"])
    except (KeyError, TypeError, ValueError):
        return distance
    step = (end - begin) / (distance["n"] - 1)
    moved = abs(begin - distance["first"])
    if step <= 0 or abs(step / distance["step"] - 1) > 0.01 or moved <= _MAX_HEADER_DIFFERENCE_M:
        return distance
    notes.append(
        f"distances from the header, which begin at {begin:g} m; DASCore gives {distance['first']:g} m"
    )
    return {"first": begin, "step": step, "n": distance["n"]}


def rate_of_step(step_ns: int) -> float:
    """Return the rate in Hz of a sampling interval that is rounded to whole ns: 33,333 ns are 30 kHz."""
    low, high = 1e9 / (step_ns + 0.5), 1e9 / (step_ns - 0.5)
    for unit in (10_000, 1_000, 100, 10, 1):
        whole = round(1e9 / step_ns / unit) * unit
        if whole and low <= whole <= high:
            return float(whole)
    return 1e9 / step_ns


def read_patches(
    path: str,
    file_format: tuple[str, str],
    start_ns: int,
    step_ns: int,
    span: tuple[int, int],
    ends: tuple[float, float],
) -> tuple[Any, int]:
    """Return samples of one fibre in a DAS file, placed by their times.

    Parameters
    ----------
    path, file_format
        The file, and DASCore's name and version of its format.
    start_ns, step_ns : int
        Time of sample 0 and the sampling interval.
    span : (int, int)
        First sample, and the one after the last.
    ends : (float, float)
        The number of channels, and the smallest distance in units of the file: which fibre, if the file holds several.

    Returns
    -------
    samples : ndarray, shape (channels, last - first)
        In the type of the file; as floats with NaN if samples are missing.
    missing : int
        Number of missing samples.
    """
    import dascore as dc

    from selfseis.io.obspy_import import without_warnings

    first, last = span
    margin = step_ns + step_ns // 2  # vendors round times differently
    when = (_time(start_ns + first * step_ns - margin), _time(start_ns + (last - 1) * step_ns + margin))
    options: dict[str, Any] = {"file_format": file_format[0], "file_version": file_format[1]}
    with without_warnings():
        samples, missing = _placed(dc.read(path, time=when, **options), start_ns, step_ns, span, ends)
        if missing:  # some vendors' readers lose samples at the edges of a span, but not of the file
            samples, missing = _placed(dc.read(path, **options), start_ns, step_ns, span, ends)
    return samples, missing


def _placed(
    patches: Any, start_ns: int, step_ns: int, span: tuple[int, int], ends: tuple[float, float]
) -> tuple[Any, int]:
    first, last = span
    samples: Any = None
    found = np.zeros(last - first, dtype=bool)
    for patch in patches:
        along = np.asarray(patch.get_array("distance"), dtype=np.float64)
        if along.size != ends[0] or not _same(np.nanmin(along), ends[1]):
            continue
        times = np.asarray(patch.get_array("time")).astype("datetime64[ns]").astype(np.int64)
        columns = np.round((times - start_ns) / step_ns).astype(np.int64) - first
        wanted = (columns >= 0) & (columns < last - first)
        data = np.asarray(patch.transpose("distance", "time").data)
        if samples is None:
            if wanted.all() and np.array_equal(columns, np.arange(last - first)):
                return np.ascontiguousarray(data), 0
            samples = np.zeros((along.size, last - first), data.dtype)
        samples[:, columns[wanted]] = data[:, wanted]
        found[columns[wanted]] = True
    if samples is None:
        return np.full((int(ends[0]), last - first), np.nan, np.float32), last - first
    if not found.all():
        samples = samples.astype(np.result_type(samples.dtype, np.float32))
        samples[:, ~found] = np.nan
    return samples, int((~found).sum())


def unit_factor(_: str, given: str, wanted: str) -> float | None:
    """Return the number that turns values in one unit into another; None if they are of different quantities.

    Parameters
    ----------
    _ : str
        A file that states the first unit; it is not read.
    given, wanted : str
        Units as DASCore writes them, or as pint understands them.
    """
    import dascore as dc

    try:
        return float(dc.get_quantity(given).to(dc.get_quantity(wanted).units).magnitude)
    except Exception:  # pint has errors of its own for units that do not fit or that it does not know
        return None


def patch_header(patch: Any) -> tuple[int, float, Any, float | None, str]:
    """Return the start (ns), rate (Hz), distances (m), gauge length (m) and units of a patch in memory.

    Raises
    ------
    InputError
        If the patch is not a regular (distance, time) array.
    """
    if set(patch.dims) != {"distance", "time"}:
        raise InputError(f"a DAS patch must have the dimensions distance and time, this one has {patch.dims}")
    time = patch.get_coord("time")
    if time.step is None or np.isnan(time.step):
        raise InputError("the samples of the DAS patch are not regular in time: resample it first")
    step = int(np.timedelta64(time.step, "ns").astype(np.int64))
    if step <= 0:
        raise InputError(f"the sampling interval of the DAS patch is {step} ns: sort it in time")
    along = patch.get_coord("distance")
    distance = np.asarray(patch.get_array("distance"), dtype=np.float64) * (_metres(1.0, along.units) or 1.0)
    gauge = _metres(
        getattr(patch.attrs, "gauge_length", None), getattr(patch.attrs, "gauge_length_units", None)
    )
    return _ns(time.min()), rate_of_step(step), distance, gauge, _units_text(patch.attrs.data_units)


def _units_text(units: Any) -> str:
    """Return units in short; DASCore states them as a quantity, mostly of one."""
    if units is None or str(units) == "":
        return ""
    import dascore as dc

    quantity = dc.get_quantity(units)
    return f"{quantity.units:~}" if quantity.magnitude == 1 else f"{quantity:~}"


def _metres(value: Any, units: Any) -> float | None:
    """Return a length in m; None for one that is missing."""
    number = getattr(value, "magnitude", value)
    if number is None or not np.isfinite(float(number)):
        return None
    if units is None or str(units) in ("m", "meter", "1 m", "1 meter"):
        return float(number)
    import dascore as dc

    try:
        return float(number) * float(dc.get_quantity(units).to("m").magnitude)
    except Exception:  # units that are none of length
        return float(number)


def _time(ns: int) -> Any:
    return np.datetime64(ns, "ns")


def _ns(instant: Any) -> int:
    return int(np.datetime64(instant, "ns").astype(np.int64))
