"""Snippets of waveforms and a timeline of scores, small enough for a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.catalogue.records import Event, format_utc
from selfseis.consensus.agreement import Consensus
from selfseis.consensus.common_events import CommonEvent
from selfseis.denoise import Denoiser
from selfseis.detect import Detector
from selfseis.detect.scan import Scan
from selfseis.io.atomic import replacing
from selfseis.pick.high_pass import CausalHighPass
from selfseis.pick.moveout_support import is_long_fibre
from selfseis.recording import is_fibre, sample_times, sampling_rate, start_time
from selfseis.recording.components import channel_name
from selfseis.recording.preprocessing import Conditioner
from selfseis.typing import Float32Array
from selfseis.workflow.picked_recording import PickedRecording

MAX_SNIPPETS = 20
MAX_SNIPPET = 12_000  # samples
OVERVIEW = (400, 2000)  # channels, samples of a picture
SNIPPET = (240, 900)
TIMELINE_POINTS = 20_000
COVERAGE_BINS = 400


def write_snippets(
    folder: Path,
    recording: xr.DataArray,
    conditioner: Conditioner,
    denoiser: Denoiser | None,
    events: list[Event],
) -> None:
    """Write an overview and the best events, before and after denoising, as ``snippets/*.nc``.

    Parameters
    ----------
    folder : Path
        The folder of results.
    recording : xarray.DataArray
        The recording.
    conditioner : Conditioner
        The band-pass of the pictures.
    denoiser : Denoiser or None
        What makes *after*; None leaves it out.
    events : list of Event
        The events; the twenty of highest score are drawn.
    """
    clean = denoiser.transform(recording) if denoiser is not None else None
    best = sorted(events, key=lambda event: -event.score)[:MAX_SNIPPETS]
    middle = _index(recording, best[0].peak) if best else recording.sizes["time"] // 2
    window = _around(recording, middle, middle, MAX_SNIPPET)
    title = "The whole record" if window == (0, recording.sizes["time"]) else "Around the highest score"
    _write(
        folder / "overview.nc", _picture(recording, conditioner, clean, window, OVERVIEW), {"title": title}
    )
    for event in best:
        begin, end = _index(recording, event.start), _index(recording, event.end)
        reach = min(end - begin, MAX_SNIPPET)
        peak = _index(recording, event.peak)
        window = _around(recording, max(begin, peak - reach), min(end, peak + reach), MAX_SNIPPET, reach // 2)
        known = {
            "title": event.event_id,
            "event_start": format_utc(event.start, "ms"),
            "event_end": format_utc(event.end, "ms"),
        }
        _write(
            folder / f"{event.event_id}.nc", _picture(recording, conditioner, clean, window, SNIPPET), known
        )


def write_timeline(path: Path, recording: xr.DataArray, detector: Detector) -> None:
    """Write the detector's score and where there were data through time, as NetCDF.

    Parameters
    ----------
    path : Path
        File to write.
    recording : xarray.DataArray
        The recording.
    detector : Detector
        A fitted detector.
    """
    scan = detector.scan_
    step = max(1, -(-len(scan.score) // TIMELINE_POINTS))
    starts = np.arange(0, len(scan.score), step)
    score = np.maximum.reduceat(np.nan_to_num(scan.score, nan=-np.inf), starts)
    bins, coverage = _coverage(scan, recording)
    timeline = xr.Dataset(
        {
            "score": ("time", np.where(np.isfinite(score), score, np.nan).astype(np.float32)),
            "coverage": (("group", "bin"), coverage),
        },
        coords={"time": sample_times(recording, scan.first[starts]), "group": scan.groups, "bin": bins},
        attrs={
            "threshold": detector.threshold_,
            "score_name": detector.scanner_.name,
            "false_alarms_per_day": detector.false_alarms_per_day,
        },
    )
    _write(path, timeline, {})


def _coverage(scan: Scan, recording: xr.DataArray) -> tuple[NDArray, Float32Array]:
    n_samples = recording.sizes["time"]
    n_bins = int(np.clip(n_samples // scan.hop, 1, COVERAGE_BINS))
    edges = np.linspace(0, n_samples, n_bins + 1)
    which = np.clip(np.searchsorted(edges, scan.first, side="right") - 1, 0, n_bins - 1)
    filled = np.stack([np.bincount(which, weights=row, minlength=n_bins) for row in scan.present])
    coverage = np.minimum(filled * scan.hop / np.maximum(np.diff(edges), scan.hop), 1)
    return sample_times(recording, edges[:-1].astype(np.int64)), coverage.astype(np.float32)


def _index(recording: xr.DataArray, moment: np.datetime64) -> int:
    seconds = (moment - start_time(recording)) / np.timedelta64(1, "ns") * 1e-9
    return int(np.clip(round(seconds * sampling_rate(recording)), 0, recording.sizes["time"] - 1))


def _around(
    recording: xr.DataArray, first: int, last: int, longest: int, margin: int | None = None
) -> tuple[int, int]:
    margin = (longest - (last - first)) // 2 if margin is None else margin
    return max(0, first - max(margin, 64)), min(recording.sizes["time"], last + max(margin, 64))


def _picture(
    recording: xr.DataArray,
    conditioner: Conditioner,
    clean: xr.DataArray | None,
    window: tuple[int, int],
    size: tuple[int, int],
) -> xr.Dataset:
    first, last = window
    begin, end = max(0, first - conditioner.halo), min(recording.sizes["time"], last + conditioner.halo)
    raw = np.asarray(recording.variable.isel(time=slice(begin, end)).values, np.float32)
    data, valid = conditioner(raw)
    before = np.where(valid, conditioner.restore(data), np.nan)[:, first - begin : last - begin]
    every = max(1, -(-len(before) // size[0]))
    step = max(1, -(-before.shape[1] // size[1]))
    key = "distance" if is_fibre(recording) else "seed_id"
    n_times = before.shape[1] // step
    variables = {"before": (("channel", "time"), _extremes(before[::every], step))}
    if clean is not None:
        after = np.asarray(clean.variable.isel(time=slice(first, last)).values)
        variables["after"] = (("channel", "time"), _extremes(after[::every], step))
    return xr.Dataset(
        variables,
        coords={
            "time": sample_times(recording, first + step * np.arange(n_times)),
            key: ("channel", recording[key].values[::every]),
        },
        attrs={"units": recording.attrs.get("units", ""), "band_hz": list(conditioner.band)},
    )


def _extremes(data: NDArray, step: int) -> Float32Array:
    """Keep the sample of largest amplitude of every `step`, so that onsets survive."""
    n_times = data.shape[1] // step
    blocks = data[:, : n_times * step].reshape(len(data), n_times, step)
    largest = np.argmax(np.nan_to_num(np.abs(blocks), nan=-1), axis=2)
    return np.take_along_axis(blocks, largest[..., None], axis=2)[..., 0].astype(np.float32)


def _write(path: Path, dataset: xr.Dataset, attrs: dict[str, str]) -> None:
    dataset = dataset.assign_attrs({**dataset.attrs, **attrs})
    with replacing(path) as temporary:
        dataset.to_netcdf(temporary, engine="h5netcdf")


MAX_CONSENSUS, MAX_UNCONFIRMED = 12, 6
MAX_STATIONS = 6
MAX_OF_FIBRE, MAX_CHANNELS = 6, 240
BEFORE, AFTER = 500, 800  # samples about the onsets of a window
MAX_TRACE_SAMPLES = 12_000
LENGTH_OF_FIBRE = 3000  # samples of a window of a fibre
KEPT_SHARE = 0.25  # of the null among the common events that are drawn
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
    consensus: Consensus,
    *,
    band: tuple[float, float] | None = None,
) -> None:
    """Write waveforms of events of the consensus and of picks that no other station confirms.

    Parameters
    ----------
    folder : Path
        Output folder, which is replaced.
    picked : PickedRecording
        Recording and picks.
    consensus : Consensus
        Consensus across stations.
    band : tuple of float, optional
        Pass band of the waveforms in Hz; by default that of the picker.
    """
    if is_long_fibre(picked.recording, picked.options.moveout):
        windows = _of_fibre(picked)
    else:
        kept = consensus.kept(KEPT_SHARE)
        windows = [_of_event(picked, event) for event in spread(kept, MAX_CONSENSUS)]
        windows += _unconfirmed(picked, kept)
    high_pass = CausalHighPass.measure(picked.recording, band, picked.options.filter)
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
    stations = tuple(spread(range(len(picked.stations)), MAX_CHANNELS))
    at = np.sort(picked.times[picked.station_numbers >= 0]) * picked.rate
    firsts: list[float] = []
    for time in at:
        if not firsts or time > firsts[-1] + LENGTH_OF_FIBRE - BEFORE:
            firsts.append(time)
    windows = []
    for first in spread(firsts, MAX_OF_FIBRE):
        n_picks = int(np.sum((at >= first - BEFORE) & (at < first - BEFORE + LENGTH_OF_FIBRE)))
        about = f"{n_picks} picks on {len(picked.stations)} channels; {len(stations)} channels are drawn."
        begin, end = first / picked.rate, (first - BEFORE + LENGTH_OF_FIBRE - AFTER) / picked.rate
        windows.append(_window(picked, stations, begin, end, "picks along the fibre", about))
    return windows


def _of_event(picked: PickedRecording, event: CommonEvent) -> Window:
    onsets = sorted(event.onsets, key=lambda onset: onset.p_time)[:MAX_STATIONS]
    first, last = onsets[0].p_time, max(onset.s_time for onset in onsets)
    n_stations = len(event.onsets)
    shown = "" if len(onsets) == n_stations else f", the first {len(onsets)} shown"
    about = f"Consensus of {n_stations} stations on P and S{shown}; score {event.score:.1f}."
    return _window(picked, tuple(onset.station for onset in onsets), first, last, "consensus", about)


def _unconfirmed(picked: PickedRecording, positives: Sequence[CommonEvent]) -> list[Window]:
    """Return windows around picks that belong to no event of the consensus."""
    of_events = {
        (onset.station, round(time, 3))
        for event in positives
        for onset in event.onsets
        for time in (onset.p_time, onset.s_time)
    }
    lone = [
        place
        for place, (number, time) in enumerate(zip(picked.station_numbers, picked.times, strict=True))
        if number >= 0 and (number, round(time, 3)) not in of_events
    ]
    windows = []
    for place in spread(lone, MAX_UNCONFIRMED):
        pick, time = picked.picks[place], picked.times[place]
        about = f"{pick.phase} with a probability of {pick.probability:.2f}; no other station confirms it."
        windows.append(
            _window(picked, (int(picked.station_numbers[place]),), time, time, "unconfirmed", about)
        )
    return windows


def _window(
    picked: PickedRecording, stations: tuple[int, ...], begin: float, end: float, kind: str, about: str
) -> Window:
    n_samples = picked.recording.sizes["time"]
    first = max(0, round(begin * picked.rate) - BEFORE)
    last = min(n_samples, max(round(end * picked.rate) + AFTER, first + BEFORE), first + MAX_TRACE_SAMPLES)
    moment = format_utc(sample_times(picked.recording, min(round(begin * picked.rate), n_samples - 1)), "ms")
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
