"""Priors of slip, with settings in proportion to the size of the fault."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from selfseis.errors import InputError
from selfseis.inversion import LaplacianPrior, MaternPrior, NeuralPrior, NullPrior, Prior, SubspacePrior
from selfseis.slip.fault import Fault, rake_basis
from selfseis.slip.patch_groups import PatchGroups

SLIP_PER_LENGTH = 2e-5
"""Typical slip over the square root of the fault's area: a stress drop of a few MPa."""
ROUGHNESS = (0.003, 0.01, 0.03, 0.1, 0.3)
SIZES = (0.07, 0.2, 0.6)
REACHES = (1 / 6, 1 / 3, 2 / 3, 4 / 3)
PRIORS = ("laplacian", "positive-gp", "gp", "neural")


def typical_slip(fault: Fault) -> float:
    """Return the typical slip in m of an earthquake on the whole fault."""
    return SLIP_PER_LENGTH * 1000 * _length_km(fault)


def check_names(names: Sequence[str]) -> None:
    """Check that all priors exist and that at least one keeps slip within its rake limits.

    Raises
    ------
    InputError
        If a name is unknown or all priors allow backward slip.
    """
    for name in names:
        if name not in PRIORS:
            raise InputError(f"unknown prior {name!r}: choose from {', '.join(PRIORS)}")
    if not set(names) - {"gp"}:
        raise InputError("gp alone allows backward slip: also give laplacian, positive-gp or neural")


def candidate(name: str, patch_groups: PatchGroups) -> Prior:
    """Return a prior by its name.

    Parameters
    ----------
    name : {"laplacian", "positive-gp", "gp", "neural"}
    patch_groups : PatchGroups
    """
    fault, n_fields = patch_groups.fault, len(rake_basis(patch_groups.fault))
    slip, length = typical_slip(fault), _length_km(fault)
    sizes, reaches = [slip * factor for factor in SIZES], [length * factor for factor in REACHES]
    if name == "laplacian":
        return smooth_prior(patch_groups)
    if name == "positive-gp":
        return MaternPrior(
            patch_groups.graph,
            2,
            sizes,
            reaches,
            n_fields=n_fields,
            nonnegative=True,
            name="Gaussian process, not negative",
        )
    if name == "gp":
        return MaternPrior(patch_groups.graph, 2, sizes, reaches, n_fields=n_fields, name="Gaussian process")
    if name == "neural":
        return NeuralPrior(
            patch_groups.in_plane_km,
            [length / 8, length / 4],
            [0.6 * slip],
            n_fields=n_fields,
            nonnegative=True,
        )
    raise ValueError(f"unknown prior {name!r}: choose from {', '.join(PRIORS)}")


def smooth_prior(patch_groups: PatchGroups) -> LaplacianPrior:
    """Return the classical prior: smooth and non-negative slip."""
    roughness = [typical_slip(patch_groups.fault) * factor for factor in ROUGHNESS]
    n_fields = len(rake_basis(patch_groups.fault))
    return LaplacianPrior(
        patch_groups.graph, roughness, n_fields=n_fields, nonnegative=True, name="Laplacian, not negative"
    )


def uniform_slip(patch_groups: PatchGroups) -> Prior:
    """Return the baseline: uniform slip on each segment."""
    segments = np.unique(patch_groups.segment)
    of_segment = (patch_groups.segment[:, None] == segments).astype(float)
    slip, n_fields = typical_slip(patch_groups.fault), len(rake_basis(patch_groups.fault))
    return SubspacePrior(
        np.kron(np.eye(n_fields), of_segment),
        [0.3 * slip, slip, 3 * slip],
        nonnegative=True,
        name="uniform slip",
    )


def no_slip() -> Prior:
    """Return the null: ramps and noise, tuned on the same data."""
    return NullPrior("ramps only")


def _length_km(fault: Fault) -> float:
    return float(np.sqrt(fault.area_km2.sum()))
