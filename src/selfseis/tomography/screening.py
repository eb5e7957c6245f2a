"""Choice of scope and cells, and screening of events and residuals."""

from __future__ import annotations

import numpy as np
import pandas as pd

from selfseis.errors import InputError
from selfseis.geo.earth_models import Reference
from selfseis.geo.phases import wave_of
from selfseis.geo.sphere import EARTH_RADIUS_KM, KM_PER_DEGREE_OF_SPHERE
from selfseis.quality_log import QualityLog
from selfseis.tomography.forward import Traced
from selfseis.tomography.grid import CellGrid
from selfseis.traveltimes.first_arrivals import find_rays
from selfseis.traveltimes.ray_paths import Geometry
from selfseis.traveltimes.ray_table import RayTable
from selfseis.typing import FloatArray

REGION_DEG = 15.0
MIN_ARRIVALS = 40
MIN_OF_EVENT = 5
CELLS_ACROSS = 22.0
N_LAYERS = 12
FAR_OFF = {True: (15.0, 8.0), False: (4.0, 10.0)}
"""Global and regional limits of residuals: seconds, and robust standard deviations; larger ones are left out."""


def is_global(arrivals: pd.DataFrame) -> bool:
    """Return whether more than a tenth of the rays are longer than 15 degrees."""
    return bool(np.mean(np.degrees(Geometry.of(arrivals).distance) > REGION_DEG) > 0.1)


def without_lone_events(arrivals: pd.DataFrame, quality_log: QualityLog) -> pd.DataFrame:
    """Leave out events with so few arrivals that their event terms fit them all.

    Raises
    ------
    InputError
        If too few arrivals are left.
    """
    size = arrivals.groupby("event_id")["station"].transform("size")
    few = size < MIN_OF_EVENT
    if few.any():
        detail = f"arrivals of events with fewer than {MIN_OF_EVENT}, which the event terms fit"
        quality_log.add("too_few", "events", detail, int(few.sum()))
    kept = arrivals[~few].reset_index(drop=True)
    if len(kept) < MIN_ARRIVALS:
        raise InputError(
            f"only {len(kept)} arrivals are left of events with {MIN_OF_EVENT} or more: at least "
            f"{MIN_ARRIVALS} are needed, so give a longer bulletin"
        )
    return kept


def region_grid(arrivals: pd.DataFrame, reference: Reference, cell_km: float | None = None) -> CellGrid:
    """Return cells around all events, stations and rays of a region.

    Parameters
    ----------
    arrivals : pandas.DataFrame
    reference : Reference
        Its turning depths determine the depth of the grid.
    cell_km : float, optional
        Side of a cell; by default about 22 across.
    """
    latitude = np.concatenate([arrivals["event_latitude"], arrivals["station_latitude"]])
    longitude = np.concatenate([arrivals["event_longitude"], arrivals["station_longitude"]])
    middle = _middle_longitude(longitude)
    east = (longitude - middle + 180) % 360 - 180
    (south, north), (west, right) = _padded(latitude), _padded(east)
    squeeze = np.cos(np.radians((south + north) / 2))
    size = KM_PER_DEGREE_OF_SPHERE * np.array([north - south, (right - west) * squeeze])
    side = cell_km or float(np.sqrt(size.prod())) / CELLS_ACROSS
    deepest = _deepest(arrivals, reference)
    n_layers = int(np.clip(np.ceil(deepest / (side / 3)), 3, N_LAYERS))
    growing = np.linspace(0, 1, n_layers + 1) ** 1.3
    return CellGrid.of_region((south, north), (middle + west, middle + right), side, deepest * growing)


def _middle_longitude(longitude: FloatArray) -> float:
    turned = np.radians(longitude)
    return float(np.degrees(np.arctan2(np.sin(turned).mean(), np.cos(turned).mean())))


def _padded(values: FloatArray) -> tuple[float, float]:
    low, high = float(np.min(values)), float(np.max(values))
    room = 0.03 * (high - low) + 0.02
    return low - room, high + room


def _deepest(arrivals: pd.DataFrame, reference: Reference) -> float:
    """Return the depth that almost no ray exceeds."""
    phases = arrivals["phase"].to_numpy(str)
    geometry = Geometry.of(arrivals)
    wave = wave_of(phases[0])
    table = RayTable.of(reference, wave)
    first = np.array([wave if phase not in {"PcP", "ScS"} else phase for phase in phases])
    rays = find_rays(table, geometry.depth_km, geometry.distance, first)
    found = rays.number >= 0
    turned = EARTH_RADIUS_KM - table.bottom[rays.number]
    lowest = np.where(found & ~rays.leaves_upwards, turned, geometry.depth_km)
    return float(np.clip(1.1 * np.quantile(lowest, 0.995) + 2.0, 5.0, reference.floor_km))


def without_far_off(traced: Traced, quality_log: QualityLog, *, of_globe: bool) -> Traced:
    """Leave out arrivals whose residual from the median of their event is too large for a delay."""
    residual = pd.Series(traced.residual)
    wave = np.where(traced.is_s, "S", "P")
    left = residual - residual.groupby([traced.arrivals["event_id"], wave]).transform("median")
    seconds, sds = FAR_OFF[of_globe]
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


def check_plausible(traced: Traced) -> None:
    """Check that travel times are consistent with distances.

    Raises
    ------
    InputError
        If half of the arrivals are early or late by more than a quarter of their travel time.
    """
    share = np.abs(traced.residual) / np.maximum(traced.predicted, 5.0)
    if np.median(share) > 0.25:
        raise InputError(
            "half of the travel times differ from the reference by more than a quarter: check that "
            "latitude and longitude are not swapped, that depths are in km and times in s, "
            "and that events are not listed as stations"
        )
