"""Objects of an HDF5 file, with a check that nothing in it leads to files outside of its folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from selfseis.errors import InputError

_MAX_OBJECTS = 100_000


def checked_datasets(file: Any) -> Iterator[tuple[str, Any]]:
    """Walk through an open HDF5 file.

    Hard, soft and external links, virtual datasets and external storage are followed as long as they stay in the folder
    of the file: a file from elsewhere must not open others of its reader.

    Parameters
    ----------
    file : h5py.File
        The open file.

    Yields
    ------
    (str, h5py.Dataset)
        Each dataset once, with the path that leads to it from this file.

    Raises
    ------
    InputError
        If something leads outside of the folder.
    """
    import h5py

    seen: set[Any] = set()
    waiting: list[tuple[str, Any]] = [("", file)]
    while waiting:
        place, group = waiting.pop()
        for name in group:
            _check_link(group, name)
            item = group.get(name)
            if item is None:
                continue  # a dangling link
            key = (item.file.filename, h5py.h5o.get_info(item.id).addr)
            if key in seen:
                continue
            seen.add(key)
            if len(seen) > _MAX_OBJECTS:
                raise InputError(f"it holds more than {_MAX_OBJECTS} objects: the file is damaged")
            if isinstance(item, h5py.Group):
                waiting.append((f"{place}/{name}", item))
            elif isinstance(item, h5py.Dataset):
                _check_storage(item)
                yield f"{place}/{name}", item


def _check_link(group: Any, name: str) -> None:
    """Check an external link, also where soft links lead to it."""
    import h5py

    for _ in range(32):
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            _check_inside(link.filename, group.file.filename)
            return
        if not isinstance(link, h5py.SoftLink):
            return
        parent, _, name = link.path.rstrip("/").rpartition("/")
        start = group.file if link.path.startswith("/") else group
        parent_group = start.get(parent.lstrip("/") or "/" if link.path.startswith("/") else parent or ".")
        if not isinstance(parent_group, h5py.Group) or name not in parent_group:
            return
        group = parent_group


def _check_storage(dataset: Any) -> None:
    home = dataset.file.filename
    for name, *_ in dataset.external or []:
        _check_inside(name, home)
    if dataset.is_virtual:
        for source in dataset.virtual_sources():
            if source.file_name != ".":
                _check_inside(source.file_name, home)


def _check_inside(target: str, home: str) -> None:
    folder = os.path.dirname(os.path.realpath(home))
    if os.path.commonpath([folder, os.path.realpath(os.path.join(folder, target))]) != folder:
        raise InputError(f"a link leads to {target}, outside of its folder: copy that file into the folder")
