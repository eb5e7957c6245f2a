"""Preparation of the data of an inversion: read, correct, mask and check signs, with entries in the quality log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from scipy.spatial import cKDTree

from selfseis.errors import InputError
from selfseis.geo.options import PositionOptions
from selfseis.geo.projection import check_order, corrected_positions
from selfseis.quality_log import QualityLog
from selfseis.slip.fault import Fault, checked, limited_rakes
from selfseis.slip.fault_files import read_geojson, read_rectangles
from selfseis.slip.fsp import read_fsp
from selfseis.slip.gnss import Gnss, read_gnss
from selfseis.slip.greens import displacement_along
from selfseis.slip.insar import Insar, read_insar
from selfseis.slip.options import (
    FaultOptions,
    GreensOptions,
    QuadtreeOptions,
    ReadingOptions,
    SlipOptions,
    TraceMaskOptions,
)
from selfseis.slip.patch_groups import MAX_PATCH_GROUPS, PatchGroups
from selfseis.slip.problem import Observations
from selfseis.slip.quadtree import downsampled
from selfseis.slip.sign_check import SignCheck, check_signs
from selfseis.typing import FloatArray

Data = TypeVar("Data", Gnss, Insar)
Unit = Literal["m", "cm", "mm"]


@dataclass(frozen=True)
class Prepared:
    """Input of an inversion.

    Attributes
    ----------
    patch_groups : PatchGroups
        The fault and its patch groups.
    gnss : Gnss or None
    scenes : list of Insar
    observations : Observations
    sign_checks : list of SignCheck
    layers : ndarray, shape (n_layers, 2), optional
        Rigidity (Pa) below depths (km), if the fault file has a velocity model.
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
    gnss_unit: Unit | None = None,
    insar_unit: Unit | None = None,
    options: SlipOptions = SlipOptions(),
) -> Prepared:
    """Read and check the input of an inversion; see `SlipInversion` for the parameters."""
    layers = None
    if not isinstance(fault, Fault):
        fault, layers = read_fault(fault, patch_km, options.fault)
    fault = checked(fault, "the fault", options.fault)
    for note in fault.notes:
        quality_log.add("assumed", "fault", note)
    max_m = possible_displacement(fault, options.reading)
    sites = (
        read_gnss(gnss, quality_log, options.reading, unit=gnss_unit, max_displacement_m=max_m)
        if isinstance(gnss, str | Path)
        else gnss
    )
    if sites is not None:
        sites = _near(sites, "GNSS", fault, quality_log, options.positions)
        sites = _off_the_trace(sites, "GNSS", fault, near_fault_km, quality_log, options.trace_mask)
    scenes = [
        read_insar(scene, quality_log, options.reading, unit=insar_unit, max_displacement_m=max_m)
        if isinstance(scene, str | Path)
        else scene
        for scene in insar
    ]
    scenes = _prepared_scenes(scenes, fault, near_fault_km, quality_log, options)
    if sites is None and not scenes:
        raise InputError("there is neither GNSS nor InSAR: give --gnss or --insar")
    _check_scale(sites, scenes, fault, options.positions)
    scene_sd_m = options.variogram.first_sd_m
    observations = Observations.of(sites, scenes, fault, scene_sd_m=scene_sd_m)
    fault, notes = complete_rakes(fault, observations, options)
    for note in notes:
        quality_log.add("assumed", "fault", note)
    patch_groups = PatchGroups.of(fault, max_patches, options)
    if patch_groups.note:
        quality_log.add("merged", "fault", patch_groups.note, len(fault))
    checks: list[SignCheck] = []
    if check_sign:
        scenes, checks = check_signs(sites, scenes, patch_groups, quality_log, options)
    observations = Observations.of(sites, scenes, fault, scene_sd_m=scene_sd_m)
    min_data = options.reading.min_data
    if len(observations) < min_data:
        raise InputError(
            f"at least {min_data} data are needed, got {len(observations)}: give more sites or scenes"
        )
    return Prepared(patch_groups, sites, scenes, observations, checks, layers)


