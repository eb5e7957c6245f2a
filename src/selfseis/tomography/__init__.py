"""Travel-time tomography: velocity structure from arrival times, evaluated on held-out arrivals.

`read` reads arrivals in several formats. `forward` traces rays in a spherical earth; `eikonal_rays` traces them
again through the model of a region. `grid` defines the cells, `priors` and `neural_prior` the priors.
`cross_validation` evaluates held-out arrivals, `image` makes the image, and `estimator` combines all of them. The
inversion itself is in `selfseis.inversion`; ray tables and first arrivals are in `selfseis.traveltimes`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from selfseis.tomography.options import TomographyOptions

if TYPE_CHECKING:
    from selfseis.tomography.estimator import TravelTimeTomography
    from selfseis.tomography.read import read_arrivals

__all__ = ["TomographyOptions", "TravelTimeTomography", "read_arrivals"]

_MODULES = {"TravelTimeTomography": "estimator", "read_arrivals": "read"}


def __getattr__(name: str) -> object:
    # Imported on first use, so that the options load neither SciPy nor xarray.
    if name not in _MODULES:
        raise AttributeError(f"module 'selfseis.tomography' has no attribute {name!r}")
    return getattr(import_module(f"selfseis.tomography.{_MODULES[name]}"), name)
