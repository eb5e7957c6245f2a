"""Nuisance terms that only a held-out block constrains, such as the origin time of a held-out event.

Such terms cannot be predicted from the visible data. They are fitted to the held-out data themselves, in the same way
for every prior and for the null, and the remaining residuals are scored. A block with as many terms as data carries
no information; its leverage shows this.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from selfseis.inversion.problem import LinearProblem
from selfseis.typing import BoolArray, FloatArray


@dataclass(frozen=True)
class Explained:
    """Held-out residuals after the block terms were fitted.

    Attributes
    ----------
    residual : ndarray, shape (n_held_out,)
    deviations : ndarray, shape (n_held_out, n_samples)
        The same for the deviations of posterior draws from the mode.
    noise_share : ndarray, shape (n_held_out,)
        Share of the noise variance that is left in each residual; near 0 where the terms fit anything.
    """

    residual: FloatArray
    deviations: FloatArray
    noise_share: FloatArray


class BlockTerms:
    """The nuisance terms that only held-out data constrain, block by block.

    Parameters
    ----------
    problem : LinearProblem
    held_out, visible : ndarray of bool, shape (n_data,)
    """

    def __init__(self, problem: LinearProblem, held_out: BoolArray, visible: BoolArray) -> None:
        self.problem = problem
        self.rows = np.flatnonzero(held_out)
        terms = sparse.csr_array(problem.nuisance)
        seen = np.zeros(problem.n_nuisance, bool)
        seen[terms[np.flatnonzero(visible)].indices] = True
        self._blocks = []
        names, place = np.unique(problem.blocks[self.rows], return_inverse=True)
        order = np.argsort(place, kind="stable")
        for some in np.split(order, np.searchsorted(place[order], np.arange(1, len(names)))):
            part = terms[self.rows[some]]
            own = np.unique(part.indices)
            own = own[~seen[own]]
            self._blocks.append((some, own, part[:, own].toarray().astype(float)))

    def explain(
        self,
        residual: FloatArray,
        noise_sd: FloatArray,
        term_precision: FloatArray,
        *,
        deviations: FloatArray | None = None,
        student_dof: float | None = None,
    ) -> Explained:
        """Fit the block terms to the residuals of each block and subtract them.

        Parameters
        ----------
        residual, noise_sd : ndarray, shape (n_held_out,)
            Observed minus predicted, and the standard deviation of the noise.
        term_precision : ndarray, shape (n_nuisance,)
            One over the prior variance of all terms.
        deviations : ndarray, shape (n_held_out, n_samples), optional
            Deviations of the predictions of posterior draws.
        student_dof : float, optional
            Degrees of freedom of Student's t, which reduces the weight of outliers; Gaussian without.
        """
        left = residual.copy()
        drawn = np.zeros((len(residual), 0)) if deviations is None else deviations.copy()
        share = np.ones(len(residual))
        for rows, own, columns in self._blocks:
            if not own.size:
                continue
            weight = np.ones(len(rows))
            for _ in range(1 if student_dof is None else self.problem.options.fit.block_term_rounds):
                precision = weight / noise_sd[rows] ** 2
                weighted = columns * precision[:, None]
                normal = columns.T @ weighted + np.diag(np.maximum(term_precision[own], 1e-12))
                gain = np.linalg.solve(normal, weighted.T)
                left[rows] = residual[rows] - columns @ (gain @ residual[rows])
                if student_dof is not None:
                    weight = student_weights(left[rows] / noise_sd[rows], student_dof)
            if drawn.shape[1]:
                drawn[rows] -= columns @ (gain @ drawn[rows])
            share[rows] = 1 - np.einsum("ij,ji->i", columns, gain)
        return Explained(left, drawn, np.clip(share, 0.0, 1.0))


def student_weights(normalised: FloatArray, dof: float) -> FloatArray:
    """Return the weights of normalised residuals under Student's t with `dof` degrees of freedom."""
    return (dof + 1) / (dof + normalised**2)
