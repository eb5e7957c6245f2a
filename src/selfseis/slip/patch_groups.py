"""Neighbouring patches that slip as one, where a fault has more patches than displacements can tell apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from selfseis.errors import InputError
from selfseis.inversion import Graph
from selfseis.inversion.problem import DENSE_LIMIT
from selfseis.slip.fault import Fault
from selfseis.typing import FloatArray, IntArray

MAX_PATCH_GROUPS = 400


def check_size(most: int) -> None:
    """Insist on a number of parcels whose equations fit into memory.

    Raises
    ------
    InputError
        Saying how many there may be.
    """
    if not 2 <= most <= DENSE_LIMIT // 3:
        raise InputError(f"{most} patches of their own: give at least 2 and at most {DENSE_LIMIT // 3}")


@dataclass(frozen=True)
class PatchGroups:
    """The unknowns of an inversion on a fault: parcels of one patch, or of several.

    Attributes
    ----------
    fault : Fault
    owner : ndarray of int, shape (n_patches,)
        Parcel of each patch, numbered from 0.
    """

    fault: Fault
    owner: IntArray

    @classmethod
    def of(cls, fault: Fault, most: int = MAX_PATCH_GROUPS) -> PatchGroups:
        """Merge neighbouring patches of a fault to at most so many parcels; no parcel belongs to two segments.

        Parameters
        ----------
        fault : Fault
        most : int
            Faults of no more patches keep each for itself. Segments are never merged, so that there may be as
            many parcels more as there are segments.
        """
        if len(fault) <= most:
            return cls(fault, np.arange(len(fault)))
        from sklearn.cluster import KMeans

        owner = np.zeros(len(fault), np.int64)
        n_patch_groups = 0
        for segment in np.unique(fault.segment):
            rows = np.flatnonzero(fault.segment == segment)
            share = fault.area_km2[rows].sum() / fault.area_km2.sum()
            n_here = int(np.clip(round(most * share), 1, len(rows)))
            clusters = KMeans(n_here, n_init=1, random_state=0).fit(
                fault.centres_km[rows], sample_weight=fault.area_km2[rows]
            )
            owner[rows] = n_patch_groups + np.unique(clusters.labels_, return_inverse=True)[1]
            n_patch_groups = int(owner.max()) + 1
        return cls(fault, owner)

    def __len__(self) -> int:
        return int(self.owner.max()) + 1

    @property
    def note(self) -> str:
        """What to say of parcels of several patches; empty where each has one."""
        if len(self) == len(self.fault):
            return ""
        size = np.sqrt(self.area_km2.mean())
        return (
            f"{len(self.fault)} patches are more than displacements can tell apart: merged into {len(self)} parcels of "
            f"about {size:.1f} km that slip as one"
        )

    @cached_property
    def area_km2(self) -> FloatArray:
        """Area of each parcel; (n_patch_groups,)."""
        return np.bincount(self.owner, self.fault.area_km2).astype(float)

    @cached_property
    def segment(self) -> IntArray:
        """Segment of each parcel; (n_patch_groups,)."""
        return self.fault.segment[np.unique(self.owner, return_index=True)[1]]

    @cached_property
    def in_plane_km(self) -> FloatArray:
        """Distance along the mean strike and down the mean dip of the middle of each parcel; (n_patch_groups, 2)."""
        return self._middles(self.fault.in_plane_km)

    @cached_property
    def graph(self) -> Graph:
        """Which parcels touch, and over how long a face."""
        fine = self.fault.graph
        if len(self) == len(self.fault):
            return fine
        ends = np.sort(self.owner[fine.edges], axis=1)
        across = ends[:, 0] != ends[:, 1]
        edges, place = np.unique(ends[across], axis=0, return_inverse=True)
        apart = self._apart(self.fault.centres_km, fine.edges[across])
        faces = np.bincount(place.ravel(), fine.weight[across] * apart, len(edges))
        return Graph(self.area_km2, edges, faces / self._apart(self._middles(self.fault.centres_km), edges))

    def gathered(self, columns: FloatArray) -> FloatArray:
        """Add up the columns of the patches of each parcel; (..., n_patches) to (..., n_patch_groups)."""
        if len(self) == len(self.fault):
            return columns
        order = np.argsort(self.owner, kind="stable")
        first = np.searchsorted(self.owner[order], np.arange(len(self)))
        return np.asarray(np.add.reduceat(columns[..., order], first, axis=-1))

    def spread(self, values: FloatArray) -> FloatArray:
        """Give each patch the value of its parcel; (..., n_patch_groups) to (..., n_patches)."""
        return values[..., self.owner]

    def _middles(self, places: FloatArray) -> FloatArray:
        weighted = (places * self.fault.area_km2[:, None]).T
        return self.gathered(weighted).T / self.area_km2[:, None]

    @staticmethod
    def _apart(places: FloatArray, edges: IntArray) -> FloatArray:
        return np.maximum(np.linalg.norm(places[edges[:, 0]] - places[edges[:, 1]], axis=1), 1e-6)