def possible_displacement(fault: Fault, options: ReadingOptions = ReadingOptions()) -> float:
    """Return the largest possible displacement in m by slip on a fault: in proportion to the root of its area."""
    root_m = 1000 * float(np.sqrt(fault.area_km2.sum()))
    return min(options.max_displacement_m, max(options.min_displacement_m, options.max_strain * root_m))


def _check_scale(sites: Gnss | None, scenes: Sequence[Insar], fault: Fault, options: PositionOptions) -> None:
    """Refuse data that cover only a tiny part of the fault: its lengths may be in another unit."""
    data = [one for one in (sites, *scenes) if one is not None and len(one)]
    if not data:
        raise InputError(
            "no site and no pixel is left: all are too near to the fault trace; see --near-fault-km"
        )
    places = np.concatenate([fault.local_map.to_km(one.longitude, one.latitude) for one in data])
    span = float(np.linalg.norm(np.ptp(places, axis=0)))
    if 0 < span < options.min_span_in_sizes * fault.size_km:
        raise InputError(
            f"the data span {span:.3g} km and the fault {fault.size_km:,.0f} km: are its lengths or depths in metres?"
        )


def _prepared_scenes(
    insar: Sequence[Insar],
    fault: Fault,
    near_fault_km: float | None,
    quality_log: QualityLog,
    options: SlipOptions,
) -> list[Insar]:
    """Return the scenes near the fault, masked along its trace and downsampled."""
    scenes = [_near(scene, scene.name, fault, quality_log, options.positions) for scene in _renamed(insar)]
    scenes = [
        _off_the_trace(scene, scene.name, fault, near_fault_km, quality_log, options.trace_mask)
        for scene in scenes
    ]
    return [_downsampled(scene, quality_log, options.quadtree) for scene in scenes if len(scene)]


def read_fault(
    path: str | Path, patch_km: float | None = None, options: FaultOptions = FaultOptions()
) -> tuple[Fault, FloatArray | None]:
    """Read a fault from GeoJSON, a table of rectangles or ``.fsp``; slip in the file is ignored.

    Parameters
    ----------
    path : str or Path
    patch_km : float, optional
        Size of the patches into which large rectangles of a GeoJSON are cut.
    options : FaultOptions

    Returns
    -------
    fault : Fault
    layers : ndarray, shape (n_layers, 2), or None
        Rigidity (Pa) below depths (km), from the velocity model of an ``.fsp`` file.
    """
    path = Path(path)
    if path.suffix.lower() == ".fsp":
        model = read_fsp(path, options)
        return model.fault, model.rigidity
    if path.suffix.lower() in (".json", ".geojson"):
        return read_geojson(path, patch_km, options), None
    if path.suffix.lower() in (".csv", ".txt"):
        return read_rectangles(path, patch_km, options), None
    raise InputError(f"{path.name} is not a known fault file: give .geojson, .csv or .fsp")


def complete_rakes(fault: Fault, observations: Observations, options: SlipOptions) -> tuple[Fault, list[str]]:
    """Return the fault with usable rake limits, and notes on the assumptions.

    Unknown limits lie about the rake of the uniform slip that fits the data best on the segment.

    Parameters
    ----------
    fault : Fault
    observations : Observations
    options : SlipOptions
    """
    notes, margin = [], options.fault.rake_margin
    unknown = ~(np.isfinite(fault.rake_min) & np.isfinite(fault.rake_max))
    if unknown.any():
        rakes = _best_uniform_rakes(fault, observations, options.greens)
        fault = fault.with_rakes(
            np.where(unknown, rakes - margin, fault.rake_min),
            np.where(unknown, rakes + margin, fault.rake_max),
        )
        listed = ", ".join(f"{rake:.0f}" for rake in np.unique(np.round(rakes[unknown])))
        notes.append(f"no rake limits: {listed} ± {margin:.0f} degrees, from the best-fitting uniform slip")
    fault, n_narrowed = limited_rakes(fault, options.fault)
    if n_narrowed:
        limit = f"{options.fault.max_rake_range:g} degrees"
        notes.append(f"rake limits more than {limit} apart: narrowed on {n_narrowed} patches")
    return fault, notes


