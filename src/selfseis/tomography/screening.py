"""Choice of scope and cells, and screening of events and residuals."""

from __future__ import annotations

import numpy as np
import pandas as pd

from selfseis.errors import InputError
from selfseis.geo.earth_models import VelocityModel1D
from selfseis.geo.phases import wave_of
from selfseis.geo.sphere import EARTH_RADIUS_KM, KM_PER_DEGREE
from selfseis.quality_log import QualityLog
from selfseis.tomography.forward import Traced
from selfseis.tomography.grid import CellGrid
from selfseis.tomography.options import GridOptions, ScreeningOptions, TomographyOptions
from selfseis.traveltimes.first_arrivals import find_rays
from selfseis.traveltimes.ray_paths import Geometry
from selfseis.traveltimes.ray_table import RayTable
from selfseis.typing import FloatArray


def is_global(arrivals: pd.DataFrame, options: GridOptions) -> bool:
    """Return whether too many rays are too long for a region."""
    distance = np.degrees(Geometry.of(arrivals).distance)
    return bool(np.mean(distance > options.max_region_deg) > options.max_long_rays)


def without_lone_events(
    arrivals: pd.DataFrame, quality_log: QualityLog, options: ScreeningOptions = ScreeningOptions()
) -> pd.DataFrame:
    """Leave out events with so few arrivals that their event terms fit them all.

    Raises
    ------
    InputError
        If too few arrivals are left.
    """
    size = arrivals.groupby("event_id")["station"].transform("size")
    few = size < options.min_event_arrivals
    if few.any():
        detail = f"arrivals of events with fewer than {options.min_event_arrivals}, which the event terms fit"
        quality_log.add("too_few", "events", detail, int(few.sum()))
    kept = arrivals[~few].reset_index(drop=True)
    if len(kept) < options.min_arrivals:
        raise InputError(
            f"only {len(kept)} arrivals are left of events with {options.min_event_arrivals} or more: at least "
            f"{options.min_arrivals} are needed, so give a longer bulletin"
        )
    return kept


def region_grid(
    arrivals: pd.DataFrame, reference: VelocityModel1D, cell_km: float | None, options: TomographyOptions
) -> CellGrid:
    """Return cells around all events, stations and rays of a region.

    Parameters
    ----------
    arrivals : pandas.DataFrame
    reference : VelocityModel1D
        Its turning depths determine the depth of the grid.
    cell_km : float or None
        Side of a cell; None for that of the options.
    options : TomographyOptions
    """
    layout = options.grid
    latitude = np.concatenate([arrivals["event_latitude"], arrivals["station_latitude"]])
    longitude = np.concatenate([arrivals["event_longitude"], arrivals["station_longitude"]])
    middle = _middle_longitude(longitude)
    east = (longitude - middle + 180) % 360 - 180
    (south, north), (west, right) = (_padded(axis, layout) for axis in (latitude, east))
    squeeze = np.cos(np.radians((south + north) / 2))
    size = KM_PER_DEGREE * np.array([north - south, (right - west) * squeeze])
    side = cell_km or float(np.sqrt(size.prod())) / layout.region_cells_across
    deepest = _deepest(arrivals, reference, options)
    thickness = side / layout.region_layers_per_cell
    n_layers = int(np.clip(np.ceil(deepest / thickness), layout.min_region_layers, layout.max_region_layers))
    growing = np.linspace(0, 1, n_layers + 1) ** layout.region_layer_growth
    return CellGrid.of_region((south, north), (middle + west, middle + right), side, deepest * growing)


def _middle_longitude(longitude: FloatArray) -> float:
    turned = np.radians(longitude)
    return float(np.degrees(np.arctan2(np.sin(turned).mean(), np.cos(turned).mean())))


def _padded(values: FloatArray, options: GridOptions) -> tuple[float, float]:
    low, high = float(np.min(values)), float(np.max(values))
    room = options.region_margin * (high - low) + options.region_margin_deg
    return low - room, high + room


def _deepest(arrivals: pd.DataFrame, reference: VelocityModel1D, options: TomographyOptions) -> float:
    """Return the depth that almost no ray exceeds."""
    phases = arrivals["phase"].to_numpy(str)
    geometry = Geometry.of(arrivals)
    wave = wave_of(phases[0])
    table = RayTable.of(reference, wave, options.rays.table)
    first = np.array([wave if phase not in {"PcP", "ScS"} else phase for phase in phases])
    rays = find_rays(table, geometry.depth_km, geometry.distance, first)
    found = rays.number >= 0
    turned = EARTH_RADIUS_KM - table.bottom[rays.number]
    lowest = np.where(found & ~rays.leaves_upwards, turned, geometry.depth_km)
    layout = options.grid
    depth = layout.region_depth_factor * np.quantile(lowest, layout.region_depth_quantile)
    depth += layout.region_depth_margin_km
    return float(np.clip(depth, layout.min_region_depth_km, reference.floor_km))


def without_far_off(
    traced: Traced, quality_log: QualityLog, options: ScreeningOptions, *, of_globe: bool
) -> Traced:
    """Leave out arrivals whose residual from the median of their event is too large for a delay."""
    residual = pd.Series(traced.residual)
    wave = np.where(traced.is_s, "S", "P")
    left = residual - residual.groupby([traced.arrivals["event_id"], wave]).transform("median")
    seconds, sds = (
        (options.max_residual_globe_s, options.max_residual_globe_sd)
        if of_globe
        else (options.max_residual_region_s, options.max_residual_region_sd)
    )
    spread = 1.4826 * left.abs().groupby(wave).transform("median")
    wrong = (left.abs() > np.maximum(seconds, sds * spread)).to_numpy()
    if wrong.any():
        some = traced.arrivals[wrong].iloc[0]
        detail = (
            f"arrivals more than {seconds:g} s and {sds:g} robust standard deviations off, such as {some['phase']} "
            f"at {some['station']} of event {some['event_id']}"
        )
        quality_log.add("far_off", "residuals", detail, int(wrong.sum()))
    return traced.take(~wrong)


def check_plausible(traced: Traced, options: ScreeningOptions) -> None:
    """Check that travel times are consistent with distances.

    Raises
    ------
    InputError
        If half of the arrivals are early or late by more than `options.max_median_misfit` of their travel time.
    """
    share = np.abs(traced.residual) / np.maximum(traced.predicted, options.min_time_of_misfit_s)
    if np.median(share) > options.max_median_misfit:
        raise InputError(
            "half of the travel times differ from the reference by more than "
            f"{options.max_median_misfit:.0%}: check that latitude and longitude are not swapped, that depths "
            "are in km and times in s, and that events are not listed as stations"
        )
