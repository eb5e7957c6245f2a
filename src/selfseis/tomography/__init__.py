"""Structure from arrival times: bulletins to rays, rays to an image, and hidden arrivals to judge it.

Reading (`reading` and the formats it knows), rays in a spherical earth (`ray_table`, `travel`, `paths`) or traced
again through a region's own model (`retrace`), cells (`grid`), what is plausible (`prior`), what hidden arrivals
say (`validation`), the image (`imaging`) and the estimator on top. The inversion itself is `selfseis.inversion`.
"""

from __future__ import annotations

from selfseis.tomography.estimator import TravelTimeTomography
from selfseis.tomography.read import read_arrivals

__all__ = ["TravelTimeTomography", "read_arrivals"]
