"""Picking: P and S onsets at each station, with a probability that means what it says and a time uncertainty.

Nobody labels anything. Onsets made from physics and put into the recording's own quiet times teach a first picker;
what the stations agree on teaches the next ones; circular shifts of the stations against each other say how much
agreement chance would bring.
"""

from __future__ import annotations

from selfseis.catalogue.records import Pick
from selfseis.catalogue.tables import read_picks, write_picks
from selfseis.pick.picker import Picker

__all__ = ["Pick", "Picker", "read_picks", "write_picks"]
