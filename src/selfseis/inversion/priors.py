"""Priors of linear inversions behind one protocol: Laplacian, Matérn, subspace, and the null."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Protocol

import numpy as np
from scipy import linalg, sparse

from selfseis.inversion.mesh_graph import Graph
from selfseis.inversion.nonnegative import solve_nonnegative
from selfseis.inversion.options import PriorOptions
from selfseis.inversion.posterior import Draws, Root
from selfseis.inversion.problem import LinearProblem
from selfseis.inversion.solvers import solve_dense, solve_iteratively, solve_sparse
from selfseis.inversion.whitened_system import System
from selfseis.typing import FloatArray

Setting = dict[str, float]
"""Values of the hyperparameters of a prior, by name."""


class Prior(Protocol):
    """Protocol of a prior.

    Attributes
    ----------
    name : str
        Name in tables.
    """

    name: str

    def settings(self) -> list[Setting]:
        """Return the candidate settings of the cross-validation."""
        ...

    def solve(self, system: System, setting: Setting, rng: np.random.Generator, n_samples: int) -> Draws:
        """Return the most plausible unknowns and draws from their posterior."""
        ...


class GaussianPrior:
    """A Gaussian prior; with `nonnegative` it is projected onto models without negative values.

    A subclass defines the settings and the root of the precision matrix. Bounded draws are those of a regularised
    Gaussian: perturb data and prior, then solve with the bound (Everink, Dong and Andersen, 2023,
    doi:10.1088/1361-6420/acf9c5). They can be exactly zero, like slip outside a rupture.

    Attributes
    ----------
    nonnegative : bool
    """

    name = "Gaussian"
    nonnegative = False

    def settings(self) -> list[Setting]:
        """Return the candidate settings of the cross-validation."""
        raise NotImplementedError

    def root(self, setting: Setting) -> Root:
        """Return the root of the precision matrix of all model values."""
        raise NotImplementedError

    def draw(self, setting: Setting, rng: np.random.Generator) -> FloatArray:
        """Draw a model; (n_model,)."""
        root = self.root(setting)
        model = root.solve(rng.standard_normal((root.matrix.shape[0],)))
        return np.maximum(model, 0) if self.nonnegative else model

    def solve(self, system: System, setting: Setting, rng: np.random.Generator, n_samples: int) -> Draws:
        """Return the most plausible unknowns and draws from their posterior."""
        root = self.root(setting)
        if system.problem.is_dense:
            return solve_dense(system, root, rng, n_samples, nonnegative=self.nonnegative)
        if self.nonnegative:
            raise ValueError(f"too many unknowns for a bound ({system.n_unknowns}): use fewer cells")
        return solve_iteratively(system, root, rng, n_samples)

    def solve_rows(
        self,
        problem: LinearProblem,
        row_precision: FloatArray,
        setting: Setting,
        *,
        n_samples: int = 0,
        seed: int = 0,
        start: FloatArray | None = None,
    ) -> Draws:
        """Solve a large sparse problem; see `selfseis.inversion.solvers.solve_sparse`."""
        root = sparse.csr_array(self.root(setting).matrix)
        return solve_sparse(problem, row_precision, root, n_samples=n_samples, seed=seed, start=start)


class LaplacianPrior(GaussianPrior):
    """Smooth models, whose Laplacian is white noise.

    Parameters
    ----------
    graph : Graph
        Cells and their neighbours.
    sds : sequence of float
        Candidates for the standard deviation of a cell from the mean of its neighbours, in the units of the model.
    n_fields : int
        Number of fields on these cells, one after another in the model.
    nonnegative : bool
        Whether models must not be negative.
    name : str, optional
    options : PriorOptions
    """

    def __init__(
        self,
        graph: Graph,
        sds: Sequence[float],
        *,
        n_fields: int = 1,
        nonnegative: bool = False,
        name: str | None = None,
        options: PriorOptions = PriorOptions(),
    ) -> None:
        self.options = options
        self.graph = graph
        self.sds = tuple(sds)
        self.n_fields = n_fields
        self.nonnegative = nonnegative
        self.name = name or ("Laplacian, not negative" if nonnegative else "Laplacian")

    def settings(self) -> list[Setting]:
        """Return one setting for each standard deviation."""
        return [{"sd": sd} for sd in self.sds]

    def root(self, setting: Setting) -> Root:
        """Return the Laplacian, slightly damped to be invertible, over its standard deviation."""
        stiffness = self.graph.stiffness()
        degree = np.maximum(stiffness.diagonal(), 1e-12)
        # Differences from the mean of the neighbours; the damping only fixes the level, which differences leave free.
        damping = self.options.laplacian_damping * sparse.eye_array(len(degree))
        laplacian = sparse.diags_array(1 / degree) @ stiffness + damping
        return Root(_repeated(sparse.csr_array(laplacian) / setting["sd"], self.n_fields))


class MaternPrior(GaussianPrior):
    """Gaussian process with the Matérn covariance, as the solution of a stochastic differential equation.

    Its precision is sparse, so that it suits few fault patches as well as the many cells of a mantle.

    Parameters
    ----------
    graph : Graph
        Cells and their neighbours.
    dimension : int
        2 on a fault, 3 in a volume.
    sds : sequence of float
        Candidates for the standard deviation of a model value, in its units.
    ranges : sequence of float
        Candidates for the distance (km) at which the correlation has fallen to about 0.13.
    n_fields : int
        Number of independent fields on these cells, one after another in the model.
    nonnegative : bool
        Whether models must not be negative.
    name : str, optional

    References
    ----------
    Lindgren, F., Rue, H. and Lindström, J. (2011). An explicit link between Gaussian fields and Gaussian Markov
    random fields: the stochastic partial differential equation approach. J. R. Stat. Soc. B 73.
    doi:10.1111/j.1467-9868.2011.00777.x
    """

    def __init__(
        self,
        graph: Graph,
        dimension: int,
        sds: Sequence[float],
        ranges: Sequence[float],
        *,
        n_fields: int = 1,
        nonnegative: bool = False,
        name: str | None = None,
    ) -> None:
        self.graph = graph
        self.dimension = dimension
        self.sds = tuple(sds)
        self.ranges = tuple(ranges)
        self.n_fields = n_fields
        self.nonnegative = nonnegative
        self.name = name or ("Gaussian process, not negative" if nonnegative else "Gaussian process")

    def settings(self) -> list[Setting]:
        """Return every pair of a standard deviation and a range."""
        return [{"sd": sd, "range": reach} for sd, reach in product(self.sds, self.ranges)]

    def root(self, setting: Setting) -> Root:
        """Return the discretised operator (kappa² - Laplacian), scaled to the standard deviation."""
        smoothness = 2 - self.dimension / 2
        kappa = math.sqrt(8 * smoothness) / setting["range"]
        variance_at_one = math.gamma(smoothness) / (
            math.gamma(2) * (4 * math.pi) ** (self.dimension / 2) * kappa ** (2 * smoothness)
        )
        measure = self.graph.measure
        operator = sparse.diags_array(kappa**2 * measure) + self.graph.stiffness()
        white = sparse.diags_array(math.sqrt(variance_at_one) / setting["sd"] / np.sqrt(measure)) @ operator
        return Root(_repeated(sparse.csr_array(white), self.n_fields))


class NullPrior:
    """The null without a model: nuisance terms and noise alone, tuned on the same data as the priors."""

    def __init__(self, name: str = "no model") -> None:
        self.name = name

    def settings(self) -> list[Setting]:
        """Return the only setting, which is empty."""
        return [{}]

    def solve(self, system: System, setting: Setting, rng: np.random.Generator, n_samples: int) -> Draws:
        """Return a model of zeros and the best nuisance terms."""
        model = np.zeros(system.problem.n_model)
        rights = [system.right(), *(system.noisy_right(rng) for _ in range(n_samples))]
        found = [np.concatenate([model, system.best_nuisance(model, right)]) for right in rights]
        return Draws(found[0], np.array(found[1:]).reshape(n_samples, system.n_unknowns))


def _repeated(matrix: sparse.csr_array, times: int) -> sparse.csr_array:
    return matrix if times == 1 else sparse.csr_array(sparse.kron(sparse.eye_array(times), matrix))


class SubspacePrior:
    """Sums of a few given models, such as uniform slip on each segment, with amplitudes of a given size.

    Parameters
    ----------
    basis : ndarray, shape (n_model, n_basis)
        The given models, one per column.
    sds : sequence of float
        Candidates for the standard deviation of the amplitudes.
    nonnegative : bool
        Whether amplitudes must not be negative.
    name : str
    """

    def __init__(
        self,
        basis: FloatArray,
        sds: Sequence[float],
        *,
        nonnegative: bool = False,
        name: str = "uniform",
    ) -> None:
        self.basis = basis
        self.sds = tuple(sds)
        self.nonnegative = nonnegative
        self.name = name

    def settings(self) -> list[Setting]:
        """Return one setting for each standard deviation."""
        return [{"sd": sd} for sd in self.sds]

    def solve(self, system: System, setting: Setting, rng: np.random.Generator, n_samples: int) -> Draws:
        """Return the most plausible unknowns and draws from their posterior."""
        n_basis = self.basis.shape[1]
        widen = linalg.block_diag(self.basis, np.eye(system.problem.n_nuisance))
        matrix = widen.T @ system.matrix() @ widen
        matrix[np.arange(n_basis), np.arange(n_basis)] += setting["sd"] ** -2
        bounded = (np.arange(len(matrix)) < n_basis) & self.nonnegative
        options = system.problem.options.solvers
        mode = solve_nonnegative(matrix, widen.T @ system.right(), bounded, options=options)
        samples = np.empty((n_samples, system.n_unknowns))
        for sample in samples:
            right = widen.T @ system.noisy_right(rng)
            right[:n_basis] += rng.standard_normal(n_basis) / setting["sd"]
            sample[:] = widen @ solve_nonnegative(matrix, right, bounded, mode > 0, options=options)
        n_free = float((mode > 0)[bounded].sum() + (~bounded).sum())
        n_rows = sum(normal.n_rows for normal in system.normals.values())
        used = {kind: n_free * normal.n_rows / n_rows for kind, normal in system.normals.items()}
        return Draws(widen @ mode, samples, lambda: used)
