"""The common table of arrivals, and the screening of unusable rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from selfseis.errors import InputError
from selfseis.geo.phases import KNOWN, canonical
from selfseis.quality_log import QualityLog
from selfseis.tomography.options import ScreeningOptions

COLUMNS = (
    "event_id", "event_time", "event_latitude", "event_longitude", "event_depth_km", "station", "phase",
    "travel_time_s", "sigma_s", "station_latitude", "station_longitude", "station_elevation_m",
)  # fmt: skip
"""Columns of the table, including the position of the station; unknown numbers are NaN."""

NUMBERS = tuple(name for name in COLUMNS if name not in {"event_id", "event_time", "station", "phase"})
# What the Earth allows: no wave of `KNOWN` takes an hour, no mountain is higher and no earthquake deeper.
MAX_S = 3600.0
MAX_DEPTH_KM = 750.0
MIN_DEPTH_KM = -9.0


def table_of(rows: pd.DataFrame | Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return rows as a table with all `COLUMNS`, unknown numbers as NaN."""
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
    frame = frame.reindex(columns=list(COLUMNS)).reset_index(drop=True)
    for name in NUMBERS:
        frame[name] = pd.to_numeric(frame[name], errors="coerce").astype(float)
    for name in ("event_id", "station", "phase"):
        frame[name] = frame[name].astype(object).fillna("").astype(str).str.strip()
    moments = frame["event_time"].astype(object).map(lambda moment: None if pd.isna(moment) else str(moment))
    times = pd.to_datetime(moments, format="ISO8601", errors="coerce", utc=True)
    frame["event_time"] = times.dt.tz_localize(None)
    return frame


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
    frame = table.copy()
    frame["phase"], stated = frame["phase"].map(canonical), frame["phase"]
    reasons = _reasons(frame, stated)
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
    kept = frame[keep].sort_values(["event_id", "station", "phase", "travel_time_s"], kind="stable")
    kept = _deduplicated(kept, quality_log, source)
    return Screening(_completed(kept, quality_log, source, options), quality_log)


def _reasons(frame: pd.DataFrame, stated: pd.Series) -> dict[tuple[str, str], pd.Series]:
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
    flat = frame["station_elevation_m"].isna()
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
