"""Exploring: what is in a recording that nobody has labelled, in classes that hidden windows confirm.

Windows are described by wavelet scattering above their station's own background, grouped, ranked by rarity, and judged:
classes that hidden halves of the recording and neighbouring stations find again, against what phase-randomised windows
give.
"""

from __future__ import annotations

from selfseis.explore.explorer import Explored, Explorer

__all__ = ["Explored", "Explorer"]
