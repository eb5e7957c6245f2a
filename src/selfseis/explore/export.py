"""Export of the windows of a class: QuakeML, miniSEED cut-outs and a SeisBench dataset."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from selfseis.errors import InputError
from selfseis.explore.explored import Explored
from selfseis.explore.tables import iso, spans_of
from selfseis.io.atomic import replacing
from selfseis.io.obspy_import import obspy
from selfseis.recording import is_fibre, sample_times
from selfseis.recording.writer import codes_unfit_for_miniseed
from selfseis.typing import Float32Array, IntArray

COMPONENTS = "ZNE"
PUNCTUATION = str.maketrans("", "", "-:.")  # in times, which QuakeML identifiers exclude


def windows_of_class(explored: Explored, name: int) -> IntArray:
    """Return the rows of the windows of a class, by site and time.

    Raises
    ------
    InputError
        If no window is of this class.
    """
    rows = np.flatnonzero(explored.labels == name)
    if not len(rows):
        raise InputError(
            f"no window is of class {name}: choose one of {sorted(set(explored.labels.tolist()))}"
        )
    return rows


def write_quakeml(
    recording: xr.DataArray, explored: Explored, name: int, path: Path, *, label: str = ""
) -> int:
    """Write the windows of a class as QuakeML events; consecutive windows at any station form one event.

    The events have no location. A comment holds start, end, class, stations and novelty.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    explored : Explored
        Its windows.
    name : int
        The class.
    path : Path
        The file.
    label : str
        Name that the user gave to the class.

    Returns
    -------
    int
        Number of events.
    """
    obspy()
    from obspy.core.event import Catalog, Comment, CreationInfo, Event, EventDescription, ResourceIdentifier

    rows = windows_of_class(explored, name)
    first = explored.table.first[rows]
    order = np.argsort(first, kind="stable")
    groups = np.split(rows[order], np.flatnonzero(np.diff(first[order]) > explored.grid.length) + 1)
    start, end = spans_of(recording, explored)
    catalogue = Catalog(resource_id=ResourceIdentifier(f"smi:local/selfseis/class_{name}"))
    for group in groups:
        begins, ends = iso(np.array([start[group].min(), end[group].max()]))
        seen = sorted({explored.sites[site].name for site in explored.table.site[group]})
        text = (
            f"selfseis class {name}{f' ({label})' if label else ''}; not located; start {begins}; end {ends}; "
            f"novelty {explored.novelty[group].max():.4f}; n_stations {len(seen)}; stations {' '.join(seen[:20])}"
        )
        identifier = ResourceIdentifier(f"smi:local/selfseis/class_{name}/{begins.translate(PUNCTUATION)}")
        catalogue.append(
            Event(
                resource_id=identifier,
                event_type="not reported",
                event_descriptions=[EventDescription(text=label or f"class {name}")],
                comments=[Comment(text=text, resource_id=ResourceIdentifier(f"{identifier.id}/comment"))],
                creation_info=CreationInfo(agency_id="selfseis"),
            )
        )
    with replacing(path) as temporary:
        catalogue.write(str(temporary), format="QUAKEML")
    return len(catalogue)


def write_cutouts(recording: xr.DataArray, explored: Explored, name: int, folder: Path) -> list[Path]:
    """Write the waveforms of a class as miniSEED, one file per window with all components of the station.

    Parameters
    ----------
    recording : xarray.DataArray
        Recording of stations; channels of a fibre have no SEED code.
    explored : Explored
        Its windows.
    name : int
        The class.
    folder : Path
        Folder of the files.

    Returns
    -------
    list of Path

    Raises
    ------
    InputError
        If the recording is from a fibre, codes do not fit into miniSEED, or no window is of this class.
    """
    _refuse_fibre(recording, "miniSEED")
    if unfit := codes_unfit_for_miniseed(recording):
        raise InputError(
            f"{unfit[0]} does not fit into miniSEED, which holds codes of 2, 5, 2 and 3 characters"
        )
    library = obspy()
    written = []
    for row in windows_of_class(explored, name):
        first, site = int(explored.table.first[row]), explored.sites[explored.table.site[row]]
        data = _raw(recording, site.rows, first, explored.grid.length)
        begin = library.UTCDateTime(
            ns=int(sample_times(recording, first).astype("datetime64[ns]").astype(np.int64))
        )
        stream = library.Stream()
        for channel, samples in zip(site.rows, data, strict=True):
            codes = str(recording["seed_id"].values[channel]).split(".")
            header = dict(zip(("network", "station", "location", "channel"), codes, strict=True))
            masked = np.ma.masked_invalid(samples)
            trace = library.Trace(masked, header | {"sampling_rate": explored.grid.rate, "starttime": begin})
            stream += trace.split()
        path = (
            folder
            / f"{'.'.join(codes[:3])}.{begin.strftime('%Y%m%dT%H%M%S')}.{begin.microsecond // 1000:03d}.mseed"
        )
        with replacing(path) as temporary:
            stream.write(str(temporary), format="MSEED")
        written.append(path)
    return written


def write_seisbench(recording: xr.DataArray, explored: Explored, name: int, folder: Path) -> int:
    """Write the windows of a class as a SeisBench dataset: ``waveforms.hdf5`` and ``metadata.csv``.

    Components have the order ZNE; missing ones are zero. SeisBench itself is not required.

    Parameters
    ----------
    recording : xarray.DataArray
        Recording of stations.
    explored : Explored
        Its windows.
    name : int
        The class.
    folder : Path
        Folder of the dataset; an existing one is replaced.

    Returns
    -------
    int
        Number of traces.

    Raises
    ------
    InputError
        If the recording is from a fibre, or no window is of this class.

    References
    ----------
    Woollam, J. et al. (2022). SeisBench: a toolbox for machine learning in seismology. Seismological Research Letters
    93, 1695. doi:10.1785/0220210324
    """
    import h5py

    _refuse_fibre(recording, "SeisBench")
    rows = windows_of_class(explored, name)
    start, _ = spans_of(recording, explored)
    metadata = []
    with replacing(folder) as temporary:
        temporary.mkdir(parents=True)
        with h5py.File(temporary / "waveforms.hdf5", "w") as file:
            form = file.create_group("data_format")
            form["dimension_order"], form["component_order"] = "CW", COMPONENTS
            form["sampling_rate"], form["measurement"] = explored.grid.rate, "unknown"
            form["unit"] = recording.attrs.get("units", "") or "counts"
            form["instrument_response"] = "not restituted"
            data = file.create_group("data")
            n_together = explored.options.export.windows_per_bucket
            for number, begin in enumerate(range(0, len(rows), n_together)):
                some = rows[begin : begin + n_together]
                data.create_dataset(
                    f"bucket{number}", data=np.stack([_zne(recording, explored, row) for row in some])
                )
                metadata += [
                    _metadata(
                        recording,
                        explored,
                        int(row),
                        start[row],
                        f"bucket{number}${place},:3,:{explored.grid.length}",
                    )
                    for place, row in enumerate(some)
                ]
        pd.DataFrame(metadata).to_csv(temporary / "metadata.csv", index=False)
    return len(rows)


def _metadata(
    recording: xr.DataArray, explored: Explored, row: int, start: np.datetime64, trace_name: str
) -> dict[str, object]:
    site = explored.sites[explored.table.site[row]]
    network, station, location, channel = str(recording["seed_id"].values[site.rows[0]]).split(".")
    known: dict[str, object] = {
        "trace_name": trace_name,
        "trace_start_time": iso(np.array([start]))[0],
        "trace_sampling_rate_hz": explored.grid.rate,
        "trace_npts": explored.grid.length,
        "trace_channel": channel[:2],
        "trace_component_order": COMPONENTS,
        "station_network_code": network,
        "station_code": station,
        "station_location_code": location,
        "trace_selfseis_class": int(explored.labels[row]),
        "trace_selfseis_novelty": round(float(explored.novelty[row]), 4),
        "split": "train",
    }
    for name in ("latitude", "longitude", "elevation"):
        if name in recording.coords:
            unit = "m" if name == "elevation" else "deg"
            known[f"station_{name}_{unit}"] = float(recording[name].values[site.rows[0]])
    return known


def _zne(recording: xr.DataArray, explored: Explored, row: int) -> Float32Array:
    """Return the vertical, north and east component of a window; zero where one is missing."""
    site = explored.sites[explored.table.site[row]]
    data = np.nan_to_num(_raw(recording, site.rows, int(explored.table.first[row]), explored.grid.length))
    ordered = np.zeros((len(COMPONENTS), explored.grid.length), np.float32)
    for role, samples in zip(site.roles, data, strict=True):
        ordered[COMPONENTS.index(role)] = samples
    return ordered


def _raw(recording: xr.DataArray, rows: tuple[int, ...], first: int, length: int) -> Float32Array:
    part = recording.variable.isel(time=slice(first, first + length))
    return np.asarray(part.values[list(rows)], np.float32)


def _refuse_fibre(recording: xr.DataArray, form: str) -> None:
    if is_fibre(recording):
        raise InputError(
            f"channels of a fibre have no station codes, which {form} needs: write NetCDF with 'selfseis denoise'"
        )
