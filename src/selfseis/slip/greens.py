"""Green functions: surface displacement by dislocations in an elastic half-space, computed with cutde."""

from __future__ import annotations

import numpy as np

from selfseis.errors import InputError
from selfseis.slip.fault import Fault, directions
from selfseis.slip.options import GreensOptions
from selfseis.typing import FloatArray, IntArray


def surface_displacement(
    fault: Fault, places_km: FloatArray, options: GreensOptions = GreensOptions()
) -> FloatArray:
    """Compute the displacement of the surface by unit slip on each patch.

    Patches with four corners are two triangles each. The earth is a homogeneous half-space, flat and without
    topography.

    Parameters
    ----------
    fault : Fault
    places_km : ndarray, shape (n_places, 2)
        East and north on the map of the fault.
    options : GreensOptions
        Poisson's ratio, 0.25 by default.

    Returns
    -------
    ndarray, shape (n_places, 3, n_patches, 2)
        East, north, up for one metre of slip along strike (left-lateral, rake 0) and up dip (thrust, rake 90).

    References
    ----------
    Nikkhoo, M. and Walter, T. R. (2015). Triangular dislocation: an analytical, artefact-free solution.
    Geophys. J. Int. 201. doi:10.1093/gji/ggv035
    Thompson, T. B. and Meade, B. J. cutde. https://github.com/tbenthompson/cutde
    """
    from cutde.halfspace import disp_matrix

    triangles, patch = triangulated(fault)
    observers = np.column_stack([places_km, np.zeros(len(places_km))])
    found = disp_matrix(obs_pts=observers, tris=triangles, nu=options.poisson_ratio)[..., :2]
    summed = np.zeros((len(places_km), 3, len(fault), 2))
    for number, owner in enumerate(patch):
        summed[:, :, owner] += found[:, :, number]
    return summed


def displacement_along(
    fault: Fault, places_km: FloatArray, direction: FloatArray, options: GreensOptions = GreensOptions()
) -> FloatArray:
    """Compute the measured component of the displacement for each datum, with bounded memory.

    Parameters
    ----------
    fault : Fault
    places_km : ndarray, shape (n_data, 2)
    direction : ndarray, shape (n_data, 3)
        Unit vector of the measured component of each datum: east, north, up.
    options : GreensOptions

    Returns
    -------
    ndarray, shape (n_data, n_patches, 2)
        For one metre of slip along strike and up dip.

    Raises
    ------
    InputError
        If a place lies on the edge of a patch at the surface.
    """
    places, owner = np.unique(places_km, axis=0, return_inverse=True)
    found = np.empty((len(places_km), len(fault), 2))
    step = options.max_patches_at_once
    singular = np.zeros(len(places), bool)
    for first in range(0, len(fault), step):
        some = fault.take(np.arange(first, min(first + step, len(fault))))
        moved = surface_displacement(some, places, options)
        singular |= ~np.isfinite(moved).all(axis=(1, 2, 3))
        moved = moved[owner.ravel()]
        found[:, first : first + step] = np.einsum("dcps,dc->dps", moved, direction)
    if singular.any():
        east, north = places[singular][0]
        raise InputError(
            f"{int(singular.sum())} sites or pixels lie on the edge of a patch, where their displacement is infinite, "
            f"as {east:.3f} km east and {north:.3f} km north of the middle of the fault: give --near-fault-km"
        )
    return found


def triangulated(fault: Fault) -> tuple[FloatArray, IntArray]:
    """Cut patches into triangles.

    Returns
    -------
    triangles : ndarray, shape (n_triangles, 3, 3)
        East, north, up in km, ordered so that the normal points to the side towards which the patch dips.
    patch : ndarray of int, shape (n_triangles,)
        The patch of each triangle.
    """
    triangles, patch = [], []
    for number, outline in enumerate(fault.outlines_km):
        normal = np.cross(*directions(fault.strike[number], fault.dip[number])[::-1])
        for last in range(2, len(outline)):
            triangle = outline[[0, last - 1, last]]
            facing = np.cross(triangle[1] - triangle[0], triangle[2] - triangle[0])
            triangles.append(triangle if facing @ normal > 0 else triangle[::-1])
            patch.append(number)
    return np.array(triangles), np.array(patch)
