"""Unsupervised exploration of a recording: classes of windows, similarity search and novelty.

Windows are described by wavelet scattering above the background of their station, grouped into classes and ranked by
novelty. The verdict states whether held-out halves of the recording reproduce the classes, compared with
phase-randomised windows. Neighbouring stations give an independent check.
"""

from __future__ import annotations

from selfseis.explore.explored import Explored
from selfseis.explore.explorer import Explorer
from selfseis.explore.options import ExplorerOptions

__all__ = ["Explored", "Explorer", "ExplorerOptions"]
