"""Slip on a fault from GNSS and InSAR, with settings and verdict from held-out data.

Readers (`read_gnss`, `read_insar`, `read_fault`, `read_fsp`) accept the files of common providers. `SlipInversion`
validates and inverts. `write_slip` writes common formats: GeoJSON, ``.fsp``, NetCDF and tables.
"""

from __future__ import annotations

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
    "asperities",
    "read_fault",
    "read_fsp",
    "read_gnss",
    "read_insar",
    "simulate_displacements",
    "surface_displacement",
    "write_slip",
]
