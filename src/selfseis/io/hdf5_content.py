"""The kind of content of an HDF5 file, found in the process of `selfseis.io.library_process`."""

from __future__ import annotations

from typing import Any

from selfseis.io.dascore_files import describe_fibre_file
from selfseis.io.hdf5_links import checked_datasets

OWN_VARIABLE = "waveforms"
OWN_ATTRIBUTES = ("sampling_rate", "start_ns")


def content_of_hdf5(path: str, hints: dict[str, Any]) -> dict[str, Any]:
    """Return what a file holds.

    Parameters
    ----------
    path : str
        An HDF5 file, or another file that DASCore may read.
    hints : dict
        As for `describe_fibre_file`.

    Returns
    -------
    dict
        ``kind``: ``recording`` (of selfseis), ``stations`` (ASDF and the like) or ``fibre``, with its ``headers``.

    Raises
    ------
    Exception
        Whatever the libraries raise for a file that they cannot read.
    """
    kind = _kind(path)
    return {"kind": kind, "headers": describe_fibre_file(path, hints) if kind == "fibre" else []}


def _kind(path: str) -> str:
    import h5py

    if not h5py.is_hdf5(path):
        return "fibre"
    with h5py.File(path, "r") as file:
        found = dict(checked_datasets(file))
        own = found.get(f"/{OWN_VARIABLE}")
        if own is not None and all(name in own.attrs for name in OWN_ATTRIBUTES):
            return "recording"
        if "file_format" in file.attrs and _is_text(file.attrs["file_format"], "ASDF"):
            return "stations"
        group = file.get("data")
        three = isinstance(group, h5py.Group) and any(
            getattr(data, "shape", ())[1:] == (3,) for data in group.values()
        )
        return "stations" if three or (isinstance(group, h5py.Group) and "data_format" in file) else "fibre"


def _is_text(value: Any, text: str) -> bool:
    return (value.decode(errors="replace") if isinstance(value, bytes) else str(value)) == text
