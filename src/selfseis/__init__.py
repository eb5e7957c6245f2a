"""Self-supervised seismology that says whether it works.

Public names are imported when they are first used, so that ``import selfseis`` loads neither PyTorch nor ObsPy
and writes nothing anywhere.
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "open_recording": "selfseis.recording",
    "write_recording": "selfseis.recording",
    "InputError": "selfseis.recording",
    "Denoiser": "selfseis.denoise",
    "Detector": "selfseis.detect",
    "Explorer": "selfseis.explore",
    "Picker": "selfseis.pick",
    "SlipInversion": "selfseis.slip",
    "TravelTimeTomography": "selfseis.tomography",
    "Verdict": "selfseis.validation",
    "write_report": "selfseis.report",
}

__all__ = [
    "Denoiser",
    "Detector",
    "Explorer",
    "InputError",
    "Picker",
    "SlipInversion",
    "TravelTimeTomography",
    "Verdict",
    "__version__",
    "open_recording",
    "write_recording",
    "write_report",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'selfseis' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
