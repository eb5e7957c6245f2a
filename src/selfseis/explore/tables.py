"""Result tables of exploration: segments, classes, novelty list, similar windows and multiplets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from selfseis.explore.cluster_search import ClusterSolution
from selfseis.explore.clustering import UNASSIGNED
from selfseis.explore.explored import Explored, nearest_windows
from selfseis.explore.multiplets import Member
from selfseis.explore.novelty import false_alarm_rates
from selfseis.explore.similarity_search import SimilarWindows
from selfseis.recording import sample_times
from selfseis.validation import Interval

SEGMENTS = ("seed_id", "start", "end", "class", "class_stability", "novelty")


def iso(times: NDArray) -> list[str]:
    """Return times as ISO 8601 in UTC, to the millisecond."""
    return [f"{time}Z" for time in np.datetime_as_string(np.asarray(times).astype("datetime64[ms]"))]


def spans_of(recording: xr.DataArray, explored: Explored) -> tuple[NDArray, NDArray]:
    """Return the start and end of each window, ``datetime64[ns]``."""
    first = explored.table.first
    return sample_times(recording, first), sample_times(recording, first + explored.grid.length)


def segments(recording: xr.DataArray, explored: Explored, stability: Mapping[int, float]) -> pd.DataFrame:
    """Return one row per window: ``seed_id, start, end, class, class_stability, novelty``.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    explored : Explored
        Its windows.
    stability : mapping of int to float
        Stability of each class.
    """
    start, end = spans_of(recording, explored)
    return pd.DataFrame(
        {
            "seed_id": [explored.sites[site].name for site in explored.table.site],
            "start": iso(start),
            "end": iso(end),
            "class": explored.labels,
            "class_stability": [round(stability.get(int(k), np.nan), 4) for k in explored.labels],
            "novelty": np.round(explored.novelty, 4),
        },
        columns=list(SEGMENTS),
    )


def classes(
    recording: xr.DataArray,
    explored: Explored,
    solution: ClusterSolution | None,
    consensus: Mapping[int | None, tuple[Interval, float]],
    stability: Mapping[int, float],
    names: Mapping[str, str],
) -> pd.DataFrame:
    """Return one row per class: size, stability, agreement of stations, level and time span."""
    start, end = spans_of(recording, explored)
    density, frequency = explored.density_db(), explored.frequency_hz
    median = np.median(density, axis=0)
    rows = []
    present = np.unique(explored.labels)
    for name in [*present[present != UNASSIGNED], *present[present == UNASSIGNED]]:
        mine = explored.labels == name
        overlap = solution.stability.get(int(name)) if solution is not None else None
        kappa, null = consensus.get(int(name), (None, np.nan))
        peak = np.median(density[mine], axis=0) - (median if name != 0 else 0)
        rows.append(
            {
                "class": int(name),
                "name": names.get(str(name), ""),
                "n_windows": int(mine.sum()),
                "share": mine.mean(),
                "stability": overlap.value if overlap else stability.get(int(name), np.nan),
                "stability_low": overlap.low if overlap else np.nan,
                "stability_high": overlap.high if overlap else np.nan,
                "stability_null": solution.stability_null if solution and overlap else np.nan,
                "agreement": kappa.value if kappa else np.nan,
                "agreement_low": kappa.low if kappa else np.nan,
                "agreement_high": kappa.high if kappa else np.nan,
                "agreement_null": null,
                "trusted": "true" if solution is not None and int(name) in solution.trusted else "false",
                "peak_hz": frequency[peak.argmax()],
                "median_novelty": np.median(explored.novelty[mine]),
                "median_level_db": np.median(explored.level_db[mine]),
                "first": iso(start[mine].min()[None])[0],
                "last": iso(end[mine].max()[None])[0],
                "n_stations": np.unique(explored.table.site[mine]).size,
            }
        )
    return pd.DataFrame(rows).round(4)


def novelty_list(recording: xr.DataArray, explored: Explored) -> pd.DataFrame:
    """Return the windows of highest novelty, with the share of false alarms among them."""
    order = np.argsort(-explored.novelty, kind="stable")[: explored.options.novelty.max_listed]
    rates = false_alarm_rates(explored.p_value)[order]
    nearest, distance = nearest_windows(explored.points[order], explored.points, 2)
    other = np.where(nearest[:, 0] == order, 1, 0) if nearest.shape[1] > 1 else np.zeros(len(order), int)
    start, end = spans_of(recording, explored)
    return pd.DataFrame(
        {
            "rank": np.arange(1, len(order) + 1),
            "window": order,
            "seed_id": [explored.sites[site].name for site in explored.table.site[order]],
            "start": iso(start[order]),
            "end": iso(end[order]),
            "novelty": np.round(explored.novelty[order], 4),
            "p_value": np.round(explored.p_value[order], 6),
            "false_alarm_rate": np.round(rates, 4),
            "class": explored.labels[order],
            "nearest_window": nearest[np.arange(len(order)), other],
            "nearest_distance": np.round(distance[np.arange(len(order)), other], 4),
        }
    )


def similar_list(recording: xr.DataArray, explored: Explored, found: SimilarWindows) -> pd.DataFrame:
    """Return the query windows with rank 0, then the windows most similar to them, most similar first."""
    queries = np.unique(found.query)
    rows = np.concatenate([queries, found.rows])
    start, end = spans_of(recording, explored)
    return pd.DataFrame(
        {
            "rank": np.concatenate([np.zeros(len(queries), int), np.arange(1, len(found.rows) + 1)]),
            "window": rows,
            "seed_id": [explored.sites[site].name for site in explored.table.site[rows]],
            "start": iso(start[rows]),
            "end": iso(end[rows]),
            "distance": np.round(np.concatenate([np.zeros(len(queries)), found.distance]), 4),
            "query_window": np.concatenate([queries, found.query]),
            "class": explored.labels[rows],
            "novelty": np.round(explored.novelty[rows], 4),
        }
    )


def multiplets(recording: xr.DataArray, explored: Explored, members: Iterable[Member]) -> pd.DataFrame:
    """Return one row per member of a multiplet."""
    start, end = spans_of(recording, explored)
    columns: dict[str, list[Any]] = {
        name: []
        for name in ("multiplet", "window", "seed_id", "start", "end", "correlation", "lag_s", "template")
    }
    for member in members:
        values = (
            member.multiplet,
            member.row,
            explored.sites[explored.table.site[member.row]].name,
            *iso(np.array([start[member.row], end[member.row]])),
            round(member.correlation, 4),
            round(member.lag / explored.grid.rate, 4),
            "true" if member.is_template else "false",
        )
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
    return pd.DataFrame(columns)
