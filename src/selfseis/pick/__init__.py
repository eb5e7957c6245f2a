"""Picking of P and S onsets at each station, with calibrated probabilities and time uncertainties.

Training needs no labels. The first picker is trained on synthetic onsets in the recording's own noise. The next ones
are also trained on pseudo-labels from the consensus across stations. Circular time shifts of the stations against
each other give the consensus under the null.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from selfseis.pick.options import PickerOptions

if TYPE_CHECKING:
    from selfseis.catalogue.records import Pick
    from selfseis.catalogue.tables import read_picks, write_picks
    from selfseis.pick.picker import Picker

__all__ = ["Pick", "Picker", "PickerOptions", "read_picks", "write_picks"]

_MODULES = {
    "Pick": "selfseis.catalogue.records",
    "Picker": "selfseis.pick.picker",
    "read_picks": "selfseis.catalogue.tables",
    "write_picks": "selfseis.catalogue.tables",
}


def __getattr__(name: str) -> object:
    # Imported on first use, so that the options load neither PyTorch nor xarray.
    if name not in _MODULES:
        raise AttributeError(f"module 'selfseis.pick' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
