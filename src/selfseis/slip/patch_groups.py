"""Patch groups: neighbouring patches of a fine fault that slip as one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from selfseis.errors import InputError
from selfseis.inversion import Graph
from selfseis.inversion.options import SolverOptions
from selfseis.slip.fault import Fault
from selfseis.slip.options import FaultOptions, SlipOptions
from selfseis.typing import FloatArray, IntArray

MAX_PATCH_GROUPS = 400  # default of the argument max_patches


def check_size(max_patches: int, options: SolverOptions) -> None:
    """Check that the number of patch groups gives normal equations that fit into memory.

    Raises
    ------
    InputError
        If the number is out of range.
    """
    limit = options.max_dense // 3
    if not 2 <= max_patches <= limit:
        raise InputError(f"max_patches must be between 2 and {limit}, got {max_patches}")


@dataclass(frozen=True)
class PatchGroups:
    """The unknowns of an inversion on a fault: groups of one patch or of several.

    Attributes
    ----------
    fault : Fault
    owner : ndarray of int, shape (n_patches,)
        Patch group of each patch, numbered from 0.
    options : FaultOptions
        Which patches are neighbours.
    """

    fault: Fault
    owner: IntArray
    options: FaultOptions

    @classmethod
    def of(
        cls, fault: Fault, max_groups: int = MAX_PATCH_GROUPS, options: SlipOptions = SlipOptions()
    ) -> PatchGroups:
        """Merge neighbouring patches of a fault to at most `max_groups` groups; no group spans two segments.

        Parameters
        ----------
        fault : Fault
        max_groups : int
            Faults with no more patches are not merged. Each segment has at least one group, so that rounding may
            add up to one group per segment.
        options : SlipOptions
        """
        if len(fault) <= max_groups:
            return cls(fault, np.arange(len(fault)), options.fault)
        from sklearn.cluster import KMeans

        owner = np.zeros(len(fault), np.int64)
        n_patch_groups = 0
        for segment in np.unique(fault.segment):
            rows = np.flatnonzero(fault.segment == segment)
            share = fault.area_km2[rows].sum() / fault.area_km2.sum()
            n_here = int(np.clip(round(max_groups * share), 1, len(rows)))
            clusters = KMeans(n_here, n_init=options.patch_groups.n_starts, random_state=0).fit(
                fault.centres_km[rows], sample_weight=fault.area_km2[rows]
            )
            owner[rows] = n_patch_groups + np.unique(clusters.labels_, return_inverse=True)[1]
            n_patch_groups = int(owner.max()) + 1
        return cls(fault, owner, options.fault)

    def __len__(self) -> int:
        return int(self.owner.max()) + 1

    @property
    def note(self) -> str:
        """Sentence on the merging for the quality log; empty if no patches are merged."""
        if len(self) == len(self.fault):
            return ""
        size = np.sqrt(self.area_km2.mean())
        return (
            f"{len(self.fault)} patches are more than displacements resolve: merged into {len(self)} patch groups of "
            f"about {size:.1f} km"
        )

    @cached_property
    def area_km2(self) -> FloatArray:
        """Area of each patch group; (n_patch_groups,)."""
        return np.bincount(self.owner, self.fault.area_km2).astype(float)

    @cached_property
    def segment(self) -> IntArray:
        """Segment of each patch group; (n_patch_groups,)."""
        return self.fault.segment[np.unique(self.owner, return_index=True)[1]]

    @cached_property
    def in_plane_km(self) -> FloatArray:
        """Distance of each patch group along the mean strike and down the mean dip; (n_patch_groups, 2)."""
        return self._middles(self.fault.in_plane_km)

    @cached_property
    def graph(self) -> Graph:
        """Neighbouring patch groups, and the length of their common edge."""
        fine = self.fault.graph(self.options)
        if len(self) == len(self.fault):
            return fine
        ends = np.sort(self.owner[fine.edges], axis=1)
        across = ends[:, 0] != ends[:, 1]
        edges, place = np.unique(ends[across], axis=0, return_inverse=True)
        apart = self._apart(self.fault.centres_km, fine.edges[across])
        faces = np.bincount(place.ravel(), fine.weight[across] * apart, len(edges))
        return Graph(self.area_km2, edges, faces / self._apart(self._middles(self.fault.centres_km), edges))

    def gathered(self, columns: FloatArray) -> FloatArray:
        """Sum the columns of the patches of each group; (..., n_patches) to (..., n_patch_groups)."""
        if len(self) == len(self.fault):
            return columns
        order = np.argsort(self.owner, kind="stable")
        first = np.searchsorted(self.owner[order], np.arange(len(self)))
        return np.asarray(np.add.reduceat(columns[..., order], first, axis=-1))

    def spread(self, values: FloatArray) -> FloatArray:
        """Return for each patch the value of its group; (..., n_patch_groups) to (..., n_patches)."""
        return values[..., self.owner]

    def _middles(self, places: FloatArray) -> FloatArray:
        weighted = (places * self.fault.area_km2[:, None]).T
        return self.gathered(weighted).T / self.area_km2[:, None]

    @staticmethod
    def _apart(places: FloatArray, edges: IntArray) -> FloatArray:
        return np.maximum(np.linalg.norm(places[edges[:, 0]] - places[edges[:, 1]], axis=1), 1e-6)
