"""The common table of arrivals, and the screening of unusable rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from selfseis.errors import InputError
from selfseis.geo.phases import KNOWN, canonical
from selfseis.io.clocks import parse_utc
from selfseis.quality_log import QualityLog
from selfseis.tomography.options import ScreeningOptions
from selfseis.tomography.origins import merge_twins, with_one_origin_each
from selfseis.tomography.plausibility import MAX_DEPTH_KM, contradict_distance, is_too_fast, with_depths

COLUMNS = (
    "event_id", "event_time", "event_latitude", "event_longitude", "event_depth_km", "station", "phase",
    "travel_time_s", "sigma_s", "station_latitude", "station_longitude", "station_elevation_m",
)  # fmt: skip
"""Columns of the table, including the position of the station; unknown numbers are NaN."""

STATED = ("distance_deg", "event_depth")
"""Columns that some files have: the distance of event and station, and a depth without a unit."""

NUMBERS = tuple(name for name in COLUMNS if name not in {"event_id", "event_time", "station", "phase"})
# What the Earth allows: no wave of `KNOWN` takes an hour, no mountain is higher and no earthquake deeper.
MAX_S = 3600.0
MIN_DEPTH_KM = -9.0
MAX_ELEVATION_M = 9000.0
MIN_ELEVATION_M = -11_000.0
MAX_SIGMA_S = 100.0
MAX_NUMBER = 1e9  # larger numbers are no measurement of any kind
ELEVATION_CODES = (-999.0, -9999.0, -32768.0, -99999.0, 9999.0, 99999.0)
"""Elevations that stand for unknown ones; no station of these bulletins is at one of them."""


def table_of(rows: pd.DataFrame | Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return rows as a table with all `COLUMNS`, and those of `STATED` that it has; unknown numbers are NaN."""
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
    stated = [name for name in STATED if name in frame]
    frame = frame.reindex(columns=[*COLUMNS, *stated]).reset_index(drop=True)
    for name in (*NUMBERS, *stated):
        values = pd.to_numeric(frame[name], errors="coerce").astype(float)
        frame[name] = values.where(values.abs() < MAX_NUMBER)
    for name in ("event_id", "station", "phase"):
        frame[name] = frame[name].astype(object).fillna("").astype(str).str.strip()
    frame["event_time"] = _moments(frame["event_time"])
    return frame


def _moments(values: pd.Series) -> pd.Series:
    """Return moments in UTC without a time zone, NaT where there is none."""
    if not pd.api.types.is_datetime64_any_dtype(values):
        known = values.astype(object).map(lambda moment: None if pd.isna(moment) else str(moment))
        values = pd.to_datetime(known, format="ISO8601", errors="coerce", utc=True)
        odd = values.isna() & known.notna()
        values = values.astype("datetime64[us, UTC]")
        if odd.any():
            values[odd] = pd.to_datetime(known[odd].map(_odd_moment), utc=True).astype("datetime64[us, UTC]")
    return values if values.dt.tz is None else values.dt.tz_convert("UTC").dt.tz_localize(None)


def _odd_moment(text: str) -> np.datetime64 | None:
    try:
        return parse_utc(text)
    except ValueError:
        return None


@dataclass(frozen=True)
class Screening:
    """Usable arrivals, and the numbers and reasons of those left out.

    Attributes
    ----------
    arrivals : pandas.DataFrame
        Table with `COLUMNS` and canonical phase names; numbered from 0.
    quality_log : QualityLog
        One issue per reason.
    """

    arrivals: pd.DataFrame
    quality_log: QualityLog


def screen(
    table: pd.DataFrame,
    quality_log: QualityLog | None = None,
    source: str = "arrivals",
    *,
    options: ScreeningOptions = ScreeningOptions(),
) -> Screening:
    """Leave out unusable arrivals, count them by reason, and complete missing values that have defaults.

    Parameters
    ----------
    table : pandas.DataFrame
        Result of `table_of`.
    quality_log : QualityLog, optional
        Log of the issues; by default a new one.
    source : str
        Name of the file in the log.
    options : ScreeningOptions
        Noise where the table states none.

    Raises
    ------
    InputError
        If no arrival is usable; the message names the most frequent reason.
    """
    quality_log = QualityLog() if quality_log is None else quality_log
    frame = with_depths(table.copy(), quality_log, source)
    coded = frame["station_elevation_m"].isin(ELEVATION_CODES)
    frame["station_elevation_m"] = frame["station_elevation_m"].mask(coded)
    frame["phase"], stated = frame["phase"].map(canonical), frame["phase"]
    reasons = _reasons(frame, options)
    lost: dict[str, int] = {}
    keep = np.ones(len(frame), bool)
    for (kind, detail), is_bad in reasons.items():
        bad = keep & is_bad.to_numpy()
        keep &= ~bad
        if bad.any():
            lost[detail] = int(bad.sum())
            quality_log.add(kind, source, f"{detail}, such as {_example(frame, stated, bad)}", int(bad.sum()))
    if not keep.any():
        worst = max(lost, key=lambda detail: lost[detail]) if lost else "the file holds none"
        raise InputError(f"no arrival of {source} can be used: {worst}; correct the file")
    kept = with_one_origin_each(frame.loc[keep, list(COLUMNS)], quality_log, source)
    kept = merge_twins(kept, quality_log, source, options)
    kept = kept.sort_values(["event_id", "station", "phase", "travel_time_s"], kind="stable")
    kept = _deduplicated(kept, quality_log, source)
    return Screening(_completed(kept, quality_log, source, options), quality_log)


