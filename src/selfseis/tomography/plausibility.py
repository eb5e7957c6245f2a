"""Physical limits of single arrivals: the fastest wave, stated distances, and the unit of depths."""

from __future__ import annotations

import numpy as np
import pandas as pd

from selfseis.errors import InputError
from selfseis.geo.sphere import EARTH_RADIUS_KM
from selfseis.quality_log import QualityLog
from selfseis.tomography.options import ScreeningOptions
from selfseis.typing import FloatArray

MIN_FAST_SHARE = 0.5
MAX_DEPTH_KM = 750.0  # no earthquake is deeper


def is_too_fast(frame: pd.DataFrame, options: ScreeningOptions = ScreeningOptions()) -> pd.Series:
    """Return which arrivals would need a wave faster than any, on a straight line from event to station.

    Parameters
    ----------
    frame : pandas.DataFrame
        Table with the columns of `selfseis.tomography.arrivals.COLUMNS`; unknown numbers count as possible.
    options : ScreeningOptions
        The fastest wave, and the seconds by which times may be wrong.
    """
    length = chord_km(frame, frame["event_depth_km"])
    allowed = options.max_speed_km_s * (frame["travel_time_s"].to_numpy(float) + options.max_early_s)
    return pd.Series(length > allowed, frame.index)


def contradict_distance(frame: pd.DataFrame, options: ScreeningOptions = ScreeningOptions()) -> pd.Series:
    """Return which arrivals have another distance than their file states; none if it states none."""
    if "distance_deg" not in frame:
        return pd.Series(False, frame.index)
    stated = frame["distance_deg"].to_numpy(float)
    found = _distance_deg(frame)
    tolerance = options.max_distance_error_deg + options.max_distance_error * np.abs(stated)
    wrong = np.abs(found - stated) > tolerance
    if wrong.sum() > MIN_FAST_SHARE * max(int(np.isfinite(stated).sum()), 1):  # another quantity, or in km
        return pd.Series(False, frame.index)
    return pd.Series(wrong, frame.index)


def with_depths(frame: pd.DataFrame, quality_log: QualityLog, source: str) -> pd.DataFrame:
    """Return the table with depths in km, where a column of depths states no unit.

    They are kilometres, unless most waves would be too fast for such depths and none of them for depths in metres.

    Raises
    ------
    InputError
        If most waves are too fast in either unit and the depths are the reason.
    """
    if "event_depth" not in frame:
        return _check_stated_depths(frame, source)
    depth = frame.pop("event_depth")
    shares = [_share_too_fast(frame, depth * factor) for factor in (1.0, 0.001)]
    is_deep = bool(depth.notna().any()) and bool(depth.median() > MAX_DEPTH_KM)
    metres = is_deep or (shares[0] > MIN_FAST_SHARE and shares[1] < MIN_FAST_SHARE)
    if metres:
        detail = "depths without a unit are read as metres: in km, the waves would be too fast or the events too deep"
        quality_log.add("assumed", source, detail, int(depth.notna().sum()))
    frame["event_depth_km"] = frame["event_depth_km"].fillna(depth * (0.001 if metres else 1.0))
    return frame


def _check_stated_depths(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    depth = frame["event_depth_km"]
    if _share_too_fast(frame, depth) > MIN_FAST_SHARE > _share_too_fast(frame, depth / 1000) + 0.4:
        raise InputError(
            f"{source}: with depths of {depth.median():g} km most waves would be faster than any wave; in metres they "
            "would not: give depths in km"
        )
    return frame


def _share_too_fast(frame: pd.DataFrame, depth_km: pd.Series) -> float:
    length = chord_km(frame, depth_km)
    time = frame["travel_time_s"].to_numpy(float)
    known = np.isfinite(length) & (time > 0)
    options = ScreeningOptions()
    fast = length[known] > options.max_speed_km_s * (time[known] + options.max_early_s)
    return float(fast.mean()) if known.any() else 0.0


def chord_km(frame: pd.DataFrame, depth_km: pd.Series) -> FloatArray:
    """Return the length of the straight line from event to station in km, NaN where a coordinate is unknown."""
    angle = np.radians(_distance_deg(frame))
    below = EARTH_RADIUS_KM - depth_km.to_numpy(float)
    above = EARTH_RADIUS_KM + frame["station_elevation_m"].fillna(0).to_numpy(float) / 1000
    return np.sqrt(np.maximum(below**2 + above**2 - 2 * below * above * np.cos(angle), 0))


def _distance_deg(frame: pd.DataFrame) -> FloatArray:
    """Return great-circle distances on the sphere, between geocentric latitudes; NaN where unknown."""
    latitudes = (frame[f"{kind}_latitude"].to_numpy(float) for kind in ("event", "station"))
    one, other = (np.arctan(0.99331 * np.tan(np.radians(latitude))) for latitude in latitudes)
    turn = np.radians((frame["event_longitude"] - frame["station_longitude"]).to_numpy(float))
    half = np.sin((one - other) / 2) ** 2 + np.cos(one) * np.cos(other) * np.sin(turn / 2) ** 2
    return np.asarray(np.degrees(2 * np.arcsin(np.sqrt(np.clip(half, 0, 1)))))
