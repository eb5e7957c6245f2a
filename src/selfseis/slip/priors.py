"""Priors of slip, with settings in proportion to the size of the fault."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from selfseis.errors import InputError
from selfseis.inversion import LaplacianPrior, MaternPrior, NeuralPrior, NullPrior, Prior, SubspacePrior
from selfseis.slip.fault import Fault, rake_basis
from selfseis.slip.options import SlipOptions, SlipPriorOptions
from selfseis.slip.patch_groups import PatchGroups

PRIORS = ("laplacian", "positive-gp", "gp", "neural")


def typical_slip(fault: Fault, options: SlipPriorOptions) -> float:
    """Return the typical slip in m of an earthquake on the whole fault."""
    return options.slip_per_length * 1000 * _length_km(fault)


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


def candidate(name: str, patch_groups: PatchGroups, options: SlipOptions = SlipOptions()) -> Prior:
    """Return a prior by its name.

    Parameters
    ----------
    name : {"laplacian", "positive-gp", "gp", "neural"}
    patch_groups : PatchGroups
    options : SlipOptions
    """
    fault, factors = patch_groups.fault, options.priors
    n_fields = len(rake_basis(fault))
    slip, length = typical_slip(fault, factors), _length_km(fault)
    sizes = [slip * factor for factor in factors.sizes]
    ranges = [length * factor for factor in factors.ranges]
    if name == "laplacian":
        return smooth_prior(patch_groups, options)
    if name == "positive-gp":
        return MaternPrior(
            patch_groups.graph,
            2,
            sizes,
            ranges,
            n_fields=n_fields,
            nonnegative=True,
            name="Gaussian process, not negative",
        )
    if name == "gp":
        return MaternPrior(patch_groups.graph, 2, sizes, ranges, n_fields=n_fields, name="Gaussian process")
    if name == "neural":
        return NeuralPrior(
            patch_groups.in_plane_km,
            [length * factor for factor in factors.neural_scales],
            [slip * factor for factor in factors.neural_sizes],
            n_fields=n_fields,
            nonnegative=True,
        )
    raise ValueError(f"unknown prior {name!r}: choose from {', '.join(PRIORS)}")


def smooth_prior(patch_groups: PatchGroups, options: SlipOptions) -> LaplacianPrior:
    """Return the classical prior: smooth and non-negative slip."""
    slip = typical_slip(patch_groups.fault, options.priors)
    return LaplacianPrior(
        patch_groups.graph,
        [slip * factor for factor in options.priors.roughness],
        n_fields=len(rake_basis(patch_groups.fault)),
        nonnegative=True,
        options=options.inversion.priors,
    )


def uniform_slip(patch_groups: PatchGroups, options: SlipPriorOptions) -> Prior:
    """Return the baseline: uniform slip on each segment."""
    segments = np.unique(patch_groups.segment)
    of_segment = (patch_groups.segment[:, None] == segments).astype(float)
    slip, n_fields = typical_slip(patch_groups.fault, options), len(rake_basis(patch_groups.fault))
    return SubspacePrior(
        np.kron(np.eye(n_fields), of_segment),
        [factor * slip for factor in options.uniform_sizes],
        nonnegative=True,
        name="uniform slip",
    )


def no_slip() -> Prior:
    """Return the null: ramps and noise, tuned on the same data."""
    return NullPrior("ramps only")


def _length_km(fault: Fault) -> float:
    return float(np.sqrt(fault.area_km2.sum()))
