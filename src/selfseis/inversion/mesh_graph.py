"""Graph of neighbouring cells: the geometry on which smoothing priors are defined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import sparse

from selfseis.typing import FloatArray, IntArray


@dataclass(frozen=True)
class Graph:
    """Cells and their neighbours.

    Attributes
    ----------
    measure : ndarray, shape (n_cells,)
        Area (km²) or volume (km³) of each cell.
    edges : ndarray of int, shape (n_edges, 2)
        Pairs of neighbours.
    weight : ndarray, shape (n_edges,)
        Length (or area) of the common face over the distance of the centres, so that the sum over the edges of
        ``weight * (x_i - x_j)**2`` approximates the integral of the squared gradient.
    """

    measure: FloatArray
    edges: IntArray
    weight: FloatArray

    @classmethod
    def of_grid(cls, shape: tuple[int, ...], spacing: tuple[float, ...]) -> Self:
        """Return the graph of a regular grid of boxes, flattened in C order.

        Parameters
        ----------
        shape : tuple of int
            Number of cells along each axis.
        spacing : tuple of float
            Size of a cell along each axis in km.
        """
        number = np.arange(np.prod(shape)).reshape(shape)
        volume = float(np.prod(spacing))
        edges, weights = [], []
        for axis, step in enumerate(spacing):
            first = np.take(number, range(shape[axis] - 1), axis).ravel()
            second = np.take(number, range(1, shape[axis]), axis).ravel()
            edges.append(np.stack([first, second], axis=1))
            weights.append(np.full(first.size, volume / step**2))
        return cls(np.full(number.size, volume), np.concatenate(edges), np.concatenate(weights))

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.measure)

    def stiffness(self) -> sparse.csr_array:
        """Return the matrix whose quadratic form is the integral of the squared gradient; (n_cells, n_cells)."""
        first, second = self.edges.T
        n = self.n_cells
        off = sparse.coo_array((self.weight, (first, second)), (n, n)).tocsr()
        off = off + off.T
        return sparse.csr_array(sparse.diags_array(off.sum(axis=1)) - off)
