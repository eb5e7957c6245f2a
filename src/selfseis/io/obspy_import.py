"""ObsPy on first use: its import and the reading of its files, without the warnings of ObsPy itself."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from selfseis.errors import InputError


@contextmanager
def without_warnings() -> Iterator[None]:
    """Silence all warnings in a block."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def obspy() -> ModuleType:
    """Return the module obspy; deprecation warnings of its import are silenced."""
    with without_warnings():
        import obspy as module
    return module


def read_stream(source: Any, **options: Any) -> Any:
    """Read waveforms with ``obspy.read``, without its warnings.

    Raises
    ------
    Exception
        Whatever the reader of the format raises.
    """
    module = obspy()
    with without_warnings():
        return module.read(source, **options)


def read_samples(path: str) -> list[Any]:
    """Return the samples of each trace of a file.

    Run it in the process of `selfseis.io.library_process`: some of ObsPy's readers are written in C and end the program
    on a damaged file.

    Raises
    ------
    Exception
        Whatever the reader of the format raises.
    """
    return [trace.data for trace in read_stream(path)]


def read_inventory(source: Any) -> Any:
    """Read StationXML (a path) through ObsPy; an Inventory is passed through.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    if not isinstance(source, str | Path):
        return source
    if not Path(source).exists():
        raise InputError(f"{source} does not exist: check the path of the inventory")
    module = obspy()
    try:
        with without_warnings():
            return module.read_inventory(str(source))
    except Exception as error:  # ObsPy's readers may raise any exception
        raise InputError(
            f"{source} is not a station inventory that ObsPy can read: give StationXML"
        ) from error
