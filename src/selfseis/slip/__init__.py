"""Slip on a fault from GNSS and InSAR, with settings and verdict from held-out data.

Readers (`read_gnss`, `read_insar`, `read_fault`, `read_fsp`) accept the files of common providers. `SlipInversion`
validates and inverts. `write_slip` writes common formats: GeoJSON, ``.fsp``, NetCDF and tables.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from selfseis.slip.options import SlipOptions

if TYPE_CHECKING:
    from selfseis.slip.estimator import Slip, SlipInversion
    from selfseis.slip.fault import Fault, Rectangle
    from selfseis.slip.fsp import SlipModel, read_fsp
    from selfseis.slip.gnss import Gnss, read_gnss
    from selfseis.slip.greens import surface_displacement
    from selfseis.slip.insar import Insar, read_insar
    from selfseis.slip.prepare import read_fault
    from selfseis.slip.simulate import asperities, simulate_displacements
    from selfseis.slip.write import write_slip

__all__ = [
    "Fault",
    "Gnss",
    "Insar",
    "Rectangle",
    "Slip",
    "SlipInversion",
    "SlipModel",
    "SlipOptions",
    "asperities",
    "read_fault",
    "read_fsp",
    "read_gnss",
    "read_insar",
    "simulate_displacements",
    "surface_displacement",
    "write_slip",
]

_MODULES = {
    "asperities": "selfseis.slip.simulate",
    "Fault": "selfseis.slip.fault",
    "Gnss": "selfseis.slip.gnss",
    "Insar": "selfseis.slip.insar",
    "read_fault": "selfseis.slip.prepare",
    "read_fsp": "selfseis.slip.fsp",
    "read_gnss": "selfseis.slip.gnss",
    "read_insar": "selfseis.slip.insar",
    "Rectangle": "selfseis.slip.fault",
    "simulate_displacements": "selfseis.slip.simulate",
    "Slip": "selfseis.slip.estimator",
    "SlipInversion": "selfseis.slip.estimator",
    "SlipModel": "selfseis.slip.fsp",
    "surface_displacement": "selfseis.slip.greens",
    "write_slip": "selfseis.slip.write",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that the options load without SciPy."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
