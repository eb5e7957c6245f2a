"""Waveforms and scores small enough for a page: before, after, and through time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.denoise import Denoiser
from selfseis.detect import Detector, Event
from selfseis.detect.catalogue import iso
from selfseis.detect.scan import Scan
from selfseis.recording import is_fibre, sample_times, sampling_rate, start_time
from selfseis.recording.atomic import replacing
from selfseis.recording.conditioning import Conditioner

MOST_SNIPPETS = 20
LONGEST_SNIPPET = 12_000  # samples
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
    best = sorted(events, key=lambda event: -event.score)[:MOST_SNIPPETS]
    middle = _index(recording, best[0].peak) if best else recording.sizes["time"] // 2
    window = _around(recording, middle, middle, LONGEST_SNIPPET)
    title = "The whole record" if window == (0, recording.sizes["time"]) else "Around the highest score"
    _write(
        folder / "overview.nc", _picture(recording, conditioner, clean, window, OVERVIEW), {"title": title}
    )
    for event in best:
        begin, end = _index(recording, event.start), _index(recording, event.end)
        reach = min(end - begin, LONGEST_SNIPPET)
        peak = _index(recording, event.peak)
        window = _around(
            recording, max(begin, peak - reach), min(end, peak + reach), LONGEST_SNIPPET, reach // 2
        )
        known = {"title": event.event_id, "event_start": iso(event.start), "event_end": iso(event.end)}
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


def _coverage(scan: Scan, recording: xr.DataArray) -> tuple[NDArray, NDArray[np.float32]]:
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


def _extremes(data: NDArray, step: int) -> NDArray[np.float32]:
    """Keep the sample of largest amplitude of every `step`, so that onsets survive."""
    n_times = data.shape[1] // step
    blocks = data[:, : n_times * step].reshape(len(data), n_times, step)
    largest = np.argmax(np.nan_to_num(np.abs(blocks), nan=-1), axis=2)
    return np.take_along_axis(blocks, largest[..., None], axis=2)[..., 0].astype(np.float32)


def _write(path: Path, dataset: xr.Dataset, attrs: dict[str, str]) -> None:
    dataset = dataset.assign_attrs({**dataset.attrs, **attrs})
    with replacing(path) as temporary:
        dataset.to_netcdf(temporary, engine="h5netcdf")