def _best_uniform_rakes(fault: Fault, observations: Observations, options: GreensOptions) -> FloatArray:
    """Return the rake of each patch from uniform slip along strike and up dip on each segment; (n_patches,)."""
    along = displacement_along(fault, observations.places_km, observations.direction, options)
    segments = np.unique(fault.segment)
    columns = np.concatenate([along[:, fault.segment == segment].sum(axis=1) for segment in segments], axis=1)
    weight = 1 / observations.sd
    found = np.linalg.lstsq(columns * weight[:, None], observations.values * weight, rcond=None)[0].reshape(
        -1, 2
    )
    rakes = np.degrees(np.arctan2(found[:, 1], found[:, 0]))
    return np.asarray(rakes[np.searchsorted(segments, fault.segment)])


def _renamed(scenes: Sequence[Insar]) -> list[Insar]:
    """Add a number to the names of scenes of the same name."""
    names = [scene.name for scene in scenes]
    return [
        replace(scene, name=f"{scene.name} {place + 1}") if names.count(scene.name) > 1 else scene
        for place, scene in enumerate(scenes)
    ]


def _near(data: Data, unit: str, fault: Fault, quality_log: QualityLog, options: PositionOptions) -> Data:
    about = (fault.local_map.longitude, fault.local_map.latitude)
    if data.by_position:
        check_order(data.longitude, data.latitude, about, fault.size_km, unit, options)
    longitude, latitude, near = corrected_positions(
        data.longitude, data.latitude, about, fault.size_km, unit, quality_log, options
    )
    return replace(data, longitude=longitude, latitude=latitude).take(near)


def _downsampled(scene: Insar, quality_log: QualityLog, options: QuadtreeOptions) -> Insar:
    fewer = downsampled(scene, options)
    if len(fewer) < len(scene):
        quality_log.add(
            "downsampled", scene.name, f"averaged in a quadtree to {len(fewer)} pixels", len(scene)
        )
    return fewer


def _off_the_trace(
    data: Data,
    unit: str,
    fault: Fault,
    near_fault_km: float | None,
    quality_log: QualityLog,
    options: TraceMaskOptions,
) -> Data:
    """Mask sites or pixels so near to the surface trace that the size of the patches determines their displacement."""
    points, reach = [], []
    for outline, top in zip(fault.outlines_km, fault.top_km, strict=True):
        if top <= options.max_top_km:
            first, second = outline[np.argsort(-outline[:, 2])[:2], :2]
            points.append(first + np.linspace(0, 1, options.n_steps)[:, None] * (second - first))
            width = options.width * float(np.linalg.norm(second - first))
            reach.append(np.full(options.n_steps, width if near_fault_km is None else near_fault_km))
    if not points or near_fault_km == 0:
        return data
    tree = cKDTree(np.concatenate(points))
    distance, nearest = tree.query(fault.local_map.to_km(data.longitude, data.latitude))
    masked = distance < np.concatenate(reach)[nearest]
    if masked.any():
        what = (
            "pixels"
            if isinstance(data, Insar)
            else f"sites {_some([data.site[n] for n in np.flatnonzero(masked)])}"
        )
        quality_log.add("near_fault", unit, f"{what} near the fault trace: masked", int(masked.sum()))
    return data.take(~masked)


def _some(names: Sequence[str], n: int = 5) -> str:
    return ", ".join(names[:n]) + (f" and {len(names) - n} more" if len(names) > n else "")
