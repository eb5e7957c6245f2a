"""Waveforms with picks on them, for the page: a sample spread over what was picked, not the best of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import xarray as xr

from selfseis.pick.agreement import AgreedEvent, Agreement
from selfseis.pick.along_fibre import is_long_fibre
from selfseis.pick.conditioning import CausalHighPass
from selfseis.pick.picks import iso
from selfseis.pick.stations import channel_name
from selfseis.recording import is_fibre, sample_times
from selfseis.recording.atomic import replacing
from selfseis.workflow.picked import PickedRecording

MOST_AGREED, MOST_UNCONFIRMED = 12, 6
MOST_STATIONS = 6
MOST_OF_FIBRE, MOST_CHANNELS = 6, 240
BEFORE, AFTER = 500, 800  # samples about the onsets of a window
LONGEST = 12_000
LENGTH_OF_FIBRE = 3000  # samples of a window of a fibre
KEPT_SHARE = 0.25  # of chance among the agreed events that are drawn

Item = TypeVar("Item")


@dataclass(frozen=True)
class Window:
    """What one picture shows.

    Attributes
    ----------
    stations : tuple of int
        In the order of drawing.
    first, last : int
        Samples.
    title, about : str
        What it is, in a few words and in a sentence.
    """

    stations: tuple[int, ...]
    first: int
    last: int
    title: str
    about: str


def write_pick_snippets(
    folder: Path,
    picked: PickedRecording,
    agreement: Agreement,
    *,
    band: tuple[float, float] | None = None,
) -> None:
    """Write waveforms of events that stations agree on, and of picks that no other station confirms.

    Parameters
    ----------
    folder : Path
        Where to write; what is there is replaced.
    picked : PickedRecording
        Recording and picks.
    agreement : Agreement
        What the stations agree on.
    band : tuple of float, optional
        Pass band of the pictures in Hz; by default that of the picker.
    """
    if is_long_fibre(picked.recording):
        windows = _of_fibre(picked)
    else:
        kept = agreement.kept(KEPT_SHARE)
        windows = [_of_event(picked, event) for event in spread(kept, MOST_AGREED)]
        windows += _unconfirmed(picked, kept)
    high_pass = CausalHighPass.measure(picked.recording, band)
    with replacing(folder) as temporary:
        temporary.mkdir()
        for number, window in enumerate(windows):
            snippet = _snippet(picked, window, high_pass)
            snippet.to_netcdf(temporary / f"{number:02d}.nc", engine="h5netcdf")


def spread(items: Sequence[Item], most: int) -> list[Item]:
    """Return at most some items, evenly spread over all and in their order."""
    if len(items) <= most:
        return list(items)
    return [items[number] for number in np.linspace(0, len(items) - 1, most).round().astype(int)]


def _of_fibre(picked: PickedRecording) -> list[Window]:
    """Return windows of the whole fibre that hold picks, drawn at channels spread along it."""
    stations = tuple(spread(range(len(picked.stations)), MOST_CHANNELS))
    at = np.sort(picked.times[picked.station_numbers >= 0]) * picked.rate
    firsts: list[float] = []
    for time in at:
        if not firsts or time > firsts[-1] + LENGTH_OF_FIBRE - BEFORE:
            firsts.append(time)
    windows = []
    for first in spread(firsts, MOST_OF_FIBRE):
        n_picks = int(np.sum((at >= first - BEFORE) & (at < first - BEFORE + LENGTH_OF_FIBRE)))
        about = f"{n_picks} picks on {len(picked.stations)} channels; {len(stations)} channels are drawn."
        begin, end = first / picked.rate, (first - BEFORE + LENGTH_OF_FIBRE - AFTER) / picked.rate
        windows.append(_window(picked, stations, begin, end, "picks along the fibre", about))
    return windows


def _of_event(picked: PickedRecording, event: AgreedEvent) -> Window:
    onsets = sorted(event.onsets, key=lambda onset: onset.p_time)[:MOST_STATIONS]
    first, last = onsets[0].p_time, max(onset.s_time for onset in onsets)
    n_stations = len(event.onsets)
    shown = "" if len(onsets) == n_stations else f", the first {len(onsets)} shown"
    about = f"{n_stations} stations agree on P and S{shown}; score {event.score:.1f}."
    return _window(picked, tuple(onset.station for onset in onsets), first, last, "agreed", about)


def _unconfirmed(picked: PickedRecording, agreed: Sequence[AgreedEvent]) -> list[Window]:
    """Return windows about picks that are of no agreed event."""
    of_events = {
        (onset.station, round(time, 3))
        for event in agreed
        for onset in event.onsets
        for time in (onset.p_time, onset.s_time)
    }
    lone = [
        place
        for place, (number, time) in enumerate(zip(picked.station_numbers, picked.times, strict=True))
        if number >= 0 and (number, round(time, 3)) not in of_events
    ]
    windows = []
    for place in spread(lone, MOST_UNCONFIRMED):
        pick, time = picked.picks[place], picked.times[place]
        about = f"{pick.phase} with a stated probability of {pick.probability:.2f}, which no other station confirms."
        windows.append(
            _window(picked, (int(picked.station_numbers[place]),), time, time, "unconfirmed", about)
        )
    return windows


def _window(
    picked: PickedRecording, stations: tuple[int, ...], begin: float, end: float, kind: str, about: str
) -> Window:
    n_samples = picked.recording.sizes["time"]
    first = max(0, round(begin * picked.rate) - BEFORE)
    last = min(n_samples, max(round(end * picked.rate) + AFTER, first + BEFORE), first + LONGEST)
    moment = iso(sample_times(picked.recording, min(round(begin * picked.rate), n_samples - 1)))
    places = "channels" if is_fibre(picked.recording) else "stations"
    name = (
        picked.stations[stations[0]].code.rstrip(".") if len(stations) == 1 else f"{len(stations)} {places}"
    )
    return Window(stations, first, last, f"{moment[:10]} {moment[11:21]}, {name}, {kind}", about)


def _snippet(picked: PickedRecording, window: Window, high_pass: CausalHighPass) -> xr.Dataset:
    recording = picked.recording
    rows = [row for number in window.stations for row in picked.stations[number].rows if row is not None]
    begin = max(0, window.first - high_pass.halo)
    raw = np.asarray(recording.variable.isel(channel=rows, time=slice(begin, window.last)).values, np.float32)
    filtered, valid = high_pass.for_channels(np.array(rows))(raw)
    data = np.where(valid, filtered, np.nan)[:, window.first - begin :]
    place = {"seed_id": ("channel", np.array([channel_name(recording, row) for row in rows], str))}
    if is_fibre(recording):
        place["distance"] = ("channel", np.asarray(recording["distance"].values[rows], float))
    at = picked.times * picked.rate
    inside = np.isin(picked.station_numbers, window.stations) & (at >= window.first) & (at <= window.last)
    shown = [picked.picks[place] for place in np.flatnonzero(inside)]
    low, high = high_pass.band or (high_pass.low, None)
    return xr.Dataset(
        {
            "before": (("channel", "time"), data.astype(np.float32)),
            "pick_seed_id": ("pick", np.array([pick.seed_id for pick in shown], str)),
            "pick_phase": ("pick", np.array([pick.phase for pick in shown], str)),
            "pick_time": ("pick", np.array([pick.time for pick in shown], "datetime64[ns]")),
            "pick_probability": ("pick", np.array([pick.probability for pick in shown], float)),
            "pick_sd_s": ("pick", np.array([pick.sd_s for pick in shown], float)),
        },
        {
            "time": sample_times(recording, np.arange(window.first, window.last)),
            **place,
        },
        {
            "title": window.title,
            "about": window.about,
            "units": recording.attrs.get("units", ""),
            "panel": f"Passed from {low:g} Hz" + (f" to {high:g} Hz" if high else " upwards"),
        },
    )
