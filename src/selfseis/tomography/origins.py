"""Identity of events: one origin each, and events that two bulletins list under different names."""

from __future__ import annotations

import numpy as np
import pandas as pd

from selfseis.quality_log import QualityLog
from selfseis.tomography.options import ScreeningOptions

ORIGIN = ["event_time", "event_latitude", "event_longitude", "event_depth_km"]
DECIMALS = {"event_latitude": 4, "event_longitude": 4, "event_depth_km": 3}


def with_one_origin_each(arrivals: pd.DataFrame, quality_log: QualityLog, source: str) -> pd.DataFrame:
    """Return arrivals whose events have one origin each: rows with another origin are another event.

    A travel time belongs to its origin, so that rows of one name and several origins cannot be one event. An event
    without a name is named by its origin.

    Parameters
    ----------
    arrivals : pandas.DataFrame
        Table with the columns of `selfseis.tomography.arrivals.COLUMNS`.
    quality_log : QualityLog
    source : str
        Name of the file in the log.
    """
    if arrivals.empty:
        return arrivals
    keys = arrivals[ORIGIN].round(DECIMALS)
    keys["event_time"] = keys["event_time"].astype("datetime64[us]").dt.round("ms")
    origin = keys.groupby(ORIGIN, dropna=False, sort=False).ngroup()
    name = arrivals["event_id"].where(arrivals["event_id"] != "", "origin")
    size = origin.groupby([name, origin]).transform("size")
    # The most frequent origin keeps the name; the others are numbered in the order of the file.
    order = pd.DataFrame({"name": name, "origin": origin, "size": -size}).drop_duplicates(["name", "origin"])
    order = order.sort_values(["name", "size"], kind="stable")
    order["rank"] = order.groupby("name").cumcount()
    rank = order.set_index(["name", "origin"])["rank"]
    of_row = rank.reindex(pd.MultiIndex.from_arrays([name, origin])).to_numpy()
    n_other = int(((of_row > 0) & (arrivals["event_id"] != "").to_numpy()).sum())
    if n_other:
        named = name[of_row > 0].iloc[0]
        detail = (
            f"rows whose origin differs from that of most rows of their event, such as {named}: another event"
        )
        quality_log.add("several_origins", source, detail, n_other)
    suffix = pd.Series(of_row, arrivals.index).map(lambda number: f"#{number + 1}" if number else "")
    return arrivals.assign(event_id=name + suffix)


def merge_twins(
    arrivals: pd.DataFrame,
    quality_log: QualityLog,
    source: str,
    options: ScreeningOptions = ScreeningOptions(),
) -> pd.DataFrame:
    """Return arrivals with one event where several events share their readings, as in merged bulletins.

    Otherwise an event that is held out would be seen in its twin. Events are one if they lie close together and have
    the same times of arrival at the same stations. The one with the most arrivals keeps its origin, and the travel
    times of the others are counted from it.

    Parameters
    ----------
    arrivals : pandas.DataFrame
        Result of `with_one_origin_each`. Events without a time are never merged.
    quality_log : QualityLog
        Names the events.
    source : str
    options : ScreeningOptions
        Number of common readings, and their difference in seconds.
    """
    twins = _twins(arrivals, options)
    if not twins:
        return arrivals
    first = arrivals.drop_duplicates("event_id").set_index("event_id")
    kept = arrivals["event_id"].map(lambda event: twins.get(event, event))
    moved = kept != arrivals["event_id"]
    shift = (arrivals["event_time"] - kept.map(first["event_time"])).dt.total_seconds()
    merged = arrivals.assign(event_id=kept)
    merged.loc[moved, "travel_time_s"] += shift[moved]
    for column in ORIGIN:
        merged[column] = merged["event_id"].map(first[column])
    some = next(iter(twins.items()))
    detail = (
        f"events with the same readings as another, such as {some[0]} and {some[1]}: merged, with the origin that has "
        "more arrivals"
    )
    quality_log.add("duplicate_event", source, detail, len(twins))
    return merged[(merged["travel_time_s"] > 0) | ~moved]


def _twins(arrivals: pd.DataFrame, options: ScreeningOptions) -> dict[str, str]:
    """Return the name of the event that each twin belongs to."""
    size = arrivals.groupby("event_id").size()
    leader = {event: event for event in size.index}

    def root(event: str) -> str:
        while leader[event] != event:
            leader[event] = leader[leader[event]]
            event = leader[event]
        return event

    place = arrivals.groupby("event_id")[["event_latitude", "event_longitude"]].first()
    common = _common_readings(arrivals, options)
    for (one, other), n_common in common.items():
        enough = max(options.min_twin_arrivals, options.min_twin_share * min(size[one], size[other]))
        if n_common >= enough and root(one) != root(other) and _are_near(place, one, other, options):
            large, small = sorted((root(one), root(other)), key=lambda event: (-size[event], event))
            leader[small] = large
    return {event: root(event) for event in leader if root(event) != event}


def _are_near(place: pd.DataFrame, one: str, other: str, options: ScreeningOptions) -> bool:
    """Return whether two events are so near that agencies may have located one event at both places."""
    first, second = (place.loc[event].to_numpy(float) for event in (one, other))
    north, turn = first[0] - second[0], (first[1] - second[1] + 180) % 360 - 180
    return bool(np.hypot(north, turn * np.cos(np.radians(first[0]))) < options.max_twin_deg)


def _common_readings(arrivals: pd.DataFrame, options: ScreeningOptions) -> dict[tuple[str, str], int]:
    """Return the number of common readings of each pair of events that has any."""
    timed = arrivals[arrivals["event_time"].notna()]
    by_event = timed.groupby("event_id")["event_time"].first()
    if by_event.nunique() < max(len(by_event) / 4, 2):  # made-up times, which all events share
        return {}
    microseconds = timed["event_time"].astype("datetime64[us]").astype("int64").to_numpy()
    start = microseconds.min()
    table = pd.DataFrame(
        {
            "reading": timed["station"].astype(str) + " " + timed["phase"].astype(str),
            "seconds": (microseconds - start) / 1e6 + timed["travel_time_s"].to_numpy(float),
            "event": timed["event_id"].astype(str),
        }
    ).sort_values(["reading", "seconds"], kind="stable")
    pairs: list[np.ndarray] = []
    reading, seconds, event = (table[name].to_numpy() for name in ("reading", "seconds", "event"))
    for step in range(1, 4):  # the readings of up to four bulletins follow each other
        near = (reading[step:] == reading[:-step]) & (seconds[step:] - seconds[:-step] <= options.max_twin_s)
        near &= event[step:] != event[:-step]
        pairs.append(np.sort(np.stack([event[:-step][near], event[step:][near]], axis=1).astype(str), axis=1))
    found, counts = np.unique(np.concatenate(pairs), axis=0, return_counts=True)
    return {(str(one), str(other)): int(n) for (one, other), n in zip(found, counts, strict=True)}
