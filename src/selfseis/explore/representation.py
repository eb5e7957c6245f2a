"""Choice of the representation of windows: scattering, or an encoder where it is better on held-out windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from selfseis.errors import InputError
from selfseis.explore.cluster_search import ClusterSolution, search_clusters
from selfseis.explore.clustering import Method
from selfseis.explore.embedding import Axes, Encoder, Views
from selfseis.explore.evaluate import MEASURE, NULL
from selfseis.explore.features import WindowTable
from selfseis.explore.options import ExplorerOptions
from selfseis.typing import Float32Array
from selfseis.validation import Verdict, judge

Representation = Literal["auto", "scattering", "learned"]


@dataclass(frozen=True)
class FittedRepresentation:
    """The chosen coordinates of windows, and the cluster solutions in them.

    Attributes
    ----------
    name : {"scattering", "learned"}
        The chosen representation.
    axes : Axes
        Axes of the scattering coefficients.
    encoder : Encoder or None
        The encoder, if it was chosen.
    solutions : list of ClusterSolution
        Solutions of all settings, the chosen one first.
    comparison : Verdict or None
        Encoder compared with scattering on held-out windows; None where no encoder was trained.
    """

    name: str
    axes: Axes
    encoder: Encoder | None
    solutions: list[ClusterSolution]
    comparison: Verdict | None

    def __call__(self, features: Float32Array) -> Float32Array:
        """Return the coordinates of windows, shape (n, n_axes)."""
        return self.encoder(features) if self.encoder is not None else self.axes(features)


def choose_representation(
    wanted: Representation,
    features: Float32Array,
    null: Float32Array,
    table: WindowTable,
    n_bands: int,
    method: Method,
    seed: int,
    options: ExplorerOptions,
) -> FittedRepresentation:
    """Choose scattering, or an encoder where it is requested or better.

    Parameters
    ----------
    wanted : {"auto", "scattering", "learned"}
        *auto* keeps the encoder only if held-out halves agree significantly better on its classes, and at least as many
        classes are trusted.
    features, null : ndarray, shape (n, n_features)
        Features of the windows, and of phase-randomised ones.
    table : WindowTable
        Sites and times of the windows.
    n_bands : int
        Number of bands.
    method : {"hdbscan", "gmm", "ward"}
        Clustering method.
    seed : int
        Seed of everything random.
    options : ExplorerOptions
        Options of the explorer.

    Raises
    ------
    InputError
        If the representation is unknown.
    """
    if wanted not in get_args(Representation):
        raise InputError(
            f"representation must be one of {', '.join(get_args(Representation))}, got {wanted!r}"
        )
    axes = Axes.fit(features, options.embedding)
    scattering = search_clusters(axes(features), table.first, axes(null), method, seed, options)
    if wanted == "scattering" or len(features) < options.encoder.min_training_windows:
        return FittedRepresentation("scattering", axes, None, scattering, None)
    floor = options.background.floor
    views = Views(features, n_bands, floor, table.site, table.first, options.encoder)
    encoder, _ = Encoder.trained(views, axes, seed)
    learned = search_clusters(encoder(features), table.first, encoder(null), method, seed, options)
    comparison = judge(
        "explore, learned",
        learned[0].views.scores(),
        scattering[0].views.scores(),
        learned[0].null_scores(),
        baseline_name="scattering",
        null_name=NULL,
        measure=MEASURE,
        seed=seed,
    )
    is_better = comparison.outcome == "works" and len(learned[0].trusted) >= len(scattering[0].trusted)
    if wanted == "learned" or is_better:
        return FittedRepresentation("learned", axes, encoder, learned, comparison)
    return FittedRepresentation("scattering", axes, None, scattering, comparison)
