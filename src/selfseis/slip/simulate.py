"""Simulated earthquakes: asperities on a fault, and noisy displacements of sites and scenes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from selfseis.slip.fault import Fault
from selfseis.slip.gnss import Gnss
from selfseis.slip.greens import surface_displacement
from selfseis.slip.insar import Insar
from selfseis.slip.variogram import Variogram
from selfseis.typing import FloatArray

INSAR_NOISE = Variogram(nugget_m=0.002, sill_m=0.008, range_km=20.0)  # default of a simulation


def asperities(
    fault: Fault, rng: np.random.Generator, *, n: int = 2, peak_m: float = 5.0, radius: float = 0.12
) -> FloatArray:
    """Return random slip that is a sum of smooth asperities and zero elsewhere.

    Parameters
    ----------
    fault : Fault
    rng : numpy.random.Generator
    n : int
        Number of asperities.
    peak_m : float
        Largest slip.
    radius : float
        Radius of an asperity as a share of the fault's length along strike.

    Returns
    -------
    ndarray, shape (n_patches,)
        In m.
    """
    places = fault.in_plane_km
    low, high = places.min(axis=0), places.max(axis=0)
    reach = radius * np.ptp(places[:, 0])
    slip = np.zeros(len(fault))
    for _ in range(n):
        centre = rng.uniform(low + 0.15 * (high - low), high - 0.15 * (high - low))
        distance = np.linalg.norm(places - centre, axis=1) / (reach * rng.uniform(0.7, 1.3))
        slip += rng.uniform(0.5, 1.0) * np.maximum(1 - (distance / 2) ** 2, 0) ** 2
    return np.asarray(peak_m * slip / max(slip.max(), 1e-12))


def simulate_displacements(
    fault: Fault,
    slip: FloatArray,
    rake: FloatArray,
    gnss: Gnss | None,
    scenes: Sequence[Insar],
    rng: np.random.Generator,
    *,
    insar_noise: Variogram = INSAR_NOISE,
) -> tuple[Gnss | None, list[Insar]]:
    """Return simulated displacements of sites and scenes, with noise.

    Parameters
    ----------
    fault : Fault
    slip, rake : ndarray, shape (n_patches,)
        In m and degrees.
    gnss : Gnss or None
        Sites and their errors; their displacements are replaced.
    scenes : sequence of Insar
        Pixels and look vectors; their displacements are replaced.
    rng : numpy.random.Generator
    insar_noise : Variogram
        Noise of the scenes.
    """
    vector = slip[:, None] * np.stack([np.cos(np.radians(rake)), np.sin(np.radians(rake))], axis=1)

    def moved(longitude: FloatArray, latitude: FloatArray) -> FloatArray:
        return np.einsum(
            "ocps,ps->oc", surface_displacement(fault, fault.local_map.to_km(longitude, latitude)), vector
        )

    sites = None
    if gnss is not None:
        noise = gnss.sd * rng.standard_normal(gnss.sd.shape)
        sites = replace(gnss, displacement=moved(gnss.longitude, gnss.latitude) + noise)
    seen = []
    for scene in scenes:
        places = fault.local_map.to_km(scene.longitude, scene.latitude)
        shared = np.linalg.cholesky(insar_noise.covariance(places)) @ rng.standard_normal(len(scene))
        los = np.sum(moved(scene.longitude, scene.latitude) * scene.look, axis=1) + shared
        seen.append(replace(scene, los=los))
    return sites, seen
