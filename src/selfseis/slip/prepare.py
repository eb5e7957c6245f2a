"""From files to data that can be inverted: read, mend, mask, check the signs, and keep account of all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from scipy.spatial import cKDTree

from selfseis.errors import InputError
from selfseis.geo.projection import mended_places
from selfseis.quality_log import QualityLog
from selfseis.slip.fault import Fault, checked
from selfseis.slip.fault_files import read_geojson, read_rectangles
from selfseis.slip.fsp import read_fsp
from selfseis.slip.gnss import Gnss, read_gnss
from selfseis.slip.insar import Insar, read_insar
from selfseis.slip.patch_groups import MAX_PATCH_GROUPS, PatchGroups
from selfseis.slip.problem import Observations
from selfseis.slip.quadtree import downsampled
from selfseis.slip.rake_limits import settle_rakes
from selfseis.slip.sign_check import SignCheck, check_signs
from selfseis.typing import FloatArray

Data = TypeVar("Data", Gnss, Insar)
AT_THE_SURFACE_KM = 1.0
STEPS_ALONG_EDGE = 10
MIN_DATA = 6


@dataclass(frozen=True)
class Prepared:
    """Everything that an inversion starts from.

    Attributes
    ----------
    parcels : PatchGroups
        The fault, and which of its patches slip as one.
    gnss : Gnss or None
    scenes : list of Insar
    observations : Observations
    sign_checks : list of SignCheck
    layers : ndarray, shape (n_layers, 2), optional
        Rigidity (Pa) below depths (km), where the fault file has a velocity model.
    """

    patch_groups: PatchGroups
    gnss: Gnss | None
    scenes: list[Insar]
    observations: Observations
    sign_checks: list[SignCheck]
    layers: FloatArray | None

    @property
    def fault(self) -> Fault:
        """The fault, all of its patches."""
        return self.patch_groups.fault


def prepare(
    gnss: str | Path | Gnss | None,
    insar: Sequence[str | Path | Insar],
    fault: str | Path | Fault,
    quality_log: QualityLog,
    *,
    patch_km: float | None = None,
    near_fault_km: float | None = None,
    check_sign: bool = True,
    max_patches: int = MAX_PATCH_GROUPS,
) -> Prepared:
    """Read and check what an inversion needs; see `SlipInversion` for the parameters."""
    layers = None
    if not isinstance(fault, Fault):
        fault, layers = read_fault(fault, patch_km)
    fault = checked(fault, "the fault")
    for note in fault.notes:
        quality_log.add("assumed", "fault", note)
    sites = read_gnss(gnss, quality_log) if isinstance(gnss, str | Path) else gnss
    scenes = [read_insar(scene, quality_log) if isinstance(scene, str | Path) else scene for scene in insar]
    sites = _near(sites, "GNSS", fault, quality_log) if sites is not None else None
    scenes = [_near(scene, scene.name, fault, quality_log) for scene in _renamed(scenes)]
    scenes = [_off_the_trace(scene, fault, near_fault_km, quality_log) for scene in scenes]
    scenes = [_downsampled(scene, quality_log) for scene in scenes if len(scene)]
    if sites is None and not scenes:
        raise InputError("there is neither GNSS nor InSAR: give --gnss or --insar")
    fault, notes = settle_rakes(fault, Observations.of(sites, scenes, fault))
    for note in notes:
        quality_log.add("assumed", "fault", note)
    patch_groups = PatchGroups.of(fault, max_patches)
    if patch_groups.note:
        quality_log.add("merged", "fault", patch_groups.note, len(fault))
    checks: list[SignCheck] = []
    if check_sign:
        scenes, checks = check_signs(sites, scenes, patch_groups, quality_log)
    observations = Observations.of(sites, scenes, fault)
    if len(observations) < MIN_DATA:
        raise InputError(f"{len(observations)} data cannot be both hidden and seen: {MIN_DATA} are needed")
    return Prepared(patch_groups, sites, scenes, observations, checks, layers)


def read_fault(path: str | Path, patch_km: float | None = None) -> tuple[Fault, FloatArray | None]:
    """Read a fault from GeoJSON, a table of rectangles or ``.fsp``; slip that the file may hold is not looked at.

    Parameters
    ----------
    path : str or Path
    patch_km : float, optional
        Size of the patches that large rectangles of a GeoJSON are cut into.

    Returns
    -------
    fault : Fault
    layers : ndarray, shape (n_layers, 2), or None
        Rigidity (Pa) below depths (km), from the velocity model of an ``.fsp`` file.
    """
    path = Path(path)
    if path.suffix.lower() == ".fsp":
        model = read_fsp(path)
        return model.fault, model.rigidity
    if path.suffix.lower() in (".json", ".geojson"):
        return read_geojson(path, patch_km), None
    if path.suffix.lower() in (".csv", ".txt"):
        return read_rectangles(path, patch_km), None
    raise InputError(f"{path.name} is no fault file that is known: give .geojson, .csv or .fsp")


def _renamed(scenes: Sequence[Insar]) -> list[Insar]:
    """Tell scenes of the same name apart."""
    names = [scene.name for scene in scenes]
    return [
        replace(scene, name=f"{scene.name} {place + 1}") if names.count(scene.name) > 1 else scene
        for place, scene in enumerate(scenes)
    ]


def _near(data: Data, unit: str, fault: Fault, quality_log: QualityLog) -> Data:
    about = (fault.local_map.longitude, fault.local_map.latitude)
    longitude, latitude, near = mended_places(
        data.longitude, data.latitude, about, fault.size_km, unit, quality_log
    )
    return replace(data, longitude=longitude, latitude=latitude).take(near)


def _downsampled(scene: Insar, quality_log: QualityLog) -> Insar:
    fewer = downsampled(scene)
    if len(fewer) < len(scene):
        quality_log.add(
            "downsampled", scene.name, f"averaged in a quadtree to {len(fewer)} pixels", len(scene)
        )
    return fewer


def _off_the_trace(scene: Insar, fault: Fault, near_fault_km: float | None, quality_log: QualityLog) -> Insar:
    """Mask pixels so near to where the fault meets the surface that the cut into patches decides what they see."""
    points, reach = [], []
    for outline, top in zip(fault.outlines_km, fault.top_km, strict=True):
        if top <= AT_THE_SURFACE_KM:
            first, second = outline[np.argsort(-outline[:, 2])[:2], :2]
            points.append(first + np.linspace(0, 1, STEPS_ALONG_EDGE)[:, None] * (second - first))
            own = 0.25 * float(np.linalg.norm(second - first)) if near_fault_km is None else near_fault_km
            reach.append(np.full(STEPS_ALONG_EDGE, own))
    if not points or near_fault_km == 0:
        return scene
    tree = cKDTree(np.concatenate(points))
    distance, nearest = tree.query(fault.local_map.to_km(scene.longitude, scene.latitude))
    masked = distance < np.concatenate(reach)[nearest]
    if masked.any():
        quality_log.add(
            "near_fault", scene.name, "pixels on or beside the fault trace: masked", int(masked.sum())
        )
    return scene.take(~masked)