def _reasons(frame: pd.DataFrame, options: ScreeningOptions) -> dict[tuple[str, str], pd.Series]:
    """Return masks of unusable rows by reason, in order of precedence."""
    place = frame[["event_latitude", "event_longitude", "event_depth_km"]]
    site = frame[["station_latitude", "station_longitude"]]
    time = frame["travel_time_s"]
    return {
        ("unknown_phase", "phases that are not P or S along a direct or core-reflected ray"): ~frame[
            "phase"
        ].isin(KNOWN),
        ("no_location", "events without latitude, longitude or depth"): place.isna().any(axis=1),
        ("no_station", "stations without coordinates"): site.isna().any(axis=1),
        ("impossible", "latitudes beyond 90 or longitudes beyond 360 degrees"): (
            (frame["event_latitude"].abs() > 90)
            | (frame["station_latitude"].abs() > 90)
            | (frame["event_longitude"].abs() > 360)
            | (frame["station_longitude"].abs() > 360)
        ),
        ("impossible", f"depths beyond {MIN_DEPTH_KM:g} to {MAX_DEPTH_KM:g} km"): ~frame[
            "event_depth_km"
        ].between(MIN_DEPTH_KM, MAX_DEPTH_KM),
        ("impossible", "travel times that are not between 0 and an hour"): ~((time > 0) & (time < MAX_S)),
        ("impossible", f"elevations beyond {MIN_ELEVATION_M:,g} to {MAX_ELEVATION_M:,g} m"): ~frame[
            "station_elevation_m"
        ]
        .fillna(0)
        .between(MIN_ELEVATION_M, MAX_ELEVATION_M),
        ("impossible", f"uncertainties of more than {MAX_SIGMA_S:g} s"): frame["sigma_s"] > MAX_SIGMA_S,
        ("impossible", "positions that contradict the stated distance"): contradict_distance(frame, options),
        (
            "impossible",
            f"waves faster than {options.max_speed_km_s:g} km/s on a straight line (wrong or swapped coordinates)",
        ): is_too_fast(frame, options),
    }


def _example(frame: pd.DataFrame, stated: pd.Series, bad: np.ndarray) -> str:
    row = frame[bad].iloc[0]
    return f"{stated[bad].iloc[0] or 'no phase'} at {row['station'] or '?'} of event {row['event_id'] or '?'}"


def _deduplicated(frame: pd.DataFrame, quality_log: QualityLog, source: str) -> pd.DataFrame:
    """Keep the earliest of several readings of one phase at one station of one event."""
    again = frame.duplicated(["event_id", "station", "phase"])
    if again.any():
        detail = "further readings of the same phase, station and event; the earliest is kept"
        quality_log.add("duplicate", source, detail, int(again.sum()))
    return frame[~again].reset_index(drop=True)


def _completed(
    frame: pd.DataFrame, quality_log: QualityLog, source: str, options: ScreeningOptions
) -> pd.DataFrame:
    """Assume an elevation and an uncertainty where there is none."""
    flat = frame["station_elevation_m"].isna()  # also those of `ELEVATION_CODES`
    if flat.any():
        quality_log.add("assumed", source, "no station elevation: sea level assumed", int(flat.sum()))
    unsure = ~frame["sigma_s"].gt(0)
    if unsure.any():
        assumed = f"{options.sigma_p_s:g} s for P and {options.sigma_s_s:g} s for S assumed"
        detail = f"no uncertainty above 0: {assumed}, scaled by the fit"
        quality_log.add("assumed", source, detail, int(unsure.sum()))
    is_s = frame["phase"].str.startswith("S")
    default = pd.Series(np.where(is_s, options.sigma_s_s, options.sigma_p_s), frame.index)
    return frame.assign(
        station_elevation_m=frame["station_elevation_m"].fillna(0.0),
        sigma_s=frame["sigma_s"].mask(unsure, default),
    )
