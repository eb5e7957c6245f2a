"""Epochs of channels in StationXML: position and response are those of the time at which the data were recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from selfseis.geo.response_units import motion_units
from selfseis.geo.sphere import distances_km
from selfseis.geo.station_files import Site
from selfseis.quality_log import QualityLog

Spans = Sequence[tuple[int, int]]
_NOTABLE_SHARE = 0.01  # of the data outside of the epoch used; rounded times of records reach a little beyond
_NOTABLE_KM = 0.01


class ChannelEpoch(NamedTuple):
    """Site and response of a channel during a span of time, in ns since 1970 UTC."""

    start_ns: int
    end_ns: int
    site: Site
    response: Any = None

    def overlap_ns(self, spans: Spans) -> int:
        """Return the length of the data within the epoch."""
        return sum(max(0, min(last, self.end_ns) - max(first, self.start_ns)) for first, last in spans)

    def distance_ns(self, spans: Spans) -> int:
        """Return the time between the epoch and the nearest data, 0 if they overlap."""
        return min(max(0, first - self.end_ns, self.start_ns - last) for first, last in spans)


def epochs_of(inventory: Any, seed_id: str) -> list[ChannelEpoch]:
    """Return the epochs of a channel, or else those of its station, which have no response, in order of time.

    Parameters
    ----------
    inventory : obspy.Inventory
        Stations with or without channels.
    seed_id : str
        "NET.STA.LOC.CHA".
    """
    network, station, location, channel = (*seed_id.split("."), "", "", "")[:4]
    found = inventory.select(network=network, station=station, location=location, channel=channel)
    entries = [entry for net in found for sta in net for entry in sta]
    if not entries:
        entries = [sta for net in inventory.select(network=network, station=station) for sta in net]
    return sorted((epoch_of(entry) for entry in entries), key=lambda epoch: epoch.start_ns)


def response_at(inventory: Any, seed_id: str, time_ns: int) -> Any:
    """Return the ObsPy response of a channel at a time; None if no epoch holds the time or it has no response.

    Parameters
    ----------
    inventory : obspy.Inventory
        Channels with responses.
    seed_id : str
        "NET.STA.LOC.CHA".
    time_ns : int
        In ns since 1970 UTC. Of several epochs that hold it, the one that begins last counts.
    """
    running = [epoch for epoch in epochs_of(inventory, seed_id) if epoch.start_ns <= time_ns < epoch.end_ns]
    return max(running, key=lambda epoch: epoch.start_ns).response if running else None


def sites_from_inventory(
    inventory: Any, spans: Mapping[str, Spans], quality_log: QualityLog | None = None
) -> dict[str, Site]:
    """Return the sites of channels, each from the epoch that holds most of its data.

    Parameters
    ----------
    inventory : obspy.Inventory
        Stations, with or without channels.
    spans : mapping
        Spans with data of each seed_id, first and last time in ns since 1970 UTC.
    quality_log : QualityLog, optional
        Receives changes of position or response within the data, and data outside of all epochs.

    Returns
    -------
    dict
        Site by seed_id, with the sensitivity per m, m/s or m/s**2; channels that the inventory does not hold are
        left out.
    """
    quality_log = QualityLog() if quality_log is None else quality_log
    sites = {}
    for seed_id, of_channel in spans.items():
        if epochs := epochs_of(inventory, seed_id):
            sites[seed_id] = _site_during(seed_id, epochs, of_channel, quality_log)
    return sites


def _site_during(seed_id: str, epochs: list[ChannelEpoch], spans: Spans, quality_log: QualityLog) -> Site:
    total = sum(last - first for first, last in spans)
    used = max(epochs, key=lambda epoch: (epoch.overlap_ns(spans), epoch.start_ns))
    if not used.overlap_ns(spans):
        used = min(epochs, key=lambda epoch: epoch.distance_ns(spans))
        detail = f"no epoch of the StationXML holds the data: position of {_dates(used)}, response unknown"
        quality_log.add("assumed", seed_id, detail)
        return used.site._replace(sensitivity=np.nan, input_units="")
    for other in epochs:
        if other.overlap_ns(spans) > _NOTABLE_SHARE * total and (change := _change(used.site, other.site)):
            detail = (
                f"{change} in the StationXML between {_dates(used)} and {_dates(other)}: the coordinates are those "
                "of the former, amplitudes have the response of their time; open the spans apart with --start, --end"
            )
            quality_log.add("assumed", seed_id, detail)
    outside = total - sum(epoch.overlap_ns(spans) for epoch in epochs)
    if outside > _NOTABLE_SHARE * total:
        detail = (
            f"{outside / total:.0%} of the data lie outside all epochs of the StationXML: no response there"
        )
        quality_log.add("assumed", seed_id, detail)
    return used.site


def _change(one: Site, other: Site) -> str:
    """Describe the differences of two epochs; empty without one."""
    km = float(distances_km([one.latitude, other.latitude], [one.longitude, other.longitude])[0, 1])
    changes = [f"the position moves by {km:.3g} km"] if km > _NOTABLE_KM else []
    if one.sensitivity != other.sensitivity and np.isfinite([one.sensitivity, other.sensitivity]).any():
        changes.append(f"the sensitivity changes from {one.sensitivity:.4g} to {other.sensitivity:.4g}")
    if one.input_units != other.input_units:
        changes.append(f"the units change from {one.input_units} to {other.input_units}")
    return " and ".join(changes)


def _dates(epoch: ChannelEpoch) -> str:
    first, last = (
        "..." if abs(ns) == _FOREVER else str(np.datetime64(ns, "ns").astype("datetime64[s]"))
        for ns in (epoch.start_ns, epoch.end_ns)
    )
    return f"the epoch {first} to {last}"


_FOREVER = 2**62  # ns; beyond the years of the StationXML


def epoch_at(epochs: Sequence[ChannelEpoch], time_ns: int | None) -> ChannelEpoch:
    """Return the last epoch that holds a time, or else the one nearest to it; without a time the last of all."""
    in_order = sorted(epochs, key=lambda epoch: epoch.start_ns)
    if time_ns is None:
        return in_order[-1]
    return min(reversed(in_order), key=lambda epoch: epoch.distance_ns([(time_ns, time_ns)]))


def epoch_of(entry: Any) -> ChannelEpoch:
    """Return the epoch of an ObsPy channel or station."""
    start, end = (getattr(date, "_ns", None) for date in (entry.start_date, entry.end_date))
    response = getattr(entry, "response", None)
    return ChannelEpoch(
        -_FOREVER if start is None else max(int(start), -_FOREVER),
        _FOREVER if end is None else min(int(end), _FOREVER),
        Site(float(entry.latitude), float(entry.longitude), float(entry.elevation), *_sensitivity(response)),
        response,
    )


def _sensitivity(response: Any) -> tuple[float, str]:
    """Return counts per SI unit and this unit, or per the unit as it is spelled if it is no ground motion."""
    stated = getattr(response, "instrument_sensitivity", None)
    value = float(getattr(stated, "value", None) or np.nan)
    spelled = str(getattr(stated, "input_units", None) or "")
    units = motion_units(spelled)
    return (value, spelled) if units is None else (value * units.per_si, units.si_name)
