"""Picking of P and S onsets at each station, with calibrated probabilities and time uncertainties.

Training needs no labels. The first picker is trained on synthetic onsets in the recording's own noise. The next ones
are also trained on pseudo-labels from the consensus across stations. Circular time shifts of the stations against
each other give the consensus under the null.
"""

from __future__ import annotations

from selfseis.catalogue.records import Pick
from selfseis.catalogue.tables import read_picks, write_picks
from selfseis.pick.picker import Picker

__all__ = ["Pick", "Picker", "read_picks", "write_picks"]
