"""The linear problem: data, operator, noise, nuisance terms, and blocks for cross-validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from selfseis.inversion.options import InversionOptions
from selfseis.typing import BoolArray, FloatArray, IntArray

Matrix: TypeAlias = "FloatArray | sparse.csr_array"


@dataclass(frozen=True)
class Noise:
    """The noise of the data, up to one scale per type of data, which every fit estimates.

    Attributes
    ----------
    sd : ndarray, shape (n_data,)
        Stated standard deviation, in the units of the data.
    kind : ndarray of str, shape (n_data,)
        Type of each datum, such as ``gnss`` or ``P``.
    covariance : mapping of str to ndarray, shape (n_of_kind, n_of_kind)
        Covariance of all data of each type with correlated noise, in their order. It replaces `sd` there.
    student_dof : float, optional
        Degrees of freedom of Student's t, under which outliers count less (4 is common); Gaussian without.
    measure_weights : callable, optional
        Measures Student's weights on visible data, once for all models; by default every fit estimates them.
    """

    sd: FloatArray
    kind: NDArray[np.str_]
    covariance: Mapping[str, FloatArray] = field(default_factory=dict)
    student_dof: float | None = None
    measure_weights: Callable[[LinearProblem, BoolArray], FloatArray] | None = None

    def __post_init__(self) -> None:
        if not (np.isfinite(self.sd).all() and (self.sd > 0).all()):
            raise ValueError(
                f"standard deviations must be positive and finite, got a minimum of {np.min(self.sd):g}"
            )
        if self.sd.shape != self.kind.shape:
            raise ValueError(
                f"sd and kind must have the same shape, got {self.sd.shape} and {self.kind.shape}"
            )

    @cached_property
    def kinds(self) -> list[str]:
        """The types of data, sorted."""
        return sorted(set(self.kind.tolist()))

    @cached_property
    def marginal_sd(self) -> FloatArray:
        """Standard deviation of each datum, correlated or not; shape (n_data,)."""
        sd = self.sd.copy()
        for kind, covariance in self.covariance.items():
            sd[self.kind == kind] = np.sqrt(np.diag(covariance))
        return sd

    def of_kinds(self, values: Mapping[str, float]) -> FloatArray:
        """Return for each datum the value of its type, 1 where none is given; shape (n_data,)."""
        found = np.ones(self.kind.size)
        for kind, value in values.items():
            found[self.kind == kind] = value
        return found

    def draw(self, rng: np.random.Generator) -> FloatArray:
        """Draw Gaussian noise for all data; shape (n_data,)."""
        drawn = self.sd * rng.standard_normal(self.sd.size)
        for kind, covariance in self.covariance.items():
            rows = self.kind == kind
            drawn[rows] = np.linalg.cholesky(covariance) @ rng.standard_normal(int(rows.sum()))
        return drawn


@dataclass(frozen=True)
class LinearProblem:
    """Data that depend linearly on a model and on nuisance terms.

    Attributes
    ----------
    operator : ndarray or sparse array, shape (n_data, n_model)
        Change of each datum per unit of each model value.
    data : ndarray, shape (n_data,)
    noise : Noise
    blocks : ndarray of int, shape (n_data,)
        Data of one block are always held out together.
    nuisance : ndarray or sparse array, shape (n_data, n_nuisance), optional
        Columns of ramps, event terms or station terms. Every fit estimates them and propagates their
        uncertainty.
    nuisance_sd : ndarray, shape (n_nuisance,), optional
        Their prior standard deviations; infinite (the default) for no prior knowledge.
    measure_noise : callable, optional
        Measures the noise on the visible data, if it is not known beforehand.
    options : InversionOptions
        How the problem is solved, cross-validated and evaluated.
    """

    operator: Matrix
    data: FloatArray
    noise: Noise
    blocks: IntArray
    nuisance: Matrix | None = None
    nuisance_sd: FloatArray | None = None
    measure_noise: Callable[[LinearProblem, BoolArray], Noise] | None = None
    options: InversionOptions = field(default_factory=InversionOptions)

    def __post_init__(self) -> None:
        n_data = len(self.data)
        sizes = {self.operator.shape[0], len(self.blocks), len(self.noise.sd), n_data}
        if self.nuisance is not None:
            sizes.add(self.nuisance.shape[0])
        if sizes != {n_data}:
            raise ValueError(
                f"operator, data, noise, blocks and nuisance must be of one length, got {sorted(sizes)}"
            )

    @property
    def n_data(self) -> int:
        """Number of data."""
        return len(self.data)

    @property
    def n_model(self) -> int:
        """Number of model values."""
        return int(self.operator.shape[1])

    @property
    def n_nuisance(self) -> int:
        """Number of nuisance terms."""
        return 0 if self.nuisance is None else int(self.nuisance.shape[1])

    @cached_property
    def nuisance_precision(self) -> FloatArray:
        """One over the prior variance of each nuisance term; shape (n_nuisance,)."""
        if self.nuisance_sd is None:
            return np.zeros(self.n_nuisance)
        return 1 / np.asarray(self.nuisance_sd, float) ** 2

    @property
    def is_dense(self) -> bool:
        """Whether the normal equations are small enough to be formed."""
        return self.n_model + self.n_nuisance <= self.options.solvers.max_dense

    def seen_through(self, visible: BoolArray) -> LinearProblem:
        """Return the problem with its noise measured on the visible data."""
        if self.measure_noise is None:
            return self
        return replace(self, noise=self.measure_noise(self, visible), measure_noise=None)

    def with_data(self, data: FloatArray) -> LinearProblem:
        """Return the same geometry with other data."""
        return replace(self, data=data)

    def simulate(self, model: FloatArray, rng: np.random.Generator) -> LinearProblem:
        """Return the same geometry with the data of a known model, of drawn nuisance terms and of drawn noise.

        Parameters
        ----------
        model : ndarray, shape (n_model,)
        rng : numpy.random.Generator

        Returns
        -------
        LinearProblem
            Nuisance terms of infinite prior sd are zero.
        """
        data = self.operator @ model + self.noise.draw(rng)
        if self.nuisance is not None and self.nuisance_sd is not None:
            finite = np.isfinite(self.nuisance_sd)
            terms = np.where(finite, self.nuisance_sd, 0) * rng.standard_normal(self.n_nuisance)
            data = data + self.nuisance @ terms
        return self.with_data(data)
