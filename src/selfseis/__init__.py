"""Self-supervised machine learning for seismology, with one verdict per task.

Public names are imported on first use: ``import selfseis`` loads neither PyTorch nor ObsPy and writes no files.
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"

_MODULES = {
    "Denoiser": "selfseis.denoise",
    "Detector": "selfseis.detect",
    "Explorer": "selfseis.explore",
    "InputError": "selfseis.errors",
    "Picker": "selfseis.pick",
    "SlipInversion": "selfseis.slip",
    "TravelTimeTomography": "selfseis.tomography",
    "Verdict": "selfseis.validation",
    "load_model": "selfseis.workflow.load_model",
    "locate_events": "selfseis.locate",
    "open_recording": "selfseis.recording",
    "write_recording": "selfseis.recording",
    "write_report": "selfseis.report",
}
_SUBMODULES = ("simulate", "validation")

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
    "load_model",
    "locate_events",
    "open_recording",
    "simulate",
    "validation",
    "write_recording",
    "write_report",
]


def __getattr__(name: str) -> object:
    if name in _SUBMODULES:
        return import_module(f"selfseis.{name}")
    if name not in _MODULES:
        raise AttributeError(f"module 'selfseis' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
