"""Import of ObsPy on first use, without the warnings of its own imports."""

from __future__ import annotations

import warnings
from types import ModuleType
from typing import Any


def obspy() -> ModuleType:
    """Return the module obspy; deprecation warnings of its import are silenced."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return module.read(source, **options)
