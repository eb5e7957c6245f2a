"""Models that are a sum of a few given ones: the simplest thing that could be true."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from selfseis.invert.nonnegative import solve_nonnegative
from selfseis.invert.priors import Setting
from selfseis.invert.solve import Draws
from selfseis.invert.system import System


class SubspacePrior:
    """Sums of a few given models, such as uniform slip on each segment, with amplitudes of a given size.

    Parameters
    ----------
    basis : ndarray, shape (n_model, n_basis)
        The given models, one a column.
    sds : sequence of float
        Candidates of the standard deviation of the amplitudes.
    nonnegative : bool
        Whether amplitudes must not be negative.
    name : str
    """

    def __init__(
        self,
        basis: NDArray[np.float64],
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
        mode = solve_nonnegative(matrix, widen.T @ system.right(), bounded)
        samples = np.empty((n_samples, system.n_unknowns))
        for sample in samples:
            right = widen.T @ system.noisy_right(rng)
            right[:n_basis] += rng.standard_normal(n_basis) / setting["sd"]
            sample[:] = widen @ solve_nonnegative(matrix, right, bounded, mode > 0)
        n_free = float((mode > 0)[bounded].sum() + (~bounded).sum())
        n_rows = sum(normal.n_rows for normal in system.normals.values())
        used = {kind: n_free * normal.n_rows / n_rows for kind, normal in system.normals.items()}
        return Draws(widen @ mode, samples, lambda: used)
