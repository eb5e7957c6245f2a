"""TODO."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from selfseis.typing import FloatArray


@dataclass(frozen=True)
class Draws:
    """The outcome of a fit.

    Attributes
    ----------
    mode : ndarray, shape (n_unknowns,)
        Most plausible model values, then nuisance terms.
    samples : ndarray, shape (n_samples, n_unknowns)
        Draws from the posterior.
    used : callable, optional
        Number of unknowns that each type of data has fixed; empty where this was not computed.
    """

    mode: FloatArray
    samples: FloatArray
    used: Callable[[], dict[str, float]] | None = None
