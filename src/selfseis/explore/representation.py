"""What windows are compared by: scattering, or what an encoder learnt where hidden windows say it is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from selfseis.errors import InputError
from selfseis.explore.background import FLOOR
from selfseis.explore.cluster_search import Structure, find_structures
from selfseis.explore.clustering import Method
from selfseis.explore.embedding import Axes
from selfseis.explore.encoder import Encoder, Views
from selfseis.explore.features import WindowTable
from selfseis.typing import Float32Array
from selfseis.validation import Verdict, judge

Representation = Literal["auto", "scattering", "learned"]

MIN_TRAINED = 500  # windows, below which no encoder is tried


@dataclass(frozen=True)
class Represented:
    """Windows in the coordinates that were chosen.

    Attributes
    ----------
    name : {"scattering", "learned"}
        Which ones.
    axes : Axes
        Of the scattering.
    encoder : Encoder or None
        The learned one, if it was chosen.
    structures : list of Structure
        The ways of grouping, the chosen one first.
    rivalry : Verdict or None
        What hidden windows say of the encoder beside scattering; None where it was not tried.
    """

    name: str
    axes: Axes
    encoder: Encoder | None
    structures: list[Structure]
    rivalry: Verdict | None

    def __call__(self, features: Float32Array) -> Float32Array:
        """Return coordinates of features."""
        return self.encoder(features) if self.encoder is not None else self.axes(features)


def choose_representation(
    wanted: Representation,
    features: Float32Array,
    null: Float32Array,
    table: WindowTable,
    n_bands: int,
    method: Method,
    seed: int,
) -> Represented:
    """Compare windows by scattering, and by an encoder where it is asked for or better.

    Parameters
    ----------
    wanted : {"auto", "scattering", "learned"}
        *auto* keeps the encoder only if hidden halves of the windows agree more on its classes, surely so, and no fewer
        of them can be trusted.
    features, chance : ndarray, shape (n, n_features)
        Of the windows, and of phase-randomised ones.
    table : WindowTable
        Sites and times of the windows.
    n_bands : int
        Number of bands.
    method : {"hdbscan", "gmm", "ward"}
        How windows are grouped.
    seed : int
        Of everything random.

    Raises
    ------
    InputError
        If there is no such representation.
    """
    if wanted not in get_args(Representation):
        raise InputError(
            f"there is no representation {wanted!r}: choose one of {', '.join(get_args(Representation))}"
        )
    axes = Axes.fit(features)
    scattering = find_structures(axes(features), table.first, axes(null), method, seed)
    if wanted == "scattering" or len(features) < MIN_TRAINED:
        return Represented("scattering", axes, None, scattering, None)
    encoder, _ = Encoder.trained(Views(features, n_bands, FLOOR, table.site, table.first), axes, seed)
    learned = find_structures(encoder(features), table.first, encoder(null), method, seed)
    rivalry = judge(
        "explore, learned",
        learned[0].views.scores(),
        scattering[0].views.scores(),
        learned[0].null_views.null_scores(len(np.unique(learned[0].views.block))),
        baseline_name="scattering",
        null_name="phase-randomised windows",
        measure="agreement of the classes of hidden windows, beyond chance (Cohen's kappa)",
        seed=seed,
    )
    earned = rivalry.outcome == "works" and len(learned[0].trusted) >= len(scattering[0].trusted)
    if wanted == "learned" or earned:
        return Represented("learned", axes, encoder, learned, rivalry)
    return Represented("scattering", axes, None, scattering, rivalry)
