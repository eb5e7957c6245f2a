"""A description of recordings before any job: what was found, how it was understood, and what is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr
from rich.console import Console

from selfseis.catalogue.records import format_utc
from selfseis.geo.channel_epochs import response_at
from selfseis.quality_log import CHANGED_NUMBERS, LOST_UNITS, QualityLog, quality_log_of
from selfseis.recording import is_fibre, sample_times, sampling_rate
from selfseis.recording.coverage import covered_tiles, stretches
from selfseis.recording.inventory import inventory_of
from selfseis.recording.sensors import describe_sensors, station_names
from selfseis.typing import IntArray
from selfseis.workflow.results import progress_bar

_TILE_VALUES = 16_000_000  # values in memory at a time: 64 MB
_NAMED = 5  # channels or stations that a line names
_LOSSES = LOST_UNITS | {
    "damaged",
    "truncated",
    "header_mismatch",
    "dead",
    "clipped",
    "filled",
    "nan",
    "conflict",
}
_ASSUMED = CHANGED_NUMBERS | {"offset", "shifted", "far_in_time", "no_coordinates"}


@dataclass(frozen=True)
class Check:
    """Description of a recording.

    Attributes
    ----------
    lines : list of str
        The description, one item a line.
    failed_units : list of str
        Files and channels that are lost, wholly or in part.
    """

    lines: list[str]
    failed_units: list[str]


def check_recording(
    recording: xr.DataArray, *, headers_only: bool = False, console: Console | None = None
) -> Check:
    """Describe a recording, and read all of it to find damaged and dead samples.

    Parameters
    ----------
    recording : xarray.DataArray
        As `open_recording` returns it.
    headers_only : bool
        Whether the samples are left unread; damaged and dead ones are then not found.
    console : Console, optional
        Terminal for a progress bar.

    Returns
    -------
    Check

    Examples
    --------
    >>> from selfseis.simulate import simulate_noise_recording
    >>> from selfseis.workflow.check import check_recording
    >>> recording = simulate_noise_recording("white", "network", 1 / 360, 50.0, 4, seed=1)
    >>> check_recording(recording).failed_units
    []
    """
    lines = [_extent(recording)]
    if not headers_only:
        lines.append(_usable(recording, console))
    if not is_fibre(recording):
        lines += _stations(recording)
    log = quality_log_of(recording)
    lines += _issues(log)
    return Check(lines, log.failed_units)


def _extent(recording: xr.DataArray) -> str:
    n_channels, n_samples = recording.shape
    start, end = (format_utc(time, "ms") for time in sample_times(recording, [0, max(n_samples - 1, 0)]))
    units = recording.attrs.get("units") or "unknown units"
    where = ""
    if is_fibre(recording):
        distance = recording["distance"].values
        where = f" on a fibre from {distance[0]:g} to {distance[-1]:g} m"
        where += (
            f", gauge length {recording.attrs['gauge_length']:g} m"
            if "gauge_length" in recording.attrs
            else ""
        )
    return f"{n_channels} channels{where}, {sampling_rate(recording):g} Hz, {start} to {end} UTC, {units}"


def _usable(recording: xr.DataArray, console: Console | None) -> str:
    """Return the share of usable samples, and the channels with the lowest share."""
    n_usable: IntArray = np.zeros(recording.sizes["channel"], dtype=np.int64)
    core = max(1000, _TILE_VALUES // max(1, recording.sizes["channel"]))
    with progress_bar("reading", console) as progress:
        for tile in covered_tiles(recording, core):
            n_usable += np.isfinite(tile.data).sum(axis=1)
            progress(tile.first + tile.n_core, recording.sizes["time"])
    share = n_usable / max(1, sum(last - first for first, last in stretches(recording)))
    names = _channel_names(recording)
    lowest = [
        f"{names[k]} {share[k]:.1%}" for k in np.argsort(share, kind="stable")[:_NAMED] if share[k] < 0.999
    ]
    return f"usable samples: {share.mean():.1%} of the time with data" + (
        f"; least: {', '.join(lowest)}" if lowest else ""
    )


def _channel_names(recording: xr.DataArray) -> list[str]:
    if is_fibre(recording):
        return [f"{metres:g} m" for metres in recording["distance"].values]
    return [str(seed_id) for seed_id in recording["seed_id"].values]


def _stations(recording: xr.DataArray) -> Iterator[str]:
    """Yield the sensors and their components, and what is known of their places and responses."""
    seed_ids = _channel_names(recording)
    sensors = describe_sensors(seed_ids)
    yield f"{len(sensors)} sensors:"
    yield from (f"  {line}" for line in sensors)
    names = np.array(station_names(seed_ids), dtype=str)
    known = np.zeros(len(names), dtype=bool)
    if {"latitude", "longitude"} <= set(recording.coords):
        known = np.isfinite(recording["latitude"].values) & np.isfinite(recording["longitude"].values)
    yield "coordinates: " + _known(list(dict.fromkeys(names)), set(names[known]))
    inventory = inventory_of(recording)
    responses = {}
    if inventory is not None:
        start = int(sample_times(recording, 0).astype(np.int64))
        responses = {seed_id: response_at(inventory, seed_id, start) for seed_id in seed_ids}
    units = Counter(_input_units(response) for response in responses.values() if response is not None)
    shown = ", ".join(f"{number} in {unit}" for unit, number in units.most_common())
    found = {seed_id for seed_id, response in responses.items() if response is not None}
    yield "responses: " + _known(seed_ids, found) + (f"; {shown}" if shown else "")


def _known(names: list[str], known: set[str]) -> str:
    missing = [name for name in names if name not in known]
    if not missing:
        return f"all {len(names)}"
    if len(missing) == len(names):
        return "none"
    more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
    return f"{len(names) - len(missing)} of {len(names)}, not of {', '.join(missing[:_NAMED])}{more}"


def _input_units(response: object) -> str:
    sensitivity = getattr(response, "instrument_sensitivity", None)
    return str(getattr(sensitivity, "input_units", None) or "unstated units")


def _issues(log: QualityLog) -> Iterator[str]:
    """Yield the assumptions and changes, the other issues by kind, and every loss with its reason."""
    changes = [issue for issue in log.issues if issue.kind in _ASSUMED]
    if changes:
        yield "assumed or changed:"
        yield from (f"  {issue.unit}: {issue.detail}" for issue in changes)
    others = [line for line in log.summary() if line.partition(":")[0].replace(" ", "_") not in _ASSUMED]
    if others:
        yield "issues:"
        yield from (f"  {line}" for line in others)
    failed = log.failed_units
    ordered = sorted(log.issues, key=lambda issue: issue.kind in _LOSSES)  # the last one of a unit stays
    reasons = {issue.unit: f"{issue.kind.replace('_', ' ')}: {issue.detail}" for issue in ordered}
    if failed:
        yield "lost, wholly or in part:"
        yield from (f"  {unit}: {reasons.get(unit, '')}" for unit in failed)
